"""The examples for CI services: they can be read, and every command in them is one of ours.

``python -m tests.campaigns.workflow`` runs them, in a fresh clone.
"""

import re
from dataclasses import replace

import pytest

import side_by_side
from tests.support import workflows
from tests.support.command_reference import parser_of
from tests.support.workflows import GITHUB, GITLAB, Job, Step, commands, github_jobs, gitlab_jobs

pytest.importorskip("yaml", reason="PyYAML is of the extra dev: make setup")


def jobs():
    return [*github_jobs(workflows.read(GITHUB)), *gitlab_jobs(workflows.read(GITLAB))]


def parsed(words):
    """The flags of a command; SystemExit where its parser refuses them."""
    name, *arguments = words
    return parser_of(side_by_side.COMMANDS[name]).parse_args(arguments)


def test_every_command_in_the_examples_is_one_of_ours_with_flags_that_it_takes():
    found = [words for job in jobs() for words in commands(job)]
    assert [words[0] for words in found] == ["run", "run", "parity", "parity"] * 2
    for words in found:
        parsed(words)
    speed = [parsed(words) for words in found if words[0] == "run"]
    assert [options.backend for options in speed] == ["torch", "paddle"] * 2
    assert all(options.against for options in speed)


@pytest.mark.parametrize("run", ["side-by-side run --backend jax", "side-by-side parity --pair pairs.toml"])
def test_what_is_no_flag_of_ours_is_seen(run, capsys):
    (words,) = commands(Job(name="x", steps=[Step(name="x", run=run)]))
    with pytest.raises(SystemExit):
        parsed(words)
    assert "--help lists every flag" in capsys.readouterr().err


def test_actions_have_a_version_and_jobs_an_end():
    content = workflows.read(GITHUB)
    uses = [step.uses for job in github_jobs(content) for step in job.steps if step.uses]
    assert len(uses) == 9
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", name) for name in uses)
    assert not re.fullmatch(r"actions/[\w-]+@v\d+", "actions/checkout@main")
    assert all(job.timeout for job in jobs())
    assert content["concurrency"]["cancel-in-progress"] is True
    assert set(content["on"]) == {"pull_request", "push", "schedule", "workflow_dispatch"}


def test_both_examples_ask_for_the_same():
    ours, theirs = github_jobs(workflows.read(GITHUB)), gitlab_jobs(workflows.read(GITLAB))
    for name in ("SIDE_BY_SIDE", "FRAMEWORKS", "PIP_EXTRA_INDEX_URL"):
        assert {job.env[name] for job in ours} == {job.env[name] for job in theirs}
    pins = (workflows.ROOT / "constraints.txt").read_text().splitlines()
    assert set(ours[0].env["FRAMEWORKS"].split()) <= set(pins)
    assert not set(replace(ours[0], env={"FRAMEWORKS": "torch==0.1"}).env["FRAMEWORKS"].split()) <= set(pins)
