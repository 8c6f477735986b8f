"""report.html and report.md, from a report's parts."""

import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from gzip import compress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.report import badges, said
from benchmarks.report.answer import answer, confidence
from benchmarks.report.baseline import baseline_section
from benchmarks.report.circumstances import card, machine, minute, settings_section, versions
from benchmarks.report.cold_start import cold_start_section
from benchmarks.report.command import command_of
from benchmarks.report.comparison import comparison_section, time_section, trust_section
from benchmarks.report.figures import PATTERN
from benchmarks.report.layers import layer_section
from benchmarks.report.memory import memory_section
from benchmarks.report.parity import depth_section, parity_section
from benchmarks.report.quantization import quantization_section
from benchmarks.report.scaling import scaling_section
from benchmarks.report.section import Section
from benchmarks.report.service import service_section
from benchmarks.report.throughput import (
    cost_section,
    limit_section,
    result_section,
    step_section,
    throughput_section,
)
from benchmarks.report.training import curve_section
from benchmarks.report.unmeasured import not_measured
from benchmarks.results.formatting import markdown_text, number
from benchmarks.results.result_file import text_of, write
from benchmarks.results.schema import CompareReport
from common.files import write_text
from common.language import Language
from common.terminal import printable

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

TEMPLATES = Path(__file__).parent / "templates"
FILE = "result.json"
MOST_PACKED = 400_000  # letters of results inside a page, which shall stay below 1 MiB
RAW = ("step_seconds", "block_steps", "block_processes", "block_counters", "block_disturbed")
MOST_LINES = 8  # of what was not measured, before the rest is folded
Part = Callable[[Language, CompareReport], Section | None]


def write_pages(report: CompareReport, folder: Path, *, language: str = "en") -> None:
    """Write report.html, report.md and result.json into a folder that is there."""
    for name in ("report.html", "report.md"):
        write_text(folder / name, render(report, name, language=language))
    write(report, folder / FILE)


def render(report: CompareReport, name: str, *, language: str = "en") -> str:
    """One of the pages as text.

    The HTML one holds all that it needs, the results too: nothing is fetched.
    """
    facts = _facts(Language(language), report)
    if name.endswith(".html"):
        data, whole = _packed(report)
        facts |= shared_parts(facts, data, file=FILE) | {"whole": whole}
    return templates(markdown=name.endswith(".md")).get_template(f"{name}.j2").render(**facts)


def _facts(say: Language, report: CompareReport) -> dict[str, Any]:
    model = report.results[0].model if report.results else say("nothing measured")
    return {
        "say": say,
        "title": say("PaddlePaddle or PyTorch: {what}", what=model),
        "advice": badges.advice(say, report),
        "badges": badges.badges(say, report),
        "answer": answer(report, say),
        "confidence": confidence(report, say),
        "card": card(say, report),
        "command": command_of(report),
        "sections": sections(say, report),
        "not_measured": not_measured(say, report),
        "kinds": said.badge_kinds(say, report.comparisons),
        "date": minute(report.environment.get("date") or ""),
        "machine": machine(report.environment),
        "versions": versions(report.environment),
    }


def _packed(report: CompareReport) -> tuple[str, bool]:
    """The results packed, and whether they are whole.

    Raw values, which are in the file, are left out where the page would be too long.
    """
    found = packed(text_of(report))
    if len(found) <= MOST_PACKED:
        return found, True
    rows = [row.model_copy(update={name: [] for name in RAW}) for row in report.results]
    return packed(text_of(report.model_copy(update={"results": rows}))), False


def packed(text: str) -> str:
    """Text by gzip and base64, as the page's script unpacks it."""
    return b64encode(compress(text.encode(), mtime=0)).decode()


def shared_parts(facts: dict[str, Any], data: str, *, file: str) -> dict[str, Any]:
    """What an HTML page holds beside its facts: style, scripts, the Markdown to copy, the packed results."""
    return {
        "pattern": PATTERN,
        "style": (TEMPLATES / "style.css").read_text(),
        "script": "\n".join((TEMPLATES / name).read_text() for name in ("tables.js", "share.js")),
        "markdown": templates(markdown=True).get_template("share.md.j2").render(**facts),
        "data": data,
        "file": file,
        "whole": True,
        "most_lines": MOST_LINES,
        "left_out": [each.title for each in facts["sections"] if each.folded and not each.printed],
    }


@cache
def templates(*, markdown: bool) -> "Environment":
    """The pages' templates, with their filters; Markdown shows text as text."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html.j2"]),
        finalize=_markdown if markdown else None,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "with_flags": _with_flags,
        "cells": _cells,
        "code": _code,
        "facts": _row_facts,
        "in_script": _in_script,
    }
    return environment


def _markdown(value: Any) -> Any:
    """What a template prints, as Markdown shows it."""
    from markupsafe import Markup

    return value if isinstance(value, Markup) else Markup(markdown_text(value))  # noqa: S704 - escaped


def _cells(row: Sequence[object]) -> "Markup":
    """A row of a Markdown table."""
    from markupsafe import Markup

    return Markup(" | ").join(_markdown(cell) for cell in row)


def _code(line: str) -> "Markup":
    """A line as Markdown shows it between backticks, where nothing but they end it."""
    from markupsafe import Markup

    return Markup(printable(line.replace("`", "'")))  # noqa: S704 - between backticks


def _row_facts(groups: Iterable[Sequence[str]], place: int) -> str:
    """The facts of a row by which it is grouped, as JSON."""
    return json.dumps([values[place] for values in groups])


def _in_script(words: str) -> "Markup":
    """Text inside a script element, which ends at "</script" and begins comments at "<!--"."""
    from markupsafe import Markup

    return Markup(words.replace("<", "&lt;"))  # noqa: S704 - Markdown has its own for it


def _with_flags(line: str) -> "Markup":
    """A line with its flags as code, so that no browser breaks one after its dashes."""
    from markupsafe import Markup, escape

    return Markup(re.sub(r"--[a-z][a-z-]*", r"<code>\g<0></code>", str(escape(line))))  # noqa: S704 - escaped


def sections(say: Language, report: CompareReport) -> list[Section]:
    """All parts for which there is something to show, the pictures that answer first."""
    parts: tuple[Part, ...] = (
        comparison_section,
        baseline_section,
        service_section,
        memory_section,
        scaling_section,
        throughput_section,
        cold_start_section,
        step_section,
        layer_section,
        parity_section,
        curve_section,
        trust_section,
        time_section,
        cost_section,
        quantization_section,
        result_section,
        limit_section,
        depth_section,
        tuning_section,
        settings_section,
    )
    return [section for section in (part(say, report) for part in parts) if section is not None]


def tuning_section(say: Language, report: CompareReport) -> Section | None:
    """All that was tried."""
    columns = [say("backend"), say("phase"), say("batch"), say("engine"), say("precision"), say("layout")]
    columns += [say("threads"), "images/s", say("outcome")]
    rows = [
        [row.backend, row.phase, str(row.batch_size)]
        + [str(tried[key]) for key in ("engine", "precision", "layout", "threads")]
        + [number(tried["images_per_second"]), tried["outcome"]]
        for row in report.results
        for tried in row.tuning
    ]
    note = say("All that was tried, in short runs; the chosen ones were then measured at length.")
    return Section(title=say("What tuning tried"), note=note, columns=columns, rows=rows) if rows else None
