"""The undisturbed steps: the same however busy the machine was, and as uncertain as they are said to be."""

import math

import numpy as np
import pytest

from benchmarks.analysis.quick_steps import Estimate, quick_seconds, speed, speed_ratio
from benchmarks.results.samples import Block


def blocks(seconds, *, seed, processes=6, own=0.01, disturbed=0.67):
    """Ten blocks of twelve steps a process, most of them disturbed; each process has a speed of its own."""
    rng = np.random.default_rng(seed)
    found = []
    for process in range(processes):
        base = seconds * np.exp(rng.normal(0, own))
        for _ in range(10):
            slow = 1 + rng.exponential(0.4) * (rng.random() < disturbed)
            steps = base * slow * np.exp(np.abs(rng.normal(0, 0.03, 12)))
            found.append(Block(process=process, seconds={"step": steps.tolist()}))
    return found


def change(seed, *, slower=1.0, **more):
    first, second = blocks(1.0, seed=seed, **more), blocks(slower, seed=seed + 1000, **more)
    return speed_ratio(quick_seconds(first), quick_seconds(second))


def test_a_busy_machine_moves_the_median_and_not_the_fast_steps():
    quiet, busy = (blocks(1.0, seed=1, disturbed=part) for part in (0.1, 0.8))
    medians = [np.median([step for block in each for step in block.step_seconds]) for each in (quiet, busy)]
    assert medians[1] / medians[0] > 1.15
    assert np.exp(speed(quick_seconds(busy)).mean - speed(quick_seconds(quiet)).mean) == pytest.approx(
        1, abs=0.02
    )


def test_a_process_without_a_quiet_moment_makes_it_uncertain():
    sound = blocks(1.0, seed=1)
    spoilt = [
        Block(
            process=block.process,
            seconds={"step": [step * (1.5 if block.process == 0 else 1) for step in block.step_seconds]},
        )
        for block in sound
    ]
    one, other = (speed(quick_seconds(each)) for each in (sound, spoilt))
    assert other.half_width() > abs((one - other).mean) > one.half_width()


@pytest.mark.parametrize("own", [0.0, 0.03])
def test_the_truth_lies_within_the_half_width(own):
    """19 times of 20, whether steps or processes differ more."""
    found = [change(seed, slower=1.1, own=own) for seed in range(60)]
    covered = sum(abs(one.mean + math.log(1.1)) <= one.half_width() for one in found)
    assert covered >= 53
    assert np.median([one.half_width() for one in found]) < 0.08


def test_a_host_that_runs_slower_for_minutes_decides_nothing():
    """Most processes ran at half the speed, and one side had a quick spell that the other had not."""
    pace = np.repeat([1.0, 2.0, 2.0, 2.0, 2.0, 2.0], 10)
    lucky = np.where(np.arange(60) < 3, 0.8, 1.0)
    first, second = (
        [
            Block(process=block.process, seconds={"step": [step * slow for step in block.step_seconds]})
            for block, slow in zip(blocks(1.0, seed=seed, own=0.0), factors, strict=True)
        ]
        for seed, factors in ((1, pace * lucky), (2, pace))
    )
    all_steps = [[step for block in side for step in block.step_seconds] for side in (first, second)]
    assert np.percentile(all_steps[0], 1) / np.percentile(all_steps[1], 1) < 0.85
    found = speed_ratio(quick_seconds(first), quick_seconds(second))
    assert abs(found.mean) < min(0.06, found.half_width())


def test_a_pair_of_processes_that_was_disturbed_as_a_whole_counts_no_more():
    """Not even where one side was disturbed more; but a process that is slow by itself counts."""
    first, second = np.array([1.00, 1.01, 0.99, 1.00, 1.3]), np.array([2.00, 2.00, 2.02, 1.98, 4.8])
    found, quiet = speed_ratio(first, second), speed_ratio(first[:4], second[:4])
    assert (found, found.freedom) == (quiet, 3)
    assert speed_ratio(second, first).mean == pytest.approx(-found.mean)
    for alone in (speed_ratio([*first[:4], 1.0], second), speed_ratio(first, [*second[:4], 2.0])):
        assert (alone.freedom, alone.half_width() > 0.1) == (4, True)


def test_three_pairs_are_kept_however_disturbed():
    found = speed_ratio([1.0, 1.9, 1.2, 1.4], [1.0, 1.5, 1.3, 1.6])
    expected = (math.log(1.2 / 1.3) + math.log(1.4 / 1.6)) / 3
    assert (found.freedom, found.mean) == (2, pytest.approx(expected))
    assert speed_ratio([1.0, 2.0], [1.0, 2.2]).freedom == 1


def test_each_process_has_its_quick_steps_and_of_one_each_block():
    steps = [[1.0, 2.0], [3.0, 3.0], [4.0, 9.0]]
    parted = [Block(process=n // 2, seconds={"step": block}) for n, block in enumerate(steps)]
    expected = [np.percentile([1, 2, 3, 3], 5), np.percentile([4, 9], 5)]
    assert quick_seconds(parted) == pytest.approx(expected)
    together = [Block(seconds={"step": block}) for block in steps]
    assert quick_seconds(together) == pytest.approx([np.percentile(block, 5) for block in steps])


def test_a_mean_is_as_uncertain_as_its_values_are_spread():
    values = np.array([1.0, 2.0, 4.0, 7.0])
    found = speed(np.exp(-values))
    assert (found.mean, found.variance, found.freedom) == pytest.approx(
        (values.mean(), values.var(ddof=1) / 4, 3)
    )
    pair = speed_ratio(np.exp([2, 2, 2, 3]), np.exp([1, 1, 1, 1]))
    assert (pair.mean, pair.variance) == pytest.approx((1.25, 0.25 / 4))


def test_a_difference_is_as_uncertain_as_both_and_one_observation_knows_nothing():
    sure = Estimate(mean=1.0, variance=0.0, freedom=5)
    vague = Estimate(mean=0.4, variance=0.01, freedom=3)
    found = sure - vague
    assert (found.mean, found.variance, found.freedom) == pytest.approx((0.6, 0.01, 3))
    assert (vague - vague).freedom == pytest.approx(6)
    assert vague.half_width(looks=20) > vague.half_width()
    assert (sure - speed([2.0])).half_width() == math.inf
    assert Estimate(mean=0, variance=0.01, freedom=math.inf).half_width() == pytest.approx(0.196, rel=1e-3)
