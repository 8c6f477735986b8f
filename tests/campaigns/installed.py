"""The project installed by pip in an environment of its own, and used in a foreign repository, at length.

python -m tests.campaigns.installed

The console script, ``assert_parity`` on an equal and an unequal pair of each layout, and the plugin's tests
of every stage, alone and with pytest-xdist. Some minutes. Exit code 1 if one does otherwise than it should.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.support.foreign import LAYOUTS, bare_environment, build_wheel, install, write_repository

TESTS = """
    import pytest
    from side_by_side import assert_parity

    SIZE = {"input_shape": (3, 8, 8), "num_classes": 5, "stages": "forward"}
"""
OF_A_LAYOUT = """
    def test_{name}_equal():
        assert assert_parity(torch="{module}:net", paddle="{module}:twin", **SIZE).passed

    def test_{name}_unequal():
        line = r"layer: 2 (.|\\n)*paddle's 2: .*{file}.py:\\d+: nn.Sigmoid"
        with pytest.raises(AssertionError, match=line):
            assert_parity(torch="{module}:net", paddle="{module}:wrong", **SIZE)
"""
PAIRS = ("--parity-pairs", "pairs.toml", "pairs.toml")
STAGES = 9  # that the CPU has
# Behind an activation that differs, these stages have nothing to find, or test another thing.
INNOCENT = {"parameters", "repeat", "optimizer"}


def main() -> int:
    """The campaign; returns its exit code."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        python = install(build_wheel(place), place / "environment", by_pip=True)
        repository = place / "repository"
        layouts = (
            OF_A_LAYOUT.format(name=name, module=module, file=module.replace(".", "/"))
            for name, module in LAYOUTS.items()
        )
        write_repository(repository, TESTS + "".join(layouts))
        script = [str(python.parent / "side-by-side"), "parity", "--help"]
        equal = len(LAYOUTS) * (STAGES + len(INNOCENT))
        unequal = len(LAYOUTS) * (STAGES - len(INNOCENT))
        tests = [str(python), "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        done = [
            _does(script, repository, "usage: benchmarks.parity"),
            _does([*tests, "tests"], repository, f"{2 * len(LAYOUTS)} passed"),
            _does([*tests, *PAIRS], repository, f"{unequal} failed, {equal} passed"),
            _does([*tests, *PAIRS, "-n", "2"], repository, f"{unequal} failed, {equal} passed"),
        ]
    return 0 if all(done) else 1


def _does(command: list[str], folder: Path, expected: str) -> bool:
    """True if a command prints what is expected of it; says so with the seconds that it took."""
    begun = time.monotonic()
    found = subprocess.run(
        command, cwd=folder, env=bare_environment(), capture_output=True, text=True, check=False
    )
    is_right = expected in found.stdout
    words = " ".join(Path(word).name for word in command)
    print(f"{'right' if is_right else 'WRONG'}: {words}: {time.monotonic() - begun:.0f} s", flush=True)
    if not is_right:
        print(found.stdout[-5000:], found.stderr[-2000:], sep="\n")
    return is_right


if __name__ == "__main__":
    sys.exit(main())
