"""Going on where an earlier call of the same comparison stopped."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from backends.user_code import file_hashes
from benchmarks.manager.environment import git_commit, require_same_machine
from benchmarks.request.case import Case
from benchmarks.request.request import REFERENCES, Request
from benchmarks.results.result_file import read
from benchmarks.results.schema import CompareReport, Comparison, Result
from common.cli import UsageError
from common.runtime.devices import available_cores

FILE = "result.json"
SWEPT = (
    "grouped",
    "cases",
    "candidates",
    "json",
    "timeout",
    "price_per_hour",
    "largest_batch",
    "reference",
    "folder",
)  # may differ between the calls
# There only where the models are not ours, and of phases that were asked for.
OWN = (
    "sources",
    "arguments",
    "names",
    "weights",
    "plugins",
    "output",
    "inputs",
    "serve",
    "soak",
)
DONE = ("ok", "unsupported", "out-of-memory")  # a crash or a timeout is tried again


def request_facts(request: Request, **more: Any) -> dict[str, Any]:
    """Request as a result file keeps it."""
    facts = {name: value for name, value in asdict(request).items() if name not in SWEPT}
    facts = {name: value for name, value in facts.items() if name not in OWN or value}
    facts |= {
        name: list(facts[name]) if facts[name] else facts[name] for name in ("input_shape", "mean", "std")
    }
    if request.inputs:
        facts["inputs"] = [each.text for each in request.inputs]  # lists of lists read back as they are
    if request.soak:
        facts["soak"]["shapes"] = list(request.soak.shapes)
    if request.settings_mode == "tuned":
        facts["ways"] = sorted({_way(case) for case in request.candidates})
    return {name: str(value) if isinstance(value, Path) else value for name, value in (facts | more).items()}


def earlier_report(folder: Path, facts: Mapping[str, Any]) -> CompareReport | None:
    """The report that lies in a folder.

    UsageError if other things were asked for then.
    """
    path = folder / FILE
    if not path.exists():
        return None
    report = read(path)
    before = report.request or {}
    names = [*facts, *(name for name in COMPUTED if before.get(name) and name not in facts)]
    different = [name for name in names if before.get(name) != facts.get(name)]
    if different:
        name = different[0]
        raise UsageError(
            f"{path}: holds results of another request ({name} was {before.get(name)}, now it is "
            f"{facts.get(name)}); name another folder with --report, or remove that file"
        )
    return report


COMPUTED = ("plugins", "output", "inputs")  # parts of a pair: a request without them leaves them out
# That change what a step computes. Where one is unknown, as in files of benchmarks.run, it is let pass.
COMPARED = ("settings_mode", "data", "root", "loader", "workers", "augment", "calibrate", "mean", "std")


def require_same_request(before: CompareReport, request: Request, path: Path) -> None:
    """UsageError unless a baseline is of the same model, shape and flags, and has every combination.

    Found before anything is measured: minutes would be spent on what cannot be compared.
    """
    for row in before.results[:1]:
        for name in ("model", "num_classes", "input_shape"):
            there, here = getattr(row, name), getattr(request, name)
            if there != here:
                raise UsageError(f"{path}: was measured with {name} {there}, and here it is {here}")
    flags, here = before.request or {}, request_facts(request)
    for name in COMPARED:
        if name in flags and flags[name] != here[name]:
            raise UsageError(f"{path}: was measured with {name} {flags[name]}, and here it is {here[name]}")
    for name in COMPUTED:
        if flags and flags.get(name) != here.get(name):
            there = flags.get(name)
            raise UsageError(f"{path}: was measured with {name} {there}, and here it is {here.get(name)}")
    for case in request.cases:
        if not any(row.status == "ok" and _row_is_of(row, case) for row in before.results):
            raise UsageError(
                f"{path}: holds nothing of what was asked for: {case}, {case.threads} threads; give the "
                "flags that it was measured with, --threads too"
            )


def _row_is_of(row: Result, case: Case) -> bool:
    """True if a row is of a case; of a tuned one, of its phase, batch size and processes."""
    if row.settings_mode == "tuned":
        names = ("phase", "batch_size", "processes")
        return all(getattr(row, name) == getattr(case, name) for name in names)
    return row.case == case


def require_same_place(report: CompareReport, folder: Path, *, device: str) -> None:
    """UsageError if the earlier results are of another machine, number of cores, or code of ours."""
    path, before = folder / FILE, report.environment
    require_same_machine(before, path, device=device, remedy="name another folder with --report")
    here: dict[str, Any] = {"cores": available_cores(), "git_commit": git_commit()}
    for name, value in here.items():
        if None not in (before.get(name), value) and before[name] != value:
            raise UsageError(
                f"{path}: holds results of another {name.replace('_', ' ')} ({before[name]}, now {value}); "
                f"new ones cannot stand beside them; name another --report, or remove that file"
            )


def require_same_versions(report: CompareReport, versions: Mapping[str, Any], folder: Path) -> None:
    """UsageError if the earlier results are of other versions of the frameworks."""
    before = report.environment.get("backends", {})
    changed = [name for name, facts in versions.items() if name in before and before[name] != facts]
    if changed:
        raise UsageError(
            f"{folder / FILE}: holds results of another {changed[0]}; name another folder with --report"
        )


def require_same_models(report: CompareReport, models: Mapping[str, Mapping[str, Any]], folder: Path) -> None:
    """UsageError if the files of the user's own models have changed since the earlier results."""
    before = report.environment.get("models", {})
    changed = [facts["source"] for name, facts in models.items() if name in before and before[name] != facts]
    if changed:
        raise UsageError(
            f"{folder / FILE}: holds results of another {changed[0]}: its files have changed since; name "
            f"another folder with --report"
        )


