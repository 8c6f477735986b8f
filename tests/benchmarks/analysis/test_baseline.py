"""A baseline: what became slower is found, what only looks so is not, and a sweep goes on."""

import json
import math
import re
from contextlib import nullcontext
from pathlib import Path

import pytest
from scipy import stats

from benchmarks import compare
from benchmarks.analysis.regression import changes, machine_drift, sentence
from benchmarks.manager.environment import require_same_machine
from benchmarks.measure.interleave import Interleaving
from benchmarks.measure.resume import request_facts, require_same_request
from benchmarks.request.limits import Limits
from benchmarks.request.request import read_request
from benchmarks.results import result_file
from common.cli import UsageError
from tests.support.commands import QUICK, ended
from tests.support.reports import report

LENET = [
    "--model",
    "lenet5",
    "--phase",
    "infer",
    "--device",
    "cpu",
    "--rounds",
    "4",
    "--pairs",
    "1",
    *QUICK,
]


def compared(*, torch, paddle, machine=1.0, width=0.005):
    """A report of 100 and 25 images/s, held against one where each side and the machine changed so."""
    before, now = report(width=width), report(100 * torch * machine, 25 * paddle * machine, width=width)
    for row in now.results:
        row.matmul_peak_flops *= machine
    found = changes(now, before, limits=Limits(default=5))
    return next(entry for entry in found if entry.engine == "eager" and entry.phase == "infer")


@pytest.mark.parametrize("machine", [1.0, 0.7, 1.4])
@pytest.mark.parametrize("slower", ["torch", "paddle"])
def test_a_slower_side_is_found_on_any_machine(slower, machine):
    entry = compared(**{"torch": 1.0, "paddle": 1.0, slower: 0.85}, machine=machine)
    assert (entry.backend, entry.regression) == (slower, True)
    assert entry.change == pytest.approx(0.85)


@pytest.mark.parametrize(
    "change",
    [
        {"torch": 1.0, "paddle": 1.0},
        {"torch": 1.0, "paddle": 1.0, "machine": 0.6},
        {"torch": 1.0, "paddle": 1.3},
        {"torch": 1.3, "paddle": 1.0},
        {"torch": 1.0, "paddle": 0.97},
    ],
)
def test_equal_faster_or_uncertain_is_no_regression(change):
    entry = compared(**change)
    assert (entry.regression, entry.unclear) == (False, False)


def test_what_may_be_slower_or_noise_is_no_regression_and_is_reported():
    entry = compared(torch=1.0, paddle=0.85, width=0.3)
    assert (entry.regression, entry.unclear, entry.undecided) == (False, True, True)
    assert sentence(entry).endswith(": undecided, slower or noise; more --pairs and --rounds would decide")


def test_what_would_not_show_a_slowdown_that_is_not_allowed_is_undecided_and_never_passed():
    entry = compared(torch=1.0, paddle=1.0, width=0.06)
    assert (entry.regression, entry.unclear, entry.undecided) == (False, False, True)
    assert "might not show" in sentence(entry)
    assert not compared(torch=1.0, paddle=1.0).undecided
    vague = compared(torch=1.0, paddle=1.0, width=3.0)
    assert ": unusable (" in sentence(vague)


@pytest.mark.parametrize("when", ["now", "before"])
def test_what_others_disturbed_decides_no_gate(when):
    reports = {"before": report(width=0.005), "now": report(100, 25 * 0.5, width=0.005)}
    reports[when].comparisons[0].verdict = "invalid"
    entry = changes(reports["now"], reports["before"], limits=Limits(default=5))[0]
    assert (entry.regression, entry.undecided, entry.invalid) == (False, True, True)
    assert sentence(entry).endswith("the machine disturbed one of the two measurements")


@pytest.mark.parametrize("reading", [0.66, 1.5])
def test_a_reading_of_the_machine_that_lies_excuses_nobody(reading):
    """It reads a third slower, or half as fast again, and neither backend is."""
    before, now = report(width=0.005), report(100, 25 * 0.85, width=0.005)
    for row in now.results:
        row.matmul_peak_flops *= reading
    entry = changes(now, before, limits=Limits(default=5))[0]
    assert (entry.backend, entry.regression) == ("paddle", True)


