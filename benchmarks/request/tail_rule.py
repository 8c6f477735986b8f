"""How many requests show that a percentile of the latency is kept? MLPerf LoadGen's rule of early stopping.

Of ``n`` requests ``t`` were later than the limit. If more than 1 - p of all requests were, so few of n would
be seen with a probability of P(Binomial(n, 1 - p) <= t) at most. Where that is 1 % or less, the limit is kept
with 99 % confidence (https://github.com/mlcommons/inference/blob/master/loadgen/early_stopping.cc).
"""

import math
from functools import cache

CONFIDENCE = 0.99
MOST_REQUESTS = 1 << 40  # beyond, a percentile is not one that a run can show


@cache
def requests_needed(percentile: float, *, over: int) -> int:
    """The fewest requests of which so many may be over the limit. ``percentile`` is between 0 and 1."""
    few, many = over, over + 1
    while not _shows(many, over, percentile):
        few, many = many, 2 * many
        assert many < MOST_REQUESTS, f"no run can show the {percentile} quantile"
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if _shows(middle, over, percentile) else (middle, many)
    return many


@cache
def allowed_over(requests: int, percentile: float) -> int | None:
    """How many of so many requests may be over the limit; None where they are too few for any answer."""
    if requests < requests_needed(percentile, over=0):
        return None
    few, many = 0, math.ceil(requests * (1 - percentile)) + 1  # as many as are expected show nothing
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (middle, many) if _shows(requests, middle, percentile) else (few, middle)
    return few


@cache
def failing_over(requests: int, percentile: float) -> int:
    """How many of so many over the limit show that it is not kept, by the same rule the other way round."""
    from scipy import stats

    return int(stats.binom.isf(1 - CONFIDENCE, requests, 1 - percentile)) + 1


def _shows(requests: int, over: int, percentile: float) -> bool:
    """True if so few over the limit are improbable where the limit is not kept."""
    from scipy import stats  # 0.5 s to import: not for --help

    return bool(stats.binom.cdf(over, requests, 1 - percentile) <= 1 - CONFIDENCE)
