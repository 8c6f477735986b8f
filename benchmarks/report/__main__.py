"""Put result files beside each other, or into the JSON of a tool that keeps histories.

python -m benchmarks.report A.json B.json
python -m benchmarks.report report/result.json --as bencher > bencher.json
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.request.flags import add_language_flag
from common import cli
from common.files import require_folder
from common.json_text import json_text
from common.language import ENGLISH, Language

if TYPE_CHECKING:
    from benchmarks.results.schema import CompareReport

PROGRAM = "benchmarks.report"
COLUMNS = (
    *("model", "backend", "phase", "engine", "precision", "device", "batch", "layout", "threads"),
    "settings",
)
FORMATS = ("bencher", "github-action-benchmark", "pytest-benchmark")  # histories.FORMATS, not for --help


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit code."""
    parser = cli.Parser(prog=PROGRAM, description="Put result files beside each other.")
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE.json", help="as --json writes them")
    parser.add_argument(
        "--output", type=Path, metavar="DIR", help="the pages of a single file, written there"
    )
    parser.add_argument(
        "--picture",
        type=Path,
        metavar="DIR",
        help="a file's first screen as two SVGs for a README, light and dark",
    )
    parser.add_argument(
        "--curves",
        type=Path,
        nargs="+",
        default=[],
        metavar="DIR",
        help="runs of backends.train, for the pages",
    )
    parser.add_argument(
        "--as",
        dest="format",
        choices=FORMATS,
        help="print them as this tool's JSON instead of a table",
    )
    add_language_flag(parser, of="of what is printed, and of the pages")
    options = parser.parse_args(arguments)
    # Imported here and not above: they take longer than --help may.
    from benchmarks.results.result_file import read

    _refuse(options)
    reports = {str(path): read(path) for path in options.files}
    say = Language(options.language)
    if options.format:
        return _print_history(reports, options.format)
    if options.picture:
        return _write_pictures(options, list(reports.values()))
    if options.output:
        _write_pages(options, list(reports.values()))
    print("\n".join([*_answer(list(reports.values()), say), beside(reports, say)]))
    return cli.DONE


def _answer(reports: Sequence["CompareReport"], say: Language) -> list[str]:
    """The answer of a comparison that is printed again by itself; nothing of other files, or of several."""
    from benchmarks.report.answer import answer, confidence

    if len(reports) > 1 or not reports[0].comparisons:
        return []
    return [answer(reports[0], say), confidence(reports[0], say), ""]


def _refuse(options: argparse.Namespace) -> None:
    """Raise UsageError for flags that do not go together."""
    if options.curves and not options.output:
        raise cli.UsageError("--curves: they are drawn on the pages; add --output DIR")
    if options.format and (options.output or options.picture):
        flag = "--output writes pages" if options.output else "--picture draws one"
        raise cli.UsageError(f"--as prints JSON and {flag}; ask for them one after the other")


def _print_history(reports: dict[str, "CompareReport"], tool: str) -> int:
    """Print what was measured in a tool's format; on stderr, how much of it was not, and why."""
    from benchmarks.report import histories

    try:
        found = histories.merged([histories.history(report) for report in reports.values()])
    except ValueError as error:
        raise cli.UsageError(f"{error} is in several files, and a history takes it once; give one") from None
    content, missing = histories.FORMATS[tool](found), histories.left_out(found, tool)
    if missing:
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        cli.complain(PROGRAM, f"left out {len(missing)}: {missing[0]}{more}")
    if not (content["benchmarks"] if tool == histories.PYTEST_BENCHMARK else content):
        cli.complain(PROGRAM, "nothing is left for a history, so nothing was printed; measure again")
        measured = any(row.status == "ok" for report in reports.values() for row in report.results)
        return cli.UNDECIDED if measured else cli.UNAVAILABLE
    print(json_text(content))
    return cli.DONE


def beside(reports: dict[str, "CompareReport"], say: Language = ENGLISH) -> str:
    """A Markdown table: a row for each combination, a column of images a second for each file."""
    from tabulate import tabulate

    from benchmarks.results.formatting import number

    figures: dict[tuple[str, ...], dict[str, str]] = {}
    for name, report in reports.items():
        for row in report.results:
            key = (row.model, row.backend, row.phase, row.engine, row.precision, row.device)
            case = (*key, row.case.batch, row.layout, str(row.threads), row.settings_mode)
            text = number(row.images_per_second) if row.status == "ok" else say(row.status)
            figures.setdefault(case, {})[name] = text
    columns = [say(name) for name in COLUMNS]
    rows = [[*case, *(found.get(name, "-") for name in reports)] for case, found in figures.items()]
    table = tabulate(rows, headers=[*columns, *reports], tablefmt="github", disable_numparse=True)
    places = [
        say("- {file}: {place}", file=name, place=_place(report, say)) for name, report in reports.items()
    ]
    return "\n".join([say("Images a second:"), "", table, "", *places])


def _place(report: "CompareReport", say: Language) -> str:
    environment = report.environment
    versions = ", ".join(
        f"{name} {facts.get(name)}" for name, facts in environment.get("backends", {}).items()
    )
    machine = "; ".join(environment.get("gpus") or []) or environment.get("cpu")
    return say(
        "{versions} on {machine}, {cores} cores, {date}",
        versions=versions,
        machine=machine,
        cores=environment.get("cores"),
        date=environment.get("date"),
    )


def _write_pages(options: argparse.Namespace, reports: list["CompareReport"]) -> None:
    from benchmarks.report.page import write_pages
    from benchmarks.results.training_curves import read_curves

    if len(reports) > 1:
        raise cli.UsageError("--output: pages are written of one file; give one")
    require_folder(options.output)
    reports[0].curves += read_curves(options.curves)
    write_pages(reports[0], options.output, language=options.language)


def _write_pictures(options: argparse.Namespace, reports: list["CompareReport"]) -> int:
    from benchmarks.report.picture import write_pictures

    if len(reports) > 1:
        raise cli.UsageError("--picture: it is drawn of one file; give one")
    require_folder(options.picture)
    say = Language(options.language)
    for path in write_pictures(reports[0], options.picture, language=options.language):
        print(say("Written: {path}", path=path))
    return cli.DONE


if __name__ == "__main__":
    cli.run(main, program=PROGRAM)
