"""The commands of a package, each with its own first sentence: what ``python -m PACKAGE`` prints."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COMMAND = re.compile(r"^ +cli\.run\(main", re.MULTILINE)
HIDDEN = ("benchmarks.parity.service",)  # asked by other programs


def command_list(package: str) -> str:
    """A line for each module of the package that can be run."""
    lines = []
    for path in sorted((ROOT / package).rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if not COMMAND.search(text):
            continue
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__main__")
        if name not in HIDDEN:
            does = (ast.get_docstring(ast.parse(text)) or "").splitlines()[0].partition(": python")[0]
            lines.append(f"  python -m {name:40s} {does}")
    return "\n".join([f"The commands of {package}; each has --help:", "", *lines])
