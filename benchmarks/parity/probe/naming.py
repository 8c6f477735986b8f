"""A model's own tensors under the names, and in the pieces, that torch's model has."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from common.weights.link import Link, Shape

Arrays = Mapping[str, np.ndarray]


class Naming:
    """Parameters by links, "ours" being torch's, and buffers by name; without links, all go by their own."""

    def __init__(
        self, links: Sequence[Mapping[str, Any]] | None = None, buffers: Mapping[str, str] | None = None
    ) -> None:
        self._links = None if links is None else [Link(**link) for link in links]
        self._by_own = {own: link for link in self._links or () for own in link.theirs}
        self._buffers = {own: name for name, own in (buffers or {}).items()}

    def buffer(self, own: str) -> str:
        """The name that a buffer goes by."""
        return self._buffers.get(own, own)

    def spare(self, shapes: Mapping[str, Shape]) -> set[str]:
        """The model's own parameters that torch's has not."""
        return set() if self._links is None else {*shapes} - {*self._by_own}

    def links(self, shapes: Mapping[str, Shape]) -> Iterator[Link]:
        """What belongs together, for a model of these shapes."""
        if self._links is None:
            yield from (_itself(own, shape) for own, shape in shapes.items())
        else:
            yield from self._links

    def neutral(self, link: Link, arrays: Arrays) -> dict[str, np.ndarray]:
        """Torch's pieces of the model's own arrays, or of what an optimizer keeps of them.

        A number for all, such as a count of steps, is every piece's: not a number where they do not agree.
        """
        if all(array.shape == tuple(link.theirs[own]) for own, array in arrays.items()):
            whole = {own: arrays[own] if own in arrays else _zeros(arrays, link, own) for own in link.theirs}
            return link.to_ours(whole)
        first, *others = arrays.values()
        alike = all(np.array_equal(first, other) for other in others)
        return dict.fromkeys(link.ours, first if alike else np.full(np.shape(first), np.nan))

    def own(self, own: str, shape: Shape, read: Callable[[str, Shape], np.ndarray]) -> np.ndarray:
        """The model's own array from torch's, which ``read`` gives by name and shape; zeros for a spare."""
        if self._links is None:
            return read(own, shape)
        link = self._by_own.get(own)
        if link is None:
            return np.zeros(tuple(shape), np.float32)
        return link.to_theirs({name: read(name, size) for name, size in link.ours.items()})[own]


def _itself(own: str, shape: Shape) -> Link:
    return Link(ours={own: shape}, theirs={own: shape})


def _zeros(arrays: Arrays, link: Link, own: str) -> np.ndarray:
    """What an optimizer has not written down yet."""
    return np.zeros(tuple(link.theirs[own]), next(iter(arrays.values())).dtype)
