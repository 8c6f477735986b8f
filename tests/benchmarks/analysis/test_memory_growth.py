"""Memory over many steps: a leak is measured, what is steady stays steady, and a jump is no growth."""

import numpy as np
import pytest

from benchmarks.analysis.memory_growth import EVERY, growth, in_words, memory_growth
from benchmarks.request.service import SoakPlan
from benchmarks.worker.soaking import MIB, drawn_batch, soak_steps

STEPS = 2000
PLAN = SoakPlan(shapes=(224, 256), steps=STEPS)


def soaked(*, leak=0.0, noise=0.0, seed=0, steps=STEPS, limit=1 << 40, jumps=()):
    """A process that holds 500 MiB, fills its caches with 80 more, and leaks so many MiB a step."""
    rng, held = np.random.default_rng(seed), {"steps": 0}

    def resident():
        number = held["steps"]
        more = 80 * (1 - np.exp(-number / 60)) + leak * number + sum(30 for at in jumps if number > at)
        return int((500 + more + noise * rng.standard_normal()) * MIB)

    def step(number):
        held["steps"] = number + 1

    moments = iter(range(10**6))
    how = {"first": 0, "steps": steps, "every": EVERY, "limit": limit}
    found = soak_steps(step, **how, resident=resident, now=lambda: next(moments))
    return {"steps": held["steps"], "resident_mib": found["resident_mib"], "stopped": found["stopped"]}


def judged(**more):
    return memory_growth(PLAN, soaked(**more), most_batch=4)


@pytest.mark.parametrize(("leak", "noise"), [(1.0, 0.0), (1.0, 20.0), (0.012, 0.5)])
def test_a_planted_leak_is_found_and_measured(leak, noise):
    found = judged(leak=leak, noise=noise)
    low, high = found.growth_interval
    assert (found.verdict, found.steps, found.stopped) == ("grows", STEPS, None)
    assert low <= 100 * leak <= high or found.mib_per_100_steps == pytest.approx(100 * leak, rel=0.01)
    assert in_words(found).startswith("grows ") and " MiB per 100 steps (" in in_words(found)


def test_what_is_steady_stays_steady_in_20_runs():
    runs = [judged(noise=noise, seed=seed) for seed in range(10) for noise in (0.3, 10.0)]
    assert [run.verdict for run in runs].count("steady") == 20
    assert all(run.would_show > 0 and "would have shown" in in_words(run) for run in runs)


def test_the_growth_that_would_have_shown_shows():
    quiet = [judged(noise=2.0, seed=seed) for seed in range(20)]
    leak = float(np.mean([run.would_show for run in quiet])) / 100
    found = [judged(noise=2.0, seed=seed, leak=leak).verdict for seed in range(20)]
    assert found.count("grows") >= 14  # four in five, of twenty


@pytest.mark.parametrize("jumps", [(1100,), (800, 1500)])
def test_jumps_are_no_growth(jumps):
    assert judged(noise=0.3, jumps=jumps).verdict == "steady"


def test_memory_that_is_given_back_is_not_called_steady():
    found = judged(leak=-0.1, noise=0.3)
    assert found.verdict == "shrinks" and in_words(found).startswith("shrinks 10.0 MiB")


def test_a_soak_stops_before_the_limit_and_keeps_what_it_saw():
    found = judged(leak=1.0, limit=1500 * MIB)
    assert 900 < found.steps < 930 and max(found.resident_mib) <= 1500
    assert found.stopped.startswith(f"after {found.steps:,} steps 1,")
    assert "the limit is 1,500 MiB" in found.stopped and found.verdict == "grows"
    at_once = judged(limit=100 * MIB)
    assert (at_once.steps, at_once.verdict, in_words(at_once)) == (0, "too short", "too short to tell")


def test_both_sides_draw_the_same_shapes_in_whatever_parts_they_run():
    drawn = [drawn_batch(number, sides=(224, 256), most=4, seed=3) for number in range(200)]
    assert drawn[7] == drawn_batch(7, sides=(224, 256), most=4, seed=3)
    assert {side for side, _ in drawn} == {224, 256} and {batch for _, batch in drawn} == {1, 2, 3, 4}
    assert drawn != [drawn_batch(number, sides=(224, 256), most=4, seed=4) for number in range(200)]


def test_too_few_steps_say_nothing():
    assert growth([1.0] * 20, every=EVERY).verdict == "too short"
