"""The training loop: written once, for both frameworks, without either.

A run is its state: weights, moments and a few numbers. Everything that chance decides depends on the
seed, the epoch, the step and a sample's position, so a run that was killed goes on as if it had not been.
"""

import time
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from backends.training.learner import Learner, MicroBatch
from backends.training.process_team import ProcessTeam
from backends.training.scores import EpochMeans, Reading, Validation
from common.dataset.index import Index
from common.loader.loader import Loader
from common.runtime.distributed import Share, share_of_batch
from common.training.metrics import RunningMean
from common.training.recipes import Recipe
from common.training.run_folder import HISTORY, Row, RunFolder, best_row, has_stalled
from common.weights.checkpoint import LAST, Checkpoint, ModelConfig

READ_EVERY = 20  # updates on a GPU before losses are waited for


class TrainingFailedError(RuntimeError):
    """Training cannot go on; the message says where and what to try."""


class Loop:
    """A run of a recipe: epochs of updates, validation after each, and its state on disk."""

    def __init__(
        self,
        learner: Learner,
        subject: ModelConfig,
        splits: Mapping[str, Index],
        folder: RunFolder,
        *,
        team: ProcessTeam,
        facts: Mapping[str, Any],
        reading: Reading,
        save_every: int = 0,
    ) -> None:
        self.learner, self.subject, self.folder, self.team = learner, subject, folder, team
        self.recipe: Recipe = learner.recipe
        self.facts, self.save_every, self.splits = dict(facts), save_every, splits
        self.batch_size = self.recipe.batch_size * self.recipe.accumulate
        self.validation = Validation(learner, subject, splits, team=team, reading=reading)
        self.train = Loader(
            index=splits["train"],
            preprocessing=learner.preprocessing,
            cache_bytes=reading.cache_bytes,
            batch_size=team.member.share_of(self.batch_size),
            workers=reading.workers,
            seed=self.recipe.seed,
            shuffle=True,
            rank=team.member.rank,
            ranks=team.member.ranks,
            on_damage="refuse" if reading.strict else "replace",
            as_bytes=learner.device != "cpu",
        )
        self.schedule = self.recipe.rates(steps_per_epoch=len(self.train))
        self.epoch, self.batch = 0, 0
        self.history: list[Row] = []
        self.speeds: dict[int, float | None] = {}
        self.waiting_share = 0.0  # of the last epoch's time, spent waiting for images
        self.tally = EpochMeans()

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

    def epochs(self) -> Iterator[Iterator[tuple[float | None, float]]]:
        """Train to the end.

        Each epoch has to be gone through: (mean loss so far, rate) of every update.
        """
        while self.epoch < self.recipe.epochs and not has_stalled(
            self.history, patience=self.recipe.patience
        ):
            yield self._epoch()

    def _epoch(self) -> Iterator[tuple[float | None, float]]:
        begun, spent, waited = self.batch, 0.0, RunningMean()
        self.learner.backend.set_training(self.learner.model, True)
        start = time.perf_counter()
        batches = self.learner.micro_batches(self.train.epoch(self.epoch, start=begun), self._shares())
        for micro_batch in _timed(batches, waited):
            rate = self.schedule.rate(self.step)
            self.tally.add(self.step, self.learner.learn(micro_batch, step=self.step, rate=rate))
            if not micro_batch.last:
                continue
            if self.learner.device == "cpu" or self.tally.waiting >= READ_EVERY:
                self._read()
            self.batch += 1
            spent += time.perf_counter() - start  # of training: what is saved, shown and drawn is not
            if self.save_every and self.step % self.save_every == 0 and self.batch < len(self.train):
                self._save()
            yield self.tally.loss.value, rate
            start = time.perf_counter()
        self._read()
        spent += time.perf_counter() - start
        self.speeds[self.epoch + 1] = (len(self.train.index) - begun * self.batch_size) / spent
        self.waiting_share = waited.total / spent
        self._finish_epoch()

    def _shares(self) -> Iterator[Share]:
        """Which images of the batches to come in this epoch count for this process."""
        for batch in range(self.batch, len(self.train)):
            yield share_of_batch(
                len(self.train.index), batch=batch, batch_size=self.batch_size, member=self.team.member
            )

    def _read(self) -> None:
        """Read the losses from the device.

        Raises TrainingFailedError at the first one that is not finite.
        """
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
            **self.validation.row(),
            "learning_rate": self.schedule.rate(self.step - 1),
        }
        self.history.append(row)
        self.epoch, self.batch = self.epoch + 1, 0
        self.tally = EpochMeans()
        self._require_equal_weights()
        if best_row(self.history) is row:
            # Before the run's state: killed between the two, the epoch is done again and saved again.
            self.folder.save_best(Checkpoint(subject=self.subject, weights=self._weights()))
        self._save()
        self.folder.write_json(HISTORY, self.rows())

    def rows(self) -> list[Row]:
        """The history with what no checkpoint may hold, since no two runs have it alike."""
        return [row | {"images_per_second": self.speeds.get(row["epoch"])} for row in self.history]

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
        """A copy of the weights.

        A bad update is seen here before it takes the place of a good state.
        """
        weights = self.learner.weights()
        for name, array in weights.items():
            if not np.isfinite(array).all():
                raise TrainingFailedError(self._not_finite(f"{name} is not finite any more", self.step - 1))
        return weights


def _timed(batches: Iterator[MicroBatch], waited: RunningMean) -> Iterator[MicroBatch]:
    """Pass batches on, and add up the seconds that each was waited for."""
    while True:
        start = time.perf_counter()
        batch = next(batches, None)
        waited.add(time.perf_counter() - start, 1)
        if batch is None:
            return
        yield batch
