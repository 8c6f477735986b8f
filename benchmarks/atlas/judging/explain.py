"""Explanations of a difference, tried in torch: a constant in float32, a known rule, rounding that grows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import inf, isfinite
from typing import TYPE_CHECKING, Any

from benchmarks.atlas.judging import judge
from benchmarks.atlas.row import EQUAL, KNOWN, ROUNDED, Proof, Rounding
from benchmarks.parity.judge.gap import PASS, TOLERANCE, Gap, allow_noise, compare
from benchmarks.parity.probe.constants import WAYS
from benchmarks.parity.tensors.known_differences import KNOWN_DIFFERENCES, LOSS_LIMIT, split_differences
from benchmarks.parity.tensors.known_roundings import (
    DROPOUT_SCALE,
    HYPER_PARAMETERS,
    attempts,
    concerned,
    together,
)

if TYPE_CHECKING:
    from benchmarks.atlas.judging.examine import Examination

LARGEST_ROUNDING = 1e-4  # beyond it no constant in float32 is looked for
MOST_CONSTANTS = 12  # numbers that are rounded one by one
ZERO = 1e-13  # beside its inputs' length, a result that is zero but for rounding


def explain(examination: "Examination", found: Sequence[Gap], arrays: Mapping[str, judge.Arrays]) -> None:
    """Change the row's verdict where an explanation is proven.

    Noise explains any two sides; constants and rules are paddle's, and torch is asked for them.
    """
    explanation = Explanation(examination, found, arrays)
    is_random = examination.case.compared == "distribution"
    if not is_random and explanation.is_noise():
        examination.row.verdict = EQUAL
        return
    if (examination.ours, examination.theirs) != ("torch", "paddle"):
        return
    if (explanation.is_small or not is_random) and explanation.by_roundings():
        return
    is_unknown = explanation.is_small and not explanation.is_beyond_bound
    if not is_random and is_unknown and explanation.by_constants():
        return
    explanation.by_rule()


class Explanation:
    """Attempts at making torch agree with paddle.

    ``is_beyond_bound``: a rounding reproduces a difference that is larger than it can make.
    """

    def __init__(
        self, examination: "Examination", found: Sequence[Gap], arrays: Mapping[str, judge.Arrays]
    ) -> None:
        self.examination, self.found, self.arrays = examination, found, arrays
        self.row, self.case = examination.row, examination.case
        self.is_beyond_bound = False

    @property
    def is_small(self) -> bool:
        """True if every failure is of a constant's size, or has no size at all."""
        sizes = [gap.relative_l2 for gap in self.found if not gap.passed and isfinite(gap.relative_l2)]
        return max(sizes, default=0.0) < LARGEST_ROUNDING

    @property
    def largest(self) -> float:
        """The largest distance that failed; infinite where there is none to be had."""
        sizes = [gap.relative_l2 for gap in self.found if not gap.passed]
        return max((size if isfinite(size) else inf for size in sizes), default=0.0)

    def is_noise(self) -> bool:
        """True if one unit in the last place of the inputs moves the first side's results as far."""
        if not self.case.inputs:
            return False
        ours = self.examination.ours
        _, moved = self.examination.compute("moved", among=(ours,), moved=True)
        allowed = [self._allowed(gap, moved[ours]) for gap in self.found]
        if all(gap.passed for gap in allowed):
            notes = [gap.note for gap in allowed if gap.note]
            self.row.note = f"{self.row.note} {'; '.join(dict.fromkeys(notes))}".strip()
            return True
        self.found = allowed
        return False

    def _allowed(self, gap: Gap, moved: judge.Arrays) -> Gap:
        before, after = self.arrays[self.examination.ours].get(gap.name), moved.get(gap.name)
        if gap.passed or before is None or after is None or before.dtype.kind != "f":
            return gap
        theirs = self.arrays[self.examination.theirs].get(gap.name)
        if theirs is not None and theirs.shape == before.shape and gap.max_abs < ZERO:
            return replace(gap, verdict=PASS, note="zero but for rounding")
        noise = compare(gap.name, before, after).relative_l2
        return allow_noise(gap, moved=noise, most=1e-9, what="inputs")

    def by_roundings(self) -> bool:
        """True if torch agrees once it has paddle's constants of parity's table."""
        answer, _ = self._torch(rounding=[])
        tried = _attempts(answer.get("noted", ()))
        if "updates(" in self.case.torch:
            tried = [[HYPER_PARAMETERS], *tried]
        for attempt in tried:
            left, excuse = self._left(rounding=attempt), together(attempt)
            if left is not None and left <= TOLERANCE:
                self.is_beyond_bound = self.largest > excuse["bound"]
                if self.is_beyond_bound:  # a limit besides it, or one rounding less, explains no more
                    return False
                self._rounded(excuse["constant"], keys=attempt, left=left, listed=True)
                self._name_difference(excuse["difference"], left)
                return True
        return False

    def by_constants(self) -> bool:
        """True if torch agrees once a number that it was given is rounded, or all of them are."""
        self._torch(rounding=[])
        found = self.examination.sides.ask("torch", "atlas", step="constants")
        if not isinstance(found, list):
            return False
        every = [{**one, "value": None, "function": "every number"} for one in found[:1]]
        for one in [*found[:MOST_CONSTANTS], *every]:
            for way in WAYS:
                wanted = {"place": one["place"], "value": one["value"], "way": way}
                left = self._left(constant=wanted)
                if left is not None and left <= TOLERANCE:
                    what = "all numbers" if one["value"] is None else f"{one['value']} of {one['function']}"
                    self._rounded(f"{what}: {way} kept in float32", keys=[], left=left, listed=False)
                    return True
        return False

    def by_rule(self) -> None:
        """Known, if torch's spelling of paddle's rule agrees, alone or with paddle's constants."""
        rule = self.case.rule
        if rule is None:
            return
        answer, _ = self._torch(rounding=[], rule=True, spelling=rule.torch)
        for attempt in [[], *_attempts(answer.get("noted", ()))]:
            left = self._left(rounding=attempt, rule=True, spelling=rule.torch)
            if left is not None and left <= TOLERANCE:
                is_rounded = attempt and self._is_torchs(spelling=rule.torch)
                self.row.verdict = ROUNDED if is_rounded else KNOWN
                self.row.proof = Proof(sentence=rule.sentence, torch=rule.torch, left=left, key=rule.key)
                if attempt:
                    self._note_rounding(together(attempt)["constant"], keys=attempt, left=left, listed=True)
                return
        self.row.note = f"{self.row.note} Paddle's rule as the atlas has it does not explain it.".strip()

    def _name_difference(self, key: str | None, left: float) -> None:
        """What was reproduced as a rounding may be a rule of parity's table."""
        if key is not None:
            self.row.verdict = KNOWN
            sentence = "; ".join(KNOWN_DIFFERENCES[one].sentence for one in split_differences(key))
            self.row.proof = Proof(sentence=sentence, torch=self.case.torch, left=left, key=key)

    def _is_torchs(self, spelling: str) -> bool:
        """True if a rule is torch's own: then the constants are all that differs."""
        _, ours = self._torch(rounding=[], spelling=spelling)
        gaps = self.examination.gaps_of({"torch": self.arrays["torch"], "paddle": ours})
        return all(gap.passed for gap in gaps)

    def _rounded(self, constant: str, *, keys: list[str], left: float, listed: bool) -> None:
        self.row.verdict = ROUNDED
        self._note_rounding(constant, keys=keys, left=left, listed=listed)

    def _note_rounding(self, constant: str, *, keys: list[str], left: float, listed: bool) -> None:
        self.row.rounding = Rounding(constant=constant, keys=keys, left=left, listed=listed)

    def _torch(self, **how: Any) -> tuple[Mapping[str, Any], judge.Arrays]:
        answers, arrays = self.examination.compute("altered", among=("torch",), **how)
        return answers["torch"], arrays["torch"]

    def _left(self, **how: Any) -> float | None:
        """The largest gap that is left between torch so altered and paddle; None if torch refuses.

        What noise already explains is no gap.
        """
        answer, ours = self._torch(**how)
        if answer["status"] != "ok":
            return None
        gaps = self.examination.gaps_of({"torch": ours, "paddle": self.arrays["paddle"]})
        excused = {gap.name for gap in self.found if gap.passed and gap.relative_l2 > TOLERANCE}
        left = [0.0 if gap.passed or gap.name in excused else gap.relative_l2 for gap in gaps]
        return max(left, default=0.0)


def _attempts(noted: Iterable[str]) -> list[list[str]]:
    """Roundings that are tried together, in order: of what was noted, and the loss's limit only if it was."""
    found = set(noted)
    tried = [
        attempt for attempt in attempts(concerned(found)) if LOSS_LIMIT in found or LOSS_LIMIT not in attempt
    ]
    return [[DROPOUT_SCALE], *tried] if DROPOUT_SCALE in found else tried
