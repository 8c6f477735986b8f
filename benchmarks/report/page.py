"""report.html and report.md, from a report's parts."""

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.report.answer import answer, confidence, not_measured
from benchmarks.report.charts import PATTERN
from benchmarks.report.sections import sections
from benchmarks.results.result_file import write
from benchmarks.results.schema import CompareReport
from common.files import write_text

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

TEMPLATES = Path(__file__).parent / "templates"


def write_pages(report: CompareReport, folder: Path) -> None:
    """Write report.html, report.md and result.json into a folder that is there."""
    for name in ("report.html", "report.md"):
        write_text(folder / name, render(report, name))
    write(report, folder / "result.json")


def render(report: CompareReport, name: str) -> str:
    """One of the pages as text. The HTML one holds all that it needs: nothing is fetched."""
    return _templates().get_template(f"{name}.j2").render(**_facts(report))


def _facts(report: CompareReport) -> dict[str, Any]:
    model = report.results[0].model if report.results else "nothing measured"
    return {
        "title": f"PaddlePaddle or PyTorch: {model}",
        "answer": answer(report),
        "confidence": confidence(report),
        "sections": sections(report),
        "not_measured": not_measured(report),
        "date": _minute(report.environment.get("date") or ""),
        "machine": "; ".join(report.environment.get("gpus") or []) or report.environment.get("cpu"),
        "pattern": PATTERN,
        "style": (TEMPLATES / "style.css").read_text(),
        "script": (TEMPLATES / "sort.js").read_text(),
    }


def _minute(date: str) -> str:
    """A date as the file has it, such as 2026-01-31T12:34:56+00:00, for people."""
    return date[:16].replace("T", " ") + " UTC" if date.endswith("+00:00") else date


@cache
def _templates() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html.j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["with_flags"] = _with_flags
    return environment


def _with_flags(line: str) -> "Markup":
    """A line with its flags as code, so that no browser breaks one after its dashes."""
    from markupsafe import Markup, escape

    return Markup(re.sub(r"--[a-z][a-z-]*", r"<code>\g<0></code>", str(escape(line))))  # noqa: S704 - escaped
