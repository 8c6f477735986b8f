"""What runs of a server say: passed, failed or the generator's fault, and which side serves more."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from benchmarks.analysis import disturbance
from benchmarks.analysis.rate_search import WIDTH
from benchmarks.analysis.ratio import (
    CONFIDENCE,
    FEWEST_PAIRS,
    NORMAL,
    REPETITION,
    RatioEstimate,
    hodges_lehmann,
)
from benchmarks.request.service import LatencyLimit, ServePlan
from benchmarks.request.tail_rule import allowed_over, failing_over
from benchmarks.results.sentences import ALONE, BLAMED, GENERATOR, KEEPS_NOWHERE, LOSES
from benchmarks.results.service import RateBracket, ServedRun, Service, Together
from common.runtime.kernel_counters import KernelCounters

LATE = 0.1  # of the limit: what the generator may add to the latency at the limit's percentile
BUSY = 0.9  # of the workers' time: a server as busy as that cannot keep up, however late requests come
SPAN = 20  # times the limit that a run takes at least: what is 5 % too fast is late by the limit at its end
ABOVE = 5  # requests above a percentile, without which it is not given
MOST_TOGETHER = 8  # runs at one rate
TOGETHER_SECONDS = 60.0  # that they may take, with the next one
TRIES = 3  # of a rate at which a run failed while others disturbed it
Outcome = Literal["passed", "failed", "generator", "open"]


def requests_of_run(plan: ServePlan, rate: float, *, min_seconds: float) -> int:
    """As many as the percentile asks for, and as many as arrive in the time that a queue takes to grow."""
    span = max(min_seconds, SPAN * plan.latency_limit.seconds)
    return max(plan.serve_requests, math.ceil(rate * span))


def judge(
    latency: np.ndarray,
    late: np.ndarray,
    *,
    limit: LatencyLimit,
    allowed: int,
    failing: int,
    cut: bool,
    busy: float,
) -> Outcome:
    """Whose fault it is that requests took too long, if too many did; "open" where so many show nothing.

    ``allowed`` over the limit show that it is kept, ``failing`` that it is not. A generator that is late
    leaves the server idle; a server that is slow is busy all the time.
    """
    over = int((latency > limit.seconds).sum())
    if over <= allowed and not cut:
        return "passed"
    late_rank = np.quantile(late, limit.percentile) if len(late) else 0.0
    if late_rank > LATE * limit.seconds and busy < BUSY:
        return "generator"
    return "failed" if over >= failing or cut else "open"


def decided(runs: Sequence[ServedRun], percentile: float) -> tuple[Outcome, bool] | None:
    """What the runs at one rate say, and whether others disturbed what decides; None: one more run is needed.

    A run alone often shows neither that the limit is kept nor that it is not: then runs count together, by
    the same rule, and one that would pass alone is no more than one of them. What stays open has not been
    shown to keep the limit. What passes although others disturb would pass without them; what fails while
    they do is tried again.
    """
    last, counted = runs[-1], _counted(runs)
    if last.disturbed and last.outcome != "passed":
        return (last.outcome, True) if len(runs) - len(counted) >= TRIES else None
    if last.outcome in ("failed", "generator") or (last.outcome == "passed" and len(counted) == 1):
        return last.outcome, False
    requests, over = sum(run.requests for run in counted), sum(run.over for run in counted)
    allowed = allowed_over(requests, percentile)
    if allowed is not None and over <= allowed:
        return "passed", False
    if over >= failing_over(requests, percentile):
        return "failed", False
    seconds = (requests + last.requests) / last.rate
    return ("open", False) if len(counted) >= MOST_TOGETHER or seconds > TOGETHER_SECONDS else None


def _counted(runs: Sequence[ServedRun]) -> list[ServedRun]:
    """Those at one rate that say something: all but what failed while others disturbed."""
    return [run for run in runs if not run.disturbed or run.outcome == "passed"]


def settle(runs: Sequence[ServedRun], outcome: Outcome, percentile: float) -> None:
    """Note in the runs at one rate what they were found to say, and of what all together."""
    counted = _counted(runs)
    if len(counted) == 1:
        return
    requests, over = sum(run.requests for run in counted), sum(run.over for run in counted)
    allowed = allowed_over(requests, percentile) or 0
    for run in counted:
        run.outcome = outcome
        run.together = Together(runs=len(counted), requests=requests, over=over, allowed=allowed)


def served_run(reply: Mapping[str, Any], *, plan: ServePlan, rate: float, requests: int) -> ServedRun:
    """A run as a worker reports it, in seconds, judged."""
    latency, late = np.array(reply["latency"]), np.array(reply["late"])
    allowed = allowed_over(requests, plan.latency_limit.percentile)
    assert allowed is not None, "the plan has refused fewer requests"
    busy = reply["busy"] / (plan.serve_threads * reply["span"])
    counters = reply.get("counters")
    depths, batches = reply["depths"], reply["batches"]
    percentiles: dict[str, Any] = {
        f"latency_p{rank}_ms": percentile_ms(latency, rank) for rank in (50, 90, 99)
    }
    percentiles |= {f"late_p{rank}_ms": percentile_ms(late, rank) for rank in (50, 99)}
    return ServedRun(
        rate=rate,
        requests=requests,
        served=len(latency),
        over=int((latency > plan.latency_limit.seconds).sum()),
        allowed=allowed,
        outcome=judge(
            latency,
            late,
            limit=plan.latency_limit,
            allowed=allowed,
            failing=failing_over(requests, plan.latency_limit.percentile),
            cut=reply["cut"],
            busy=busy,
        ),
        cut=reply["cut"],
        disturbed=disturbance.is_disturbed(KernelCounters.from_json(counters)) if counters else False,
        **percentiles,
        mean_batch=float(np.mean(batches)) if batches else None,
        filled_fraction=1 - sum(batches) / reply["places"] if reply["places"] else None,
        mean_depth=float(np.mean(depths)) if depths else None,
        most_depth=max(depths, default=None),
        last_depth=depths[-1] if depths else None,
        busy_fraction=busy,
        latencies_ms=[round(1000 * seconds, 3) for seconds in latency.tolist()],
        counters=counters,
    )


def percentile_ms(seconds: Sequence[float] | np.ndarray, rank: int) -> float | None:
    """A percentile in milliseconds; None where fewer than five values lie above it."""
    if len(seconds) * (100 - rank) < ABOVE * 100:
        return None
    return float(np.percentile(seconds, rank)) * 1000


def service_of(plan: ServePlan, brackets: Sequence[RateBracket]) -> Service:
    """All repetitions of a side put together; those that others disturbed only where there are no others."""
    limit = plan.latency_limit
    kept = [one for one in brackets if not one.disturbed] or list(brackets)
    middles = [one.middle for one in kept if one.middle is not None]
    passed = _mean([one.passed for one in kept if one.passed is not None])
    failed = _mean([one.failed for one in kept if one.failed is not None])
    highest = _mean(middles) if len(middles) == len(kept) else None
    return Service(
        limit_ms=limit.seconds * 1000,
        percentile=limit.percentile,
        most_batch=plan.serve_batch,
        wait_ms=plan.serve_wait * 1000,
        workers=plan.serve_threads,
        highest_rate=highest,
        passed=passed,
        failed=failed,
        brackets=list(brackets),
        reason=None if highest is not None else _why_no_rate(limit, kept),
    )


def _mean(values: Sequence[float]) -> float | None:
    return math.exp(float(np.mean(np.log(values)))) if values else None


def _why_no_rate(limit: LatencyLimit, brackets: Sequence[RateBracket]) -> str:
    passed = max((one.passed or 0.0 for one in brackets), default=0.0)
    if any(one.by_generator for one in brackets) and passed and not any(one.disturbed for one in brackets):
        return GENERATOR.format(rate=f"{passed:,.0f}")
    alone = [value for one in brackets for value in one.single_stream_ms]
    clauses = [(LOSES if passed else KEEPS_NOWHERE).format(limit=limit)]
    clauses += [ALONE.format(time=f"{np.median(alone):.3g}")] if alone else []
    reason = "; ".join(clauses)
    return BLAMED.format(reason=reason) if any(one.disturbed for one in brackets) else reason


def at_highest_rate(service: Service) -> list[ServedRun]:
    """Of each repetition the runs that passed at the highest rate; undisturbed ones, where there are some."""
    kept = [one for one in service.brackets if not one.disturbed] or service.brackets
    found = []
    for one in kept:
        passed = [run for run in one.runs if run.outcome == "passed"]
        highest = max((run.rate for run in passed), default=0.0)
        found += [run for run in passed if run.rate == highest]
    return found


def bracket_ratio(
    first: Sequence[RateBracket], second: Sequence[RateBracket], *, slow: float
) -> RatioEstimate | None:
    """The second side's highest rate over the first's, from the brackets of as many repetitions.

    Of three or more the interval is Student's, from how their ratios differ, and never narrower than brackets
    of that width allow. Of one or two the whole bracket may be wrong, and ``slow``, a deviation, stands for
    what the host does. None where no repetition has both brackets, undisturbed.
    """
    usable = [
        (one.middle, other.middle)
        for one, other in zip(first, second, strict=False)
        if one.middle and other.middle and not (one.disturbed or other.disturbed)
    ]
    if not usable:
        return None
    middles = np.log(np.array(usable))
    ratios, step = middles[:, 1] - middles[:, 0], math.log1p(WIDTH)
    centre, number = hodges_lehmann(ratios), len(ratios)
    if number < FEWEST_PAIRS:
        half = math.hypot(step, NORMAL * slow) / math.sqrt(number)
        noise, unseen = half, 1.0
    else:
        half = _half_width(float(np.var(ratios, ddof=1)), number)
        noise = max(_half_width(2 * float(np.var(side, ddof=1)), number) for side in middles.T)
        unseen = 0.0
    around = [math.exp(centre + sign * half * wide) for wide in (1, REPETITION) for sign in (-1, 1)]
    return RatioEstimate(
        ratio=math.exp(centre),
        interval=(around[0], around[1]),
        repetition=(around[2], around[3]),
        noise=math.expm1(noise * REPETITION),
        of_rounds=1.0 - unseen,
        unseen=unseen,
    )


def _half_width(variance: float, number: int) -> float:
    """Half of a 95 % interval of the mean ratio; each end of a bracket is known to a step of the grid."""
    from scipy import stats  # 0.5 s to import: not for --help

    least = math.log1p(WIDTH) ** 2 / 6  # of two uniform errors
    rank = float(stats.t.ppf((1 + CONFIDENCE) / 2, df=number - 1))
    return rank * math.sqrt(max(variance, least) / number)
