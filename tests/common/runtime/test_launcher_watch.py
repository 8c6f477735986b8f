"""A rank does not outlive its launcher, however that ended."""

import os
import signal
import subprocess
import sys
from contextlib import suppress

import pytest

from tests.support.paths import ROOT
from tests.support.processes import gone

RANK = """
from common.runtime.launcher_watch import end_with_launcher
import os, time
if {watched}:
    end_with_launcher("a rank", interval=0.02)
print(os.getpid(), flush=True)
time.sleep(30)
"""
LAUNCHER = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"


@pytest.mark.parametrize("watched", [True, False])
def test_a_rank_ends_with_its_launcher(watched):
    """Without the watch it lives on: the test can fail."""
    launcher = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, RANK.format(watched=watched)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    rank = int(launcher.stdout.readline())
    launcher.send_signal(signal.SIGKILL)
    launcher.wait()
    assert gone(rank, within=20 if watched else 0.5) == watched
    if not watched:
        os.kill(rank, signal.SIGKILL)


TWO_RANKS = """
import os, subprocess, sys
ranks = [
    subprocess.Popen([sys.executable, "-c", sys.argv[1]], env={**os.environ, "RANK": str(rank)})
    for rank in range(2)
]
for rank in ranks:
    rank.wait()
"""
STOPPING = """
from common.runtime.launcher_watch import end_with_launcher
import os, signal, time
end_with_launcher("a rank", interval=0.02, stopped_seconds=0.2)
print(os.environ["RANK"], os.getpid(), flush=True)
if os.environ["RANK"] == "1":
    time.sleep(0.2)
    {what}
time.sleep(20)
"""


@pytest.mark.parametrize(
    ("what", "ends"),
    [
        ("os.kill(os.getpid(), signal.SIGSTOP)", True),
        ("sum(range(40_000_000))", False),  # busy, and slow to say a word
        ("None", False),
    ],
)
def test_a_run_ends_when_one_of_its_processes_is_stopped(what, ends):
    """Only then: one that is slow is waited for."""
    launcher = subprocess.Popen(
        [sys.executable, "-c", TWO_RANKS, STOPPING.format(what=what)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    ranks = dict(launcher.stdout.readline().split() for _ in range(2))
    ranks = {rank: int(process) for rank, process in ranks.items()}
    try:
        assert gone(ranks["0"], within=20 if ends else 0.7) == ends
    finally:
        for rank in ranks.values():
            with suppress(ProcessLookupError):
                os.kill(rank, signal.SIGKILL)
        _, said = launcher.communicate(timeout=20)
    assert said.startswith("a rank: process 1 of this run (process id ") == ends
    assert said.count("\n") == ends
