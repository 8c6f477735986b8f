"""Tasks of a group in which something goes wrong in one process."""

import os
import signal

from benchmarks.worker.replicas import GroupTasks


class DyingTasks(GroupTasks):
    """The last process is killed in the middle of a block; the others wait for its gradients."""

    def _step_alone(self):
        if self.member.rank == self.member.ranks - 1:
            os.kill(os.getpid(), signal.SIGKILL)
        super()._step_alone()
