"""Counts of a tally: classes, distances, margins, and which images are worth a look."""

import numpy as np
import pytest

from benchmarks.parity.variants.agreement import MOST_LISTED, Spread, Tally


def logits(images=6, classes=10):
    return np.random.default_rng(0).standard_normal((images, classes))


def test_equal_logits_agree_everywhere():
    tally = Tally()
    tally.add(logits(), logits(), range(6))
    assert (tally.top1, tally.top5, tally.disagreeing, tally.logits.largest) == (6, 6, 0, 0.0)


def test_nearly_tied_classes_are_a_disagreement_with_margins():
    ours = logits()
    theirs = ours.copy()
    ours[2, [4, 7]] = 5.0 + 1e-6, 5.0
    theirs[2, [4, 7]] = 5.0, 5.0 + 2e-6
    tally = Tally()
    tally.add(ours, theirs, range(10, 16))
    ((position, ranked),) = tally.disagreements
    assert (position, ranked.torch_class, ranked.paddle_class) == (12, 4, 7)
    assert (ranked.torch_margin, ranked.paddle_margin) == (pytest.approx(1e-6), pytest.approx(2e-6))
    assert (tally.top1, tally.top5) == (5, 6)
    assert tally.suspects(1) == [12]


def test_the_five_best_are_a_set():
    ours = np.arange(10.0)[np.newaxis]
    theirs = ours.copy()
    theirs[0, 5:] = [9, 8, 7, 6, 5]  # the same five in another order
    tally = Tally()
    tally.add(ours, theirs, [0])
    assert (tally.top1, tally.top5) == (0, 1)
    theirs[0, 0] = 100
    tally.add(ours, theirs, [1])
    assert tally.top5 == 1


def test_batches_add_up_to_the_whole():
    ours, theirs = logits(8), logits(8) + 1e-3 * np.random.default_rng(1).standard_normal((8, 10))
    whole, parts = Tally(), Tally()
    whole.add(ours, theirs, range(8))
    for start in (0, 3, 6):
        rows = slice(start, start + 3)
        parts.add(ours[rows], theirs[rows], range(8)[rows])
    assert parts.suspects(8) == whole.suspects(8)
    assert (parts.top1, parts.logits.largest) == (whole.top1, whole.logits.largest)
    assert parts.logits.mean == pytest.approx(np.abs(ours - theirs).mean())


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_counted_and_looked_at_first(bad):
    ours, theirs = logits(), logits() + 1
    theirs[3, 0] = bad
    tally = Tally()
    tally.add(ours, theirs, range(6))
    assert tally.not_finite == 1
    assert tally.suspects(1) == [3]
    assert tally.logits.largest == pytest.approx(1)


def test_few_classes_have_no_top_5_and_maps_no_classes_at_all():
    tally = Tally()
    tally.add(logits(classes=5), logits(classes=5), range(6))
    assert (tally.top1, tally.top5) == (6, None)
    tally = Tally()
    tally.add(np.zeros((2, 3, 4, 4)), np.ones((2, 3, 4, 4)), range(2))
    assert (tally.top1, tally.top5, tally.logits.largest) == (None, None, 1.0)


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match="on torch and"):
        Tally().add(logits(classes=5), logits(classes=6), range(6))


def test_the_list_of_disagreements_ends_and_its_count_does_not():
    ours = np.eye(50)
    tally = Tally()
    tally.add(ours, ours[::-1], range(50))
    assert (len(tally.disagreements), tally.disagreeing) == (MOST_LISTED, 50)


def test_a_spread_of_nothing_has_no_mean():
    assert Spread().mean is None