@pytest.mark.parametrize(("machine", "width"), [(1.0, 0.06), (0.8, 0.005), (None, 0.005)])
def test_where_it_is_not_certain_who_has_changed_the_ratio_decides(machine, width):
    """Torch has become faster, but figures are vague, or the machine slower, or nothing is known of it."""
    before, now = report(width=width), report(130.0 * (machine or 1), 25 * (machine or 1), width=width)
    for row in now.results:
        row.matmul_peak_flops = machine and row.matmul_peak_flops * machine
    entry = changes(now, before, limits=Limits(default=5))[0]
    assert (entry.backend, entry.regression, entry.other_faster) == ("paddle", True, False)


def test_who_became_faster_is_reported():
    steady = compared(torch=1.3, paddle=1.0)
    assert steady.other_faster
    assert sentence(steady).endswith(": the other has become faster")


def test_without_quick_steps_of_both_the_figures_themselves_are_compared():
    before, now = report(), report(100.0, 25 * 0.85)
    for row in [*before.results, *before.comparisons]:
        for name in ("quick_seconds", "torch_quick_seconds", "paddle_quick_seconds"):
            if hasattr(row, name):
                setattr(row, name, [])
    found = {
        entry.backend: entry for entry in changes(now, before, limits=Limits(default=5)) if entry.change < 0.9
    }
    assert found.keys() == {"paddle"}
    assert (found["paddle"].by, found["paddle"].regression) == ("speed", True)
    assert not any(entry.regression for entry in changes(report(), before, limits=Limits(default=5)))


def test_a_baseline_of_something_else_is_refused(local, tmp_path, capsys):
    target = tmp_path / "before.json"
    assert ended(compare.main, [*LENET, "--skip-parity", "--json", str(target)], capsys)[0] == 0
    other = [*LENET, "--batch-size", "3", "--skip-parity", "--baseline", str(target)]
    for name in ("torch", "paddle"):  # it is refused before anything is measured
        local.failing[name] = {"versions": ("crashed", "it was begun")}
    code, out, errors = ended(compare.main, other, capsys)
    assert (code, out, "infer eager fp32 batch 3, 1 threads" in errors[-1]) == (2, "", True)
    local.failing.clear()
    local.failing["torch"] = local.failing["paddle"] = {"prepare": ("crashed", "it was planted")}
    same = [*LENET, "--skip-parity", "--baseline", str(target)]
    code, _, errors = ended(compare.main, same, capsys)
    assert (code, "it was planted" in errors[-1]) == (3, True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": "alexnet"}, "measured with model alexnet, and here it is lenet5"),
        ({"input_shape": (3, 64, 64)}, "measured with input_shape (3, 64, 64)"),
        ({"num_classes": 7}, "measured with num_classes 7, and here it is 10"),
    ],
)
def test_a_baseline_of_another_model_or_shape_is_refused(change, words):
    request = read_request(compare._parse(LENET))
    facts = {"model": "lenet5", "input_shape": request.input_shape, "num_classes": 10} | change
    before = report()
    before.results = [row.model_copy(update=facts) for row in before.results]
    with pytest.raises(UsageError, match=re.escape(words)):
        require_same_request(before, request, Path("b.json"))


def test_a_baseline_with_other_flags_is_refused_and_one_with_the_same_is_not():
    request = read_request(compare._parse(LENET))
    facts = {"model": "lenet5", "input_shape": request.input_shape, "num_classes": 10, "threads": 1}
    before = report()
    before.results = [row.model_copy(update=facts) for row in before.results]
    before.request = request_facts(request, rounds=99, pairs=7)
    require_same_request(before, request, Path("b.json"))
    before.request["output"] = "aux"  # which a request without it leaves out
    with pytest.raises(UsageError, match="output aux, and here it is None"):
        require_same_request(before, request, Path("b.json"))
    del before.request["output"]
    before.request["settings_mode"] = "as-shipped"
    with pytest.raises(UsageError, match="settings_mode as-shipped, and here it is equalised"):
        require_same_request(before, request, Path("b.json"))


