"""By how much may a row become slower? One percentage for all, and a file of others for some.

    ["train eager fp32 batch 8"]      # a row as the commands name it, with or without its backend before it
    max_regression = 10

    ["paddle infer *"]                # or a shell pattern
    max_regression = 3

A row's own name goes before patterns; of several patterns that match, the first in the file counts.
"""

import argparse
import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import tomllib

from backends import NAMES
from benchmarks.request.case import Case
from common.cli import Group, Parser, UsageError
from common.files import require_regular
from common.flag_values import percent

KEY = "max_regression"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Slowdowns that a gate allows, in percent: ``default``, and ``rows`` by a row's name or pattern."""

    default: float
    rows: Mapping[str, float] = field(default_factory=dict)

    def of(self, case: Case, *, backend: str) -> float:
        """The slowdown that is allowed to a backend in a case."""
        names = _names(case, backend)
        exact = [self.rows[name] for name in names if name in self.rows]
        found = exact or [value for key, value in self.rows.items() if _matches(key, names)]
        return found[0] if found else self.default

    def strictest(self, cases: Sequence[Case], *, backends: Sequence[str] = NAMES) -> float:
        """The smallest slowdown that is not allowed somewhere: what has to be seen."""
        return min((self.of(case, backend=name) for case in cases for name in backends), default=self.default)


def add_limit_flags(group: Group | Parser, *, gate: str, default: float) -> None:
    """How much slower than what ``gate`` names a row may be."""
    group.add_argument(
        "--max-regression",
        type=percent,
        default=default,
        metavar="PERCENT",
        help=f"slowdown that {gate} allows (default {default:g})",
    )
    text = f'slowdowns that {gate} allows to single rows, as in ["train *"] max_regression = 10 (TOML)'
    group.add_argument("--limits", type=Path, metavar="FILE", help=text)


def read_limits(options: argparse.Namespace, *, gate: str, cases: Sequence[Case]) -> Limits:
    """The limits of --limits and --max-regression.

    Raises UsageError for a file that says something else, for a row that none of ``cases`` has, and for a
    file without the gate that it belongs to.
    """
    path, default = options.limits, options.max_regression
    if path is None:
        return Limits(default=default)
    if not getattr(options, gate):
        raise UsageError(f"--limits {path}: says what --{gate} allows; give that, too")
    rows = {name: _limit(path, name, entry) for name, entry in _content(path).items()}
    known = list(dict.fromkeys(name for case in cases for each in NAMES for name in _names(case, each)))
    for key in rows:
        if not _matches(key, known):
            raise UsageError(f"{path}: nothing that is measured is named {key!r}; {_hint(key, known)}")
    return Limits(default=default, rows=rows)


def _names(case: Case, backend: str) -> list[str]:
    """A row's names, the narrower one first."""
    return [f"{backend} {case}", str(case)]


def _matches(key: str, names: Sequence[str]) -> bool:
    return any(key == name or fnmatchcase(name, key) for name in names)


def _hint(key: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"there are {', '.join(map(repr, known))}"


def _content(path: Path) -> dict[str, Any]:
    require_regular(path)
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: is no TOML: {error}") from None


def _limit(path: Path, name: str, entry: Any) -> float:
    if not isinstance(entry, dict):
        raise UsageError(f'{path}: write ["{name}"], and under it {KEY} = PERCENT')
    unknown = [key for key in entry if key != KEY]
    if unknown:
        raise UsageError(f"{path}, [{name}]: unknown key {unknown[0]!r}; there is {KEY}")
    value = entry.get(KEY)
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value <= 100:
        raise UsageError(f"{path}, [{name}]: {KEY} is a percentage from 0 to 100, not {value!r}")
    return float(value)
