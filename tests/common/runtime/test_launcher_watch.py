"""A rank does not outlive its launcher, however that ended."""

import os
import signal
import subprocess
import sys

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
