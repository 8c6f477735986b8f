"""The answer in two sentences, with how far it can be trusted, and what was not measured."""

from collections.abc import Iterable, Sequence
from typing import Any

from backends import ENGINES
from benchmarks.analysis.best import compared
from benchmarks.results.formatting import labeller, number
from benchmarks.results.schema import Best, BestSide, CompareReport, Comparison

TASKS = {"infer": "infer", "train": "train", "data": "read images", "startup": "start"}
WIDE, WIDER = 0.1, 0.25  # relative half-widths of intervals, from which confidence falls


def answer(report: CompareReport) -> str:
    """Who is faster at what, each at its best."""
    if not report.best:
        return "There is no answer: the two frameworks were not both measured in anything."
    model = report.results[0].model
    phases = dict.fromkeys(best.phase for best in report.best)
    own = [[best for best in report.best if best.phase == phase] for phase in phases]
    parts = [_of_phase(bests, report.comparisons) for bests in own]
    return f"With {model} on this machine, {'; '.join(parts)}."


def confidence(report: CompareReport) -> str:
    """Confidence of the answer, and its reasons."""
    level, reasons = _confidence(report)
    return f"Confidence is {level}: {', '.join(reasons)}."


def not_measured(report: CompareReport) -> list[str]:
    """List what a reader might take for granted and this report does not show."""
    rows = report.results
    label = labeller(rows)
    lines = [f"{row.backend}, {label(row)}: {row.status}: {row.reason}" for row in rows if row.status != "ok"]
    measured = [row for row in rows if row.status == "ok"]
    for what, asked, seen in (
        ("Phase", TASKS, {row.phase for row in measured}),
        ("Engine", ENGINES, {row.engine for row in measured}),
        ("Precision", ("fp32", "bf16"), {row.precision for row in measured}),
    ):
        missing = [word for word in asked if word not in seen]
        if missing:
            lines.append(f"{what}: {', '.join(missing)}.")
    lines.append(f"Batch sizes other than {_listed(sorted({row.batch_size for row in rows}))}.")
    if not any(row.device.startswith("gpu") for row in measured):
        lines.append("GPUs: everything here ran on the CPU.")
    if not any(row.layers for row in rows):
        lines.append("Which layers make the difference: ask with --layers.")
    if report.parity is None:
        lines.append("Whether both compute the same: the parity gate was skipped.")
    lines.append("Accuracy after training, other models and other machines.")
    return lines


def _of_phase(bests: Sequence[Best], comparisons: Sequence[Comparison]) -> str:
    """Summarise a phase: batch sizes with the same outcome together, the first one's first."""
    groups: dict[tuple[str | None, str, str], list[Best]] = {}
    for best in bests:
        fast = None if _within_noise(best, comparisons) else "paddle" if best.ratio > 1 else "torch"
        groups.setdefault((fast, _way(best.torch), _way(best.paddle)), []).append(best)
    return f"to {TASKS[bests[0].phase]} {', '.join(_clause(*key, own) for key, own in groups.items())}"


def _clause(fast: str | None, torch_way: str, paddle_way: str, bests: Sequence[Best]) -> str:
    names = {"torch": f"torch ({torch_way})", "paddle": f"paddle ({paddle_way})"}
    at = f"at batch {_listed([best.batch for best in bests])}"
    if fast is None:
        return f"{at} there is no measurable difference between {names['torch']} and {names['paddle']}"
    ratios = sorted(max(best.ratio, 1 / best.ratio) for best in bests)
    times = " to ".join(dict.fromkeys(number(ratio) for ratio in (ratios[0], ratios[-1])))
    slow = "torch" if fast == "paddle" else "paddle"
    return f"{at} {names[fast]} is {times} times as fast as {names[slow]}"


def _way(side: BestSide) -> str:
    """Engine and precision of a side's best, and its layout unless that is NCHW."""
    layout = "" if side.layout == "NCHW" else f", {side.layout}"
    return f"{side.engine}, {side.precision}{layout}"


def _within_noise(best: Best, comparisons: Sequence[Comparison]) -> bool:
    """True if no winner may be named.

    Where the best of both were compared with each other, their verdict counts. Else they ran in turns of
    their own, and the widest noise or half-interval of this phase and batch size is what they may differ by.
    """
    pair = compared(best, comparisons)
    if pair is not None:
        return pair.verdict == "no difference"
    widths = [max(row.noise or 0, half_width(row)) for row in _behind(best, comparisons)]
    return abs(best.ratio - 1) <= max(widths, default=0.0)


def _behind(best: Best, comparisons: Sequence[Comparison]) -> list[Comparison]:
    """The comparison of the best of both.

    If the best two had turns of their own, the comparison of those.
    """
    pair = compared(best, comparisons)
    own = [row for row in comparisons if (row.phase, row.case.batch) == (best.phase, best.batch)]
    return own if pair is None else [pair]


def half_width(row: Comparison) -> float:
    """Half of a comparison's interval, relative to its ratio."""
    if row.ratio_ci95 is None or not row.ratio:
        return 0.0
    low, high = row.ratio_ci95
    return (high - low) / 2 / row.ratio


def _confidence(report: CompareReport) -> tuple[str, list[str]]:
    reasons, doubts = [], 0
    parity: Any = report.parity
    if parity is None:
        reasons.append("that both compute the same was not checked")
        doubts += 1
    else:
        reasons.append(f"both compute the same in float64 (parity {parity['verdict']})")
    behind = [row for best in report.best for row in _behind(best, report.comparisons)]
    width = max((half_width(row) for row in behind), default=0.0)
    noise = max((row.noise or 0 for row in behind), default=0.0)
    reasons.append(f"repeated runs should agree within {width:.0%}, the measured noise is up to {noise:.0%}")
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
