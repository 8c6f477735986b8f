"""Whether two sides ran under the same settings, as the frameworks tell them back."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.request.request import Case
from benchmarks.results.schema import UNEQUAL_SETTINGS

COMPARABLE = (
    "device",
    "threads",
    "tf32_matmul",
    "tf32_convolution",
    "autotune",
    "deterministic",
    "layout",
    "activation_dtype",
)


def compared_settings(mode: str, cases: Sequence[Case]) -> Sequence[str]:
    """Those that have to be equal: all that the mode makes equal and the engine tells."""
    if mode != "equalised":
        return ("device",)
    if {case.engine for case in cases} != {"eager"}:
        return [key for key in COMPARABLE if key not in ("layout", "activation_dtype")]  # may be unknown
    return COMPARABLE


def unequal_settings(
    facts: Mapping[str, Mapping[str, Any]], *, keys: Sequence[str] = COMPARABLE
) -> str | None:
    """Which settings in force differ between the backends, as a reason; None if none does."""
    if len(facts) < 2:
        return None
    (ours, left), (theirs, right) = ((name, {**fact["settings"], **fact}) for name, fact in facts.items())
    different = [
        f"{key} is {left[key]} in {ours} and {right[key]} in {theirs}"
        for key in keys
        if left[key] != right[key]
    ]
    return f"{UNEQUAL_SETTINGS}: {'; '.join(different)}" if different else None
