"""Paddle's rule for batch normalisation's running variance, applied to torch's recorded inputs."""

from collections.abc import Sequence

import numpy as np

from benchmarks.parity.tensors.distance import distance


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
