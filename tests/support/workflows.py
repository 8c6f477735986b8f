"""The examples for CI services as data: their jobs, steps, and the commands in them."""

import shlex
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.paths import ROOT

GITHUB, GITLAB = ROOT / ".ci" / "example-workflow.yml", ROOT / ".ci" / "example-gitlab-ci.yml"


@dataclass(frozen=True)
class Step:
    """A step of a job: lines for bash, or an action that it uses."""

    name: str
    run: str = ""
    uses: str = ""
    condition: str = ""
    id: str = ""


@dataclass(frozen=True)
class Job:
    """A job: its steps, and the variables that they see."""

    name: str
    steps: list[Step]
    env: dict[str, str] = field(default_factory=dict)
    condition: str = ""
    timeout: object = None
    allowed: int = 0  # an exit code that does not turn it red


def read(path: Path) -> dict:
    """A YAML file's content; "on" is a truth value in YAML 1.1."""
    import yaml

    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {"on" if name is True else name: value for name, value in content.items()}


def github_jobs(content: dict) -> list[Job]:
    """The jobs of a workflow."""
    return [
        Job(
            name=name,
            steps=[
                Step(
                    name=step.get("name", ""),
                    run=step.get("run", ""),
                    uses=step.get("uses", ""),
                    condition=str(step.get("if", "")),
                    id=step.get("id", ""),
                )
                for step in job["steps"]
            ],
            env=content.get("env", {}) | job.get("env", {}),
            condition=job.get("if", ""),
            timeout=job.get("timeout-minutes"),
        )
        for name, job in content["jobs"].items()
    ]


def gitlab_jobs(content: dict) -> list[Job]:
    """The jobs of a pipeline, one for each row of a matrix, with what the template has that they extend."""
    jobs = []
    for name, own in content.items():
        if not isinstance(own, dict) or "script" not in own:
            continue
        job = content.get(own.get("extends"), {}) | own
        for row in job.get("parallel", {}).get("matrix", [{}]):
            lines = "\n".join([*job.get("before_script", []), *job["script"]])  # in one shell
            env = content["variables"] | job.get("variables", {}) | row
            allowed = job.get("allow_failure", {}).get("exit_codes", 0)
            how = {"timeout": job.get("timeout"), "allowed": allowed}
            jobs.append(Job(name=name, steps=[Step(name=name, run=lines)], env=env, **how))
    return jobs


def commands(job: Job) -> list[list[str]]:
    """The words behind every ``side-by-side``, with the job's variables in their places."""
    found = []
    for step in job.steps:
        for line in step.run.replace("\\\n", " ").splitlines():
            text = line.partition("||")[0]
            for name, value in job.env.items():
                text = text.replace(f"${name}", value)
            words = shlex.split(text)
            if words[:1] == ["side-by-side"]:
                found.append(words[1:])
    return found
