"""Tensors of two models that hold the same numbers: cut, stacked, reshaped, turned over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from common.weights.layout import transpose

Shape = Sequence[int]


@dataclass(frozen=True, kw_only=True)
class Link:
    """Tensors by name, with their shapes, that hold the same numbers on both sides.

    Each side's are stacked along ``axis``: one tensor here can be several there. Theirs are turned over first
    if ``transpose``, and reshaped last where the two stacks have other shapes.
    """

    ours: Mapping[str, Shape]
    theirs: Mapping[str, Shape]
    axis: int = 0
    transpose: bool = False

    @property
    def is_plain(self) -> bool:
        """True if one tensor is one tensor of the same shape, as it lies."""
        return len(self.ours) == len(self.theirs) == 1 and not self.transpose and not self.reshapes

    @property
    def reshapes(self) -> bool:
        """True if the two stacks have other shapes."""
        return self._shape(self.ours) != self._shape(self._turned)

    @property
    def has_equal_sizes(self) -> bool:
        """True if both sides hold equally many numbers."""
        return sum(map(prod, self.ours.values())) == sum(map(prod, self.theirs.values()))

    def misfit(self) -> str | None:
        """Why the shapes do not fit; None if they do."""
        for shapes in (self.ours, self._turned):
            if not _stackable([*shapes.values()], self.axis):
                return f"{_text(shapes)} cannot be stacked along axis {self.axis}"
        if self.transpose and any(len(shape) != 2 for shape in self.theirs.values()):
            return f"{_text(self.theirs)} has not two axes and cannot be turned over"
        if not self.has_equal_sizes:
            return f"{_text(self.ours)} does not have as many numbers as {_text(self.theirs)}"
        return None

    def to_ours(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Our tensors from theirs."""
        parts = [transpose(arrays[name]) if self.transpose else arrays[name] for name in self.theirs]
        return self._cut(self._stack(parts).reshape(self._shape(self.ours)), self.ours)

    def to_theirs(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Their tensors from ours."""
        whole = self._stack([arrays[name] for name in self.ours]).reshape(self._shape(self._turned))
        cut = self._cut(whole, self._turned)
        return {name: transpose(array) for name, array in cut.items()} if self.transpose else cut

    @property
    def _turned(self) -> dict[str, Shape]:
        return {name: shape[::-1] if self.transpose else shape for name, shape in self.theirs.items()}

    def _shape(self, shapes: Mapping[str, Shape]) -> tuple[int, ...]:
        """The shape of the stack."""
        whole = list(next(iter(shapes.values())))
        if len(shapes) > 1:
            whole[self.axis] = sum(shape[self.axis] for shape in shapes.values())
        return tuple(whole)

    def _stack(self, arrays: Sequence[np.ndarray]) -> np.ndarray:
        return arrays[0] if len(arrays) == 1 else np.concatenate(arrays, axis=self.axis)

    def _cut(self, whole: np.ndarray, shapes: Mapping[str, Shape]) -> dict[str, np.ndarray]:
        if len(shapes) == 1:
            return dict.fromkeys(shapes, whole)
        ends = np.cumsum([shape[self.axis] for shape in shapes.values()])[:-1]
        pieces = np.split(whole, ends, axis=self.axis)
        return {name: np.ascontiguousarray(piece) for name, piece in zip(shapes, pieces, strict=True)}


def _stackable(shapes: Sequence[Shape], axis: int) -> bool:
    """True if all axes but this one agree; a single tensor needs no axis."""
    if len(shapes) == 1:
        return True
    rest = {tuple(size for place, size in enumerate(shape) if place != axis) for shape in shapes}
    return len(rest) == 1 and all(0 <= axis < len(shape) for shape in shapes)


def _text(shapes: Mapping[str, Shape]) -> str:
    return " + ".join(f"{name} {tuple(shape)}" for name, shape in shapes.items())
