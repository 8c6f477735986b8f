"""Tasks of a worker. Runs in a backend's own interpreter; arguments and results are JSON."""

import gc
import math
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from backends import Backend, Model
from backends.open_engine import require_engine
from benchmarks.parity.probe.probe import Probe
from benchmarks.request.case import Case
from benchmarks.request.job import JobFacts, JobSpec
from benchmarks.worker.neighbours import neighbours
from benchmarks.worker.prepare import TRACED_IMAGES, JobBuilder
from benchmarks.worker.profiling import (
    ITEM_BYTES,
    ProfilingTasks,
    flops_per_image,
    least_bytes,
    moved_per_image,
)
from benchmarks.worker.serving import ServingTasks
from benchmarks.worker.setup import StartupTasks
from benchmarks.worker.soaking import SoakingTasks
from benchmarks.worker.steps import LEARNING_RATE, Job, make_job, make_reading_job
from benchmarks.worker.timing import run_steps, time_steps
from common.engines.engine import FACTS, timed
from common.engines.kinds import ENGINE_KINDS
from common.runtime import memory
from common.runtime.kernel_counters import read_counters


def size_on_disk(folder: Path) -> int | None:
    """Bytes of the files below a folder; None where there is none."""
    files = [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
    return sum(path.stat().st_size for path in files) or None


class Tasks(ProfilingTasks, StartupTasks, ServingTasks, SoakingTasks):
    """Every public method is a task.

    At most one job is prepared at a time.
    """

    def __init__(self, name: str, backend: Backend) -> None:
        super().__init__(name, backend)
        self.job: Job | None = None
        self._phase, self._beside = "", 0
        self._probe = Probe(name, backend)
        self._baseline_bytes: dict[str, int | None] = {}  # resident, of a warmed-up worker, by phase

    def versions(self) -> dict[str, Any]:
        """Versions of the framework and of what it computes with."""
        return {**self.backend.versions(), "numpy": np.__version__}

    def find_device(self, name: str) -> str:
        """See Backend."""
        return self.backend.find_device(name)

    def require(self, case: Mapping[str, Any], device: str) -> None:
        """Raise UnavailableError, with the remedy, where a case cannot be had on a device."""
        wanted = Case(**case)
        require_engine(
            self.backend,
            wanted.engine,
            precision=wanted.precision,
            device=device,
            layout=wanted.layout,
            training=wanted.phase == "train",
        )

    def require_fit(self, spec: Mapping[str, Any], batch_size: int) -> None:
        """Raise NotEnoughMemoryError where a step of so many images cannot fit, as those of the job show."""
        job = JobSpec.from_json(spec)
        many = replace(job, case=replace(job.case, batch_size=batch_size))
        images, _ = self._inputs(job)
        whole = batch_size * math.prod(images.shape[1:]) * ITEM_BYTES[job.model.precision]
        *_, least = self._size(self._opened(job.model), images, many)
        if job.device == "cpu":
            memory.require_memory(least + whole, f"a step of {batch_size:,} images")

    def parity(self, step: str, **arguments: Any) -> Any:
        """One step of a comparison: a public method of Probe."""
        if self.job is not None:
            self.release()
        return getattr(self._probe, step)(**arguments)

    def save_file(self, path: str) -> None:
        """Write the model that a comparison has open as the framework's own file."""
        self._probe.save_file(path)

    def load_file(self, path: str) -> None:
        """Read such a file into the model that a comparison has open. UsageError where it does not fit."""
        self._probe.load_file(path)

    def prepare(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Set up one job, as a JobSpec says; returns JobFacts."""
        job = JobSpec.from_json(spec)
        self.release()
        self._phase, self._beside = job.case.phase, job.case.beside
        self._equalise(job)
        self._warm_up_bare(job)
        facts = self._prepare_reading(job) if job.case.phase == "data" else self._prepare_steps(job)
        return facts.to_json()

    def _prepare_steps(self, job: JobSpec) -> JobFacts:
        """Open and fill the model, compile it, check it, and have its steps ready."""
        feed = self._feed(job).endless() if job.images else None
        batch = next(feed) if feed else self._inputs(job)
        model, build_seconds, load_seconds = self._filled(job, batch[0])
        sizes = (None, None, None, job.least_bytes) if job.known else self._size(model, batch[0], job)
        parameters, flops, moved, least = sizes
        memory.require_memory(least, f"a step of {job.case.batch_size:,} images")
        # Before the engine is there: paddle.inference computes with the threads that are set now, but
        # leaves one behind after each run.
        settings = self.backend.read_settings(job.device)
        if job.case.phase == "serve":
            self.job, checked = self._prepare_server(job)
        else:
            builder = JobBuilder(
                tasks=self, model=model, spec=job, batch=batch, feed=feed, learning=self._learning
            )
            prepare = partial(self._prepare_soak, builder) if job.case.phase == "soak" else builder.job
            self.job, checked = prepare()
        self._count_memory_anew(job.device)
        optimizer = f"momentum, learning rate {LEARNING_RATE}" if job.case.phase == "train" else None
        return JobFacts(
            settings=replace(
                settings,
                layout=checked.layout,
                activation_dtype=checked.activation_dtype,
                optimizer=optimizer,
            ),
            device=job.device,
            parameters=parameters,
            flops_per_image=flops,
            moved_per_image=moved,
            least_bytes=least or None,
            build_seconds=build_seconds,
            load_seconds=load_seconds if checked.engine_load_seconds is None else checked.engine_load_seconds,
            compile_seconds=checked.compile_seconds,
            error=checked.error,
            quantization=checked.quantization,
            deployed_bytes=self._deployed_bytes(job, batch[0]),
        )

    def _filled(self, job: JobSpec, images: Any) -> tuple[Model | None, float, float]:
        """The model with its weights, None where none is needed; seconds of building and of filling it."""
        if self._is_compiled(job, images):
            return None, 0.0, 0.0
        wait = partial(self.backend.synchronize, job.device)
        model, build_seconds = timed(lambda: self._opened(job.model), wait)
        _, load_seconds = timed(lambda: self._load(model, job.weights), wait)
        return model, build_seconds, load_seconds

    def _is_compiled(self, job: JobSpec, images: Any) -> bool:
        """True if an earlier process has compiled what runs, and the model itself is not needed."""
        ahead = ENGINE_KINDS[job.case.engine].compiles == "ahead"
        if not (job.known and ahead and job.case.layout == "NCHW" and job.images is None):
            return False
        return (job.artefact_folder(self.name, images=images) / FACTS).exists()

    def _deployed_bytes(self, job: JobSpec, images: Any) -> int | None:
        """On disk, what the engine compiled ahead, else the weights; nothing is deployed in training."""
        if job.case.phase == "train":
            return None
        compiled = size_on_disk(job.artefact_folder(self.name, images=images))
        return compiled or Path(job.weights).stat().st_size

    def _warm_up_bare(self, job: JobSpec) -> None:
        """Do a step of a tiny model, once a phase, and see what the worker then holds.

        What a framework loads with its first optimizer (torch: 890 modules) is no model's memory.
        """
        phase = job.case.phase
        if phase in self._baseline_bytes or job.device != "cpu":
            return
        if phase != "data":
            where: dict[str, Any] = {"device": job.device, "precision": "fp32"}
            model = self.backend.build("lenet5", num_classes=10, channels=3, **where)
            self.backend.set_training(model, phase == "train")
            arrays = np.zeros((1, 3, 32, 32), np.float32), np.zeros(1, np.int64)
            images, labels = (self.backend.from_numpy(array, **where) for array in arrays)
            step = make_job(self.backend, model, phase=phase, batch=(images, labels), feed=None, **where)
            run_steps(step.parts, step.timeline, steps=1)
            del step, model, images, labels
            gc.collect()
        memory.give_back()  # what an earlier job has freed is not this one's
        self._baseline_bytes[phase] = memory.resident_bytes()

    def _prepare_reading(self, job: JobSpec) -> JobFacts:
        """Have the reading of real images ready, and no model."""
        memory.reset_peak()
        self.backend.reset_peak_memory(job.device)
        feed = self._feed(job)
        self.job = make_reading_job(
            self.backend, feed.passes(), device=job.device, batches_per_pass=feed.batches_per_pass
        )
        settings = replace(
            self.backend.read_settings(job.device),
            layout="NCHW",
            activation_dtype=str(next(feed.endless())[0].dtype).rpartition(".")[2],
            augment=feed.source.augment,
            workers=feed.source.workers,
        )
        return JobFacts(settings=settings, device=job.device)

    def _learning(self, model: Model) -> Model:
        """The trained object: the model itself, or its replica where others learn with it."""
        return model

    def _count_memory_anew(self, device: str) -> None:
        gc.collect()
        memory.give_back()
        memory.reset_peak()  # not before a job is ready: its float64 reference is larger than what is timed
        self.backend.reset_peak_memory(device)

    def warm_up(self, steps: int) -> None:
        """Run untimed steps of the job."""
        job = self._require_job()
        with neighbours(self._beside):
            run_steps(job.parts, job.timeline, steps=steps)

    def measure(self, min_steps: int, min_seconds: float, max_seconds: float = math.inf) -> dict[str, Any]:
        """Time one block of whole steps: seconds per batch by part, its span, the last step's outcome.

        ``counters`` are the kernel's meanwhile.
        """
        job = self._require_job()
        with neighbours(self._beside):
            before, start = read_counters(), time.perf_counter()
            seconds = time_steps(
                job.parts,
                job.timeline,
                min_steps=min_steps,
                min_seconds=min_seconds,
                max_seconds=max_seconds,
            )
            span = time.perf_counter() - start
            counters = read_counters().since(before).to_json()
        per_batch = {
            part: [value / job.batches_per_step for value in values] for part, values in seconds.items()
        }
        return {
            "seconds": per_batch,
            "span_seconds": span,
            "outcome": job.outcome(),
            "counters": counters,
        }

    def peak_memory_bytes(self) -> int | None:
        """The device's peak since ``prepare``.

        On the CPU it is resident memory above that of a worker that has done a step of a tiny model.
        """
        device = self._require_job().device
        if device != "cpu":
            return self.backend.peak_memory_bytes(device)
        peak, bare = memory.peak_resident_bytes(), self._baseline_bytes.get(self._phase)
        return max(0, peak - bare) if peak and bare else None

    def whole_memory_bytes(self) -> int | None:
        """The peak since ``prepare`` of all that this process holds; on a GPU, of what its allocator does."""
        device = self._require_job().device
        return memory.peak_resident_bytes() if device == "cpu" else self.backend.peak_memory_bytes(device)

    def release(self) -> None:
        """Forget the job, and with it the model and its threads."""
        self.job, self._soak_step = None, None
        self._end_server()
        gc.collect()

    def _size(self, model: Model, images: Any, job: JobSpec) -> tuple[int, int, int, int]:
        """Parameters of a model; operations of its forward pass, and numbers it moves, for one image.

        And the bytes that a step holds at least: a few images say what all would take. 0 on a GPU, whose
        allocator says itself that it has no more.
        """
        few = images[:TRACED_IMAGES]
        shapes, layers = self.backend.parameter_shapes(model), self.backend.trace(model, few)
        traced = few.shape[0]
        least = least_bytes(layers, shapes, case=job.case, traced=traced) if job.device == "cpu" else 0
        parameters = sum(math.prod(shape) for shape in shapes.values())
        return parameters, flops_per_image(layers, shapes), moved_per_image(layers, batch=traced), least

    def _require_job(self) -> Job:
        assert self.job is not None, "prepare first"
        return self.job
