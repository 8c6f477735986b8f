"""An image that cannot be decoded is refused, replaced or left out, and told."""

import logging

import numpy as np
import pytest

from common.cli import UsageError
from tests.support.loading import copied, loaded, same


@pytest.mark.parametrize("workers", [0, 2])
def test_an_image_that_cannot_be_decoded_is_named_with_its_line(index, workers):
    index.locate(4).write_text("this is text")
    with pytest.raises(UsageError, match=r"list.txt:5: .*4.tif cannot be decoded"):
        list(loaded(index, workers=workers).epoch(0))


@pytest.mark.parametrize("workers", [0, 1, 2, 8])
def test_damaged_images_are_replaced_and_batches_stay_full(index, workers, caplog):
    whole = copied(loaded(index).epoch(0))
    index.locate(4).write_text("this is text")
    index.locate(1).unlink()
    loader = loaded(index, on_damage="replace", workers=workers)
    with caplog.at_level(logging.WARNING):
        batches = copied(loader.epoch(0))
    assert [len(images) for images, _ in batches] == [3, 3, 1]
    assert sorted(loader.damaged) == [1, 4]
    first, last = caplog.messages
    assert "list.txt:" in first
    assert "cannot be decoded" in first
    assert first.endswith("such images are replaced by others")
    assert "2 of 7 images could not be decoded and were replaced by others" in last
    assert same(batches, loaded(index, on_damage="replace").epoch(0))
    for row in (0, 2):  # the others are where they were
        assert np.array_equal(batches[0][0][row], whole[0][0][row])
    for batch in (0, 1):  # positions 1 and 4 were in the middle of each
        image, label = batches[batch][0][1], batches[batch][1][1]
        twin = next(other for other in range(7) if np.array_equal(image, whole[other // 3][0][other % 3]))
        assert twin not in (1, 4)
        assert label == index.labels[twin]


@pytest.mark.parametrize("workers", [0, 2])
def test_damaged_images_are_left_out_where_each_counts_once(index, workers):
    whole = copied(loaded(index).epoch(0))
    index.locate(4).write_text("this is text")
    batches = copied(loaded(index, on_damage="leave out", workers=workers).epoch(0))
    assert [len(images) for images, _ in batches] == [3, 2, 1]
    assert np.array_equal(batches[1][0], whole[1][0][[0, 2]])
    assert batches[1][1].tolist() == [0, 2]


def test_a_list_without_a_good_image_is_an_error(index):
    for position in range(7):
        index.locate(position).write_text("this is text")
    with pytest.raises(UsageError, match=r"nor can any of 20 others; check the list"):
        next(loaded(index, on_damage="replace").epoch(0))
