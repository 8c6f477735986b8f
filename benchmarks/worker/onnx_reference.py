"""The neutral engine beside those of the frameworks: each exports its model, ONNX Runtime computes it."""

from functools import partial
from pathlib import Path
from typing import Any

from backends import Backend, Model
from benchmarks.request.job import JobSpec
from benchmarks.request.request import REFERENCES
from common.cli import UnavailableError
from common.engines.engine import Engine, Operation, compiled_ahead, timed
from common.engines.onnx_runtime import OnnxModel, require_packages

FILE = "model.onnx"


def require_reference(*, precision: str, device: str, layout: str, training: bool) -> None:
    """Raise UnavailableError, with the remedy, where the reference cannot be had."""
    if training or precision != "fp32" or layout != "NCHW":
        raise UnavailableError("the reference infers in fp32 and NCHW; leave --reference out otherwise")
    if device != "cpu":
        raise UnavailableError("the reference runs on the CPU; add --device cpu, or leave --reference out")
    require_packages(REFERENCES)


def reference_engine(backend: Backend, model: Model, images: Any, *, order: JobSpec, folder: Path) -> Engine:
    """The model exported to ``folder`` and loaded into ONNX Runtime.

    ``run`` takes and returns the backend's tensors. The batch ``images`` is held as an array already;
    others are copied first, since ONNX Runtime takes none of a framework's.
    """
    wait = partial(backend.synchronize, order.device)
    export = partial(_export, backend, model, images)
    compile_seconds = compiled_ahead(folder, lambda target: export(target / FILE), wait)
    threads = order.threads if order.equalise else None
    onnx, load_seconds = timed(lambda: OnnxModel(folder / FILE, threads=threads), wait)
    kept = backend.to_numpy(images)
    place = {"device": order.device, "precision": order.precision}

    def run(batch: Any) -> Any:
        array = kept if batch is images else backend.to_numpy(batch)
        return backend.from_numpy(onnx.run(array), **place)

    def operations(batch: Any) -> list[Operation]:
        found: list[Operation] = onnx.operations(backend.to_numpy(batch))
        return found

    return Engine(run=run, operations=operations, compile_seconds=compile_seconds, load_seconds=load_seconds)


def _export(backend: Backend, model: Model, images: Any, path: Path) -> None:
    try:
        backend.export_onnx(model, images, path)
    except UnavailableError:
        raise
    except Exception as error:  # exporters fail in as many ways as there are operators
        text = " ".join(str(error).split())[:300]
        raise UnavailableError(
            f"the model cannot be exported to ONNX: {type(error).__name__}: {text}"
        ) from error
