"""A file of the user's own weights, under the names of whichever side it belongs to."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.parity.sides.pairing import Pairing
from benchmarks.parity.tensors.tensor_name import TensorName
from common.cli import UsageError
from common.weights.external import read_foreign
from common.weights.layout import transpose

Described = Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]]
SPELLINGS = {"running_mean": "_mean", "running_var": "_variance"}  # paddle's words in its own files
SHOWN = 5  # names in a message


class WeightsFile:
    """The arrays of a file, which has the parameters of one of the described sides.

    Raises UsageError, naming what is missing, if it has neither's.
    """

    def __init__(self, path: Path, described: Described) -> None:
        self._path, self._described = path, described
        weights = read_foreign(path)
        self._arrays, self._turned = weights.arrays, weights.framework == "paddle"
        missing = {side: self._missing(side) for side in described}
        wanted = [side for side in described if weights.framework in (None, side)] or list(described)
        self.side = min(wanted, key=lambda side: len(missing[side]))
        if missing[self.side]:
            names = missing[self.side]
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            raise UsageError(
                f"--weights {path}: has no {', '.join(names[:SHOWN])}{more} of {self.side}'s model; it has "
                f"{', '.join(list(self._arrays)[:SHOWN])} ..."
            )

    def own(self, side: str) -> Iterator[tuple[str, np.ndarray]]:
        """Parameters and buffers under the side's own names, neutral layout. UsageError for other shapes."""
        for entry in self._described[side]["parameters"]:
            array = self._array(entry["name"], linear=entry["type"] == "Linear")
            if list(array.shape) != list(entry["shape"]):
                raise UsageError(
                    f"--weights {self._path}: {entry['name']} is {array.shape}, and the model's is "
                    f"{tuple(entry['shape'])}"
                )
            yield entry["name"], array
        for entry in self._described[side]["buffers"]:
            name = self._spelled(entry["name"])
            if name in self._arrays:
                yield TensorName.of_buffer(entry["name"]), self._arrays[name]

    def torchs(self, pairing: Pairing) -> Iterator[tuple[str, np.ndarray]]:
        """The same under torch's names, whichever side the file belongs to."""
        arrays = dict(self.own(self.side))
        if self.side == "torch":
            yield from arrays.items()
            return
        for link in pairing.links:
            yield from link.to_ours({name: arrays[name] for name in link.theirs}).items()
        for ours, theirs in pairing.buffers.items():
            if TensorName.of_buffer(theirs) in arrays:
                yield TensorName.of_buffer(ours), arrays[TensorName.of_buffer(theirs)]

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
