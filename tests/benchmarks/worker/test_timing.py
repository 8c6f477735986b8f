"""Step times are true, and every synchronisation is needed for that."""

import gc
from pathlib import Path

import pytest

from benchmarks.worker import timing
from tests.support.fake_device import LAUNCH, FakeDevice
from tests.support.mutation import without_each

COSTS = {"forward": 10.0, "backward": 20.0, "optimizer": 5.0}
# The device waits for the first launch; the later ones are hidden behind its work.
TRUE_SECONDS = {"forward": LAUNCH + 10.0, "backward": 20.0, "optimizer": 5.0}


def check_times(module):
    """On a device that still works on something else, each part takes what it truly takes."""
    device = FakeDevice()
    device.launch(1000.0)
    parts = {name: lambda cost=cost: device.launch(cost) for name, cost in COSTS.items()}
    seconds = module.time_steps(parts, device, min_steps=4, min_seconds=0, clock=device.clock)
    assert seconds == {name: [true] * 4 for name, true in TRUE_SECONDS.items()}


def check_warming_up(module):
    device = FakeDevice()
    module.run_steps({"step": lambda: device.launch(10.0)}, device, steps=3)
    assert device.now >= 30
    assert device.idle


def check_all(module):
    check_times(module)
    check_warming_up(module)


def test_each_part_takes_what_it_truly_takes():
    check_all(timing)


def test_every_synchronisation_is_needed():
    mutants = list(without_each(Path(timing.__file__), "timeline.synchronize()"))
    assert len(mutants) == 3
    for line, mutant in mutants:
        with pytest.raises((AssertionError, RuntimeError)):
            check_all(mutant)
            pytest.fail(f"timing.py:{line}: nothing noticed that the synchronisation is gone")


@pytest.mark.parametrize(
    ("min_steps", "min_seconds", "steps"), [(1, 0, 1), (7, 0, 7), (1, 100, 10), (20, 100, 20)]
)
def test_enough_steps_and_enough_seconds(min_steps, min_seconds, steps):
    device = FakeDevice()
    parts = {"step": lambda: device.launch(9.0)}  # 10 with the launch
    seconds = timing.time_steps(
        parts, device, min_steps=min_steps, min_seconds=min_seconds, clock=device.clock
    )
    assert seconds == {"step": [10.0] * steps}


def test_a_block_ends_after_its_longest_time_and_has_a_step_at_least():
    for max_seconds, steps in ((35, 4), (1, 1)):
        device = FakeDevice()
        parts = {"step": lambda device=device: device.launch(9.0)}
        limits = {"min_steps": 99, "min_seconds": 0, "max_seconds": max_seconds, "clock": device.clock}
        assert timing.time_steps(parts, device, **limits) == {"step": [10.0] * steps}


def test_no_garbage_is_collected_inside_and_it_is_afterwards():
    device, seen = FakeDevice(), []
    timing.time_steps({"step": lambda: seen.append(gc.isenabled())}, device, min_steps=2, min_seconds=0)
    assert seen == [False, False]
    assert gc.isenabled()


def test_garbage_collection_comes_back_after_an_error():
    def fail():
        raise MemoryError

    with pytest.raises(MemoryError):
        timing.time_steps({"step": fail}, FakeDevice(), min_steps=1, min_seconds=0)
    assert gc.isenabled()
