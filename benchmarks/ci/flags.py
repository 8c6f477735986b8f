"""Flags of commands with a verdict, for the CI service that runs them."""

import os
from pathlib import Path

from benchmarks.ci.annotations import SERVICES, default_service
from common.cli import Parser

FILE = "summary.md"
STEP_SUMMARY = "GITHUB_STEP_SUMMARY"  # names the file of the step's page on GitHub's runners


def add_ci_flags(parser: Parser) -> None:
    """Flags of a command with a verdict."""
    group = parser.add_argument_group("for a CI service")
    group.add_argument(
        "--annotate",
        choices=SERVICES,
        default=default_service(os.environ),
        help="print what failed as annotations (default: github on its runners, as GITHUB_ACTIONS says)",
    )
    summary = (
        f"write the result in at most 15 lines there (default: {FILE} in the folder of --report, if there "
        f"is one); where {STEP_SUMMARY} is set, it is added to that page, too"
    )
    group.add_argument("--summary", type=Path, metavar="FILE", help=summary)
