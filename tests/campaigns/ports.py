"""Torch networks of several styles, ported and judged; then mistakes planted in each twin must be found.

PORT_PYTHON=port/bin/python python -m tests.campaigns.ports [--only WORD]

One line a network: what was mended, what was left, the verdict. Exit code 1 if a planted mistake passes.
"""

import argparse
import contextlib
import io
import re
import shutil
import sys
import tempfile
from pathlib import Path

from backends.port import main as port
from backends.porting.proof import prove
from common import cli

NETWORKS = Path(__file__).parent / "torch_networks"
SIZE = {"input_shape": (3, 32, 32), "num_classes": 10}
FLAGS = ["--input-shape=3,32,32", "--num-classes=10"]
# What a port by hand gets wrong: each is planted where a twin has the words.
MISTAKES = (
    (r"padding=1\b", "padding=1, dilation=1, groups=1, padding_mode='reflect'"),
    (r"relu\(", "relu6("),
    (r"GELU\(", "SiLU("),
    (r"\.mean\(\[2, 3\]\)", ".amax([2, 3])"),
    (r"1e-0?6", "1e-05"),
    (r"softmax\(", "log_softmax("),
    (r"\bELU\(", "SELU("),
)


def main(arguments: list[str]) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(description="Port networks, and plant mistakes in the twins.")
    parser.add_argument("--only", default="", metavar="WORD")
    options = parser.parse_args(arguments)
    missed = []
    for network in sorted(path for path in NETWORKS.glob("*.py") if options.only in path.stem):
        with tempfile.TemporaryDirectory() as folder:
            source, twin = Path(folder) / network.name, Path(folder) / f"{network.stem}_twin.py"
            shutil.copy(network, source)
            print(f"{network.stem}: {_ported(source, twin)}", flush=True)
            if twin.exists():
                missed += [f"{network.stem}: {mistake}" for mistake in _passing(source, twin)]
    print("\n".join(f"MISSED {line}" for line in missed) or "every planted mistake was found")
    return 1 if missed else 0


def _ported(source: Path, twin: Path) -> str:
    said, complained = io.StringIO(), io.StringIO()
    arguments = [str(source), "--output", str(twin), "--callable", "net", *FLAGS]
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(complained):
        try:
            port(arguments)
        except cli.UnavailableError as error:
            return str(error)
    lines = said.getvalue().splitlines()
    counts = {word: sum(f": {word}: " in line for line in lines) for word in ("mended", "left")}
    verdict = next((line for line in lines if line.startswith("Verdict")), "no verdict")
    last = complained.getvalue().strip().splitlines()
    counted = f"{counts['mended']} mended, {counts['left']} left"
    return "; ".join([counted, verdict, *last[-1:]])


def _passing(source: Path, twin: Path) -> list[str]:
    """The planted mistakes that parity does not see."""
    text, found = twin.read_text(), []
    for words, wrong in MISTAKES:
        planted = re.sub(words, wrong, text, count=1)
        if planted == text:
            continue
        twin.write_text(planted)
        pair = {"torch": f"{source.stem}:net", "paddle": f"{twin.stem}:net"}
        proof = prove(pair, folder=source.parent, files={twin: source}, stages="forward", **SIZE)
        print(f"  {wrong}: {proof.verdict} {Path(proof.place or '').name}", flush=True)
        if proof.verdict == "pass":
            found.append(wrong)
    twin.write_text(text)
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
