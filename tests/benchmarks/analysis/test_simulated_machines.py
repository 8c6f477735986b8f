"""Machines whose truth is known: how often intervals hold it, and how often a winner is wrong.

Each check has a mistake beside it that turns it red.
"""

import numpy as np
import pytest

from benchmarks.analysis import disturbance, ratio
from benchmarks.analysis.verdict import decide
from benchmarks.measure.comparing import comparison
from tests.support.machines import drawn

RUNS = 80


def compared(turns):
    return comparison(turns, margin=5.0, pairs=6)


@pytest.fixture(scope="module")
def estimates():
    """Of many machines, where paddle is half as fast as torch."""
    return [drawn(seed, ratio=0.5).estimate() for seed in range(RUNS)]


def covering(found, truth=0.5):
    """The part of the runs whose interval holds the true ratio."""
    return np.mean([one.interval[0] <= truth <= one.interval[1] for one in found])


def covering_each_other(found):
    """The part of the other runs' ratios that lie in a run's repetition interval."""
    pairs = [(one, other) for one in found for other in found if one is not other]
    return np.mean([one.repetition[0] <= other.ratio <= one.repetition[1] for one, other in pairs])


def decisions(truth, *, runs=RUNS, **more):
    """What each run says, the first side being torch."""
    found = [drawn(seed, ratio=truth, **more) for seed in range(runs)]
    return [
        decide(turns.estimate().interval, margin=5.0) if turns.is_valid() else "invalid" for turns in found
    ]


def winners(found, right=None):
    """How many runs name a winner, and how many of these the wrong one; where both are equal, any is."""
    named = [decision for decision in found if decision.endswith("faster")]
    return len(named), sum(decision != right for decision in named)


def rounds_as_if_independent(ratios, sizes):
    return np.split(ratios, len(ratios))


def test_the_true_ratio_lies_in_its_interval(estimates, monkeypatch):
    assert covering(estimates) >= 0.91
    monkeypatch.setattr(ratio, "_groups", rounds_as_if_independent)  # the planted mistake
    assert covering([drawn(seed, ratio=0.5).estimate() for seed in range(RUNS)]) < 0.85


def test_repetitions_lie_in_each_others_intervals(estimates, monkeypatch):
    assert covering_each_other(estimates) >= 0.91
    monkeypatch.setattr(ratio, "REPETITION", 1.0)  # the planted mistake
    assert covering_each_other([drawn(seed, ratio=0.5).estimate() for seed in range(40)]) < 0.88


def test_intervals_say_something(estimates):
    halves = [np.log(one.interval[1] / one.interval[0]) / 2 for one in estimates]
    assert np.median(halves) < 0.04
    wider = [np.log(one.repetition[1] / one.repetition[0]) / 2 for one in estimates]
    np.testing.assert_allclose(np.array(wider) / halves, np.sqrt(2))


def test_equal_sides_are_called_equal_and_bursts_make_no_winner(monkeypatch):
    found = decisions(1.0)
    assert set(found) == {"equal", "undecided"}
    assert found.count("equal") > 0.6 * RUNS
    monkeypatch.setattr(disturbance, "is_disturbed", lambda *_, **__: False)  # the planted mistake
    named, wrong = winners(decisions(1.0, bursts=0.4, runs=40))
    assert named == wrong > 3


def test_what_differs_is_decided_and_never_for_the_wrong_one():
    assert winners(decisions(0.85, runs=40), right="first faster") == (40, 0)
    named, wrong = winners(decisions(1.06, runs=40), right="second faster")
    assert (named > 0, wrong) == (True, 0)


@pytest.mark.parametrize(("load", "verdict"), [(0.0, "equal"), (0.25, "invalid"), (0.5, "invalid")])
def test_a_load_that_lasts_gives_no_winner(load, verdict):
    found = compared(drawn(1, load=load, bursts=0.0))
    assert found.verdict == verdict
    if load:
        assert "other programs used" in found.reason and "--threads" in found.reason


def test_blocks_left_out_because_they_are_slow_would_favour_whoever_is_disturbed(monkeypatch):
    """The reason why the kernel decides: torch is slow in half of its blocks by itself, and looks faster."""

    def by_time(sides):
        for blocks in sides:
            limit = 1.2 * min(np.median(block.step_seconds) for block in blocks)
            for block in blocks:
                block.disturbed = bool(np.median(block.step_seconds) > limit)
        return disturbance.Disturbance(left_out=0.0, shares=None)

    def median_ratio():
        found = [drawn(seed, bursts=0.4, seen=0.0, drift=0, process=0).estimate().ratio for seed in range(10)]
        return np.median(found)

    honest = median_ratio()
    monkeypatch.setattr("benchmarks.measure.rounds.mark_disturbed", by_time)
    assert median_ratio() < 0.95 * honest


def test_pairs_over_the_whole_run_show_what_a_host_does_for_minutes():
    host = {"ratio": 0.5, "process": 0.0, "drift": 0.03, "lasting": 0.15, "bursts": 0.0}
    held = [
        covering([drawn(seed, **host, spread=spread).estimate() for seed in range(RUNS)])
        for spread in (True, False)
    ]
    assert held[0] > held[1] + 0.05


def test_stopping_when_it_is_known_keeps_what_intervals_promise(estimates):
    """Two pairs more wherever six are not known to 3 %: the width decides, never the value."""
    known = [one.interval[1] / one.interval[0] <= 1.03**2 for one in estimates]
    assert 0.1 < np.mean(known) < 0.9
    found = [
        one if enough else drawn(seed, ratio=0.5, pairs=8).estimate()
        for seed, (one, enough) in enumerate(zip(estimates, known, strict=True))
    ]
    assert covering(found) >= 0.9
