"""Machines drawn at random: what a comparison's blocks are on them, with the kernel's counters."""

from types import SimpleNamespace

import numpy as np

from benchmarks.measure.interleave import Interleaving
from benchmarks.request.case import Case
from benchmarks.request.job import JobFacts
from benchmarks.results.samples import Block, Measured
from common.runtime.kernel_counters import KernelCounters
from common.runtime.settings import Settings

CASE = Case(phase="infer", engine="eager", precision="fp32", batch_size=8, threads=2)
FACTS = JobFacts(settings=Settings(threads=2), device="cpu", parameters=1)
SPAN = 0.2  # seconds of a block


def counters(*, others=0.0, waited=0.0, stolen=0.0, seconds=SPAN, mhz=None):
    """What the kernel counts of a block on two processors, both of which the worker would use."""
    own = seconds * 2 * (1 - others - stolen)
    return KernelCounters(
        seconds=seconds,
        cpu_seconds=own,
        delay_seconds=own * waited / (1 - waited),
        busy_seconds=own + seconds * 2 * others,
        steal_seconds=seconds * 2 * stolen,
        processors=2,
        clock_mhz=mhz,
    )


def session(places, seed=0):
    request = SimpleNamespace(
        seed=seed, model="alexnet", num_classes=1000, input_shape=(3, 224, 224), device="cpu", warmup=1,
        loader="common", settings_mode="equalised", price_per_hour=None,
    )  # fmt: skip
    return SimpleNamespace(request=request, places={name: SimpleNamespace(backend=name) for name in places})


def slow_walk(rng, times, *, deviation, lasting):
    """A drift that forgets itself after ``lasting``, in parts of the run (Ornstein and Uhlenbeck)."""
    values = [rng.normal(0, deviation)]
    for gap in np.diff(times):
        kept = np.exp(-gap / lasting)
        values.append(kept * values[-1] + rng.normal(0, deviation * np.sqrt(1 - kept**2)))
    return np.array(values)


def explaining(told=None):
    """An explainer that measures nothing, and records what it is asked."""
    told = [] if told is None else told
    return SimpleNamespace(
        explain=lambda *_: told.append("explained"), glance=lambda name, *_: told.append(f"{name} glanced")
    )


def drawn(
    seed,
    *,
    ratio=1.0,
    pairs=6,
    rounds=4,
    process=0.015,
    drift=0.015,
    lasting=0.08,
    bursts=0.15,
    seen=1.0,
    load=0.0,
    spread=True,
    scatter=0.03,
):
    """One run of a combination: paddle's speed over torch's is ``ratio``, and everything else is noise.

    Each process has a speed of its own. The host slows down both for minutes, and one more than the other by
    ``drift``. Bursts of foreign load slow torch by half and paddle hardly; the kernel sees ``seen`` of them.
    ``load`` is foreign all the time. With ``spread`` the pairs lie over the whole run, else in its first
    third, as if other combinations came after.
    """
    rng = np.random.default_rng(seed)
    number = pairs * rounds
    lap = np.repeat(np.arange(pairs), rounds)
    inner = np.tile(np.arange(rounds), pairs) / rounds
    times = (lap + inner / 3) / pairs if spread else (lap + inner) / pairs / 3
    both = slow_walk(rng, times, deviation=0.1, lasting=0.3)
    apart = slow_walk(rng, times, deviation=drift, lasting=lasting)
    burst = rng.random((number, 4)) < bursts
    turns = Interleaving(session(("torch", "paddle"), seed), CASE, explainer=explaining())
    turns.processes, turns.seconds = [rounds] * pairs, 240.0
    for side, (name, felt) in enumerate((("torch", 0.5), ("paddle", 0.05))):
        own = rng.normal(0, process, pairs)
        measured = Measured(facts=FACTS)
        for place in range(number):
            for half in range(2):
                disturbed = burst[place, 2 * half + side] or load > 0
                slow = both[place] + own[lap[place]] + side * apart[place]
                slow += (felt + rng.exponential(felt)) * disturbed
                steps = 0.1 / ratio**side * np.exp(slow + rng.normal(0, scatter, 3))
                others = load or 0.4 * (disturbed and rng.random() < seen)
                seconds = {"forward": steps.tolist()}
                counted = counters(others=others, waited=others * 0.8)
                measured.blocks.append(Block(process=int(lap[place]), seconds=seconds, counters=counted))
        turns.measured[name] = measured
    return turns
