"""The plugin of pytest: what it makes of answers, without a framework. test_installed.py has it whole."""

import re
import sys

import pytest

import side_by_side
import side_by_side_pytest
from side_by_side_pytest import Lost, Process, Results
from tests.support.paths import ROOT

pytest_plugins = ["pytester"]
STAGES = ["forward", "gradients"]
PASSED = {"outcome": "passed", "verdict": "pass", "tensors": 6, "worst": 1e-16, "text": "six tensors agree"}
FAILED = {"outcome": "failed", "verdict": "fail", "tensors": 6, "worst": 0.2, "text": "layer fc (mine.py:5)"}
NOTHING = {"outcome": "skipped", "verdict": "pass", "text": "nothing to compare"}
ARGUMENTS = ("--parity-pairs", "pairs.toml", "pairs.toml", "-p", "no:cacheprovider", "-p", "no:xdist")


class Answering:
    """Stands in for the process that compares."""

    def __init__(self):
        self.asked, self.closed = [], 0
        self.pairs, self.result = ["left", "right"], {}

    def ask(self, task, **arguments):
        self.asked.append((task, arguments))
        if task == "read":
            return {"pairs": self.pairs, "stages": arguments["stages"] or STAGES}
        if isinstance(self.result, Exception):
            raise self.result
        return {"stages": dict.fromkeys(arguments["stages"], PASSED)} | self.result

    def close(self):
        self.closed += 1


@pytest.fixture
def answering(monkeypatch, pytester):
    pytester.makefile(".toml", pairs="")
    process = Answering()
    monkeypatch.setattr(side_by_side_pytest, "Process", lambda: process)
    return process


@pytest.fixture
def ran(pytester):
    """Runs pytest with the plugin in this process."""

    def run(*arguments):
        is_loaded = "side_by_side_pytest" in sys.modules and _is_installed()
        own = [] if is_loaded else ["-p", "side_by_side_pytest"]
        return pytester.runpytest_inprocess(*own, *arguments)

    return run


def _is_installed():
    from importlib.metadata import entry_points

    return any(point.value == "side_by_side_pytest" for point in entry_points(group="pytest11"))


def test_a_pair_is_compared_once_with_all_stages_of_the_session(answering, ran):
    ran(*ARGUMENTS).assert_outcomes(passed=4)
    compared = [arguments for task, arguments in answering.asked if task == "compare"]
    assert [(one["pair"], one["stages"]) for one in compared] == [("left", STAGES), ("right", STAGES)]
    assert answering.closed


def test_words_and_node_ids_choose_what_is_compared(answering, ran):
    ran(*ARGUMENTS, "-k", "right and gradients").assert_outcomes(passed=1, deselected=3)
    assert answering.asked[-1][1]["stages"] == ["gradients"]
    answering.asked.clear()
    ran(*ARGUMENTS[:2], "pairs.toml::left::forward", *ARGUMENTS[3:]).assert_outcomes(passed=1)
    assert answering.asked[-1][1]["pair"] == "left"


def test_collecting_compares_nothing(answering, ran):
    found = ran(*ARGUMENTS, "--collect-only", "-q")
    found.stdout.fnmatch_lines(["pairs.toml::left::forward", "pairs.toml::right::gradients"])
    assert [task for task, _ in answering.asked] == ["read"]


def test_without_being_asked_it_does_nothing(answering, ran):
    assert ran("-p", "no:cacheprovider").ret == pytest.ExitCode.NO_TESTS_COLLECTED
    assert answering.asked == []


def test_a_setting_is_enough_for_runs_that_name_no_tests(answering, ran, pytester):
    pytester.makeini("[pytest]\nparity_pairs = pairs.toml\nparity_stages = loss\n")
    pytester.makepyfile(test_other="def test_it(): pass")
    ran("-p", "no:cacheprovider").assert_outcomes(passed=3)
    ran("-p", "no:cacheprovider", "test_other.py").assert_outcomes(passed=1)
    ran("-p", "no:cacheprovider", ".").assert_outcomes(passed=3)


