"""Parity and speed of a pair of networks, for the tests and scripts of any repository.

    from side_by_side import assert_parity

    assert_parity(torch="mine:net", paddle="mine:twin", input_shape=(3, 32, 32), num_classes=10)

    side-by-side parity --torch mine:net --paddle mine:twin --input-shape 3,32,32 --num-classes 10

Nothing of this project is imported into the calling process: each call runs a command in a process of its
own, with this project's packages for the project and the caller's folder for the caller's modules. A
repository with a ``common`` or ``benchmarks`` of its own does not notice.
"""

import difflib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent
COMMANDS = {
    "parity": "benchmarks.parity",
    "compare": "benchmarks.compare",
    "run": "benchmarks.run",
    "report": "benchmarks.report",
    "shipped": "benchmarks.parity.shipped",
    "suite": "benchmarks.suite",
    "atlas": "benchmarks.atlas",
    "port": "backends.port",
    "train": "backends.train",
    "evaluate": "backends.evaluate",
    "predict": "backends.predict",
    "convert": "backends.convert",
    "dataset": "common.dataset",
}
DONE, FAILED, WRONG_REQUEST, UNAVAILABLE, UNDECIDED = 0, 1, 2, 3, 4
# Runs a module of ours as a command. What Python itself puts first, the caller's folder, is not there (-P).
LAUNCH = ROOT / "common/runtime/launch.py"

Source = str | Callable[[], Any]


class RequestError(ValueError):
    """The request is wrong (exit code 2); the message names the thing and the remedy."""


