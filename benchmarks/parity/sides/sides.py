"""Both sides asked at once or one after the other, and the folders that their tensors lie in."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, cast

from backends import NAMES
from benchmarks.manager.worker_process import Worker, WorkerFailure
from benchmarks.parity.tensors.tensor_folder import TensorFolder
from benchmarks.request.model_pair import Askable


class Sides:
    """Asks both sides, and owns the folder of their tensors.

    The folder is gone after the ``with`` block. ``together``: both compute at once what
    both are asked for. Sides must then be workers.
    """

    def __init__(self, torch_side: Askable, paddle_side: Askable, *, scratch: Path, together: bool) -> None:
        self._sides, self._together = {"torch": torch_side, "paddle": paddle_side}, together
        self._root = scratch / "parity"
        self.titles: Mapping[str, str] = {}  # what a failure calls a side, if not by its name
        self.peak_disk_bytes = 0

    def __enter__(self) -> Self:
        shutil.rmtree(self._root, ignore_errors=True)
        self._root.mkdir(parents=True)
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._root, ignore_errors=True)

    def ask(self, backend: str, step: str, **arguments: Any) -> Any:
        """Have a side do one step, with everything it needs to know given as paths and numbers."""
        try:
            return self._result(self._sides[backend].ask("parity", step=step, **arguments), arguments)
        except WorkerFailure as failure:
            raise self._titled(failure, backend) from None

    def ask_both(
        self,
        step: str,
        *,
        target: Callable[[str], str] | None = None,
        own: Callable[[str], Mapping[str, Any]] = lambda _: {},
        among: Sequence[str] = NAMES,
        **shared: Any,
    ) -> dict[str, Any]:
        """The same step on torch and on paddle (or one ``among`` them).

        Returns the results by name. ``target`` names the folder that each fills, ``own`` gives the arguments
        of each alone.
        """
        asked: dict[str, dict[str, Any]] = {name: {**shared, **own(name)} for name in among}
        for name, arguments in asked.items():
            if target is not None:
                arguments["target"] = str(self.folder(target(name)).path)
        if not self._together:
            return {name: self.ask(name, step, **arguments) for name, arguments in asked.items()}
        workers = {name: cast("Worker", self._sides[name]) for name in asked}
        for name, arguments in asked.items():
            workers[name].send("parity", step=step, **arguments)
        results, failures = {}, []
        for name, arguments in asked.items():  # both are waited for, whatever the first one says
            try:
                results[name] = self._result(workers[name].receive(), arguments)
            except WorkerFailure as failure:
                failures.append(self._titled(failure, name))
        if failures:
            raise failures[0]
        return results

    def _titled(self, failure: WorkerFailure, side: str) -> WorkerFailure:
        failure.backend = self.titles.get(side, side)
        return failure

    def _result(self, result: Any, arguments: Mapping[str, Any]) -> Any:
        if "target" in arguments:
            self.peak_disk_bytes = max(self.peak_disk_bytes, self._used())
        return result

    def folder(self, name: str) -> TensorFolder:
        """An empty folder for tensors."""
        folder = TensorFolder(self._root / name)
        folder.clear()
        return folder

    def path(self, name: str) -> str:
        """Where a folder of that name lies."""
        return str(self._root / name)

    def _used(self) -> int:
        return sum(path.stat().st_size for path in self._root.rglob("*") if path.is_file())
