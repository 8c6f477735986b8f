"""The search for the largest batch that fits: right at every size, in few tries, never far too high."""

import pytest

from benchmarks.analysis.largest_batch import MOST, search

MIB = 1 << 20


def line(size):
    """300 MiB of a framework, 7 of each image."""
    return (300 + 7 * size) * MIB


@pytest.mark.parametrize("limit", [307, 320, 400, 1000, 2048, 30_000])
def test_the_answer_is_known_to_one_in_sixteen_and_its_neighbour_does_not_fit(limit):
    true = (limit - 300) // 7
    found = search(line, limit * MIB)
    assert found.largest <= true < found.above
    assert found.above - found.largest <= max(1, found.largest // 16)
    assert len(found.tried) <= 12
    assert max(found.tried.values()) < 1.25 * limit * MIB


def test_not_even_one_image():
    found = search(line, 306 * MIB)
    assert (found.largest, found.above, found.tried) == (0, 1, {1: line(1)})


def test_memory_that_comes_in_steps_or_runs_out():
    def steps(size):
        return (300 + 64 * (size // 32)) * MIB

    found = search(steps, 500 * MIB)  # 31 + 3 * 32 images
    assert found.largest <= 127 < found.above <= found.largest + max(1, found.largest // 16)
    found = search(lambda size: line(size) if size < 50 else None, 2048 * MIB)
    assert found.largest <= 49 < found.above <= found.largest + max(1, found.largest // 16)


def test_where_images_take_nothing_the_search_ends():
    found = search(lambda _: MIB, 2 * MIB)
    assert (found.largest, found.above) == (MOST, None)
