"""Both backends in one row, with a verdict."""

from collections.abc import Iterable
from typing import Any

from backends import NAMES
from benchmarks.measure.interleave import Alternation
from benchmarks.results.schema import Comparison

VERDICTS = {
    "first faster": f"{NAMES[0]} faster",
    "second faster": f"{NAMES[1]} faster",
    "no difference": "no difference",
}


def comparison(pair: Alternation) -> Comparison:
    """What came of one combination on torch and paddle, its two sides."""
    rows, request, case = pair.rows(), pair.session.request, pair.case
    speeds: dict[str, Any] = {f"{row.backend}_images_per_second": row.images_per_second for row in rows}
    common: dict[str, Any] = {
        "model": request.model,
        "phase": case.phase,
        "engine": _both(row.engine for row in rows),
        "precision": _both(row.precision for row in rows),
        "layout": _both(row.layout for row in rows),
        "threads": rows[0].threads if len({row.threads for row in rows}) == 1 else None,
        "device": rows[0].device,
        "batch_size": case.batch_size,
        "processes": case.processes,
        "settings": request.settings_mode,
    }
    if pair.failures:
        reason = "; ".join(dict.fromkeys(failure.reason for failure in pair.failures.values()))
        return Comparison(**common, **speeds, verdict="not comparable", reason=reason)
    estimate = pair.estimate()
    return Comparison.model_validate(
        common
        | speeds
        | {f"{row.backend}_quick_seconds": row.quick_seconds for row in rows}
        | pair.disturbances()
        | {
            "ratio": estimate.ratio,
            "ratio_ci95": estimate.interval,
            "noise": estimate.noise,
            "verdict": VERDICTS[estimate.verdict],
        }
    )


def _both(words: Iterable[str]) -> str:
    """One word where both sides have the same, else torch's and paddle's."""
    return " / ".join(dict.fromkeys(words))
