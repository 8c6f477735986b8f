"""backends.evaluate, predict and convert, on checkpoints of ours and of others."""

import json
import logging
import shutil

import numpy as np
import pytest
from PIL import Image

from backends import convert, evaluate
from common.weights import safetensors_file
from tests.support.commands import ended
from tests.support.training import evaluated, predicted, trained

pytestmark = pytest.mark.usefixtures("one_thread")
AZURICE = ["--model", "lenet5", "--activation", "relu", "--scale", "1", "--pad", "2"]


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """Three classes, one of them with a Chinese name, that differ in brightness."""
    root, rng = tmp_path_factory.mktemp("tree"), np.random.default_rng(0)
    for label, name in enumerate(("dark", "grey", "龙")):
        (root / name).mkdir()
        for number in range(20):
            pixels = rng.integers(90 * label, 90 * label + 60, size=(40, 50, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / name / f"{number:02}.png")
    return root


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return tmp_path_factory.mktemp("runs") / "run"


@pytest.fixture
def finished(run, tree, capsys, torch_backend):
    if not run.exists():
        more = ["--data", str(tree), "--epochs", "8", "--learning-rate", "0.01"]
        assert trained(capsys, "torch", run, *more)[0] == 0
    return run


@pytest.mark.parametrize("name", ["torch", "paddle"])
def test_both_judge_a_checkpoint_alike(finished, tree, capsys, tmp_path, paddle_backend, name):
    outputs = ["--split", "all", "--json", str(tmp_path / "e.json"), "--confusion", str(tmp_path / "c.png")]
    outputs += ["--grid", str(tmp_path / "g.png")]
    code, out, _ = evaluated(capsys, name, finished, "--data", str(tree), *outputs)
    assert code == 0
    result = json.loads((tmp_path / "e.json").read_text())
    assert result["images"] == 60
    assert result["top1_error"] <= 0.1
    assert result["top5_error"] == 0
    assert np.trace(result["confusion_matrix"]) == 60 * (1 - result["top1_error"])
    assert [row["class"] for row in result["per_class"]] == ["dark", "grey", "龙"]
    assert {"loss", "confusion_matrix", "per_class"} <= set(result)
    assert "龙" in out
    for picture in ("c.png", "g.png"):
        Image.open(tmp_path / picture).verify()


def test_a_run_is_judged_by_what_it_was_not_trained_on(finished, tree, capsys, tmp_path, caplog):
    """Its own data are divided as the run did; the same images and one more are other data."""
    target = tmp_path / "e.json"
    _, out, _ = evaluated(capsys, "torch", finished, "--data", str(tree), "--json", str(target))
    assert json.loads(target.read_text())["images"] == 12
    assert f"{tree}, test: 12 images" in out
    own = json.loads((finished / "test.json").read_text())
    assert json.loads(target.read_text())["confusion_matrix"] == own["confusion_matrix"]
    other = shutil.copytree(tree, tmp_path / "other")
    shutil.copy(other / "dark" / "00.png", other / "dark" / "new.png")
    alone = shutil.copy(finished / "best.safetensors", tmp_path / "alone.safetensors")
    for checkpoint, data, part in (
        (finished / "best.safetensors", tree, "test"),
        (finished, other, "all"),
        (alone, tree, "all"),
    ):
        _, out, _ = evaluated(capsys, "torch", checkpoint, "--data", str(data))
        assert f"{data}, {part}: " in out
        told = "not the images that the run was trained on" in caplog.text
        assert told == (data == other)
        caplog.clear()


def test_labels_are_matched_by_name(finished, tree, capsys, tmp_path):
    """A list that numbers the same classes otherwise gives the same result."""
    lines = [
        f"{path}\t{label}"
        for label, name in enumerate(("龙", "dark", "grey"))
        for path in (tree / name).iterdir()
    ]
    (tmp_path / "all.txt").write_text("\n".join(lines))
    (tmp_path / "classes.json").write_text('{"0": "龙", "1": "dark", "2": "grey"}')
    results = []
    for data in (tree, tmp_path / "all.txt"):
        more = ["--data", str(data), "--split", "all", "--json", str(tmp_path / "e.json")]
        evaluated(capsys, "torch", finished, *more)
        results.append(json.loads((tmp_path / "e.json").read_text()))
    assert results[0]["confusion_matrix"] == results[1]["confusion_matrix"]


def test_classes_that_the_checkpoint_does_not_know_are_refused(finished, capsys, tmp_path):
    (tmp_path / "cats").mkdir()
    Image.new("RGB", (9, 9)).save(tmp_path / "cats" / "1.png")
    code, _, err = evaluated(capsys, "torch", finished, "--data", str(tmp_path))
    assert (code, len(err)) == (2, 1)
    assert "cats" in err[0]


@pytest.mark.parametrize("name", ["torch", "paddle"])
def test_every_class_is_reported_with_its_probability(finished, tree, capsys, tmp_path, paddle_backend, name):
    images = [str(tree / "dark" / "00.png"), str(tree / "龙")]
    code, out, _ = predicted(capsys, name, finished, *images, "--json", str(tmp_path / "p.json"))
    assert code == 0
    entries = json.loads((tmp_path / "p.json").read_text())
    assert len(entries) == 21
    for entry in entries:
        assert {row["class"] for row in entry["predictions"]} == {"dark", "grey", "龙"}
        chances = [row["probability"] for row in entry["predictions"]]
        assert chances == sorted(chances, reverse=True)
        assert sum(chances) == pytest.approx(1)
    assert entries[0]["predictions"][0]["class"] == "dark"
    assert out.count("dark  ") == 21
    _, out, _ = predicted(capsys, name, finished, images[0], "--top", "1")
    assert len(out.splitlines()) == 2


def test_pictures_of_predictions(finished, tree, capsys, tmp_path):
    image = tree / "dark" / "00.png"
    grid, folder = tmp_path / "grid.png", tmp_path / "annotated"
    more = ["--annotate", str(folder), "--grid", str(grid)]
    assert predicted(capsys, "torch", finished, str(image), str(image), *more)[0] == 0
    Image.open(grid).verify()
    assert sorted(path.name for path in folder.iterdir()) == ["00-2.png", "00.png"]
    with Image.open(folder / "00.png") as copy:
        pixels = np.asarray(copy).astype(int)
    height, width = pixels.shape[:2]
    red = (pixels == (255, 0, 0)).all(axis=2)
    assert min(height, width) >= 224
    assert red[: height // 3, : width * 2 // 3].sum() > 50
    assert not red[height // 2 :].any()


def test_letters_without_a_font_are_reported_once(caplog):
    from common import plots

    plots._font.cache_clear()
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert plots.font_file("abc").exists()
            plots.font("\U0001f9ff\U000e0fff", size=20)  # a private letter that no font has
    assert len(caplog.records) == 1
    assert "fonts-noto-cjk" in caplog.text


def test_an_image_that_cannot_be_decoded_leaves_the_others(finished, tree, capsys, tmp_path):
    (tmp_path / "bad.png").write_text("no image")
    good = str(tree / "dark" / "00.png")
    code, out, err = predicted(capsys, "torch", finished, str(tmp_path / "bad.png"), good)
    assert (code, len(err)) == (2, 1)
    assert "bad.png" in err[0]
    assert "00.png" in out


@pytest.mark.parametrize("suffix", [".pth", ".pdparams", ".safetensors"])
def test_weights_survive_every_kind_of_file(finished, capsys, tmp_path, paddle_backend, suffix):
    there, back = tmp_path / f"x{suffix}", tmp_path / "back.safetensors"
    options = ["--model", "lenet5"]
    assert ended(convert.main, [str(finished), str(there), *options], capsys)[0] == 0
    more = [*options, "--activation", "tanh", "--num-classes", "3"]
    assert ended(convert.main, [str(there), str(back), *more], capsys)[0] == 0
    ours, again = safetensors_file.load(finished / "best.safetensors"), safetensors_file.load(back)
    assert {name: array.tobytes() for name, array in ours.items()} == {
        n: a.tobytes() for n, a in again.items()
    }


def test_the_frameworks_own_programs_load_what_is_converted(finished, capsys, tmp_path, paddle_backend):
    import paddle
    import torch

    for name in ("x.pth", "x.pdparams"):
        ended(convert.main, [str(finished), str(tmp_path / name)], capsys)
    ours = torch.load(tmp_path / "x.pth", weights_only=True)
    theirs = paddle.load(str(tmp_path / "x.pdparams"))
    assert list(ours) == list(theirs)
    assert list(theirs["f6.weight"].shape) == [120, 84]
    assert np.array_equal(ours["f6.weight"].numpy(), theirs["f6.weight"].numpy().T)


@pytest.mark.parametrize("name", ["torch", "paddle"])
def test_other_peoples_weights_reach_what_their_authors_say(data_folder, capsys, tmp_path, name, request):
    """azurice: 98.6 % on MNIST; here on the 10,000 test images."""
    request.getfixturevalue(f"{name}_backend")
    source = data_folder / "checkpoints/paddle/azurice_lenet_mnist.pdparams"
    layers = {"c1": "conv1", "c3": "conv2", "c5": "linear1", "f6": "linear2", "output": "linear3"}
    names = {f"{a}.{part}": f"{b}.{part}" for a, b in layers.items() for part in ("weight", "bias")}
    (tmp_path / "map.json").write_text(json.dumps(names))
    more = ["--data", str(data_folder / "mnist"), "--map", str(tmp_path / "map.json"), *AZURICE]
    evaluated(capsys, name, source, *more, "--json", str(tmp_path / "e.json"))
    result = json.loads((tmp_path / "e.json").read_text())
    assert result["top1_error"] == pytest.approx(0.0138, abs=0.0005)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--checkpoint", "RUN", "--model", "alexnet"], "was made with model lenet5"),
        (["--checkpoint", "RUN", "--activation", "relu"], "was made with activation tanh"),
        (["--checkpoint", "ALONE", "--split", "test"], "has no split test"),
        (["--checkpoint", "/nowhere"], "no such file"),
        (["--checkpoint", "FOREIGN"], "give --model"),
        (["--checkpoint", "FOREIGN", "--model", "lenet5", "--mean", "1,2"], "2 numbers for 3 channels"),
        (["--checkpoint", "FOREIGN", "--model", "lenet5", "--resize", "64"], "5"),
        (["--checkpoint", "RUN", "--json", "/nowhere/x.json"], "does not exist"),
    ],
)
def test_wrong_requests_are_one_line(finished, tree, capsys, tmp_path, arguments, message):
    foreign = tmp_path / "x.safetensors"
    safetensors_file.save(foreign, {"a": np.zeros((6, 3, 5, 5)), "b": np.zeros(6)})
    alone = shutil.copy(finished / "best.safetensors", tmp_path / "alone.safetensors")
    words = {"RUN": str(finished), "ALONE": str(alone), "FOREIGN": str(foreign)}
    arguments = [words.get(word, word) for word in arguments]
    arguments = ["--backend", "torch", "--data", str(tree), *arguments]
    code, _, err = ended(evaluate.main, arguments, capsys)
    assert (code, len(err)) == (2, 1), err
    assert message in err[0]
