"""The suite itself: a framework that was asked for and is missing fails it, an unasked one is skipped."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def collected(tmp_path, test_backends):
    """pytest in a process where paddle cannot be imported."""
    (tmp_path / "paddle.py").write_text("raise ImportError('a shared library is missing')")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "TEST_BACKENDS": test_backends}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-rs",
        "tests/backends/test_gpu_path.py",
        "-k",
        "cpu_is_timed and paddle",
    ]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_a_named_framework_that_cannot_be_imported_fails_the_suite(tmp_path):
    done = collected(tmp_path, "paddle")
    assert done.returncode == 4
    assert "TEST_BACKENDS asks for paddle, which fails to import: a shared library is missing" in done.stderr


def test_an_unnamed_one_is_skipped_and_says_how_to_run_it(tmp_path):
    done = collected(tmp_path, "")
    assert done.returncode == 0, done.stdout
    assert "1 skipped" in done.stdout
    assert "run `make test` for the whole suite" in done.stdout


def test_an_unknown_name_is_an_error(tmp_path):
    assert "choose among" in collected(tmp_path, "jax").stderr
