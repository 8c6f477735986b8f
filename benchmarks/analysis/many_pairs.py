"""Many networks' ratios as one: the geometric mean, and who wins how often."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.results.schema import CompareReport, Comparison

NORMAL = 1.959964  # half of a 95 % interval, in standard errors


@dataclass(frozen=True, kw_only=True)
class MeanRatio:
    """The geometric mean of paddle / torch over networks, and where it lies with 95 %.

    The interval is of these networks: it has how uncertain each ratio is, and not how networks differ.
    """

    networks: int
    ratio: float
    interval: tuple[float, float]


def mean_ratio(rows: Sequence[Comparison]) -> MeanRatio | None:
    """The mean of those that have a valid ratio; None if none has."""
    known = [row for row in rows if row.ratio and row.ratio_ci95 and row.verdict != "invalid"]
    if not known:
        return None
    logs = [math.log(row.ratio or 1) for row in known]
    ends = [row.ratio_ci95 or (1.0, 1.0) for row in known]
    errors = [math.log(high / low) / 2 / NORMAL for low, high in ends]
    mean = sum(logs) / len(logs)
    half = NORMAL * math.sqrt(sum(error**2 for error in errors)) / len(errors)
    interval = math.exp(mean - half), math.exp(mean + half)
    return MeanRatio(networks=len(known), ratio=math.exp(mean), interval=interval)


def by_case(reports: Mapping[str, CompareReport]) -> dict[str, dict[str, Comparison]]:
    """The comparisons of every network by case, in the order in which the cases come."""
    found: dict[str, dict[str, Comparison]] = {}
    for name, report in reports.items():
        for row in report.comparisons:
            found.setdefault(str(row.case), {})[name] = row
    return found


def wins(rows: Mapping[str, Comparison]) -> dict[str, list[str]]:
    """The names of the networks by verdict."""
    found: dict[str, list[str]] = {}
    for name, row in rows.items():
        found.setdefault(row.verdict, []).append(name)
    return found
