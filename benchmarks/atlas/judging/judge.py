"""Verdicts on arrays of two sides. Asks nobody."""

from collections.abc import Iterable, Mapping
from math import isfinite

import numpy as np

from benchmarks.parity.judge.gap import Gap, compare
from benchmarks.parity.tensors.tensor_folder import TensorFolder

EDGE_TOLERANCE = 1e-5  # a constant in float32 is the row's own verdict, not its edge's
FLOAT32_MOST = 1e38
SAME, BOTH_REFUSE = "same", "both refuse"

Arrays = Mapping[str, np.ndarray]


def load(folder: TensorFolder) -> dict[str, np.ndarray]:
    """All arrays of a folder, in memory."""
    return {name: np.array(folder.load(name)) for name in folder}


def gaps(ours: Arrays, theirs: Arrays, *, tolerance: float, equal_nan: bool = False) -> list[Gap]:
    """A Gap for each result. A gradient that one side alone has is zero on the other."""
    found = []
    for name in dict.fromkeys([*ours, *theirs]):
        left, right = _both(name, ours.get(name), theirs.get(name))
        if left.dtype.kind != "f" or right.dtype.kind != "f":
            found.append(_exact(name, left, right))
        else:
            found.append(compare(name, left, right, tolerance=tolerance, equal_nan=equal_nan))
    return found


def _both(name: str, left: np.ndarray | None, right: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    lone = left if right is None else right
    assert lone is not None
    absent = np.zeros_like(lone) if name.startswith("gradient") else np.empty(0, lone.dtype)
    return (absent if left is None else left), (absent if right is None else right)


def _exact(name: str, left: np.ndarray, right: np.ndarray) -> Gap:
    """Whole numbers and truth values: the share that differs."""
    if left.shape != right.shape:
        return compare(name, left, right)
    share = float(np.mean(left.astype(np.float64) != right.astype(np.float64))) if left.size else 0.0
    verdict = "fail" if share else "pass"
    return Gap(name=name, shape=left.shape, relative_l2=share, max_abs=share, tolerance=0.0, verdict=verdict)


def worst(found: Iterable[Gap]) -> Gap | None:
    """The first result that fails, outputs before gradients, or the one that is furthest off."""
    every = list(found)
    failed = [gap for gap in every if not gap.passed]
    outputs = [gap for gap in failed if not gap.name.startswith("gradient")]
    ranked = sorted(outputs or failed or every, key=lambda gap: -_size(gap.relative_l2))
    return ranked[0] if ranked else None


def _size(value: float) -> float:
    return value if isfinite(value) else float("inf")


def edge(answers: Mapping[str, Mapping[str, str]], arrays: Mapping[str, Arrays]) -> str:
    """How both sides take an unusual input, in words; SAME if alike."""
    ours, theirs = answers
    refused = [name for name, answer in answers.items() if answer["status"] != "ok"]
    lost = [name for name, answer in answers.items() if answer["status"] == "gone"]
    if lost:
        return f"{lost[0]} is lost: {answers[lost[0]]['reason']}"
    if len(refused) == 2:
        return BOTH_REFUSE
    if refused:
        return f"{refused[0]} refuses: {answers[refused[0]]['reason']}"
    apart = gaps(arrays[ours], arrays[theirs], tolerance=EDGE_TOLERANCE, equal_nan=True)
    return next((_apart(gap, arrays, ours, theirs) for gap in apart if not gap.passed), SAME)


def _apart(gap: Gap, arrays: Mapping[str, Arrays], ours: str, theirs: str) -> str:
    left, right = (arrays[side].get(gap.name) for side in (ours, theirs))
    if left is None or right is None or left.shape != right.shape:
        shapes = [None if array is None else tuple(array.shape) for array in (left, right)]
        return f"{gap.name}: shape {shapes[0]} in {ours}, {shapes[1]} in {theirs}"
    at = _first_difference(left, right)
    return f"{gap.name}: {left.ravel()[at]:.4g} in {ours}, {right.ravel()[at]:.4g} in {theirs}"


def _first_difference(left: np.ndarray, right: np.ndarray) -> int:
    """Where one is finite and the other is not, else where they are furthest apart."""
    one, other = left.ravel().astype(np.float64), right.ravel().astype(np.float64)
    unlike = (np.isfinite(one) != np.isfinite(other)) | (np.isnan(one) != np.isnan(other))
    unlike |= np.isinf(one) & np.isinf(other) & (one != other)
    if unlike.any():
        return int(np.argmax(unlike))
    with np.errstate(invalid="ignore"):
        return int(np.argmax(np.nan_to_num(np.abs(one - other))))


def ulps(truth: Arrays, found: Arrays) -> float | None:
    """The largest error in float32, in units in the last place of the result's largest number."""
    errors = []
    for name, exact in truth.items():
        other = found.get(name)
        if other is None or exact.dtype.kind != "f" or other.shape != exact.shape or not exact.size:
            continue
        largest = float(np.abs(exact).max())
        if 0 < largest < float("inf"):
            unit = float(np.spacing(np.float32(min(largest, FLOAT32_MOST))))
            errors.append(float(np.abs(other.astype(np.float64) - exact).max()) / unit)
    return max(errors, default=None)


def other_dtypes(answers: Mapping[str, Mapping[str, Mapping[str, str]]]) -> list[str]:
    """Results whose dtypes differ, in words."""
    (ours, left), (theirs, right) = ((name, answer.get("dtypes", {})) for name, answer in answers.items())
    both = [name for name in left if name in right and left[name] != right[name]]
    return [f"{name}: {left[name]} in {ours}, {right[name]} in {theirs}" for name in both]


# What one framework calls otherwise than the other, in signatures.
SYNONYMS = {
    "epsilon": "eps",
    "axis": "dim",
    "weight_attr": "",
    "bias_attr": "",
    "name": "",
}


def other_defaults(answers: Mapping[str, Mapping[str, Mapping[str, str]]]) -> list[str]:
    """Parameters of one name and two defaults, in words."""
    (ours, left), (theirs, right) = (
        (side, {SYNONYMS.get(name, name): text for name, text in answer.get("defaults", {}).items()})
        for side, answer in answers.items()
    )
    return [
        f"{name}: {left[name]} in {ours}, {right[name]} in {theirs}"
        for name in left
        if name and name in right and not _same_default(left[name], right[name])
    ]


def _same_default(left: str, right: str) -> bool:
    try:
        return float(left) == float(right)
    except ValueError:
        return left == right
