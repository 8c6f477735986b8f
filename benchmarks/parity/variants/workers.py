"""Workers that are kept for all pairs, and started anew once one of them is lost."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backends import NAMES
from benchmarks.parity import check

if TYPE_CHECKING:
    from benchmarks.manager.worker_process import Worker


class KeptWorkers:
    """A worker of each framework, torch's first, started when first asked for."""

    def __init__(self, scratch: Path, *, timeout: float, stack: ExitStack) -> None:
        self.scratch, self._timeout, self._stack = scratch, timeout, stack
        self._sides: tuple[Worker, Worker] | None = None

    def sides(self) -> "tuple[Worker, Worker]":
        """Both workers, alive as far as is known."""
        if self._sides is None:
            self._sides = self._stack.enter_context(check.both_sides(self.scratch, timeout=self._timeout))
        return self._sides

    @property
    def alive(self) -> bool:
        """False before they are started and once one was lost."""
        return self._sides is not None

    def end(self) -> None:
        """End both: one is lost, and the other's state is nobody's."""
        self._stack.close()
        self._sides = None

    def versions(self) -> dict[str, Any]:
        """Versions of both frameworks, by backend. Raises WorkerFailure where one cannot start."""
        return {name: side.ask("versions") for name, side in zip(NAMES, self.sides(), strict=True)}


@contextmanager
def kept_workers(scratch: Path, *, timeout: float) -> Iterator[KeptWorkers]:
    """Workers that end with the ``with`` block."""
    with ExitStack() as stack:
        yield KeptWorkers(scratch, timeout=timeout, stack=stack)
