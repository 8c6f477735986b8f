"""An engine on a backend, by name: the framework's own, or ONNX Runtime with what the framework exports."""

from functools import partial
from pathlib import Path
from typing import Any

from backends.contract import Backend, Model
from common.cli import UnavailableError
from common.engines.engine import Engine, Operation, compiled_ahead, timed
from common.engines.kinds import ENGINE_KINDS, ONNX_RUNTIME, Wanted, require_possible
from common.engines.onnx_runtime import OnnxModel, require_packages

FILE = "model.onnx"


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
) -> Engine:
    """See ``Backend.make_engine``. ``threads`` are the neutral engine's own (None: as it chooses)."""
    where = {"precision": precision, "device": device}
    if not ENGINE_KINDS[engine].neutral:
        return backend.make_engine(model, images, engine=engine, folder=folder, **where)
    return _onnx_engine(backend, model, images, folder=folder, threads=threads, **where)


def _onnx_engine(
    backend: Backend,
    model: Model,
    images: Any,
    *,
    folder: Path,
    threads: int | None,
    precision: str,
    device: str,
) -> Engine:
    """The model exported to ``folder`` and loaded into ONNX Runtime.

    ``run`` takes and returns the backend's tensors. The batch ``images`` is held as an array already;
    others are copied first, since ONNX Runtime takes none of a framework's.
    """
    wait = partial(backend.synchronize, device)
    compile_seconds = compiled_ahead(folder, partial(_export, backend, model, images), wait)
    onnx, load_seconds = timed(lambda: OnnxModel(folder / FILE, threads=threads), wait)
    held = backend.to_numpy(images)

    def run(batch: Any) -> Any:
        array = held if batch is images else backend.to_numpy(batch)
        return backend.from_numpy(onnx.run(array), device=device, precision=precision)

    def operations(batch: Any) -> list[Operation]:
        found: list[Operation] = onnx.operations(backend.to_numpy(batch))
        return found

    return Engine(run=run, operations=operations, compile_seconds=compile_seconds, load_seconds=load_seconds)


def _export(backend: Backend, model: Model, images: Any, folder: Path) -> None:
    try:
        backend.export_onnx(model, images, folder / FILE)
    except UnavailableError:
        raise
    except Exception as error:  # exporters fail in as many ways as there are operators
        text = " ".join(str(error).split())[:300]
        raise UnavailableError(
            f"the model cannot be exported to ONNX: {type(error).__name__}: {text}"
        ) from error
