"""Is it slower than it was? A new report held against an earlier one, beyond noise alone.

Where both backends were measured both times, the paddle / torch ratio is compared: a machine that is slower
today is slower for both. Otherwise absolute figures are, corrected by how the machine's matrix-product peak
has changed. Either is that of the undisturbed steps.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import geometric_mean
from typing import Any, Literal, TypeVar

from benchmarks.analysis.best import is_side_of
from benchmarks.analysis.quick_steps import Estimate, speed, speed_ratio
from benchmarks.request.limits import Limits
from benchmarks.results.formatting import UNUSABLE, labeller
from benchmarks.results.schema import CaseRecord, Change, CompareReport, Comparison, Result
from common.language import ENGLISH, Language

MOST_NOISE = 0.5  # from which a change says nothing
Row = TypeVar("Row", Comparison, Result)


@dataclass(frozen=True, kw_only=True)
class _Found:
    """A change of speed, a logarithm, before it is judged.

    ``steady``: of the two, the other has changed. ``invalid``: the machine disturbed one of the measurements.
    """

    row: CaseRecord
    backend: str
    by: Literal["ratio", "speed"]
    estimate: Estimate
    drift: float | None
    change: float
    own: float | None = None
    steady: bool = False
    invalid: bool = False


def changes(now: CompareReport, before: CompareReport, *, limits: Limits) -> list[Change]:
    """One change for each combination that both reports have.

    Of two backends, the one that has lost against the other is named. It is no regression where it is the
    other that became faster.
    """
    drift = machine_drift(now.results, before.results)
    pairs = _in_both(*([row for row in report.comparisons if _has_ratio(row)] for report in (now, before)))
    single = _in_both(*([row for row in report.results if row.images_per_second] for report in (now, before)))
    single = [
        (row, earlier) for row, earlier in single if not any(is_side_of(row, pair) for pair, _ in pairs)
    ]
    found = [_by_ratio(*pair, drift, limits=limits) for pair in pairs]
    invalid = [row for each in (now, before) for row in each.comparisons if row.verdict == "invalid"]
    found += [_by_speed(*rows, drift, invalid=invalid) for rows in single]
    label = labeller([one.row for one in found])
    return [_judged(one, label(one.row), limits=limits, looks=len(found)) for one in found]


def _allowed(limits: Limits, row: CaseRecord, backend: str) -> float:
    """The slowdown that is allowed, as the logarithm of a ratio of speeds."""
    percent = limits.of(row.case, backend=backend)
    return math.log1p(-percent / 100) if percent < 100 else -math.inf


def _judged(found: _Found, combination: str, *, limits: Limits, looks: int) -> Change:
    """The change with its verdict; ``looks`` is how many changes are looked at."""
    allowed = _allowed(limits, found.row, found.backend)
    half_width, change = found.estimate.half_width(looks=looks), math.log(found.change)
    certain, slower = change < -half_width, change < allowed
    other_faster = certain and found.steady
    regression = slower and certain and not other_faster and not found.invalid
    # Of a ratio either side may have lost; of a speed alone, what is as fast as allowed for certain has not.
    unseen = half_width > -allowed and (found.by == "ratio" or change - half_width < allowed)
    return Change(
        **asdict(found.row.case) | {"threads": found.row.threads},
        backend=found.backend,
        combination=combination,
        max_regression=limits.of(found.row.case, backend=found.backend),
        by=found.by,
        change=found.change,
        own=found.own,
        drift=found.drift,
        noise=1 - math.exp(-half_width),
        regression=regression,
        unclear=slower and not certain,
        invalid=found.invalid,
        undecided=found.invalid or (unseen and not regression and not other_faster),
        other_faster=other_faster,
    )


def machine_drift(now: Iterable[Result], before: Iterable[Result]) -> float | None:
    """Speed of the machine over what it was, by matrix-product peaks.

    Returns None if not known.
    """
    old = {_peak(row): row.matmul_peak_flops for row in before if row.matmul_peak_flops}
    new = {_peak(row): row.matmul_peak_flops for row in now if row.matmul_peak_flops}
    factors = [speed / old[key] for key, speed in new.items() if key in old]
    return geometric_mean(factors) if factors else None


def sentence(change: Change, say: Language = ENGLISH) -> str:
    """One line on a change, for people."""
    facts = [say("noise ±{noise}", noise=f"{change.noise:.1%}")]
    if change.own is not None:
        facts.append(say("its own figure {change}", change=f"{change.own - 1:+.1%}"))
    if change.drift is not None:
        facts.append(say("the machine is at {share} of what it was", share=f"{change.drift:.0%}"))
    size = f"{change.change - 1:+.1%}"
    if change.noise >= MOST_NOISE:
        figure = say(UNUSABLE)
    elif change.by == "ratio":
        figure = say("{change} against the other backend", change=size)
    else:
        figure = say("{change} in images/s", change=size)
    line = say(
        "{backend} {case}: {figure} ({facts})",
        backend=change.backend,
        case=change.combination,
        figure=figure,
        facts=say.joined(facts, by="; "),
    )
    verdict = verdict_of(change, say)
    return say("{line}: {verdict}", line=line, verdict=verdict) if verdict else line


def verdict_of(change: Change, say: Language = ENGLISH) -> str | None:
    """What there is to say of a change; None where it is no slower than is allowed."""
    if change.invalid:
        return say("undecided, the machine disturbed one of the two measurements")
    if change.unclear:
        return say("undecided, slower or noise; more --pairs and --rounds would decide")
    if change.undecided:
        return say("undecided, a slowdown that is not allowed might not show; more --pairs and --rounds")
    if change.other_faster:
        return say("the other has become faster")
    return say("slower than the baseline") if change.regression else None


def _in_both(now: Sequence[Row], before: Sequence[Row]) -> list[tuple[Row, Row]]:
    """Each combination with the same of before."""
    earlier = {_key(row): row for row in before}
    return [(row, earlier[_key(row)]) for row in now if _key(row) in earlier]


def _has_ratio(row: Comparison) -> bool:
    return bool(row.ratio and row.torch_quick_seconds and row.paddle_quick_seconds)


def _by_ratio(now: Comparison, before: Comparison, drift: float | None, *, limits: Limits) -> _Found:
    change = _ratio(now) - _ratio(before)
    backend = "paddle" if change.mean <= 0 else "torch"
    allowed = _allowed(limits, now, backend)
    own = _own_speed(now, backend) - _own_speed(before, backend)
    return _Found(
        row=now,
        backend=backend,
        by="ratio",
        estimate=change,
        drift=drift,
        change=math.exp(-abs(change.mean)),
        own=math.exp(own.mean) / (drift or 1),
        steady=_has_not_slowed(own, drift, allowed),
        invalid="invalid" in (now.verdict, before.verdict),
    )


def _has_not_slowed(own: Estimate, drift: float | None, allowed: float) -> bool:
    """True if a backend that lost against the other is, for certain, no slower than is allowed itself.

    As it was measured, and on a machine as fast as before: what is known of the machine is one reading each
    time, and it may lie. Where the two contradict each other, the ratio alone decides.
    """
    if drift is None:
        return False
    least = own.mean - own.half_width()
    return min(least, least - math.log(drift)) > allowed


def _by_speed(
    now: Result, before: Result, drift: float | None, *, invalid: Sequence[Comparison] = ()
) -> _Found:
    change = _speed(now) - _speed(before)
    return _Found(
        row=now,
        backend=now.backend,
        by="speed",
        estimate=change,
        drift=drift,
        change=math.exp(change.mean) / (drift or 1),
        invalid=any(is_side_of(now, pair) for pair in invalid),
    )


def _ratio(row: Comparison) -> Estimate:
    return speed_ratio(row.torch_quick_seconds, row.paddle_quick_seconds)


def _own_speed(row: Comparison, backend: str) -> Estimate:
    seconds: list[float] = getattr(row, f"{backend}_quick_seconds")
    return speed(seconds)


def _speed(row: Result) -> Estimate:
    if len(row.quick_seconds) > 1:
        return speed(row.quick_seconds)
    # One block alone: the median, as uncertain as steps are spread.
    steps = sorted(row.step_seconds)
    quarter = len(steps) // 4
    spread = math.log(steps[-1 - quarter] / steps[quarter]) / 2
    return Estimate(mean=-math.log(steps[len(steps) // 2]), variance=spread**2, freedom=math.inf)


def _key(row: Row) -> tuple[Any, ...]:
    mode = row.settings if isinstance(row, Comparison) else (row.backend, row.settings_mode)
    return mode, row.model, row.device, row.case


def _peak(row: Result) -> tuple[Any, ...]:
    return row.backend, row.precision, row.device, row.threads
