"""Phase serve: each side's highest rate under the limit, found probe by probe in turns."""

import math
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.analysis.disturbance import Disturbance, Shares
from benchmarks.analysis.rate_search import RateSearch
from benchmarks.analysis.ratio import SHARED_HOST, RatioEstimate
from benchmarks.analysis.serving import (
    bracket_ratio,
    decided,
    requests_of_run,
    served_run,
    service_of,
    settle,
)
from benchmarks.manager.session import Session
from benchmarks.measure.interleave import Interleaving
from benchmarks.request.service import ServePlan
from benchmarks.request.tail_rule import failing_over
from benchmarks.results.samples import Measured
from benchmarks.results.service import RateBracket, ServedRun
from common.runtime.kernel_counters import KernelCounters, after_each_other

if TYPE_CHECKING:
    from tqdm import tqdm

SINGLE_STREAM = 64  # requests at least, of the scenarios that come before the search
OFFLINE_SECONDS = 1.0  # of requests, as the first estimate of capacity has it
FEWEST_REPETITIONS = 2  # that have to be left of several


@dataclass(kw_only=True)
class Probing:
    """One side's search, in one repetition: single-stream and offline first, then rate by rate."""

    session: Session
    name: str
    plan: ServePlan
    repetition: int
    start: float | None = None
    found: RateBracket = field(init=False)
    _search: RateSearch | None = None
    _place: int | None = None
    _tried: list[ServedRun] = field(default_factory=list)  # at this place

    def __post_init__(self) -> None:
        self.found = RateBracket(process=self.repetition)

    @property
    def is_done(self) -> bool:
        """True if the bracket is as narrow as it has to be."""
        return self._search is not None and self._place is None

    def advance(self) -> None:
        """One run more. Raises WorkerFailure."""
        if self._search is None:
            self._look()
        else:
            self._probe(self._search)
        assert self._search is not None
        if not self._tried:
            self._place = self._search.next()
            self.found.passed, self.found.failed = self._search.passed, self._search.failed
            self.found.by_generator = self._search.ends_with_generator

    def _look(self) -> None:
        """The two scenarios that say where to search: one request at a time, and all at once."""
        worker, most = self.session.worker(self.name), self.plan.serve_batch
        alone = worker.ask("serve_single_stream", requests=SINGLE_STREAM)
        self.found.single_stream_ms = [round(1000 * seconds, 3) for seconds in alone]
        pace = self.plan.serve_threads / float(np.median(alone))
        requests = max(SINGLE_STREAM, 4 * most * self.plan.serve_threads, math.ceil(pace * OFFLINE_SECONDS))
        reply = worker.ask("serve_offline", requests=requests, most=most)
        self.found.offline_images_per_second = capacity = requests / reply["span"]
        # Another grid in each repetition, the same for both sides.
        offset = float(np.random.default_rng((self.session.request.seed, self.repetition)).random())
        self._search = RateSearch(capacity=capacity, offset=offset, start=self.start)

    def _probe(self, search: RateSearch) -> None:
        assert self._place is not None
        run = self._run(search.rate(self._place), attempt=len(self._tried))
        self.found.runs.append(run)
        self._tried.append(run)
        percentile = self.plan.latency_limit.percentile
        found = decided(self._tried, percentile)
        if found is None:
            return
        outcome, disturbed = found
        settle(self._tried, outcome, percentile)
        self.found.disturbed |= disturbed
        self._tried = []
        search.note(self._place, outcome)

    def _run(self, rate: float, *, attempt: int) -> ServedRun:
        request, limit = self.session.request, self.plan.latency_limit
        requests = requests_of_run(self.plan, rate, min_seconds=request.min_seconds)
        reply = self.session.worker(self.name).ask(
            "serve",
            timeout=request.timeout + 2 * requests / rate,
            requests=requests,
            rate=rate,
            seed=(request.seed, self.repetition, *([attempt] if attempt else [])),
            limit=limit.seconds,
            allowed=failing_over(requests, limit.percentile) - 1,
            most=self.plan.serve_batch,
            wait=self.plan.serve_wait,
        )
        return served_run(reply, plan=self.plan, rate=rate, requests=requests)


