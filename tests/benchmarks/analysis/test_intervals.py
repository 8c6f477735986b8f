"""Ratios, their intervals and their noise: true effects are found, and no winner inside the noise."""

import numpy as np
import pytest

from benchmarks.analysis import ratio
from benchmarks.analysis.ratio import RatioEstimate, estimate_ratio, percentiles_ms
from benchmarks.analysis.verdict import Effort, decide, remedy
from benchmarks.results.formatting import UNUSABLE, half_width, interval, plus_minus


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
    assert decide(estimate.interval, margin=5) == "first faster"
    assert estimate.interval[1] - estimate.interval[0] < 0.05


def test_a_machine_that_slows_down_meanwhile_moves_nothing():
    """By half, and for both alike. The medians of all steps would be those of other rounds of each side."""
    slower = np.exp(np.linspace(0, 0.5, 20))
    slower[:8] = 1.0
    ours, theirs = (rounds(seconds, spread=0.02, seed=1, number=20, shared=slower) for seconds in (0.1, 0.2))
    theirs[10:] = [tuple(block[:1] for block in blocks) for blocks in theirs[10:]]  # fewer of slow steps
    estimate = estimate_ratio(ours, theirs, pairs=[4] * 5)
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
    assert estimate_ratio(ours, theirs, pairs=[4] * 5).ratio == pytest.approx(0.5, abs=0.02)


def test_one_slow_block_in_ten_hardly_widens_what_pairs_of_two_rounds_show(monkeypatch):
    """Blocks of one step, as of a model that takes half a second: one neighbour's moment spoils a block."""

    def run(seed):
        rng = np.random.default_rng(seed)

        def block(own):
            late = rng.exponential(0.4) if rng.random() < 0.1 else 0.0
            return [float(np.exp(own + rng.normal(0, 0.05) + late))]

        pairs = [rng.normal(0, 0.03, 2) for _ in range(6) for _ in range(2)]
        both = [[[block(own[side]) for _ in range(2)] for own in pairs] for side in (0, 1)]
        return estimate_ratio(*both, pairs=[2] * 6)

    def widths():
        found = [run(seed) for seed in range(60)]
        assert np.mean([one.interval[0] <= 1 <= one.interval[1] for one in found]) >= 0.88
        return np.median([half_width(one.interval) for one in found])

    robust = widths()
    monkeypatch.setattr(ratio, "hodges_lehmann", lambda values: float(np.mean(values)))  # the planted mistake
    assert robust < 0.75 * widths()


def test_what_a_host_does_for_minutes_is_a_floor_of_what_one_or_two_pairs_show():
    """It is the same in all rounds of a pair, and other in the next: of three pairs it is measured."""
    ours, theirs = (rounds(seconds, spread=1e-6, seed=1) for seconds in (0.1, 0.2))
    floor = np.exp(1.96 * ratio.SHARED_HOST)
    for pairs in ([12], [6, 6]):
        low, high = estimate_ratio(ours, theirs, pairs=pairs, slow=ratio.SHARED_HOST).interval
        assert np.sqrt(high / low) == pytest.approx(floor, rel=1e-3)
    low, high = estimate_ratio(ours, theirs, pairs=[4] * 3, slow=ratio.SHARED_HOST).interval
    assert high / low < 1.001


def test_what_processes_differ_by_beyond_their_rounds_widens_the_interval():
    speeds = np.repeat(np.exp(np.random.default_rng(0).normal(0, 0.1, 6)), 4)
    ours = rounds(0.1, spread=0.01, seed=1, number=24, shared=speeds)
    theirs = rounds(0.2, spread=0.01, seed=2, number=24)
    apart, together = (estimate_ratio(ours, theirs, pairs=pairs) for pairs in ([4] * 6, [24]))
    assert half_width(apart.interval) > 1.5 * half_width(together.interval)
    assert (apart.of_rounds < 0.1, together.of_rounds) == (True, 1.0)
    alike = estimate_ratio(rounds(0.1, spread=0.1, seed=3, number=24), theirs, pairs=[4] * 6)
    assert alike.of_rounds > 0.5


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
    ("ends", "margin", "decision"),
    [
        ((0.4, 0.6), 5, "first faster"),
        ((1.9, 2.1), 5, "second faster"),
        ((0.95, 1.15), 5, "undecided"),
        ((0.953, 1.049), 5, "equal"),
        ((0.951, 1.049), 5, "undecided"),  # 1 / 0.951 is more than 1.05
        ((1.01, 1.04), 5, "equal"),  # a difference that nobody minds
        ((1.01, 1.06), 5, "second faster"),
        ((1.01, 1.04), 0, "second faster"),
        ((1e-12, 1e14), 5, "undecided"),
    ],
)
def test_decisions(ends, margin, decision):
    assert decide(ends, margin=margin) == decision
    mirrored = {"first faster": "second faster", "second faster": "first faster"}
    assert decide((1 / ends[1], 1 / ends[0]), margin=margin) == mirrored.get(decision, decision)


