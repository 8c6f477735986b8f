"""The documents are true: rooms, files that they name, flags and exit codes are those of the code."""

import ast
import json
import re

import pytest

import side_by_side
from common import endings
from tests.support import command_reference
from tests.support.paths import ROOT

FLOORS = ("common", "backends", "benchmarks")
DOCUMENTS = [
    path
    for path in sorted(ROOT.rglob("*.md"))
    if path.relative_to(ROOT).parts[0] in {*FLOORS, "tests", path.name} and path.name != "CHANGELOG.md"
]
NAMED = re.compile(
    r"`((?:common|backends|benchmarks|tests)/[\w./]*)`|-m ((?:common|backends|benchmarks|tests)[\w.]*)"
)


def rooms():
    """The README's row for every room: its folder, and the first line of its docstring."""
    for floor in FLOORS:
        for path in sorted((ROOT / floor).rglob("__init__.py")):
            question = ast.get_docstring(ast.parse(path.read_text())).splitlines()[0]
            yield f"| `{path.parent.relative_to(ROOT)}/` | {question} |"


def missing(text):
    """Files, folders and modules that a document names and the project does not have."""
    for file, module in NAMED.findall(text):
        path = ROOT / (file or module.replace(".", "/"))
        if not (path.exists() or path.with_suffix(".py").exists()):
            yield file or module


def listed(text):
    """The rows of a README's table of rooms."""
    return [line for line in text.splitlines() if re.match(r"\| `[\w/]+/` \|", line)]


def test_the_readme_has_every_room_and_no_other():
    text = (ROOT / "README.md").read_text()
    assert listed(text) == list(rooms())
    assert listed(text.replace("| `common/loader/` |", "| `common/cellar/` |")) != list(rooms())


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_document_names_exists(document):
    assert list(missing(document.read_text())) == []


def test_what_does_not_exist_is_seen():
    text = "see `common/cellar.py`, `common/cli.py` and python -m benchmarks.compere, -m benchmarks.compare"
    assert list(missing(text)) == ["common/cellar.py", "benchmarks.compere"]


def test_the_page_of_commands_is_what_the_parsers_say():
    """Written anew by ``python -m tests.support.command_reference``."""
    assert command_reference.FILE.read_text() == command_reference.page()


def test_exit_codes_are_the_same_in_code_readme_schema_and_module():
    """README.md and the schema say what ``common.endings`` says; side_by_side imports nothing of ours."""
    table = [f"| {codes} | {meaning} |" for codes, meaning in endings.exit_codes().items()]
    text = (ROOT / "README.md").read_text()
    start = text.index("| code | means |")
    assert text[start : text.index("\n\n", start)].splitlines()[2:] == table
    schema = json.loads((ROOT / "benchmarks/results/result.schema.json").read_text())
    lines = [f"{codes}: {meaning}" for codes, meaning in endings.exit_codes().items()]
    assert schema["description"].splitlines()[-len(lines) :] == lines
    listed = [code for codes in endings.EXIT_CODES for code in codes]
    assert listed == sorted(set(listed)) == [0, 1, 2, 3, 4, 70, 130, 143]
    for name in ("DONE", "FAILED", "WRONG_REQUEST", "UNAVAILABLE", "UNDECIDED"):
        assert getattr(side_by_side, name) == getattr(endings, name)


def test_the_help_of_every_command_ends_with_the_exit_codes():
    parsers = [command_reference.parser_of(command) for command in command_reference.commands()]
    helps = [" ".join(parser.format_help().split()) for parser in parsers]
    assert len(helps) > 20
    assert [text for text in helps if not text.endswith(endings.exit_code_line())] == []


def test_every_flag_says_what_it_means():
    rows = [line for line in command_reference.page().splitlines() if line.startswith("| `")]
    assert len(rows) > 200
    assert [line for line in rows if line.endswith("|  |")] == []
