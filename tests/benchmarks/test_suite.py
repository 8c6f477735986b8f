"""Many pairs: what a file says, each kept as it is done, one page, and the mean of the ratios."""

import json
import math
import re

import pytest

from benchmarks import suite
from benchmarks.analysis.many_pairs import mean_ratio
from benchmarks.manager import environment
from benchmarks.manager.environment import cpu_model
from benchmarks.measure import many_pairs
from benchmarks.measure.resume import request_facts
from benchmarks.parity.plan import GATE
from benchmarks.report.suite_page import write_suite
from benchmarks.request.pairs_file import read_pairs
from benchmarks.results.outcome import Outcome
from benchmarks.results.schema import CompareReport
from common.cli import UnavailableError, UsageError
from common.shipped import NETWORKS
from tests.support.chinese import english
from tests.support.commands import ended
from tests.support.reports import comparison, result

PAIRS = """
[small]
torch = "mine_suite:net"
paddle = "mine_suite:twin"
input_shapes = [[3, 32, 32], [3, 16, 16]]
num_classes = 5
map = "map.json"

[lenet]
model = "lenet5"

[dense]
model = "torchvision:densenet121"
"""
OWN = "[small]\ntorch = 'mine_suite:net'\npaddle = 'mine_suite:twin'\nnum_classes = 5"
VERSIONS = {"torch": {"torch": "2"}, "paddle": {"paddle": "3"}}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "pairs.toml").write_text(PAIRS)
    (tmp_path / "mine_suite.py").write_text("def net(): ...\ndef twin(): ...\n")
    (tmp_path / "map.json").write_text("{}")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return tmp_path


def options(*arguments):
    return suite._parse(["pairs.toml", "--phase", "infer", *arguments])


def test_a_file_of_pairs_is_read_beside_its_modules_and_files(folder):
    found = read_pairs(str(folder / "pairs.toml"), options("--batch-size", "2"))
    assert list(found) == ["small-3x32x32", "small-3x16x16", "lenet", "dense"]
    small = found["small-3x16x16"]
    assert (small.input_shape, small.num_classes, small.folder) == ((3, 16, 16), 5, str(folder))
    assert {case.batch_size for request in found.values() for case in request.cases} == {2}
    assert found["dense"].input_shape == (3, 224, 224)
    assert list(read_pairs(str(folder / "pairs.toml"), options(), only=("len", "den"))) == ["lenet", "dense"]


def test_loss_output_and_inputs_of_ones_own_pair_reach_its_models(folder):
    parts = "torch_loss = 'mine_suite:net'\npaddle_loss = 'mine_suite:twin'\noutput = 'logits'"
    inputs = "inputs = ['ids=6:int64<50', 'scale=1']"
    (folder / "pairs.toml").write_text(f"{OWN}\n{parts}\n{inputs}")
    (request,) = read_pairs(str(folder / "pairs.toml"), options()).values()
    assert request.pair.plugins == {
        "torch": {"loss": "mine_suite:net"},
        "paddle": {"loss": "mine_suite:twin"},
    }
    assert (request.pair.output, request.input_shape) == ("logits", (6,))
    ids, _ = request.pair.inputs
    assert (ids.name, ids.shape, ids.dtype, ids.below) == ("ids", (6,), "int64", 50)
    kept = json.loads(json.dumps(request_facts(request)))
    assert kept == request_facts(request)  # as a result file gives it back, or no suite would go on
    assert (kept["inputs"], kept["output"]) == (["ids=6:int64<50", "scale=1:float32"], "logits")


def test_torchvision_is_all_that_are_the_same_network():
    found = read_pairs("torchvision", options())
    assert len(found) == 27
    assert found.keys() == {name for name, entry in NETWORKS.items() if not entry.because}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("small = 3", r"\[small\]: is no pair"),
        ("[small]\nspeed = 3", r"\[small\]: unknown key 'speed'; there are model, torch"),
        ("[small]\nloss = 'm:l'", r"unknown key 'loss'; did you mean 'torch_loss'\? There are model"),
        ("[small]\nmodel = 'lenet5'\noutput = 'aux'", "output belongs to torch and paddle"),
        (f"{OWN}\ninput_shape = [3, 8, 8]\ntorch_loss = 'mine_suite:net'", "go together; one is missing"),
        (f"{OWN}\ninputs = ['ids=6']\ninput_shape = [3, 8, 8]", "in the place of input_shape"),
        (f"{OWN}\ninputs = ['ids']", r"\[small\]: an input is NAME=SIDE,SIDE"),
        (f"{OWN}\ninputs = 'ids=6'", "inputs is a list such as"),
        (f"{OWN}\ninput_shape = [3, 8, 8]\noutput = 3", "output is a text, not 3"),
        (
            f"{OWN}\ninput_shape = [3, 8, 8]\ntorch_loss = 'mine_suite:los'\npaddle_loss = 'mine_suite:net'",
            "has no 'los'; it has net, twin",
        ),
        ("['../up']\nmodel = 'lenet5'", "it becomes a folder"),
        ("[small]\nmodel = 'lenet5'\ninput_shape = '3,32,32'", "is \\[channels, height, width\\]"),
        ("[small]\ntorch = 'mine_suite:net'", r"\[small\]: --paddle MODULE:CALLABLE is missing"),
        ("[small", "is no TOML"),
    ],
)
def test_a_file_that_says_nothing_is_refused_with_its_place(folder, text, message):
    (folder / "pairs.toml").write_text(text)
    with pytest.raises(UsageError, match=message):
        read_pairs(str(folder / "pairs.toml"), options())


