"""Tasks of a group in which something goes wrong in one process, or in what they do together."""

import os
import signal
import time
from contextlib import nullcontext

from benchmarks.replicas import GroupTasks
from tests.sides import altered


class DyingTasks(GroupTasks):
    """The last process is killed in the middle of a block; the others wait for its gradients."""

    def _step_alone(self):
        if self.member.rank == self.member.ranks - 1:
            os.kill(os.getpid(), signal.SIGKILL)
        super()._step_alone()


class HangingTasks(GroupTasks):
    """The first process does not come to a step; the others wait for it."""

    def step_together(self, *, steps):
        if self.member.rank == 0:
            time.sleep(3600)
        return super().step_together(steps=steps)


class LonelyTasks(GroupTasks):
    """Nobody sends anything: the averaging is forgotten."""

    def __init__(self, name, backend):
        alone = {"replicate": lambda model: model, "unsynchronised": lambda _: nullcontext()}
        super().__init__(name, altered(backend, **alone))


class ChattyTasks(GroupTasks):
    """Steps that should send nothing send everything: what sending costs would seem to be nothing."""

    def __init__(self, name, backend):
        super().__init__(name, altered(backend, unsynchronised=lambda _: nullcontext()))
