"""Imports run one way only, and whoever is neutral imports no framework."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from common.runtime.devices import available_cores

ROOT = Path(__file__).parent.parent
FORBIDDEN = {
    "common": {"torch", "paddle", "torchvision", "backends", "benchmarks"},
    "backends": {"benchmarks"},
}
NEUTRAL = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for folder in ("common", "backends", "benchmarks")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if not {"torch", "paddle"} & set(path.relative_to(ROOT).parts)
]


def imports(text):
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add(node.module.split(".")[0])
    return found


def imported_frameworks(code):
    """The frameworks that a fresh process has imported after running ``code``."""
    code += "\nimport sys; print({'torch', 'paddle', 'torchvision'} & set(sys.modules))"
    return last_line_of(code)


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_imports_run_one_way(folder):
    for path in (ROOT / folder).rglob("*.py"):
        forbidden = FORBIDDEN[folder] - (
            {"torch", "paddle"} if path.parent.name in ("torch", "paddle") else set()
        )
        assert not imports(path.read_text()) & forbidden, path


def test_a_forbidden_import_is_seen():
    assert imports("def f():\n    from benchmarks.worker.timing import x\n") == {"benchmarks"}


def test_neutral_modules_import_no_framework():
    code = "\n".join(f"import {name}" for name in ["backends", *NEUTRAL])
    assert imported_frameworks(code) == "set()"


def test_an_imported_framework_is_seen():
    """A stand-in of that name will do, and is quick to import."""
    assert imported_frameworks("import sys, json; sys.modules['torch'] = json") == "{'torch'}"


def test_a_parent_that_has_measured_has_imported_no_framework(torch_backend, tmp_path):
    arguments = ["--backend", "torch", "--model", "lenet5", "--phase", "infer", "--min-seconds", "0"]
    code = f"from benchmarks.run import main; assert main({arguments}) == 0"
    assert imported_frameworks(code) == "set()"


SLOW = {"scipy", "pydantic", "tqdm", "cpuinfo", "psutil", "matplotlib", "sklearn"}


@pytest.mark.parametrize(
    "command",
    [
        "backends.convert",
        "backends.evaluate",
        "backends.predict",
        "backends.train",
        "benchmarks.atlas.__main__",
        "benchmarks.compare",
        "benchmarks.parity.__main__",
        "benchmarks.run",
        "benchmarks.train",
    ],
)
def test_help_imports_nothing_slow(command):
    """Start-up time is measured elsewhere; what costs it is named here."""
    code = (
        f"from {command} import main\nimport sys\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        f"print({SLOW} & set(sys.modules))"
    )
    assert last_line_of(code) == "set()"


def test_importing_paddle_first_leaves_torch_its_threads(torch_backend, paddle_backend):
    """Nor does it reach child processes; a bare import of paddle leaves these one thread."""
    inherited = "import os; print(os.environ.get('OMP_NUM_THREADS'))"
    threads = "import torch; print(torch.get_num_threads(), os.environ.get('OMP_NUM_THREADS'))"
    assert (
        last_line_of(f"import backends; backends.load('paddle'); import os; {threads}")
        == f"{available_cores()} None"
    )
    assert last_line_of(f"import paddle; {inherited}") == "1"


def last_line_of(code):
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1]
