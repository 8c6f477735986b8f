"""Tensors on disk are mapped, not read: what is written later must not show through."""

import numpy as np
import pytest

from benchmarks.parity.tensors.tensor_folder import TensorFolder


def test_an_array_that_is_looked_at_outlives_its_file(tmp_path):
    folder = TensorFolder(tmp_path)
    folder.add("x", np.full(1000, 1.0))
    seen = folder.load("x")
    folder.add("x", np.full(1000, 2.0))
    assert seen[-1] == 1
    assert folder.load("x")[-1] == 2
    folder.clear()
    assert seen[0] == 1


def test_a_mapped_array_cannot_be_written_on(tmp_path):
    folder = TensorFolder(tmp_path)
    folder.add("x", np.zeros(3))
    with pytest.raises(ValueError, match="read-only"):
        folder.load("x")[0] = 1


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (np.array([0.0, np.nan]), True),
        (np.array([-0.0, np.nan]), False),
        (np.array([0.0, np.nan], np.float32), False),
        (np.array([[0.0, np.nan]]), False),
    ],
)
def test_having_an_array_means_having_its_bits(tmp_path, other, same):
    folder = TensorFolder(tmp_path)
    folder.add("x", np.array([0.0, np.nan]))
    assert folder.has("x", other) is same
    assert not folder.has("y", other)


def test_a_difference_in_the_last_place_of_a_large_array_is_seen(tmp_path):
    folder, array = TensorFolder(tmp_path), np.ones(1 << 18)
    folder.add("x", array)
    array[-1] = np.nextafter(1, 2)
    assert not folder.has("x", array)
