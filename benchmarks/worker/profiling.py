"""Tasks that explain a figure: the machine's matrix-product peak, and every layer on its own."""

import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import numpy as np

from backends.open_model import open_model
from benchmarks.request.case import Case
from benchmarks.request.job import JobSpec
from benchmarks.worker.setup import ModelTasks
from benchmarks.worker.steps import DeviceTimeline
from benchmarks.worker.timing import run_steps, time_steps
from common.engines.engine import Layer, is_heavy
from common.engines.int8 import INT8
from common.engines.kinds import EAGER

# Of the square matrices: 2 GFLOP, 1 TFLOP. Small on a CPU: of many products one is undisturbed.
SIZES = {"cpu": 1024, "gpu": 8192}
PEAK_SECONDS = 0.6
STREAMED = {"cpu": 1 << 25, "gpu": 1 << 27}  # numbers of an array, 128 MiB and 512: no cache holds two
STREAM_SECONDS = 0.3
ITEM_BYTES = {"fp64": 8, "fp32": 4, "tf32": 4, "bf16": 2, "fp16": 2, "int8": 1}
LAYER_SECONDS = 0.1  # of each layer, at least


class ProfilingTasks(ModelTasks):
    """Tasks beside the measuring of steps; see benchmarks.worker.tasks.Tasks."""

    def matmul_peak(
        self, precision: str, device: str, threads: int | None, seconds: float | None = None
    ) -> float | None:
        """Floating-point operations a second in a large square matrix product: the fastest of several.

        Returns None where the framework cannot multiply in this precision.
        """
        if precision == INT8:
            return None  # a product of floats would be another machine's peak
        if threads:
            self.backend.equalise(threads=threads, device=device, tf32=precision == "tf32")
        size = SIZES[device.partition(":")[0]]
        matrix = np.random.default_rng(0).standard_normal((size, size), dtype=np.float32)
        try:
            multiply = self.backend.matrix_product(matrix, device=device, precision=precision)
            multiply()
        except (RuntimeError, ValueError):  # as either framework puts it that a kernel is not there
            return None
        timeline = DeviceTimeline(self.backend, device)
        found = time_steps(
            {"multiply": multiply},
            timeline,
            min_steps=2,
            min_seconds=PEAK_SECONDS if seconds is None else seconds,
        )
        return 2 * size**3 / min(found["multiply"])

    def bandwidth(self, device: str, threads: int | None, seconds: float | None = None) -> float | None:
        """Bytes a second of memory, in the sum of two arrays: the fastest of several.

        Returns None where the memory is too small for them.
        """
        if threads:
            self.backend.equalise(threads=threads, device=device, tf32=False)
        array = np.ones(STREAMED[device.partition(":")[0]], dtype=np.float32)
        try:
            add = self.backend.stream_sum(array, device=device)
            add()
        except (RuntimeError, ValueError, MemoryError):
            return None
        timeline = DeviceTimeline(self.backend, device)
        found = time_steps(
            {"add": add}, timeline, min_steps=3, min_seconds=STREAM_SECONDS if seconds is None else seconds
        )
        return 3 * array.nbytes / min(found["add"])  # two are read, one is written

    def time_layers(self, spec: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Median seconds of every layer's forward and backward pass, each alone, in execution order.

        One that cannot be run alone has ``reason`` in their place.
        """
        job = JobSpec.from_json(spec)
        self._equalise(job)
        model = open_model(self.backend, job.model)
        self._load(model, job.weights)
        self.backend.set_training(model, True)
        images, _ = self._inputs(job)
        how = {"precision": job.case.precision, "device": job.device}
        with self.backend.autocast(**how):
            layers = self.backend.isolate_layers(model, images)
        return [self._time_or_refuse(layer, **how) for layer in layers]

    def _time_or_refuse(self, layer: Layer, *, precision: str, device: str) -> dict[str, Any]:
        try:
            return self._time_layer(layer, precision=precision, device=device)
        except Exception as error:  # a layer's own code: the others are timed nevertheless
            if self.backend.is_out_of_memory(error):
                raise
            reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
            return {"name": layer.name, "type": layer.type, "reason": reason}

    def _time_layer(self, layer: Layer, *, precision: str, device: str) -> dict[str, Any]:
        def forward() -> None:
            with self.backend.autocast(precision=precision, device=device):
                layer.forward()

        parts = {"forward": forward, "backward": layer.backward}
        timeline = DeviceTimeline(self.backend, device)
        run_steps(parts, timeline, steps=1)
        seconds = time_steps(parts, timeline, min_steps=3, min_seconds=LAYER_SECONDS)
        asked = {"engine": EAGER.name, "precision": precision, "device": device}
        ran = self.backend.operations(lambda _: forward(), None, None, **asked)
        # None where the layer has no arithmetic to speak of, or the framework does not report it.
        kernels = [operation.kernel for operation in ran if is_heavy(operation.name)]
        return {
            "name": layer.name,
            "type": layer.type,
            "forward_seconds": median(seconds["forward"]),
            "backward_seconds": median(seconds["backward"]),
            "kernel": kernels[-1] if kernels else None,
            "input_shape": layer.input_shape,
            "output_shape": layer.output_shape,
        }


def flops_per_image(trace: Sequence[Mapping[str, Any]], shapes: Mapping[str, Sequence[int]]) -> int:
    """Floating-point operations of one forward pass for one image.

    A multiply-add counts as two. Convolutions and linear layers only, without biases, as papers count.
    ``trace`` is a backend's, ``shapes`` the neutral shapes of the parameters: (outputs, inputs / groups,
    ...).
    """
    return sum(
        2 * math.prod(weight) * _positions(layer, weight)
        for layer in trace
        if len(weight := shapes.get(f"{layer['name']}.weight", ())) >= 2
    )


def _positions(layer: Mapping[str, Any], weight: Sequence[int]) -> int:
    """How often a layer's weights are gone over for one image."""
    if layer["type"] == "Embedding":  # looks up, and multiplies nothing
        return 0
    transposed = layer["type"].startswith("ConvTranspose")
    shape: Sequence[int] = layer["input_shape" if transposed else "output_shape"]
    # Features come last, channels second.
    return math.prod(list(shape[1:-1] if len(weight) == 2 else shape[2:]))


def least_bytes(
    trace: Sequence[Mapping[str, Any]], shapes: Mapping[str, Sequence[int]], *, case: Case, traced: int
) -> int:
    """Bytes that a step of a case holds at once, at least, whatever the engine does with the rest.

    ``trace`` is a backend's of ``traced`` images. To infer it is the largest tensor that a layer puts out; in
    training all that layers with weights do, which the backward pass needs.
    """
    kept = [layer for layer in trace if len(shapes.get(f"{layer['name']}.weight", ())) >= 2]
    sizes = [math.prod(layer["output_shape"] or ()) for layer in trace]
    largest = max(sizes, default=0)
    if case.phase == "train":
        largest = max(largest, sum(math.prod(layer["output_shape"] or ()) for layer in kept))
    return largest * case.batch_size // traced * ITEM_BYTES[case.precision]


def moved_per_image(trace: Sequence[Mapping[str, Any]], *, batch: int) -> int:
    """Numbers that all layers take and put out in one forward pass, for one image."""
    shapes = [layer[place] for layer in trace for place in ("input_shape", "output_shape")]
    return int(sum(math.prod(shape) for shape in shapes if shape)) // batch
