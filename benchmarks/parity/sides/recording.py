"""One run of both models as plain data: where its tensors lie, and how the two sides' match."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.parity.sides.alignment import Call, Match
from benchmarks.parity.sides.pairing import Pairing
from benchmarks.parity.tensors.tensor_folder import TensorFolder
from benchmarks.parity.tensors.tensor_name import (
    GRADIENT,
    LOGITS,
    LOGITS_GRADIENT,
    LOSS,
    OUTPUT,
    TensorName,
)


@dataclass(frozen=True, kw_only=True)
class Recording:
    """Both sides' tensors of one batch, in evaluation mode or, with masks, in training mode.

    ``folders`` and ``calls`` are by backend; calls are in order of execution. ``masks`` is the folder of
    dropout's masks without "-BACKEND". ``roundings`` are the known ones that
    the functions called can show.
    """

    label: str
    training: bool
    masks: str | None
    folders: Mapping[str, TensorFolder]
    calls: Mapping[str, Sequence[Call]]
    matches: Sequence[Match]
    pairing: Pairing
    roundings: Sequence[str]

    def files(self) -> dict[TensorName, TensorName]:
        """Paddle's name of every tensor that is compared, by torch's."""
        files: dict[TensorName, TensorName] = {}
        for match in self.matches:
            if match.both:
                for what in (OUTPUT, GRADIENT):
                    ours, theirs = match.files(what)
                    if ours in self.folders["torch"] or theirs in self.folders["paddle"]:
                        files[ours] = theirs
        results = [LOGITS, LOGITS_GRADIENT, LOSS]
        results += [TensorName.of_gradient(name) for name in self.pairing.parameters]
        results += [TensorName.of_buffer(name) for name in self.pairing.buffers] if self.training else []
        return files | {name: name for name in results}

    def mode(self, backend: str) -> dict[str, Any]:
        """Arguments that put one side into the mode of this run."""
        return {"training": self.training, "masks": f"{self.masks}-{backend}" if self.masks else None}

    def layers_on_one_side(self) -> list[str]:
        """Calls that have no partner, as a report lists them."""
        return [
            f"{match.name} ({'torch' if match.ours else 'paddle'} only)"
            for match in self.matches
            if not match.both
        ]


@dataclass(frozen=True, kw_only=True)
class Alone:
    """Every matched layer run by itself on both sides, on torch's recorded inputs and gradients.

    ``folders`` have "CALL/output", "CALL/inputN", …; ``failures`` why a layer refused its inputs, by call.
    """

    folders: Mapping[str, TensorFolder]
    failures: Mapping[str, str]
