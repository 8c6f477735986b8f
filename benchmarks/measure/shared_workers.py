"""One pair of workers that proves many models in turn: starting them takes longer than a proof."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from backends import NAMES
from benchmarks.manager.scratch import scratch_folder
from benchmarks.manager.session import Session
from benchmarks.manager.worker_process import Worker, WorkerFailure
from benchmarks.request.request import Request


class SharedWorkers:
    """Workers of both backends for what is not timed, lent to one session after the other.

    They start when first lent, and anew after a failure. Whoever measures has workers of its own.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._owner: Session | None = None  # that has started them
        self._workers: Mapping[str, Worker] = {}
        self.starts = 0  # of a pair, for whoever counts

    def __enter__(self) -> "SharedWorkers":
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    @contextmanager
    def lent_to(self, session: Session) -> Iterator[None]:
        """Context in which a session has the workers; after a failure it ends them, as it ends its own."""
        self._lend(session)
        yield
        self._take_back(session)

    def _lend(self, session: Session) -> None:
        if not all(worker.is_alive for worker in self._workers.values()):
            self._end()
        if not self._workers:
            self._workers = self._started(session.request)
        session.take(self._workers)
        session.versions.update(self._owner.versions if self._owner else {})

    def _take_back(self, session: Session) -> None:
        """Have them forget the models' modules, too: the next ones may be other."""
        session.hand_back()
        try:
            for worker in self._workers.values():
                worker.ask("forget_modules", folder=session.pair.folder)
        except WorkerFailure:
            self._end()

    def _started(self, request: Request) -> Mapping[str, Worker]:
        self.starts += 1
        scratch = self._stack.enter_context(scratch_folder())
        self._owner = self._stack.enter_context(Session(request, scratch=scratch))
        self._owner.start(NAMES)
        return {name: self._owner.worker(name) for name in NAMES}

    def _end(self) -> None:
        self._workers = {}
        self._owner = None
        self._stack.close()
