"""The files that workers read: weights and batches, drawn once, the same for both."""

from dataclasses import replace
from pathlib import Path

from benchmarks.manager.worker_process import Worker
from benchmarks.request.model_pair import Subject, draw_batch, write_weights
from common.weights import safetensors_file


class Supplies:
    """Files of a subject in a scratch folder, made when they are first asked for."""

    def __init__(self, subject: Subject, *, scratch: Path) -> None:
        self._subject, self.scratch = subject, scratch

    def weights(self, worker: Worker, *, precision: str, device: str) -> str:
        """One set of weights; ``worker`` tells the shapes, and keeps the model for its next task."""
        path = self.scratch / "weights.safetensors"
        if not path.exists():
            shapes = self._subject.shapes(worker, precision=precision, device=device)
            write_weights(shapes, seed=self._subject.seed, path=path)
        return str(path)

    def inputs(self, batch_size: int, *, number: int = 0) -> str:
        """A fixed batch of images and labels; each number has another one."""
        path = self.scratch / f"batch-{batch_size}-{number}.safetensors"
        if not path.exists():
            subject = replace(self._subject, seed=self._subject.seed + number)
            safetensors_file.save(path, draw_batch(subject, batch_size=batch_size))
        return str(path)
