"""A short campaign of drawn flags; the whole one is run by hand."""

import subprocess
import sys
import time

from tests.campaigns import flags
from tests.campaigns.flags import Ending


def test_drawn_flags_end_in_one_line(tmp_path):
    assert flags.campaign(["backends.convert"], draws=15, seed=1, folder=tmp_path) == []


def test_a_crash_is_seen(tmp_path):
    def crash(_):
        raise SystemExit(1)

    assert flags.run("x", crash, [], tmp_path).fault == "exit code 1 without a verdict"
    assert flags.run("x", lambda _: 1 / 0, [], tmp_path).fault == "exit code 70"
    assert flags.run(
        "x", lambda _: print("Traceback (most recent call last)", file=sys.stderr) or 0, [], tmp_path
    ).fault
    assert flags.run("x", lambda _: 0, [], tmp_path).fault is None
    assert Ending("x", [], 2, "").fault == "exit code 2 without a word"
    assert Ending("x", [], -11, "").fault == "exit code -11"


def test_a_process_that_is_left_behind_is_seen(tmp_path, monkeypatch):
    def orphaning(_):
        subprocess.Popen(["sleep", "60"], start_new_session=True)
        time.sleep(60)

    monkeypatch.setattr(flags, "MOMENT_SECONDS", 0.3)
    monkeypatch.setattr(flags, "LEFT_SECONDS", 0.1)
    ending = flags.run("x", orphaning, [], tmp_path)
    assert (ending.code, ending.fault) == (143, "1 processes left behind")
    for process in ending.left:
        process.kill()
