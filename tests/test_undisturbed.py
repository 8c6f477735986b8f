"""The undisturbed steps: the same however busy the machine was, and as uncertain as they are said to be."""

import math

import numpy as np
import pytest

from benchmarks.measured import Block
from benchmarks.undisturbed import Estimate, estimate, fast_seconds, speed, speed_ratio


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
    return speed_ratio(fast_seconds(first), fast_seconds(second))


def test_a_busy_machine_moves_the_median_and_not_the_fast_steps():
    quiet, busy = (blocks(1.0, seed=1, disturbed=part) for part in (0.1, 0.8))
    medians = [np.median([step for block in each for step in block.step_seconds]) for each in (quiet, busy)]
    assert medians[1] / medians[0] > 1.15
    assert np.exp(speed(fast_seconds(busy)).mean - speed(fast_seconds(quiet)).mean) == pytest.approx(
        1, abs=0.02
    )


def test_a_process_without_a_quiet_moment_does_not_decide():
    sound = blocks(1.0, seed=1)
    spoilt = [
        Block(
            process=block.process,
            seconds={"step": [step * (1.5 if block.process == 0 else 1) for step in block.step_seconds]},
        )
        for block in sound
    ]
    assert speed(fast_seconds(spoilt)).mean == pytest.approx(speed(fast_seconds(sound)).mean, abs=0.02)


@pytest.mark.parametrize("own", [0.0, 0.03])
def test_the_truth_lies_within_the_half_width(own):
    """19 times of 20, whether steps or processes differ more."""
    found = [change(seed, slower=1.1, own=own) for seed in range(60)]
    covered = sum(abs(one.mean + math.log(1.1)) <= one.half_width() for one in found)
    assert covered >= 53
    assert np.median([one.half_width() for one in found]) < 0.08


def test_of_one_process_each_block_is_left_out_in_turn():
    steps = [[1.0, 2.0], [3.0], [4.0]]
    found = fast_seconds([Block(seconds={"step": block}) for block in steps])
    assert found == [np.percentile(rest, 1) for rest in ([3, 4], [1, 2, 4], [1, 2, 3])]
    assert fast_seconds([Block(seconds={"step": [2.0, 2.0]})]) == [2.0]


def test_leaving_out_gives_the_variance_of_a_mean():
    values = np.array([1.0, 2.0, 4.0, 7.0])
    left_out = np.array([np.delete(values, i).mean() for i in range(4)])
    found = estimate(left_out)
    assert (found.mean, found.variance) == pytest.approx((values.mean(), values.var(ddof=1) / 4))


def test_a_difference_is_as_uncertain_as_both_and_one_observation_knows_nothing():
    sure = Estimate(mean=1.0, variance=0.0, freedom=5)
    vague = Estimate(mean=0.4, variance=0.01, freedom=3)
    found = sure - vague
    assert (found.mean, found.variance, found.freedom) == pytest.approx((0.6, 0.01, 3))
    assert (vague - vague).freedom == pytest.approx(6)
    assert vague.half_width(looks=20) > vague.half_width()
    assert (sure - speed([2.0])).half_width() == math.inf
    assert Estimate(mean=0, variance=0.01, freedom=math.inf).half_width() == pytest.approx(0.196, rel=1e-3)
