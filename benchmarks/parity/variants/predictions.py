"""A pair's predictions: in float32 on every image, then in float64 on those that are worth a look."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.parity.sides.pair import Pair
from benchmarks.parity.tensors.distance import distance
from benchmarks.parity.tensors.tensor_folder import TensorFolder
from benchmarks.parity.variants.agreement import Spread, Tally, ranking
from benchmarks.parity.variants.pictures import Pictures, write_batch
from benchmarks.request.inputs import draw_inputs
from benchmarks.results.parity_schema import Ranking

MOST_CHECKED = 16  # images that are computed in float64 as well


@dataclass(frozen=True, kw_only=True)
class Checked:
    """One image in float64: what both sides say of it, and how far their logits are apart."""

    ranking: Ranking | None
    relative_l2: float


@dataclass(kw_only=True)
class Predictions:
    """What both sides predict. ``layer`` is the last with parameters: what goes into it are the features.

    ``batch`` is a folder with the images on which float32 departs most, for the stages of parity.
    """

    tally: Tally = field(default_factory=Tally)
    left_out: int = 0
    layer: str | None = None
    checked: dict[int, Checked] = field(default_factory=dict)
    float64_logits: Spread = field(default_factory=Spread)
    float64_features: Spread = field(default_factory=Spread)
    float64_relative_l2: dict[str, float] = field(default_factory=dict)
    batch: str = ""


def predict(
    pair: Pair,
    pictures: Pictures | None,
    *,
    scratch: Path,
    on_stage: Callable[[str], object] = lambda _: None,
) -> Predictions:
    """Open, pair and fill both models, and predict. Without ``pictures`` the batch is the drawn one.

    ``on_stage`` is told how many images are done. Raises CannotCompare, WorkerFailure, UsageError and
    ValueError (logits of other shapes).
    """
    pair.open(precision="fp32")
    pair.pair_parameters()
    pair.require_space()
    pair.write_weights()
    pair.load_weights()
    found = Predictions()
    _in_float32(pair, pictures, found, on_stage)
    positions = found.tally.suspects(MOST_CHECKED)
    pair.reopen(precision="fp64")
    images = pictures.take(positions) if pictures else draw_inputs(pair.subject)["input0"][positions]
    _in_float64(pair, images, positions, found)
    if pictures is not None:
        found.batch = str(scratch / "departing")
        own = images[: pair.subject.batch_size]
        write_batch(TensorFolder(found.batch), own, _labels(pair, len(own)))
    return found


def _in_float32(
    pair: Pair, pictures: Pictures | None, found: Predictions, on_stage: Callable[[str], object]
) -> None:
    """Predict every image, and count."""
    total, tally = len(pictures.index) if pictures else pair.subject.batch_size, found.tally
    for positions, images in _batches(pair, pictures):
        logits, features = _both(pair, images, found)
        tally.add(*logits, positions)
        if features is not None:
            tally.features.add(np.abs(np.subtract(*features, dtype=np.float64)))
        on_stage(f"{tally.logits.images} of {total} images")
    found.left_out = total - tally.logits.images


def _in_float64(pair: Pair, images: np.ndarray, positions: Sequence[int], found: Predictions) -> None:
    """The same for a few images, each with a distance of its own."""
    logits, features = _both(pair, images, found)
    found.float64_logits.add(np.abs(logits[0] - logits[1]))
    found.float64_relative_l2["logits"] = distance(*logits)[0]
    if features is not None:
        found.float64_features.add(np.abs(features[0] - features[1]))
        found.float64_relative_l2["features"] = distance(*features)[0]
    for row, position in enumerate(positions):
        ours, theirs = logits[0][row], logits[1][row]
        apart, largest = distance(ours, theirs)
        ranked = ranking(ours, theirs, largest) if ours.ndim == 1 and ours.size > 1 else None
        found.checked[position] = Checked(ranking=ranked, relative_l2=apart)


def _batches(pair: Pair, pictures: Pictures | None) -> Iterator[tuple[list[int], np.ndarray]]:
    if pictures is not None:
        yield from pictures.batches()
        return
    images = draw_inputs(pair.subject)["input0"]
    yield list(range(len(images))), images


Two = tuple[np.ndarray, np.ndarray]


def _both(pair: Pair, images: np.ndarray, found: Predictions) -> tuple[Two, Two | None]:
    """Both sides' logits and features of a batch, torch's first; no features where shapes differ."""
    folder = pair.folder("images")
    write_batch(folder, images, np.zeros(len(images), np.int64))
    if found.layer is None:
        found.layer = pair.ask("torch", "last_layer", batch=str(folder.path)) or ""
    assert pair.pairing is not None
    layers = {"torch": found.layer, "paddle": pair.pairing.layers.get(found.layer, "")}
    joined = all(layers.values())

    pair.ask_both(
        "predict",
        batch=str(folder.path),
        target=lambda name: f"predicted-{name}",
        own=lambda name: {"layer": layers[name] if joined else None},
    )
    folders = [TensorFolder(pair.path(f"predicted-{name}")) for name in ("torch", "paddle")]
    logits, features = (
        [np.array(own.load(what)) for own in folders] if all(what in own for own in folders) else None
        for what in ("logits", "features")
    )
    assert logits is not None
    if features is None or features[0].shape != features[1].shape:
        return (logits[0], logits[1]), None
    return (logits[0], logits[1]), (features[0], features[1])


def _labels(pair: Pair, images: int) -> np.ndarray:
    """Drawn labels: a list's own may be of other classes than the model's."""
    rng = np.random.default_rng(pair.subject.seed)
    return rng.integers(pair.subject.num_classes, size=images)
