"""What a worker can be asked for. Runs in a backend's own interpreter; arguments and results are JSON."""

import gc
import math
import time
from functools import partial
from typing import Any

import numpy as np

from backends import Backend, Model
from benchmarks.parity.probe.probe import Probe
from benchmarks.request.job import JobSpec
from benchmarks.request.request import REFERENCES
from benchmarks.worker.onnx_reference import require_reference
from benchmarks.worker.prepare import JobBuilder
from benchmarks.worker.profiling import ProfilingTasks, flops_per_image
from benchmarks.worker.setup import StartupTasks
from benchmarks.worker.steps import LEARNING_RATE, Job, make_reading_job
from benchmarks.worker.timing import run_steps, time_steps
from common.engines.engine import timed
from common.runtime import memory


class Tasks(ProfilingTasks, StartupTasks):
    """Every public method is a task. At most one job is prepared at a time."""

    def __init__(self, name: str, backend: Backend) -> None:
        super().__init__(name, backend)
        self.job: Job | None = None
        self._probe = Probe(name, backend)
        self._baseline_bytes = memory.resident_bytes()

    def versions(self) -> dict[str, Any]:
        """Versions of the framework and of what it computes with."""
        return {**self.backend.versions(), "numpy": np.__version__}

    def find_device(self, name: str) -> str:
        """See Backend."""
        return self.backend.find_device(name)

    def require(self, *, engine: str, **asked: Any) -> None:
        """See Backend; the reference's engine belongs to neither."""
        if engine in REFERENCES:
            require_reference(**asked)
        else:
            self.backend.require(engine=engine, **asked)

    def parity(self, step: str, **arguments: Any) -> Any:
        """One step of a comparison: a public method of Probe."""
        if self.job is not None:
            self.release()
        return getattr(self._probe, step)(**arguments)

    def prepare(self, **asked: Any) -> dict[str, Any]:
        """Build, load, compile, check and set up one job, as an JobSpec says.

        Returns the settings in force, what is known of the model, and what all this took.
        """
        order = JobSpec(**asked)
        self.release()
        self._equalise(order)
        wait = partial(self.backend.synchronize, order.device)
        model, build_seconds = timed(lambda: self._built(order.build), wait)
        _, load_seconds = timed(lambda: self._load(model, order.weights), wait)
        feed = self._feed(order.build, order.data, order.batch_size).endless() if order.data else None
        batch = next(feed) if feed else self._inputs(order.build, order.inputs or "")
        facts = self._facts(model, batch[0])
        # Before the engine is there: paddle.inference computes with the threads that are set now, but
        # leaves one behind after each run.
        settings = self.backend.read_settings(order.device)
        preparation = JobBuilder(
            name=self.name,
            backend=self.backend,
            model=model,
            order=order,
            batch=batch,
            feed=feed,
            learning=self._learning,
        )
        self.job, checked = preparation.job()
        self._count_memory_anew(order.device)
        settings |= {key: checked[key] for key in ("layout", "activation_dtype")}
        if order.phase == "train":
            settings["optimizer"] = f"momentum, learning rate {LEARNING_RATE}"
        engine_load = checked.get("engine_load_seconds")
        return {
            **facts,
            "settings": settings,
            "build_seconds": build_seconds,
            "load_seconds": load_seconds if engine_load is None else engine_load,
            "compile_seconds": checked.get("compile_seconds"),
            "error": checked["error"],
        }

    def _learning(self, model: Model) -> Model:
        """What is trained in a model's place: the model itself, where nobody else learns with it."""
        return model

    def _count_memory_anew(self, device: str) -> None:
        gc.collect()
        memory.reset_peak()  # not before a job is ready: its float64 reference is larger than what is timed
        self.backend.reset_peak_memory(device)

    def prepare_reading(
        self, *, build: dict[str, Any], data: dict[str, Any], threads: int | None, batch_size: int
    ) -> dict[str, Any]:
        """Set up the reading of real images, and no model; returns the settings in force."""
        self.release()
        memory.reset_peak()
        device = build["device"]
        if threads:  # None: as shipped
            self.backend.equalise(threads=threads, device=device)
        self.backend.reset_peak_memory(device)
        feed = self._feed(build, data, batch_size)
        self.job = make_reading_job(
            self.backend, feed.passes(), device=device, batches_per_pass=feed.batches_per_pass
        )
        dtype = str(next(feed.endless())[0].dtype).rpartition(".")[2]
        settings = {**self.backend.read_settings(device), "layout": "NCHW", "activation_dtype": dtype}
        return {"settings": {**settings, "augment": data["augment"], "workers": data["workers"]}}

    def warm_up(self, steps: int) -> None:
        """Run untimed steps of the job."""
        job = self._require_job()
        run_steps(job.parts, job.timeline, steps=steps)

    def measure(self, min_steps: int, min_seconds: float, max_seconds: float = math.inf) -> dict[str, Any]:
        """Time one block of whole steps: seconds per batch by part, its span, the last step's outcome."""
        job = self._require_job()
        start = time.perf_counter()
        seconds = time_steps(
            job.parts, job.timeline, min_steps=min_steps, min_seconds=min_seconds, max_seconds=max_seconds
        )
        span = time.perf_counter() - start
        per_batch = {
            part: [value / job.batches_per_step for value in values] for part, values in seconds.items()
        }
        return {"seconds": per_batch, "span_seconds": span, "outcome": job.outcome()}

    def peak_memory_bytes(self) -> int | None:
        """The device's peak since ``prepare``; on the CPU resident memory above the bare framework's."""
        device = self._require_job().device
        if device != "cpu":
            return self.backend.peak_memory_bytes(device)
        peak = memory.peak_resident_bytes()
        return peak - self._baseline_bytes if peak and self._baseline_bytes else None

    def release(self) -> None:
        """Forget the job, and with it the model and its threads."""
        self.job = None
        gc.collect()

    def _facts(self, model: Model, images: Any) -> dict[str, Any]:
        shapes = self.backend.parameter_shapes(model)
        layers = self.backend.trace(model, images)
        return {
            "parameters": sum(math.prod(shape) for shape in shapes.values()),
            "flops_per_image": flops_per_image(layers, shapes),
        }

    def _require_job(self) -> Job:
        assert self.job is not None, "prepare first"
        return self.job
