"""Torch's pools, response normalisation and interpolation with paddle's rounded constants.

Each computes what paddle does, with the gradient that paddle has. Measured with paddle 3.3.1.
"""

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

import numpy as np

from benchmarks.parity.probe import interpolation
from benchmarks.parity.probe.alterations import Original, alters, rounded_value
from benchmarks.parity.probe.function_calls import plain
from benchmarks.parity.probe.gradients import linear_along, scaled_gradient, with_gradient

# Averages ---------------------------------------------------------------------------------------------


@alters("avg-pool", "avg_pool1d", "avg_pool2d", "avg_pool3d")
def _avg_pool(
    original: Original,
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Any:
    more = () if divisor_override is None else (divisor_override,)
    pooled = original(input, kernel_size, stride, padding, ceil_mode, count_include_pad, *more)
    spatial = _spatial(original)
    kernels, pads = _each(kernel_size, spatial), _each(padding, spatial)
    strides = _each(stride, spatial) if stride not in (None, [], ()) else kernels
    counts = [
        _window_sizes(size, out, kernel=kernel, stride=step, pad=pad, counts_pad=count_include_pad)
        for size, out, kernel, step, pad in zip(
            input.shape[-spatial:], pooled.shape[-spatial:], kernels, strides, pads, strict=True
        )
    ]
    return _with_rounded_counts(pooled, counts)


@alters("avg-pool", "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d")
def _adaptive_avg_pool(original: Original, input: Any, output_size: Any) -> Any:
    pooled = original(input, output_size)
    spatial = _spatial(original)
    pairs = zip(input.shape[-spatial:], pooled.shape[-spatial:], strict=True)
    return _with_rounded_counts(pooled, [_adaptive_sizes(size, out) for size, out in pairs])


def _goes_over_space(arguments: Mapping[str, Any]) -> bool:
    """All axes behind the channels: what a global pool averages."""
    axes, dims = arguments["input"].dim(), arguments["dim"]
    dims = [dims] if isinstance(dims, int) else dims
    return axes > 2 and bool(dims) and {dim % axes for dim in dims} == set(range(2, axes))


@alters("mean-for-a-pool", "mean", concerns=_goes_over_space)
def _mean(original: Original, input: Any, dim: Any = None, keepdim: bool = False, **options: Any) -> Any:
    averaged = original(input, dim, keepdim, **options)
    count = input.numel() // max(averaged.numel(), 1)
    return scaled_gradient(averaged, rounded_value(1 / max(count, 1)) * count)


def _spatial(function: Original) -> int:
    """Axes that a pool of this name goes over."""
    return int(function.__name__[-2])


def _each(value: Any, count: int) -> list[int]:
    values = [int(number) for number in value] if isinstance(value, (tuple, list)) else [int(value)]
    return values * count if len(values) == 1 else values


def _window_sizes(size: int, out: int, *, kernel: int, stride: int, pad: int, counts_pad: bool) -> np.ndarray:
    starts = np.arange(out) * stride - pad
    ends = np.minimum(starts + kernel, size + pad)
    if not counts_pad:
        starts, ends = np.maximum(starts, 0), np.minimum(ends, size)
    return ends - starts


def _adaptive_sizes(size: int, out: int) -> np.ndarray:
    places = np.arange(out)
    return -(-(places + 1) * size // out) - places * size // out


def _with_rounded_counts(pooled: Any, counts: Sequence[np.ndarray]) -> Any:
    """The averages, whose gradient is divided by the counts as float32 has their reciprocals."""
    windows = reduce(np.multiply.outer, [sizes.astype(np.float64) for sizes in counts])
    factors = (np.float32(1) / windows.astype(np.float32)).astype(np.float64) * windows
    return scaled_gradient(pooled, pooled.new_tensor(factors))


@alters("lp-pool", "lp_pool1d", "lp_pool2d", is_functional=True)
def _lp_pool(
    original: Original,
    input: Any,
    norm_type: float,
    kernel_size: Any,
    stride: Any = None,
    ceil_mode: bool = False,
) -> Any:
    spatial = int(original.__name__[-2])
    outs = original(input.detach(), norm_type, kernel_size, stride, ceil_mode).shape[-spatial:]
    kernels = _each(kernel_size, spatial)
    strides = _each(stride, spatial) if stride is not None else kernels
    sizes = [(out - 1) * step + kernel for out, step, kernel in zip(outs, strides, kernels, strict=True)]
    over = [max(size - own, 0) for size, own in zip(sizes, input.shape[-spatial:], strict=True)]
    windows = plain("pad")(input, [pad for size in reversed(over) for pad in (0, size)])
    for axis, (kernel, step) in enumerate(zip(kernels, strides, strict=True)):
        windows = windows.unfold(input.dim() - spatial + axis, kernel, step)
    axes = list(range(-spatial, 0))
    numbers = windows.detach().double().cpu().numpy()
    sums = _powers(numbers, norm_type).astype(np.float64).sum(tuple(axes), keepdims=True)
    whole = _powers(sums, float(np.float32(1) / np.float32(norm_type))).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        slopes = _powers(numbers / whole, float(np.float32(norm_type) - np.float32(1)))
    linear = (windows * windows.new_tensor(slopes.astype(np.float64))).sum(axes)
    return with_gradient(input.new_tensor(whole.squeeze(tuple(axes))), linear)


def _powers(numbers: np.ndarray, exponent: float) -> np.ndarray:
    """Powers by the C library's own float32 function, which paddle calls, to the last digit."""
    import ctypes
    from ctypes.util import find_library

    function = ctypes.CDLL(find_library("m")).powf
    function.restype, function.argtypes = ctypes.c_float, [ctypes.c_float, ctypes.c_float]
    flat = [function(number, exponent) for number in numbers.reshape(-1).tolist()]
    return np.array(flat, np.float32).reshape(numbers.shape)


@alters("lrn-window", "local_response_norm", is_functional=True)
def _local_response_norm(
    original: Original, input: Any, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Any:
    # (batch, 1, channels, all else): the window goes over the channels.
    squares = (input * input).flatten(2).unsqueeze(1)
    padded = plain("pad")(squares, (0, 0, size // 2, (size - 1) // 2))
    means = plain("avg_pool2d")(padded, (size, 1), stride=1).squeeze(1).reshape(input.shape)
    means = scaled_gradient(means, rounded_value(1 / size) * size)
    return input / (k + alpha * means) ** rounded_value(beta)


def _has_coordinates(arguments: Mapping[str, Any]) -> bool:
    """By area it is a pool, which is seen in its turn; the nearest number needs no weights."""
    return arguments["mode"] in interpolation.KINDS and not arguments["antialias"]


@alters("interpolation", "interpolate", is_functional=True, concerns=_has_coordinates)
def _interpolate(
    original: Original,
    input: Any,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Any:
    kind = interpolation.KINDS[mode]
    more = mode, align_corners, recompute_scale_factor, antialias
    outs = original(input.detach(), size, scale_factor, *more).shape[2:]
    asked = scale_factor if isinstance(scale_factor, (tuple, list)) else [scale_factor] * len(outs)
    resized = input
    for axis, (own, out, scale) in enumerate(zip(input.shape[2:], outs, asked, strict=True)):
        matrices = [
            interpolation.weights(
                own,
                out,
                kind=kind,
                aligned=bool(align_corners),
                scale=None if recompute_scale_factor else scale,
                how=interpolation.coordinates(mode, axis=axis, axes=len(outs), backward=backward),
            )
            for backward in (False, True)
        ]
        resized = linear_along(resized, 2 + axis, *(input.new_tensor(matrix) for matrix in matrices))
    return resized
