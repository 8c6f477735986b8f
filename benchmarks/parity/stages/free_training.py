"""Training that runs free, each side on its own gradients."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from backends import NAMES
from benchmarks.parity.judge.gap import FAIL, Gap, allow_noise, as_difference, compare, excuse
from benchmarks.parity.sides.pair import Pair
from benchmarks.parity.stages.optimizer import OWN, compare_state, rates_of, start, with_suspect
from benchmarks.parity.stages.stage import Stage
from benchmarks.parity.tensors import known_roundings
from benchmarks.parity.tensors.distance import distance
from benchmarks.parity.tensors.known_differences import join_differences
from benchmarks.parity.tensors.tensor_folder import TensorFolder

FREE_RUNNING = {"lenet5": 1e-10}  # relative L2 after 100 steps; measured 9e-15 with Adam
FREE_RUNNING_OTHERS = 1e-8  # of AlexNets after 20 steps; Adam divides tiny gradients by their tiny size
MOST_NOISE = 1.0  # Adam takes a whole step of a gradient that is nothing but rounding
TRAINING_SPREADS = 10  # how many times its size a rounding may grow to in training


def training_stage(pair: Pair, *, names: Sequence[str], steps: int) -> Stage:
    """Training on the batch over and over, each side on its own gradients, with equal masks."""
    tolerance = FREE_RUNNING.get(pair.subject.model, FREE_RUNNING_OTHERS)
    gaps: list[Gap] = []
    for name in names:
        gaps += FreeRun(pair, name, steps=steps, tolerance=tolerance).judge()
    facts = {"steps": steps, "optimizers": [*names]}
    return with_suspect(pair, Stage(name="training", tolerance=tolerance, gaps=gaps, facts=facts))


@dataclass
class FreeRun:
    """One optimizer's training on both sides, and torch's repeated for each doubt about it."""

    pair: Pair
    name: str
    steps: int
    tolerance: float

    def judge(self) -> list[Gap]:
        """Losses and parameters compared; known roundings and mere noise excused."""
        both = self._train(among=NAMES)
        noted = known_roundings.concerned(self.pair.ask("torch", "roundings"))
        ours, theirs = both["torch"], both["paddle"]
        gaps = self._compare(ours, theirs)
        rounding: Sequence[str] = ()
        least = len(_failed(gaps)) + 1
        for keys in known_roundings.attempts(
            [*noted, *([known_roundings.HYPER_PARAMETERS] if self.name == OWN else [])]
        ):
            if not _failed(gaps):
                break
            losses = self._train(rounding=keys)["torch"]
            again = self._compare(losses, theirs)
            gaps |= {title: _excused(gaps[title], again[title], keys) for title in _failed(gaps)}
            if len(_failed(again)) < least:
                least, ours, rounding = len(_failed(again)), losses, keys
        if self.name == OWN and _failed(gaps):
            gaps |= self._by_paddles_rules(gaps, theirs, rounding)
        for title, moved in self._movements(_failed(gaps), ours, rounding).items():
            gaps[title] = allow_noise(gaps[title], moved=moved, most=MOST_NOISE)
        return list(gaps.values())

    def _by_paddles_rules(
        self, gaps: Mapping[str, Gap], theirs: Sequence[float], rounding: Sequence[str]
    ) -> dict[str, Gap]:
        """Known differences, by title: what failed and agrees once torch trains by paddle's rules."""
        losses = self._train(rounding=rounding, paddles_rule=True)["torch"]
        applied = self.pair.ask("torch", "rules_applied")
        again = self._compare(losses, theirs)
        return {
            title: as_difference(
                gaps[title], difference=join_differences(applied), left=again[title].relative_l2
            )
            for title in _failed(gaps)
            if applied and again[title].passed
        }

    @property
    def _losses(self) -> str:
        return f"{self.name}: losses"

    def _train(
        self,
        *,
        among: Sequence[str] = ("torch",),
        rounding: Sequence[str] = (),
        moved: bool = False,
        paddles_rule: bool = False,
    ) -> dict[str, Sequence[float]]:
        """The losses of each side; ``rounding``, ``moved`` and ``paddles_rule`` are torch's."""
        start(self.pair, self.name, rounding=bool(rounding), paddles_rule=paddles_rule, among=among)
        return self.pair.ask_both(
            "train",
            batch=self.pair.path("batch"),
            steps=self.steps,
            rates=None if self.name == OWN else rates_of(self.steps),
            own=lambda side: {"masks": self.pair.path(f"masks-{side}")},
            rounding=[key for key in rounding if key != known_roundings.HYPER_PARAMETERS],
            moved=moved,
            among=among,
        )

    def _compare(self, ours: Sequence[float], theirs: Sequence[float]) -> dict[str, Gap]:
        losses = compare(self._losses, np.array(ours), np.array(theirs), tolerance=self.tolerance)
        state = compare_state(self.pair, self.name, tolerance=self.tolerance, moments=False)
        return {gap.name: gap for gap in [losses, *state]}

    def _movements(
        self, titles: Sequence[str], losses: Sequence[float], rounding: Sequence[str]
    ) -> dict[str, float]:
        """Measure how far one unit in the last place of the images moves torch's own training, by title.

        Nothing where torch, asked again, trains otherwise: what is random must not pass for rounding.
        """
        if not titles:
            return {}
        parameters = [title.partition(": ")[2] for title in titles if title != self._losses]
        first, other = (TensorFolder(self.pair.path(name)) for name in ("trained", "trained-again"))
        self._keep(parameters, first)
        again = self._train(rounding=rounding)["torch"]
        self._keep(parameters, other)
        movements = {}
        if list(again) == list(losses) and all(other.has(name, first.load(name)) for name in first):
            moved = self._train(rounding=rounding, moved=True)["torch"]
            self._keep(parameters, other)
            movements = {
                f"{self.name}: {name}": distance(first.load(name), other.load(name))[0]
                for name in parameters
                if name in first and name in other
            }
            movements[self._losses], _ = distance(np.array(losses), np.array(moved))
        first.clear()
        other.clear()
        return {title: moved for title, moved in movements.items() if title in titles}

    def _keep(self, parameters: Sequence[str], folder: TensorFolder) -> None:
        """Write torch's parameters as they are now."""
        self.pair.ask(
            "torch", "training_state", target=str(folder.path), names=list(parameters), kind="parameters"
        )


def _failed(gaps: Mapping[str, Gap]) -> list[str]:
    return [title for title, gap in gaps.items() if gap.verdict == FAIL]


def _excused(gap: Gap, repeated: Gap, keys: Sequence[str]) -> Gap:
    return excuse(gap, repeated, **known_roundings.together(keys, grown=TRAINING_SPREADS))
