"""Workers at work: start them, prepare combinations, collect blocks of timed steps."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.manager.gpu_energy import gpu_joules
from benchmarks.manager.input_files import InputFiles
from benchmarks.manager.installations import ROOT, Installation, both_backends
from benchmarks.manager.worker_process import TASKS, Worker, WorkerFailure
from benchmarks.request.case import Case
from benchmarks.request.images import image_source, write_calibration
from benchmarks.request.job import JobFacts, JobSpec
from benchmarks.request.model_pair import ModelPair
from benchmarks.request.request import Request
from benchmarks.request.service import SOAK
from benchmarks.results.samples import Block, Measured
from common.engines.int8 import INT8
from common.engines.kinds import ENGINE_KINDS
from common.runtime.kernel_counters import KernelCounters, read_counters
from common.runtime.memory import NotEnoughMemoryError

EXACT = {"fp32": 1 << 24, "fp16": 1 << 11, "bf16": 1 << 8}  # up to it, each integer is a float
FEW = 8  # images of which a worker is asked what many would take
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
        self.installed_bytes: dict[str, int] = {}  # of each framework with all that it requires
        self.pair = request.pair
        self.models: dict[str, dict[str, Any]] = {}  # callable and files of each, by backend, of one's own
        self.layers: Mapping[str, str] = {}  # paddle's by torch's, where a pair of the user's own has both
        self.inputs = InputFiles(self.pair, scratch=scratch)

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

    def start_missing(self, names: Sequence[str]) -> None:
        """Start those that are not there, side by side."""
        missing = [name for name in names if name not in self._workers]
        if missing:
            self.start(missing)

    def _new_worker(self, name: str) -> Worker:
        return Worker(
            self.places[name].backend,
            place=self.places[name],
            threads=self.request.threads,
            scratch=self.inputs.scratch,
            timeout=self.request.timeout,
            tasks=self.places[name].tasks or self._tasks,
            as_shipped=self.request.settings_mode == "as-shipped",
        )

    def see_installed(self) -> None:
        """Have each side say how large its framework is; whoever cannot loses nothing else by it."""
        for name in self.places:
            try:
                size = self.worker(name).ask("installed_bytes")
            except WorkerFailure:
                self.end(name)
            else:
                self.installed_bytes |= {name: size} if size is not None else {}

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

    def pair_of(self, name: str) -> ModelPair:
        """The models as a side finds them, perhaps in a folder of its own."""
        folder = self.places[name].folder
        return replace(self.pair, folder=folder) if folder else self.pair

    def take(self, workers: Mapping[str, Worker]) -> None:
        """Use another's workers until ``hand_back``; a failure ends them all the same."""
        self._workers.update(workers)

    def hand_back(self) -> None:
        """Forget workers that are another's, and leave them alive."""
        self._workers.clear()

    def prepare(self, name: str, case: Case, *, known: JobFacts | None = None) -> Measured:
        """Have a backend set up a combination.

        Where an earlier process has found what is ``known`` of it, what cannot have changed is not looked at
        again, and None in the facts: the model's size, the dtype and layout that it computes in. Raises
        WorkerFailure if it cannot be had.
        """
        self._require_images(name, case)
        worker = self.worker(name)
        device = worker.ask("find_device", name=self.request.device)
        worker.ask("require", case=case.to_json(), device=device)
        self._require_fit(name, case, device=device)
        spec = self.job(name, case, device=device)
        if known is not None and self._may_be_known(case):
            spec = replace(spec, known=True, least_bytes=known.least_bytes or 0)
        facts = JobFacts.from_json(worker.ask("prepare", spec=spec.to_json()))
        return Measured(facts=facts, starting=spec if case.phase == "startup" else None)

    def _require_images(self, name: str, case: Case) -> None:
        """Raise WorkerFailure for what a pair that takes other inputs than images does not have."""
        if not self.pair.inputs:
            return
        reasons = [
            f"{words} is of images, and this pair takes other inputs"
            for words, is_asked in (
                (f"layout {case.layout}", case.layout != "NCHW"),
                (f"phase {case.phase}", case.phase == SOAK),
            )
            if is_asked
        ]
        if self.places[name].root != ROOT:
            reasons.append("another version is given images, and this pair takes other inputs")
        # What is compiled ahead in a half may be given its inputs as halves; autocast leaves them alone.
        is_cast = ENGINE_KINDS[case.engine].compiles == "ahead"
        most = EXACT.get(case.precision if is_cast else "fp32", EXACT["fp32"])
        reasons += [
            f"{each.text}: inputs travel as floats, which in {case.precision} hold integers up to {most:,}"
            for each in self.pair.inputs
            if each.dtype == "int64" and each.below - 1 > most
        ]
        if reasons:
            raise WorkerFailure(name, "unsupported", reasons[0], details={})

    def _may_be_known(self, case: Case) -> bool:
        """False of int8, whose price is looked at; and beside another checkout, which looks each time."""
        alike = all(place.root == ROOT for place in self.places.values())
        return alike and case.phase in ("infer", "train") and case.precision != INT8

    def _require_fit(self, name: str, case: Case, *, device: str) -> None:
        """Raise WorkerFailure for a large batch whose steps cannot fit, before it is drawn and written."""
        is_older = self.places[name].root != ROOT  # of --against, whose workers may not know the question
        if is_older or case.phase == "data" or not self.inputs.is_large(case.batch_size):
            return
        few = self.job(name, replace(case, batch_size=FEW), device=device)
        if few.inputs:  # else its images are read, and whoever reads them looks
            worker = self.worker(name)
            worker.ask("require_fit", spec=few.to_json(), batch_size=case.batch_size)

    def job(self, name: str, case: Case, *, device: str) -> JobSpec:
        """Job that a side's worker sets up for a case."""
        pair, backend = self.pair_of(name), self.places[name].backend
        model = pair.spec(backend, precision=case.storage, device=device)
        model = replace(model, output=pair.output, inputs=[each.text for each in pair.inputs])
        equalise = self.request.settings_mode != "as-shipped"
        images = image_source(self.request)
        if case.phase == "data":  # no model is needed to read images
            return JobSpec(case=case, model=model, equalise=equalise, images=images)
        if case.phase == "startup":
            # A start is always from a fixed batch; it is prepared once, to be checked and compiled.
            case, images = replace(case, phase="infer"), None
        artefacts = self.inputs.scratch / name  # each side's own: one may be of another version
        artefacts.mkdir(exist_ok=True)
        return JobSpec(
            case=case,
            model=model,
            equalise=equalise,
            weights=self.inputs.weights(name, lambda: self.worker(name).ask("shapes", model=model.to_json())),
            artefacts=str(artefacts),
            inputs=None if images else self.batch(name, case.batch_size),
            images=images,
            loss=pair.plugins.get(backend, {}).get("loss", ""),
            servers=self.request.serve.serve_threads if self.request.serve else 1,
            sides=self.request.soak.shapes if self.request.soak else (),
            calibration=self._calibration() if case.precision == INT8 else "",
        )

    def _calibration(self) -> str:
        """The images of int8, the same for both."""
        path = self.inputs.scratch / "calibration.safetensors"
        if not path.exists():
            write_calibration(self.request, path)
        return str(path)

    def batch(self, name: str, batch_size: int, *, number: int = 0) -> str:
        """A fixed batch for a side's worker. Raises WorkerFailure where there is no room for it."""
        try:
            return self.inputs.batch(batch_size, number=number)
        except NotEnoughMemoryError as error:
            raise WorkerFailure(name, "out-of-memory", str(error), details={}) from None
        except OSError as error:
            reason = f"a batch of {batch_size:,} inputs cannot be written: {error.strerror}"
            raise WorkerFailure(name, "unsupported", reason, details={}) from None

    def warm_up(self, name: str, steps: int) -> None:
        """Run untimed steps."""
        self.worker(name).ask("warm_up", steps=steps)

    def measure(self, name: str, measured: Measured, *, min_steps: int, min_seconds: float) -> Block:
        """Have a backend time one more block of the combination that it prepared last.

        A long block is several requests: the time limit of each finds a hang and allows a long block.
        """
        if measured.starting is not None:
            return self._measure_starts(name, measured, times=min_steps)
        worker, block, spent = self.worker(name), Block(process=measured.process), 0.0
        before = gpu_joules(measured.facts.device)
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
            block.count(counters_in(reply))
            spent += reply["span_seconds"]
            measured.last_outcome = reply["outcome"]
            measured.idle_cpu_seconds = max(measured.idle_cpu_seconds, worker.idle_cpu_seconds)
        after = gpu_joules(measured.facts.device)
        block.joules = None if before is None or after is None else after - before
        measured.blocks.append(block)
        return block

    def _measure_starts(self, name: str, measured: Measured, *, times: int) -> Block:
        """Start new processes, each of which computes a first batch: the steps of phase startup."""
        assert measured.starting is not None
        block = Block(process=measured.process)
        for _ in range(times):
            before = read_counters()
            seconds = self._start_up(name, measured.starting)
            block.extend({part: [value] for part, value in seconds.items()})
            block.count(read_counters().since(before))  # the worker is this process's child
        measured.blocks.append(block)
        return block

    def cold_start(self, name: str, case: Case, *, device: str) -> dict[str, float]:
        """Start a new process, which computes a first batch of a combination; seconds by part.

        The process is kept. Raises WorkerFailure if it gives no answer.
        """
        return self._start_up(name, self.job(name, replace(case, phase="startup"), device=device))

    def _start_up(self, name: str, spec: JobSpec) -> dict[str, float]:
        self.end(name)
        begun = time.monotonic()
        self.start([name])
        seconds = {"import": time.monotonic() - begun}
        return {**seconds, **self.worker(name).ask("start_up", spec=spec.to_json())}


def counters_in(reply: Mapping[str, Any]) -> KernelCounters | None:
    """The kernel's counters in a reply; None of a worker of a version that did not read them."""
    values = reply.get("counters")
    return KernelCounters.from_json(values) if values else None