def test_a_failure_prints_what_the_report_says_and_no_traceback(answering, ran, pytester):
    answering.result = {"stages": {"forward": FAILED, "gradients": NOTHING}}
    found = ran(*ARGUMENTS, "--junitxml=found.xml", "-rs")
    found.assert_outcomes(failed=2, skipped=2)
    text = found.stdout.str()
    assert "layer fc (mine.py:5)" in text
    assert "nothing to compare" in text
    assert "Traceback" not in text
    assert "side_by_side_pytest.py:" not in text.partition("short test summary")[0]
    written = (pytester.path / "found.xml").read_text()
    assert re.search(r'<testcase classname="pairs.toml.left" name="forward"', written)
    assert '<property name="parity_worst" value="0.2" />' in written


@pytest.mark.parametrize(
    ("flags", "counted"),
    [
        ((), {"skipped": 4}),
        (("--parity-require", "torch"), {"skipped": 4}),
        (("--parity-require", "torch,paddle"), {"failed": 4}),
    ],
)
def test_a_missing_framework_skips_unless_it_is_required(answering, ran, flags, counted):
    answering.result = {"unavailable": {"paddle": "there is no paddle; install it"}}
    found = ran(*ARGUMENTS, *flags, "-rs")
    found.assert_outcomes(**counted)
    assert "there is no paddle; install it" in found.stdout.str()


@pytest.mark.parametrize("result", [{"error": "left: no GPU"}, Lost("ended with code 3; left: no GPU")])
def test_what_cannot_be_compared_fails_with_the_reason(answering, ran, result):
    answering.result = result
    found = ran(*ARGUMENTS)
    found.assert_outcomes(failed=4)
    assert "left: no GPU" in found.stdout.str()
    assert [task for task, _ in answering.asked] == ["read", "compare", "compare"]


def test_workers_of_xdist_share_one_comparison_of_a_pair(tmp_path):
    """The first that needs a pair compares it; others read its result. A lost process leaves none."""
    process = Answering()
    process.result = Lost("killed")
    assert Results(process, str(tmp_path)).of("pairs.toml", "left", STAGES) == {"error": "killed"}
    process.result = {}
    found = [Results(process, str(tmp_path)).of("pairs.toml", "left", STAGES) for _ in range(2)]
    assert found == [{"stages": dict.fromkeys(STAGES, PASSED)}] * 2
    assert len(process.asked) == 2
    Results(process, str(tmp_path)).of("pairs.toml", "right", STAGES)
    assert len(process.asked) == 3


def test_the_process_that_compares_refuses_a_wrong_file_and_ends_with_its_input(tmp_path):
    process = Process()
    wrong = process.ask("read", file=str(tmp_path / "none.toml"), stages=[])
    assert "none.toml: cannot be read" in wrong["error"]
    assert "no stage 'forwards'" in process.ask("read", file="torchvision", stages=["forwards"])["error"]
    shipped = process.ask("read", file="torchvision", stages=["loss"])
    assert "resnet18" in shipped["pairs"]
    assert shipped["stages"] == ["loss"]
    running = process._process
    process.close()
    assert running.poll() is not None


def test_a_process_that_ends_is_lost_with_its_last_words(monkeypatch):
    monkeypatch.setattr(
        side_by_side, "launch", lambda _: [sys.executable, "-c", "raise SystemExit('no room')"]
    )
    with pytest.raises(Lost, match="code 1; its last words: no room"):
        Process().ask("read", file="pairs.toml", stages=[])


def test_the_plugin_imports_nothing_of_ours():
    text = (ROOT / "side_by_side_pytest.py").read_text()
    assert not re.search(r"^\s*(from|import) (common|backends|benchmarks)", text, re.MULTILINE)
