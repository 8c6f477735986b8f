"""The campaign that plants foreign load: what it plants, and what it counts as wrong."""

import os
import time

import psutil
import pytest

from tests.campaigns.planted_load import LEVELS, burners, is_wrong, planted, summary


@pytest.mark.parametrize(
    ("level", "processes", "share"),
    [
        ("0", 0, 0),
        ("25", 2, 0.25),
        ("50", 2, 0.5),
        ("100", 2, 1),
        ("200", 4, 1),
        ("one", 1, 1),
        ("bursts", 2, 1 / 3),
    ],
)
def test_a_level_is_that_share_of_the_processors(level, processes, share):
    assert level in LEVELS
    number, busy, idle = burners(level, 2)
    assert number == processes
    assert busy == pytest.approx(share * (busy + idle))


def test_load_is_there_meanwhile_and_gone_afterwards():
    own = psutil.Process()
    before = set(own.children())
    with planted("one", os.cpu_count()):
        (started,) = set(own.children()) - before
        end = time.monotonic() + 30
        while started.cpu_times().user < 0.02 and time.monotonic() < end:
            time.sleep(0.01)
        assert started.cpu_times().user > 0
    assert not started.is_running()


@pytest.mark.parametrize(
    ("verdict", "truth", "wrong"),
    [
        ("torch faster", 0.5, False),
        ("paddle faster", 0.5, True),
        ("torch faster", 1.01, True),
        ("paddle faster", 1.01, True),  # where both are equal, any winner is wrong
        ("equal", 0.5, False),
        ("undecided", 1.0, False),
        ("invalid", 1.0, False),
    ],
)
def test_which_winners_are_wrong(verdict, truth, wrong):
    row = {"verdict": verdict, "left_out": 0.2}
    assert is_wrong(row, truth, 5.0) == wrong
    line, number = summary("50", [row, {"verdict": "invalid", "left_out": None}], truth, 5.0)
    assert (number, "2 runs" in line) == (wrong, True)