def has_changed(report: CompareReport, versions: Mapping[str, Any]) -> bool:
    """True if a report is of other versions of the frameworks, or of other files of the user's models."""
    models = report.environment.get("models", {})
    hashes = {path: sha for facts in models.values() for path, sha in facts.get("files", {}).items()}
    return report.environment.get("backends") != versions or file_hashes(hashes) != hashes


def is_complete(
    report: CompareReport, request: Request, versions: Mapping[str, Any], *, skip_parity: bool
) -> bool:
    """True if nothing is left to be measured: every case is there, of these versions and of these files."""
    if has_changed(report, versions):
        return False
    if not skip_parity and report.parity is None and any(case.phase != "data" for case in request.cases):
        return False
    if report.parity is not None and report.parity["verdict"] != "pass":
        return False  # its files were not recorded: they may have been mended since
    return all(kept(report, case) for case in request.cases)


def kept(report: CompareReport | None, case: Case) -> tuple[Comparison, list[Result]] | None:
    """A combination's comparison and both rows, if the earlier report has them.

    One that others made invalid is measured again: the machine may be quiet now.
    """
    if report is None:
        return None
    # Every comparison stands beside the two rows that it is made of, in the same order.
    pairs = zip(report.comparisons, zip(report.results[::2], report.results[1::2], strict=True), strict=False)
    for comparison, rows in pairs:
        is_usable = comparison.complete and comparison.verdict != "invalid"
        if is_usable and _is_of(comparison, case) and all(row.status in DONE for row in rows):
            return comparison, list(rows)
    return None


def _is_of(comparison: Comparison, case: Case) -> bool:
    """True if a comparison belongs to a case.

    For a tuned case only these are compared: the rest was chosen on the way.
    """
    found = comparison.case
    if comparison.settings == "tuned" and not {found.engine, case.engine} & set(REFERENCES):
        return all(
            getattr(found, name) == getattr(case, name) for name in ("phase", "batch_size", "processes")
        )
    return found == case


def _way(case: Case) -> str:
    return f"{case.engine} {case.precision} {case.layout} {case.threads} threads"
