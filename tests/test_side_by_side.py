"""The module that other repositories import: what it asks for, makes of answers, and leaves alone."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import side_by_side
from side_by_side import CannotRunError, RequestError, assert_parity, check_parity, compare
from tests.pairs import modern
from tests.support.paths import ROOT

PAIR = {"torch": "mine:net", "paddle": "mine:twin", "input_shape": (3, 8, 8), "num_classes": 5}
FIRST = {
    "stage": "forward",
    "name": "logits",
    "layer": "fc",
    "relative_l2": 0.5,
    "path": "fc agrees nowhere",
    "likely_causes": ["a transposed weight"],
    "lines": {"paddle": [{"layer": "fc", "place": "/mine.py:7", "code": "nn.Linear(3, 4)"}]},
}


@pytest.fixture
def answered(monkeypatch):
    """A command that answers as it is told; returns what it was asked."""
    asked = []

    def answer(content, *, code=0, out="", err=""):
        def run(module, arguments, folder):
            asked.append((module, arguments, folder))
            if content is not None:
                target = arguments[arguments.index("--json") + 1]
                Path(target).write_text(json.dumps(content), encoding="utf-8")
            return subprocess.CompletedProcess([], code, out, err)

        monkeypatch.setattr(side_by_side, "_run", run)
        return asked

    return answer


def parity(verdict, first=None):
    tensors = [{"relative_l2": 1e-15}, {"relative_l2": 3e-15}]
    stage = {"stage": "forward", "verdict": verdict, "tensors": tensors}
    return {"verdict": verdict, "stages": [stage], "first_divergence": first, "known_differences": []}


def test_a_passing_pair_is_a_typed_report(answered, tmp_path):
    asked = answered(parity("pass"), out="Verdict: pass\n")
    report = assert_parity(**PAIR, folder=tmp_path, stages=("forward", "loss"), strict=True, map=None)
    assert report.passed
    assert report.text == "Verdict: pass"
    assert (report.stages[0].tensors, report.stages[0].worst) == (2, 3e-15)
    ((module, arguments, folder),) = asked
    assert (module, folder) == ("benchmarks.parity", tmp_path)
    assert arguments[:-2] == [
        "--torch=mine:net",
        "--paddle=mine:twin",
        "--input-shape=3,8,8",
        "--num-classes=5",
        "--stages=forward,loss",
        "--strict",
    ]


def test_a_failing_pair_raises_with_what_was_printed(answered):
    answered(parity("fail", FIRST), code=1, out="Verdict: fail\n  layer: fc\n")
    with pytest.raises(AssertionError, match="layer: fc"):
        assert_parity(**PAIR)
    first = check_parity(**PAIR).first_divergence
    assert [(line.side, line.place) for line in first.lines] == [("paddle", "/mine.py:7")]
    assert (first.stage, first.layer, first.likely_causes) == ("forward", "fc", ("a transposed weight",))


@pytest.mark.parametrize(
    ("code", "kind"), [(2, RequestError), (3, CannotRunError), (70, CannotRunError), (-9, CannotRunError)]
)
def test_no_verdict_is_never_a_pass_and_never_a_failure(answered, code, kind):
    """Even if a file was left behind."""
    answered(parity("pass"), code=code, err="noise\nbenchmarks.parity: no module 'mine'\n")
    with pytest.raises(kind, match="no module 'mine'"):
        assert_parity(**PAIR)


def test_a_command_that_writes_nothing_has_no_verdict(answered):
    answered(None, code=0)
    with pytest.raises(CannotRunError):
        assert_parity(**PAIR)


def test_callables_are_found_by_name_and_others_refused(answered):
    asked = answered(parity("pass"))
    assert_parity(**PAIR | {"torch": modern.u_net, "paddle": modern.conv_next})
    assert asked[0][1][:2] == ["--torch=tests.pairs.modern:u_net", "--paddle=tests.pairs.modern:conv_next"]
    assert asked[0][2] == ROOT
    with pytest.raises(RequestError, match="cannot be found by name"):
        assert_parity(**PAIR | {"torch": lambda: None})


def test_a_comparison_has_a_ratio_for_each_combination(answered):
    entry = {"phase": "infer", "batch_size": 1, "engine": "eager", "precision": "fp32", "reason": None}
    entry |= {"verdict": "torch faster", "ratio": 0.5, "ratio_ci95": [0.4, 0.6]}
    asked = answered({"parity": {"verdict": "pass"}, "comparisons": [entry]}, code=1)
    report = compare(model="lenet5", rounds=3)
    assert (report.ratios[0].ratio, report.ratios[0].ratio_ci95) == (0.5, (0.4, 0.6))
    assert report.exit_code == 1
    assert asked[0][1][:2] == ["--model=lenet5", "--rounds=3"]
    answered({"parity": {"verdict": "fail"}, "comparisons": []}, code=1, out="parity: fc")
    with pytest.raises(AssertionError, match="parity: fc"):
        compare(model="lenet5")


def test_the_console_script_lists_its_commands_and_refuses_others():
    def said(*arguments):
        command = [sys.executable, str(ROOT / "side_by_side.py"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert "benchmarks.parity" in said("--help").stdout
    wrong = said("paritty")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr == "side-by-side: there is no command 'paritty'; did you mean parity?\n"
    shown = said("parity", "--torch", "mine:net")
    assert shown.returncode == 2
    assert "benchmarks.parity" in shown.stderr
