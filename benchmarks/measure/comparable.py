"""Which settings in force have to be equal on both sides, and which are not."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from benchmarks.request.case import Case
from benchmarks.request.job import JobFacts
from benchmarks.results.sentences import DIFFERENT, UNEQUAL
from common.engines.kinds import EAGER

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
    """Those that have to be equal: all that the mode makes equal and the engine reports."""
    if mode != "equalised":
        return ("device",)
    if {case.engine for case in cases} != {EAGER.name}:
        return [key for key in COMPARABLE if key not in ("layout", "activation_dtype")]  # may be unknown
    return COMPARABLE


def unequal_settings(facts: Mapping[str, JobFacts], *, keys: Sequence[str] = COMPARABLE) -> str | None:
    """Which settings in force differ between the backends, as a reason.

    Returns None if none does.
    """
    if len(facts) < 2:
        return None
    (ours, left), (theirs, right) = (
        (name, asdict(fact.settings) | {"device": fact.device}) for name, fact in facts.items()
    )
    different = [
        DIFFERENT.format(setting=key, first=left[key], one=ours, second=right[key], other=theirs)
        for key in keys
        if left[key] != right[key]
    ]
    return UNEQUAL.format(differences="; ".join(different)) if different else None
