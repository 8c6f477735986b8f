"""An engine on a backend, by name: the framework's own, or ONNX Runtime with what the framework exports."""

from functools import partial
from pathlib import Path
from typing import Any

from backends.contract import Backend, Model
from common.cli import UnavailableError
from common.engines.engine import Engine, Operation, compiled_ahead, timed
from common.engines.int8 import CALIBRATING, INT8, full_batches
from common.engines.kinds import ENGINE_KINDS, ONNX_RUNTIME, Wanted, require_possible
from common.engines.onnx_int8 import quantize
from common.engines.onnx_runtime import OnnxModel, require_packages

FILE = "model.onnx"
MOST_LINES = 3  # of an error


def require_engine(
    backend: Backend, engine: str, *, precision: str, device: str, layout: str, training: bool
) -> None:
    """Raise UnavailableError, with the remedy, where a model cannot run so."""
    if ENGINE_KINDS[engine].neutral:
        require_possible(engine, Wanted(precision, device, layout, training))
        require_packages([ONNX_RUNTIME.name])
    else:
        backend.require(engine=engine, precision=precision, device=device, layout=layout, training=training)


def open_engine(
    backend: Backend,
    model: Model,
    images: Any,
    *,
    engine: str,
    precision: str,
    device: str,
    folder: Path,
    threads: int | None,
    calibration: Path | None = None,
) -> Engine:
    """See ``Backend.make_engine``. ``threads`` are the neutral engine's own (None: as it chooses)."""
    how: dict[str, Any] = {"precision": precision, "device": device, "calibration": calibration}
    try:
        if not ENGINE_KINDS[engine].neutral:
            return backend.make_engine(model, images, engine=engine, folder=folder, **how)
        return _onnx_engine(backend, model, images, folder=folder, threads=threads, **how)
    except UnavailableError:
        raise
    except Exception as error:  # quantisers fail in as many ways as there are operators
        if precision != INT8:
            raise
        raise UnavailableError(f"the model cannot be had in int8: {_in_words(error)}") from error


def _onnx_engine(
    backend: Backend,
    model: Model,
    images: Any,
    *,
    folder: Path,
    threads: int | None,
    precision: str,
    device: str,
    calibration: Path | None,
) -> Engine:
    """The model exported to ``folder`` and loaded into ONNX Runtime.

    ``run`` takes and returns the backend's tensors. The batch ``images`` is held as an array already;
    others are copied first, since ONNX Runtime takes none of a framework's.
    """
    wait = partial(backend.synchronize, device)
    export = partial(_export, backend, model, images, calibration=calibration if precision == INT8 else None)
    compile_seconds = compiled_ahead(folder, export, wait)
    onnx, load_seconds = timed(lambda: OnnxModel(folder / FILE, threads=threads), wait)
    held = backend.to_numpy(images)

    def run(batch: Any) -> Any:
        array = held if batch is images else backend.to_numpy(batch)
        return backend.from_numpy(onnx.run(array), device=device, precision="fp32")

    def operations(batch: Any) -> list[Operation]:
        found: list[Operation] = onnx.operations(backend.to_numpy(batch))
        return found

    return Engine(run=run, operations=operations, compile_seconds=compile_seconds, load_seconds=load_seconds)


def _export(backend: Backend, model: Model, images: Any, folder: Path, *, calibration: Path | None) -> None:
    try:
        backend.export_onnx(model, images, folder / FILE)
    except UnavailableError:
        raise
    except Exception as error:  # exporters fail in as many ways as there are operators
        raise UnavailableError(f"the model cannot be exported to ONNX: {_in_words(error)}") from error
    if calibration is not None:
        quantize(folder / FILE, full_batches(calibration, CALIBRATING, size=images.shape[0]))


def _in_words(error: Exception) -> str:
    """The first line of an error and the last, where a compiler shows code between them."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    if len(lines) > MOST_LINES:
        lines = [lines[0], "...", lines[-1]]
    return f"{type(error).__name__}: {' '.join(' '.join(lines).split())[:300]}"
