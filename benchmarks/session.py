"""Workers at work: start them, prepare combinations, collect blocks, turn them into result rows."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.flops import flops_of_step
from benchmarks.intervals import percentiles_ms
from benchmarks.measured import Block, Measured
from benchmarks.options import Case, Request
from benchmarks.parity.subject import Subject, draw_batch, write_weights
from benchmarks.processes import TASKS, Worker, WorkerFailure
from benchmarks.results import Latency, LayerTimes, Result
from common import dataset, tensor_file

REQUEST_SECONDS = 10  # of measuring per request to a worker


class Session:
    """The workers of one command. Ends them with the ``with`` block."""

    def __init__(self, request: Request, *, scratch: Path, tasks: str = TASKS) -> None:
        self.request, self._scratch, self._tasks = request, scratch, tasks
        self._workers: dict[str, Worker] = {}
        self.versions: dict[str, dict[str, Any]] = {}
        self._peaks: dict[tuple[Any, ...], float | None] = {}
        self._layer_times: dict[str, list[dict[str, Any]]] = {}
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
                as_shipped=self.request.settings_mode == "as-shipped",
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
        worker = self.worker(name)
        device = worker.ask("find_device", name=request.device)
        asked: dict[str, Any] = {"engine": case.engine, "precision": case.precision, "layout": case.layout}
        worker.ask("require", **asked, device=device, training=case.phase == "train")
        build = self.subject.build(precision="fp64" if case.precision == "fp64" else "fp32", device=device)
        if case.phase == "data":
            facts = worker.ask(
                "prepare_reading",
                build=build,
                data=_data(request),
                threads=case.threads,
                batch_size=case.batch_size,
            )
            return Measured(facts=facts | {"device": device})
        where: dict[str, Any] = {
            "build": build,
            "weights": str(self._weights(worker, precision=build["precision"], device=device)),
            "threads": case.threads,
            "batch_size": case.batch_size,
            **asked,
            "artefacts": str(self._scratch),
            "equalise": request.settings_mode != "as-shipped",
            "inputs": None if request.data else str(self._inputs(case.batch_size)),
        }
        starting = case.phase == "startup"
        if starting:  # always from a fixed batch; prepared once, so that it is checked and compiled
            where["inputs"] = str(self._inputs(case.batch_size))
        phase = "infer" if starting else case.phase
        facts = worker.ask("prepare", phase=phase, data=None if starting else _data(request), **where)
        return Measured(facts=facts | {"device": device}, starting=where if starting else None)

    def warm_up(self, name: str) -> None:
        """Run the untimed steps."""
        self.worker(name).ask("warm_up", steps=self.request.warmup)

    def measure(self, name: str, measured: Measured, *, min_steps: int, min_seconds: float) -> Block:
        """Have a backend time one more block of the combination that it prepared last.

        A long block is several requests, so that the time limit of each tells a hang from patience.
        """
        if measured.starting is not None:
            return self._measure_starts(name, measured, times=min_steps)
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

    def _measure_starts(self, name: str, measured: Measured, *, times: int) -> Block:
        """Start new processes, each of which computes a first batch: the steps of phase startup."""
        assert measured.starting is not None
        block = Block()
        for _ in range(times):
            self.end(name)
            begun = time.monotonic()
            self.start([name])
            seconds = {"import": time.monotonic() - begun}
            seconds |= self.worker(name).ask("start_up", **measured.starting)
            block.extend({part: [value] for part, value in seconds.items()})
        measured.blocks.append(block)
        return block

    def finish(self, name: str, case: Case, measured: Measured) -> None:
        """Read the peak memory, release the model, and find out what explains the figures."""
        worker = self.worker(name)
        if measured.starting is not None:
            return
        measured.peak_memory_bytes = worker.ask("peak_memory_bytes")
        worker.ask("release")
        device = measured.facts["device"]
        threads = None if self.request.settings_mode == "as-shipped" else case.threads
        key = (name, device, case.precision, threads)
        if case.phase != "data" and key not in self._peaks:
            where = {"precision": case.precision, "device": device, "threads": threads}
            self._peaks[key] = worker.ask("matmul_peak", **where)
        measured.matmul_peak_flops = self._peaks.get(key)
        if self.request.layers and case.engine == "eager" and case.phase in ("infer", "train"):
            build = self.subject.build(
                precision="fp64" if case.precision == "fp64" else "fp32", device=device
            )
            weights = str(self._weights(worker, precision=build["precision"], device=device))
            inputs = str(self._inputs(case.batch_size))
            measured.layers = self._layers_of(name, build, weights=weights, inputs=inputs, threads=threads)

    def _layers_of(self, name: str, build: dict[str, Any], **asked: Any) -> list[dict[str, Any]]:
        key = json.dumps([name, build, asked])
        if key not in self._layer_times:
            self._layer_times[key] = self.worker(name).ask("time_layers", build=build, **asked)
        return self._layer_times[key]

    def row(self, name: str, case: Case, measured: Measured) -> Result:
        """The result row of a measured combination."""
        facts, steps = measured.facts, measured.step_seconds
        starting = measured.starting is not None
        speed = None if starting else case.batch_size / float(np.median(steps))
        return Result(
            **self._asked(name, case)
            | {"device": facts["device"], "threads": facts["settings"]["threads"] or case.threads},
            status="ok",
            settings=facts["settings"],
            images_per_second=speed,
            step_seconds=steps,
            block_steps=[len(block.step_seconds) for block in measured.blocks],
            latency_ms=Latency(**percentiles_ms(steps)),
            warmup_steps=self.request.warmup,
            peak_memory_bytes=measured.peak_memory_bytes,
            compile_seconds=facts.get("compile_seconds"),
            import_seconds=measured.part_seconds("import"),
            build_seconds=measured.part_seconds("build"),
            load_seconds=measured.part_seconds("load") if starting else facts.get("load_seconds"),
            first_batch_seconds=measured.part_seconds("first_batch"),
            error=facts.get("error"),
            parameters=facts.get("parameters"),
            flops_per_image=facts.get("flops_per_image"),
            matmul_peak_flops=measured.matmul_peak_flops,
            fraction_of_matmul_peak=_fraction(case, measured, speed),
            cost_per_million_images=cost_per_million(self.request.price_per_hour, speed),
            layers=[LayerTimes(**layer) for layer in measured.layers],
            tuning=measured.tuning,
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
            "threads": case.threads,
            "layout": case.layout,
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


def cost_per_million(price_per_hour: float | None, images_per_second: float | None) -> float | None:
    """What a million images cost, in the currency of the price; None without one."""
    if price_per_hour is None or images_per_second is None:
        return None
    return price_per_hour / 3600 / images_per_second * 1e6


def _fraction(case: Case, measured: Measured, speed: float | None) -> float | None:
    """The arithmetic done, as a part of what the framework's matrix product reaches on this machine."""
    step = flops_of_step(case.phase, measured.facts.get("flops_per_image") or 0)
    peak = measured.matmul_peak_flops
    return step * speed / peak if step and peak and speed else None


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
