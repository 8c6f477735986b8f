"""The examples for CI services run as a runner does: every line of a job's scripts, in a fresh clone.

python -m tests.campaigns.workflow --jobs parity,newest
python -m tests.campaigns.workflow --service gitlab

A repository of somebody else's is made, with the example in it, and changes to it: one that changes nothing
that is computed, one with another activation in the twin, one whose forward pass sleeps. Jobs have to be
green for the first and red, with an annotation on the line, where the others are theirs to find. Actions are
not run: the clone stands for actions/checkout, and an environment with the frameworks of this interpreter for
actions/setup-python. Of this project pip installs what was committed last. Exit code 1 if a step ended
otherwise than it should; 4 if the machine was too busy.
"""

import argparse
import os
import re
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from common import cli
from tests.support.paths import ROOT
from tests.support.workflows import GITHUB, GITLAB, Job, Step, github_jobs, gitlab_jobs, read

PROGRAM = "tests.campaigns.workflow"
MODULE = """from time import sleep  # what is planted needs it


def net():
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 16, 5)
            self.act = nn.ReLU()
            self.fc = nn.Linear(16 * 28 * 28, 10)

        def forward(self, x):
            return self.fc(self.act(self.conv(x)).flatten(1))

    return Net()


def twin():
    from paddle import nn

    class Twin(nn.Layer):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2D(3, 16, 5)
            self.act = nn.ReLU()
            self.fc = nn.Linear(16 * 28 * 28, 10)

        def forward(self, x):
            return self.fc(self.act(self.conv(x)).flatten(1))

    return Twin()
"""
PAIRS = '[mine]\ntorch = "mine:net"\npaddle = "mine:twin"\ninput_shape = [3, 32, 32]\nnum_classes = 10\n'
ACTIVATION, FORWARD = "            self.act = nn.ReLU()\n", "        def forward(self, x):\n"


@dataclass(frozen=True)
class Change:
    """A pull request: the text of mine.py, the jobs that have to be red for it, and the line to annotate."""

    name: str
    text: str
    red: tuple[str, ...] = ()
    line: int = 0


def planted(old: str, new: str) -> str:
    """The module with its last ``old``, the twin's, replaced."""
    before, _, after = MODULE.rpartition(old)
    return before + new + after


def line_of(text: str, words: str) -> int:
    """The last line that holds the words, counted from 1."""
    return max(number for number, line in enumerate(text.splitlines(), 1) if words in line)


FAULT = planted(ACTIVATION, ACTIVATION.replace("ReLU()", "LeakyReLU(0.02)"))
SLOW = planted(FORWARD, f"{FORWARD}            sleep(0.1)\n")
CHANGES = (
    Change("nothing", f"{MODULE}# nothing that is computed\n"),
    Change("fault", FAULT, red=("parity", "newest"), line=line_of(FAULT, "LeakyReLU")),
    Change("slowdown", SLOW, red=("speed",), line=line_of(SLOW, "def twin")),
)
SERVICES = {"github": (GITHUB, github_jobs), "gitlab": (GITLAB, gitlab_jobs)}
EVENTS = {"speed": "pull_request", "parity": "pull_request", "newest": "schedule"}


@dataclass
class Outcome:
    """What became of a job: the exit code of each step that ran, and everything that was printed."""

    codes: list[int] = field(default_factory=list)
    printed: str = ""
    allowed: int = 0
    succeeded: set[str] = field(default_factory=set)  # steps, by id

    @property
    def is_green(self) -> bool:
        """True if every step ended with 0, or with the code that is allowed."""
        return not {*self.codes} - {0, self.allowed}


def git(folder: Path, *words: str) -> None:
    """Run git quietly, as a person with a name."""
    who = [
        "-c",
        "user.name=somebody",
        "-c",
        "user.email=somebody@example.org",
        "-c",
        "init.defaultBranch=main",
    ]
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


def make_origin(folder: Path) -> None:
    """Somebody else's repository, with a branch for each change."""
    (folder / ".github" / "workflows").mkdir(parents=True)
    (folder / ".github" / "workflows" / "side-by-side.yml").write_text(GITHUB.read_text())
    (folder / "src").mkdir()
    (folder / "src" / "mine.py").write_text(MODULE)
    (folder / "pairs.toml").write_text(PAIRS)
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "first")
    for change in CHANGES:
        git(folder, "checkout", "-q", "-b", change.name, "main")
        (folder / "src" / "mine.py").write_text(change.text)
        git(folder, "commit", "-q", "-a", "-m", change.name)
    git(folder, "checkout", "-q", "main")


