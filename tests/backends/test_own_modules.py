"""A user's packages may be called like ours: each importer gets its own, at import and at call time."""

import os
import subprocess
import sys

import pytest

from tests.support.paths import ROOT

# Resolves a source as a worker does, after ours are loaded: what the user's modules see, then what ours see.
SCRIPT = """
import sys
from backends.user_code import resolve
import benchmarks.request.job, common.files

source, folder = sys.argv[1:]
net = resolve(source, folder=folder)
print(net())
ours = {"__file__": "ROOT/benchmarks/worker/some.py", "__package__": "benchmarks.worker", "__name__": "x"}
exec(LATE, ours)
print(ours["PREFIX"], ours["timing"].__name__, ours["found"].__name__)
print(sys.modules["common"].__path__[0])
"""
# Imports inside of our functions, once the user's modules are loaded.
LATE = (
    "from common.shipped import PREFIX\nfrom . import timing\nimport importlib\n"
    "found = importlib.import_module('benchmarks.request.images')\n"
)
PLAIN = "def resolve(source, folder):\n    sys.path.insert(0, folder)\n    return __import__('mine').net\n"
MINE = """
from common.blocks import WORD
import benchmarks.speed
from tests import helper

def net():
    import importlib
    import backends.late
    import common.later as later
    again = importlib.import_module("common.blocks")
    return " ".join([WORD, benchmarks.speed.WORD, helper.WORD, backends.late.WORD, later.WORD, again.WORD])
"""
WORDS = {
    "common/blocks.py": "WORD = 'blocks'",
    "common/later.py": "from .blocks import WORD as FIRST\nWORD = f'later-{FIRST}'",
    "benchmarks/speed.py": "WORD = 'speed'",
    "backends/late.py": "WORD = 'late'",
    "tests/helper.py": "WORD = 'helper'",
}
SEEN = "blocks speed helper late later-blocks blocks"


def write(folder, files, *, regular=True):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        if regular and path.parent != folder:
            (path.parent / "__init__.py").touch()


def resolved(source, folder, *, script=SCRIPT, path=()):
    script = script.replace("ROOT", str(ROOT)).replace("LATE", repr(LATE))
    done = subprocess.run(
        [sys.executable, "-c", script, source, str(folder)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *map(str, path)])},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.stdout.splitlines(), done.stderr


LAYOUTS = {
    "module": ("mine:net", "mine.py", "", True),
    "package": ("pkg.models:net", "pkg/models.py", "", True),
    "src": ("pkg.models:net", "src/pkg/models.py", "src", True),
    "installed": ("pkg.models:net", "site-packages/pkg/models.py", "site-packages", True),
    "namespace": ("pkg.models:net", "pkg/models.py", "", False),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_repository_with_packages_named_like_ours(tmp_path, layout):
    source, file, where, regular = LAYOUTS[layout]
    write(tmp_path / where, WORDS, regular=regular)
    write(tmp_path, {file: MINE}, regular=regular)
    installed = [tmp_path / where] if layout == "installed" else []
    folder = tmp_path / "elsewhere" if installed else tmp_path
    lines, errors = resolved(source, folder, path=installed)
    assert lines == [
        SEEN,
        "torchvision: benchmarks.worker.timing benchmarks.request.images",
        str(tmp_path / where / "common"),
    ], errors


def test_without_scopes_the_same_repository_dies(tmp_path):
    write(tmp_path, WORDS | {"mine.py": MINE})
    plain = SCRIPT.replace("from backends.user_code import resolve\n", PLAIN)
    lines, errors = resolved("mine:net", tmp_path, script=plain)
    assert lines == []
    assert "No module named 'common.blocks'" in errors


def test_a_module_of_the_users_is_the_users_at_call_time_and_no_frameworks(tmp_path):
    site = tmp_path / "site-packages"
    write(
        site,
        {
            "helpers.py": "WORD = 'installed'",
            "asks.py": "def ask():\n    import kinds\n    return kinds.WORD",
        },
    )
    write(site, {"kinds.py": "WORD = 'installed'"})
    mine = "def net():\n    import asks\n    import helpers\n    return f'{helpers.WORD} {asks.ask()}'\n"
    write(tmp_path / "mine", {"mine.py": mine, "helpers.py": "WORD = 'own'", "kinds.py": "WORD = 'own'"})
    lines, errors = resolved("mine:net", tmp_path / "mine", path=[site])
    assert lines[0] == "own installed", errors  # an installed package gets what is installed


def test_what_the_users_module_wants_and_has_not_is_no_missing_source(tmp_path):
    write(tmp_path, {"mine.py": "import not_there_at_all\n"})
    _, errors = resolved("mine:net", tmp_path)
    assert "mine.py" in errors
    assert errors.strip().endswith("No module named 'not_there_at_all'")
