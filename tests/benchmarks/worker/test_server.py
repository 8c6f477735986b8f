"""The server under load, in simulated time: what it does is known to the last digit."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from benchmarks.analysis.serving import judge
from benchmarks.request.service import LatencyLimit
from benchmarks.worker.server import Batching, Server, draw_arrivals, one_by_one
from benchmarks.worker.serving import ModelRunner, batch_sizes
from tests.support.simulated_time import SimulatedTime

LIMIT = LatencyLimit(seconds=0.05, percentile=0.99)


def served(*, rate=50.0, requests=600, seconds=0.01, workers=1, kind=Server, arrivals=None, **more):
    """A run of a model that takes so many seconds a batch, or as ``seconds(requests)`` says."""
    time = SimulatedTime()
    takes = seconds if callable(seconds) else lambda _: seconds

    def runner(batch):
        time.sleep(takes(batch))
        return len(batch)

    if arrivals is None:
        arrivals = draw_arrivals(requests=requests, rate=rate, seed=(0, 1))
    server = kind([runner] * workers, arrivals=arrivals, moments=time, **{"batching": Batching()} | more)
    return server.serve(start=time.start)


def judged(run, *, allowed=5, workers=1):
    return judge(
        run.latency[~np.isnan(run.latency)],
        run.late[~np.isnan(run.late)],
        limit=LIMIT,
        allowed=allowed,
        failing=allowed + 1,
        cut=run.cut,
        busy=run.busy / (workers * run.span),
    )


def test_latencies_are_those_of_a_queue_from_the_drawn_arrival_on():
    run = served(rate=80.0)
    end, expected = 0.0, []
    for arrival in draw_arrivals(requests=600, rate=80.0, seed=(0, 1)):
        end = max(end, arrival) + 0.01
        expected.append(end - arrival)
    np.testing.assert_allclose(run.latency, expected, atol=1e-9)
    assert run.late.max() == pytest.approx(0) and run.batches == [1] * 600 and not run.cut


def test_one_seed_has_the_same_arrivals_whoever_serves():
    one, other = (draw_arrivals(requests=100, rate=30.0, seed=(7, 2)) for _ in range(2))
    assert (one == other).all()
    np.testing.assert_allclose(draw_arrivals(requests=100, rate=60.0, seed=(7, 2)) * 2, one)
    assert not np.allclose(draw_arrivals(requests=100, rate=30.0, seed=(7, 3)), one)
    gaps = np.diff(draw_arrivals(requests=100_000, rate=5.0, seed=(1,)))
    assert (gaps.mean(), gaps.std()) == (pytest.approx(0.2, rel=0.02), pytest.approx(0.2, rel=0.02))


def test_a_delay_in_one_step_of_a_hundred_is_in_p99_and_not_in_p50():
    plain = served(rate=10.0)
    slow = served(rate=10.0, seconds=lambda batch: 0.3 if batch[0] % 100 == 50 else 0.01)
    assert np.percentile(slow.latency, 50) == pytest.approx(np.percentile(plain.latency, 50))
    assert np.percentile(slow.latency, 99) > 0.25 > 10 * np.percentile(plain.latency, 99) - 0.1


class Sluggish(Server):
    """A generator that comes 60 ms later each time."""

    def _wait_for_next(self):
        super()._wait_for_next()
        end = self._moments.now() + 0.06
        while (left := end - self._moments.now()) > 1e-9:
            self._moments.wait(left)


def test_a_generator_that_cannot_keep_up_is_told_from_a_server_that_cannot():
    assert judged(served(rate=50.0)) == "passed"
    slow_server = served(rate=120.0, limit=0.05, allowed=5)
    assert judged(slow_server) == "failed" and slow_server.cut
    assert slow_server.depths[-1] > 5 * np.mean(slow_server.depths[:10])  # the queue grows
    slow_generator = served(rate=50.0, kind=Sluggish)
    assert judged(slow_generator) == "generator"
    assert (slow_generator.latency >= slow_generator.late + 0.01 - 1e-9).all()  # counted from the drawn time


@pytest.mark.parametrize(("rate", "verdict"), [(5.0, "passed"), (20.0, "failed")])
def test_what_arrives_while_a_worker_keeps_all_others_out_is_the_servers_own_delay(rate, verdict):
    """A deployed engine keeps Python's lock for a whole batch: the generator has no turn until it ends."""
    time = SimulatedTime()

    def runner(batch):
        time.hold(0.04)
        return len(batch)

    arrivals = draw_arrivals(requests=600, rate=rate, seed=(0, 1))
    server = Server([runner], arrivals=arrivals, batching=Batching(), moments=time)
    run = server.serve(start=time.start)
    limit = LatencyLimit(seconds=0.1, percentile=0.9)
    busy = run.busy / run.span
    assert judge(run.latency, run.late, limit=limit, allowed=46, failing=76, cut=False, busy=busy) == verdict
    assert run.late.max() < 1e-9 and busy < 0.9
    end, expected = 0.0, []
    for arrival in arrivals:
        end = max(end, arrival) + 0.04
        expected.append(end - arrival)
    np.testing.assert_allclose(run.latency, expected, atol=1e-9)


