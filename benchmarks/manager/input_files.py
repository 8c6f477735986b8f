"""Files that workers are given: weights and fixed batches."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.request.inputs import batch_bytes, draw_batch, write_weights
from benchmarks.request.model_pair import ModelPair
from common.weights import safetensors_file

LARGE_BYTES = 1 << 28  # of a batch: whether a step fits is then asked before the batch is drawn


class InputFiles:
    """Weights and batches for workers, drawn once, the same for both.

    Made when first asked for.
    """

    def __init__(self, pair: ModelPair, *, scratch: Path) -> None:
        self._pair, self.scratch = pair, scratch

    def own_weights(self, name: str) -> Path:
        """Where the weights of a side of the user's own pair lie, under that side's own names."""
        return self.scratch / f"weights-{name}.safetensors"

    def weights(self, name: str, shapes: Callable[[], Mapping[str, Sequence[int]]]) -> str:
        """One set of weights for both, or a side's own.

        ``shapes`` asks a worker, where they are not drawn yet.
        """
        if self._pair.foreign:
            assert self.own_weights(name).exists(), "benchmarks.measure.own_weights writes them first"
            return str(self.own_weights(name))
        path = self.scratch / "weights.safetensors"
        if not path.exists():
            write_weights(shapes(), seed=self._pair.seed, path=path)
        return str(path)

    def is_large(self, batch_size: int) -> bool:
        """True of a batch that takes seconds to draw and to write."""
        return batch_bytes(self._pair, batch_size) > LARGE_BYTES

    def batch(self, batch_size: int, *, number: int = 0) -> str:
        """A fixed batch of images and labels; each number has another one."""
        path = self.scratch / f"batch-{batch_size}-{number}.safetensors"
        if not path.exists():
            pair = replace(self._pair, seed=self._pair.seed + number)
            safetensors_file.save(path, draw_batch(pair, batch_size=batch_size))
        return str(path)
