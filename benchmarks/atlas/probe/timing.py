"""Time one case: its forward and its backward pass, each for itself."""

import time
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.atlas.probe.evaluation import Evaluator, Given
from benchmarks.worker.timing import run_steps, time_steps
from common.runtime.kernel_counters import read_counters

WARM_UP = 3


class Clock:
    """A Timeline of the CPU."""

    def synchronize(self) -> None:
        """Nothing is queued on a CPU."""

    def mark(self) -> float:
        """A moment."""
        return time.perf_counter()

    def seconds_between(self, start: float, end: float) -> float:
        """Seconds between two moments."""
        return end - start


class CaseTimer:
    """At most one case is prepared at a time."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self.parts: dict[str, Any] = {}

    def prepare(
        self, spelling: str, inputs: Mapping[str, str], sizes: Mapping[str, int], training: bool
    ) -> list[str]:
        """Build the layer or the function and its inputs, in float32; returns the parts that can be timed."""
        evaluator, words = self.evaluator, self.evaluator.words
        given = Given(inputs=inputs, dtype="float32", sizes=sizes)
        warnings.simplefilter("ignore")
        value, leaves, values = evaluator.value(spelling, given)
        values |= leaves  # a step goes back no further than to the leaves
        names = {**evaluator.names, **sizes}
        if words.is_layer(value):
            evaluator.backend.set_training(value, training)
            arguments = list(values.values())
            run = lambda: value(*arguments)  # noqa: E731 - the shortest path to what is timed
        else:
            compiled = compile(spelling, "<case>", "eval")
            bound = {**names, **values}
            run = lambda: eval(compiled, bound)  # noqa: E731, S307 - the atlas' own lines
        self._kept = (leaves, value)
        self.parts = self._parts(run)
        run_steps(self.parts, Clock(), steps=WARM_UP)
        return list(self.parts)

    def measure(self, min_steps: int, min_seconds: float) -> dict[str, Any]:
        """``seconds`` of each part, one value a step, and what the kernel counted meanwhile: ``counters``."""
        before = read_counters()
        seconds = time_steps(self.parts, Clock(), min_steps=min_steps, min_seconds=min_seconds)
        return {"seconds": seconds, "counters": read_counters().since(before).to_json()}

    def _parts(self, run: Any) -> dict[str, Any]:
        evaluator, words = self.evaluator, self.evaluator.words
        kept: dict[str, Any] = {}

        def forward() -> None:
            kept["value"] = run()

        forward()
        tensors = [t for _, t in evaluator.outputs(kept["value"], "") if isinstance(t, words.tensor_type)]
        places = [p for p, t in enumerate(tensors) if words.is_recorded(t)]
        if not places:
            return {"forward": forward}
        cotangents = [
            words.tensor(np.ones(tuple(tensors[p].shape), np.float32), gradient=False) for p in places
        ]

        def backward() -> None:
            found = [t for _, t in evaluator.outputs(kept["value"], "") if isinstance(t, words.tensor_type)]
            words.backward([found[p] for p in places], cotangents)

        return {"forward": forward, "backward": backward}
