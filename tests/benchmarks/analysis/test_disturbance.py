"""Disturbed blocks: because the kernel says so, and never because they were slow."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.analysis.disturbance import Shares, is_disturbed, is_invalid, kept_rounds, mark_disturbed
from benchmarks.results.samples import Block
from common.runtime import kernel_counters
from common.runtime.kernel_counters import KernelCounters, after_each_other, at_once, read_counters
from tests.support.machines import counters


@pytest.mark.parametrize(
    ("happened", "disturbed"),
    [
        ({}, False),
        ({"others": 0.2}, False),  # elsewhere, and nobody waited
        ({"others": 0.3}, True),
        ({"others": 0.15, "waited": 0.15}, True),
        ({"others": 0.15, "waited": 0.05}, False),
        ({"others": 0.06, "waited": 0.15}, False),  # as few ticks as it may be off by
        ({"waited": 0.5}, False),  # for its own threads: there are more than processors
        ({"stolen": 0.09}, True),
        ({"stolen": 0.06, "seconds": 1.0}, True),
        ({"stolen": 0.03}, False),
        ({"others": 0.9, "waited": 0.5, "seconds": 0.005}, False),  # less than two ticks
        ({"mhz": 2600}, True),
        ({"mhz": 2800}, False),
    ],
)
def test_what_the_kernel_counts_decides(happened, disturbed):
    assert is_disturbed(counters(**happened), highest_mhz=3000) == disturbed


def test_what_ticks_do_not_show_in_a_short_block_shows_in_all_of_them():
    light = counters(others=0.06, waited=0.15)
    assert not is_disturbed(light)
    assert is_disturbed(light, others_of_all=0.06)
    alone = counters(
        waited=0.5
    )  # for its own threads: what ticks are off by is as often too much as too little
    assert not is_disturbed(alone, others_of_all=0.02)
    blocks = [block(0.1, others=0.06, waited=0.15) for _ in range(8)]
    assert mark_disturbed([blocks[:4], blocks[4:]]).left_out == 1.0


def test_what_the_kernel_does_not_count_is_taken_as_it_is():
    assert not is_disturbed(None)
    assert not is_disturbed(KernelCounters(seconds=1.0, cpu_seconds=0.1))


def block(seconds, **happened):
    return Block(seconds={"step": [seconds]}, counters=counters(**happened))


def test_a_slow_block_stays_and_a_disturbed_one_goes_however_fast():
    ours = [block(0.1), block(9.0), block(0.1, others=0.5), block(0.1)]
    theirs = [block(0.2), block(0.2), block(0.2, others=0.5), block(0.2, others=0.5)]
    found = mark_disturbed([ours, theirs])
    assert found.left_out == 3 / 8
    assert kept_rounds([ours, theirs]) == [[ours[:2], theirs[:2]]]  # of the second round one side has nothing
    assert "38% of the blocks were disturbed: other programs used 19% of the processors" in found.reason()


def test_a_run_of_which_too_little_is_left_is_invalid():
    half = mark_disturbed([[block(0.1), block(0.1, others=0.5)] * 4] * 2)
    assert not is_invalid(half, rounds=8, left=4)
    assert is_invalid(half, rounds=8, left=3)
    most = mark_disturbed([[block(0.1, others=0.5), block(0.1, others=0.5), block(0.1)]] * 2)
    assert is_invalid(most, rounds=8, left=8)
    assert not is_invalid(mark_disturbed([[block(0.1)] * 4] * 2), rounds=2, left=2)


def test_spans_are_added_and_processes_of_a_group_share_a_machine():
    one = counters(others=0.2, waited=0.1)
    both = after_each_other([one, one])
    assert Shares.of(both).others == pytest.approx(Shares.of(one).others)
    assert both.seconds == 2 * one.seconds
    group = at_once([one, one])
    assert (group.seconds, group.busy_seconds) == (one.seconds, one.busy_seconds)
    assert group.cpu_seconds == 2 * one.cpu_seconds
    assert after_each_other([]) is at_once([]) is None
    assert KernelCounters.from_json(one.to_json()).to_json() == one.to_json()


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="no such counters outside Linux")
def test_counters_of_this_process_grow_with_its_work_and_with_that_of_others():
    before = read_counters()
    other = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        end = time.process_time() + 0.2
        while time.process_time() < end:
            pass
        found = read_counters().since(before)
    finally:
        other.kill()
        other.wait()
    assert found.cpu_seconds >= 0.2  # with the child's, which is this process's own
    assert found.busy_seconds > 0 and found.delay_seconds >= 0 and found.minor_faults >= 0


def test_a_system_that_counts_nothing_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(kernel_counters, "Path", lambda *_: tmp_path / "none")
    found = read_counters().since(read_counters())
    assert (found.delay_seconds, found.busy_seconds, found.steal_seconds) == (None, None, None)
