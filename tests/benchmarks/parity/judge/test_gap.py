"""The verdict on one tensor: numbers that are none, and allowances that are never too wide."""

import numpy as np
import pytest

from benchmarks.parity.judge.gap import (
    DIFFERENCE,
    FAIL,
    MOST_NOISE,
    PASS,
    allow_noise,
    as_difference,
    compare,
)
from benchmarks.parity.judge.running_variance import biased_running_variance

ONES = np.linspace(1.0, 2.0, 10)


def spoilt(value, *places):
    array = ONES.copy()
    array[list(places)] = value
    return array


@pytest.mark.parametrize(
    ("ours", "theirs", "note"),
    [
        (spoilt(np.nan, 3), ONES, "torch has NaN in 1 of 10 numbers"),
        (ONES, spoilt(np.nan, 3, 4), "paddle has NaN in 2 of 10 numbers"),
        (spoilt(np.inf, 0), ONES, "torch has infinity in 1 of 10 numbers"),
        (
            spoilt(-np.inf, 0),
            spoilt(-np.inf, 0),
            "torch has infinity in 1 of 10 numbers; paddle has infinity",
        ),
        (spoilt(np.nan, 1), spoilt(np.nan, 1), "torch has NaN in 1 of 10 numbers; paddle has NaN in 1 of 10"),
    ],
)
def test_what_is_no_number_fails_on_either_side_and_on_both(ours, theirs, note):
    gap = compare("x", ours, theirs)
    assert gap.verdict == FAIL
    assert gap.note.startswith(note)
    assert allow_noise(gap, moved=float("inf")).verdict == FAIL
    assert allow_noise(gap, moved=1e3).verdict == FAIL
    assert np.isfinite(allow_noise(gap, moved=float("inf")).tolerance)


def test_nan_agrees_with_itself_only_if_asked_for_and_where_it_is():
    both = spoilt(np.nan, 2)
    assert compare("x", both, both.copy(), equal_nan=True).verdict == PASS
    assert compare("x", both, spoilt(np.nan, 3), equal_nan=True).verdict == FAIL
    assert compare("x", spoilt(np.inf, 2), spoilt(-np.inf, 2), equal_nan=True).verdict == FAIL
    other = both * (1 + 1e-9)
    assert compare("x", both, other, equal_nan=True).verdict == FAIL


def test_no_allowance_is_wide_but_for_what_is_zero_except_for_rounding():
    gap = compare("x", ONES, ONES * 1.01)
    assert allow_noise(gap, moved=0.5).verdict == FAIL
    assert allow_noise(gap, moved=0.5).tolerance == MOST_NOISE
    cancelled = allow_noise(gap, moved=0.5, share=1e-14)
    assert cancelled.verdict == PASS
    assert "zero but for rounding" in cancelled.note
    assert allow_noise(gap, moved=0.5, share=1e-6).verdict == FAIL


@pytest.mark.parametrize("momentum", [0.01, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("calls", [1, 2, 3])
def test_the_biased_variance_is_proven_and_another_rule_is_not(momentum, calls):
    rng = np.random.default_rng(0)
    inputs = [rng.standard_normal((4, 6, 3, 3)) * (1 + number) for number in range(calls)]
    before = 1 + rng.random(6)
    ours = biased = wrong = before
    for x in inputs:
        ours = ours + momentum * (x.var(axis=(0, 2, 3), ddof=1) - ours)
        biased = biased + momentum * (x.var(axis=(0, 2, 3)) - biased)
        wrong = wrong + momentum * 1.01 * (x.var(axis=(0, 2, 3)) - wrong)
    assert biased_running_variance(before, inputs, ours=ours, theirs=biased) < 1e-13
    assert biased_running_variance(before, inputs, ours=ours, theirs=wrong) > 1e-6
    gap = as_difference(compare("x", ours, biased), difference="running-variance", left=0.0)
    assert gap.verdict == DIFFERENCE
    assert gap.passed


def test_a_variance_of_one_number_proves_nothing():
    x = np.ones((1, 3, 1, 1))
    assert biased_running_variance(np.ones(3), [x], ours=np.ones(3), theirs=np.ones(3)) is None
