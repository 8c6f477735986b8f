"""All verdicts of a recording, held together with what they rest on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.parity.judge.gap import DIFFERENCE, FAIL, KNOWN, TOLERANCE, Gap
from benchmarks.parity.sides.alignment import Match
from benchmarks.parity.sides.recording import Recording
from benchmarks.parity.tensors.distance import distance
from benchmarks.parity.tensors.tensor_folder import TensorFolder
from benchmarks.parity.tensors.tensor_name import TensorName


@dataclass(frozen=True, kw_only=True)
class Verdicts:
    """A Gap for every tensor that is compared, by torch's name of it.

    ``reference`` is the run of torch's that paddle's tensors were compared with in the end: the recorded
    one, or the one with the ``reproduced`` roundings. ``random`` lists the sides that compute something
    else when asked again.
    """

    recording: Recording
    gaps: Mapping[TensorName, Gap]
    reference: TensorFolder
    reproduced: Sequence[str] = ()
    random: Sequence[str] = field(default=())

    @property
    def is_reproduced(self) -> bool:
        """True if ``reference`` is torch with paddle's rounded constants."""
        return self.reference is not self.recording.folders["torch"]

    def failed(self, kind: str | None = None) -> list[TensorName]:
        """The tensors that failed, of one kind or of all, in order."""
        return [name for name, gap in self.gaps.items() if gap.verdict == FAIL and kind in (None, name.kind)]

    def of_kind(self, *kinds: str, what: str = "") -> dict[TensorName, Gap]:
        """The gaps of these kinds, or of them the outputs or the gradients alone (``what``)."""
        return {
            name: gap for name, gap in self.gaps.items() if name.kind in kinds and name.what.startswith(what)
        }

    def truth(self, backend: str, name: TensorName) -> TensorFolder:
        """Where a side's exact tensor lies: torch's, for paddle with its known roundings."""
        reproduced = self.gaps[name].verdict in (KNOWN, DIFFERENCE)
        known = backend == "paddle" and reproduced and name in self.reference
        return self.reference if known else self.recording.folders["torch"]

    def recorded_gap(self, match: Match, what: str) -> float | None:
        """Relative L2 between the two sides' tensor of a call.

        Returns None where neither has one.
        """
        ours, theirs = match.files(what)
        paddle = self.recording.folders["paddle"]
        present = ours in self.reference, theirs in paddle
        if not any(present):
            return None
        if not all(present):
            lone = self.reference.load(ours) if present[0] else paddle.load(theirs)
            # A gradient that nobody asks for is zeros on one side and not there on the other.
            return None if ours.is_gradient and not lone.any() else float("inf")
        gap, _ = distance(self.reference.load(ours), paddle.load(theirs))
        allowed = self.gaps[ours].tolerance if ours in self.gaps else TOLERANCE
        return gap if gap > allowed else min(gap, TOLERANCE)
