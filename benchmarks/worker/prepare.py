"""Setting up what is timed: a model in an engine, checked; or its training step."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backends import Backend, Model
from benchmarks.request.job import Order
from benchmarks.request.request import REFERENCES
from benchmarks.worker.engine_check import arithmetic, reference_logits, require_dtype, require_right, spread
from benchmarks.worker.onnx_reference import reference_engine
from benchmarks.worker.steps import Batch, Job, make_job
from benchmarks.worker.timing import run_steps
from common.engines.engine import Operation, timed
from common.weights import safetensors_file


@dataclass(kw_only=True)
class Preparation:
    """A model with its weights and a batch, to be turned into the job that an order asks for."""

    name: str
    backend: Backend
    model: Model
    order: Order
    batch: Batch
    feed: Iterator[Batch] | None
    learning: Callable[[Model], Model] = lambda model: model  # what is trained in the model's place

    def job(self) -> tuple[Job, dict[str, Any]]:
        """The job, and facts: what was compiled and loaded, the dtype that ran, the error found."""
        backend, order, device = self.backend, self.order, self.order.device
        images = backend.lay_out(self.model, self.batch[0], layout=order.layout)
        self.batch = batch = (images, self.batch[1])
        where = {"engine": order.engine, "precision": order.precision, "device": device}
        backend.set_training(self.model, False)
        shared: dict[str, Any] = {
            "device": device,
            "batch": batch,
            "precision": order.precision,
            "feed": self._laid_out(self.feed) if self.feed else None,
        }
        if self.order.phase == "train":
            called = backend.compiled(self.model) if self.order.engine == "compiled" else self.model
            facts = self._check_training(called, batch, where)
            backend.set_training(self.model, True)
            job = make_job(backend, self.learning(called), phase="train", **shared)
            if self.order.engine == "compiled":
                _, facts["compile_seconds"] = timed(
                    lambda: run_steps(job.parts, job.timeline, steps=1), lambda: backend.synchronize(device)
                )
            return job, facts
        folder = order.artefact_folder(self.name, images=images)
        if order.engine in REFERENCES:
            engine = reference_engine(backend, self.model, images, order=order, folder=folder)
        else:
            engine = backend.make_engine(self.model, images, folder=folder, **where)
        operations = engine.operations(images)
        facts = self._checked(engine.run(images), operations, where)
        costs = {"compile_seconds": engine.compile_seconds, "engine_load_seconds": engine.load_seconds}
        return make_job(backend, engine.run, phase="infer", **shared), facts | costs

    def _check_training(self, called: Model, batch: Batch, where: dict[str, Any]) -> dict[str, Any]:
        """Training is checked in evaluation mode: without dropout the logits are known."""
        with self.backend.autocast(precision=self.order.precision, device=where["device"]):
            logits, _ = self.backend.compute_loss(called, *batch)

        def run(images: Any) -> Any:
            with self.backend.autocast(precision=self.order.precision, device=where["device"]):
                return self.backend.infer(called, images)

        ran = (
            [] if self.order.engine == "compiled" else self.backend.operations(run, called, batch[0], **where)
        )
        return self._checked(logits, ran, where)

    def _checked(self, logits: Any, operations: list[Operation], where: dict[str, Any]) -> dict[str, Any]:
        chosen = spread(self.batch[0].shape[0])
        settings = self.backend.read_settings(where["device"])
        told = {"engine": self.order.engine, "precision": arithmetic(self.order.precision, settings)}
        error = require_right(self.backend.to_numpy(logits)[chosen], self._reference(chosen), **told)
        layout = self.order.layout
        if self.order.engine == "eager":
            traced = self._traced(where["device"])
            layout = traced[0]["layout"]
            operations = operations or [Operation(layer["type"], layer["dtype"]) for layer in traced]
        return {"error": error, "layout": layout, "activation_dtype": require_dtype(operations, **told)}

    def _traced(self, device: str) -> list[dict[str, Any]]:
        """What the layers put out: the layout, and the dtype where operations are not told."""
        with self.backend.autocast(precision=self.order.precision, device=device):
            return self.backend.trace(self.model, self.batch[0])

    def _reference(self, chosen: list[int]) -> np.ndarray:
        """Eager float64 logits of these images; a fixed batch's are kept for the next process."""
        images = self.backend.to_numpy(self.batch[0])[chosen]
        key = hashlib.sha256(
            images.tobytes() + json.dumps(self.order.build, sort_keys=True).encode()
        ).hexdigest()
        path = Path(self.order.artefacts) / f"{self.name}-{key[:16]}.safetensors"
        if not path.exists():
            logits = reference_logits(
                self.backend, self.order.build, weights=self.order.weights, images=images
            )
            safetensors_file.save(path, {"logits": logits})
        return safetensors_file.load(path)["logits"]

    def _laid_out(self, feed: Iterator[Batch]) -> Iterator[Batch]:
        for images, labels in feed:
            yield self.backend.lay_out(self.model, images, layout=self.order.layout), labels
