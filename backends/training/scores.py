"""Loss and accuracy of an epoch so far, read from the device now and then."""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from backends import Tensor
from backends.inference.classifier import Scores, evaluation_loader
from backends.training.learner import Learner, Outcome
from backends.training.process_team import ProcessTeam
from common.dataset.index import Index
from common.loader.loader import Loader
from common.training.metrics import RunningMean
from common.training.run_folder import Row
from common.weights.checkpoint import ModelConfig


class Flaw(NamedTuple):
    """A loss that is no number, and the step that gave it."""

    step: int
    loss: float


class EpochMeans:
    """Means over the images of an epoch.

    What was added is on the device until it is read.
    """

    def __init__(self) -> None:
        self.loss, self.hits = RunningMean(), RunningMean()
        self._pending: list[tuple[int, Outcome]] = []

    @property
    def waiting(self) -> int:
        """Number of outcomes that have not been read yet."""
        return len(self._pending)

    def add(self, step: int, outcome: Outcome) -> None:
        """Remember the outcome of a micro-batch."""
        self._pending.append((step, outcome))

    def read(self, to_numpy: Callable[[Tensor], np.ndarray]) -> Flaw | None:
        """Turn what waits into numbers; ends at the first loss that is none."""
        for step, outcome in self._pending:
            loss, count = float(to_numpy(outcome.loss)), outcome.counted
            if not math.isfinite(loss):
                return Flaw(step, loss)
            self.loss.update(loss, count)
            right = to_numpy(outcome.logits).argmax(axis=1) == to_numpy(outcome.labels)
            self.hits.add(int(right[:count].sum()), count)
        self._pending.clear()
        return None

    def summed(self, total: Callable[[np.ndarray], np.ndarray]) -> "EpochMeans":
        """The means over all processes' images.

        ``total`` adds up their arrays. All have to ask for it.
        """
        own = [self.loss.total, self.loss.count, self.hits.total, self.hits.count]
        sums = total(np.array(own, dtype=np.float64)).tolist()
        together = EpochMeans()
        together.loss.add(sums[0], int(sums[1]))
        together.hits.add(sums[2], int(sums[3]))
        return together

    def state(self) -> dict[str, Any]:
        """State to save in the middle of an epoch."""
        return {"loss": [self.loss.total, self.loss.count], "hits": [self.hits.total, self.hits.count]}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from ``state``."""
        self.loss.total, self.loss.count = state["loss"]
        self.hits.total, self.hits.count = state["hits"]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Threads that decode ahead, memory for decoded images, and whether damaged ones are an error."""

    workers: int = 0
    cache_bytes: int = 0
    strict: bool = False


class Validation:
    """Scores on the splits of the data, each process taking its share of the images."""

    def __init__(
        self,
        learner: Learner,
        subject: ModelConfig,
        splits: Mapping[str, Index],
        *,
        team: ProcessTeam,
        reading: Reading,
    ) -> None:
        self.learner, self.subject, self.splits, self.team = learner, subject, splits, team
        self.reading = reading
        self._loaders: dict[str, Loader] = {}

    def score(self, split: str) -> Scores | None:
        """Score the learner's weights on a split.

        Returns None where there is no such split.
        """
        if split not in self.splits:
            return None
        if split not in self._loaders:
            self._loaders[split] = self._loader(self.splits[split])
        scores = self.learner.classifier().score(
            self._loaders[split],
            num_classes=self.subject.num_classes,
            what=split,
            shown=self.team.member.is_first,
        )
        scores.take(self.team.total(scores.counts()))
        return scores

    def row(self) -> Row:
        """Entries of the history for the split "valid".

        A loss that is not finite is None.
        """
        scores = self.score("valid")
        if scores is None:
            return {"valid_loss": None, "valid_accuracy": None}
        loss = scores.loss.value
        return {
            "valid_loss": loss if loss is not None and math.isfinite(loss) else None,
            "valid_accuracy": scores.accuracy,
        }

    def _loader(self, index: Index) -> Loader:
        member = self.team.member
        return evaluation_loader(
            index.subset(range(member.rank, len(index), member.ranks)),
            self.subject.preparation,
            device=self.learner.device,
            batch_size=max(self.learner.recipe.batch_size, 32),
            **asdict(self.reading),
        )