def test_many_looks_ask_for_more_than_one_does():
    """One of twenty combinations stands out by chance alone: noise is wider where there are more."""
    alone, many = report(), report()
    alone.comparisons = alone.comparisons[:1]
    alone.results = alone.results[:2]
    noises = [changes(one, one, limits=Limits(default=5))[0].noise for one in (alone, many)]
    assert noises[0] < noises[1]
    # 2 % each time, known with five degrees of freedom: together with ten.
    both = 0.02 * math.sqrt(2) * stats.t.ppf(0.975, df=10) / stats.t.ppf(0.975, df=5)
    assert noises[0] == pytest.approx(both, rel=0.05)


def test_absolute_figures_are_corrected_by_the_machines_drift():
    before, now = report(), report(50.0)
    before.comparisons = now.comparisons = []
    for row in now.results:
        row.matmul_peak_flops /= 2
    assert machine_drift(now.results, before.results) == pytest.approx(0.5)
    entry = next(entry for entry in changes(now, before, limits=Limits(default=5)) if entry.engine == "eager")
    assert (entry.by, entry.regression) == ("speed", False)
    for row in now.results:
        row.matmul_peak_flops *= 2
    assert changes(now, before, limits=Limits(default=5))[0].regression


def test_a_regression_is_exit_code_1(local, tmp_path, capsys, monkeypatch):
    target, precise = tmp_path / "before.json", []
    monkeypatch.setattr(Interleaving, "resolves", lambda self, percent: precise.append(percent) or True)
    run = [*LENET, "--pairs", "2", "--skip-parity"]
    assert ended(compare.main, [*run, "--json", str(target)], capsys)[0] == 0
    assert precise == []
    before = json.loads(target.read_text())
    for row in before["comparisons"]:  # paddle was a million times faster, for certain
        row["paddle_quick_seconds"] = [seconds / 1e6 for seconds in row["paddle_quick_seconds"]]
    target.write_text(json.dumps(before))
    code, out, errors = ended(compare.main, [*run, "--baseline", str(target)], capsys)
    assert precise == [5.0]  # what a baseline is to tell
    assert "paddle infer eager fp32 batch 8" in out
    assert (code, "slower than the baseline" in errors[0]) == (1, True)


def test_a_baseline_of_another_machine_is_refused_before_anything_is_measured(local, tmp_path, capsys):
    target = tmp_path / "before.json"
    content = report()
    content.environment["cpu"] = "another processor"
    result_file.write(content, target)
    local.failing["torch"] = {"prepare": ("crashed", "it was measured")}
    code, out, errors = ended(compare.main, [*LENET, "--skip-parity", "--baseline", str(target)], capsys)
    assert (code, out, len(errors)) == (2, "", 1)
    assert "was measured with another processor, and here is " in errors[0]


@pytest.mark.parametrize(
    ("device", "there", "refused"),
    [
        ("gpu", {"cpu": "x", "gpus": ["one"]}, False),
        ("gpu", {"cpu": "x", "gpus": ["another"]}, True),
        ("gpu", {"cpu": "y", "gpus": ["one"]}, True),
        ("cpu", {"cpu": "x", "gpus": []}, False),
        ("auto", {"cpu": "x", "gpus": []}, True),
        ("cpu", {}, False),
    ],
)
def test_a_machine_is_its_processor_and_where_they_count_its_gpus(monkeypatch, device, there, refused):
    monkeypatch.setattr("benchmarks.manager.environment.machine", lambda: {"cpu": "x", "gpus": ["one"]})
    refusal = pytest.raises(UsageError, match="make a baseline on this machine")
    with refusal if refused else nullcontext():
        require_same_machine(there, Path("b.json"), device=device)