def made(request, **more):
    """A report as measure_both makes it of a request."""
    case = {"threads": request.cases[0].threads}
    ratio = 0.5 if request.model == "lenet5" else 2.0
    about = {"model": request.model}
    return CompareReport(
        environment={"cpu": cpu_model(), "backends": VERSIONS, "date": "2026-01-01T10:00:00+00:00"},
        results=[result("torch", 100.0, parameters=12345, **case), result("paddle", 100.0 * ratio, **case)],
        parity={"verdict": "pass", "stages": [], "known_differences": []},
        comparisons=[comparison(100.0, 100.0 * ratio, **about, **case)],
        best=[],
        request=request_facts(request, rounds=9, pairs=2, skip_parity=False),
        **more,
    )


@pytest.fixture
def measured(monkeypatch):
    """The names of the models that were measured; ``raising`` are exceptions by model."""
    names, raising = [], {}

    def measure_both(request, **_):
        names.append(request.model)
        if request.model in raising:
            raise raising.pop(request.model)
        return made(request)

    monkeypatch.setattr(many_pairs, "measure_both", measure_both)
    monkeypatch.setattr(many_pairs, "_versions", lambda _: VERSIONS)
    return names, raising


def test_a_suite_that_was_stopped_goes_on_and_ends_as_if_it_had_not(folder, measured, capsys):
    names, raising = measured
    asked = [str(folder / "pairs.toml"), "--phase", "infer", "--report"]
    assert ended(suite.main, [*asked, "whole"], capsys)[0] == 0
    raising["torchvision:densenet121"] = KeyboardInterrupt()
    assert ended(suite.main, [*asked, "parts"], capsys)[0] == 130
    kept = json.loads((folder / "elsewhere/parts/suite.json").read_text())
    assert [pair["name"] for pair in kept["pairs"]] == ["small-3x32x32", "small-3x16x16", "lenet"]
    names.clear()
    code, out, _ = ended(suite.main, [*asked, "parts"], capsys)
    assert (code, names) == (0, ["torchvision:densenet121"])
    assert "3 of 4 lenet (kept): parity pass" in out
    for page in ("suite.html", "suite.md", "suite.json"):
        pages = [(folder / "elsewhere" / name / page).read_text() for name in ("whole", "parts")]
        assert pages[0] == pages[1]
    assert ended(suite.main, [*asked, "parts", "--batch-size", "4"], capsys)[0] == 0  # more of the same
    code, _, errors = ended(suite.main, [*asked, "parts", "--seed", "3"], capsys)
    assert (code, len(errors)) == (2, 1)
    assert "another request (seed was 0, now it is 3)" in errors[0]


def test_what_cannot_be_had_loses_nothing_else_and_is_on_the_page(folder, measured, capsys):
    _, raising = measured
    raising["lenet5"] = UnavailableError("no memory")
    code, out, errors = ended(suite.main, [str(folder / "pairs.toml"), "--phase", "infer"], capsys)
    assert (code, len(errors)) == (3, 1)
    assert "lenet: cannot be had: no memory" in out
    page = (folder / "elsewhere/suite/suite.html").read_text()
    assert "<li>lenet: no memory</li>" in page
    assert "geometric mean of 3 networks" in page


def test_a_suite_is_chinese_where_that_is_asked_for(folder, measured, capsys):
    _, raising = measured
    raising["lenet5"] = UnavailableError("7")
    asked = [str(folder / "pairs.toml"), "--phase", "infer", "--language"]
    code, out, errors = ended(suite.main, [*asked, "zh"], capsys)
    page = (folder / "elsewhere/suite/suite.md").read_text()
    printed, page = (re.sub(r"`[^`]*`|/\S+|suite/\S+|small-\S+|dense", "", text) for text in (out, page))
    assert (code, english(printed)) == (3, []) and "lenet：无法取得：7" in printed
    assert [word for word in english(page) if word not in GATE] == []
    assert english(errors[0].removeprefix("benchmarks.suite: ")) == ["html", "suite"]
    raising["lenet5"] = KeyboardInterrupt()
    code, _, errors = ended(suite.main, [*asked, "zh"], capsys)
    assert code == 130 and "同一命令会接着做" in errors[-1]