def estimate(low, high, *, of_rounds=0.0, unseen=0.0):
    ends = (low, high)
    return RatioEstimate(
        ratio=np.sqrt(low * high), interval=ends, repetition=ends, noise=0, of_rounds=of_rounds, unseen=unseen
    )


@pytest.mark.parametrize(
    ("found", "effort", "dominant", "flags"),
    [
        # Known to 10 %, to be known to 5 %: four times as much, and a fifth more of the width.
        (estimate(0.909, 1.1), (24, 6, 0.0), "processes", {"pairs": 34, "rounds": 136}),
        (estimate(0.909, 1.1, of_rounds=0.8), (24, 6, 0.0), "rounds", {"pairs": 6, "rounds": 133}),
        (estimate(0.909, 1.1, unseen=0.9), (12, 1, 0.0), "host", {"pairs": 12, "rounds": 48}),
        (estimate(0.909, 1.1), (24, 6, 0.3), "host", {"pairs": 34, "rounds": 136}),
        (estimate(0.95, 1.3), (24, 6, 0.0), "processes", {"pairs": 20, "rounds": 80}),
    ],
)
def test_what_is_undecided_says_what_dominates_and_what_would_decide(found, effort, dominant, flags):
    rounds_made, pairs, left_out = effort
    made = Effort(rounds=rounds_made, pairs=pairs, seconds=120.0, left_out=left_out)
    advice = remedy(found, made, margin=5)
    assert (advice.dominant, advice.flags) == (dominant, flags)
    most = max(flags["rounds"] / rounds_made, flags["pairs"] / pairs)
    assert advice.minutes == pytest.approx(2 * most)
    assert f"--pairs {flags['pairs']} --rounds {flags['rounds']}, about" in advice.sentence()


def test_what_no_effort_decides_is_said():
    hopeless = remedy(estimate(0.5, 2.0), Effort(rounds=24, pairs=6, seconds=600.0), margin=0)
    assert hopeless.sentence().endswith("more than 10 hours would be needed: a wider --margin decides")


def test_percentiles_are_in_milliseconds_and_need_steps():
    assert percentiles_ms([0.001 * step for step in range(1, 502)]) == pytest.approx(
        {"p50": 251, "p95": 476, "p99": 496}
    )
    assert percentiles_ms([0.001] * 499) == {"p50": 1.0, "p95": 1.0, "p99": None}
    assert percentiles_ms([0.001] * 99) == {"p50": 1.0, "p95": None, "p99": None}


@pytest.mark.parametrize(
    ("ends", "shown"),
    [
        ((2.4, 2.8), "2.40 to 2.80"),
        ((0.51, 2.0), "0.510 to 2.00"),
        ((0.49, 2.0), UNUSABLE),
        ((2.13e-11, 289973829064949.0), UNUSABLE),
        ((0.0, np.inf), UNUSABLE),
        (None, "-"),
    ],
)
def test_an_interval_that_makes_no_sense_is_not_printed(ends, shown):
    assert interval(ends) == shown


def test_a_width_that_makes_no_sense_is_not_printed():
    widths = (0.055, 1.0, 372460720197.0, np.inf, None)
    assert [plus_minus(width) for width in widths] == ["±5.5 %", "±100.0 %", UNUSABLE, UNUSABLE, "-"]
