"""Sentences of reports in the reader's language, by gettext. Messages are the English sentences themselves.

The catalogue is ``locale/zh/LC_MESSAGES/side_by_side.po``; CONTRIBUTING says how it is compiled.
"""

import gettext
from dataclasses import dataclass
from functools import cache
from pathlib import Path

DOMAIN = "side_by_side"
FOLDER = Path(__file__).parent / "locale"
TAGS = {"en": "en", "zh": "zh-CN"}  # what a page says of its language, by the word of a flag
LANGUAGES = tuple(TAGS)


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
        found = _translations(self.code).gettext(message)
        return found.format(**values) if values else found

    def count(self, one: str, many: str, number: int, **values: object) -> str:
        """The sentence for one or for ``number`` things; ``{number}`` is its placeholder."""
        found = _translations(self.code).ngettext(one, many, number)
        return found.format(number=number, **values)


@cache
def _translations(code: str) -> gettext.NullTranslations:
    """The catalogue of a language; none for English. FileNotFoundError if it was not installed."""
    return gettext.NullTranslations() if code == "en" else gettext.translation(DOMAIN, FOLDER, [code])
