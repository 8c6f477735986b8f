"""Two versions of one backend in turns: a few percent show, which two calls an hour apart would not."""

import math
from collections.abc import Sequence
from dataclasses import asdict

from backends import NAMES
from benchmarks.manager.installations import Installation, other_place
from benchmarks.manager.session import Session
from benchmarks.measure.diagnostics import Diagnostics
from benchmarks.measure.interleave import Interleaving
from benchmarks.request.case import Case
from benchmarks.results.formatting import labeller, number
from benchmarks.results.schema import Against, Result
from common.terminal import progress

HERE, THERE = "here", "there"


def places(backend: str, text: str) -> dict[str, Installation]:
    """The sides of a session: there, as ``--against`` names it, and here, in the order of a ratio."""
    assert backend in NAMES
    return {THERE: other_place(backend, text), HERE: Installation(backend=backend)}


def measure_against(
    session: Session, *, rounds: int, pairs: int, max_regression: float
) -> tuple[list[Result], list[Against]]:
    """Every combination: the rows of here, and what became of each.

    ``max_regression`` is in percent.
    """
    rows, found, explainer = [], [], Diagnostics(session)
    cases = session.request.cases
    with progress(total=rounds * len(cases)) as bar:
        for case in cases:
            bar.set_description(str(case))
            turns = Interleaving(session, case, explainer=explainer)
            turns.run(rounds=rounds, processes=pairs, bar=bar, precise=max_regression)
            rows.append(turns.row(HERE))
            found.append(judged(turns, case, max_regression=max_regression))
    return rows, found


def judged(turns: Interleaving, case: Case, *, max_regression: float) -> Against:
    """Faster, slower, or no difference.

    A regression is slower for certain, by more than is allowed.
    """
    here, there = turns.row(HERE), turns.row(THERE)
    common = asdict(here.case) | {
        "threads": case.threads,
        "here_images_per_second": here.images_per_second,
        "there_images_per_second": there.images_per_second,
        "there": there,
    }
    if turns.failures:
        reason = "; ".join(f"{name}: {failure.reason}" for name, failure in turns.failures.items())
        return Against.model_validate(common | {"verdict": "not comparable", "reason": reason})
    change = turns.change()
    ends = (change.mean - change.half_width(), change.mean + change.half_width())
    low, high = map(math.exp, ends)
    slower = high < 1
    facts = {
        "change": math.exp(change.mean),
        "change_ci95": (low, high),
        "noise": turns.estimate().noise,
        "verdict": "slower" if slower else "faster" if low > 1 else "no difference",
        "regression": slower and (1 - math.exp(change.mean)) * 100 > max_regression,
    }
    return Against.model_validate(common | facts)


def sentences(entries: Sequence[Against], *, backend: str) -> list[str]:
    """One line on each combination, for people."""
    label = labeller(entries)
    return [_sentence(entry, f"{backend} {label(entry)}") for entry in entries]


def _sentence(entry: Against, case: str) -> str:
    if entry.change is None or entry.change_ci95 is None:
        return f"{case}: not comparable: {entry.reason}"
    low, high = (end - 1 for end in entry.change_ci95)
    line = f"{case}: {entry.verdict}, {entry.change - 1:+.1%} ({low:+.1%} to {high:+.1%})"
    if entry.here_images_per_second is None:  # a start has no throughput
        return line
    here, there = (number(speed) for speed in (entry.here_images_per_second, entry.there_images_per_second))
    return f"{line}, {here} against {there} images/s"
