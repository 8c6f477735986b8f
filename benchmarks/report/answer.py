"""The answer in two sentences, with how far it can be trusted."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.analysis.best import compared
from benchmarks.report.memory import is_memory_known, memory_answer
from benchmarks.report.outcomes import behind, outcome, way
from benchmarks.request.request import DEFAULT_MARGIN
from benchmarks.results.formatting import (
    UNUSABLE,
    half_width,
    interval,
    labeller,
    listed,
    number,
    plus_minus,
)
from benchmarks.results.schema import Best, CompareReport, Comparison
from benchmarks.results.sentences import translated
from common.language import ENGLISH, Language

TASKS = {
    "infer": "to infer {clauses}",
    "train": "to train {clauses}",
    "data": "to read images {clauses}",
    "startup": "to start {clauses}",
}
SERVICE_TASKS = {
    "serve": "to serve under the limit of latency {clauses}",
    "soak": "to infer images of many shapes {clauses}",
}
WIDE, WIDER = 0.1, 0.25  # relative half-widths of intervals, from which confidence falls


def answer(report: CompareReport, say: Language = ENGLISH) -> str:
    """Who is faster at what, each at its best."""
    return say.space.join([*memory_answer(say, report), _of_speed(report, say)])


def _of_speed(report: CompareReport, say: Language) -> str:
    """Who is faster, or why that is not known."""
    invalid = [row for row in report.comparisons if row.verdict == "invalid"]
    if not report.best:
        if any(is_memory_known(row, report.results) for row in invalid):
            why = say("Which is faster is not known: the machine was too busy.")
            return say.space.join([why, _invalid(report, say)])
        if invalid:
            why = say("There is no answer: the machine was too busy.")
            return say.space.join([why, _invalid(report, say)])
        return say("There is no answer: the two frameworks were not both measured in anything.")
    model = report.results[0].model
    phases = dict.fromkeys(best.phase for best in report.best)
    own = [[best for best in report.best if best.phase == phase] for phase in phases]
    parts = say.joined((_of_phase(bests, report.comparisons, say) for bests in own), by="; ")
    text = say("With {model} on this machine, {phases}.", model=model, phases=parts)
    return say.space.join([text, _invalid(report, say)]) if invalid else text


def _invalid(report: CompareReport, say: Language) -> str:
    """What others disturbed too much, and the remedy."""
    rows = [row for row in report.comparisons if row.verdict == "invalid"]
    label = labeller(report.comparisons, say)
    names = say.joined(label(row) for row in rows)
    return say("Invalid: {names}: {reason}.", names=names, reason=translated(rows[0].reason or "", say))


def confidence(report: CompareReport, say: Language = ENGLISH) -> str:
    """Confidence of the answer, and its reasons."""
    doubts, reasons = _doubts(report, say)
    level = (say("high"), say("moderate"), say("low"))[min(doubts, 2)]
    return say("Confidence is {level}: {reasons}.", level=level, reasons=say.joined(reasons))


def _of_phase(bests: Sequence[Best], comparisons: Sequence[Comparison], say: Language) -> str:
    """Summarise a phase: batch sizes with the same outcome together, the first one's first."""
    groups: dict[tuple[str, str, str], list[Best]] = {}
    for best in bests:
        found = outcome(best, comparisons)
        groups.setdefault((found, way(best.torch), way(best.paddle)), []).append(best)
    clauses = say.joined(
        _clause(outcome, {"torch": torch, "paddle": paddle}, own, comparisons, say)
        for (outcome, torch, paddle), own in groups.items()
    )
    return say((TASKS | SERVICE_TASKS)[bests[0].phase], clauses=clauses)


