"""COMMANDS.md, written from the commands' own parsers: ``python -m tests.support.command_reference``."""

import argparse
import importlib
import re
from unittest import mock

from common import cli
from tests.support.paths import ROOT

FILE = ROOT / "COMMANDS.md"
FLOORS = ("common", "backends", "benchmarks")
HEAD = (
    "# Commands\n\nEvery command with every flag. This page is written from the commands' parsers by "
    "`python -m tests.support.command_reference`; a test holds it against them.\n\nRun them from the "
    "repository's root with `.venv/bin/python`. Exit codes are the same for all: see `README.md`.\n"
)


class ParsedError(Exception):
    """A command has made its parser; no more of it is wanted."""

    def __init__(self, parser):
        super().__init__(parser.prog)
        self.parser = parser


def commands():
    """Modules that can be run with ``python -m``, by name."""
    for floor in FLOORS:
        for path in sorted((ROOT / floor).rglob("*.py")):
            if "cli.run(main" in path.read_text():
                yield ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__main__")


def parser_of(command):
    """The parser that a command makes for its arguments."""

    def caught(self, *_):
        raise ParsedError(self)

    path = ROOT / command.replace(".", "/")
    module = importlib.import_module(f"{command}.__main__" if path.is_dir() else command)
    with mock.patch.object(cli.Parser, "parse_args", caught):
        try:
            module.main([])
        except ParsedError as error:
            return error.parser
    raise AssertionError(f"{command} makes no parser")


def page():
    """The whole text of COMMANDS.md."""
    return "\n".join([HEAD, *(section(parser_of(command)) for command in commands())])


def section(parser, level="##"):
    """One command: what it does, and a table of its flags for each group of them."""
    lines = [f"{level} `python -m {parser.prog}`", ""]
    if parser.description:
        lines += [parser.description, ""]
    inner, plain = [], []  # rows of arguments and flags without a group of their own come first, together
    tables = [("", plain)]
    for group in parser._action_groups:
        rows = plain if group.title in ("options", "positional arguments") else []
        for action in group._group_actions:
            if isinstance(action, argparse._SubParsersAction):
                inner += [section(each, f"{level}#") for each in action.choices.values()]
            elif not isinstance(action, argparse._HelpAction):
                rows.append(row(action))
        if rows is not plain:
            tables.append((f"{group.title.capitalize()}:", rows))
    for title, rows in tables:
        if rows:
            lines += [*([title, ""] if title else []), *TABLE, *rows, ""]
    return "\n".join([*lines, *inner])


TABLE = ("| flag | meaning |", "| --- | --- |")


def row(action):
    """A row for one flag."""
    name = action.option_strings[-1] if action.option_strings else ""
    value = ""
    if action.nargs != 0:
        choices = f"{{{','.join(map(str, action.choices))}}}" if action.choices else action.dest.upper()
        value = action.metavar or choices
    required = " (required)" if action.required and name else ""
    flag, meaning = (re.sub(r"\|", r"\\|", text) for text in (f"{name} {value}".strip(), action.help or ""))
    meaning = meaning.replace("<", "&lt;")
    return f"| `{flag}`{required} | {meaning} |"


if __name__ == "__main__":
    FILE.write_text(page())
