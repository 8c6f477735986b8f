"""Ratios, their intervals and their noise: true effects are found, and no winner inside the noise."""

import numpy as np
import pytest

from benchmarks.analysis import ratio
from benchmarks.analysis.ratio import RatioEstimate, estimate_ratio, percentiles_ms


@pytest.fixture(autouse=True)
def fewer_resamples(monkeypatch):
    """Coverage is counted over many estimates, which each may be coarser."""
    monkeypatch.setattr(ratio, "RESAMPLES", 100)


def rounds(seconds, *, spread, seed, number=12, shared=None):
    """Two blocks of three steps per round, log-normal around ``seconds``; ``shared`` slows whole rounds."""
    rng = np.random.default_rng(seed)
    slow = np.ones(number) if shared is None else shared
    return [
        tuple((seconds * factor * np.exp(rng.normal(0, spread, 3))).tolist() for _ in range(2))
        for factor in slow
    ]


def test_a_true_ratio_lies_in_its_interval():
    covered = 0
    for seed in range(40):
        estimate = estimate_ratio(
            rounds(0.1, spread=0.1, seed=seed), rounds(0.2, spread=0.1, seed=seed + 1000)
        )
        low, high = estimate.interval
        assert low <= estimate.ratio <= high
        assert high - low < 0.2
        covered += low <= 0.5 <= high
    assert covered >= 36  # 95 % of 40 are 38


def test_equal_backends_have_no_winner():
    winners = sum(
        estimate_ratio(rounds(0.1, spread=0.1, seed=seed), rounds(0.1, spread=0.1, seed=seed + 1000)).verdict
        != "no difference"
        for seed in range(40)
    )
    assert winners <= 2


def test_few_rounds_give_honest_intervals():
    """Four rounds: a plain percentile interval would cover far less than 95 %."""
    covered = 0
    for seed in range(60):
        ours, theirs = (rounds(0.1, spread=0.2, seed=seed + more, number=4) for more in (0, 1000))
        low, high = estimate_ratio(ours, theirs).interval
        covered += low <= 1 <= high
    assert covered >= 54


def test_what_a_round_shares_cancels():
    shared = np.random.default_rng(0).uniform(1, 3, 12)
    ours, theirs = (rounds(seconds, spread=0.01, seed=1, shared=shared) for seconds in (0.1, 0.2))
    estimate = estimate_ratio(ours, theirs)
    assert estimate.verdict == "first faster"
    assert estimate.interval[1] - estimate.interval[0] < 0.05


def repeated(seed, *, rounds_of_each=7, number=3, own=0.03, lasting=0.05):
    """One whole measurement on a bad machine: each process has its own speed, noise lasts, steps jump."""
    rng = np.random.default_rng(seed)
    sides = []
    busy = np.exp(np.cumsum(rng.normal(0, lasting, rounds_of_each * number)) * 0.5)
    for seconds in (0.1, 0.3):
        speeds = np.repeat(np.exp(rng.normal(0, own, number)), rounds_of_each)
        sides.append(
            [
                tuple((seconds * slow * np.exp(rng.normal(0, 0.08, 2))).tolist() for _ in range(2))
                for slow in speeds * busy
            ]
        )
    return estimate_ratio(*sides, processes=[rounds_of_each] * number, seed=seed)


def covered(estimates):
    """The part of the other repetitions that lie in each one's interval."""
    return np.mean(
        [
            one.interval[0] <= other.ratio <= one.interval[1]
            for one in estimates
            for other in estimates
            if one is not other
        ]
    )


def test_an_interval_covers_the_ratios_of_repetitions():
    """Nine times of ten, although noise lasts over rounds and every process has a speed of its own."""
    estimates = [repeated(seed) for seed in range(20)]
    assert covered(estimates) >= 0.9
    assert np.median([one.interval[1] / one.interval[0] for one in estimates]) < 1.35  # and says something


def test_what_processes_differ_by_beyond_their_rounds_widens_the_interval(monkeypatch):
    """Rounds that hardly differ, of processes that do: without the widening it would cover far less."""
    found = [repeated(seed, own=0.1, lasting=0.0, number=5) for seed in range(20)]
    assert covered(found) >= 0.9
    monkeypatch.setattr(ratio, "_widening", lambda _: 1.0)
    assert covered([repeated(seed, own=0.1, lasting=0.0, number=5) for seed in range(20)]) < 0.8


