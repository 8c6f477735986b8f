"""What a command leaves for the CI service that runs it: a summary, and annotations."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from benchmarks.ci.annotations import Annotation, repository, workflow_commands
from benchmarks.ci.flags import FILE, STEP_SUMMARY
from benchmarks.ci.summary import Summary
from common.cli import complain
from common.files import write_text


def publish(
    options: argparse.Namespace,
    summary: Summary,
    annotations: Sequence[Annotation],
    *,
    program: str,
    folder: Path | None = None,
) -> None:
    """Write the summary where it is wanted, and print the annotations.

    A step's page that cannot be written is a complaint, and no other verdict.
    """
    text = summary.markdown()
    target = options.summary or (folder / FILE if folder is not None else None)
    if target is not None:
        write_text(target, text)
    if os.environ.get(STEP_SUMMARY):
        try:
            with Path(os.environ[STEP_SUMMARY]).open("a", encoding="utf-8") as page:
                page.write(f"{text}\n")
        except OSError as error:
            complain(
                program, f"{STEP_SUMMARY}: {os.environ[STEP_SUMMARY]}: {error.strerror}; not written there"
            )
    if options.annotate == "github":
        for line in workflow_commands(annotations, root=repository(os.environ)):
            print(line)
