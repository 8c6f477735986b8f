"""Flags of a page of many pairs."""

import argparse
from pathlib import Path

from common.cli import Group, UsageError


def add_page_flags(group: Group) -> None:
    """Which pairs, over which images, and where the page goes."""
    group.add_argument(
        "--pairs",
        metavar="FILE",
        help="a file of pairs, pairs.toml, as benchmarks.suite reads it, or torchvision",
    )
    group.add_argument(
        "--only",
        type=lambda text: tuple(text.split(",")),
        default=(),
        metavar="WORD,WORD",
        help="those whose names hold one of these words (default: all)",
    )
    group.add_argument(
        "--images", type=Path, metavar="LIST", help="list of photographs that both predict: Top-1 and Top-5"
    )
    group.add_argument("--report", type=Path, metavar="DIR", help="folder of the page, and of what is kept")
    group.add_argument(
        "--speed",
        type=Path,
        metavar="DIR",
        help="show the ratios that benchmarks.suite --report DIR found",
    )


def require_pairs(options: argparse.Namespace) -> None:
    """Raise UsageError for flags of the page without --pairs."""
    for name in ("only", "images", "report", "speed"):
        if getattr(options, name):
            raise UsageError(f"--{name} belongs to --pairs FILE")
