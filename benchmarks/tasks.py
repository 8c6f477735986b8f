"""What a worker can be asked for. Runs in a backend's own interpreter; arguments and results are JSON."""

import gc
import math
import time
from pathlib import Path
from typing import Any

import numpy as np

from backends import Backend, Model
from benchmarks import memory
from benchmarks.feeds import Feed
from benchmarks.flops import flops_per_image
from benchmarks.parity.probe import Probe
from benchmarks.steps import LEARNING_RATE, Batch, Job, make_job, make_reading_job
from benchmarks.timing import run_steps, time_steps
from common import tensor_file


class Tasks:
    """Every public method is a task. At most one job is prepared at a time."""

    def __init__(self, name: str, backend: Backend) -> None:
        self.name, self.backend = name, backend
        self.job: Job | None = None
        self._probe = Probe(name, backend)
        self._kept: tuple[dict[str, Any] | None, Model | None] = (None, None)
        self._baseline_bytes = memory.resident_bytes()

    def versions(self) -> dict[str, Any]:
        """Versions of the framework and of what it computes with."""
        return {**self.backend.versions(), "numpy": np.__version__}

    def find_device(self, name: str) -> str:
        """See Backend."""
        return self.backend.find_device(name)

    def require(self, engine: str, precision: str, device: str) -> None:
        """See Backend."""
        self.backend.require(engine=engine, precision=precision, device=device)

    def shapes(self, build: dict[str, Any]) -> dict[str, list[int]]:
        """Neutral shape of every parameter. The model is kept for the next task that asks for its like."""
        model = self.backend.build(**build)
        self._kept = (build, model)
        return {name: list(shape) for name, shape in self.backend.parameter_shapes(model).items()}

    def parity(self, step: str, **arguments: Any) -> Any:
        """One step of a comparison: a public method of Probe."""
        if self.job is not None:
            self.release()
        return getattr(self._probe, step)(**arguments)

    def prepare(
        self,
        *,
        build: dict[str, Any],
        weights: str,
        phase: str,
        threads: int,
        batch_size: int,
        inputs: str | None = None,
        data: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Build, load and set up one job; returns the settings in force and facts about the model.

        The images are ``inputs``, a fixed batch put on the device here, or ``data``, a list to read
        inside every step.
        """
        self.release()
        memory.reset_peak()
        device = build["device"]
        self.backend.equalise(threads=threads, device=device)
        self.backend.reset_peak_memory(device)
        model = self._built(build)
        start = time.perf_counter()
        self._load(model, weights)
        self.backend.synchronize(device)
        load_seconds = time.perf_counter() - start
        self.backend.set_training(model, phase == "train")
        if data:
            feed = self._feed(build, data, batch_size).endless()
            batch = next(feed)
        else:
            feed, batch = None, self._inputs(build, inputs or "")
        self.job = make_job(self.backend, model, device=device, phase=phase, batch=batch, feed=feed)
        settings = self.backend.read_settings(device)
        if phase == "train":
            settings["optimizer"] = f"momentum, learning rate {LEARNING_RATE}"
        return {"load_seconds": load_seconds, **self._facts(model, batch[0], settings)}

    def prepare_reading(
        self, *, build: dict[str, Any], data: dict[str, Any], threads: int, batch_size: int
    ) -> dict[str, Any]:
        """Set up the reading of real images, and no model; returns the settings in force."""
        self.release()
        memory.reset_peak()
        device = build["device"]
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

    def _facts(self, model: Model, images: Any, settings: dict[str, Any]) -> dict[str, Any]:
        shapes = self.backend.parameter_shapes(model)
        layers = self.backend.trace(model, images)
        return {
            "settings": {**settings, **_activation(layers)},
            "parameters": sum(math.prod(shape) for shape in shapes.values()),
            "flops_per_image": flops_per_image(layers, shapes),
        }

    def _require_job(self) -> Job:
        assert self.job is not None, "prepare first"
        return self.job

    def _built(self, build: dict[str, Any]) -> Model:
        kept, model = self._kept
        self._kept = (None, None)  # it is used once: whoever has it may change it
        return model if kept == build else self.backend.build(**build)

    def _load(self, model: Model, weights: str) -> None:
        self.backend.set_weights(model, tensor_file.load(Path(weights)))

    def _inputs(self, build: dict[str, Any], path: str) -> Batch:
        arrays = tensor_file.load(Path(path))
        return self._on_device(build, arrays["images"], arrays["labels"])

    def _on_device(self, build: dict[str, Any], images: np.ndarray, labels: np.ndarray) -> Batch:
        where = {"device": build["device"], "precision": build["precision"]}
        return self.backend.from_numpy(images, **where), self.backend.from_numpy(labels, **where)

    def _feed(self, build: dict[str, Any], data: dict[str, Any], batch_size: int) -> Feed:
        where = {"device": build["device"], "precision": build["precision"]}
        return Feed(backend=self.backend, data=data, batch_size=batch_size, **where)


def _activation(layers: list[dict[str, Any]]) -> dict[str, Any]:
    """Type and layout of the first layer's output: what really ran, not what was asked for."""
    return {"layout": layers[0]["layout"], "activation_dtype": layers[0]["dtype"]}
