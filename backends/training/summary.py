"""The layer table: what a model is made of, the same for both backends."""

from collections import Counter

import numpy as np

from backends import Backend, Model
from common.weights.checkpoint import Subject


def layer_table(backend: Backend, model: Model, subject: Subject, *, device: str) -> str:
    """Name, type, output shape and parameters of each layer in execution order, and their sum."""
    from tabulate import tabulate

    shape = subject.preparation.input_shape
    images = np.zeros((1, *shape), dtype=np.float32)
    shapes = backend.parameter_shapes(model)
    dtype = "fp64" if next(iter(backend.get_weights(model).values())).dtype == np.float64 else "fp32"
    layers = backend.trace(model, backend.from_numpy(images, device=device, precision=dtype))
    counts: Counter[str] = Counter()
    for name, sizes in shapes.items():
        counts[name.rpartition(".")[0]] += int(np.prod(sizes))
    rows = [
        (layer["name"], layer["type"], "x".join(map(str, layer["output_shape"][1:])), counts[layer["name"]])
        for layer in layers
    ]
    total = sum(counts.values())
    table = tabulate(
        [(name, kind, out, f"{count:,}" if count else "") for name, kind, out, count in rows],
        headers=("layer", "type", "output", "parameters"),
        colalign=("left", "left", "left", "right"),
        disable_numparse=True,
    )
    return f"{table}\n{subject.model}: {total:,} parameters, images {'x'.join(map(str, shape))}"
