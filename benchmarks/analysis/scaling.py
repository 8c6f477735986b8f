"""Scaling over processes, and the share of a step that sends gradients."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from statistics import median

from benchmarks.analysis.verdict import Decision, decide
from benchmarks.request.case import Case
from benchmarks.request.request import DEFAULT_MARGIN
from benchmarks.results.schema import Comparison, Result, Scaling, ScalingVerdict
from common.language import ENGLISH, Language

Key = tuple[str, str, Case]


def communicating(step_seconds: Sequence[float], unsynchronised_seconds: Sequence[float]) -> float | None:
    """The part of a step that sending the gradients and waiting for them adds to what computing takes.

    From the medians of steps that send and of steps, between these, that do not. What is sent while
    something is still computed costs nothing, and is not in it. A little below 0 where there is nothing but
    noise; None where no step was made without sending.
    """
    if not unsynchronised_seconds:
        return None
    return 1 - median(unsynchronised_seconds) / median(step_seconds)


def with_efficiencies(rows: Iterable[Result]) -> list[Result]:
    """The rows with ``scaling_efficiency``: images a second over as many times those of one process.

    Only where one process was measured as well, with the same batch and threads for each process.
    """
    rows = list(rows)
    alone = {(row.backend, _alone(row)): row.images_per_second for row in rows if row.processes == 1}
    return [row.model_copy(update={"scaling_efficiency": _efficiency(row, alone)}) for row in rows]


def _efficiency(row: Result, alone: Mapping[tuple[str, Key], float | None]) -> float | None:
    one = alone.get((row.backend, _alone(row)))
    return row.images_per_second / (row.processes * one) if one and row.images_per_second else None


def scaling(
    rows: Sequence[Result], comparisons: Iterable[Comparison], *, margin: float = DEFAULT_MARGIN
) -> list[Scaling]:
    """Which backend's throughput grows more, for each number of processes above one.

    ``margin``, in percent, is what makes both equal. The ratio of both efficiencies is that of the ratios at
    N processes and at one, so both intervals are in it (as Zou and Donner 2008 combine those of two
    independent estimates).
    """
    measured = [row for row in comparisons if row.ratio and row.ratio_ci95]
    alone = {_alone(row): row for row in measured if row.processes == 1}
    found = []
    for row in measured:
        one = alone.get(_alone(row))
        if one is not None and row.processes > 1:
            found.append(_scaling(row, one, _efficiencies(rows, row), margin=margin))
    return found


def _efficiencies(rows: Iterable[Result], pair: Comparison) -> dict[str, float | None]:
    return {
        row.backend: row.scaling_efficiency
        for row in rows
        if row.case == pair.case and _alone(row) == _alone(pair)
    }


VERDICTS: Mapping[Decision, ScalingVerdict] = {
    "first faster": "torch scales better",
    "second faster": "paddle scales better",
    "equal": "equal",
    "undecided": "undecided",
}


def _scaling(
    row: Comparison, one: Comparison, efficiencies: Mapping[str, float | None], *, margin: float
) -> Scaling:
    (centre, low, high), (centre_one, low_one, high_one) = _logarithms(row), _logarithms(one)
    ratio = centre - centre_one
    interval = (
        math.exp(ratio - math.hypot(centre - low, high_one - centre_one)),
        math.exp(ratio + math.hypot(high - centre, centre_one - low_one)),
    )
    disturbed = "invalid" in (row.verdict, one.verdict)
    return Scaling(
        **asdict(row.case) | {"threads": row.threads},
        model=row.model,
        device=row.device,
        torch_efficiency=efficiencies.get("torch"),
        paddle_efficiency=efficiencies.get("paddle"),
        ratio=math.exp(ratio),
        ratio_ci95=interval,
        verdict="invalid" if disturbed else VERDICTS[decide(interval, margin=margin)],
    )


def _logarithms(row: Comparison) -> tuple[float, float, float]:
    assert row.ratio and row.ratio_ci95
    return math.log(row.ratio), math.log(row.ratio_ci95[0]), math.log(row.ratio_ci95[1])


def _alone(row: Result | Comparison) -> Key:
    """The key of the same combination in one process."""
    return row.model, row.device, replace(row.case, processes=1)


def oversubscribed(row: Result, cores: int | None, say: Language = ENGLISH) -> str | None:
    """A sentence where a group has more threads than the machine has cores.

    Returns None where it has not.
    """
    if row.device.startswith("gpu") or not cores or row.processes * row.threads <= cores:
        return None
    message = "{processes} processes with {threads} threads each share {cores} cores"
    return say(message, processes=row.processes, threads=row.threads, cores=cores)
