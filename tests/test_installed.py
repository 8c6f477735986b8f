"""The project as others have it: installed, in a repository whose packages have the names of ours."""

import subprocess
import zipfile
from xml.etree import ElementTree

import pytest

from tests.support.foreign import LAYOUTS, PACKAGES, bare_environment, build_wheel, install, write_repository
from tests.support.paths import ROOT

UNUSED = (".md", ".svg", ".pyc")  # what is read by people alone
TESTS = """
import sys
import pytest
from side_by_side import assert_parity


def test_nothing_of_ours_is_here():
    import backends.depth
    import common.sizes
    assert "numpy" not in sys.modules
    assert backends.depth.WIDTH == 7


def test_unequal():
    with pytest.raises(AssertionError, match=r"layer: 2 (.|\\n)*paddle's 2: src/app/nets.py:19: nn.Sigmoid"):
        assert_parity(
            torch="app.nets:net",
            paddle="app.nets:wrong",
            input_shape=(3, 8, 8),
            num_classes=5,
            stages="forward",
        )
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return build_wheel(tmp_path_factory.mktemp("wheel"))


def test_the_wheel_has_every_file_that_is_read(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (points,) = (name for name in names if name.endswith("entry_points.txt"))
        text = archive.read(points).decode()
    files = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and path.suffix not in UNUSED
    }
    assert files | {"side_by_side.py", "side_by_side_pytest.py"} <= names
    assert "[pytest11]\nside-by-side = side_by_side_pytest" in text
    assert not [name for name in names if name.startswith("tests/")]


def test_a_foreign_repository_of_five_layouts(wheel, tmp_path, torch_backend, paddle_backend):
    """The plugin's tests of equal pairs pass; of unequal ones they name layer and line, in each layout."""
    python = install(wheel, tmp_path / "environment")
    write_repository(tmp_path / "repository", TESTS)
    command = [str(python), "-P", "-m", "pytest", "-p", "no:cacheprovider", "tests", "--junitxml=found.xml"]
    command += ["--parity-pairs", "pairs.toml", "--parity-stages", "forward"]
    done = subprocess.run(
        command,
        cwd=tmp_path / "repository",
        env=bare_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"{len(LAYOUTS)} failed, {len(LAYOUTS) + 2} passed" in done.stdout, done.stdout + done.stderr
    found = ElementTree.parse(tmp_path / "repository" / "found.xml").iter("testcase")
    failed = {
        case.get("classname"): case.find("failure") for case in found if case.find("failure") is not None
    }
    assert sorted(failed) == sorted(f"pairs.toml.{layout}-wrong" for layout in LAYOUTS)
    for layout, module in LAYOUTS.items():
        message = failed[f"pairs.toml.{layout}-wrong"].get("message")
        file = f"{module.replace('.', '/')}.py"
        assert f"{file}:{19 if layout == 'src' else 17})" in message, message
        assert "layer 2 (" in message
