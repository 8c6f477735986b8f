"""One run of both models, recorded and compared tensor by tensor: the heart of every stage."""

from collections.abc import Mapping
from typing import Any

from benchmarks.parity.sides.alignment import Match, align
from benchmarks.parity.sides.pair import Pair
from benchmarks.parity.tensors import known_roundings
from benchmarks.parity.tensors.gaps import FAIL, KNOWN, TOLERANCE, Gap, distance
from benchmarks.parity.tensors.tensor_folder import TensorFolder


class Recording:
    """Both sides' tensors of one batch, in evaluation mode or, with masks, in training mode.

    ``gaps`` has a Gap for every tensor, once judged, under torch's file name: "forward/logits", "loss/loss",
    "gradients/PARAMETER", "buffers/NAME", "layers/CALL/output", "layers/CALL/gradient".
    """

    def __init__(self, pair: Pair, *, training: bool = False, masks: str | None = None) -> None:
        self.pair, self.mode = pair, {"training": training, "masks": masks}
        self.label = "train" if training else "eval"
        self.folders = {name: TensorFolder(pair.path(f"{self.label}-{name}")) for name in ("torch", "paddle")}
        calls = pair.ask_both(
            "record", batch=pair.path("batch"), target=lambda name: f"{self.label}-{name}", own=self._options
        )
        self.calls = calls
        assert pair.pairing is not None
        self.matches = align(calls["torch"], calls["paddle"], layers=pair.pairing.layers)
        bases = [call["base"] for side in calls.values() for call in side]
        self.roundings = known_roundings.concerned(bases, own_loss=pair.subject.has("loss"))
        self.reference = self.folders["torch"]  # what paddle's tensors are compared with in the end
        self.reproduced: list[str] = []  # the roundings that ``reference`` has
        self.gaps: dict[str, Gap] = {}
        self.random: list[str] = []  # sides that compute something else when asked again

    def truth(self, backend: str, name: str) -> TensorFolder:
        """Where a side's exact tensor lies: torch's, for paddle with its known roundings."""
        known = backend == "paddle" and self.gaps[name].verdict == KNOWN and name in self.reference
        return self.reference if known else self.folders["torch"]

    def failed(self, prefix: str) -> list[str]:
        """Tensors that failed, by the beginning of their names, in order."""
        return [name for name, gap in self.gaps.items() if name.startswith(prefix) and gap.verdict == FAIL]

    def keep_layers_only(self) -> None:
        """Delete what is large and not needed any more: the gradients of parameters."""
        for name in ("torch", "paddle", "rounded"):
            folder = TensorFolder(self.pair.path(f"{self.label}-{name}"))
            for file in list(folder):
                if file.startswith("gradients/"):
                    folder.discard(file)

    def close(self) -> None:
        """Delete the tensors."""
        for name in ("torch", "paddle", "rounded", "moved"):
            TensorFolder(self.pair.path(f"{self.label}-{name}")).clear()

    def layers_on_one_side(self) -> list[str]:
        """Calls that have no partner, as a reader would put it."""
        return [
            f"{match.name} ({'torch' if match.ours else 'paddle'} only)"
            for match in self.matches
            if not match.both
        ]

    def files(self) -> dict[str, str]:
        """Paddle's file of every tensor, by torch's."""
        files: dict[str, str] = {}
        for match in self.matches:
            if match.ours is not None and match.theirs is not None:
                for what in ("output", "gradient"):
                    ours, theirs = (f"layers/{call['call']}/{what}" for call in (match.ours, match.theirs))
                    if ours in self.folders["torch"] or theirs in self.folders["paddle"]:
                        files[ours] = theirs
        results = ["forward/logits", "forward/gradient", "loss/loss"]
        pairing = self.pair.pairing
        assert pairing is not None
        results += [f"gradients/{name}" for name in pairing.parameters]
        results += [f"buffers/{name}" for name in pairing.buffers] if self.mode["training"] else []
        return files | {name: name for name in results}

    def again(self, name: str, suspects: list[str], **more: Any) -> TensorFolder:
        """Torch once more, somehow altered; of the parameters' gradients only the suspects'."""
        folder = self.pair.folder(f"{self.label}-{name}")
        gradients = [file[10:] for file in suspects if file.startswith("gradients/")]
        options = {**self._options("torch"), "gradients": gradients, **more}
        if self.mode["training"]:
            self.pair.ask("torch", "load", source=self.pair.path("weights"))  # statistics have moved
        self.pair.ask("torch", "record", batch=self.pair.path("batch"), target=str(folder.path), **options)
        return folder

    def repeated(self, backend: str) -> dict[str, Any]:
        """Arguments with which a side repeats its run."""
        return {"reference": str(self.folders[backend].path), **self._options(backend)}

    def _options(self, backend: str) -> dict[str, Any]:
        """The mode, with a side's own masks."""
        masks = f"{self.mode['masks']}-{backend}" if self.mode["masks"] else None
        return {"training": self.mode["training"], "masks": masks}

    def isolate(self) -> tuple[TensorFolder, TensorFolder, dict[str, str]]:
        """Run every matched layer alone, on both sides, on torch's recorded inputs and gradients."""
        matches = [match for match in self.matches if match.both and self._same_inputs(match)]
        targets = [self.pair.folder(f"alone-{name}") for name in ("torch", "paddle")]

        def own(name: str) -> dict[str, Any]:
            is_reproduced = name == "torch" and self.reference is not self.folders["torch"]
            return {
                **self._options(name),
                "rounding": self.roundings if is_reproduced else None,
                "calls": [_to_isolate(match, name) for match in matches],
            }

        if self.mode["training"]:
            self.pair.reload()
        source = str(self.reference.path)
        failures = self.pair.ask_both("isolate", source=source, target=lambda name: f"alone-{name}", own=own)
        return targets[0], targets[1], failures["torch"] | failures["paddle"]

    def _same_inputs(self, match: Match) -> bool:
        return bool(match.ours and match.theirs and match.ours["inputs"] == match.theirs["inputs"])

    def theirs(self, match: Match, what: str) -> str:
        """Paddle's file of a matched call's tensor."""
        assert match.theirs is not None
        return f"layers/{match.theirs['call']}/{what}"

    def recorded_gap(self, match: Match, what: str) -> float | None:
        """Relative L2 between the two sides' tensor of a call; None where neither has one."""
        ours = f"layers/{match.name}/{what}"
        theirs = self.theirs(match, what)
        present = ours in self.reference, theirs in self.folders["paddle"]
        if not any(present):
            return None
        if not all(present):
            return float("inf")
        gap, _ = distance(self.reference.load(ours), self.folders["paddle"].load(theirs))
        return gap if gap > self._allowed(ours) else min(gap, TOLERANCE)

    def _allowed(self, name: str) -> float:
        return self.gaps[name].tolerance if name in self.gaps else TOLERANCE


def _to_isolate(match: Match, backend: str) -> Mapping[str, Any]:
    own = match.ours if backend == "torch" else match.theirs
    assert own is not None
    return {"call": match.name, "name": own["name"], "inputs": own["inputs"]}
