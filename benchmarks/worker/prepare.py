"""Setting up what is timed: a model in an engine, checked; or its training step."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backends import Backend, Model
from benchmarks.request.job import JobSpec
from benchmarks.request.request import REFERENCES
from benchmarks.worker.onnx_reference import reference_engine
from benchmarks.worker.steps import Batch, Job, make_job
from benchmarks.worker.timing import run_steps
from common.cli import UnavailableError
from common.engines.engine import Operation, dtypes_that_ran, timed
from common.weights import safetensors_file

# Relative L2 of the logits from eager float64: what rounding may do. Measured on the five models, random
# weights: fp32 2e-7 to 3e-6, bf16 4e-3 to 2e-2, so a wrong weight or a lost bias is far outside.
ERROR_LIMITS = {"fp64": 1e-10, "fp32": 1e-4, "tf32": 1e-2, "fp16": 2e-2, "bf16": 6e-2}
DTYPES = {"fp64": "float64", "fp32": "float32", "tf32": "float32", "fp16": "float16", "bf16": "bfloat16"}
CHECKED_IMAGES = 8  # at most, spread over the batch: float64 is slow, and each image's logits are its own


def spread(batch_size: int) -> list[int]:
    """The images of a batch that are checked: its first, its last, and some between."""
    return sorted(
        set(np.linspace(0, batch_size - 1, min(batch_size, CHECKED_IMAGES)).round().astype(int).tolist())
    )


def reference_logits(
    backend: Backend, build: dict[str, Any], *, weights: str, images: np.ndarray
) -> np.ndarray:
    """Logits of the eager engine in float64 on the CPU."""
    model = backend.build(**build | {"precision": "fp64", "device": "cpu"})
    backend.set_weights(model, safetensors_file.load(Path(weights)))
    backend.set_training(model, False)
    tensor = backend.from_numpy(np.ascontiguousarray(images), device="cpu", precision="fp64")
    logits = backend.to_numpy(backend.infer(model, tensor))
    if build["device"] != "cpu":  # building for the CPU made it the device of what comes next
        backend.build(**build)
    return logits


def arithmetic(precision: str, settings: Mapping[str, Any]) -> str:
    """The precision that rounds as the settings in force do: as installed, fp32 on a GPU may be TF32."""
    tf32 = settings["tf32_matmul"] or settings["tf32_convolution"]
    return "tf32" if precision == "fp32" and tf32 else precision


def require_right(logits: np.ndarray, reference: np.ndarray, *, engine: str, precision: str) -> float:
    """The relative L2 distance; UnavailableError where it is more than rounding, or not a number."""
    distance = float(np.linalg.norm(logits.astype(np.float64) - reference) / np.linalg.norm(reference))
    limit = ERROR_LIMITS[precision]
    if not distance <= limit:
        raise UnavailableError(
            f"the {engine} engine computes something else: its logits in {precision} are {distance:.1e} "
            f"(relative L2) from eager float64, where rounding explains {limit:.0e}; it is not timed"
        )
    return distance


def require_dtype(operations: Sequence[Operation], *, engine: str, precision: str) -> str | None:
    """The dtype in which the arithmetic ran; None if nothing told. UnavailableError if it is another."""
    ran = dtypes_that_ran(operations)
    if not ran and precision in ("bf16", "fp16"):
        raise UnavailableError(
            f"whether the {engine} engine really computes in {precision} cannot be told here"
        )
    if ran and ran != {DTYPES[precision]}:
        raise UnavailableError(
            f"asked for {precision}, the {engine} engine computed in {' and '.join(sorted(ran))}; "
            f"it is not timed under a name that is not its own"
        )
    return DTYPES[precision] if ran else None


@dataclass(kw_only=True)
class JobBuilder:
    """A model with its weights and a batch, to be turned into the job that an order asks for."""

    name: str
    backend: Backend
    model: Model
    order: JobSpec
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
