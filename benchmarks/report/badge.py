"""A badge of the answer: a verdict with its colour, its words and its figures."""

from collections.abc import Sequence
from dataclasses import dataclass

from common.language import Language


@dataclass(frozen=True, kw_only=True)
class Badge:
    """What was found of one phase at one batch size.

    ``kind`` is faster, equal, undecided, invalid or missing; ``winner`` "torch", "paddle" or "". ``sides``
    are lines on the best of each, ``others`` on engines that were compared besides.
    """

    title: str
    kind: str
    word: str
    figure: str
    winner: str = ""
    sides: Sequence[str] = ()
    others: Sequence[str] = ()
    reason: str = ""

    def line(self, say: Language) -> str:
        """All of it but ``others``, as one line of a list."""
        found = say.joined([self.word, self.figure])
        found = say.joined([say.joined([self.title, found], by=": "), *self.sides], by="; ")
        return say("{line} ({reason})", line=found, reason=self.reason) if self.reason else found
