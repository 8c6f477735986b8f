"""The two sides of an atlas: kept workers, asked at once, started again when one is gone."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from benchmarks.manager.installations import Installation
from benchmarks.manager.worker_process import Worker, WorkerFailure
from benchmarks.parity.tensors.tensor_folder import TensorFolder

TASKS = "benchmarks.atlas.probe.tasks:AtlasTasks"
GONE = "gone"  # the status of a step in which a worker died or hung


class Sides:
    """Workers by side's name. Ends them with the ``with`` block."""

    def __init__(
        self, places: Mapping[str, Installation], *, scratch: Path, threads: int = 1, timeout: float = 60.0
    ) -> None:
        self.places, self.scratch = places, scratch
        self._settings: dict[str, Any] = {"threads": threads, "timeout": timeout, "tasks": TASKS}
        self._workers: dict[str, Worker] = {}
        self._stack = ExitStack()
        self.versions: dict[str, dict[str, Any]] = {}

    def __enter__(self) -> Self:
        for name in self.places:
            self._start(name)
        self.versions = {name: self._workers[name].ask("versions", timeout=300) for name in self.places}
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers.values():
            worker.close()

    def _start(self, name: str) -> None:
        place = self.places[name]
        self._workers[name] = Worker(place.backend, place=place, scratch=self.scratch, **self._settings)

    def renew(self) -> None:
        """End both workers and start others: a case may have corrupted their memory."""
        for name, worker in self._workers.items():
            worker.close()
            self._start(name)

    def folder(self, *parts: str) -> TensorFolder:
        """An empty folder for tensors."""
        folder = TensorFolder(self.scratch.joinpath("atlas", *parts))
        folder.clear()
        return folder

    def ask(self, name: str, task: str, **arguments: Any) -> Any:
        """One side's answer; a status GONE, with the reason, where its worker was lost."""
        return self.ask_each(task, lambda _: arguments, among=(name,))[name]

    def ask_each(
        self, task: str, own: Callable[[str], Mapping[str, Any]], *, among: tuple[str, ...] = ()
    ) -> dict[str, Any]:
        """Both sides' answers by name, computed at the same time."""
        names = among or tuple(self.places)
        answers: dict[str, Any] = {}
        for name in names:
            try:
                self._workers[name].send(task, **own(name))
            except WorkerFailure as failure:
                answers[name] = self._lost(name, failure)
        for name in names:
            if name not in answers:
                answers[name] = self._answer(name)
        return answers

    def _answer(self, name: str) -> Any:
        try:
            return self._workers[name].receive()
        except WorkerFailure as failure:
            if failure.is_gone:
                return self._lost(name, failure)
            return {"status": "error", "reason": failure.reason}

    def _lost(self, name: str, failure: WorkerFailure) -> dict[str, str]:
        """Start another worker; the case that ended this one says so."""
        self._workers[name].close()
        self._start(name)
        return {"status": GONE, "reason": f"{failure.status}: {failure.reason}"}
