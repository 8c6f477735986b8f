"""All cases, family by family, and those that a pattern means."""

from fnmatch import fnmatch
from importlib import import_module

from benchmarks.atlas.cases.case import Case
from common.cli import UsageError

FAMILIES = (
    "convolutions",
    "pools",
    "normalisation",
    "activations",
    "dropouts",
    "interpolation",
    "padding",
    "attention",
    "elementwise",
    "reductions",
    "indexing",
    "algebra",
    "losses",
    "optimizers",
    "schedules",
    "initialisers",
    "transforms",
    "metrics",
)


def all_cases() -> tuple[Case, ...]:
    """Every case, in the order of the families and of their lines."""
    modules = (import_module(f"benchmarks.atlas.cases.{name}") for name in FAMILIES)
    return tuple(case for module in modules for case in module.CASES)


def selected(pattern: str | None) -> tuple[Case, ...]:
    """The cases that a pattern means: a family, a piece of a spelling, or a shell pattern of an id.

    Raises UsageError where it means none.
    """
    cases = all_cases()
    if pattern is None:
        return cases
    found = tuple(case for case in cases if _is_meant(case, pattern.lower()))
    if not found:
        raise UsageError(f"--only {pattern}: no case has it; the families are {', '.join(FAMILIES)}")
    return found


def _is_meant(case: Case, pattern: str) -> bool:
    names = (case.id.lower(), case.paddle.lower())
    return any(pattern in name or fnmatch(name, pattern) for name in names)
