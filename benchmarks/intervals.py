"""Statistics of raw step times: percentiles, the ratio of two backends, its interval and its noise."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

RESAMPLES = 2000
CONFIDENCE = 0.95

Rounds = Sequence[tuple[Sequence[float], Sequence[float]]]  # per round: first block, second block


@dataclass(frozen=True, kw_only=True)
class RatioEstimate:
    """Throughput of paddle over torch. ``noise`` is what the same method finds between equal things."""

    ratio: float
    interval: tuple[float, float]
    noise: float

    @property
    def verdict(self) -> Literal["torch faster", "paddle faster", "no difference"]:
        """Who is faster, if anyone: not inside the interval, and not inside the noise."""
        low, high = self.interval
        if low <= 1 <= high or abs(self.ratio - 1) <= self.noise:
            return "no difference"
        return "paddle faster" if self.ratio > 1 else "torch faster"


def percentiles_ms(step_seconds: Sequence[float]) -> dict[str, float]:
    """The 50th, 95th and 99th percentile in milliseconds."""
    values = np.percentile(step_seconds, [50, 95, 99]) * 1000
    return dict(zip(("p50", "p95", "p99"), map(float, values), strict=True))


def estimate_ratio(torch_rounds: Rounds, paddle_rounds: Rounds, *, seed: int = 0) -> RatioEstimate:
    """The ratio of median step times, with its 95 % interval and the noise of an A/A comparison.

    Whole rounds are resampled, both backends' together, so that what a round shares (a busy machine)
    stays shared. The noise is the wider of the two backends' own first block against second block.
    """
    ours, theirs = (_Blocks(rounds) for rounds in (torch_rounds, paddle_rounds))
    everything = np.arange(len(torch_rounds))

    def ratio(chosen: np.ndarray) -> float:
        return ours.median(chosen) / theirs.median(chosen)

    def noise(blocks: _Blocks) -> float:
        low, high = _interval(
            lambda chosen: blocks.median(chosen, 0) / blocks.median(chosen, 1),
            rounds=len(everything),
            seed=seed,
        )
        return (high - low) / 2

    return RatioEstimate(
        ratio=ratio(everything),
        interval=_interval(ratio, rounds=len(everything), seed=seed),
        noise=max(noise(ours), noise(theirs)),
    )


class _Blocks:
    """One backend's step times as arrays: by round, then its first, its second, or both blocks."""

    def __init__(self, rounds: Rounds) -> None:
        self._parts = [[np.asarray(block) for block in blocks] for blocks in zip(*rounds, strict=True)]
        self._whole = [np.concatenate(blocks) for blocks in zip(*self._parts, strict=True)]

    def median(self, chosen: np.ndarray, part: int | None = None) -> float:
        """Median step time of the chosen rounds, a round counting as often as it is chosen."""
        blocks = self._whole if part is None else self._parts[part]
        return float(np.median(np.concatenate([blocks[i] for i in chosen])))


def _interval(statistic: Callable[[np.ndarray], float], *, rounds: int, seed: int) -> tuple[float, float]:
    """Bootstrap percentile interval over rounds, widened for few of them.

    The plain percentile interval is too narrow for small n; Hesterberg (2015, "What Teachers Should
    Know about the Bootstrap", section 3.2) expands it to the level that Student's t would need.
    """
    from scipy import stats  # 0.5 s to import: not for --help

    tail = (1 - CONFIDENCE) / 2
    widened = stats.norm.cdf(np.sqrt(rounds / (rounds - 1)) * stats.t.ppf(tail, df=rounds - 1))
    result = stats.bootstrap(
        (np.arange(rounds),),
        statistic,
        vectorized=False,
        n_resamples=RESAMPLES,
        confidence_level=1 - 2 * widened,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    return float(result.confidence_interval.low), float(result.confidence_interval.high)