def test_a_sweep_goes_on_where_it_stopped(local, tmp_path, capsys):
    folder = tmp_path / "report"
    arguments = [*LENET, "--skip-parity", "--report", str(folder)]
    assert ended(compare.main, [*arguments, "--batch-size", "2"], capsys)[0] == 0
    first = json.loads((folder / "result.json").read_text())
    local.failing["paddle"] = {"measure": ("crashed", "measured again")}
    code, _, errors = ended(compare.main, [*arguments, "--batch-size", "2"], capsys)
    assert (code, errors) == (0, [])
    assert json.loads((folder / "result.json").read_text())["results"] == first["results"]
    local.failing.clear()
    assert ended(compare.main, [*arguments, "--batch-size", "2,3"], capsys)[0] == 0
    sizes = [row["batch_size"] for row in json.loads((folder / "result.json").read_text())["results"]]
    assert sizes == [2, 2, 3, 3]
    code, _, errors = ended(compare.main, [*arguments, "--seed", "7"], capsys)
    assert code == 2
    assert "another request (seed was 0, now it is 7)" in errors[0]


def test_a_run_that_is_stopped_goes_on_in_the_middle_of_a_combination(local, tmp_path, capsys, monkeypatch):
    """Stopped after three of four pairs; what was measured, and when, stays as it was."""
    arguments = [*LENET, "--pairs", "2", "--skip-parity", "--batch-size", "2,3", "--report", str(tmp_path)]
    take_turns, left = Interleaving.take_turns, [3]

    def stopped(self, rounds, **more):
        if left[0] == 0:
            raise KeyboardInterrupt
        left[0] -= 1
        take_turns(self, rounds, **more)

    monkeypatch.setattr(Interleaving, "take_turns", stopped)
    code, _, errors = ended(compare.main, arguments, capsys)
    assert code == 130
    assert len(errors) == 1
    assert errors[0].startswith("benchmarks.compare: stopped")
    assert errors[0].endswith(
        "; missing: infer eager fp32 batch 3: 1 of 2 pairs of processes; go on with the same flags and "
        f"--report {tmp_path}"
    )
    first = json.loads((tmp_path / "result.json").read_text())
    left[0] = 1
    assert ended(compare.main, arguments, capsys)[0] == 0
    again = json.loads((tmp_path / "result.json").read_text())
    assert again["comparisons"][0] == first["comparisons"][0]
    assert [row["pairs"] for row in again["comparisons"]] == [2, 2] and again["missing"] == []
    for before, after in zip(first["results"], again["results"], strict=True):
        assert after["step_seconds"][: len(before["step_seconds"])] == before["step_seconds"]
    pages = {"report.html", "report.md", "result.json", "summary.md"}
    assert {path.name for path in tmp_path.iterdir()} == pages


def test_a_tuned_sweep_goes_on_too_unless_other_ways_are_allowed(local, tmp_path, capsys):
    arguments = [
        *LENET,
        "--skip-parity",
        "--report",
        str(tmp_path),
        "--settings",
        "tuned",
        "--engine",
        "eager",
    ]
    arguments += ["--precision", "fp32", "--layout", "NCHW"]
    assert ended(compare.main, [*arguments, "--threads", "1"], capsys)[0] == 0
    first = json.loads((tmp_path / "result.json").read_text())
    local.failing["paddle"] = {"measure": ("crashed", "measured again")}
    assert ended(compare.main, [*arguments, "--threads", "1"], capsys)[0] == 0
    assert json.loads((tmp_path / "result.json").read_text())["results"] == first["results"]
    code, _, errors = ended(compare.main, [*arguments, "--threads", "1,2"], capsys)
    assert (code, "another request (ways was ['eager fp32 NCHW 1 threads']" in errors[0]) == (2, True)


def test_a_file_that_is_no_baseline_is_refused_before_anything_is_measured(tmp_path, capsys):
    code, _, errors = ended(compare.main, [*LENET, "--baseline", str(tmp_path / "none.json")], capsys)
    assert (code, "cannot be read" in errors[0]) == (2, True)
