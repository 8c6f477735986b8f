"""A server under load: requests arrive at drawn times whatever it does, wait in one queue, leave in batches.

Knows no framework. A load generator that waited for the server would hide its slow moments ("coordinated
omission"), so a latency begins at the time that was drawn for the request, not when the generator came to it.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import numpy as np

Runner = Callable[[Sequence[int]], int]  # computes these requests; returns how many places the batch had
CUT_AFTER = 0.25, 500  # of the requests, or so many: a failed run shows by then what its latencies are like


class Moments(Protocol):
    """A clock, and a condition variable that waits by it."""

    def now(self) -> float:
        """Seconds since some moment."""

    def __enter__(self) -> Any: ...

    def __exit__(self, *details: object) -> Any: ...

    def wait(self, seconds: float | None) -> object:
        """Wait, with the lock, until notified or so many seconds have passed; perhaps less long."""

    def notify_all(self) -> object:
        """Wake who waits."""


class RealMoments(threading.Condition):
    """The machine's clock."""

    now = staticmethod(time.perf_counter)


def draw_arrivals(*, requests: int, rate: float, seed: Sequence[int]) -> np.ndarray:
    """Seconds at which requests arrive, ``rate`` a second on average: a Poisson process.

    One seed draws one pattern, which a rate only stretches.
    """
    gaps = np.random.default_rng(seed).exponential(size=requests)
    return np.asarray(np.cumsum(gaps) / rate)


@dataclass(frozen=True, kw_only=True)
class Batching:
    """At most ``most`` images a batch, the first of which waits for others for ``wait`` seconds at most."""

    most: int = 1
    wait: float = 0.0


@dataclass(kw_only=True)
class Run:
    """What became of the requests of one run, in seconds, by request in the order of arrival.

    ``latency`` is from the drawn arrival to the end of the batch. ``late`` is what the generator is to blame
    for: the time from there to the queue in which no worker computed. While one does, the generator may get
    neither a processor nor Python (deployed engines of both frameworks keep Python's lock to themselves), and
    no other thread of a server would. Latency is NaN for a request that was not served, ``late`` for one that
    never came into the queue. ``depths`` is the length of the queue after each arrival. ``busy`` is the time
    that workers computed, all together.
    """

    latency: np.ndarray
    late: np.ndarray
    depths: list[int] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    places: int = 0  # of all batches, with those that were filled up
    busy: float = 0.0
    span: float = 0.0
    cut: bool = False  # it had failed, and was ended


