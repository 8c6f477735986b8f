"""Setting up what is timed: a model in an engine, checked; or its training step."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from backends import Backend, Model
from backends.open_model import ModelSpec, open_model
from backends.user_code import resolve
from benchmarks.request.job import JobSpec
from benchmarks.worker.setup import ModelTasks, fill
from benchmarks.worker.steps import Batch, Job, make_job
from benchmarks.worker.timing import run_steps
from common.cli import UnavailableError, UsageError
from common.engines.engine import Engine, Operation, dtypes_that_ran, timed
from common.engines.int8 import DTYPES as INT8_DTYPES
from common.engines.int8 import HELD_OUT, INT8, full_batches, int8_share, relative_l2, top1_agreement
from common.engines.kinds import ENGINE_KINDS
from common.runtime.settings import Settings
from common.weights import safetensors_file

# Relative L2 of the logits from eager float64: what rounding may do. Measured on the five models, random
# weights: fp32 2e-7 to 3e-6, bf16 4e-3 to 2e-2, so a wrong weight or a lost bias is far outside.
ERROR_LIMITS = {"fp64": 1e-10, "fp32": 1e-4, "tf32": 1e-2, "fp16": 2e-2, "bf16": 6e-2}
# int8 has a price, which is reported: refused is what lost more of the logits than it kept.
ERROR_LIMITS |= {INT8: 0.5}
DTYPES = {"fp64": "float64", "fp32": "float32", "tf32": "float32", "fp16": "float16", "bf16": "bfloat16"}
TRACED_IMAGES = 2  # at most: what layers put out for an image, all images have in common
CHECKED_IMAGES = 8  # at most, spread over the batch: float64 is slow, and each image's logits are its own


def spread(batch_size: int) -> list[int]:
    """The images of a batch that are checked: its first, its last, and some between."""
    return sorted(
        set(np.linspace(0, batch_size - 1, min(batch_size, CHECKED_IMAGES)).round().astype(int).tolist())
    )


def reference_logits(backend: Backend, spec: ModelSpec, *, weights: str, images: np.ndarray) -> np.ndarray:
    """Logits of the eager engine in float64 on the CPU."""
    model = open_model(backend, replace(spec, precision="fp64", device="cpu"))
    fill(backend, model, Path(weights))
    backend.set_training(model, False)
    tensor = backend.from_numpy(np.ascontiguousarray(images), device="cpu", precision="fp64")
    try:
        logits = backend.to_numpy(backend.infer(model, tensor))
    except Exception:  # a model of the user's may make tensors of the default dtype, and mix them with ours
        with backend.default_dtype("fp64"):
            logits = backend.to_numpy(backend.infer(model, tensor))
    if spec.device != "cpu":  # building for the CPU made it the device of what comes next
        open_model(backend, spec)
    return logits


def arithmetic(precision: str, settings: Settings) -> str:
    """The precision that rounds as the settings in force do: as installed, fp32 on a GPU may be TF32."""
    tf32 = settings.tf32_matmul or settings.tf32_convolution
    return "tf32" if precision == "fp32" and tf32 else precision


def require_right(logits: np.ndarray, reference: np.ndarray, *, engine: str, precision: str) -> float:
    """Return the relative L2 distance of an engine's logits from float64.

    Raises UnavailableError if it is more than rounding, or NaN.
    """
    distance = relative_l2(logits, reference)
    limit = ERROR_LIMITS[precision]
    if not distance <= limit:
        exact, why = ("float32", "int8 may cost") if precision == INT8 else ("float64", "rounding explains")
        raise UnavailableError(
            f"the {engine} engine computes something else: its logits in {precision} are {distance:.1e} "
            f"(relative L2) from eager {exact}, where {why} {limit:.0e}; it is not timed"
        )
    return distance


def require_dtype(operations: Sequence[Operation], *, engine: str, precision: str) -> str | None:
    """The dtype in which the arithmetic ran, None if not reported.

    UnavailableError if it is another.
    """
    ran = dtypes_that_ran(operations)
    if precision == INT8 and ran & set(INT8_DTYPES):
        return INT8  # in part, perhaps: how many is reported
    if not ran and precision in ("bf16", "fp16", INT8):
        raise UnavailableError(
            f"whether the {engine} engine really computes in {precision} cannot be verified here"
        )
    if ran and ran != {DTYPES.get(precision)}:
        raise UnavailableError(
            f"asked for {precision}, the {engine} engine computed in {' and '.join(sorted(ran))}; "
            f"it is not timed under a name that is not its own"
        )
    return DTYPES[precision] if ran else None


@dataclass(frozen=True, kw_only=True)
class Checked:
    """Proof from before a job is timed.

    Seconds are None where nothing was done.
    """

    error: float  # of the logits, relative L2 from eager float64; of int8, see _checked_int8
    layout: str | None  # None, like the next: not looked at
    activation_dtype: str | None
    compile_seconds: float | None = None
    engine_load_seconds: float | None = None
    quantization: dict[str, Any] | None = None


@dataclass(kw_only=True)
class JobBuilder:
    """A model with its weights and a batch, to be turned into the job that a spec asks for.

    The model is None where an engine that was compiled ahead does without.
    """

    tasks: ModelTasks
    model: Model
    spec: JobSpec
    batch: Batch
    feed: Iterator[Batch] | None
    learning: Callable[[Model], Model] = lambda model: model  # what is trained in the model's place

    def __post_init__(self) -> None:
        self.backend, self.case = self.tasks.backend, self.spec.case
        self.kind = ENGINE_KINDS[self.case.engine]
        self._where = {"precision": self.case.precision, "device": self.spec.device}

    def job(self) -> tuple[Job, Checked]:
        """The job, and what its check found."""
        if self.case.phase == "train":
            self._lay_out()
            return self._training_job()
        engine, checked = self.engine()
        return self.job_of(engine.run), checked

    def engine(self) -> tuple[Engine, Checked]:
        """The engine of a job that infers, and what its check found."""
        images = self._lay_out()
        is_int8 = self.case.precision == INT8
        exact = self._held_out_logits(partial(self.backend.infer, self.model)) if is_int8 else None
        engine = self.tasks.open_engine(self.spec, self.model, images)
        operations = [] if self.spec.known else engine.operations(images)
        if exact is None:
            found = self._checked(engine.run(images), operations)
        else:
            found = self._checked_int8(self._held_out_logits(engine.run), exact, operations)
        checked = replace(
            found,
            compile_seconds=engine.compile_seconds,
            engine_load_seconds=engine.load_seconds,
        )
        return engine, checked

    def _lay_out(self) -> Any:
        """The images as the model takes them, in evaluation mode."""
        if self.model is None:
            return self.batch[0]
        images = self.backend.lay_out(self.model, self.batch[0], layout=self.case.layout)
        self.batch = (images, self.batch[1])
        self.backend.set_training(self.model, False)
        if self.spec.model.source:
            self._require_logits(images)
        return images

    def _require_logits(self, images: Any) -> None:
        """Raise UsageError unless a model of the user's own returns logits, and nothing else."""
        with self.backend.autocast(**self._where):
            logits = self.backend.infer(self.model, images)
        shape, wanted = tuple(getattr(logits, "shape", ())), self.spec.model.num_classes
        if len(shape) < 2:
            found = f"a tensor {shape}" if hasattr(logits, "shape") else type(logits).__name__
            raise UsageError(
                f"{self.spec.model.source} returns {found}: what is timed returns logits (batch, classes) "
                f"and nothing else; give a callable that wraps it"
            )
        if shape[1] < wanted:
            raise UsageError(
                f"{self.spec.model.source} returns {shape[1]} classes, and --num-classes says {wanted}"
            )

    def _training_job(self) -> tuple[Job, Checked]:
        # Checked in evaluation mode: without dropout the logits are known.
        called = self.backend.compiled(self.model) if self.kind.compiles == "first" else self.model
        checked = self._checked(self._training_logits(called), self._operations_in_training(called))
        self.backend.set_training(self.model, True)
        job = self.job_of(self.learning(called))
        if self.kind.compiles == "first":
            step = partial(run_steps, job.parts, job.timeline, steps=1)
            _, seconds = timed(step, partial(self.backend.synchronize, self.spec.device))
            checked = replace(checked, compile_seconds=seconds)
        return job, checked

    def job_of(self, called: Any) -> Job:
        """The steps of what is called with the images, or trained."""
        return make_job(
            self.backend,
            called,
            phase=self.case.phase,
            batch=self.batch,
            feed=self._laid_out(self.feed) if self.feed else None,
            loss=resolve(self.spec.loss, folder=self.spec.model.folder) if self.spec.loss else None,
            **self._where,
        )

    def _training_logits(self, called: Model) -> Any:
        with self.backend.autocast(**self._where):
            logits, _ = self.backend.compute_loss(called, *self.batch)
        return logits

    def _operations_in_training(self, called: Model) -> list[Operation]:
        if self.kind.compiles == "first" or self.spec.known:
            return []

        def run(images: Any) -> Any:
            with self.backend.autocast(**self._where):
                return self.backend.infer(called, images)

        return self.backend.operations(run, called, self.batch[0], engine=self.kind.name, **self._where)

    def _checked(self, logits: Any, operations: list[Operation]) -> Checked:
        chosen = spread(self.batch[0].shape[0])
        settings = self.backend.read_settings(self.spec.device)
        asked = {"engine": self.kind.name, "precision": arithmetic(self.case.precision, settings)}
        error = require_right(self.backend.to_numpy(logits)[chosen], self._reference(chosen), **asked)
        if self.spec.known:
            return Checked(error=error, layout=None, activation_dtype=None)
        layout: str | None = self.case.layout
        if self.kind.compiles == "never":
            traced = self._traced()
            layout = traced[0]["layout"]
            operations = operations or [Operation(layer["type"], layer["dtype"]) for layer in traced]
        return Checked(error=error, layout=layout, activation_dtype=require_dtype(operations, **asked))

    def _held_out_logits(self, run: Callable[[Any], Any]) -> np.ndarray:
        """Logits of the real images that nothing was calibrated on, each once."""
        path, found = Path(self.spec.calibration), []
        for batch in full_batches(path, HELD_OUT, size=self.batch[0].shape[0]):
            tensor = self.backend.from_numpy(batch, device=self.spec.device, precision="fp32")
            found.append(self.backend.to_numpy(run(tensor)))
        return np.concatenate(found)[: len(safetensors_file.load(path)[HELD_OUT])]

    def _checked_int8(self, logits: np.ndarray, exact: np.ndarray, operations: list[Operation]) -> Checked:
        """Held against eager float32 on real images: on noise it says nothing of what was calibrated."""
        asked = {"engine": self.kind.name, "precision": self.case.precision}
        dtype, share = require_dtype(operations, **asked), int8_share(operations)
        error = require_right(logits, exact, **asked)
        price = {
            "images": len(exact),
            "relative_l2": error,
            "top1_agreement": top1_agreement(logits, exact),
            "classes": len(set(exact.argmax(axis=1).tolist())),
            "int8_operations": share[0],
            "operations": share[1],
        }
        return Checked(error=error, layout=self.case.layout, activation_dtype=dtype, quantization=price)

    def _traced(self) -> list[dict[str, Any]]:
        """Layout of what the layers put out, and its dtype where operations are not reported."""
        with self.backend.autocast(**self._where):
            return self.backend.trace(self.model, self.batch[0][:TRACED_IMAGES])

    def _reference(self, chosen: list[int]) -> np.ndarray:
        """Eager float64 logits of these images.

        Those of a fixed batch are kept for the next process.
        """
        images = self.backend.to_numpy(self.batch[0])[chosen]
        model = json.dumps(self.spec.model.to_json(), sort_keys=True)
        key = hashlib.sha256(images.tobytes() + model.encode()).hexdigest()
        path = Path(self.spec.artefacts) / f"{self.tasks.name}-{key[:16]}.safetensors"
        if not path.exists():
            logits = reference_logits(self.backend, self.spec.model, weights=self.spec.weights, images=images)
            safetensors_file.save(path, {"logits": logits})
        return safetensors_file.load(path)["logits"]

    def _laid_out(self, feed: Iterator[Batch]) -> Iterator[Batch]:
        for images, labels in feed:
            yield self.backend.lay_out(self.model, images, layout=self.case.layout), labels
