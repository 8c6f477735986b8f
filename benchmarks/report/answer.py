"""The answer in two sentences, with how far it can be trusted, and what was not measured."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks.analysis.best import compared
from benchmarks.report.outcomes import behind as _behind
from benchmarks.report.outcomes import outcome as _outcome
from benchmarks.report.outcomes import way as _way
from benchmarks.request.request import DEFAULT_MARGIN
from benchmarks.results.formatting import UNUSABLE, half_width, interval, labeller, number, plus_minus
from benchmarks.results.schema import Best, CompareReport, Comparison

TASKS = {"infer": "infer", "train": "train", "data": "read images", "startup": "start"}
SERVICE_TASKS = {"serve": "serve under the limit of latency", "soak": "infer images of many shapes"}
WIDE, WIDER = 0.1, 0.25  # relative half-widths of intervals, from which confidence falls


def answer(report: CompareReport) -> str:
    """Who is faster at what, each at its best."""
    invalid = [row for row in report.comparisons if row.verdict == "invalid"]
    if not report.best:
        if invalid:
            return f"There is no answer: the machine was too busy. {_invalid(report)}"
        return "There is no answer: the two frameworks were not both measured in anything."
    model = report.results[0].model
    phases = dict.fromkeys(best.phase for best in report.best)
    own = [[best for best in report.best if best.phase == phase] for phase in phases]
    parts = [_of_phase(bests, report.comparisons) for bests in own]
    text = f"With {model} on this machine, {'; '.join(parts)}."
    return f"{text} {_invalid(report)}" if invalid else text


def _invalid(report: CompareReport) -> str:
    """What others disturbed too much, and the remedy."""
    rows = [row for row in report.comparisons if row.verdict == "invalid"]
    label = labeller(report.comparisons)
    names = ", ".join(label(row) for row in rows)
    return f"Invalid: {names}: {rows[0].reason}."


def confidence(report: CompareReport) -> str:
    """Confidence of the answer, and its reasons."""
    level, reasons = _confidence(report)
    return f"Confidence is {level}: {', '.join(reasons)}."


def _of_phase(bests: Sequence[Best], comparisons: Sequence[Comparison]) -> str:
    """Summarise a phase: batch sizes with the same outcome together, the first one's first."""
    groups: dict[tuple[str, str, str], list[Best]] = {}
    for best in bests:
        outcome = _outcome(best, comparisons)
        groups.setdefault((outcome, _way(best.torch), _way(best.paddle)), []).append(best)
    clauses = (_clause(*key, own, comparisons) for key, own in groups.items())
    return f"to {(TASKS | SERVICE_TASKS)[bests[0].phase]} {', '.join(clauses)}"


def _clause(
    outcome: str, torch_way: str, paddle_way: str, bests: Sequence[Best], comparisons: Sequence[Comparison]
) -> str:
    names = {"torch": f"torch ({torch_way})", "paddle": f"paddle ({paddle_way})"}
    at = f"at batch {_listed([best.batch for best in bests])}"
    found = (compared(best, comparisons) for best in bests)
    pairs = [pair for pair in found if pair is not None]
    if outcome == "equal":
        margin = next((pair.margin for pair in pairs if pair.margin is not None), DEFAULT_MARGIN)
        return f"{at} {names['torch']} and {names['paddle']} are equal within ±{margin:g} %"
    if outcome == "undecided":
        advice = next((f" ({pair.reason})" for pair in pairs if pair.reason), "")
        between = f"between {names['torch']} and {names['paddle']}"
        return f"{at} it is undecided {between}: {_spans(pairs, bests)}{advice}"
    slow = "torch" if outcome == "paddle" else "paddle"
    if any(pair.ratio_ci95 and half_width(pair.ratio_ci95) > 1 for pair in pairs):
        return f"{at} {names[outcome]} is faster than {names[slow]}, and how much is {UNUSABLE}"
    ratios = sorted(max(best.ratio, 1 / best.ratio) for best in bests)
    times = " to ".join(dict.fromkeys(number(ratio) for ratio in (ratios[0], ratios[-1])))
    between = f" ({_span(pairs[0], turned=outcome == 'torch')})" if len(pairs) == len(bests) == 1 else ""
    return f"{at} {names[outcome]} is {times} times{between} as fast as {names[slow]}"


def _spans(pairs: Sequence[Comparison], bests: Sequence[Best]) -> str:
    """Where paddle's speed over torch's lies."""
    if len(pairs) < len(bests):  # some of other engines, which took no turns together
        return "they took no turns together"
    return f"paddle / torch lies within {', '.join(_span(pair) for pair in pairs)}"


def _span(pair: Comparison, *, turned: bool = False) -> str:
    """The interval of the true ratio; ``turned``, of torch's speed over paddle's."""
    if pair.ratio_ci95 is None:
        return UNUSABLE
    low, high = pair.ratio_ci95
    return interval((1 / high, 1 / low)) if turned else interval((low, high))


def _confidence(report: CompareReport) -> tuple[str, list[str]]:
    reasons, doubts = [], 0
    parity: Any = report.parity
    if parity is None:
        reasons.append("that both compute the same was not checked")
        doubts += 1
    else:
        reasons.append(f"both compute the same in float64 (parity {parity['verdict']})")
    behind = [row for best in report.best for row in _behind(best, report.comparisons)]
    own = [half_width(row.ratio_ci95) for row in behind if row.ratio_ci95]
    repeated = [half_width(row.repetition_ci95) for row in behind if row.repetition_ci95] or own
    width = max(own, default=math.inf)
    if own:
        reasons.append(
            f"ratios are known to {plus_minus(width, 0)}, "
            f"repeated runs should agree within {plus_minus(max(repeated), 0)}"
        )
    left_out = max((row.left_out or 0.0 for row in report.comparisons), default=0.0)
    if left_out > 0:
        reasons.append(f"up to {left_out:.0%} of the blocks were left out because others disturbed them")
    if report.missing:
        reasons.append("the run was cut off")
        doubts += 1
    doubts += (width > WIDE) + (width > WIDER)
    warnings = report.environment.get("warnings") or []
    if warnings:
        reasons.append(f"but {'; '.join(warnings)}")
        doubts += 1
    return ("high", "moderate", "low", "low", "low")[doubts], reasons


def _listed(values: Iterable[object]) -> str:
    """1, 8 and 32."""
    *others, last = map(str, values)
    return f"{', '.join(others)} and {last}" if others else last