def test_a_run_that_has_failed_is_cut_and_keeps_what_was_served():
    run = served(rate=200.0, limit=0.05, allowed=5)
    known = ~np.isnan(run.latency)
    assert run.cut and 150 <= known.sum() < 600 and (run.latency[known] > 0.05).sum() > 5
    whole = served(rate=200.0, limit=0.05, allowed=600)
    assert not whole.cut and not np.isnan(whole.latency).any()


def test_batches_wait_so_long_for_others_and_no_longer():
    run = served(arrivals=np.array([0.0, 0.001, 0.5, 1.0, 1.0, 1.0]), batching=Batching(most=2, wait=0.002))
    assert run.batches == [2, 1, 2, 1]
    # Full at once: 11 ms less the second's own arrival; alone: after 2 ms; nothing more comes: no wait.
    np.testing.assert_allclose(run.latency, [0.011, 0.010, 0.012, 0.010, 0.010, 0.020], atol=1e-9)


def test_an_idle_worker_is_told_of_what_another_found_at_the_end_of_its_batch():
    run = served(arrivals=np.array([0.0, 0.001, 0.002]), workers=2, kind=Sluggish)
    np.testing.assert_allclose(run.latency, [0.010, 0.019, 0.018], atol=1e-9)


def test_two_workers_serve_side_by_side():
    both = served(rate=150.0, workers=2)
    assert judged(both, workers=2) == "passed" and judged(served(rate=150.0)) == "failed"


def test_an_exception_in_a_worker_ends_the_run():
    def fail(batch):
        raise ValueError("planted")

    with pytest.raises(ValueError, match="planted"):
        served(seconds=fail)


def test_an_exception_in_preparing_ends_the_run():
    def fail(runner):
        raise ValueError("planted")

    server = Server([len, len], arrivals=np.zeros(3), batching=Batching())
    with pytest.raises(ValueError, match="planted"):
        server.serve(prepare=fail)


def test_a_worker_keeps_its_thread_from_run_to_run():
    seen, runs = [], 3
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
        for _ in range(runs):

            def runner(batch):
                seen.append(threading.get_ident())
                return len(batch)

            server = Server([runner] * 2, arrivals=np.zeros(40), batching=Batching())
            server.serve(prepare=lambda runner: runner([0]), executors=(one, other))
    assert len(seen) == runs * 42 and len(set(seen)) == 2


def test_single_stream_asks_for_the_next_when_the_last_is_answered():
    time = SimulatedTime()
    time._running = 1
    assert one_by_one(lambda _: time.sleep(0.25), requests=3, now=time.now) == [0.25] * 3


def test_batches_between_two_sizes_are_filled_up_and_counted():
    assert [batch_sizes(most) for most in (1, 4, 6)] == [[1], [1, 2, 4], [1, 2, 4, 6]]
    seen = []
    same = {"images": np.arange(4.0).reshape(4, 1, 1, 1), "to_device": lambda x: x, "to_host": lambda x: x}

    def engine(images):
        seen.append(images.ravel().tolist())
        return images

    fixed = ModelRunner(engines=dict.fromkeys((1, 2, 4), engine), **same)
    assert fixed([5, 6, 7]) == 4 and seen == [[1.0, 2.0, 3.0, 3.0]]
    free = ModelRunner(engines={None: engine}, **same)
    assert free([5, 6, 7]) == 3 and seen[1] == [1.0, 2.0, 3.0]
