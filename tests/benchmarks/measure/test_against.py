"""Two versions of one backend in turns: 5 % slower is found, nothing is not, and no version is refused."""

import json
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import run
from benchmarks.analysis.quick_steps import speed_ratio
from benchmarks.manager.installations import ROOT, other_place
from benchmarks.manager.session import Session
from benchmarks.manager.worker_process import WorkerFailure
from benchmarks.measure import versions
from benchmarks.measure.interleave import Interleaving
from benchmarks.measure.laps import Plan
from benchmarks.measure.own_weights import write_own_weights
from benchmarks.measure.versions import HERE, THERE, judged, measure_against, sentences
from benchmarks.request.limits import Limits
from benchmarks.request.request import read_request
from benchmarks.results.samples import Block, Measured
from benchmarks.selfcheck import planted_slowdowns
from common.cli import UsageError
from tests.support.commands import QUICK, ended
from tests.support.machines import CASE, FACTS, counters, session

LENET = ["--backend", "torch", "--model", "lenet5", "--phase", "infer", "--device", "cpu", *QUICK]


def turns(*, slower, seed, drifting=1.0):
    """24 rounds in six pairs of processes on a shared machine; here takes ``slower`` times as long.

    Two blocks of three are disturbed by others, by a third on average, and each process has a speed of its
    own. The machine slows down by ``drifting`` meanwhile, for both.
    """
    rng = np.random.default_rng(seed)
    place = session((THERE, HERE), seed)
    place.places = dict.fromkeys((THERE, HERE), SimpleNamespace(backend="torch"))
    pair = Interleaving(place, CASE, explainer=None)
    pair.processes = [4] * 6
    for name, factor in ((THERE, 1.0), (HERE, slower)):
        process = np.exp(rng.normal(0, 0.005, 6))
        measured = Measured(facts=FACTS)
        for number, machine in enumerate(np.linspace(1, drifting, 24)):
            for _ in range(2):
                disturbed = 1 + rng.exponential(0.33) * (rng.random() < 0.67)
                steps = 0.1 * machine * factor * disturbed * process[number // 4]
                steps *= np.exp(np.abs(rng.normal(0, 0.03, 12)))
                measured.blocks.append(Block(process=number // 4, seconds={"forward": steps.tolist()}))
        pair.measured[name] = measured
    return pair


@pytest.mark.parametrize(("slower", "least", "most"), [(1.05, 19, 20), (1.0, 0, 1)])
def test_five_percent_are_found_and_nothing_is_not(slower, least, most):
    found = [judged(turns(slower=slower, seed=seed), CASE, max_regression=2) for seed in range(20)]
    assert least <= sum(entry.regression for entry in found) <= most
    assert all(entry.change_ci95[0] < entry.change < entry.change_ci95[1] for entry in found)


def test_a_machine_that_slows_down_meanwhile_is_no_regression():
    assert not judged(turns(slower=1.0, seed=1, drifting=1.5), CASE, max_regression=2).regression


def test_a_slowdown_that_is_allowed_is_reported_and_no_regression():
    entry = judged(turns(slower=1.05, seed=2), CASE, max_regression=10)
    assert (entry.verdict, entry.regression) == ("slower", False)
    assert "torch infer eager fp32 batch 8: slower, -" in sentences([entry], backend="torch")[0]


@pytest.mark.parametrize(
    ("slower", "allowed", "verdict", "undecided"),
    [(1.0, 10, "equal", False), (1.0, 0.1, "undecided", True), (0.7, 0.1, "faster", False)],
)
def test_a_gate_that_would_not_see_what_is_not_allowed_is_undecided(slower, allowed, verdict, undecided):
    entry = judged(turns(slower=slower, seed=4), CASE, max_regression=allowed)
    assert (entry.verdict, entry.undecided, entry.regression) == (verdict, undecided, False)
    told = sentences([entry], backend="torch")[0]
    assert ("more --pairs and --rounds would decide" in told) == undecided


def test_a_run_that_others_disturbed_is_invalid_and_no_gate_passes_it():
    pair = turns(slower=1.5, seed=5)
    for measured in pair.measured.values():
        for block in measured.blocks:
            block.counters = counters(others=0.45, waited=0.4)
    entry = judged(pair, CASE, max_regression=2)
    assert (entry.verdict, entry.undecided, entry.regression, entry.change) == ("invalid", True, False, None)
    assert (
        "torch infer eager fp32 batch 8: invalid: 100% of the blocks"
        in sentences([entry], backend="torch")[0]
    )


def test_starts_are_compared_and_have_no_throughput():
    entry = judged(turns(slower=1.3, seed=2), CASE, max_regression=2)
    entry.here_images_per_second = entry.there_images_per_second = None
    assert sentences([entry], backend="torch")[0].endswith("%)")


def test_a_version_that_cannot_run_it_leaves_the_other_its_figure():
    pair = turns(slower=1.0, seed=3)
    pair.failures[THERE] = WorkerFailure("torch", "crashed", "TypeError: no such argument")
    entry = judged(pair, CASE, max_regression=2)
    assert (entry.verdict, entry.there.status, entry.regression) == ("not comparable", "crashed", False)
    assert entry.here_images_per_second > 0
    assert "there: TypeError" in sentences([entry], backend="torch")[0]


def test_an_interpreter_an_environment_and_a_checkout_are_found(tmp_path):
    (tmp_path / "env/bin").mkdir(parents=True)
    python = tmp_path / "env/bin/python"
    python.symlink_to(sys.executable)
    assert other_place("torch", str(python)).interpreter == str(python)  # not what the link leads to
    assert other_place("torch", str(tmp_path / "env")).interpreter == str(python)
    assert other_place("torch", Path(shutil.which("sh")).name).interpreter == shutil.which("sh")
    checkout = other_place("torch", str(ROOT))
    assert (checkout.root, checkout.interpreter) == (ROOT, None)


def test_a_checkout_of_the_users_repository_is_where_the_other_model_lies(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "mine.py").write_text("def net(): ...\n")
    place = other_place("torch", str(tmp_path), source="mine:net")
    assert (place.folder, place.root, place.interpreter) == (str(tmp_path), ROOT, None)
    with pytest.raises(UsageError, match="no Python, no environment's folder and no checkout"):
        other_place("torch", str(tmp_path))  # without a model of one's own
    with pytest.raises(UsageError, match="has no module 'yours', nor has its src"):
        other_place("torch", str(tmp_path), source="yours:net")
    with pytest.raises(UsageError, match=r"mine\.py has no 'twin'; it has net"):
        other_place("torch", str(tmp_path), source="mine:twin")
    with pytest.raises(
        UsageError, match="has no module 'json'"
    ):  # what is installed is not of another commit
        other_place("torch", str(tmp_path), source="json:loads")


NETWORK = """
def net():
    from torch import nn

    return nn.Sequential(nn.Flatten(), nn.Linear(192, {width}), nn.Linear({width}, 5))
"""


def test_two_commits_of_a_repository_have_each_its_own_code_and_weights(torch_backend, tmp_path, monkeypatch):
    """Both are named alike, and their parameters differ."""
    for name, width in (("before", 7), ("now", 9)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine.py").write_text(NETWORK.format(width=width))
    monkeypatch.chdir(tmp_path / "now")
    size = ["--torch", "mine:net", "--input-shape", "3,8,8", "--num-classes", "5", "--phase", "infer"]
    options = run._parse(["--backend", "torch", *size, "--device", "cpu", "--threads", "1"])
    request = read_request(options)
    places = versions.places("torch", "../before", source="mine:net")
    with Session(request, scratch=tmp_path, places=places) as both:
        both.start(list(places))
        write_own_weights(both)
        found = {name: both.prepare(name, request.cases[0]).facts.parameters for name in places}
        files = {side: list(facts["files"]) for side, facts in both.models.items()}
    assert found == {HERE: 193 * 9 + 50, THERE: 193 * 7 + 40}
    assert files == {
        "torch": [str(tmp_path / "now" / "mine.py")],
        "there": [str(tmp_path / "before" / "mine.py")],
    }


def test_another_number_of_parameters_is_said():
    entry = judged(turns(slower=1.0, seed=1), CASE, max_regression=2)
    assert "another network" not in sentences([entry], backend="torch")[0]
    entry.parameters, entry.there.parameters = 1787, 1391
    assert "another network: 1,787 parameters against 1,391" in sentences([entry], backend="torch")[0]


@pytest.mark.parametrize("text", ["/no/such/python", "no-such-python", str(Path(__file__)), "/"])
def test_what_is_no_version_is_refused(text):
    with pytest.raises(UsageError, match=f"--against {text}: is no Python"):
        other_place("torch", text)


def test_both_versions_are_in_the_file_and_a_regression_is_exit_code_1(local, tmp_path, capsys, monkeypatch):
    target = tmp_path / "result.json"
    arguments = [*LENET, "--against", str(ROOT), "--rounds", "4", "--pairs", "1", "--json", str(target)]
    code, out, errors = ended(run.main, [*arguments, "--max-regression", "100"], capsys)
    assert (code, errors) == (0, [])
    report = json.loads(target.read_text())
    (entry,) = report["against"]
    here, there = (row["quick_seconds"] for row in (report["results"][0], entry["there"]))
    assert np.log(entry["change"]) == pytest.approx(speed_ratio(there, here).mean)
    assert report["results"][0]["images_per_second"] == entry["here_images_per_second"]
    assert report["environment"]["against"]["place"] == str(ROOT)
    assert "torch infer eager fp32 batch 8" in out
    slower = [judged(turns(slower=1.3, seed=1), CASE, max_regression=2)]
    monkeypatch.setattr("benchmarks.measure.versions.measure_against", lambda *_, **__: ([], slower))
    code, _, errors = ended(run.main, arguments, capsys)
    assert (code, "slower, -2" in errors[0]) == (1, True)
    slower[0] = judged(turns(slower=1.0, seed=4), CASE, max_regression=0.1)
    code, _, errors = ended(run.main, arguments, capsys)
    assert (code, "might not show" in errors[0]) == (4, True)


def test_versions_are_compared_as_precisely_as_the_gate_asks(monkeypatch):
    """Against each other, and one after the other against what is stored; the baseline itself is not."""
    asked = []
    monkeypatch.setattr(
        "benchmarks.measure.versions.go_round", lambda _, plan, **__: asked.append(plan.resolve)
    )
    request = SimpleNamespace(cases=[])
    places = {HERE: SimpleNamespace(backend="torch")}
    measure_against(
        SimpleNamespace(request=request, places=places), Plan(rounds=4, pairs=2), limits=Limits(default=2.0)
    )
    monkeypatch.setattr(
        "benchmarks.measure.both_backends.measure_both", lambda _, *, plan, **__: asked.append(plan.resolve)
    )
    options = planted_slowdowns._parse(["--max-regression", "5"])
    planted_slowdowns._compare(request, options, times=planted_slowdowns.BASELINE)
    planted_slowdowns._compare(request, options)
    assert asked == [2.0, None, 5.0]
