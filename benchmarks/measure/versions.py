"""Two versions of one backend in turns: a few percent show, which two calls an hour apart would not."""

import math
from collections.abc import Sequence
from dataclasses import asdict, replace

from backends import NAMES
from benchmarks.analysis.verdict import decide
from benchmarks.manager.installations import Installation, other_place
from benchmarks.manager.session import Session
from benchmarks.measure.comparing import circumstances
from benchmarks.measure.diagnostics import Diagnostics
from benchmarks.measure.interleave import Interleaving
from benchmarks.measure.laps import Plan, go_round
from benchmarks.request.case import Case
from benchmarks.request.limits import Limits
from benchmarks.results.formatting import half_width, labeller, number
from benchmarks.results.schema import Against, Result
from benchmarks.results.sentences import QUIETER, translated
from common.language import ENGLISH, Language
from common.terminal import progress

HERE, THERE = "here", "there"


def places(backend: str, text: str, *, source: str = "") -> dict[str, Installation]:
    """The sides of a session: there, as ``--against`` names it, and here, in the order of a ratio.

    ``source`` is the model's MODULE:CALLABLE, if it is the user's own.
    """
    assert backend in NAMES
    return {THERE: other_place(backend, text, source=source), HERE: Installation(backend=backend)}


def measure_against(session: Session, plan: Plan, *, limits: Limits) -> tuple[list[Result], list[Against]]:
    """Every combination: the rows of here, and what became of each."""
    backend = session.places[HERE].backend
    explainer = Diagnostics(session)
    every = [Interleaving(session, case, explainer=explainer) for case in session.request.cases]
    strictest = limits.strictest(session.request.cases, backends=[backend])
    with progress(total=plan.rounds * len(every), unit="rounds") as bar:
        go_round(every, replace(plan, resolve=strictest), bar=bar)
    rows = [turns.row(HERE) for turns in every]
    allowed = [limits.of(turns.case, backend=backend) for turns in every]
    return rows, [
        judged(turns, turns.case, max_regression=percent)
        for turns, percent in zip(every, allowed, strict=True)
    ]


def judged(turns: Interleaving, case: Case, *, max_regression: float) -> Against:
    """Faster, slower, equal within what is allowed, or undecided.

    A regression is slower for certain, by more than is allowed. Where a slowdown of what is allowed would not
    show, the gate is undecided. ``max_regression`` is in percent.
    """
    here, there = turns.row(HERE), turns.row(THERE)
    common = asdict(here.case) | {
        "threads": case.threads,
        "here_images_per_second": here.images_per_second,
        "there_images_per_second": there.images_per_second,
        "there": there,
        "max_regression": max_regression,
        "parameters": here.parameters,
    }
    if turns.failures:
        reason = "; ".join(f"{name}: {failure.explained}" for name, failure in turns.failures.items())
        return Against.model_validate(common | {"verdict": "not comparable", "reason": reason})
    disturbed = turns.disturbance()
    common |= {"left_out": disturbed.left_out, "circumstances": circumstances(turns.circumstances)}
    if not turns.is_valid():
        reason = f"{disturbed.reason()}; {QUIETER}"
        return Against.model_validate(common | {"verdict": "invalid", "undecided": True, "reason": reason})
    change = turns.change()
    ends = (change.mean - change.half_width(), change.mean + change.half_width())
    low, high = map(math.exp, ends)
    slower, estimate = high < 1, turns.estimate()
    regression = slower and (1 - math.exp(change.mean)) * 100 > max_regression
    unseen = low < 1 - max_regression / 100 and change.half_width() > -math.log1p(-max_regression / 100)
    equal = decide((low, high), margin=max_regression) == "equal"
    facts = {
        "change": math.exp(change.mean),
        "change_ci95": (low, high),
        "noise": estimate.noise if estimate else None,
        "verdict": "slower" if slower else "faster" if low > 1 else "equal" if equal else "undecided",
        "regression": regression,
        "undecided": unseen and not regression,
    }
    return Against.model_validate(common | facts)


def sentences(entries: Sequence[Against], *, backend: str, say: Language = ENGLISH) -> list[str]:
    """One line on each combination, for people."""
    label = labeller(entries, say)
    return [_sentence(entry, f"{backend} {label(entry)}", say) for entry in entries]


def _sentence(entry: Against, case: str, say: Language) -> str:
    verdict = say(entry.verdict)
    if entry.change is None or entry.change_ci95 is None:
        reason = translated(entry.reason or "", say)
        return say("{case}: {verdict}: {reason}", case=case, verdict=verdict, reason=reason)
    low, high = (f"{end - 1:+.1%}" for end in entry.change_ci95)
    change = f"{entry.change - 1:+.1%}"
    if half_width(entry.change_ci95) > 1:
        line = say("{case}: {verdict}, unusable", case=case, verdict=verdict)
    else:
        message = "{case}: {verdict}, {change} ({low} to {high})"
        line = say(message, case=case, verdict=verdict, change=change, low=low, high=high)
    clauses = [line]
    if entry.undecided:
        message = "a slowdown that is not allowed might not show: more --pairs and --rounds would decide"
        clauses.append(say(message))
    if entry.parameters and entry.there and entry.there.parameters not in (None, entry.parameters):
        sizes = {"here": f"{entry.parameters:,}", "there": f"{entry.there.parameters:,}"}
        clauses.append(say("another network: {here} parameters against {there}", **sizes))
    line = say.joined(clauses, by="; ")
    if entry.here_images_per_second is None:  # a start has no throughput
        return line
    here, there = (number(speed) for speed in (entry.here_images_per_second, entry.there_images_per_second))
    return say("{line}, {here} against {there} images/s", line=line, here=here, there=there)
