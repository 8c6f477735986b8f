"""Known differences of the frameworks: rules that no twin can change, proven in the run that shows them.

A known rounding is a constant in the wrong precision; a known difference is another rule. It excuses a tensor
only if torch's numbers, recomputed with paddle's rule, agree with paddle's to the last digit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.parity.tensors.distance import distance


@dataclass(frozen=True, kw_only=True)
class KnownDifference:
    """One such rule: what each framework does, and where it says so."""

    torch: str
    paddle: str
    torch_source: str
    paddle_source: str

    @property
    def sentence(self) -> str:
        """Both rules in one line."""
        return f"torch {self.torch}, paddle {self.paddle}"


RUNNING_VARIANCE = "running-variance"
KNOWN_DIFFERENCES = {
    RUNNING_VARIANCE: KnownDifference(
        torch="keeps the unbiased variance (n - 1) as batch normalisation's running variance",
        paddle="keeps the biased one (n)",
        torch_source="https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm2d.html",
        paddle_source="https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/nn/BatchNorm2D_en.html",
    ),
}


def biased_running_variance(
    before: np.ndarray, inputs: Sequence[np.ndarray], *, ours: np.ndarray, theirs: np.ndarray
) -> float | None:
    """Distance of paddle's running variance from torch's with the biased rule; None if it cannot be redone.

    ``inputs`` are the layer's, (batch, channels, ...), one for each call in order; ``before`` and ``ours``
    are torch's running variance before and after them.
    """
    biased = [x.var(axis=(0, *range(2, x.ndim))) for x in inputs]
    counts = [x.size // x.shape[1] for x in inputs]
    if min(counts, default=0) < 2 or any(variance.shape != before.shape for variance in biased):
        return None
    unbiased = [variance * (count / (count - 1)) for variance, count in zip(biased, counts, strict=True)]
    momentum = _momentum(before, unbiased, after=ours)
    if momentum is None:
        return None
    expected = before
    for variance in biased:
        expected = expected + momentum * (variance - expected)
    gap, _ = distance(expected, theirs)
    return gap


def _momentum(before: np.ndarray, batches: Sequence[np.ndarray], *, after: np.ndarray) -> float | None:
    """The momentum with which these batches' variances lead from ``before`` to ``after``."""
    found = []
    for channel in np.argsort(-np.abs(after - before))[:9]:  # where most has moved, least is rounding
        polynomial = np.polynomial.Polynomial([before[channel]])
        weight = np.polynomial.Polynomial([0.0, 1.0])
        for variance in batches:
            polynomial = polynomial + weight * (variance[channel] - polynomial)
        roots = (polynomial - after[channel]).roots()
        real = [root.real for root in roots if abs(root.imag) < 1e-9 and 0 < root.real <= 1 + 1e-9]
        found += real[:1]
    return float(np.median(found)) if found else None