class CannotRunError(RuntimeError):
    """The machine lacks something, or a worker was lost (any other exit code); there is no verdict."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """The line that defines a layer on one side, "torch" or "paddle"; ``place`` is "FILE:LINE"."""

    side: str
    layer: str
    place: str
    code: str


@dataclass(frozen=True, kw_only=True)
class Divergence:
    """Where two sides first part: ``relative_l2`` is None where no distance exists (an exception).

    ``lines`` define the layer to blame, or the two that the place lies between, on both sides.
    """

    stage: str
    name: str
    layer: str | None
    relative_l2: float | None
    path: str | None
    likely_causes: tuple[str, ...]
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StageResult:
    """One stage of a comparison: its verdict, how many tensors it compared, and the largest relative L2."""

    name: str
    verdict: str
    tensors: int
    worst: float | None


@dataclass(frozen=True, kw_only=True)
class ParityReport:
    """Result of a parity check.

    ``known_differences`` names rules of the frameworks that were proven in the run, ``text`` is what the
    command printed, ``content`` the whole JSON.
    """

    verdict: str
    stages: tuple[StageResult, ...]
    first_divergence: Divergence | None
    known_differences: tuple[str, ...]
    text: str
    content: Mapping[str, Any]

    @property
    def passed(self) -> bool:
        """True if both sides compute the same."""
        return self.verdict == "pass"


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """Paddle's throughput over torch's in one combination; None where it could not be had."""

    phase: str
    batch_size: int
    engine: str
    precision: str
    verdict: str
    ratio: float | None
    ratio_ci95: tuple[float, float] | None
    reason: str | None


@dataclass(frozen=True, kw_only=True)
class ComparisonReport:
    """Result of ``compare``: a ratio for each combination, what was printed, and the whole JSON."""

    ratios: tuple[Ratio, ...]
    exit_code: int
    text: str
    content: Mapping[str, Any]


def check_parity(
    *,
    torch: Source,
    paddle: Source,
    input_shape: Sequence[int],
    num_classes: int,
    folder: str | os.PathLike[str] | None = None,
    **flags: Any,
) -> ParityReport:
    """Compare two networks in float64, stage by stage; returns the report whatever the verdict is.

    ``torch`` and ``paddle`` are "MODULE:CALLABLE", looked up in ``folder`` (default: the working directory),
    or callables that take nothing, return a model, and can be found by name. ``input_shape`` is (channels,
    height, width). ``flags`` are those of the command: ``stages=("forward", "gradients")``,
    ``map="map.json"``, ``strict=True``.

    Raises RequestError for a wrong request and CannotRunError where there is no verdict.
    """
    sources, place = _located({"torch": torch, "paddle": paddle}, folder)
    size = {"input_shape": input_shape, "num_classes": num_classes}
    _, text, content = _measured("parity", {**sources, **size, **flags}, place, accepted=(DONE, FAILED))
    return _parity_report(text, content)


def assert_parity(**arguments: Any) -> ParityReport:
    """As ``check_parity``; raises AssertionError with what the command prints if the two do not agree."""
    __tracebackhide__ = True  # pytest shows the caller's line
    report = check_parity(**arguments)
    if not report.passed:
        raise AssertionError(f"parity is broken\n{report.text}")
    return report


def compare(
    *,
    torch: Source | None = None,
    paddle: Source | None = None,
    folder: str | os.PathLike[str] | None = None,
    **flags: Any,
) -> ComparisonReport:
    """Throughput of both sides, measured in turns, after the parity gate.

    ``torch`` and ``paddle`` as in ``check_parity``, with ``input_shape`` and ``num_classes`` among the flags,
    or ``model="alexnet"`` in their place. ``flags`` are those of ``side-by-side compare``.

    Raises AssertionError where parity is broken, else as ``check_parity``. ``exit_code`` is 1 where a gate
    of the command's own, such as ``baseline``, finds a slowdown, 3 where a combination could not be had, and
    4 where nothing was decided: what was measured is in the report.
    """
    given = {name: source for name, source in (("torch", torch), ("paddle", paddle)) if source is not None}
    sources, place = _located(given, folder)
    accepted = (DONE, FAILED, UNAVAILABLE, UNDECIDED)
    code, text, content = _measured("compare", {**sources, **flags}, place, accepted=accepted)
    if (content.get("parity") or {}).get("verdict") not in (None, "pass"):
        raise AssertionError(f"parity is broken, so nothing was timed\n{text}")
    ratios = tuple(_ratio(entry) for entry in content["comparisons"])
    return ComparisonReport(ratios=ratios, exit_code=code, text=text, content=content)


def _parity_report(text: str, content: Mapping[str, Any]) -> ParityReport:
    first = content["first_divergence"]
    return ParityReport(
        verdict=content["verdict"],
        stages=tuple(_stage(stage) for stage in content["stages"]),
        first_divergence=first
        and Divergence(
            **{name: first[name] for name in ("stage", "name", "layer", "relative_l2", "path")},
            likely_causes=tuple(first["likely_causes"]),
            lines=tuple(Line(side=side, **line) for side, found in first["lines"].items() for line in found),
        ),
        known_differences=tuple(found["difference"] for found in content["known_differences"]),
        text=text,
        content=content,
    )


def _stage(stage: Mapping[str, Any]) -> StageResult:
    gaps = [tensor["relative_l2"] for tensor in stage["tensors"] if tensor["relative_l2"] is not None]
    return StageResult(
        name=stage["stage"],
        verdict=stage["verdict"],
        tensors=len(stage["tensors"]),
        worst=max(gaps, default=None),
    )


def _ratio(entry: Mapping[str, Any]) -> Ratio:
    interval = entry["ratio_ci95"]
    names = ("phase", "batch_size", "engine", "precision", "verdict", "ratio", "reason")
    return Ratio(
        **{name: entry[name] for name in names}, ratio_ci95=tuple(interval) if interval is not None else None
    )


def _measured(
    command: str, flags: Mapping[str, Any], folder: Path, *, accepted: Sequence[int]
) -> tuple[int, str, dict[str, Any]]:
    """Exit code, what was printed, and the JSON of a command that was run in a folder."""
    with tempfile.TemporaryDirectory(prefix="side-by-side-") as scratch:
        target = Path(scratch) / "result.json"
        ended = _run(COMMANDS[command], [*_arguments(flags), "--json", str(target)], folder)
        said = ended.stderr.strip().splitlines()
        reason = said[-1] if said else f"exit code {ended.returncode}"
        if ended.returncode == WRONG_REQUEST:
            raise RequestError(reason)
        if ended.returncode not in accepted or not target.exists():
            raise CannotRunError(reason)
        return ended.returncode, ended.stdout.strip(), json.loads(target.read_text(encoding="utf-8"))


def _run(module: str, arguments: Sequence[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*launch(module), *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


def launch(module: str) -> list[str]:
    """The command that runs a module of this project, wherever it is given."""
    return [sys.executable, "-P", str(LAUNCH), module]


def _arguments(flags: Mapping[str, Any]) -> list[str]:
    """Flags of a command from keyword arguments: True is a flag alone, a sequence is joined by commas."""
    arguments = []
    for name, value in flags.items():
        flag = f"--{name.replace('_', '-')}"
        if value is True:
            arguments.append(flag)
        elif value is not None and value is not False:
            many = isinstance(value, Sequence) and not isinstance(value, str)
            arguments.append(f"{flag}={','.join(map(str, value)) if many else value}")
    return arguments


def _located(
    sources: Mapping[str, Source], folder: str | os.PathLike[str] | None
) -> tuple[dict[str, str], Path]:
    """Every source as MODULE:CALLABLE, and the folder that all are looked up in."""
    place = None if folder is None else Path(folder).resolve()
    named = {}
    for name, source in sources.items():
        if isinstance(source, str):
            named[name] = source
            continue
        named[name], own = _named(source)
        if place is not None and own != place:
            raise RequestError(f"{named[name]} lies in {own} and not in {place}; give names and folder=")
        place = own
    return named, place or Path.cwd()


def _named(source: Callable[[], Any]) -> tuple[str, Path]:
    """A callable as MODULE:CALLABLE, and the folder in which that module is found."""
    path, module = getattr(source, "__qualname__", ""), sys.modules.get(getattr(source, "__module__", ""))
    file = getattr(module, "__file__", None)
    if not path or "<" in path or module is None or file is None:
        raise RequestError(f"{source!r} cannot be found by name; give MODULE:CALLABLE")
    name = module.__spec__.name if module.__spec__ is not None else module.__name__
    if name == "__main__":
        name = Path(file).stem
    levels = name.count(".") + (1 if Path(file).name == "__init__.py" else 0)
    return f"{name}:{path}", Path(file).resolve().parents[levels]


def main() -> int:
    """``side-by-side COMMAND ...``: any command of the project; returns its exit code."""
    name, *arguments = sys.argv[1:] or ["--help"]
    module = COMMANDS.get(name, name)
    if module not in COMMANDS.values() and name not in ("-h", "--help"):
        near = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(COMMANDS)}"
        print(f"side-by-side: there is no command {name!r}; {hint}", file=sys.stderr)
        return WRONG_REQUEST
    if name in ("-h", "--help"):
        listed = "\n".join(f"  {short:10s} python -m {module}" for short, module in COMMANDS.items())
        print(f"usage: side-by-side COMMAND [FLAG ...]\n\n{listed}\n\nCOMMAND --help lists its flags.")
        return DONE
    command = [*launch(module), *arguments]
    os.execv(command[0], command)  # noqa: S606 (our own command; signals and exit code are its own)


if __name__ == "__main__":
    sys.exit(main())
