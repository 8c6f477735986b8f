"""Requests of models that are not ours: one's own pair, and what both libraries ship."""

import json

import pytest

from benchmarks import compare, run
from benchmarks.request.own_pair import model_arguments
from benchmarks.request.request import read_request
from common import shipped
from common.cli import UsageError

SIZE = ["--input-shape", "3,8,8", "--num-classes", "5"]
PAIR = ["--torch", "mine_i18:net", "--paddle", "mine_i18:twin", *SIZE]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    (tmp_path / "mine_i18.py").write_text("def net(): ...\ndef twin(): ...\n")
    (tmp_path / "map.json").write_text(json.dumps({"fc.weight": "head.weight"}))
    (tmp_path / "weights.pth").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def asked(arguments, command=compare):
    return read_request(command._parse(arguments))


def test_a_pair_of_ones_own_is_what_its_flags_say(folder):
    request = asked([*PAIR, "--map", "map.json", "--weights", "weights.pth"])
    assert request.model == "mine_i18:net / mine_i18:twin"
    assert request.weights == folder / "weights.pth"
    pair = request.pair
    assert (pair.foreign, pair.num_classes, pair.input_shape) == (True, 5, (3, 8, 8))
    assert pair.names == {"fc.weight": "head.weight"}
    spec = pair.spec("paddle", precision="fp32", device="cpu")
    assert (spec.source, spec.folder, spec.name) == ("mine_i18:twin", str(folder), "")


def test_one_side_is_enough_for_one_backend():
    request = asked(["--backend", "paddle", "--paddle", "mine_i18:twin", *SIZE], run)
    assert (request.model, dict(request.sources)) == ("mine_i18:twin", {"paddle": "mine_i18:twin"})
    assert asked(["--backend", "torch", *PAIR], run).model == "mine_i18:net"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give --model NAME, or --torch"),
        (["--torch", "mine_i18:net", *SIZE], "--paddle MODULE:CALLABLE is missing"),
        (PAIR[:4], "needs --input-shape C,H,W .or --input. and --num-classes N"),
        ([*PAIR, "--model", "lenet5"], "cannot be combined"),
        (["--model", "lenet5", "--map", "map.json"], "--map belongs to --torch and --paddle"),
        (["--model", "lenet5", "--weights", "weights.pth"], "--weights belongs to"),
        ([*PAIR, "--weights", "nowhere.pth"], "nowhere.pth: no such file"),
        (["--torch", "mine_i18:nett", *PAIR[2:]], "has no 'nett'; it has net, twin"),
        (["--model", "torchvision:resnet19"], "no such network; --list-models"),
        (["--model", "resnet18"], "unknown model 'resnet18'"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments, message):
    with pytest.raises(UsageError, match=message.replace("(", r"\(")):
        asked(arguments)


def test_a_shipped_network_has_both_builders_and_its_usual_size():
    request = asked(["--model", "torchvision:inception_v3"])
    assert (request.model, request.num_classes, request.input_shape) == (
        "torchvision:inception_v3",
        1000,
        (3, 299, 299),
    )
    spec = request.pair.spec("torch", precision="fp32", device="cpu")
    assert (spec.source, spec.folder, spec.options) == ("backends.shipped:torch.inception_v3", "", {})
    fewer = asked(["--model", "torchvision:resnet18", "--num-classes", "7", "--input-shape", "3,64,64"])
    assert fewer.pair.spec("paddle", precision="fp32", device="cpu").options == {"num_classes": 7}


def test_all_models_are_listed_with_parameters_and_what_is_not_the_same(capsys):
    with pytest.raises(SystemExit) as end:
        compare._parse(["--list-models"])
    lines = capsys.readouterr().out.splitlines()
    assert end.value.code == 0
    assert [line.split()[:2] for line in lines if line.startswith(("lenet5 ", "torchvision:resnet18 "))] == [
        ["lenet5", "62,006"],
        ["torchvision:resnet18", "11,689,512"],
    ]
    (googlenet,) = [line for line in lines if "googlenet" in line]
    assert "not the same network: batch normalisation and 3x3" in googlenet
    assert len(lines) == 5 + len(shipped.NETWORKS)


def test_the_table_has_the_parameters_that_torchvision_documents():
    models = pytest.importorskip("torchvision.models")
    documented = {
        name: models.get_model_weights(name).DEFAULT.meta["num_params"] for name in shipped.NETWORKS
    }
    ours = {name: entry.parameters for name, entry in shipped.NETWORKS.items()}
    assert {name for name in ours if ours[name] != documented[name]} == {"inception_v3"}  # no auxiliary head


def test_the_flags_of_a_model_go_on_to_another_command():
    options = compare._parse([*PAIR, "--map", "map.json"])
    again = compare._parse(model_arguments(options))
    assert read_request(again) == read_request(options)
