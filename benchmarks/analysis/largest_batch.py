"""The largest batch whose memory stays below a limit, in few tries: each of them takes a process."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

MOST = 1 << 16  # images: nobody asks for more
FIRST_STEP = 8  # from one image to two sizes, between which memory is taken to be a line
NARROW = 16  # the answer is known to one in so many


@dataclass(frozen=True, kw_only=True)
class Search:
    """What was tried: bytes by batch size, None where a try ended for want of memory.

    ``largest`` fits, 0 where not even one image does; ``above`` is the smallest that was seen not to fit,
    None where nothing was too large.
    """

    tried: Mapping[int, int | None]
    largest: int
    above: int | None


def search(bytes_of: Callable[[int], int | None], limit: int) -> Search:
    """Find it by trying what a line through the last tries foresees, and halving between.

    ``bytes_of`` tries a batch size. No try is foreseen to take much more than the limit.
    """
    tried: dict[int, int | None] = {}

    def fits(size: int) -> bool:
        tried[size] = found = bytes_of(size)
        return found is not None and found <= limit

    if not fits(1):
        return Search(tried=tried, largest=0, above=1)
    low, high = 1, None
    while low < MOST and (high is None or high - low > max(1, low // NARROW)):
        size = _next(tried, low, high, limit=limit)
        if fits(size):
            low = size
        else:
            high = size
    return Search(tried=tried, largest=low, above=high)


def _next(tried: Mapping[int, int | None], low: int, high: int | None, *, limit: int) -> int:
    step = max(1, low // NARROW)
    foreseen = _foreseen(tried, limit)
    if high is None:
        if foreseen is None:
            return min(FIRST_STEP * low, MOST)
        return min(max(foreseen, low + step), FIRST_STEP * low, MOST)
    middle = (low + high) // 2
    if foreseen is None or len(tried) % 2:  # a line may be wrong again and again: halving never is
        return middle
    return min(max(foreseen, low + step), max(middle, high - step))


def _foreseen(tried: Mapping[int, int | None], limit: int) -> int | None:
    """The batch size at which the line through the two largest known sizes reaches the limit."""
    known = sorted((size, found) for size, found in tried.items() if found is not None)[-2:]
    if len(known) < 2:
        return None
    (small, less), (large, more) = known
    slope = (more - less) / (large - small)
    return int(large + (limit - more) / slope) if slope > 0 else None
