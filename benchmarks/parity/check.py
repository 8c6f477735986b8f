"""A whole comparison: two workers started, every stage run, and the report that ``--json`` writes."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from backends import NAMES
from benchmarks.manager.environment import cpu_model, describe
from benchmarks.manager.installations import Installation, both_backends
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
def both_sides(
    scratch: Path, *, timeout: float, places: Mapping[str, Installation] | None = None
) -> Iterator[tuple[Worker, Worker]]:
    """A worker of each framework for comparisons, torch's first, or of each of the ``places`` in its stead.

    Both compute at once, on half of the cores each: much of it is not spread over threads anyway.
    """
    settings: dict[str, Any] = {"threads": max(1, available_cores() // 2), "timeout": timeout}
    settings |= {"scratch": scratch, "keeps_memory": True}
    first, second = ((places or both_backends())[name] for name in NAMES)
    with (
        Worker(first.backend, place=first, **settings) as ours,
        Worker(second.backend, place=second, **settings) as theirs,
    ):
        yield ours, theirs


def check(
    subject: ModelPair,
    plan: Plan,
    *,
    device: str = "cpu",
    timeout: float = 600.0,
    places: Mapping[str, Installation] | None = None,
) -> dict[str, Any]:
    """Run every stage of the plan. ``timeout`` is a request's, in seconds; ``places`` as in ``both_sides``.

    Raises UnavailableError where a worker cannot start, dies or hangs.
    """
    try:
        with (
            scratch_folder() as scratch,
            both_sides(scratch, timeout=timeout, places=places) as sides,
            progress(total=plan.steps_shown(subject.has), unit="stages") as bar,
        ):

            def on_stage(stage: str) -> None:
                bar.set_description(stage)
                bar.update()

            cpu_model()  # takes a second, while the workers import their frameworks
            # The last first: of two versions it is the other, which may lack the framework.
            versions = {name: sides[place].ask("versions") for place, name in [*enumerate(NAMES)][::-1]}
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
    return {
        "schema_version": SCHEMA_VERSION,
        **report,
        "environment": describe(os.environ, {name: versions[name] for name in NAMES}),
    }
