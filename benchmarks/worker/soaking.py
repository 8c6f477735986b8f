"""Phase soak in a worker: steps over many shapes, and what memory the process holds after them."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.request.job import JobSpec
from benchmarks.results.sentences import AT_LIMIT
from benchmarks.worker.prepare import Checked, JobBuilder
from benchmarks.worker.setup import ModelTasks
from benchmarks.worker.steps import Job
from common.cli import UnavailableError
from common.engines.kinds import ENGINE_KINDS
from common.runtime import memory
from common.runtime.kernel_counters import read_counters

MIB = 1 << 20
OF_FREE = 0.8  # of what is free at the beginning, where no limit was given


def drawn_batch(number: int, *, sides: Sequence[int], most: int, seed: int) -> tuple[int, int]:
    """Side and number of images of a step: the same for whoever draws them."""
    rng = np.random.default_rng((seed, number))
    return int(rng.choice(list(sides))), int(rng.integers(1, most + 1))


def soak_steps(
    step: Callable[[int], object],
    *,
    first: int,
    steps: int,
    every: int,
    limit: int,
    resident: Callable[[], int | None] = memory.resident_bytes,
    now: Callable[[], float] = time.perf_counter,
) -> dict[str, Any]:
    """Run ``step(number)`` from ``first`` on; memory in MiB after every ``every`` of them, and their seconds.

    Stops where one more step like the one that grew most could pass ``limit`` bytes, and says why.
    """
    found: dict[str, Any] = {"resident_mib": [], "seconds": [], "stopped": None}
    before, most = resident() or 0, 0
    for number in range(first, first + steps):
        if before + most > limit:
            found["stopped"] = AT_LIMIT.format(
                steps=f"{number:,}",
                resident=f"{before / MIB:,.0f}",
                step=f"{most / MIB:,.1f}",
                limit=f"{limit / MIB:,.0f}",
            )
            break
        began = now()
        step(number)
        found["seconds"].append(now() - began)
        held = resident() or 0
        most, before = max(most, held - before), held
        if (number + 1) % every == 0:
            found["resident_mib"].append(round(held / MIB, 3))
    return found


class SoakingTasks(ModelTasks):
    """The tasks behind phase soak; see benchmarks.worker.tasks.Tasks."""

    _soak_step: Callable[[int, int], object] | None = None
    _soaking: JobSpec | None = None
    _soak_limit: int = 0

    def _prepare_soak(self, builder: JobBuilder) -> tuple[Job, Checked]:
        """The job of the model's own images, once every shape of the soak was computed."""
        job = builder.spec
        if ENGINE_KINDS[job.case.engine].compiles == "ahead":
            raise UnavailableError(
                f"what the {job.case.engine} engine compiles ahead takes one shape; choose --engine eager or "
                f"compiled"
            )
        engine, checked = builder.engine()
        shape = (job.case.batch_size, builder.batch[0].shape[1])
        images = {
            side: np.random.default_rng(side).standard_normal((*shape, side, side), dtype=np.float32)
            for side in job.sides
        }
        where = {"device": job.device, "precision": job.model.precision}

        def step(side: int, number: int) -> None:
            tensor = self.backend.from_numpy(images[side][:number], **where)
            tensor = self.backend.lay_out(builder.model, tensor, layout=job.case.layout)
            self.backend.to_numpy(engine.run(tensor))

        for side in job.sides:
            _require_shape(step, side)
        self._soak_step, self._soaking = step, job
        self._soak_limit = (memory.resident_bytes() or 0) + int(
            OF_FREE * (memory.available_bytes() or 1 << 62)
        )
        return builder.job_of(engine.run), checked

    def soak(self, *, first: int, steps: int, every: int, seed: int, limit: int | None) -> dict[str, Any]:
        """Run steps of drawn shapes; see ``soak_steps``. ``images`` is how many they had."""
        assert self._soak_step is not None and self._soaking is not None, "prepare first"
        take, job, images = self._soak_step, self._soaking, 0

        def step(number: int) -> None:
            nonlocal images
            side, batch = drawn_batch(number, sides=job.sides, most=job.case.batch_size, seed=seed)
            take(side, batch)
            images += batch

        before = read_counters()
        most = self._soak_limit if limit is None else limit
        found = soak_steps(step, first=first, steps=steps, every=every, limit=most)
        return found | {"images": images, "counters": read_counters().since(before).to_json()}


def _require_shape(step: Callable[[int, int], object], side: int) -> None:
    """UnavailableError for a model that takes no images of a side."""
    try:
        step(side, 1)
    except Exception as error:  # frameworks have many
        text = " ".join(str(error).split())[:200]
        raise UnavailableError(
            f"the model computes no images of {side} x {side} ({type(error).__name__}: {text}); its "
            f"classifier needs one shape: pool adaptively before it, or leave {side} out of --shapes"
        ) from None
