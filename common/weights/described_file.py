"""A file of the user's own weights, under the names of whichever side it belongs to."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from common.cli import UsageError
from common.weights.external import ForeignWeights
from common.weights.layout import transpose
from common.weights.link import Link
from common.weights.name_map import require_finite

Described = Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]]
SPELLINGS = {"running_mean": "_mean", "running_var": "_variance"}  # paddle's words in its own files
BUFFER = "buffers/"  # how the names of buffers begin among parameters
SHOWN = 5  # names in a message


class WeightsFile:
    """The arrays of a file, which has the parameters of one of the described sides.

    Raises UsageError, naming what is missing, if it has neither's.
    """

    def __init__(self, weights: ForeignWeights, described: Described) -> None:
        path = self._path = weights.source
        self._described = described
        self._arrays, self._turned = weights.arrays, weights.framework == "paddle"
        missing = {side: self._missing(side) for side in described}
        wanted = [side for side in described if weights.framework in (None, side)] or list(described)
        self.side = min(wanted, key=lambda side: len(missing[side]))
        if missing[self.side]:
            names = missing[self.side]
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            raise UsageError(
                f"{path}: has no {', '.join(names[:SHOWN])}{more} of {self.side}'s model; it has "
                f"{', '.join(list(self._arrays)[:SHOWN])} ..."
            )

    def own(self, side: str) -> Iterator[tuple[str, np.ndarray]]:
        """Parameters and buffers under the side's own names, neutral layout.

        Raises UsageError for other shapes, and for numbers that are NaN, infinite or quantised.
        """
        for entry in self._described[side]["parameters"]:
            array = self._array(entry["name"], linear=entry["type"] == "Linear")
            if list(array.shape) != list(entry["shape"]):
                raise UsageError(
                    f"{self._path}: {entry['name']} is {array.shape}, and the model's is "
                    f"{tuple(entry['shape'])}"
                )
            require_finite({entry["name"]: array}, self._path)
            yield entry["name"], array
        for entry in self._described[side]["buffers"]:
            name = self._spelled(entry["name"])
            if name in self._arrays:
                if self._arrays[name].dtype.kind == "f":
                    require_finite({entry["name"]: self._arrays[name]}, self._path)
                yield f"{BUFFER}{entry['name']}", self._arrays[name]

    def torchs(self, links: Iterable[Link], buffers: Mapping[str, str]) -> Iterator[tuple[str, np.ndarray]]:
        """The same under torch's names, whichever side the file belongs to.

        ``links`` and ``buffers`` say what of torch's is what of paddle's.
        """
        arrays = dict(self.own(self.side))
        if self.side == "torch":
            yield from arrays.items()
            return
        for link in links:
            yield from link.to_ours({name: arrays[name] for name in link.theirs}).items()
        for ours, theirs in buffers.items():
            if f"{BUFFER}{theirs}" in arrays:
                yield f"{BUFFER}{ours}", arrays[f"{BUFFER}{theirs}"]

    def _missing(self, side: str) -> list[str]:
        names = [entry["name"] for entry in self._described[side]["parameters"]]
        return [name for name in names if self._spelled(name) not in self._arrays]

    def _spelled(self, name: str) -> str:
        """The name as the file has it: a framework's own word, or the neutral one."""
        layer, dot, own = name.rpartition(".")
        other = f"{layer}{dot}{SPELLINGS.get(own, own)}"
        return other if other in self._arrays else name

    def _array(self, name: str, *, linear: bool) -> np.ndarray:
        array: np.ndarray = self._arrays[self._spelled(name)]
        return transpose(array) if self._turned and linear and array.ndim == 2 else array
