"""A checkpoint written as another kind of file."""

from pathlib import Path

from backends.inference.checkpoints import OpenCheckpoint
from backends.inference.classifier import build
from backends.launch import start
from common.weights.checkpoint import Checkpoint


def convert(opened: OpenCheckpoint, target: Path, *, backend_name: str) -> int:
    """Write the weights to ``target`` in the kind of file that its name says.

    Returns the number of arrays.
    """
    backend, device = start(backend_name, device="cpu")
    model = build(backend, opened.subject, precision="fp32", device=device)
    weights = opened.fitted(backend.parameter_shapes(model))
    if target.suffix == ".safetensors":
        Checkpoint(subject=opened.subject, weights=weights).write(target)
    else:
        backend.set_weights(model, weights)
        backend.save_weights(model, target)
    return len(weights)
