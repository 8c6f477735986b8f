"""The answer in two sentences, with how far it can be trusted, and what was not measured."""

from collections.abc import Iterable, Sequence
from typing import Any

from backends import ENGINES
from benchmarks.best import compared
from benchmarks.labels import batch_of, labeller
from benchmarks.results import Best, CompareReport, Comparison, Side

TASKS = {"infer": "infer", "train": "train", "data": "read images", "startup": "start"}
WIDE, WIDER = 0.1, 0.25  # relative half-widths of intervals, from which confidence falls


def answer(report: CompareReport) -> str:
    """Who is faster at what, each at its best."""
    if not report.best:
        return "There is no answer: the two frameworks were not both measured in anything."
    model = report.results[0].model
    parts = [_of_best(best, report) for best in report.best]
    return f"With {model} on this machine, {'; '.join(parts)}."


def confidence(report: CompareReport) -> str:
    """How sure the answer is, and why."""
    level, reasons = _confidence(report)
    return f"Confidence is {level}: {', '.join(reasons)}."


def not_measured(report: CompareReport) -> list[str]:
    """What a reader might take for granted and this report does not show."""
    rows = report.results
    label = labeller(rows)
    told = [f"{row.backend}, {label(row)}: {row.status}: {row.reason}" for row in rows if row.status != "ok"]
    measured = [row for row in rows if row.status == "ok"]
    for what, asked, seen in (
        ("Phase", TASKS, {row.phase for row in measured}),
        ("Engine", ENGINES, {row.engine for row in measured}),
        ("Precision", ("fp32", "bf16"), {row.precision for row in measured}),
    ):
        missing = [word for word in asked if word not in seen]
        if missing:
            told.append(f"{what}: {', '.join(missing)}.")
    told.append(f"Batch sizes other than {_listed(sorted({row.batch_size for row in rows}))}.")
    if not any(row.device.startswith("gpu") for row in measured):
        told.append("GPUs: everything here ran on the CPU.")
    if not any(row.layers for row in rows):
        told.append("Which layers make the difference: ask with --layers.")
    if report.parity is None:
        told.append("Whether both compute the same: the parity gate was skipped.")
    told.append("Accuracy after training, other models and other machines.")
    return told


def _of_best(best: Best, report: CompareReport) -> str:
    sides = {"torch": best.torch, "paddle": best.paddle}
    names = {name: f"{name} ({_way(side)})" for name, side in sides.items()}
    task = f"to {TASKS[best.phase]} at batch {batch_of(best)}"
    if _within_noise(best, report.comparisons):
        return f"{task} no difference shows between {names['torch']} and {names['paddle']} beyond the noise"
    fast, slow = ("paddle", "torch") if best.ratio > 1 else ("torch", "paddle")
    times = max(best.ratio, 1 / best.ratio)
    return f"{task} {names[fast]} is {times:.3g} times as fast as {names[slow]}"


def _way(side: Side) -> str:
    """How a side reached its best, as far as that is not what everybody expects."""
    layout = "" if side.layout == "NCHW" else f", {side.layout}"
    return f"{side.engine}, {side.precision}{layout}"


def _within_noise(best: Best, comparisons: Sequence[Comparison]) -> bool:
    """Whether no winner may be named.

    Where the best of both were compared with each other, their verdict counts. Else they ran in turns of
    their own, and the widest noise or half-interval of this phase and batch size is what they may differ by.
    """
    pair = compared(best, comparisons)
    if pair is not None:
        return pair.verdict == "no difference"
    own = [row for row in comparisons if (row.phase, batch_of(row)) == (best.phase, batch_of(best))]
    widths = [max(row.noise or 0, half_width(row)) for row in own]
    return abs(best.ratio - 1) <= max(widths, default=0.0)


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
    width = max((half_width(row) for row in report.comparisons), default=0.0)
    noise = max((row.noise or 0 for row in report.comparisons), default=0.0)
    reasons.append(f"a repetition stays within {width:.0%} of each ratio, the noise within {noise:.0%}")
    doubts += (width > WIDE) + (width > WIDER)
    warnings = report.environment.get("warnings") or []
    if warnings:
        reasons.append(f"but {'; '.join(warnings)}")
        doubts += 1
    return ("high", "moderate", "low", "low", "low")[doubts], reasons


def _listed(values: Iterable[object]) -> str:
    return ", ".join(map(str, values))