def _clause(
    outcome: str,
    ways: Mapping[str, str],
    bests: Sequence[Best],
    comparisons: Sequence[Comparison],
    say: Language,
) -> str:
    """What came out at some batch sizes; ``ways`` are the two sides' best."""
    names = {side: say("{side} ({way})", side=side, way=way) for side, way in ways.items()}
    sizes = listed([best.batch for best in bests], say)
    found = (compared(best, comparisons) for best in bests)
    pairs = [pair for pair in found if pair is not None]
    if outcome == "equal":
        margin = next((pair.margin for pair in pairs if pair.margin is not None), DEFAULT_MARGIN)
        message = "at batch {sizes} {torch} and {paddle} are equal within ±{margin} %"
        return say(message, sizes=sizes, margin=f"{margin:g}", **names)
    if outcome == "undecided":
        return _undecided(pairs, bests, say, sizes=sizes, **names)
    slow = names["torch" if outcome == "paddle" else "paddle"]
    facts = {"sizes": sizes, "fast": names[outcome], "slow": slow}
    if any(pair.ratio_ci95 and half_width(pair.ratio_ci95) > 1 for pair in pairs):
        return say("at batch {sizes} {fast} is faster than {slow}, and how much is unusable", **facts)
    ratios = sorted(max(best.ratio, 1 / best.ratio) for best in bests)
    least, most = number(ratios[0]), number(ratios[-1])
    if len(pairs) == len(bests) == 1:
        span = _span(pairs[0], say, turned=outcome == "torch")
        message = "at batch {sizes} {fast} is {times} times ({span}) as fast as {slow}"
        return say(message, times=least, span=span, **facts)
    if least == most:
        return say("at batch {sizes} {fast} is {times} times as fast as {slow}", times=least, **facts)
    message = "at batch {sizes} {fast} is {least} to {most} times as fast as {slow}"
    return say(message, least=least, most=most, **facts)


def _undecided(pairs: Sequence[Comparison], bests: Sequence[Best], say: Language, **names: str) -> str:
    """Where paddle's speed over torch's lies, and what would decide; ``names``: sizes and both sides."""
    advice = next((pair.reason for pair in pairs if pair.reason), None)
    if len(pairs) < len(bests):  # some of other engines, which took no turns together
        where = say("they took no turns together")
    else:
        spans = say.joined(_span(pair, say) for pair in pairs)
        where = say("paddle / torch lies within {spans}", spans=spans)
    if advice is None:
        message = "at batch {sizes} it is undecided between {torch} and {paddle}: {where}"
        return say(message, where=where, **names)
    message = "at batch {sizes} it is undecided between {torch} and {paddle}: {where} ({advice})"
    return say(message, where=where, advice=translated(advice, say), **names)


def _span(pair: Comparison, say: Language, *, turned: bool = False) -> str:
    """The interval of the true ratio; ``turned``, of torch's speed over paddle's."""
    if pair.ratio_ci95 is None:
        return say(UNUSABLE)
    low, high = pair.ratio_ci95
    return interval((1 / high, 1 / low), say) if turned else interval((low, high), say)


def _doubts(report: CompareReport, say: Language) -> tuple[int, list[str]]:
    """How many things make the answer doubtful, and what speaks for it and against it."""
    reasons, doubts = [_of_parity(report.parity, say)], int(report.parity is None)
    rows = [row for best in report.best for row in behind(best, report.comparisons)]
    own = [half_width(row.ratio_ci95) for row in rows if row.ratio_ci95]
    repeated = [half_width(row.repetition_ci95) for row in rows if row.repetition_ci95] or own
    width = max(own, default=math.inf)
    if own:
        message = "ratios are known to {width}, repeated runs should agree within {repetition}"
        found = {"width": width, "repetition": max(repeated)}
        reasons.append(say(message, **{name: plus_minus(value, 0, say=say) for name, value in found.items()}))
    left_out = max((row.left_out or 0.0 for row in report.comparisons), default=0.0)
    if left_out > 0:
        message = "up to {share} of the blocks were left out because others disturbed them"
        reasons.append(say(message, share=f"{left_out:.0%}"))
    if report.missing:
        reasons.append(say("the run was cut off"))
        doubts += 1
    doubts += (width > WIDE) + (width > WIDER)
    warnings = report.environment.get("warnings") or []
    if warnings:
        said = say.joined((translated(warning, say) for warning in warnings), by="; ")
        reasons.append(say("but {warnings}", warnings=said))
        doubts += 1
    return doubts, reasons


def _of_parity(parity: Any, say: Language) -> str:
    if parity is None:
        return say("that both compute the same was not checked")
    return say("both compute the same in float64 (parity {verdict})", verdict=say(parity["verdict"]))
