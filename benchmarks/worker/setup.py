"""Models, weights and batches from which a worker makes jobs, and the first batch of a new process."""

import gc
import importlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from backends import Backend, Model
from backends.open_engine import open_engine
from backends.open_model import ModelSpec, open_model
from backends.user_code import forget_modules, model_files
from benchmarks.request.job import JobSpec
from benchmarks.worker.feed import Feed
from benchmarks.worker.steps import Batch
from common.engines.engine import Engine, timed
from common.engines.kinds import ENGINE_KINDS
from common.runtime.installed import FRAMEWORKS, installed_bytes
from common.runtime.memory import require_memory
from common.shipped import BUILDERS, MODULES
from common.weights import safetensors_file
from common.weights.described_file import BUFFER


def fill(backend: Backend, model: Model, weights: Path) -> None:
    """Copy parameters, and the buffers that a file has, into a model."""
    arrays = safetensors_file.load(weights)
    buffers = [name for name in arrays if name.startswith(BUFFER)]
    if buffers:
        backend.set_buffers(model, {name.removeprefix(BUFFER): arrays.pop(name) for name in buffers})
    backend.set_weights(model, arrays)


class ModelTasks:
    """Opens models on a backend and fills them: the base of a worker's tasks."""

    def __init__(self, name: str, backend: Backend) -> None:
        self.name, self.backend = name, backend
        self._kept: tuple[ModelSpec | None, Model | None] = (None, None)

    def shapes(self, model: Mapping[str, Any]) -> dict[str, list[int]]:
        """Neutral shape of every parameter.

        The model is kept for the next task that asks for its like.
        """
        spec = ModelSpec(**model)
        opened = open_model(self.backend, spec)
        self._kept = (spec, opened)
        return {name: list(shape) for name, shape in self.backend.parameter_shapes(opened).items()}

    def identity(self, source: str, folder: str) -> dict[str, Any]:
        """What a model is that was opened: its files with their hashes, or the version of its library."""
        if source.startswith(f"{BUILDERS}:"):
            library = MODULES[self.name].partition(".")[0]
            return {"version": str(importlib.import_module(library).__version__)}
        return {"files": model_files(source, folder=folder)}

    def forget_modules(self, folder: str) -> None:
        """Import the user's modules of a folder anew when they are next wanted; its model is closed."""
        if folder:
            forget_modules(folder)
            gc.collect()

    def _equalise(self, spec: JobSpec) -> None:
        if spec.threads is not None:
            tf32 = spec.case.precision == "tf32"
            self.backend.equalise(threads=spec.threads, device=spec.device, tf32=tf32)

    def _opened(self, spec: ModelSpec) -> Model:
        kept, model = self._kept
        self._kept = (None, None)  # it is used once: whoever has it may change it
        return model if kept == spec else open_model(self.backend, spec)

    def _load(self, model: Model, weights: str) -> None:
        fill(self.backend, model, Path(weights))

    def _inputs(self, spec: JobSpec) -> Batch:
        """The fixed batch of a job, on the device."""
        assert spec.inputs is not None, "this job has a fixed batch"
        if spec.device == "cpu":
            images = spec.case.batch_size
            require_memory(Path(spec.inputs).stat().st_size, f"a batch of {images:,} images")
        arrays = safetensors_file.load(Path(spec.inputs))
        where = {"device": spec.device, "precision": spec.model.precision}
        images, labels = (self.backend.from_numpy(arrays[name], **where) for name in ("images", "labels"))
        return images, labels

    def _feed(self, spec: JobSpec) -> Feed:
        """The real images of a job."""
        assert spec.images is not None, "this job reads images"
        return Feed(
            backend=self.backend,
            source=spec.images,
            batch_size=spec.case.batch_size,
            device=spec.device,
            precision=spec.model.precision,
        )

    def open_engine(self, spec: JobSpec, model: Model, images: Any) -> Engine:
        """The engine of a job, run once on the batch ``images``."""
        return open_engine(
            self.backend,
            model,
            images,
            engine=spec.case.engine,
            precision=spec.case.precision,
            device=spec.device,
            folder=spec.artefact_folder(self.name, images=images),
            threads=spec.threads,
            calibration=Path(spec.calibration) if spec.calibration else None,
        )


class StartupTasks(ModelTasks):
    """The task behind phase startup; see benchmarks.worker.tasks.Tasks."""

    def installed_bytes(self) -> int | None:
        """How large the framework is with all that it requires, in bytes."""
        return installed_bytes(FRAMEWORKS[self.name])

    def start_up(self, spec: Mapping[str, Any]) -> dict[str, float]:
        """Seconds of building, loading the weights and computing a first batch.

        A model that was compiled ahead is neither built nor filled: it is loaded as it was compiled.
        """
        job = JobSpec.from_json(spec)
        wait = partial(self.backend.synchronize, job.device)
        self._equalise(job)
        images, _ = self._inputs(job)
        seconds: dict[str, float] = {"build": 0.0, "load": 0.0}
        model: Model = None
        if ENGINE_KINDS[job.case.engine].compiles != "ahead":
            model, seconds["build"] = timed(lambda: open_model(self.backend, job.model), wait)
            _, seconds["load"] = timed(lambda: self._load(model, job.weights), wait)
            self.backend.set_training(model, False)
            images = self.backend.lay_out(model, images, layout=job.case.layout)
        loaded, first = timed(lambda: self._first_batch(job, model, images), wait)
        seconds["load"] += loaded
        return {**seconds, "first_batch": first - loaded}

    def _first_batch(self, job: JobSpec, model: Model, images: Any) -> float:
        """Compute it; returns the seconds of that in which the engine was loaded."""
        engine = self.open_engine(job, model, images)
        engine.run(images)
        return engine.load_seconds or 0.0
