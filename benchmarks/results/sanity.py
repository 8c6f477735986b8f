"""Figures of a result file that cannot be: a NaN in a baseline would hide any slowdown.

Rules go by the fields' names, so that a new field of a known kind is held to them as well.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from common.cli import one_line

POSITIVE = ("images_per_second", "step_seconds", "quick_seconds", "ratio", "change", "ratios")
NOT_NEGATIVE = ("_seconds", "_bytes", "noise", "latency_ms", "p50", "p95", "p99")
INTERVAL = "ci95"
PERCENTILES = ("p50", "p95", "p99")
TWINS = ("torch_quick_seconds", "paddle_quick_seconds")  # of pairs of processes


def impossible(content: Any) -> str | None:
    """Say what in a result file's content is no figure that can be measured; None if nothing is."""
    return next(_problems(content, "", ""), None)


def _problems(value: Any, name: str, where: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from _of_record(value, where)
        for key, each in value.items():
            yield from _problems(each, str(key), f"{where}.{key}".lstrip("."))
    elif isinstance(value, (list, tuple)):
        if name.endswith(INTERVAL) and not _is_interval(value):
            yield f"{where}: {one_line(value[:4], limit=100)} is no interval of positive ends"
        for place, each in enumerate(value):
            yield from _problems(each, name, f"{where}.{place}")
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield from _of_number(math.inf if abs(value) >= 1e300 else float(value), name, where)


def _of_number(number: float, name: str, where: str) -> Iterator[str]:
    if not math.isfinite(number):
        yield f"{where}: {number} is no number"
    elif name.endswith(POSITIVE) and number <= 0:
        yield f"{where}: {number:g} is not above 0"
    elif name.endswith(NOT_NEGATIVE) and number < 0:
        yield f"{where}: {number:g} is below 0"


def _of_record(record: Mapping[str, Any], where: str) -> Iterator[str]:
    """Fields that have to go together."""
    ranks = [record[name] for name in PERCENTILES if isinstance(record.get(name), (int, float))]
    if ranks != sorted(ranks):
        yield f"{where}: the percentiles {ranks} do not ascend"
    steps, blocks = record.get("step_seconds"), record.get("block_steps")
    if isinstance(steps, list) and isinstance(blocks, list) and blocks:
        counted = [count for count in blocks if type(count) is int and count >= 0]
        if len(counted) != len(blocks) or sum(counted) != len(steps):
            yield f"{where}: {len(steps)} steps, and blocks of {sum(counted)}"
    lengths = {len(record[name]) for name in TWINS if isinstance(record.get(name), list)}
    if len(lengths) > 1:
        yield f"{where}: {' and '.join(TWINS)} are of unequal lengths"
    rows, pairs = record.get("results"), record.get("comparisons")
    if isinstance(rows, list) and isinstance(pairs, list) and pairs and len(rows) != 2 * len(pairs):
        yield f"{len(rows)} results cannot be the two sides of {len(pairs)} comparisons"


def _is_interval(ends: Sequence[Any]) -> bool:
    numbers = [end for end in ends if isinstance(end, (int, float)) and math.isfinite(end)]
    return len(numbers) == len(ends) == 2 and 0 < numbers[0] <= numbers[1]
