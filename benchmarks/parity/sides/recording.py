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
    OUTPUTS,
    TensorName,
)


@dataclass(frozen=True, kw_only=True)
class Recording:
    """Both sides' tensors of one batch, in evaluation mode or, with masks, in training mode.

    ``folders`` and ``calls`` are by backend; calls are in order of execution. ``masks`` is the folder of
    dropout's masks without "-BACKEND". ``roundings`` are the known ones that the functions called can show.
    ``equal_nan``: NaN at the same places of both sides agrees.
    """

    label: str
    training: bool
    masks: str | None
    folders: Mapping[str, TensorFolder]
    calls: Mapping[str, Sequence[Call]]
    matches: Sequence[Match]
    pairing: Pairing
    roundings: Sequence[str]
    equal_nan: bool = False

    def files(self) -> dict[TensorName, TensorName]:
        """Paddle's name of every tensor that is compared, by torch's."""
        files: dict[TensorName, TensorName] = {}
        for match in self.matches:
            for what in match.compared:
                ours, theirs = match.files(what)
                if ours in self.folders["torch"] or theirs in self.folders["paddle"]:
                    files[ours] = theirs
        files |= self._outputs()
        results = [LOGITS, LOGITS_GRADIENT, LOSS]
        results += [TensorName.of_gradient(name) for name in self.pairing.parameters]
        results += [TensorName.of_buffer(name) for name in self.pairing.buffers] if self.training else []
        return files | {name: name for name in results}

    def _outputs(self) -> dict[TensorName, TensorName]:
        """Outputs beside the logits: by key if the keys are equal, else in order."""
        ours, theirs = (
            [name for name in map(TensorName, self.folders[side]) if name.kind == OUTPUTS and name.is_output]
            for side in ("torch", "paddle")
        )
        keys = [[name.owner for name in side] for side in (ours, theirs)]
        if sorted(keys[0]) != sorted(keys[1]) and len(keys[0]) == len(keys[1]):
            partner = dict(zip(keys[0], keys[1], strict=True))
        else:
            partner = {key: key for key in dict.fromkeys(keys[0] + keys[1])}
        return {
            TensorName.of_output(key, what): TensorName.of_output(other, what)
            for key, other in partner.items()
            for what in (OUTPUT, GRADIENT)
            if what == OUTPUT
            or TensorName.of_output(key, what) in self.folders["torch"]
            or TensorName.of_output(other, what) in self.folders["paddle"]
        }

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