def make_python(scratch: Path) -> Path:
    """An environment of its own, in which pip finds the frameworks as a cache would hold them."""
    python = scratch / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(python)], check=True)
        packages = subprocess.run(
            [python / "bin" / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        (Path(packages) / "frameworks.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return python / "bin"


def environment(clone: Path, scratch: Path, job: Job, *, source: str, branch: str) -> dict[str, str]:
    """Variables that either service's runner sets, and those of the job."""
    event = EVENTS[job.name]
    runner = {
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_WORKSPACE": str(clone),
        "GITHUB_EVENT_NAME": event,
        "GITHUB_BASE_REF": "main" if event == "pull_request" else "",
        "GITHUB_HEAD_REF": branch if event == "pull_request" else "",
        "GITHUB_STEP_SUMMARY": str(scratch / f"{branch}-{job.name}.md"),
        "RUNNER_TEMP": str(scratch / f"{branch}-{job.name}"),
    }
    if job.env.get("PIP_CACHE_DIR"):  # GitLab's
        runner = {"CI": "true", "GITLAB_CI": "true", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main"}
    own = job.env | {"SIDE_BY_SIDE": source, "PIP_EXTRA_INDEX_URL": "", "PIP_CACHE_DIR": str(scratch / "pip")}
    kept = {name: os.environ[name] for name in os.environ if not name.startswith(("GITHUB_", "PYTHON"))}
    return kept | runner | own | {"PATH": f"{make_python(scratch)}:{os.environ['PATH']}"}


def is_wanted(step: Step, outcome: Outcome) -> bool:
    """True if a runner would run the step now; of GitHub's conditions, those that the example has."""
    needed = re.findall(r"steps\.(\w+)\.outcome == 'success'", step.condition)
    if not {*needed} <= outcome.succeeded:
        return False
    return outcome.is_green or "always()" in step.condition or "!cancelled()" in step.condition


def run_job(job: Job, change: Change, *, origin: Path, scratch: Path, source: str) -> Outcome:
    """Every ``run`` of a job, each in a bash of its own, in a clone of the change's branch."""
    clone = scratch / f"clone-{change.name}-{job.name}{job.env.get('NAME', '')}"
    git(scratch, "clone", "-q", "--depth=1", "--branch", change.name, f"file://{origin}", str(clone))
    outside = environment(clone, scratch, job, source=source, branch=change.name)
    (scratch / f"{change.name}-{job.name}").mkdir(exist_ok=True)
    outcome = Outcome(allowed=job.allowed)
    for step in job.steps:
        if step.run and is_wanted(step, outcome):
            ended = subprocess.run(
                ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step.run],
                cwd=clone,
                env=outside,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            outcome.codes.append(ended.returncode)
            outcome.succeeded |= {step.id} if ended.returncode == 0 else set()
            outcome.printed += f"\n$ {step.name}: exit code {ended.returncode}\n{ended.stdout}"
    return outcome


def problems(outcome: Outcome, job: Job, change: Change, page: Path) -> list[str]:
    """What is not as it should be; of a matrix the row that the change is about is the one to be red."""
    found = []
    wanted_red = job.name in change.red and job.env.get("NAME", "paddle") == "paddle"
    if outcome.is_green == wanted_red:
        found.append(f"is {'green' if outcome.is_green else 'red'}")
    if "PIP_CACHE_DIR" in job.env:  # GitLab has neither annotations nor a page of the run
        return found
    blamed = f"::error file=src/mine.py,line={change.line},title=side-by-side::"
    if wanted_red and blamed not in outcome.printed:
        found.append(f"has no annotation {blamed}")
    if not wanted_red and "::error" in outcome.printed:
        found.append("has an error's annotation")
    if not page.exists() or "What to do" not in page.read_text():
        found.append("has no summary")
    return found


def is_busy(outcome: Outcome) -> bool:
    """True if the machine disturbed the run too much to decide."""
    return ": invalid: " in outcome.printed


def main(arguments: list[str]) -> int:
    """The campaign; returns its exit code."""
    parser = cli.Parser(prog=PROGRAM, description="The example workflow, run in a fresh clone.")
    parser.add_argument("--jobs", default=",".join(EVENTS), help="comma list (default: all)")
    parser.add_argument("--changes", default=",".join(change.name for change in CHANGES), help="comma list")
    parser.add_argument("--service", choices=SERVICES, default="github", help="default github")
    parser.add_argument("--source", default=f"git+file://{ROOT}", help="what pip installs")
    options: argparse.Namespace = parser.parse_args(arguments)
    path, jobs_of = SERVICES[options.service]
    jobs = [job for job in jobs_of(read(path)) if job.name in options.jobs.split(",")]
    codes = []
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        (scratch / "origin").mkdir()
        make_origin(scratch / "origin")
        for change in CHANGES:
            for job in jobs:
                if change.name in options.changes.split(","):
                    how = {"origin": scratch / "origin", "scratch": scratch, "source": options.source}
                    codes.append(_judge(job, change, how))
    return max(codes, key=(cli.DONE, cli.UNDECIDED, cli.FAILED).index, default=cli.DONE)


def _judge(job: Job, change: Change, how: Mapping[str, object]) -> int:
    """Run a job for a change, and print what became of it."""
    outcome = run_job(job, change, **how)
    page = how["scratch"] / f"{change.name}-{job.name}.md"
    found = problems(outcome, job, change, page)
    print(f"{change.name}, {job.name}: exit codes {outcome.codes}: {'; '.join(found) or 'as it should be'}")
    print(page.read_text() if page.exists() else "", flush=True)
    if not found:
        return cli.DONE
    if is_busy(outcome):
        print("  the machine was too busy to decide\n", flush=True)
        return cli.UNDECIDED
    print(outcome.printed, flush=True)
    cli.complain(PROGRAM, f"not right: {change.name}, {job.name}: {'; '.join(found)}")
    return cli.FAILED


if __name__ == "__main__":
    cli.run(main, program=PROGRAM)
