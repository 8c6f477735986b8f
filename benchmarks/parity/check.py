"""A whole comparison: two workers started, every stage run, and the report that ``--json`` writes."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from backends import NAMES
from benchmarks.manager.environment import cpu_model, describe
from benchmarks.manager.scratch import scratch_folder
from benchmarks.manager.worker_process import Worker, WorkerFailure
from benchmarks.parity.comparison import run_parity
from benchmarks.parity.plan import Plan
from benchmarks.request.model_pair import ModelPair
from benchmarks.results.schema import SCHEMA_VERSION
from common.cli import UnavailableError
from common.runtime.devices import available_cores
from common.terminal import progress


@contextmanager
def both_sides(scratch: Path, *, timeout: float) -> Iterator[tuple[Worker, Worker]]:
    """A worker of each framework for comparisons, torch's first.

    Both compute at once, on half of the cores each: much of it is not spread over threads anyway.
    """
    settings: dict[str, Any] = {"threads": max(1, available_cores() // 2), "timeout": timeout}
    settings |= {"scratch": scratch, "keeps_memory": True}
    with Worker("torch", **settings) as ours, Worker("paddle", **settings) as theirs:
        yield ours, theirs


def check(subject: ModelPair, plan: Plan, *, device: str = "cpu", timeout: float = 600.0) -> dict[str, Any]:
    """Run every stage of the plan. ``timeout`` is each request's, in seconds.

    Raises UnavailableError where a worker cannot start, dies or hangs.
    """
    try:
        with (
            scratch_folder() as scratch,
            both_sides(scratch, timeout=timeout) as sides,
            progress(total=plan.steps_shown(subject.has), unit="stages") as bar,
        ):

            def on_stage(stage: str) -> None:
                bar.set_description(stage)
                bar.update()

            cpu_model()  # takes a second, while the workers import their frameworks
            versions = {name: side.ask("versions") for name, side in zip(NAMES, sides, strict=True)}
            report = run_parity(
                *sides,
                subject=subject,
                scratch=scratch,
                plan=plan,
                device=device,
                on_stage=on_stage,
                together=True,
            )
    except WorkerFailure as failure:
        raise UnavailableError(f"{failure.backend}: {failure.status}: {failure.explained}") from None
    return {"schema_version": SCHEMA_VERSION, **report, "environment": describe(os.environ, versions)}
