"""What runs of several seeds say: means with intervals, the paired difference, a verdict."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from backends import NAMES
from benchmarks.measure.training_runs import Run
from common.cli import UnavailableError
from common.training.run_folder import Row

CONFIDENCE = 0.95
VALUES = ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy", "learning_rate")


def compare(runs: Sequence[Run], *, target: float | None) -> dict[str, Any]:
    """Accuracy of each backend, and their difference over the seeds that both have finished.

    The same seed means the same data, order and initial values on both, so differences are paired.
    ``target`` None: the best validation accuracy of the run that reached least.
    """
    finished = [run for run in runs if run.reason is None]
    by_backend = {name: {run.seed: run for run in finished if run.backend == name} for name in NAMES}
    ours, theirs = (by_backend[name] for name in NAMES)
    both = sorted(set(ours) & set(theirs))
    if not both:
        raise UnavailableError("no seed has been finished on both backends; their logs say why")
    difference = interval([theirs[seed].accuracy - ours[seed].accuracy for seed in both])
    if target is None:
        target = min(max(row["valid_accuracy"] or 0.0 for row in run.history) for run in finished)
    return {
        "part": finished[0].part,
        "target": target,
        "seconds_to_target": [run.seconds_to(target) for run in runs],
        "accuracy": {
            name: within(interval([run.accuracy for run in own.values()]), 0.0, 1.0)
            for name, own in by_backend.items()
        },
        "difference": difference,
        "verdict": verdict(difference),
    }


def interval(values: Sequence[float]) -> dict[str, Any]:
    """Mean with its 95 % interval by Student's t; without one for fewer than two values."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return {"mean": mean, "ci95": None, "values": list(values)}
    from scipy import stats  # half a second to import

    half = stats.t.ppf((1 + CONFIDENCE) / 2, df=len(values) - 1) * np.std(values, ddof=1) / len(values) ** 0.5
    return {"mean": mean, "ci95": [mean - float(half), mean + float(half)], "values": list(values)}


def within(value: dict[str, Any], lowest: float, highest: float) -> dict[str, Any]:
    """The interval without what cannot be: Student's knows no bounds."""
    low, high = value["ci95"] or (lowest, highest)
    return value | {"ci95": value["ci95"] and [max(low, lowest), min(high, highest)]}


def verdict(difference: dict[str, Any]) -> str:
    """Who reaches more, if the interval of paddle's accuracy minus torch's leaves 0 out."""
    if difference["ci95"] is None:
        return "one seed: no verdict"
    low, high = difference["ci95"]
    if low <= 0 <= high:
        return "no difference"
    return "paddle reaches more" if low > 0 else "torch reaches more"


def mean_history(runs: Sequence[Run]) -> list[Row]:
    """The mean of each epoch over runs, as far as all of them go."""
    rows: list[Row] = []
    for together in zip(*(run.history for run in runs), strict=False):
        row: Row = {"epoch": together[0]["epoch"]}
        for name in VALUES:
            values = [one[name] for one in together]
            row[name] = None if None in values else float(np.mean(values))
        rows.append(row)
    return rows
