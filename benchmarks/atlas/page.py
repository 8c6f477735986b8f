"""The atlas as a page that can be searched, and as Markdown."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.atlas import text
from benchmarks.atlas.cases.spelling import MODULES
from benchmarks.atlas.row import AtlasReport, Row
from benchmarks.report.page import TEMPLATES as REPORT_TEMPLATES
from benchmarks.results.result_file import write
from common.files import write_text

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
PAGES = ("atlas.html", "atlas.md")


def write_pages(report: AtlasReport, folder: Path) -> None:
    """Write atlas.html, atlas.md and atlas.json into a folder that is there."""
    for name in PAGES:
        write_text(folder / name, render(report, name))
    write(report, folder / "atlas.json")


def render(report: AtlasReport, name: str) -> str:
    """One of the pages as text. The HTML one holds all that it needs: nothing is fetched."""
    facts: dict[str, Any] = {
        "heading": text.heading(report),
        "summary": text.summary(report),
        "families": list(dict.fromkeys(row.family for row in report.rows)),
        "rows": [_facts(row) for row in report.rows],
        "environment": {name: value for name, value in report.environment.items() if value},
        "modules": {name: MODULES[name] for name in report.sides if name in MODULES},
        "style": (REPORT_TEMPLATES / "style.css").read_text(),
        "script": (TEMPLATES / "search.js").read_text(),
    }
    return _templates().get_template(f"{name}.j2").render(**facts)


def _facts(row: Row) -> dict[str, Any]:
    """A row as the templates have it."""
    return {
        "row": row,
        "spelled": text.spelled(row),
        "size": text.size(row),
        "ratio": text.speed(row),
        "why": text.sentence(row),
    }


@cache
def _templates() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html.j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