def search_alone(session: Session, name: str, measured: Measured) -> None:
    """One search of one side alone."""
    probing = _probing(session, name, measured)
    while not probing.is_done:
        probing.advance()
    measured.brackets.append(probing.found.model_dump())


def _probing(session: Session, name: str, measured: Measured) -> Probing:
    """The next repetition of a side, which begins where the last one ended."""
    assert session.request.serve is not None, "phase serve has a plan"
    earlier = [RateBracket.model_validate(one) for one in measured.brackets]
    start = next((one.passed for one in reversed(earlier) if one.passed), None)
    plan = session.request.serve
    return Probing(session=session, name=name, plan=plan, repetition=measured.process, start=start)


class Serving(Interleaving):
    """Phase serve on both sides: a search in each pair of processes is one repetition."""

    def brackets(self, name: str) -> list[RateBracket]:
        """A side's repetitions."""
        return [RateBracket.model_validate(one) for one in self.measured[name].brackets]

    def disturbance(self) -> Disturbance:
        """The share of the runs in which others were."""
        runs = [run for name in self.names for one in self.brackets(name) for run in one.runs]
        counted = [KernelCounters.from_json(run.counters) for run in runs if run.counters]
        whole = after_each_other(counted)
        share = sum(run.disturbed for run in runs) / max(1, len(runs))
        return Disturbance(left_out=share, shares=Shares.of(whole) if whole else None)

    def estimate(self) -> RatioEstimate | None:
        """The second side's highest rate over the first's."""
        on_cpu = self.measured[self.names[0]].facts.device == "cpu"
        first, second = map(self.brackets, self.names)
        return bracket_ratio(first, second, slow=SHARED_HOST if on_cpu else 0.0)

    def is_valid(self) -> bool:
        """False where others disturbed what decides, in too many repetitions."""
        left = [not any(one.disturbed for one in both) for both in self._both()]
        return sum(left) >= min(FEWEST_REPETITIONS, len(left))

    def verdict_without_ratio(self) -> tuple[str, str] | None:
        """Where a highest rate is not known: a side that keeps the limit nowhere is the slower one."""
        assert self.session.request.serve is not None, "phase serve has a plan"
        services = {name: service_of(self.session.request.serve, self.brackets(name)) for name in self.names}
        reasons = "; ".join(f"{name}: {one.reason}" for name, one in services.items() if one.reason)
        keeping = [name for name, service in services.items() if service.passed]
        if any(one.by_generator for service in services.values() for one in service.brackets):
            return "undecided", reasons
        if len(keeping) == 1:
            return f"{keeping[0]} faster", reasons
        return ("not comparable", reasons) if reasons else None

    def quick_seconds(self, name: str) -> list[float]:
        """None: nothing is compared with a baseline by them."""
        return []

    def facts(self) -> dict[str, Any]:
        """The ratio of each repetition."""
        middles = [(one.middle, other.middle) for one, other in self._both()]
        return {"round_ratios": [second / first for first, second in middles if first and second]}

    def _both(self) -> list[tuple[RateBracket, RateBracket]]:
        first, second = map(self.brackets, self.names)
        return list(zip(first, second, strict=False))

    def _rounds(self, rounds: int, *, blocks: int, bar: "tqdm[Any]") -> None:
        """One search of each side, run by run in turns."""
        sides = {
            name: _probing(self.session, name, measured)
            for name, measured in self.measured.items()
            if name not in self.failures
        }
        turn = len(self.processes)
        while waiting := [name for name in sides if name not in self.failures and not sides[name].is_done]:
            turn += 1
            for name in waiting if turn % 2 else waiting[::-1]:
                self._attempt(name, lambda name: sides[name].advance())
            # A search takes minutes, and the bar moves when it has ended.
            last = (
                f"{name} {one.found.runs[-1].rate:.3g}/s" for name, one in sides.items() if one.found.runs
            )
            bar.set_postfix_str(", ".join(last), refresh=sys.stderr.isatty())
        bar.set_postfix_str("")
        for name, side in sides.items():
            if name not in self.failures:
                self.measured[name].brackets.append(side.found.model_dump())
        bar.update(rounds)
