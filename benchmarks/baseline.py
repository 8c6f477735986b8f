"""Is it slower than it was? A new report held against an earlier one, beyond noise alone.

Where both backends were measured both times, the paddle / torch ratio is compared: a machine that is slower
today is slower for both. Otherwise absolute figures are, corrected by how the machine's matrix-product peak
has changed.
"""

import math
from collections.abc import Iterable
from statistics import geometric_mean
from typing import Any

from benchmarks.intervals import CONFIDENCE, REPETITION
from benchmarks.results import CompareReport, Comparison, Result

CASE = (
    "model",
    "phase",
    "engine",
    "precision",
    "device",
    "batch_size",
    "settings_mode",
    "layout",
    "processes",
)
PAIRED = ("phase", "engine", "precision", "batch_size", "processes")


def changes(now: CompareReport, before: CompareReport, *, max_regression: float) -> list[dict[str, Any]]:
    """One entry a combination that both reports have; ``max_regression`` is in percent.

    ``change`` is the speed now over the speed before of the backend that is named; ``noise`` how far it
    may be off, with 95 % for all entries together; ``regression`` says whether it is slower beyond both.
    """
    drift = machine_drift(now.results, before.results)
    earlier = {_of_comparison(row): row for row in before.comparisons if row.ratio}
    found = []
    for row in now.comparisons:
        if row.ratio and _of_comparison(row) in earlier:
            found.append(_by_ratio(row, earlier[_of_comparison(row)], drift))
    compared = {tuple(entry[key] for key in PAIRED) for entry in found}
    old = {(row.backend, *_key(row)): row for row in before.results if row.images_per_second}
    for result in now.results:
        case = (result.backend, *_key(result))
        alone = tuple(getattr(result, key) for key in PAIRED) not in compared
        if alone and case in old and result.images_per_second:
            found.append(_by_speed(result, old[case], drift))
    wider = _of_many_looks(len(found))
    for entry in found:
        entry["noise"] = 1 - math.exp(-wider * entry.pop("uncertainty"))
        slower = 1 - entry["change"]
        entry["regression"] = slower * 100 > max_regression and slower > entry["noise"]
    return found


def machine_drift(now: Iterable[Result], before: Iterable[Result]) -> float | None:
    """How much faster the machine is than it was, by its matrix-product peaks; None if not known."""
    old = {_peak(row): row.matmul_peak_flops for row in before if row.matmul_peak_flops}
    new = {_peak(row): row.matmul_peak_flops for row in now if row.matmul_peak_flops}
    factors = [speed / old[key] for key, speed in new.items() if key in old]
    return geometric_mean(factors) if factors else None


def sentence(entry: dict[str, Any]) -> str:
    """One line on a change, for people."""
    against = "against the other backend" if entry["by"] == "ratio" else "in images/s"
    drift = "" if entry["drift"] is None else f"; the machine is at {entry['drift']:.0%} of what it was"
    return (
        f"{entry['backend']} {entry['phase']} {entry['engine']} {_batch(entry)}: "
        f"{entry['change'] - 1:+.1%} {against} (noise ±{entry['noise']:.1%}{drift})"
        f"{': slower than the baseline' if entry['regression'] else ''}"
    )


def _batch(entry: dict[str, Any]) -> str:
    times = "" if entry["processes"] == 1 else f" x {entry['processes']} processes"
    return f"batch {entry['batch_size']}{times}"


def _by_ratio(now: Comparison, before: Comparison, drift: float | None) -> dict[str, Any]:
    assert now.ratio and before.ratio
    change = now.ratio / before.ratio
    # A ratio tells that one of two has changed, not which: that whose own figure, on a machine as fast
    # as before, changed more.
    own = {
        name: math.log((_speed(now, name) or 1) / (_speed(before, name) or 1) / (drift or 1))
        for name in ("torch", "paddle")
    }
    backend = max(own, key=lambda name: abs(own[name]))
    return {
        "backend": backend,
        **{key: getattr(now, key) for key in PAIRED},
        "change": change if backend == "paddle" else 1 / change,
        "uncertainty": math.hypot(_uncertainty(now), _uncertainty(before)),
        "by": "ratio",
        "drift": drift,
    }


def _by_speed(now: Result, before: Result, drift: float | None) -> dict[str, Any]:
    assert now.images_per_second and before.images_per_second
    return {
        "backend": now.backend,
        **{key: getattr(now, key) for key in PAIRED},
        "change": now.images_per_second / before.images_per_second / (drift or 1),
        "uncertainty": math.hypot(_spread(now), _spread(before)),
        "by": "speed",
        "drift": drift,
    }


def _of_many_looks(number: int) -> float:
    """How much wider noise is where so many combinations are looked at: one of them will stand out.

    So much that all together give a false alarm as seldom as a single one would (Bonferroni).
    """
    from scipy import stats  # 0.5 s to import: not for --help

    tail = (1 - CONFIDENCE) / 2
    return float(stats.norm.ppf(tail / max(1, number)) / stats.norm.ppf(tail))


def _uncertainty(row: Comparison) -> float:
    """Half of the interval in which the ratio truly lies, of its logarithm: the file has a repetition's."""
    low, high = row.ratio_ci95 or (1.0, 1.0)
    return math.log(high / low) / 2 / REPETITION


def _spread(row: Result) -> float:
    """Half the distance between the slowest and the fastest quarter of a result's steps, relative."""
    steps = sorted(row.step_seconds)
    quarter = len(steps) // 4
    middle = steps[len(steps) // 2] if steps else 1.0
    return (steps[-1 - quarter] - steps[quarter]) / 2 / middle if steps else 0.0


def _speed(row: Comparison, name: str) -> float | None:
    speed: float | None = getattr(row, f"{name}_images_per_second")
    return speed


def _of_comparison(row: Comparison) -> tuple[Any, ...]:
    own = (row.model, row.phase, row.engine, row.precision, row.device, row.batch_size, row.settings)
    return (*own, row.processes)


def _key(row: Result) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in CASE)


def _peak(row: Result) -> tuple[Any, ...]:
    return row.backend, row.precision, row.device, row.threads
