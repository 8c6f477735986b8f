"""What somebody meets who knows no command yet: lists, examples, near matches."""

import shlex
import subprocess
import sys

import pytest

from common import cli
from common.command_examples import EXAMPLES
from common.command_list import HIDDEN, command_list
from common.flag_values import words
from tests.support.command_reference import commands, parser_of
from tests.support.paths import ROOT


@pytest.mark.parametrize("command", [*commands()])
def test_each_command_has_three_examples_that_its_parser_takes(command):
    parser = parser_of(command)
    found = EXAMPLES[command]
    assert len(set(found)) == (0 if command in HIDDEN else 3)
    for words_ in found:
        parser.parse_args(shlex.split(words_))
        assert f"  python -m {command} {words_}\n" in parser.format_help()
    assert parser.format_help().endswith("stopped.\n")


@pytest.mark.parametrize("package", ["common", "backends", "benchmarks"])
def test_a_package_lists_its_commands(package):
    done = subprocess.run(
        [sys.executable, "-m", package], cwd=ROOT, capture_output=True, text=True, check=True
    )
    named = [line.split()[2] for line in done.stdout.splitlines() if line.startswith("  python -m ")]
    assert named == [name for name in commands() if name.startswith(f"{package}.") and name not in HIDDEN]
    assert done.stdout.strip() == command_list(package)


@pytest.mark.parametrize(
    ("arguments", "near"),
    [
        (["--recipe", "flowrs"], "; did you mean 'flowers'?"),
        (["--egnine", "eager"], "; did you mean '--engine'?"),
        (["--engine", "eager,deplot"], "; did you mean 'deploy'?"),
        (["--recipe", "entirely-else"], "mnist) (--help"),
    ],
)
def test_a_misspelt_word_is_refused_with_the_near_one(arguments, near, capsys):
    parser = cli.Parser(prog="x")
    parser.add_argument("--recipe", choices=("flowers", "mnist"))
    parser.add_argument("--engine", type=words(("eager", "deploy")))
    with pytest.raises(SystemExit):
        parser.parse_args(arguments)
    assert near in capsys.readouterr().err
