"""Whether both frameworks name the same class for each image, and by how little where they do not."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from backends import NAMES
from common.cli import UsageError
from common.terminal import printable

SHOWN = 10  # disagreements that are printed
KEPT = 1000  # and written


@dataclass(frozen=True, kw_only=True)
class SideLogits:
    """One side's logits (images, classes), and the place of each image among those that were asked for.

    ``digest``, uint8 (32,), is of the names of all that were asked for.
    """

    logits: np.ndarray
    places: np.ndarray
    digest: np.ndarray

    @classmethod
    def of(cls, logits: Sequence[np.ndarray], places: Sequence[int], names: Sequence[str]) -> "SideLogits":
        """From batches of logits."""
        digest = np.frombuffer(hashlib.sha256("\n".join(names).encode()).digest(), dtype=np.uint8)
        whole = np.concatenate(logits) if logits else np.empty((0, 1), np.float32)
        return cls(logits=whole, places=np.array(places, dtype=np.int64), digest=digest)


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Both sides on the images that both have logits of, by backend."""

    sides: dict[str, SideLogits]

    def __post_init__(self) -> None:
        ours, theirs = (self.sides[name] for name in NAMES)
        if not np.array_equal(ours.digest, theirs.digest):
            raise UsageError("--both: the two checkpoints were given other images: name them with a list")
        if ours.logits.shape[1:] != theirs.logits.shape[1:] and len(ours.places) and len(theirs.places):
            shapes = " and ".join(f"{name} {self.sides[name].logits.shape[1]}" for name in NAMES)
            raise UsageError(f"--both: the models have other numbers of classes: {shapes}")

    @cached_property
    def places(self) -> np.ndarray:
        """Places of the images that both have."""
        ours, theirs = (self.sides[name].places for name in NAMES)
        return np.intersect1d(ours, theirs)

    @cached_property
    def _logits(self) -> dict[str, np.ndarray]:
        return {
            name: side.logits[np.isin(side.places, self.places)].astype(np.float64)
            for name, side in self.sides.items()
        }

    @cached_property
    def guesses(self) -> dict[str, np.ndarray]:
        """The class of each image by backend, int64 (images,); -1 where a logit is no number."""
        return {
            name: np.where(np.isfinite(logits).all(axis=1), logits.argmax(axis=1), -1)
            for name, logits in self._logits.items()
        }

    @cached_property
    def differing(self) -> np.ndarray:
        """Rows of ``places`` where the sides name different classes, or one names none."""
        ours, theirs = (self.guesses[name] for name in NAMES)
        return np.flatnonzero((ours != theirs) | (ours < 0))

    def disagreement(self, row: int, names: Sequence[str], image: str) -> dict[str, Any]:
        """One image: the class and the margin of each side, and how far apart their logits are.

        The margin is the largest logit less the second. Where the sides' logits are further apart than that,
        which class is first is a matter of rounding.
        """
        ours, theirs = (self._logits[name][row] for name in NAMES)
        entry: dict[str, Any] = {"image": image}
        for name in NAMES:
            guess = int(self.guesses[name][row])
            known = guess >= 0
            top = np.sort(self._logits[name][row])[-2:]
            margin = float(top[-1] - top[0]) if known and len(top) > 1 else None
            entry[name] = {"class": names[guess] if known else None, "margin": margin}
        with np.errstate(invalid="ignore"):
            apart = float(np.abs(ours - theirs).max())
        return entry | {"difference": apart if np.isfinite(apart) else None}

    def to_json(
        self, names: Sequence[str], image_at: Callable[[int], str], labels: np.ndarray | None = None
    ) -> dict[str, Any]:
        """The object of a result file. ``labels`` are those of all images that were asked for."""
        shown = [
            self.disagreement(int(row), names, image_at(int(self.places[row])))
            for row in self.differing[:KEPT]
        ]
        images = len(self.places)
        facts: dict[str, Any] = {
            "images": images,
            "on_one_side_only": sum(len(side.places) for side in self.sides.values()) - 2 * images,
            "agree": images - len(self.differing),
            "top1_agreement": 1 - len(self.differing) / images if images else None,
            "disagreements": shown,
            "disagreements_left_out": len(self.differing) - len(shown),
        }
        if labels is not None and images:
            own = labels[self.places]
            facts["top1_error"] = {name: float((self.guesses[name] != own).mean()) for name in NAMES}
        return facts


def agreement_lines(found: dict[str, Any]) -> list[str]:
    """For a terminal: the share of agreeing images, then the first that do not agree."""
    images, agree = found["images"], found["agree"]
    share = f" ({found['top1_agreement']:.2%})" if images else ""
    lines = [f"{' and '.join(NAMES)} name the same class for {agree:,} of {images:,} images{share}"]
    if found["on_one_side_only"]:
        lines.append(f"{found['on_one_side_only']:,} images have a prediction on one side only")
    for entry in found["disagreements"][:SHOWN]:
        sides = ", ".join(f"{name} {_side(entry[name])}" for name in NAMES)
        apart = "not known" if entry["difference"] is None else f"{entry['difference']:.2g}"
        lines.append(f"  {printable(entry['image'])}: {sides}; logits apart by {apart}")
    more = len(found["disagreements"][SHOWN:]) + found["disagreements_left_out"]
    return [*lines, f"  and {more:,} more"] if more else lines


def _side(entry: dict[str, Any]) -> str:
    if entry["class"] is None:
        return "no number"
    margin = "" if entry["margin"] is None else f" by {entry['margin']:.2g}"
    return f"{printable(entry['class'])}{margin}"
