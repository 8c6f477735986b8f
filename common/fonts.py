"""Fonts that have the letters of a text, whatever script it is in."""

import logging
from functools import cache
from pathlib import Path

from matplotlib import font_manager
from matplotlib.ft2font import FT2Font
from PIL import ImageFont

logger = logging.getLogger(__name__)
PLACEHOLDERS = "Last Resort"  # has a box for every letter that there is
DEFAULT = "DejaVu Sans"  # comes with matplotlib; has Latin, Greek, Cyrillic and more


def font_file(text: str) -> Path:
    """A font file with every letter of ``text``; the default one, with a warning, if there is none."""
    return Path(_font(frozenset(text)).fname)


def font_family(text: str) -> list[str]:
    """Names of fonts for matplotlib, the first with every letter of ``text``."""
    return list(dict.fromkeys([_font(frozenset(text)).name, DEFAULT]))


def font(text: str, *, size: int) -> ImageFont.FreeTypeFont:
    """A font for Pillow with every letter of ``text``."""
    return ImageFont.truetype(str(font_file(text)), size)


@cache
def _font(letters: frozenset[str]) -> font_manager.FontEntry:
    wanted = {ord(letter) for letter in letters if not letter.isspace()}
    entries = font_manager.fontManager.ttflist
    default = next(
        entry for entry in entries if (entry.name, entry.style, entry.weight) == (DEFAULT, "normal", 400)
    )
    for entry in (default, *_plain(entries)):
        if wanted <= _letters(entry.fname):
            return entry
    missing = "".join(sorted(chr(letter) for letter in wanted - _letters(default.fname)))
    logger.warning(
        "no font here has the letters %s, which will be drawn as boxes; install one, on Debian: "
        "apt-get install fonts-noto-cjk",
        missing[:40],
    )
    return default


def _plain(entries: list[font_manager.FontEntry]) -> list[font_manager.FontEntry]:
    """Upright fonts of ordinary weight first, by name; none that has boxes for letters."""
    real = [entry for entry in entries if not entry.name.startswith(PLACEHOLDERS)]
    return sorted(real, key=lambda entry: (entry.style != "normal", str(entry.weight) != "400", entry.name))


@cache
def _letters(path: str) -> frozenset[int]:
    try:
        return frozenset(FT2Font(path).get_charmap())
    except (OSError, RuntimeError):  # listed and gone, or damaged
        return frozenset()
