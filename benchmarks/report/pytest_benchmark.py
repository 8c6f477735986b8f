"""Rows as pytest-benchmark's JSON, for ``pytest-benchmark compare`` and whatever else reads its files."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.results.schema import Result

VERSION = "5.0.0"  # of pytest-benchmark, whose fields these are
FENCE = 1.5  # interquartile ranges beyond the quartiles, from which Tukey calls a value an outlier


def document(rows: Sequence[tuple[str, Result]], environment: Mapping[str, Any]) -> dict[str, Any]:
    """The whole file; a round is one step."""
    return {
        "machine_info": _machine(environment),
        "commit_info": _commit(environment),
        "benchmarks": [_benchmark(name, row) for name, row in rows],
        "datetime": environment.get("date"),
        "version": VERSION,
    }


def undisturbed_steps(row: Result) -> np.ndarray:
    """Seconds of the row's steps in blocks that nobody disturbed; of all, where there are none."""
    steps = np.asarray(row.step_seconds)
    if len(row.block_disturbed) != len(row.block_steps) or all(row.block_disturbed):
        return steps
    return np.compress(~np.repeat(row.block_disturbed, row.block_steps), steps)


def statistics(seconds: np.ndarray) -> dict[str, Any]:
    """pytest-benchmark's statistics of at least one time, in seconds."""
    q1, median, q3 = map(float, np.percentile(seconds, (25, 50, 75)))
    mean = float(seconds.mean())
    deviation = float(seconds.std(ddof=1)) if len(seconds) > 1 else 0.0
    low, high = q1 - FENCE * (q3 - q1), q3 + FENCE * (q3 - q1)
    within = seconds[(seconds >= low) & (seconds <= high)]
    far = int(np.count_nonzero(np.abs(seconds - mean) > deviation))
    beyond = len(seconds) - len(within)
    return {
        "min": float(seconds.min()),
        "max": float(seconds.max()),
        "mean": mean,
        "stddev": deviation,
        "rounds": len(seconds),
        "median": median,
        "iqr": q3 - q1,
        "q1": q1,
        "q3": q3,
        "iqr_outliers": beyond,
        "stddev_outliers": far,
        "outliers": f"{far};{beyond}",
        "ld15iqr": float(within.min()),
        "hd15iqr": float(within.max()),
        "ops": 1 / mean,
        "total": float(seconds.sum()),
        "data": seconds.tolist(),
        "iterations": 1,
    }


def _benchmark(name: str, row: Result) -> dict[str, Any]:
    names = ("phase", "engine", "precision", "layout", "batch_size", "threads", "processes", "device")
    params = {"backend": row.backend, "model": row.model} | {key: getattr(row, key) for key in names}
    return {
        "group": name.removeprefix(f"{row.backend} "),  # both backends beside each other
        "name": name,
        "fullname": f"side-by-side::{name}",
        "params": params,
        "param": "-".join(str(value) for value in params.values()),
        "extra_info": {"images_per_second": row.images_per_second, "settings_mode": row.settings_mode},
        "options": {
            "disable_gc": False,
            "timer": "perf_counter",
            "min_rounds": 1,
            "max_time": None,
            "min_time": None,
            "warmup": bool(row.warmup_steps),
        },
        "stats": statistics(undisturbed_steps(row)),
    }


def _machine(environment: Mapping[str, Any]) -> dict[str, Any]:
    """The machine of the file, which need not be this one; what the file does not hold is ""."""
    system, _, release = str(environment.get("os") or "").partition("-")
    return {
        "node": "",
        "processor": environment.get("cpu") or "",
        "machine": "",
        "python_compiler": "",
        "python_implementation": "CPython",
        "python_implementation_version": environment.get("python") or "",
        "python_version": environment.get("python") or "",
        "python_build": [],
        "release": release,
        "system": system,
        "cpu": {"brand_raw": environment.get("cpu") or "", "count": environment.get("cores")},
    }


def _commit(environment: Mapping[str, Any]) -> dict[str, Any]:
    commit = str(environment.get("repository_commit") or environment.get("git_commit") or "unversioned")
    return {
        "id": commit.removesuffix("-dirty"),
        "time": None,
        "author_time": None,
        "dirty": commit.endswith("-dirty"),
        "project": "side-by-side",
        "branch": "(unknown)",
    }