class Server:
    """Workers at one queue, and a generator that fills it. For one run."""

    def __init__(
        self,
        runners: Sequence[Runner],
        *,
        arrivals: np.ndarray,
        batching: Batching,
        limit: float = float("inf"),
        allowed: int | None = None,
        moments: Moments | None = None,
    ) -> None:
        """A run is cut once more than ``allowed`` requests took longer than ``limit`` seconds."""
        self._runners, self._arrivals, self._batching = runners, arrivals.tolist(), batching
        self._limit, self._allowed = limit, len(arrivals) if allowed is None else allowed
        self._moments = moments or RealMoments()
        self._queue: deque[int] = deque()
        self._due = 0  # the first request that has not arrived yet
        self._is_open, self._is_closed = False, False  # the first may arrive; nothing more arrives
        self._begin = 0.0
        self._computing, self._idle_since = 0, 0.0  # workers, and since when none does
        self._over = self._served = 0
        self._shown = min(CUT_AFTER[0] * len(arrivals), CUT_AFTER[1])
        self._error: BaseException | None = None
        nothing = np.full(len(arrivals), np.nan)
        self.run = Run(latency=nothing, late=nothing.copy())

    def serve(
        self,
        *,
        prepare: Callable[[Any], object] | None = None,
        executors: Sequence[Executor] = (),
        start: Callable[[threading.Thread], None] = threading.Thread.start,
    ) -> Run:
        """Have all requests arrive and served, once each worker has done ``prepare(runner)`` in its thread.

        That is the one of its executor, where there are some. Raises what a runner raised.
        """
        ready = threading.Barrier(len(self._runners) + 1)
        work = [
            partial(self._work, runner, prepare and partial(prepare, runner), ready)
            for runner in self._runners
        ]
        if executors:  # a thread of their own waits for each of them
            work = [partial(_wait_for, one, todo) for one, todo in zip(executors, work, strict=True)]
        workers = [threading.Thread(target=todo) for todo in work]
        generator = threading.Thread(target=self._generate)
        for thread in workers:
            start(thread)
        if prepare is not None:
            with suppress(threading.BrokenBarrierError):  # then nothing arrives
                ready.wait()
        with self._moments:
            self._begin, self._is_open = self._moments.now(), True
        start(generator)
        for thread in (generator, *workers):
            thread.join()
        if self._error is not None:
            raise self._error
        self.run.span = self._moments.now() - self._begin
        return self.run

    def _generate(self) -> None:
        """Put each request into the queue when its time has come."""
        with self._moments:
            while self._due < len(self._arrivals) and not self._is_closed:
                if self._enqueue_due():
                    self._moments.notify_all()
                else:
                    self._wait_for_next()
            self._is_closed = True
            self._moments.notify_all()

    def _wait_for_next(self) -> None:
        self._moments.wait(self._arrivals[self._due] - (self._moments.now() - self._begin))

    def _enqueue_due(self) -> int:
        """Put all requests into the queue whose time has come; returns how many."""
        now, before = self._moments.now() - self._begin, self._due
        while self._due < len(self._arrivals) and self._arrivals[self._due] <= now:
            since = max(self._arrivals[self._due], self._idle_since)
            self.run.late[self._due] = 0.0 if self._computing else now - since
            self._queue.append(self._due)
            self.run.depths.append(len(self._queue))
            self._due += 1
        return self._due - before

    def _work(self, runner: Runner, prepare: Callable[[], object] | None, ready: threading.Barrier) -> None:
        try:
            if prepare is not None:
                prepare()
                ready.wait()
            while batch := self._next_batch():
                began = self._moments.now()
                places = runner(batch)
                self._note(batch, places, began=began, ended=self._moments.now())
        except BaseException as error:  # the other threads end, too
            if not isinstance(error, threading.BrokenBarrierError):  # which is another's doing
                self._error = error
            ready.abort()
            with self._moments:
                self._close()

    def _next_batch(self) -> list[int]:
        """Wait for requests, and a little for more; empty when there will be no more.

        A worker that comes from a batch sees all that arrived meanwhile, though the generator had no turn.
        """
        with self._moments:
            while True:
                if self._is_open and not self._is_closed and self._enqueue_due():
                    self._moments.notify_all()  # another worker may be idle: the generator sees nothing new
                if not self._queue:
                    if self._is_closed:
                        return []
                    self._moments.wait(None)
                    continue
                left = self._arrivals[self._queue[0]] + self._batching.wait
                left -= self._moments.now() - self._begin
                is_full = len(self._queue) >= self._batching.most
                if is_full or left <= 0 or self._is_closed:
                    most = min(self._batching.most, len(self._queue))
                    self._computing += 1
                    return [self._queue.popleft() for _ in range(most)]
                self._moments.wait(left)

    def _note(self, batch: Sequence[int], places: int, *, began: float, ended: float) -> None:
        run = self.run
        with self._moments:
            self._computing -= 1
            self._idle_since = max(self._idle_since, ended - self._begin)  # another may have ended later
            for request in batch:
                run.latency[request] = ended - self._begin - self._arrivals[request]
                self._over += run.latency[request] > self._limit
            self._served += len(batch)
            run.batches.append(len(batch))
            run.places += places
            run.busy += ended - began
            if self._over > self._allowed and self._served >= self._shown:
                run.cut = run.cut or self._served < len(self._arrivals)
                self._close()

    def _close(self) -> None:
        """Nothing more arrives, and who waits in the queue is sent away."""
        self._is_closed = True
        self._queue.clear()
        self._moments.notify_all()


def _wait_for(executor: Executor, work: Callable[[], None]) -> None:
    executor.submit(work).result()


def one_by_one(runner: Runner, *, requests: int, now: Callable[[], float] = time.perf_counter) -> list[float]:
    """Seconds of each request, of which the next one comes when the last is answered: single-stream."""
    seconds = []
    for request in range(requests):
        began = now()
        runner([request])
        seconds.append(now() - began)
    return seconds
