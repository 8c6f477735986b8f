"""A run that is killed and resumed ends with the same bytes as one that was not."""

import os
import re
import signal
import subprocess
import sys

import pytest

from tests.support.paths import ROOT


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("torch", ["--kills", "3", "--seed", "1"]),
        pytest.param("paddle", ["--place", "rename", "--number", "7"], marks=pytest.mark.long),
    ],
)
def test_killed_runs_end_as_if_they_had_not_been(name, arguments, request):
    """A few kills here; python -m tests.campaigns.kills does any number."""
    request.getfixturevalue(f"{name}_backend")
    done = killing(name, *arguments)
    assert done.returncode == 0, done.stderr
    assert re.search(r"\d+ kills, all runs ended bit-identically", done.stdout)


@pytest.mark.parametrize(
    ("sound", "faulty", "place", "number"),
    [
        ("start=begun", "start=0", "write", 2),
        # the run's state before its best weights
        pytest.param(
            "        if best_row(",
            "        self._save()\n        if best_row(",
            "half of a write",
            9,
            marks=pytest.mark.long,
        ),
    ],
)
def test_a_fault_in_saving_or_resuming_is_seen(torch_backend, tmp_path, sound, faulty, place, number):
    for folder in ("common", "tests"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    copy_with(ROOT / "backends", tmp_path / "backends", changed={"training/loop.py": (sound, faulty)})
    done = killing("torch", "--place", place, "--number", str(number), folder=tmp_path)
    assert "the run ended otherwise" in done.stderr


def copy_with(source, target, *, changed):
    """Copy a folder's Python files, with a piece of some replaced."""
    assert all((source / name).is_file() for name in changed)
    for path in source.rglob("*.py"):
        text = path.read_text()
        name = str(path.relative_to(source))
        if name in changed:
            assert changed[name][0] in text
            text = text.replace(*changed[name])
        copy = target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(text)


def killing(name, *more, folder=ROOT):
    command = [sys.executable, "-m", "tests.campaigns.kills", "--backend", name, *more]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=170
    )


@pytest.mark.parametrize("name", [pytest.param("torch", marks=pytest.mark.long), "paddle"])
def test_sigterm_ends_a_run_with_143(name, request, tmp_path):
    """paddle's own handler would print a trace and leave no time to clean up."""
    request.getfixturevalue(f"{name}_backend")
    command = [sys.executable, "-m", "backends.train", "--backend", name, "--recipe", "digits"]
    command += ["--output", str(tmp_path / "run"), "--epochs", "1000", "--threads", "1"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        for line in process.stdout:
            if line.startswith(b"epoch 1"):
                process.send_signal(signal.SIGTERM)
                break
        _, err = process.communicate(timeout=60)
    assert process.returncode == 143
    assert b"Traceback" not in err
    assert b"FatalError" not in err