def test_a_machine_that_slows_down_meanwhile_moves_nothing():
    """By half, and for both alike. The medians of all steps would be those of other rounds of each side."""
    slower = np.exp(np.linspace(0, 0.5, 20))
    slower[:8] = 1.0
    ours, theirs = (rounds(seconds, spread=0.02, seed=1, number=20, shared=slower) for seconds in (0.1, 0.2))
    theirs[10:] = [tuple(block[:1] for block in blocks) for blocks in theirs[10:]]  # fewer of slow steps
    estimate = estimate_ratio(ours, theirs, processes=[4] * 5)
    assert estimate.ratio == pytest.approx(0.5, abs=0.01)
    assert estimate.interval[1] - estimate.interval[0] < 0.05
    pooled = [
        np.median([step for blocks in side for block in blocks for step in block]) for side in (ours, theirs)
    ]
    assert abs(pooled[0] / pooled[1] - 0.5) > 0.02


def test_a_few_disturbed_rounds_move_nothing():
    ours, theirs = (
        rounds(seconds, spread=0.02, seed=seed, number=20) for seconds, seed in ((0.1, 1), (0.2, 2))
    )
    ours[3:6] = [tuple([30 * step for step in block] for block in blocks) for blocks in ours[3:6]]
    assert estimate_ratio(ours, theirs, processes=[4] * 5).ratio == pytest.approx(0.5, abs=0.02)


def test_what_a_host_does_for_minutes_is_allowed_for():
    """It is the same in all rounds of a run, and other in the next: within a run nothing tells of it."""

    def run(seed, **more):
        host = np.exp(np.random.default_rng(seed).normal(0, 0.03))
        ours, theirs = rounds(0.1 * host, spread=0.02, seed=seed), rounds(0.2, spread=0.02, seed=seed + 1000)
        return estimate_ratio(ours, theirs, **more)

    assert covered([run(seed) for seed in range(20)]) < 0.7
    assert covered([run(seed, slow=ratio.SHARED_HOST) for seed in range(20)]) >= 0.9


def test_what_rounds_differ_by_is_counted_once():
    """Processes that do not differ: their rounds' scatter is all there is, and it is in each process's."""
    found = [repeated(seed, own=0.0, lasting=0.0, rounds_of_each=4, number=5) for seed in range(30)]
    told = np.median([np.log(one.interval[1] / one.interval[0]) / 2 for one in found])
    true = 1.96 * np.sqrt(2) * np.std([np.log(one.ratio) for one in found])
    assert 0.8 < told / true < 1.4


def test_a_ratio_that_drifts_and_steps_that_stand_out_are_reported():
    steady, moving = [((0.1,), (0.1,))] * 8, [((0.1 + 0.01 * i,), (0.1 + 0.01 * i,)) for i in range(8)]
    assert ratio.drift(steady, steady) == ratio.pace(steady, steady) == 0
    assert ratio.drift(steady, moving) < -0.2
    assert ratio.drift(moving, moving) == 0
    assert ratio.pace(moving, moving) == pytest.approx(0.115 / 0.155 - 1, abs=0.01)
    assert ratio.outlier_fraction([0.1, 0.101, 0.099, 0.1, 0.102, 0.098, 0.1, 0.101, 0.099, 1.0]) == 0.1
    assert ratio.outlier_fraction([0.1] * 5) == 0


def test_estimates_are_reproducible():
    ours, theirs = rounds(0.1, spread=0.3, seed=0), rounds(0.1, spread=0.3, seed=1)
    assert estimate_ratio(ours, theirs) == estimate_ratio(ours, theirs)


@pytest.mark.parametrize(
    ("ratio", "interval", "noise", "verdict"),
    [
        (0.5, (0.4, 0.6), 0.05, "first faster"),
        (2.0, (1.9, 2.1), 0.05, "second faster"),
        (1.05, (0.95, 1.15), 0.01, "no difference"),
        (1.05, (1.02, 1.08), 0.10, "no difference"),
        (0.97, (0.95, 0.99), 0.04, "no difference"),
    ],
)
def test_verdicts(ratio, interval, noise, verdict):
    assert RatioEstimate(ratio=ratio, interval=interval, noise=noise).verdict == verdict


def test_percentiles_are_in_milliseconds():
    assert percentiles_ms([0.001 * step for step in range(1, 102)]) == pytest.approx(
        {"p50": 51, "p95": 96, "p99": 100}
    )
