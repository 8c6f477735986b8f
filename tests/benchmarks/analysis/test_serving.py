"""Latency under load: the rule of percentiles, the search for the highest rate, and who is to blame."""

import numpy as np
import pytest

from benchmarks.analysis import serving
from benchmarks.analysis.rate_search import WIDTH, RateSearch
from benchmarks.analysis.serving import at_highest_rate, bracket_ratio, judge, served_run, service_of
from benchmarks.request.service import LatencyLimit, ServePlan
from benchmarks.request.tail_rule import allowed_over, requests_needed
from benchmarks.results.service import RateBracket
from benchmarks.worker.server import draw_arrivals

P99 = LatencyLimit(seconds=0.05, percentile=0.99)


def md1_latencies(*, rate, service, requests, seed=0):
    """Latencies of a queue with drawn arrivals and one service time (Lindley's recursion)."""
    end, found = 0.0, []
    for arrival in draw_arrivals(requests=requests, rate=rate, seed=(seed,)):
        end = max(end, arrival) + service
        found.append(end - arrival)
    return np.array(found)


@pytest.mark.parametrize(
    ("percentile", "over", "needed"),
    [(0.9, 1, 64), (0.99, 0, 459), (0.99, 1, 662), (0.97, 1, 219), (0.5, 0, 7), (0.99, 5, 1307)],
)
def test_the_rule_has_loadgens_numbers(percentile, over, needed):
    """Those of 0.9, 0.97 and 0.99 with one over the limit are in LoadGen's own tables."""
    assert requests_needed(percentile, over=over) == needed
    assert allowed_over(needed, percentile) == over
    assert allowed_over(needed - 1, percentile) == (over - 1 if over else None)


def found_by_search(judged, *, capacity, offset=0.3):
    search = RateSearch(capacity=capacity, offset=offset)
    while (place := search.next()) is not None:
        search.note(place, judged(search.rate(place)))
    return search


@pytest.mark.parametrize("true", [12.0, 71.3, 99.0, 250.0])
def test_the_search_brackets_a_limit_wherever_it_lies(true):
    search = found_by_search(lambda rate: "passed" if rate <= true else "failed", capacity=100.0)
    assert search.passed <= true < search.failed
    assert search.failed / search.passed == pytest.approx(1 + WIDTH)
    assert len(search.outcomes) < 16


def test_a_side_that_passes_nowhere_ends_the_search():
    search = found_by_search(lambda _: "failed", capacity=100.0)
    assert search.passed is None and search.next() is None


def test_the_search_finds_the_highest_rate_of_a_queue():
    """M/D/1: a little below the rate at which 1 % of many requests take longer, as the rule is sure of it."""
    service, requests = 0.01, 20_000

    def over(rate, number):
        return float((md1_latencies(rate=rate, service=service, requests=number) > P99.seconds).mean())

    allowed = allowed_over(requests, 0.99)

    def judged(rate):
        return "passed" if over(rate, requests) * requests <= allowed else "failed"

    search = found_by_search(judged, capacity=1 / service)
    assert over(search.passed, 200_000) < 0.01 < over(search.failed * 1.08, 200_000)


def test_where_the_generator_cannot_keep_up_nothing_is_known_of_the_server():
    search = found_by_search(lambda rate: "passed" if rate < 80 else "generator", capacity=100.0)
    assert search.ends_with_generator and search.passed < 80 <= search.failed
    bracket = RateBracket(passed=search.passed, failed=search.failed, by_generator=True)
    service = service_of(ServePlan(latency_limit=P99), [bracket])
    assert service.highest_rate is None and "generator could not keep up above" in service.reason


