"""Decisions of ReLU and max-pool, and those that another precision flips.

Runs in torch's worker, on the layer inputs that either framework recorded.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import numpy as np

from benchmarks.parity.probe.rounded import base_of, with_forward
from benchmarks.parity.tensors.tensor_folder import TensorFolder
from benchmarks.parity.tensors.tensor_name import TensorName

MARGINS = 20  # of a call's flips that are reported


class Window(NamedTuple):
    """A max-pool's window.

    ``padding`` is what must be padded by hand (left, right, top, bottom).
    """

    kernel: Any
    stride: Any
    inner_padding: Any
    dilation: Any
    ceil: bool
    padding: tuple[int, int, int, int]


def window_of(layer: Any) -> Window:
    """A torch max-pool's window.

    Padding beyond half the kernel, which torch refuses, is done by hand.
    """
    kernel, padding = layer.kernel_size, layer.padding
    by_hand = isinstance(kernel, int) and isinstance(padding, int) and 2 * padding > kernel
    own = (padding,) * 4 if by_hand else (0, 0, 0, 0)
    return Window(kernel, layer.stride, 0 if by_hand else padding, layer.dilation, layer.ceil_mode, own)


def pooled_places(layer: Any, x: Any) -> tuple[Window, Any]:
    """The window, and for each output which place of the (hand-padded) plane won: (batch, channels, h, w)."""
    from torch.nn import functional

    window = window_of(layer)
    if any(window.padding):
        x = functional.pad(x, window.padding, value=float("-inf"))
    _, places = functional.max_pool2d(
        x,
        window.kernel,
        window.stride,
        window.inner_padding,
        window.dilation,
        window.ceil,
        return_indices=True,
    )
    return window, places


def fitting(other: np.ndarray, frame: np.ndarray) -> np.ndarray | None:
    """Another run's input as a plane of this one's size, (batch, channels, ...).

    Where one side pads in a layer of its own and the other in its pool, the planes differ by an even border:
    it is cut off, or taken from ``frame``. None where that is not how they differ.
    """
    if other.shape == frame.shape:
        return other
    if other.ndim != frame.ndim or other.shape[:2] != frame.shape[:2]:
        return None
    margins = [here - there for here, there in zip(frame.shape, other.shape, strict=True)]
    if any(margin % 2 for margin in margins):
        return None
    fitted = frame.copy()
    fitted[_without(frame.shape, margins)] = other[_without(other.shape, [-margin for margin in margins])]
    return fitted


def _without(shape: Sequence[int], margins: Sequence[int]) -> tuple[slice, ...]:
    """What is left of a plane without its margins, half of each on either side; negative ones are none."""
    halves = [max(0, margin) // 2 for margin in margins]
    return tuple(slice(half, size - half) for half, size in zip(halves, shape, strict=True))


def compare_relu(exact: np.ndarray, other: np.ndarray) -> tuple[int, int, list[float]]:
    """(decisions taken otherwise, decisions, their margins in deviations of the input)."""
    flipped = (exact > 0) != (other > 0)
    margins = np.abs(exact[flipped]) / (exact.std() or 1.0)
    return int(flipped.sum()), exact.size, sorted(float(margin) for margin in margins)


def compare_pool(layer: Any, exact: np.ndarray, other: np.ndarray) -> tuple[int, int, list[float]]:
    """The same for a max-pool: a margin is the distance of the two candidates in the exact run."""
    import torch

    window, places = pooled_places(layer, torch.tensor(exact))
    _, others = pooled_places(layer, torch.tensor(other))
    plane = torch.nn.functional.pad(torch.tensor(exact), window.padding).flatten(2)
    candidates = [plane.gather(2, chosen.flatten(2)).view(chosen.shape) for chosen in (places, others)]
    flipped = places != others
    margins = (candidates[0] - candidates[1]).abs()[flipped] / (exact.std() or 1.0)
    return int(flipped.sum()), places.numel(), sorted(float(margin) for margin in margins)


def compare_all(
    model: Any, exact: TensorFolder, other: TensorFolder, calls: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Flips of every ReLU and max-pool call: how many, of how many, the smallest margins and the largest."""
    layers = {name or "model": layer for name, layer in model.named_modules()}
    found = []
    for label, other_label in calls.items():
        layer = layers[label.partition("#")[0]]
        inputs = [
            folder.load(TensorName.of_layer(name, "input0")).astype(np.float64)
            for folder, name in ((exact, label), (other, other_label))
        ]
        fitted = fitting(inputs[1], inputs[0])
        if fitted is None:
            continue
        is_pool = hasattr(layer, "kernel_size")
        flipped, total, margins = (
            compare_pool(layer, inputs[0], fitted) if is_pool else compare_relu(inputs[0], fitted)
        )
        found.append(
            {
                "call": label,
                "flipped": flipped,
                "decisions": total,
                "margins": margins[:MARGINS],
                "largest_margin": max(margins, default=None),
            }
        )
    return found


@contextmanager
def decided(model: Any, decisions: Mapping[str, Any]) -> Iterator[None]:
    """Inside, ReLU and max-pool decide as another run did: its layer inputs lie in ``folder``.

    ``calls`` has the label of a call there by the label of the same call here.
    """
    if not decisions:
        yield
        return
    folder, calls = TensorFolder(decisions["folder"]), decisions["calls"]
    with ExitStack() as stack:
        for name, layer in model.named_modules():
            labels = [there for here, there in calls.items() if here.partition("#")[0] == (name or "model")]
            if labels and base_of(layer) in ("ReLU", "MaxPool2d"):
                inputs = [folder.load(TensorName.of_layer(label, "input0")) for label in labels]
                stack.enter_context(with_forward(layer, _deciding(layer, iter(inputs))))
        yield


def _deciding(layer: Any, inputs: Iterator[np.ndarray]) -> Callable[[Any], Any]:
    import torch

    def relu(x: Any, decided: Any) -> Any:
        return x * (decided > 0).to(x.dtype)

    def pool(x: Any, decided: Any) -> Any:
        shape, places = pooled_places(layer, decided)
        x = torch.nn.functional.pad(x, shape.padding)
        return x.flatten(2).gather(2, places.flatten(2)).view(places.shape)

    def forward(x: Any) -> Any:
        fitted = fitting(next(inputs), x.detach().cpu().numpy())
        if fitted is None:  # it decides by itself
            return type(layer).forward(layer, x)
        return (relu if base_of(layer) == "ReLU" else pool)(x, torch.tensor(fitted, device=x.device))

    return forward
