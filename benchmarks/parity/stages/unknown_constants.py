"""Search for a rounded constant that no table has.

One number that, kept in float32, explains all that is left to the last digit.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.parity.judge import judge
from benchmarks.parity.judge.causes import likely
from benchmarks.parity.judge.gap import TOLERANCE
from benchmarks.parity.judge.localization import Suspect
from benchmarks.parity.judge.verdicts import Verdicts
from benchmarks.parity.probe.constants import BEHIND, WAYS
from benchmarks.parity.sides.pair import Pair

ROUNDING = 1e-5  # relative L2 beyond which no constant in float32 is to blame
LARGE = 5_000_000  # parameters beyond which a further run takes too long
TRIALS = 24


def causes_with_constants(
    pair: Pair, verdicts: Verdicts, suspect: Suspect | None, *, stage: str
) -> list[str]:
    """Likely causes with a constant that would explain all that failed; nothing where there is none."""
    proposed = _propose(pair, verdicts, suspect)
    if not proposed or suspect is None:
        return []
    return [*proposed, *likely(stage=stage, base=suspect.base, layer=suspect.layer)]


def _propose(pair: Pair, verdicts: Verdicts, suspect: Suspect | None) -> list[str]:
    """Sentences on constants: proposals, which excuse nothing."""
    gaps = [verdicts.gaps[name].relative_l2 for name in verdicts.failed()]
    if suspect is None or verdicts.random or max(gaps, default=1.0) > ROUNDING:
        return []
    if pair.parameters() > LARGE or pair.subject.framework:  # one framework has one set of constants
        return []
    for trial, function in _trials(pair, suspect):
        tried = pair.record_again(
            verdicts.recording,
            "tried",
            suspects=verdicts.failed(),
            rounding=list(verdicts.reproduced),
            constant=trial,
        )
        left = judge.left_by(verdicts, tried)
        tried.clear()
        if left <= TOLERANCE:
            return [_sentence(trial, function, left)]
    return []


def _trials(pair: Pair, suspect: Suspect) -> Iterator[tuple[dict[str, Any], str]]:
    """What is tried: each number at the suspect's place, each way; then all that are there at once."""
    constants = _at(pair.ask("torch", "constants"), suspect)
    singly = [(entry, way) for entry in constants for way in WAYS]
    for entry, way in singly[:TRIALS]:
        yield {"place": entry["place"], "value": entry["value"], "way": way}, entry["function"]
    for place in {entry["place"]: None for entry in constants}:
        yield {"place": place, "value": None, "way": "itself"}, ""


def _at(constants: Sequence[Mapping[str, Any]], suspect: Suspect) -> list[Mapping[str, Any]]:
    """The numbers in the layer to blame, or between the two that it lies between."""
    name = suspect.layer or ""
    if name.startswith("between "):
        first = name.removeprefix("between ").rpartition(" and ")[0]
        return [entry for entry in constants if entry["place"] == f"{BEHIND}{first}"]
    return [entry for entry in constants if entry["place"] == name]


def _sentence(trial: Mapping[str, Any], function: str, left: float) -> str:
    what = "all numbers there" if trial["value"] is None else f"{trial['value']:g} of {function}"
    how = "" if trial["way"] == "itself" else f" ({trial['way']})"
    return (
        f"a constant that paddle keeps in float32: with {what} rounded to it{how}, {trial['place']}, torch "
        f"agrees to {left:.0e}; a proposal, which excuses nothing"
    )