@pytest.mark.parametrize(
    ("latency", "late", "busy", "outcome"),
    [
        (0.01, 0.0, 0.5, "passed"),
        (0.09, 0.001, 0.99, "failed"),
        (0.09, 0.08, 0.3, "generator"),  # the server had time, and nothing to do
        (0.09, 0.08, 0.97, "failed"),  # busy all the time: the generator is late because of it, or beside it
        (0.09, 0.001, 0.5, "failed"),  # slow in bursts
        (0.02, 0.01, 0.3, "passed"),  # a late generator makes latencies longer, and they were short enough
    ],
)
def test_whose_fault_it_is(latency, late, busy, outcome):
    values = {"latency": np.full(1307, latency), "late": np.full(1307, late)}
    assert judge(**values, limit=P99, allowed=5, cut=False, busy=busy) == outcome


def reply(seconds, **more):
    facts = {
        "latency": seconds, "late": [0.0] * len(seconds), "depths": [1, 3], "batches": [1, 2], "places": 4,
        "busy": 0.5, "span": 1.0, "cut": False,
    }  # fmt: skip
    return facts | more


def test_a_run_has_the_figures_of_its_requests():
    run = served_run(
        reply([0.01] * 990 + [0.08] * 10), plan=ServePlan(latency_limit=P99), rate=7.0, requests=1000
    )
    assert (run.over, run.allowed, run.outcome, run.filled_fraction) == (10, 2, "failed", 0.25)
    assert (run.most_depth, run.mean_depth, run.mean_batch, run.busy_fraction) == (3, 2.0, 1.5, 0.5)
    assert run.latency_p50_ms == pytest.approx(10) and run.latency_p99_ms > 10
    few = served_run(reply([0.01] * 459), plan=ServePlan(latency_limit=P99), rate=7.0, requests=459)
    assert few.outcome == "passed" and few.latency_p99_ms is None  # fewer than five lie above it


def brackets(rates, **more):
    return [RateBracket(passed=rate / 1.025, failed=rate * 1.025, **more) for rate in rates]


@pytest.mark.parametrize(
    ("rates", "decision"),
    [
        (([100, 101, 99, 100], [130, 128, 131, 130]), "second faster"),
        (([130, 128, 131, 130], [100, 101, 99, 100]), "first faster"),
        (([100, 101, 99, 100, 100, 99], [100, 100, 99, 101, 100, 100]), "equal"),
        (([100, 80, 120, 90], [105, 100, 95, 110]), "undecided"),
        (([100], [103]), "undecided"),
        (([100], [140]), "second faster"),
    ],
)
def test_repetitions_decide_by_the_rules_of_all_ratios(rates, decision):
    from benchmarks.analysis.verdict import decide

    found = bracket_ratio(brackets(rates[0]), brackets(rates[1]), slow=0.03)
    assert decide(found.interval, margin=5.0) == decision


def test_brackets_that_agree_by_chance_are_as_uncertain_as_their_width():
    found = bracket_ratio(brackets([100.0] * 3), brackets([104.0] * 3), slow=0.0)
    assert found.interval[0] < 1.0 and found.interval[1] > 1.08


def test_a_disturbed_repetition_decides_nothing():
    first = [*brackets([100.0, 100.0]), *brackets([10.0], disturbed=True)]
    found = bracket_ratio(first, brackets([100.0] * 3), slow=0.0)
    assert found.ratio == pytest.approx(1.0)
    assert service_of(ServePlan(latency_limit=P99), first).highest_rate == pytest.approx(100)
    assert bracket_ratio(brackets([9.0], disturbed=True), brackets([9.0]), slow=0.0) is None


def test_the_latencies_shown_are_those_at_the_highest_rate_that_passed():
    plan = ServePlan(latency_limit=P99)
    runs = [served_run(reply([0.01] * 1307), plan=plan, rate=rate, requests=1307) for rate in (5.0, 9.0, 7.0)]
    runs.append(served_run(reply([0.2] * 1307), plan=plan, rate=11.0, requests=1307))
    assert [run.rate for run in at_highest_rate(service_of(plan, [RateBracket(runs=runs)]))] == [9.0]


def test_a_run_is_long_enough_for_a_queue_to_grow():
    plan = ServePlan(latency_limit=P99)
    assert serving.requests_of_run(plan, 10.0, min_seconds=1.0) == 1307
    assert serving.requests_of_run(plan, 5000.0, min_seconds=2.0) == 10_000
