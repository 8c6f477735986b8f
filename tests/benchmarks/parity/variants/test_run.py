"""Many pairs in a row: kept one by one, gone on with, and none lost with a worker."""

import json
from types import SimpleNamespace

import pytest

from benchmarks.manager.worker_process import WorkerFailure
from benchmarks.parity import __main__ as command
from benchmarks.parity import check
from benchmarks.parity.variants import compare, keeping, run
from common.cli import Terminated, UnavailableError
from tests.support.commands import ended

PAIR = """
[{name}]
torch = "mine_page:net"
paddle = "mine_page:twin"
input_shape = [3, 8, 8]
num_classes = 5
"""
PAIRS = "".join(PAIR.format(name=name) for name in ("one", "two", "three"))


class Side:
    """A worker that knows its version and the user's files."""

    def __init__(self, files):
        self._files = files

    def ask(self, task, **_):
        return {"torch": "1", "paddle": "1"} if task == "versions" else {"files": self._files}


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A folder with a file of pairs, and what was compared; ``raising`` are exceptions by place."""
    (tmp_path / "pairs.toml").write_text(PAIRS)
    source = tmp_path / "mine_page.py"
    source.write_text("def net(): ...\ndef twin(): ...\n")
    monkeypatch.chdir(tmp_path)
    found = SimpleNamespace(folder=tmp_path, compared=[], started=[], raising={}, source=source)

    class Sides:
        def __init__(self, *_, **__):
            found.started.append(1)

        def __enter__(self):
            side = Side(keeping.file_hashes([str(source)]))
            return side, side

        def __exit__(self, *_):
            return None

    def run_parity(*_, subject, **__):
        found.compared.append(subject.input_shape)
        place = len(found.compared)
        if place in found.raising:
            raise found.raising.pop(place)
        return {"verdict": "pass", "first_divergence": None, "stages": []}

    def predict(*_, **__):
        raise UnavailableError("none here")

    monkeypatch.setattr(check, "both_sides", Sides)
    monkeypatch.setattr(compare, "run_parity", run_parity)
    monkeypatch.setattr(compare, "predict", predict)
    monkeypatch.setattr(run, "describe", lambda _, versions: {"backends": versions, "cpu": "a", "date": ""})
    return found


ASKED = ["--pairs", "pairs.toml", "--report", "page"]


def verdicts(made):
    page = json.loads((made.folder / "page/parity.json").read_text())
    return {row["name"]: row["verdict"] for row in page["variants"]}


def test_all_pass_is_0_and_a_second_call_compares_nothing(made, capsys):
    code, out, errors = ended(command.main, ASKED, capsys)
    assert (code, errors) == (0, [])
    assert verdicts(made) == dict.fromkeys(("one", "two", "three"), "pass")
    assert len(made.started) == 1
    code, out, _ = ended(command.main, ASKED, capsys)
    assert (code, len(made.compared)) == (0, 3)
    assert "2 of 3 two (kept): pass" in out


def test_what_is_printed_has_the_language_of_the_page(made, capsys):
    asked = [*ASKED, "--language", "zh"]
    lines = ended(command.main, asked, capsys)[1].splitlines()
    assert lines[1].startswith("2/3 two：通过；") and "one: " not in lines[0] and "one：" not in lines[0][9:]
    lines = ended(command.main, asked, capsys)[1].splitlines()
    assert lines[1].startswith("2/3 two（已保留）：通过；") and lines[-1].startswith("已写出：page")


def test_what_changes_a_row_compares_it_anew(made, capsys):
    ended(command.main, ASKED, capsys)
    for changed in (["--seed", "1"], ["--stages", "forward"], ["--batch-size", "4"]):
        made.compared.clear()
        ended(command.main, [*ASKED, *changed], capsys)
        assert len(made.compared) == 3
    ended(command.main, ASKED, capsys)
    made.compared.clear()
    made.source.write_text(made.source.read_text() + "\n")
    ended(command.main, ASKED, capsys)
    assert len(made.compared) == 3
    (made.folder / "page/two/variant.json").write_text("{")  # a stop cut it short
    ended(command.main, ASKED, capsys)
    assert len(made.compared) == 4


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), Terminated()])
def test_a_run_that_was_stopped_goes_on(made, capsys, stop):
    made.raising[2] = stop
    code, _, errors = ended(command.main, ASKED, capsys)
    assert code in (130, 143)
    assert "go on with the same flags: what is done lies in page" in errors[-1]
    assert verdicts(made) == {"one": "pass"}
    assert "two: not compared yet" in (made.folder / "page/report.md").read_text()
    made.compared.clear()
    assert ended(command.main, ASKED, capsys)[0] == 0
    assert len(made.compared) == 2


def test_a_lost_worker_loses_its_own_row_alone(made, capsys):
    made.raising[2] = WorkerFailure("paddle", "crashed", "the worker was killed by SIGSEGV", died=True)
    code, _, errors = ended(command.main, ASKED, capsys)
    assert (code, errors) == (3, ["benchmarks.parity: could not be compared: two; the page says why"])
    assert verdicts(made) == {"one": "pass", "two": "incomplete", "three": "pass"}
    assert len(made.started) == 2
    assert "two: paddle: the worker was killed by SIGSEGV" in (made.folder / "page/report.html").read_text()
    assert ended(command.main, ASKED, capsys)[0] == 0  # it alone is tried again
    assert len(made.compared) == 4


def test_a_stage_that_loses_a_worker_has_new_ones_for_the_next_pair(made, capsys, monkeypatch):
    lost = {"stage": "train-mode", "verdict": "error", "dtype": None, "tolerance": None, "tensors": []}
    lost["error"] = {"lost": True}
    first = {"stage": "forward", "name": "logits", "layer": "fc"}
    broken = {"stage": "forward", "verdict": "fail", "dtype": "float64", "tolerance": None, "tensors": []}
    report = {"verdict": "fail", "first_divergence": first, "stages": [broken, lost]}
    monkeypatch.setattr(compare, "run_parity", lambda *_, **__: report)
    code, _, errors = ended(command.main, ASKED, capsys)
    assert (code, errors) == (1, ["benchmarks.parity: parity is broken in one, two, three"])
    assert len(made.started) == 3


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--model", "lenet5"], "--model is of one pair, and --pairs names many"),
        (["--device", "gpu:0"], "on the CPU"),
        (["--images", "nowhere.txt"], "nowhere.txt"),
        (["--speed", "nowhere"], "no suite's results lie there"),
        (["--only", "four"], "no pair is named so"),
    ],
)
def test_wrong_requests_are_refused_at_once(made, capsys, more, said):
    code, _, errors = ended(command.main, [*ASKED, *more], capsys)
    assert (code, len(errors)) == (2, 1)
    assert said in errors[0]
    assert made.started == []


@pytest.mark.parametrize("flags", [["--report", "page"], ["--images", "a.txt"], ["--speed", "b"]])
def test_flags_of_the_page_need_pairs(made, capsys, flags):
    code, _, errors = ended(command.main, ["--model", "lenet5", *flags], capsys)
    assert (code, errors) == (2, [f"benchmarks.parity.__main__: {flags[0]} belongs to --pairs FILE"])


def test_a_page_needs_a_folder(made, capsys):
    code, _, errors = ended(command.main, ASKED[:2], capsys)
    assert (code, len(errors)) == (2, 1)
    assert "--pairs needs --report DIR, the folder of the page" in errors[0]
