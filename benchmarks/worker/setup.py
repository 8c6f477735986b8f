"""What jobs are made from, in a worker: models, weights, batches."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from backends import Backend, Model
from benchmarks.request.job import JobSpec
from benchmarks.worker.feed import Feed
from benchmarks.worker.steps import Batch
from common.engines.engine import timed
from common.weights import safetensors_file


class ModelTasks:
    """Makes them with a backend; the base of what a worker can be asked for."""

    def __init__(self, name: str, backend: Backend) -> None:
        self.name, self.backend = name, backend
        self._kept: tuple[dict[str, Any] | None, Model | None] = (None, None)

    def shapes(self, build: dict[str, Any]) -> dict[str, list[int]]:
        """Neutral shape of every parameter. The model is kept for the next task that asks for its like."""
        model = self.backend.build(**build)
        self._kept = (build, model)
        return {name: list(shape) for name, shape in self.backend.parameter_shapes(model).items()}

    def _equalise(self, order: JobSpec) -> None:
        if order.equalise:
            tf32 = order.precision == "tf32"
            self.backend.equalise(threads=order.threads, device=order.device, tf32=tf32)

    def _built(self, build: dict[str, Any]) -> Model:
        kept, model = self._kept
        self._kept = (None, None)  # it is used once: whoever has it may change it
        return model if kept == build else self.backend.build(**build)

    def _load(self, model: Model, weights: str) -> None:
        self.backend.set_weights(model, safetensors_file.load(Path(weights)))

    def _inputs(self, build: dict[str, Any], path: str) -> Batch:
        """The fixed batch of a file, on the device."""
        arrays = safetensors_file.load(Path(path))
        return self._on_device(build, arrays["images"], arrays["labels"])

    def _on_device(self, build: dict[str, Any], images: np.ndarray, labels: np.ndarray) -> Batch:
        where = {"device": build["device"], "precision": build["precision"]}
        return self.backend.from_numpy(images, **where), self.backend.from_numpy(labels, **where)

    def _feed(self, build: dict[str, Any], data: dict[str, Any], batch_size: int) -> Feed:
        where = {"device": build["device"], "precision": build["precision"]}
        return Feed(backend=self.backend, data=data, batch_size=batch_size, **where)


class StartupTasks(ModelTasks):
    """See benchmarks.worker.tasks.Tasks."""

    def start_up(self, **asked: Any) -> dict[str, float]:
        """Seconds of building, loading the weights and computing a first batch, as an JobSpec says.

        A deployed model is neither built nor filled: it is loaded as it was compiled.
        """
        order = JobSpec(**asked)
        wait = partial(self.backend.synchronize, order.device)
        self._equalise(order)
        assert order.inputs is not None, "a start is from a fixed batch"
        images, _ = self._inputs(order.build, order.inputs)
        seconds: dict[str, float] = {"build": 0.0, "load": 0.0}
        model: Model = None
        if order.engine != "deploy":
            model, seconds["build"] = timed(lambda: self.backend.build(**order.build), wait)
            _, seconds["load"] = timed(lambda: self._load(model, order.weights), wait)
            self.backend.set_training(model, False)
            images = self.backend.lay_out(model, images, layout=order.layout)
        loaded, first = timed(lambda: self._first_batch(order, model, images), wait)
        seconds["load"] += loaded
        return {**seconds, "first_batch": first - loaded}

    def _first_batch(self, order: JobSpec, model: Model, images: Any) -> float:
        """Compute it; the seconds of that in which the engine was loaded."""
        engine = self.backend.make_engine(
            model,
            images,
            engine=order.engine,
            precision=order.precision,
            device=order.device,
            folder=order.artefact_folder(self.name, images=images),
        )
        engine.run(images)
        return engine.load_seconds or 0.0
