"""The training loop: written once, for both frameworks, without either.

A run is its state: weights, moments and a few numbers. Everything that chance decides depends on the
seed, the epoch, the step and a sample's position, so a run that was killed goes on as if it had not been.
"""

import math
import time
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from backends.inference import Scores, evaluation_loader
from backends.learner import Learner
from backends.tally import Tally
from backends.team import Team
from common.checkpoint import LAST, Checkpoint, Subject
from common.history import Row, best_row, has_stalled
from common.index import Index
from common.loader import Loader
from common.prepared import kept
from common.recipe import Recipe
from common.run_folder import HISTORY, RunFolder
from common.sharding import portion

READ_EVERY = 20  # updates on a GPU before losses are waited for


class TrainingFailedError(RuntimeError):
    """Training cannot go on; the message says where and what to try."""


class Loop:
    """A run of a recipe: epochs of updates, validation after each, and its state on disk."""

    def __init__(
        self,
        learner: Learner,
        subject: Subject,
        parts: Mapping[str, Index],
        folder: RunFolder,
        *,
        team: Team,
        facts: Mapping[str, Any],
        workers: int = 0,
        strict: bool = False,
        save_every: int = 0,
        cache_bytes: int = 0,
    ) -> None:
        self.learner, self.subject, self.folder, self.team = learner, subject, folder, team
        self.recipe: Recipe = learner.recipe
        self.facts, self.save_every = dict(facts), save_every
        self.batch_size = self.recipe.batch_size * self.recipe.accumulate
        self.parts, self.workers, self.strict = parts, workers, strict
        self._loaders: dict[str, Loader] = {}
        self.cache_bytes = cache_bytes
        self.train = Loader(
            index=parts["train"],
            **kept(subject.preparation.for_training(), budget_bytes=cache_bytes)._asdict(),
            batch_size=team.member.share_of(self.batch_size),
            workers=workers,
            seed=self.recipe.seed,
            shuffle=True,
            rank=team.member.rank,
            ranks=team.member.ranks,
            on_damage="refuse" if strict else "replace",
        )
        self.schedule = self.recipe.rates(steps_per_epoch=len(self.train))
        self.epoch, self.batch = 0, 0
        self.history: list[Row] = []
        self.speeds: dict[int, float | None] = {}
        self.tally = Tally()

    @property
    def step(self) -> int:
        """Batches so far, over all epochs."""
        return self.epoch * self.batches_per_epoch + self.batch

    @property
    def batches_per_epoch(self) -> int:
        """As planned: images that cannot be decoded make none of them shorter."""
        return len(self.train)

    def resume(self, state: Checkpoint) -> None:
        """Go on where ``state`` was saved."""
        run = state.run
        self.learner.restore(state.weights, state.moments, updates=run["updates"], scale=run["loss_scale"])
        self.epoch, self.batch, self.history = run["epoch"], run["batch"], list(run["history"])
        if self.team.member.is_first:  # one of them remembers what all had summed up
            self.tally.restore(run["tally"])
        self.speeds = self.folder.speeds()

    def run(self) -> Iterator[tuple[float | None, float]]:
        """Train to the end; yields (mean loss of the epoch so far, rate) after every update."""
        while self.epoch < self.recipe.epochs and not has_stalled(
            self.history, patience=self.recipe.patience
        ):
            start = time.perf_counter()
            images = len(self.train.index) - self.batch * self.batch_size
            yield from self._train_epoch()
            self.speeds[self.epoch + 1] = images / (time.perf_counter() - start)
            self._finish_epoch()

    def _train_epoch(self) -> Iterator[tuple[float | None, float]]:
        self.learner.backend.set_training(self.learner.model, True)
        for images, labels in self.train.epoch(self.epoch, start=self.batch):
            rate = self.schedule.rate(self.step)
            whose = portion(
                len(self.train.index), batch=self.batch, batch_size=self.batch_size, member=self.team.member
            )
            for outcome in self.learner.update(images, labels, step=self.step, rate=rate, portion=whose):
                self.tally.add(self.step, outcome)
            if self.learner.device == "cpu" or self.tally.waiting >= READ_EVERY:
                self._read()
            self.batch += 1
            if self.save_every and self.step % self.save_every == 0 and self.batch < len(self.train):
                self._save()
            yield self.tally.loss.value, rate
        self._read()

    def _read(self) -> None:
        """Turn what is on the device into numbers; here a loss that is none is seen."""
        flaw = self.tally.read(self.learner.backend.to_numpy)
        if flaw is not None:
            raise TrainingFailedError(self._not_finite(f"the loss is {flaw.loss}", flaw.step))

    def _not_finite(self, what: str, step: int) -> str:
        epoch, batch = divmod(step, len(self.train))
        saved = self.folder.path / LAST
        kept = f"{saved} holds the last good state" if saved.exists() else "nothing was saved yet"
        return (
            f"{what} in epoch {epoch + 1}, batch {batch + 1} (step {step}, learning rate "
            f"{self.schedule.rate(step):.3g}); {kept}; try a lower --learning-rate, --clip-norm 1, or "
            f"--precision fp32"
        )

    def _finish_epoch(self) -> None:
        tally = self.tally.summed(self.team.total)
        row: Row = {
            "epoch": self.epoch + 1,
            "train_loss": tally.loss.value,
            "train_accuracy": tally.hits.value,
            **self._validate(),
            "learning_rate": self.schedule.rate(self.step - 1),
        }
        self.history.append(row)
        self.epoch, self.batch = self.epoch + 1, 0
        self.tally = Tally()
        self._require_equal_weights()
        if best_row(self.history) is row:
            # Before the run's state: killed between the two, the epoch is done again and saved again.
            self.folder.save_best(Checkpoint(subject=self.subject, weights=self._weights()))
        self._save()
        self.folder.write_json(HISTORY, self.rows())

    def rows(self) -> list[Row]:
        """The history with what no checkpoint may hold, since no two runs have it alike."""
        return [row | {"images_per_second": self.speeds.get(row["epoch"])} for row in self.history]

    def score(self, part: str) -> Scores | None:
        """How well the learner's weights do on a part of the data; None where there is no such part."""
        if part not in self.parts:
            return None
        if part not in self._loaders:
            index, member = self.parts[part], self.team.member
            self._loaders[part] = evaluation_loader(
                index.subset(range(member.rank, len(index), member.ranks)),
                self.subject.preparation,
                batch_size=max(self.recipe.batch_size, 32),
                workers=self.workers,
                strict=self.strict,
                cache_bytes=self.cache_bytes,
            )
        scores = self.learner.classifier().score(self._loaders[part], num_classes=self.subject.num_classes)
        scores.take(self.team.total(scores.counts()))
        return scores

    def _validate(self) -> Row:
        scores = self.score("valid")
        if scores is None:
            return {"valid_loss": None, "valid_accuracy": None}
        loss = scores.loss.value
        return {
            "valid_loss": loss if loss is not None and math.isfinite(loss) else None,
            "valid_accuracy": scores.accuracy,
        }

    def _save(self) -> None:
        self._read()
        tally = self.tally.summed(self.team.total)
        if not self.folder.writes:
            return
        run = {
            **self.facts,
            "recipe": self.recipe.to_json(),
            "epoch": self.epoch,
            "batch": self.batch,
            "updates": self.learner.updates,
            "loss_scale": self.learner.scale.state(),
            "tally": tally.state(),
            "history": self.history,
        }
        self.folder.save_last(
            Checkpoint(subject=self.subject, weights=self._weights(), moments=self.learner.moments(), run=run)
        )

    def _require_equal_weights(self) -> None:
        """Each process has made every update by itself: they have to have come to the same."""
        if self.team.member.ranks > 1:
            own = sum(zlib.crc32(array.tobytes()) for array in self.learner.weights().values())
            if not self.team.agrees(own):
                raise TrainingFailedError(
                    f"the processes' weights are not the same any more after epoch {self.epoch}; "
                    f"{self.folder.path / LAST} holds the state before it: go on from there with --resume"
                )

    def _weights(self) -> dict[str, np.ndarray]:
        """A copy of the weights. A bad update is seen here before it takes the place of a good state."""
        weights = self.learner.weights()
        for name, array in weights.items():
            if not np.isfinite(array).all():
                raise TrainingFailedError(self._not_finite(f"{name} is not finite any more", self.step - 1))
        return weights
