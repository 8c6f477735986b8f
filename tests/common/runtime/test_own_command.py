"""A command of ours is started beside packages of the same names."""

import subprocess
import sys

from common.runtime.own_command import own_command


def test_a_package_of_the_same_name_in_the_folder_is_not_taken_for_ours(tmp_path):
    for name in ("common", "backends"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('theirs')\n")
    command = own_command(sys.executable, "backends.evaluate", ["--help"])
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: backends.evaluate")
    planted = [sys.executable, "-m", "backends.evaluate", "--help"]  # as it was
    done = subprocess.run(planted, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "theirs" in done.stderr
