"""Is it slower than it was? A new report held against an earlier one, beyond noise alone.

Where both backends were measured both times, the paddle / torch ratio is compared: a machine that is slower
today is slower for both. Otherwise absolute figures are, corrected by how the machine's matrix-product peak
has changed. Either is that of the undisturbed steps.
"""

import math
from collections.abc import Iterable, Sequence
from statistics import geometric_mean
from typing import Any, TypeVar

from benchmarks.analysis.quick_steps import Estimate, speed, speed_ratio
from benchmarks.analysis.ratio import NORMAL, REPETITION
from benchmarks.results.formatting import labeller
from benchmarks.results.schema import CompareReport, Comparison, Result

Row = TypeVar("Row", Comparison, Result)

CASE = (
    "model",
    "phase",
    "engine",
    "precision",
    "device",
    "batch_size",
    "threads",
    "layout",
    "processes",
)
TOLD = ("phase", "engine", "precision", "layout", "threads", "batch_size", "processes")


def changes(now: CompareReport, before: CompareReport, *, max_regression: float) -> list[dict[str, Any]]:
    """One entry a combination that both reports have; ``max_regression`` is in percent.

    ``change`` is the speed now over the speed before of the backend that is named: of two, the one that has
    lost against the other. ``noise`` is how far it may be off, with 95 % for all entries together.
    ``regression`` says whether it is slower beyond both, unless it is the other that became faster;
    ``unclear`` whether it looks slower than is allowed, within the noise.
    """
    drift = machine_drift(now.results, before.results)
    compared = _in_both(
        [row for row in now.comparisons if row.ratio], [row for row in before.comparisons if row.ratio]
    )
    alone = [
        (row, earlier)
        for row, earlier in _in_both(
            [row for row in now.results if row.images_per_second],
            [row for row in before.results if row.images_per_second],
        )
        if not any(_of_pair(row, pair) for pair, _ in compared)
    ]
    looks, allowed = len(compared) + len(alone), math.log1p(-max_regression / 100)
    found = [_by_ratio(*pair, drift, allowed=allowed) for pair in compared]
    found += [_by_speed(*pair, drift) for pair in alone]
    rows: list[Comparison | Result] = [row for row, _ in compared] + [row for row, _ in alone]
    label = labeller(rows)
    for entry, row in zip(found, rows, strict=True):
        entry["combination"] = label(row)
        half_width, steady = entry.pop("estimate").half_width(looks=looks), entry.pop("steady")
        certain = math.log(entry["change"]) < -half_width
        slower = math.log(entry["change"]) < allowed
        entry["noise"] = 1 - math.exp(-half_width)
        entry["other_faster"] = certain and steady
        entry["regression"] = slower and certain and not entry["other_faster"]
        entry["unclear"] = slower and not certain
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
    facts = [f"noise ±{entry['noise']:.1%}"]
    if entry["by"] == "ratio":
        facts.append(f"its own figure {entry['own'] - 1:+.1%}")
    if entry["drift"] is not None:
        facts.append(f"the machine is at {entry['drift']:.0%} of what it was")
    verdict = ": slower than the baseline" if entry["regression"] else ""
    if entry["other_faster"]:
        verdict = ": the other has become faster"
    if entry["unclear"]:
        verdict = ": slower, or noise; --pairs and --rounds would tell"
    return (
        f"{entry['backend']} {entry['combination']}: "
        f"{entry['change'] - 1:+.1%} {against} ({'; '.join(facts)}){verdict}"
    )


def _in_both(now: Sequence[Row], before: Sequence[Row]) -> list[tuple[Row, Row]]:
    """Each combination with the same of before."""
    earlier = {_key(row): row for row in before}
    return [(row, earlier[_key(row)]) for row in now if _key(row) in earlier]


def _of_pair(row: Result, pair: Comparison) -> bool:
    """Whether a row is one of the two of a pair."""
    told = {key: getattr(pair, key) for key in TOLD}
    return all(
        value is None or str(getattr(row, key)) in str(value).split(" / ")  # tuned: "eager / deploy"
        for key, value in told.items()
    )


def _by_ratio(now: Comparison, before: Comparison, drift: float | None, *, allowed: float) -> dict[str, Any]:
    change = _ratio(now) - _ratio(before)
    backend = "paddle" if change.mean <= 0 else "torch"
    own = _own_speed(now, backend) - _own_speed(before, backend)
    return {
        "backend": backend,
        **{key: getattr(now, key) for key in TOLD},
        "change": math.exp(-abs(change.mean)),
        "estimate": change,
        "by": "ratio",
        "own": math.exp(own.mean) / (drift or 1),
        "steady": _has_not_slowed(own, drift, allowed),
        "drift": drift,
    }


def _has_not_slowed(own: Estimate, drift: float | None, allowed: float) -> bool:
    """Whether a backend that has lost against the other is, for certain, no slower than is allowed itself.

    As it was measured, and on a machine as fast as before: what is known of the machine is one reading each
    time, and it may lie. Where the two contradict each other, the ratio alone decides.
    """
    if drift is None:
        return False
    least = own.mean - own.half_width()
    return min(least, least - math.log(drift)) > allowed


def _by_speed(now: Result, before: Result, drift: float | None) -> dict[str, Any]:
    change = _speed(now) - _speed(before)
    return {
        "backend": now.backend,
        **{key: getattr(now, key) for key in TOLD},
        "change": math.exp(change.mean) / (drift or 1),
        "estimate": change,
        "by": "speed",
        "steady": False,
        "drift": drift,
    }


def _ratio(row: Comparison) -> Estimate:
    if len(row.torch_quick_seconds) > 1:
        return speed_ratio(row.torch_quick_seconds, row.paddle_quick_seconds)
    # A file of before these were told: its interval is a repetition's, and normal.
    assert row.ratio and row.ratio_ci95
    low, high = row.ratio_ci95
    deviation = math.log(high / low) / 2 / REPETITION / NORMAL
    return Estimate(mean=math.log(row.ratio), variance=deviation**2, freedom=math.inf)


def _own_speed(row: Comparison, backend: str) -> Estimate:
    seconds: list[float] = getattr(row, f"{backend}_quick_seconds")
    median: float = getattr(row, f"{backend}_images_per_second")
    return speed(seconds or [row.batch_size / median])


def _speed(row: Result) -> Estimate:
    if len(row.quick_seconds) > 1:
        return speed(row.quick_seconds)
    # One block alone, or a file of before these were told: the median, as uncertain as steps are spread.
    steps = sorted(row.step_seconds)
    quarter = len(steps) // 4
    spread = math.log(steps[-1 - quarter] / steps[quarter]) / 2
    return Estimate(mean=-math.log(steps[len(steps) // 2]), variance=spread**2, freedom=math.inf)


def _key(row: Row) -> tuple[Any, ...]:
    mode = row.settings if isinstance(row, Comparison) else (row.backend, row.settings_mode)
    return mode, *(getattr(row, name) for name in CASE)


def _peak(row: Result) -> tuple[Any, ...]:
    return row.backend, row.precision, row.device, row.threads
