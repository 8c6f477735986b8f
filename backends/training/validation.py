"""How well a run's weights do on a part of its data that is not trained on."""

import math
from collections.abc import Mapping

from backends.inference.classifier import Scores, evaluation_loader
from backends.training.learner import Learner
from backends.training.process_team import Team
from common.dataset.index import Index
from common.loader.loader import Loader
from common.training.run_folder import Row
from common.weights.checkpoint import Subject


class Validation:
    """Scores on the parts of the data, each process taking its share of the images."""

    def __init__(
        self,
        learner: Learner,
        subject: Subject,
        parts: Mapping[str, Index],
        *,
        team: Team,
        workers: int,
        strict: bool,
        cache_bytes: int,
    ) -> None:
        self.learner, self.subject, self.parts, self.team = learner, subject, parts, team
        self.workers, self.strict, self.cache_bytes = workers, strict, cache_bytes
        self._loaders: dict[str, Loader] = {}

    def score(self, part: str) -> Scores | None:
        """How well the learner's weights do on a part of the data; None where there is no such part."""
        if part not in self.parts:
            return None
        if part not in self._loaders:
            self._loaders[part] = self._loader(self.parts[part])
        scores = self.learner.classifier().score(self._loaders[part], num_classes=self.subject.num_classes)
        scores.take(self.team.total(scores.counts()))
        return scores

    def row(self) -> Row:
        """What the history says of the part "valid"; a loss that is no number is none."""
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
            workers=self.workers,
            strict=self.strict,
            cache_bytes=self.cache_bytes,
        )
