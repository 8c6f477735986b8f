"""Scaling over processes, and the share of a step that sends gradients."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from statistics import median
from typing import Literal

from benchmarks.request.case import Case
from benchmarks.results.schema import Comparison, Result, Scaling

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


def scaling(rows: Sequence[Result], comparisons: Iterable[Comparison]) -> list[Scaling]:
    """Which backend's throughput grows more, for each number of processes above one.

    The ratio of both efficiencies is that of the ratios at N processes and at one, so both intervals are in
    it (as Zou and Donner 2008 combine those of two independent estimates).
    """
    measured = [row for row in comparisons if row.ratio and row.ratio_ci95]
    alone = {_alone(row): row for row in measured if row.processes == 1}
    found = []
    for row in measured:
        one = alone.get(_alone(row))
        if one is not None and row.processes > 1:
            found.append(_scaling(row, one, _efficiencies(rows, row)))
    return found


def _efficiencies(rows: Iterable[Result], pair: Comparison) -> dict[str, float | None]:
    return {
        row.backend: row.scaling_efficiency
        for row in rows
        if row.case == pair.case and _alone(row) == _alone(pair)
    }


def _scaling(row: Comparison, one: Comparison, efficiencies: Mapping[str, float | None]) -> Scaling:
    (centre, low, high), (centre_one, low_one, high_one) = _logarithms(row), _logarithms(one)
    ratio = centre - centre_one
    interval = (
        math.exp(ratio - math.hypot(centre - low, high_one - centre_one)),
        math.exp(ratio + math.hypot(high - centre, centre_one - low_one)),
    )
    verdict: Literal["torch scales better", "paddle scales better", "no difference"] = "no difference"
    if not interval[0] <= 1 <= interval[1]:
        verdict = "paddle scales better" if ratio > 0 else "torch scales better"
    return Scaling(
        **asdict(row.case) | {"threads": row.threads},
        model=row.model,
        device=row.device,
        torch_efficiency=efficiencies.get("torch"),
        paddle_efficiency=efficiencies.get("paddle"),
        ratio=math.exp(ratio),
        ratio_ci95=interval,
        verdict=verdict,
    )


def _logarithms(row: Comparison) -> tuple[float, float, float]:
    assert row.ratio and row.ratio_ci95
    return math.log(row.ratio), math.log(row.ratio_ci95[0]), math.log(row.ratio_ci95[1])


def _alone(row: Result | Comparison) -> Key:
    """The key of the same combination in one process."""
    return row.model, row.device, replace(row.case, processes=1)


def oversubscribed(row: Result, cores: int | None) -> str | None:
    """A sentence where a group has more threads than the machine has cores.

    Returns None where it has not.
    """
    if row.device.startswith("gpu") or not cores or row.processes * row.threads <= cores:
        return None
    return f"{row.processes} processes with {row.threads} threads each share {cores} cores"