def test_changed_versions_and_files_are_measured_again(folder, measured, monkeypatch, capsys):
    names, _ = measured
    asked = [str(folder / "pairs.toml"), "--phase", "infer"]
    assert ended(suite.main, asked, capsys)[0] == 0
    monkeypatch.setattr(many_pairs, "_versions", lambda _: VERSIONS | {"torch": {"torch": "3"}})
    names.clear()
    ended(suite.main, asked, capsys)
    assert len(names) == 4
    for name in ("small-3x32x32", "lenet"):  # beside them, for new ones are refused where old ones lie
        assert (folder / "elsewhere/suite" / name / "earlier-result.json").exists()


def test_results_of_another_machine_do_not_stand_beside_new_ones(folder, measured, monkeypatch, capsys):
    asked = [str(folder / "pairs.toml"), "--phase", "infer"]
    assert ended(suite.main, asked, capsys)[0] == 0
    monkeypatch.setattr(environment, "cpu_model", lambda: "another processor")
    code, _, errors = ended(suite.main, asked, capsys)
    assert (code, len(errors)) == (2, 1)
    assert "here is another processor" in errors[0]


def test_a_broken_pair_is_exit_code_1(folder, measured, monkeypatch, capsys):
    def broken(request, **_):
        stage = {"stage": "forward", "name": "x", "layer": "conv", "relative_l2": 1.0}
        parity = {"verdict": "fail", "stages": [], "first_divergence": stage}
        return made(request).model_copy(update={"parity": parity, "results": [], "comparisons": []})

    monkeypatch.setattr(many_pairs, "measure_both", broken)
    code, _, errors = ended(suite.main, [str(folder / "pairs.toml"), "--only", "lenet"], capsys)
    assert (code, errors) == (1, ["benchmarks.suite: parity is broken in lenet"])


def test_the_page_names_the_broken_network_and_says_a_reason_once(folder, measured, tmp_path):
    requests = read_pairs(str(folder / "pairs.toml"), options()).values()
    good, bad, lost, _ = (made(request) for request in requests)
    first = {"stage": "forward", "name": "x", "layer": "conv", "relative_l2": 1.0}
    parity = {"verdict": "fail", "stages": [], "first_divergence": first}
    bad = bad.model_copy(update={"parity": parity, "results": [], "comparisons": []})
    rows = [row.model_copy(update={"status": "unsupported", "reason": "no kernel"}) for row in lost.results]
    lost = lost.model_copy(update={"results": rows, "comparisons": []})
    outcomes = [Outcome(name=name, report=each) for name, each in (("a", good), ("b", bad), ("c", lost))]
    write_suite(outcomes, tmp_path)
    page = (tmp_path / "suite.md").read_text()
    assert "the same in float64 on 2 of 3 networks, and not on b" in page
    assert page.count("no kernel") == 1
    invalid = comparison(100.0, 50.0, verdict="invalid")
    write_suite([Outcome(name="a", report=good.model_copy(update={"comparisons": [invalid]}))], tmp_path)
    page = (tmp_path / "suite.md").read_text()
    assert "no ratio is known; invalid on 1" in page
    assert "The mean's interval" not in page


def test_the_mean_is_geometric_and_as_certain_as_its_parts():
    rows = [comparison(100.0, speed, width=0.1) for speed in (50.0, 200.0)]
    invalid = comparison(1.0, 106.0, verdict="invalid")  # whatever its ratio is
    mean = mean_ratio([*rows, invalid, comparison(1.0, 1.0, ratio=None, ratio_ci95=None)])
    assert (mean.networks, mean.ratio) == (2, pytest.approx(1.0))
    half = math.log(1.1 / 0.9) / 2 / math.sqrt(2)  # of two equally certain ones
    assert math.log(mean.interval[1]) == pytest.approx(half)
    assert mean.ratio != pytest.approx((0.5 + 2.0) / 2)
    assert mean_ratio([]) is None


def test_the_page_has_each_ratio_and_the_mean_drawn(tmp_path, folder, measured):
    requests = read_pairs(str(folder / "pairs.toml"), options())
    write_suite([Outcome(name=name, report=made(request)) for name, request in requests.items()], tmp_path)
    page = (tmp_path / "suite.html").read_text()
    assert (page.count("<circle"), page.count('height="8" class="paddle"/>')) == (1, 3)  # torch's disc
    assert page.count("<polygon") == 1
    assert "paddle faster on 3, torch faster on 1" in page
    means = json.loads((tmp_path / "suite.json").read_text())["means"]
    assert means["infer eager fp32 batch 8"]["ratio"] == pytest.approx(2 ** (2 / 4))
