"""Programs in many processes, started as users start them; none of them outlives a test."""

import os
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import psutil

from tests.support.paths import ROOT


def command(name, *, processes, logs, arguments):
    """The framework's own launcher around ``python -m ...``."""
    if name == "torch":
        launcher = Path(sysconfig.get_path("scripts")) / "torchrun"
        return [str(launcher), "--nproc-per-node", str(processes), *arguments]
    launcher = [sys.executable, "-m", "paddle.distributed.launch", "--nproc_per_node", str(processes)]
    return [*launcher, "--log_dir", str(logs), sys.executable, *arguments]


def launched(name, *, scratch, arguments, processes=2, timeout=150):
    """Run to the end; returns (exit code, everything printed). Ends all processes if that takes too long."""
    log = scratch / "launcher.log"
    arguments = command(name, processes=processes, logs=scratch / "logs", arguments=arguments)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with log.open("wb") as output:
        launcher = psutil.Popen(arguments, cwd=ROOT, env=environment, stdout=output, stderr=output)
    started = []
    try:
        code = _watched(launcher, started, timeout=timeout)
    finally:
        for process in (launcher, *started):
            if process.is_running():
                process.kill()
        _, alive = psutil.wait_procs([launcher, *started], timeout=10)
    assert not alive
    texts = [log, *sorted((scratch / "logs").glob("workerlog.*"))]
    return code, "\n".join(path.read_text(errors="replace") for path in texts)


def _watched(launcher, started, *, timeout):
    """The launcher's exit code; ``started`` receives all its children."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        started += [child for child in launcher.children(recursive=True) if child not in started]
        try:
            return launcher.wait(timeout=0.2)
        except (psutil.TimeoutExpired, subprocess.TimeoutExpired):
            continue
    raise TimeoutError(f"{launcher.args} takes longer than {timeout} s")
