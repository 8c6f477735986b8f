"""A process that decodes files under a limit of memory and of time, and that is replaced when it falls."""

import importlib
import json
import resource
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from tests.support.paths import ROOT


class Answer(NamedTuple):
    outcome: str  # "decoded", "refused: TYPE", or what went wrong
    failed: bool
    seconds: float
    peak_mib: int


class DecodingProcess:
    """``decoder`` is MODULE:FUNCTION, called as common.dataset.decoding.decode is."""

    def __init__(self, decoder, *, memory_mib, seconds):
        self.command = [sys.executable, "-m", "tests.support.decoding_process", decoder, str(memory_mib)]
        self.seconds, self.process = seconds, None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._end()

    def decode(self, path):
        if self.process is None:
            pipe = subprocess.PIPE
            self.process = subprocess.Popen(self.command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True)
            assert self.process.stdout.readline() == "ready\n"
        started = time.monotonic()
        self.process.stdin.write(f"{path}\n")
        self.process.stdin.flush()
        ready, _, _ = select.select([self.process.stdout], [], [], self.seconds)
        line = self.process.stdout.readline() if ready else ""
        elapsed = time.monotonic() - started
        if line:
            return Answer(*json.loads(line)[:2], elapsed, json.loads(line)[2])
        if not ready:
            self.process.kill()
        code = self.process.wait()
        self._end()
        return Answer("hung" if not ready else f"crashed with exit code {code}", True, elapsed, 0)

    def _end(self):
        if self.process:
            self.process.stdin.close()
            self.process.wait()
            self.process.stdout.close()
            self.process = None


def _serve(decoder, memory_mib):
    import warnings

    from common.dataset.decoding import DecodeError

    warnings.simplefilter("ignore")  # of damaged EXIF data and the like
    module, _, name = decoder.partition(":")
    decode = getattr(importlib.import_module(module), name)
    resource.setrlimit(resource.RLIMIT_AS, (memory_mib << 20,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    print("ready", flush=True)
    for line in sys.stdin:
        try:
            decode(Path(line[:-1]), channels=3)
            outcome, failed = "decoded", False
        except DecodeError as error:
            outcome, failed = f"refused: {_kind(str(error))}", not str(error)
        except BaseException as error:
            outcome, failed = f"raised {type(error).__name__}", True
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        print(json.dumps([outcome, failed, peak]), flush=True)


def _kind(reason):
    """A reason without its numbers: the type of error, or that the image is too large."""
    return "more pixels than allowed" if "pixels are more than" in reason else reason.partition(":")[0]


if __name__ == "__main__":
    _serve(sys.argv[1], int(sys.argv[2]))
