"""Tasks of a group's workers, beside those of a single worker.

In training each computes on images of its own and the gradients are averaged by the framework's own
data-parallel wrapper. In inference the replicas have nothing to say to each other.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from backends import Model
from benchmarks.worker.tasks import Tasks
from benchmarks.worker.timing import time_steps
from common.cli import UnavailableError
from common.runtime.distributed import Member
from common.runtime.kernel_counters import read_counters

# Relative L2 of the gradients from the mean of all processes' own: float32 sums in another order. Measured
# 3e-8 to 4e-8 on LeNet5 in two processes, where what is not averaged is off by more than 3.
AVERAGED = 1e-4


class GroupTasks(Tasks):
    """A worker's tasks, and those that all of a group do at the same time."""

    member = Member()
    _model: Model | None = None
    _replica: Model | None = None

    def join(self, *, rank: int, ranks: int, ports: Sequence[int], device: str) -> None:
        """Meet the other processes of the group; waits for all."""
        self.member = Member(rank=rank, ranks=ranks, local_ranks=ranks, gpu=rank)
        if ranks > 1:
            self.backend.introduce(self.member, ports=ports)
            self.backend.join(device)

    def release(self) -> None:
        """See Tasks."""
        self._model = self._replica = None
        super().release()

    def check_averaging(self) -> dict[str, float]:
        """Raise UnavailableError unless a step leaves the mean of all processes' gradients in each.

        Returns the largest relative distance from that mean: of what a step left, and of a step that sent
        nothing. Dropout is off meanwhile, so that both steps compute the same.
        """
        assert self._model is not None, "prepare phase train first"
        self.backend.set_training(self._model, False)
        own = self._gradients(synchronised=False)
        sent = self._gradients(synchronised=True)
        self.backend.set_training(self._model, True)
        found = {"sent": 0.0, "own": 0.0}
        for name in own:
            mean = self._sum(own[name]) / self.member.ranks
            for word, array in (("sent", sent[name]), ("own", own[name])):
                distance = np.linalg.norm(array - mean) / (np.linalg.norm(mean) or 1.0)
                found[word] = max(found[word], float(distance))
        del own, sent
        self._count_memory_anew(self._require_job().device)
        # All of them raise, or none: whoever went on alone would wait for the others.
        wrong = self._sum(np.array([not found["sent"] <= AVERAGED, found["own"] <= AVERAGED]))
        if wrong[0]:
            raise UnavailableError(
                f"a step in {self.member.ranks} processes does not average their gradients (relative L2 "
                f"{found['sent']:.1e} from the mean in process {self.member.rank}); it is not timed"
            )
        if wrong[1] == self.member.ranks:
            raise UnavailableError(
                f"a step in {self.member.ranks} processes that should send nothing averages their gradients: "
                f"what sending costs cannot be measured; it is not timed"
            )
        return found

    def step_together(self, *, steps: int) -> dict[str, Any]:
        """Time steps that all processes begin at the same moment: seconds by part, one value a step.

        In training, a step that sends nothing goes with each: seconds of the whole, in ``unsynchronised``,
        in turns (A B B A). ``outcome`` is the last loss or mean logit.
        """
        job, before = self._require_job(), read_counters()
        seconds: dict[str, list[float]] = {part: [] for part in job.parts}
        alone: list[float] = []
        for number in range(steps):
            for sends in (True, False) if number % 2 == 0 else (False, True):
                if sends:
                    for part, values in self._timed(job.parts).items():
                        seconds[part] += values
                elif self._replica is not None:
                    alone += self._timed({"step": self._step_alone})["step"]
        return {
            "seconds": seconds,
            "unsynchronised": alone,
            "outcome": job.outcome(),
            "counters": read_counters().since(before).to_json(),
        }

    def _timed(self, parts: Any) -> dict[str, list[float]]:
        self._sum(np.zeros(1))  # nobody begins before all are there
        return time_steps(parts, self._require_job().timeline, min_steps=1, min_seconds=0)

    def _step_alone(self) -> None:
        parts = self._require_job().parts
        with self._sending(False):
            parts["forward"]()
            parts["backward"]()
        parts["optimizer"]()

    def _gradients(self, *, synchronised: bool) -> dict[str, np.ndarray]:
        """Of one step on this process's batch; none are left behind."""
        job, backend = self._require_job(), self.backend
        with self._sending(synchronised):
            job.parts["forward"]()
            job.parts["backward"]()
        gradients = backend.get_gradients(self._model)
        backend.clear_gradients(backend.make_optimizer(self._model, "sgd", learning_rate=0.0))
        return gradients

    def _sending(self, sends: bool) -> AbstractContextManager[Any]:
        return nullcontext() if sends else self.backend.unsynchronised(self._replica)

    def _learning(self, model: Model) -> Model:
        """See Tasks: in several processes, the data-parallel wrapper around the model."""
        if self.member.ranks == 1:
            return model
        self._model, self._replica = model, self.backend.replicate(model)
        return self._replica

    def _sum(self, array: np.ndarray) -> np.ndarray:
        if self.member.ranks == 1:
            return array
        numbers = np.asarray(array, dtype=np.float64)
        return self.backend.sum_over_processes(numbers, device=self._require_job().device)
