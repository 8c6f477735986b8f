"""The catalogue of sentences: ``python -m tests.support.catalogue`` collects them anew and compiles it.

New sentences are added to the .po without a translation, and those that nobody says are removed. After a
merge, ``python -m tests.support.catalogue OTHER.po`` adds the translations of the other branch.
"""

import ast
import sys
from datetime import datetime, timezone
from io import BytesIO, StringIO
from pathlib import Path
from typing import Literal, get_args

from jinja2 import nodes

from benchmarks.analysis import layers
from benchmarks.parity.judge import sentences as noted
from benchmarks.parity.tensors.known_differences import KNOWN_DIFFERENCES
from benchmarks.parity.tensors.known_roundings import KNOWN_ROUNDINGS
from benchmarks.parity.text import pairing, stages
from benchmarks.report import __main__ as beside
from benchmarks.report import answer, largest_batch, terminal
from benchmarks.report.page import TEMPLATES, templates
from benchmarks.results import formatting, outcome, schema, sentences
from common.language import DOMAIN, FOLDER
from common.model_cards import MODELS
from tests.support.paths import ROOT

WORDS = (  # of tables: each is said as it is
    schema.Verdict,
    schema.Status,
    schema.AgainstVerdict,
    schema.ScalingVerdict,
    Literal["compute", "memory"],
)
PO = FOLDER / "zh" / "LC_MESSAGES" / f"{DOMAIN}.po"
MO = PO.with_suffix(".mo")


def messages():
    """Every sentence that is said, with its plural, or None, and where."""
    found = {}
    for path in sorted((ROOT / "benchmarks").rglob("*.py")):
        text = path.read_text()
        if "common.language" in text:
            for one, many in in_python(text):
                found.setdefault((one, many), str(path.relative_to(ROOT)))
    for path in sorted(TEMPLATES.glob("*.j2")):
        for one in in_template(path.read_text()):
            found.setdefault((one, None), str(path.relative_to(ROOT)))
    for table, texts in tables().items():
        for one in texts:
            found.setdefault((one, None), table)
    return found


def in_python(text):
    """The arguments of ``say("...")`` and ``say.count("...", "...", n)``, and what ``message`` is set to."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "message":
            yield ast.literal_eval(node.value), None
        if not isinstance(node, ast.Call):
            continue
        words = [each.value for each in node.args if isinstance(each, ast.Constant)]
        if isinstance(node.func, ast.Name) and node.func.id == "say" and words:
            yield words[0], None
        elif isinstance(node.func, ast.Attribute) and ast.unparse(node.func) == "say.count":
            yield words[0], words[1]


def in_template(text):
    """The arguments of ``say("...")`` in a template."""
    for call in templates(markdown=False).parse(text).find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name == "say":
            yield call.args[0].value


def tables():
    """Sentences of tables that are said as they are."""
    roundings = [part for known in KNOWN_ROUNDINGS.values() for part in known.constant.split("; ")]
    differences = [text for known in KNOWN_DIFFERENCES.values() for text in (known.torch, known.paddle)]
    return {
        "known_roundings": roundings,
        "known_differences": differences,
        "results/schema": [word for words in WORDS for word in get_args(words)],
        "results/formatting": [formatting.UNUSABLE],
        "results/sentences": sentences.MESSAGES,
        "results/outcome": [outcome.NOT_CHECKED],
        "report/answer": [*answer.TASKS.values(), *answer.SERVICE_TASKS.values()],
        "report/terminal": [*terminal.RUN_COLUMNS, *terminal.COMPARE_COLUMNS, terminal.FOOTNOTE],
        "report": beside.COLUMNS,
        "report/largest_batch": [*largest_batch.COLUMNS, *largest_batch.MORE, largest_batch.FOOTNOTE],
        "common/model_cards": [card.title for card in MODELS.values()],
        "analysis/layers": [*layers.GAP_COLUMNS, *layers.OWN_COLUMNS, *layers.SUMS],
        "parity/text/stages": [*stages.COLUMNS, *stages.VERDICTS, *stages.PASSES.values()],
        "parity/text/pairing": pairing.METHODS,
        "parity/judge/sentences": [*noted.NOTES, *noted.CAUSES],
    }


def compiled(text):
    """The .mo of a .po's text, as bytes."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    target = BytesIO()
    write_mo(target, read_po(StringIO(text)))
    return target.getvalue()


def key(entry):
    """A message, or that for one thing."""
    return entry.id if isinstance(entry.id, str) else entry.id[0]


def updated(path: Path, *others: Path):
    """The text of a .po with all that is said now; ``others`` give translations that it has not itself."""
    from babel.messages.catalog import Catalog
    from babel.messages.pofile import read_po, write_po

    fresh = Catalog(locale="zh_CN", project=DOMAIN, fuzzy=False)
    known = {}
    for each in (*others[::-1], path):
        with each.open("rb") as file:
            read = read_po(file, locale="zh_CN")
        said = {key(entry): entry.string for entry in read if entry.id}
        known |= {one: string for one, string in said.items() if any(string)}
    for (one, many), where in messages().items():
        translation = known.get(one, "" if many is None else ("",))
        fresh.add((one, many) if many else one, translation, auto_comments=[where])
    target = BytesIO()
    fresh.header_comment = "# Sentences of reports in Chinese. See common/language.py."
    fresh.revision_date = fresh.creation_date = datetime(2026, 11, 30, tzinfo=timezone.utc)  # not today's
    write_po(target, fresh, width=100, sort_output=False)
    return target.getvalue().decode()


if __name__ == "__main__":
    text = updated(PO, *map(Path, sys.argv[1:]))
    PO.write_text(text)
    MO.write_bytes(compiled(text))
