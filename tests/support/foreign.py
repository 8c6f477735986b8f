"""Somebody else's repository, and an environment that the project is installed in."""

import os
import shutil
import subprocess
import sys
import sysconfig
import textwrap
import zipfile
from pathlib import Path

from tests.support.paths import ROOT

PACKAGES = ("common", "backends", "benchmarks")
# What is needed to build the project, apart from its packages.
FILES = ("pyproject.toml", "README.md", "LICENSE", "side_by_side.py", "side_by_side_pytest.py")
NETS = """
def net():
    from torch import nn
    return nn.Sequential(nn.Flatten(), nn.Linear({size}, {width}), nn.ReLU(), nn.Linear({width}, 5))


def twin():
    from paddle import nn
    return nn.Sequential(nn.Flatten(), nn.Linear({size}, {width}), nn.ReLU(), nn.Linear({width}, 5))


def wrong():
    from paddle import nn
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear({size}, {width}),
        nn.Sigmoid(),
        nn.Linear({width}, 5),
    )
"""
PLAIN = NETS.format(size=192, width=7)
SHARED = "from backends.depth import WIDTH\nfrom common.sizes import SIZE\n" + NETS.format(
    size="SIZE", width="WIDTH"
)
# Module names by layout; the one that is installed lies in the environment.
LAYOUTS = {
    "module": "flat",
    "package": "pack.nets",
    "src": "app.nets",
    "namespace": "space.inner.nets",
    "installed": "vendor_nets",
}
REPOSITORY = {
    "pyproject.toml": '[tool.pytest.ini_options]\npythonpath = [".", "src"]\n',
    "flat.py": PLAIN,
    "pack/__init__.py": "",
    "pack/nets.py": PLAIN,
    "src/app/__init__.py": "",
    "src/app/nets.py": SHARED,
    "space/inner/nets.py": PLAIN,
    "common/__init__.py": "",
    "common/sizes.py": "SIZE = 3 * 8 * 8\n",
    "backends/__init__.py": "",
    "backends/depth.py": "from benchmarks import WIDTH\n",
    "benchmarks/__init__.py": "WIDTH = 7\n",
    "tests/__init__.py": "",
    "pairs.toml": "".join(
        f'[{layout}-{kind}]\ntorch = "{module}:net"\npaddle = "{module}:{twin}"\n'
        "input_shape = [3, 8, 8]\nnum_classes = 5\n\n"
        for layout, module in LAYOUTS.items()
        for kind, twin in (("equal", "twin"), ("wrong", "wrong"))
    ),
}


def build_wheel(folder):
    """The project's wheel, built from a copy, so that nothing is left in the checkout."""
    source = folder / "source"
    for package in PACKAGES:
        shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(ROOT / name, source / name)
    build = "import setuptools.build_meta as backend; backend.build_wheel('..')"
    command = [sys.executable, "-c", build]
    subprocess.run(command, cwd=source, check=True, capture_output=True, env=bare_environment())
    (wheel,) = folder.glob("*.whl")
    return wheel


def install(wheel, folder, *, by_pip=False):
    """An environment with the wheel, which finds what it depends on in this one; returns its Python.

    Without pip, which takes seconds to be there, its files are put where pip puts them.
    """
    without = [] if by_pip else ["--without-pip"]
    subprocess.run([sys.executable, "-m", "venv", *without, str(folder)], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    if by_pip:
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q", "--no-deps", str(wheel)]
        subprocess.run(pip, check=True, env=bare_environment())
    else:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(packages)
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    (packages / "vendor_nets.py").write_text(PLAIN)
    return folder / "bin" / "python"


def write_repository(folder, tests):
    """The repository, with a module of tests of its own."""
    for name, text in {**REPOSITORY, "tests/test_parity.py": textwrap.dedent(tests)}.items():
        path = Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def bare_environment():
    """Environment variables without those by which Python would find this checkout."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
