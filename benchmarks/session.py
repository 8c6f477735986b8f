"""Workers at work: start them, prepare combinations, collect blocks, turn them into result rows."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.intervals import percentiles_ms
from benchmarks.measured import Block, Measured
from benchmarks.options import Case, Request, missing_part
from benchmarks.parity.subject import Subject, draw_batch, write_weights
from benchmarks.processes import TASKS, Worker, WorkerFailure
from benchmarks.results import Latency, Result
from common import dataset, tensor_file

REQUEST_SECONDS = 10  # of measuring per request to a worker


class Session:
    """The workers of one command. Ends them with the ``with`` block."""

    def __init__(self, request: Request, *, scratch: Path, tasks: str = TASKS) -> None:
        self.request, self._scratch, self._tasks = request, scratch, tasks
        self._workers: dict[str, Worker] = {}
        self.versions: dict[str, dict[str, Any]] = {}
        self.subject = Subject(
            model=request.model,
            num_classes=request.num_classes,
            input_shape=request.input_shape,
            seed=request.seed,
        )

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        for name in list(self._workers):
            self.end(name)

    def start(self, names: Sequence[str]) -> None:
        """Start workers side by side, then wait for each to have its framework imported."""
        for name in names:
            self.end(name)
            self._workers[name] = Worker(
                name,
                threads=self.request.threads,
                scratch=self._scratch,
                timeout=self.request.timeout,
                tasks=self._tasks,
            )
        for name in names:
            self.versions[name] = self._workers[name].ask("versions")

    def worker(self, name: str) -> Worker:
        """A backend's worker, started again if it was ended."""
        if name not in self._workers:
            self.start([name])
        return self._workers[name]

    def end(self, name: str) -> None:
        """End a backend's worker, if it has one: after a failure nothing that it holds is trusted."""
        worker = self._workers.pop(name, None)
        if worker is not None:
            worker.close()

    def prepare(self, name: str, case: Case) -> Measured:
        """Have a backend set up a combination. Raises WorkerFailure if it cannot be had."""
        request = self.request
        reason = missing_part(request, case)
        if reason:
            raise WorkerFailure(name, "unsupported", reason)
        worker = self.worker(name)
        device = worker.ask("find_device", name=request.device)
        worker.ask("require", engine=case.engine, precision=case.precision, device=device)
        if case.phase == "data":
            facts = worker.ask(
                "prepare_reading",
                build=self.subject.build(precision=case.precision, device=device),
                data=_data(request),
                threads=request.threads,
                batch_size=case.batch_size,
            )
            return Measured(facts=facts | {"device": device})
        facts = worker.ask(
            "prepare",
            build=self.subject.build(precision=case.precision, device=device),
            weights=str(self._weights(worker, precision=case.precision, device=device)),
            phase=case.phase,
            threads=request.threads,
            batch_size=case.batch_size,
            inputs=None if request.data else str(self._inputs(case.batch_size)),
            data=_data(request),
        )
        return Measured(facts=facts | {"device": device})

    def warm_up(self, name: str) -> None:
        """Run the untimed steps."""
        self.worker(name).ask("warm_up", steps=self.request.warmup)

    def measure(self, name: str, measured: Measured, *, min_steps: int, min_seconds: float) -> Block:
        """Have a backend time one more block of the combination that it prepared last.

        A long block is several requests, so that the time limit of each tells a hang from patience.
        """
        worker, block, spent = self.worker(name), Block(), 0.0
        # Spent as the worker's clock has it: the sum of the steps is a little less, and asking for
        # the rest would add a step that starts cold to every block.
        while len(block.step_seconds) < min_steps or spent < min_seconds:
            reply = worker.ask(
                "measure",
                min_steps=min_steps - len(block.step_seconds),
                min_seconds=min_seconds - spent,
                max_seconds=REQUEST_SECONDS,
            )
            block.extend(reply["seconds"])
            spent += reply["span_seconds"]
            measured.last_outcome = reply["outcome"]
            measured.idle_cpu_seconds = max(measured.idle_cpu_seconds, worker.idle_cpu_seconds)
        measured.blocks.append(block)
        return block

    def finish(self, name: str, measured: Measured) -> None:
        """Read the peak memory and release the model."""
        measured.peak_memory_bytes = self.worker(name).ask("peak_memory_bytes")
        self.worker(name).ask("release")

    def row(self, name: str, case: Case, measured: Measured) -> Result:
        """The result row of a measured combination."""
        facts, steps = measured.facts, measured.step_seconds
        return Result(
            **self._asked(name, case) | {"device": facts["device"]},
            status="ok",
            settings=facts["settings"],
            images_per_second=case.batch_size / float(np.median(steps)),
            step_seconds=steps,
            block_steps=[len(block.step_seconds) for block in measured.blocks],
            latency_ms=Latency(**percentiles_ms(steps)),
            warmup_steps=self.request.warmup,
            peak_memory_bytes=measured.peak_memory_bytes,
            load_seconds=facts.get("load_seconds"),
            parameters=facts.get("parameters"),
            flops_per_image=facts.get("flops_per_image"),
            data_seconds=measured.part_seconds("data"),
            forward_seconds=measured.part_seconds("forward"),
            backward_seconds=measured.part_seconds("backward"),
            optimizer_seconds=measured.part_seconds("optimizer"),
            last_outcome=measured.last_outcome,
            idle_cpu_seconds=measured.idle_cpu_seconds,
        )

    def failed_row(self, case: Case, failure: WorkerFailure) -> Result:
        """The result row of a combination that could not be measured."""
        return Result(**self._asked(failure.backend, case), status=failure.status, reason=failure.reason)

    def _asked(self, name: str, case: Case) -> dict[str, Any]:
        request = self.request
        return {
            "backend": name,
            "model": request.model,
            "num_classes": request.num_classes,
            "input_shape": request.input_shape,
            "phase": case.phase,
            "engine": case.engine,
            "precision": case.precision,
            "device": request.device,
            "batch_size": case.batch_size,
            "threads": request.threads,
            "loader": request.loader,
            "settings_mode": request.settings_mode,
        }

    def _weights(self, worker: Worker, *, precision: str, device: str) -> Path:
        path = self._scratch / "weights.safetensors"
        if not path.exists():
            shapes = self.subject.shapes(worker, precision=precision, device=device)
            write_weights(shapes, seed=self.request.seed, path=path)
        return path

    def _inputs(self, batch_size: int) -> Path:
        path = self._scratch / f"batch-{batch_size}.safetensors"
        if not path.exists():
            tensor_file.save(path, draw_batch(self.subject, batch_size=batch_size))
        return path


def require_data(request: Request) -> None:
    """Raise UsageError now if the list or an image that it names cannot be read as asked."""
    if request.data is not None:
        index = dataset.read_list(request.data, root=request.root)
        dataset.require_images(index)
        dataset.require_labels(index, num_classes=request.num_classes)


def _data(request: Request) -> dict[str, Any] | None:
    if request.data is None:
        return None
    return {
        "list": str(request.data),
        "root": str(request.root) if request.root else None,
        "input_shape": request.input_shape,
        "loader": request.loader,
        "workers": request.workers,
        "augment": request.augment,
        "seed": request.seed,
    }
