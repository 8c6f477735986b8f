"""Distance of two tensors, on a scale that does not depend on their size."""

import numpy as np

SQUARABLE = (1e-140, 1e150)  # lengths between these were not spoilt by squares that left float64
PART = 1 << 16  # numbers that are compared at a time


def distance(ours: np.ndarray, theirs: np.ndarray) -> tuple[float, float]:
    """(distance over the length of ``ours``, largest difference)."""
    infinite = float("inf"), float("inf")
    if ours.shape != theirs.shape:
        return infinite
    with np.errstate(all="ignore"):
        apart, reference, largest = _measure(ours, theirs)
        if largest == 0 and np.isfinite((apart, reference)).all():
            return 0.0, 0.0
        if not all(SQUARABLE[0] < value < SQUARABLE[1] for value in (apart, reference)):
            if not (np.isfinite(ours).all() and np.isfinite(theirs).all()):
                return infinite
            apart, reference = length(np.subtract(ours, theirs, dtype=np.float64)), length(ours)
    return (apart / reference if reference else infinite[0]), largest


def _measure(ours: np.ndarray, theirs: np.ndarray) -> tuple[float, float, float]:
    """(length of the difference, length of ``ours``, largest difference), in parts that fit in the cache.

    Whole, a large tensor spends nine tenths of this on memory that is touched for the first time.
    """
    left, right = ours.reshape(-1), theirs.reshape(-1)
    squares, largest = np.zeros(2), 0.0
    for start in range(0, left.size, PART):
        own = left[start : start + PART].astype(np.float64, copy=False)
        difference = own - right[start : start + PART].astype(np.float64, copy=False)
        squares += difference @ difference, own @ own
        largest = max(largest, float(np.abs(difference, out=difference).max()))
    apart, own_length = np.sqrt(squares)
    return float(apart), float(own_length), largest


def length(array: np.ndarray) -> float:
    """Euclidean length, also of numbers whose squares vanish or overflow."""
    numbers = array.ravel().astype(np.float64, copy=False)
    largest = float(np.abs(numbers).max(initial=0.0))
    if not np.isfinite(largest) or not largest:
        return largest
    return largest * float(np.linalg.norm(numbers / largest))
