"""Figures of a result file that cannot be: a NaN in a baseline would hide any slowdown.

Rules go by the fields' names, so that a new field of a known kind is held to them as well.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

from common.cli import one_line

POSITIVE = ("images_per_second", "step_seconds", "quick_seconds", "ratio", "change", "ratios")
NOT_NEGATIVE = ("_seconds", "_bytes", "noise", "latency_ms", "p50", "p95", "p99")
HUGE = 1e300
COUNTED = ("batch_size", "threads", "processes", "num_classes")
INTERVAL = "ci95"
STEPPED = ("infer", "train", "data")  # phases whose rate is that of a step
NEAR = 1e-3  # of what is written with fewer digits
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
        yield from _of_rate(value, where)  # of numbers that can each be one
        yield from _of_ratio(value, where)
    elif isinstance(value, (list, tuple)):
        if name.endswith(INTERVAL) and not _is_interval(value):
            yield f"{where}: {one_line(value[:4], limit=100)} is no interval of positive ends"
        for place, each in enumerate(value):
            yield from _problems(each, name, f"{where}.{place}")
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield from _of_number(math.inf if abs(value) >= HUGE else float(value), name, where)


def _of_number(number: float, name: str, where: str) -> Iterator[str]:
    if not math.isfinite(number):
        yield f"{where}: {number} is no number"
    elif name.endswith(POSITIVE) and number <= 0:
        yield f"{where}: {number:g} is not above 0"
    elif name.endswith(NOT_NEGATIVE) and number < 0:
        yield f"{where}: {number:g} is below 0"
    elif name in COUNTED and number < 1:
        yield f"{where}: {number:g} is below 1"


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


def _of_rate(record: Mapping[str, Any], where: str) -> Iterator[str]:
    """A rate is that of the median step: of the undisturbed blocks; of all, as earlier versions had it."""
    rate, size, steps = (record.get(name) for name in ("images_per_second", "batch_size", "step_seconds"))
    if record.get("phase") not in STEPPED or not _are_numbers([rate]) or not _are_numbers(steps):
        return
    if not isinstance(size, int) or not steps:
        return
    images = size * (record.get("processes") or 1)
    medians = [median(values) for values in (_undisturbed(record), steps) if values]
    if not any(math.isclose(rate * each, images, rel_tol=NEAR) for each in medians):
        yield f"{where}: {rate:g} images a second do not go with a step of {medians[0]:g} s"


def _undisturbed(record: Mapping[str, Any]) -> list[float]:
    """Steps of the blocks that nobody disturbed; none where that is not told."""
    steps: list[float] = record["step_seconds"]
    counts, disturbed = record.get("block_steps"), record.get("block_disturbed")
    if not isinstance(counts, list) or not isinstance(disturbed, list) or len(counts) != len(disturbed):
        return []
    own = [skip for count, skip in zip(counts, disturbed, strict=True) for _ in range(int(count))]
    return [step for step, skip in zip(steps, own, strict=False) if not skip]


def _of_ratio(record: Mapping[str, Any], where: str) -> Iterator[str]:
    """A ratio lies in its interval, and whoever is called faster has all of that on his side."""
    ratio, ends, verdict = (record.get(name) for name in ("ratio", "ratio_ci95", "verdict"))
    if not isinstance(ends, (list, tuple)) or not _is_interval(ends):
        return
    low, high = ends
    if _are_numbers([ratio]) and not low * (1 - NEAR) <= ratio <= high * (1 + NEAR):
        yield f"{where}: a ratio of {ratio:g} outside of its interval {low:g} to {high:g}"
    if (verdict == "paddle faster" and low < 1) or (verdict == "torch faster" and high > 1):
        yield f"{where}: {verdict!r} with an interval of {low:g} to {high:g}"


def _are_numbers(values: Any) -> bool:
    return isinstance(values, list) and all(
        isinstance(value, (int, float)) and 0 < value < HUGE for value in values
    )


def _is_interval(ends: Sequence[Any]) -> bool:
    numbers = [end for end in ends if isinstance(end, (int, float)) and math.isfinite(end)]
    return len(numbers) == len(ends) == 2 and 0 < numbers[0] <= numbers[1]
