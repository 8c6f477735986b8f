"""Workers at work: start them, prepare combinations, collect blocks of timed steps."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from benchmarks.manager.installations import Installation, both_backends
from benchmarks.manager.worker_process import TASKS, Worker
from benchmarks.request.job import JobSpec
from benchmarks.request.model_pair import ModelPair, draw_batch, write_weights
from benchmarks.request.request import Case, Request, data_facts
from benchmarks.results.samples import Block, Measured
from common.weights import safetensors_file

REQUEST_SECONDS = 10  # of measuring per request to a worker


class Session:
    """The workers of one command, by side: "torch" and "paddle", unless ``places`` has others.

    Ends them with the ``with`` block.
    """

    def __init__(
        self,
        request: Request,
        *,
        scratch: Path,
        tasks: str = TASKS,
        places: Mapping[str, Installation] | None = None,
    ) -> None:
        self.request, self._tasks = request, tasks
        self.places = places or both_backends()
        self._workers: dict[str, Worker] = {}
        self.versions: dict[str, dict[str, Any]] = {}
        self.subject = ModelPair(
            model=request.model,
            num_classes=request.num_classes,
            input_shape=request.input_shape,
            seed=request.seed,
        )
        self.supplies = InputFiles(self.subject, scratch=scratch)

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        for name in list(self._workers):
            self.end(name)

    def start(self, names: Sequence[str]) -> None:
        """Start workers side by side, then wait for each to have its framework imported."""
        for name in names:
            self.end(name)
            self._workers[name] = self._new_worker(name)
        for name in names:
            self.versions[name] = self._workers[name].ask("versions")

    def _new_worker(self, name: str) -> Worker:
        return Worker(
            self.places[name].backend,
            place=self.places[name],
            threads=self.request.threads,
            scratch=self.supplies.scratch,
            timeout=self.request.timeout,
            tasks=self.places[name].tasks or self._tasks,
            as_shipped=self.request.settings_mode == "as-shipped",
        )

    def worker(self, name: str) -> Worker:
        """A side's worker, started again if it was ended."""
        if name not in self._workers:
            self.start([name])
        return self._workers[name]

    def end(self, name: str) -> None:
        """End a side's worker, if it has one: after a failure nothing that it holds is trusted."""
        worker = self._workers.pop(name, None)
        if worker is not None:
            worker.close()

    def prepare(self, name: str, case: Case) -> Measured:
        """Have a backend set up a combination. Raises WorkerFailure if it cannot be had."""
        worker = self.worker(name)
        device = worker.ask("find_device", name=self.request.device)
        how: dict[str, Any] = {"engine": case.engine, "precision": case.precision, "layout": case.layout}
        worker.ask("require", **how, device=device, training=case.phase == "train")
        if case.phase == "data":
            facts = worker.ask(
                "prepare_reading",
                build=self.build(case, device),
                data=data_facts(self.request),
                threads=None if self.request.settings_mode == "as-shipped" else case.threads,
                batch_size=case.batch_size,
            )
            return Measured(facts=facts | {"device": device})
        order = asdict(self._order(name, case, device=device))
        facts = worker.ask("prepare", **order)
        starting = order if case.phase == "startup" else None
        return Measured(facts=facts | {"device": device}, starting=starting)

    def build(self, case: Case, device: str) -> dict[str, Any]:
        """Arguments of Backend.build for a combination: mixed precisions keep parameters in fp32."""
        return self.subject.build(precision="fp64" if case.precision == "fp64" else "fp32", device=device)

    def _order(self, name: str, case: Case, *, device: str) -> JobSpec:
        build, worker = self.build(case, device), self.worker(name)
        artefacts = self.supplies.scratch / name  # each side's own: one may be of another version
        artefacts.mkdir(exist_ok=True)
        # A start is always from a fixed batch; it is prepared once, to be checked and compiled.
        data = None if case.phase == "startup" else data_facts(self.request)
        return JobSpec(
            build=build,
            weights=self.supplies.weights(worker, precision=build["precision"], device=device),
            phase="infer" if case.phase == "startup" else case.phase,
            threads=case.threads,
            batch_size=case.batch_size,
            engine=case.engine,
            precision=case.precision,
            layout=case.layout,
            artefacts=str(artefacts),
            equalise=self.request.settings_mode != "as-shipped",
            inputs=None if data else self.supplies.inputs(case.batch_size),
            data=data,
        )

    def warm_up(self, name: str) -> None:
        """Run the untimed steps."""
        self.worker(name).ask("warm_up", steps=self.request.warmup)

    def measure(self, name: str, measured: Measured, *, min_steps: int, min_seconds: float) -> Block:
        """Have a backend time one more block of the combination that it prepared last.

        A long block is several requests, so that the time limit of each tells a hang from patience.
        """
        if measured.starting is not None:
            return self._measure_starts(name, measured, times=min_steps)
        worker, block, spent = self.worker(name), Block(process=measured.process), 0.0
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

    def _measure_starts(self, name: str, measured: Measured, *, times: int) -> Block:
        """Start new processes, each of which computes a first batch: the steps of phase startup."""
        assert measured.starting is not None
        block = Block(process=measured.process)
        for _ in range(times):
            self.end(name)
            begun = time.monotonic()
            self.start([name])
            seconds = {"import": time.monotonic() - begun}
            seconds |= self.worker(name).ask("start_up", **measured.starting)
            block.extend({part: [value] for part, value in seconds.items()})
        measured.blocks.append(block)
        return block


class InputFiles:
    """Files of a subject in a scratch folder, made when they are first asked for."""

    def __init__(self, subject: ModelPair, *, scratch: Path) -> None:
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
