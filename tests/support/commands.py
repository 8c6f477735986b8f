"""Commands run inside this process, with workers inside it too, where faults can be planted."""

import re
import signal
import sys
from typing import ClassVar

import pytest

import backends
from benchmarks.manager.worker_process import WorkerFailure
from common import cli
from tests.support.sides import LocalSide, altered

# One thread: small models gain nothing from more, and on a busy machine each operation waits for them.
QUICK = ["--min-seconds", "0", "--min-iterations", "2", "--warmup", "1", "--threads", "1"]


class LocalWorker(LocalSide):
    """A worker inside this process; ``planted`` alters its backend, ``ask`` may be made to fail."""

    planted: ClassVar = {}
    failing: ClassVar = {}

    def __init__(self, name, **_):
        backend = backends.load(name)
        super().__init__(name, altered(backend, **self.planted.get(name, lambda backend: {})(backend)))
        self.name, self.idle_cpu_seconds, self.pid = name, 0.0, id(self)

    def ask(self, task, *, timeout=None, **arguments):
        if task in self.failing.get(self.name, {}):
            raise WorkerFailure(self.name, *self.failing[self.name][task])
        try:
            return super().ask(task, **arguments)
        except (cli.UnavailableError, MemoryError) as error:
            status = "out-of-memory" if isinstance(error, MemoryError) else "unsupported"
            raise WorkerFailure(self.name, status, str(error)) from None

    def close(self):
        pass


def ended(main, arguments, capsys):
    """Exit code, stdout, and the lines of stderr without the progress bar."""
    try:
        with pytest.raises(SystemExit) as end:
            sys.argv = ["command", *arguments]
            cli.run(main, program=main.__module__)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
    out, err = capsys.readouterr()
    lines = [
        line
        for line in re.split(r"[\r\n]+", err)
        if line.strip() and "it/s]" not in line and "?it" not in line
    ]
    lines = [line for line in lines if not re.search(r"\d+%\|", line)]
    return end.value.code, out, [line for line in lines if "OMP_NUM_THREADS" not in line]
