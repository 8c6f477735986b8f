"""No crash has the exit code of a verdict: one line, and a code that says whose turn it is."""

import errno
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from common import cli, endings
from tests.support.commands import ended
from tests.support.paths import ROOT

SYSTEM = [
    (OSError(errno.ENOSPC, "No space left on device", "/x"), 3, "/x: No space left on device; make room"),
    (OSError(errno.EDQUOT, "Disk quota exceeded"), 3, "make room"),
    (OSError(errno.EIO, "Input/output error"), 3, "Input/output error"),
    (IsADirectoryError(errno.EISDIR, "Is a directory", "/x"), 2, "/x: Is a directory; name a file"),
    (FileNotFoundError(errno.ENOENT, "No such file or directory", "runs/a"), 2, "runs/a: No such file"),
    (PermissionError(errno.EACCES, "Permission denied", b"/x"), 2, "Permission denied"),
    (OSError(errno.ENAMETOOLONG, "File name too long", "x" * 9000), 2, "shorter name"),
    (MemoryError("Unable to allocate 561 GiB"), 3, "out of memory (Unable to allocate 561 GiB)"),
    (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), 3, "out of memory"),
    (RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos"), 3, "could not be written"),
    (RecursionError("maximum recursion depth exceeded"), 3, "nested too deeply"),
    (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), 2, "use UTF-8"),
    (ModuleNotFoundError("No module named 'PIL'", name="PIL.Image"), 3, "has no PIL; install with: "),
    (ImportError("libcudart.so.12: cannot open", name="torch"), 3, "cannot import torch"),
    (cli.UsageError("wrong\n\x1b[31mred"), 2, "wrong \\x1b[31mred"),
    (cli.UnavailableError("no GPU"), 3, "no GPU"),
    (KeyboardInterrupt(), 130, "stopped"),
    (cli.Terminated(), 143, "stopped"),
]


@pytest.mark.parametrize(("error", "code", "said"), SYSTEM, ids=lambda value: type(value).__name__)
def test_every_foreseen_error_has_its_code_and_one_line(capsys, error, code, said):
    def main(_):
        raise error

    found, _, err = ended(main, [], capsys)
    assert (found, len(err)) == (code, 1)
    assert said in err[0]
    assert len(err[0]) < 4200


@pytest.mark.parametrize(
    "error",
    [
        ZeroDivisionError("x"),
        AssertionError(),
        KeyError("a\nb"),
        RuntimeError("shape mismatch"),
        ModuleNotFoundError("No module named 'common.gone'", name="common.gone"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_our_own_fault_is_70_and_names_the_file_of_its_traceback(capsys, error):
    def main(_):
        raise error

    code, _, err = ended(main, [], capsys)
    assert (code, len(err)) == (70, 1)
    (name,) = re.findall(r"its traceback is in (\S+): please report it", err[0])
    assert "raise error" in Path(name).read_text()
    Path(name).unlink()


def test_without_room_for_the_traceback_its_last_place_is_named(capsys, monkeypatch):
    def full(**_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(endings.tempfile, "mkstemp", full)
    code, _, err = ended(lambda _: 1 / 0, [], capsys)
    assert (code, len(err)) == (70, 1)
    assert f"it arose at {__file__}:" in err[0]


def test_an_interrupt_that_a_module_turned_into_another_error_is_one(capsys):
    """NumPy's import does so."""

    def main(_):
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(5)
        except KeyboardInterrupt:
            raise ImportError("numpy's C extensions failed") from None

    assert ended(main, [], capsys)[0] == 130


def command(*words, **options):
    everything = {"cwd": ROOT, "capture_output": True, "text": True, "timeout": 60} | options
    return subprocess.run([sys.executable, "-m", *words], **everything, check=False)


EVALUATE = ("backends.evaluate", "--help")


def test_a_full_or_closed_standard_output_is_no_success():
    with Path("/dev/full").open("w") as full:
        found = command(*EVALUATE, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert (found.returncode, found.stderr.count("\n")) == (3, 1)
    assert "No space left on device" in found.stderr
    line = f"{sys.executable} -m backends.evaluate --help >&-"
    found = subprocess.run(["sh", "-c", line], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stderr.count("\n")) == (3, 1)
    assert "standard output is closed" in found.stderr


def test_what_an_interpreter_lacks_is_named_before_anything_is_done(tmp_path):
    """As the system's python has no NumPy."""
    (tmp_path / "numpy.py").write_text("raise ModuleNotFoundError(\"No module named 'numpy'\", name='numpy')")
    found = command("common.dataset", "--help", env={"PYTHONPATH": f"{tmp_path}", "PATH": os.environ["PATH"]})
    assert (found.returncode, found.stdout) == (3, "")
    assert found.stderr.endswith("-m pip install numpy\n")
    assert found.stderr.startswith("common.dataset: ")


def test_so_it_is_where_the_command_was_started_by_the_console_script(tmp_path):
    (tmp_path / "numpy.py").write_text("raise ModuleNotFoundError(\"No module named 'numpy'\", name='numpy')")
    script = [sys.executable, str(ROOT / "side_by_side.py"), "dataset", "--help"]
    found = subprocess.run(
        script, env={"PYTHONPATH": f"{tmp_path}"}, capture_output=True, text=True, check=False
    )
    assert (found.returncode, found.stdout) == (3, "")
    assert found.stderr.startswith("common.dataset: ")
    assert found.stderr.endswith("-m pip install numpy\n")


@pytest.mark.parametrize("module", ["numpy.py", "tempfile.py"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_modules_are_imported_is_one_line(tmp_path, number, code, module):
    """Also while the very first ones of ours are: before them, Python itself is starting."""
    (tmp_path / module).write_text("print(flush=True)\nimport time\ntime.sleep(60)\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "common.dataset", "--help"],
        cwd=ROOT,
        env={"PYTHONPATH": f"{tmp_path}", "PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.stdout.readline()
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (code, "common.dataset: stopped\n")
