"""Sentences of reports in the reader's language, by gettext. Messages are the English sentences themselves.

The catalogue is ``locale/zh/LC_MESSAGES/side_by_side.po``; CONTRIBUTING says how it is compiled.
"""

import gettext
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Formatter

DOMAIN = "side_by_side"
FOLDER = Path(__file__).parent / "locale"
TAGS = {"en": "en", "zh": "zh-CN"}  # what a page says of its language, by the word of a flag
LANGUAGES = tuple(TAGS)
MARKS = {", ": "，", "; ": "；", ". ": "。", ": ": "："}  # between clauses, in English and in Chinese
ONE_OF = {"side": "torch|paddle|here|there"}  # what a placeholder of this name holds; others hold anything


@dataclass(frozen=True)
class Language:
    """One language: called with an English sentence and the values of its placeholders."""

    code: str = "en"

    @property
    def tag(self) -> str:
        """The language as HTML names it."""
        return TAGS[self.code]

    @property
    def space(self) -> str:
        """What stands between two sentences."""
        return "" if self.code == "zh" else " "

    def __call__(self, message: str, **values: object) -> str:
        """The sentence in this language. A message without a translation stays English."""
        if not message:  # under which gettext keeps the facts of a catalogue
            return ""
        found = _translations(self.code).gettext(message)
        return found.format(**values) if values else found

    def count(self, one: str, many: str, number: int, **values: object) -> str:
        """The sentence for one or for ``number`` things; ``{number}`` is its placeholder."""
        found = _translations(self.code).ngettext(one, many, number)
        return found.format(number=number, **values)

    def joined(self, parts: Iterable[str], *, by: str = ", ") -> str:
        """Clauses one after the other; ``by`` is the mark that stands between them in English."""
        return (MARKS[by] if self.code == "zh" else by).join(parts)


ENGLISH = Language()


def recognised(text: str, messages: Iterable[str]) -> tuple[str, dict[str, str]] | None:
    """The first of ``messages`` from which an English sentence was made, and what its placeholders held.

    Files keep sentences in English; with this they can be said in another language. None where ``text`` was
    made from none of them.
    """
    for message in messages:
        found = _pattern(message).fullmatch(text)
        if found:
            return message, found.groupdict()
    return None


def retold(text: str, messages: Sequence[str], say: Language) -> str:
    """An English sentence in another language, clause by clause, and so what its placeholders held.

    Clauses that were made from none of ``messages`` stay as they are.
    """
    if say.code == "en":
        return text
    return (
        _clauses(text, messages, say, by="; ")
        or _clause(text, messages, say)
        or _clauses(text, messages, say, by=", ")
        or text
    )


def _clauses(text: str, messages: Sequence[str], say: Language, *, by: str) -> str | None:
    """Several clauses; None if it is one, or if none of them is known."""
    clauses = text.split(by)
    found = [retold(clause, messages, say) for clause in clauses] if len(clauses) > 1 else clauses
    return None if found == clauses else say.joined(found, by=by)


def _clause(text: str, messages: Sequence[str], say: Language) -> str | None:
    """A clause that was made from one message; None if it was not."""
    found = recognised(text, messages)
    if found is None:
        return None
    message, values = found
    return say(message, **{name: retold(value, messages, say) for name, value in values.items()})


@cache
def _pattern(message: str) -> re.Pattern[str]:
    """What a message's sentences look like."""
    parts = (
        re.escape(literal) + (f"(?P<{name}>{ONE_OF.get(name, '.+?')})" if name else "")
        for literal, name, _, _ in Formatter().parse(message)
    )
    return re.compile("".join(parts), re.DOTALL)


@cache
def _translations(code: str) -> gettext.NullTranslations:
    """The catalogue of a language; none for English. FileNotFoundError if it was not installed."""
    return gettext.NullTranslations() if code == "en" else gettext.translation(DOMAIN, FOLDER, [code])
