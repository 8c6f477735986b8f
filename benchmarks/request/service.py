"""What a service is asked for: requests under a limit of latency, and memory over many shapes."""

import argparse
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from benchmarks.request.tail_rule import requests_needed
from common.cli import Parser, UsageError
from common.flag_values import number, positive, sizes

SERVE, SOAK = "serve", "soak"
PHASES = (SERVE, SOAK)
FEWEST_STEPS = 800  # eight parts of a hundred steps
SPARE = 5  # requests that may be over the limit by default: one hiccup fails no run
UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}
BYTES = {"MiB": 1 << 20, "GiB": 1 << 30, "MB": 10**6, "GB": 10**9}
_PERCENT = number(float, above=0, most=99.99, what="a percentile")


def duration(text: str) -> float:
    """Parse 2ms, 0.5s or 200us; seconds."""
    return _with_unit(text, UNITS, "a time as in 2ms or 0.5s")


def size_in_bytes(text: str) -> int:
    """Parse 8GiB or 500MB; bytes."""
    return int(_with_unit(text, BYTES, "a size as in 8GiB or 500MB"))


def _with_unit(text: str, units: dict[str, float] | dict[str, int], expected: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([A-Za-z]+)", text)
    if found is None or found[2] not in units:
        raise argparse.ArgumentTypeError(f"expected {expected}, got {text!r}")
    return float(found[1]) * units[found[2]]


@dataclass(frozen=True, kw_only=True)
class LatencyLimit:
    """Seconds that a share of the requests may take at most: 50ms@p99."""

    seconds: float
    percentile: float  # between 0 and 1

    def __str__(self) -> str:
        return f"{self.seconds * 1000:g}ms@p{self.percentile * 100:g}"

    @classmethod
    def parse(cls, text: str) -> "LatencyLimit":
        """Parse TIME@pPERCENT."""
        time, _, rank = text.partition("@p")
        if not rank:
            raise argparse.ArgumentTypeError(f"expected a limit as in 50ms@p99, got {text!r}")
        limit = cls(seconds=duration(time), percentile=round(_PERCENT(rank) / 100, 6))
        if not limit.seconds:
            raise argparse.ArgumentTypeError(f"expected a limit above 0, got {text!r}")
        return limit


@dataclass(frozen=True, kw_only=True)
class ServePlan:
    """Phase serve: batches of ``serve_batch`` images at most, the first of which waits ``serve_wait`` s.

    ``serve_threads`` workers have a model each. A run has at least ``serve_requests`` requests.
    """

    latency_limit: LatencyLimit = LatencyLimit(seconds=0.1, percentile=0.99)
    serve_batch: int = 1
    serve_wait: float = 0.002
    serve_threads: int = 1
    serve_requests: int = 0  # 0: as many as let SPARE of them be over the limit

    def __post_init__(self) -> None:
        needed = requests_needed(self.latency_limit.percentile, over=0)
        if not self.serve_requests:
            spared = requests_needed(self.latency_limit.percentile, over=SPARE)
            object.__setattr__(self, "serve_requests", spared)
        elif self.serve_requests < needed:
            raise UsageError(
                f"--serve-requests {self.serve_requests}: too few to show {self.latency_limit}, even with "
                f"none over the limit: {needed:,} are needed"
            )


@dataclass(frozen=True, kw_only=True)
class SoakPlan:
    """Phase soak: ``steps`` of images with these sides. ``memory_limit``, in bytes, is of a whole process."""

    shapes: tuple[int, ...]
    steps: int = 2000
    memory_limit: int | None = None

    def __post_init__(self) -> None:
        if self.steps < FEWEST_STEPS:
            raise UsageError(f"--steps {self.steps}: growth shows from {FEWEST_STEPS} steps at the earliest")


FLAGS = {
    SERVE: ("latency_limit", "serve_batch", "serve_wait", "serve_threads", "serve_requests"),
    SOAK: ("shapes", "steps", "memory_limit"),
}


def add_service_flags(parser: Parser) -> None:
    """Flags of the phases serve and soak, without defaults: ``read_plans`` refuses those that do nothing."""
    serve = parser.add_argument_group("phase serve: latency while requests arrive")
    for name, parse, metavar, text in (
        (
            "latency-limit",
            LatencyLimit.parse,
            "TIME@pN",
            "that N percent of the requests keep, as in 50ms@p99",
        ),
        ("serve-batch", positive, "N", "most images of a batch (default 1)"),
        ("serve-wait", duration, "TIME", "for more images, of the first of a batch (default 2ms)"),
        ("serve-threads", positive, "N", "workers at the queue, each with a model of its own (default 1)"),
        ("serve-requests", positive, "N", "of a run, at least (default: what the percentile asks for)"),
    ):
        more = " (default 100ms@p99)" if name == "latency-limit" else ""
        serve.add_argument(f"--{name}", type=parse, metavar=metavar, help=text + more)
    soak = parser.add_argument_group("phase soak: memory over many shapes")
    soak.add_argument(
        "--shapes", type=sizes, metavar="N,N", help="sides of the images (default: the model's)"
    )
    soak.add_argument("--steps", type=positive, metavar="N", help="batches of each side (default 2000)")
    limit = "of a worker, at which it stops (default: what is free, less a fifth)"
    soak.add_argument("--memory-limit", type=size_in_bytes, metavar="SIZE", help=limit)


def read_plans(
    options: argparse.Namespace, phases: Collection[str], *, side: int
) -> tuple[ServePlan | None, SoakPlan | None]:
    """What the phases serve and soak do, each None where it was not asked for.

    ``side`` is that of the model's own images. Raises UsageError for a flag of a phase that was not.
    """
    given = {phase: _given(options, names) for phase, names in FLAGS.items()}
    for phase, flags in given.items():
        if flags and phase not in phases:
            flag = next(iter(flags)).replace("_", "-")
            raise UsageError(f"--{flag} is for phase {phase}; add --phase {phase}, or leave it out")
    serve = ServePlan(**given[SERVE]) if SERVE in phases else None
    soak = SoakPlan(**{"shapes": (side,)} | given[SOAK]) if SOAK in phases else None
    return serve, soak


def _given(options: argparse.Namespace, names: Collection[str]) -> dict[str, Any]:
    found = {name: getattr(options, name, None) for name in names}
    return {name: value for name, value in found.items() if value is not None}
