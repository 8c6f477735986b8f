"""Facts of each model without building it: enough to refuse a wrong request early."""

from collections.abc import Sequence
from dataclasses import dataclass

from common.cli import UsageError
from common.endings import near

ACTIVATIONS = ("sigmoid", "tanh", "relu")  # of lenet5; the first is the default
POOLS = ("max", "avg")


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """One model: its usual input and output, and how its windows shrink an image.

    ``windows`` holds (kernel, stride, padding) of each convolution and pool, in order. ``final_side``
    is the side that the first linear layer needs, or None where an adaptive pool makes any do.
    """

    title: str
    parameters: int  # with its usual input and output
    input_shape: tuple[int, int, int]  # (channels, height, width)
    num_classes: int
    windows: tuple[tuple[int, int, int], ...]
    final_side: int | None


_POOL = (3, 2, 0)
_SAME = (3, 1, 1)
_ALEXNET_TAIL = (_POOL, (5, 1, 2), _POOL, _SAME, _SAME, _SAME, _POOL)

MODELS = {
    "alexnet": ModelCard(
        title="AlexNet as torchvision lays it out",
        parameters=61_100_840,
        input_shape=(3, 224, 224),
        num_classes=1000,
        windows=((11, 4, 2), *_ALEXNET_TAIL),
        final_side=None,
    ),
    "alexnet_wide": ModelCard(
        title="AlexNet with the 2012 paper's widths",
        parameters=58_301_829,
        input_shape=(3, 224, 224),
        num_classes=5,
        windows=((11, 4, 2), *_ALEXNET_TAIL),
        final_side=6,
    ),
    "alexnet_lrn": ModelCard(
        title="AlexNet with response normalisation over all 96 channels",
        parameters=58_330_508,
        input_shape=(3, 224, 224),
        num_classes=12,
        windows=((11, 4, 1), (3, 2, 2), *_ALEXNET_TAIL[1:]),
        final_side=6,
    ),
    "alexnet_2012": ModelCard(
        title="AlexNet as published in 2012",
        parameters=60_965_224,
        input_shape=(3, 224, 224),
        num_classes=1000,
        windows=((11, 4, 2), *_ALEXNET_TAIL),
        final_side=6,
    ),
    "lenet5": ModelCard(
        title="LeNet-5",
        parameters=62_006,
        input_shape=(3, 32, 32),
        num_classes=10,
        windows=((5, 1, 0), (2, 2, 0), (5, 1, 0), (2, 2, 0), (5, 1, 0)),
        final_side=1,
    ),
}


def find(name: str) -> ModelCard:
    """The card of a model, or UsageError with the names there are."""
    if name not in MODELS:
        raise UsageError(f"unknown model {name!r}; choose one of {', '.join(MODELS)}{near(name, [*MODELS])}")
    return MODELS[name]


def require_input(name: str, input_shape: Sequence[int]) -> None:
    """Raise UsageError if images of (channels, height, width) do not fit the model."""
    card = find(name)
    sides = [_side_after(card.windows, side) for side in input_shape[1:]]
    if card.final_side is None and min(sides) < 1:
        raise UsageError(f"{name}: an image of {_text(input_shape)} is too small; give at least 63x63")
    if card.final_side is not None and set(sides) != {card.final_side}:
        raise UsageError(
            f"{name}: an image of {_text(input_shape)} leaves {sides[0]}x{sides[1]} features where its "
            f"first linear layer needs {card.final_side}x{card.final_side}; "
            f"its usual input is {_text(card.input_shape)}"
        )


def _side_after(windows: Sequence[tuple[int, int, int]], side: int) -> int:
    for kernel, stride, padding in windows:
        side = (side + 2 * padding - kernel) // stride + 1
        if side < 1:
            return 0
    return side


def _text(shape: Sequence[int]) -> str:
    return "x".join(str(size) for size in shape)
