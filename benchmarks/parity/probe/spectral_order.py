"""Paddle's order of the half steps of a power iteration, in torch's parametrized spectral normalisation.

Runs in torch's worker. Torch's older hook has paddle's order; its parametrization takes u first.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.parity.tensors.known_differences import SPECTRAL_ORDER


@contextmanager
def spectral_order(model: Any, keys: Iterable[str], *, noted: dict[str, None]) -> Iterator[None]:
    """Inside, v is updated before u if ``keys`` say so; ``noted`` receives the key if that can matter."""
    from torch.nn.utils.parametrizations import _SpectralNorm

    # In evaluation nothing is iterated.
    normalised = [layer for layer in model.modules() if isinstance(layer, _SpectralNorm) and layer.training]
    if normalised:
        noted[SPECTRAL_ORDER] = None
    changed = normalised if SPECTRAL_ORDER in keys else []
    for layer in changed:
        layer._power_method = _v_first(layer)
    try:
        yield
    finally:
        for layer in changed:
            del layer._power_method


def _v_first(layer: Any) -> Any:
    import torch
    from torch.nn.functional import normalize

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def iterate(matrix: Any, times: int) -> None:
        for _ in range(times):
            layer._v.copy_(normalize(torch.mv(matrix.T, layer._u), dim=0, eps=layer.eps))
            layer._u.copy_(normalize(torch.mv(matrix, layer._v), dim=0, eps=layer.eps))

    return iterate
