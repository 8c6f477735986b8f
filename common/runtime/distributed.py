"""One run in many processes: ranks, and each rank's share of a batch.

The batch size of a run is that of all its processes together, so the same run can go on with another number
of them: batch k of N processes holds exactly the images of batch k of one.
"""

import os
from collections.abc import Mapping
from typing import NamedTuple

from common.cli import UsageError

RANK_VARIABLES = (
    "RANK",
    "PADDLE_TRAINER_ID",
)  # in which torchrun and paddle's launcher give a process its number


class Member(NamedTuple):
    """One process of a run: its rank among all, how many share its machine, and the GPU meant for it."""

    rank: int = 0
    ranks: int = 1
    local_ranks: int = 1
    gpu: int = 0

    @property
    def is_first(self) -> bool:
        """True for the process that prints and writes."""
        return self.rank == 0

    def share_of(self, batch_size: int) -> int:
        """Images of a full batch that this process has.

        Raises UsageError where they are not equally many.
        """
        if batch_size % self.ranks:
            raise UsageError(
                f"--batch-size {batch_size} is that of all processes together, and {self.ranks} cannot share "
                f"it equally; choose a multiple of {self.ranks}, or another number of processes"
            )
        return batch_size // self.ranks


class Launcher(NamedTuple):
    """A framework's launcher of many processes, and the environment variables in which it speaks."""

    command: str  # how to start it, with a place for the number of processes
    rank: str
    ranks: str
    local_ranks: str
    gpu: str
    others_ranks: str  # the other framework's launcher's, with the number of processes

    def member(self, environment: Mapping[str, str]) -> Member:
        """As the launcher says it in an environment; alone where there was none.

        Raises UsageError where the other framework's launcher was taken: each process would believe that it
        is alone, and all would write the same files.
        """
        if environment.get(self.ranks, "1") == "1":
            if environment.get(self.others_ranks, "1") != "1":
                number = environment[self.others_ranks]
                raise UsageError(
                    f"{self.others_ranks} is {number}: the other framework's launcher has started this "
                    f"process; start this backend with: {self.command.format(number)}"
                )
            return Member()
        try:
            return Member(
                rank=int(environment[self.rank]),
                ranks=int(environment[self.ranks]),
                local_ranks=int(environment[self.local_ranks]),
                gpu=int(environment.get(self.gpu, 0)),
            )
        except (KeyError, ValueError) as error:
            raise UsageError(
                f"{self.ranks} is {environment[self.ranks]}, but {self.rank}, {self.local_ranks} and "
                f"{self.gpu} do not go with it ({error}); start many processes with the framework's launcher"
            ) from None

    def words(self, member: Member) -> dict[str, str]:
        """The variables that make ``member`` of an environment."""
        said = {self.rank: member.rank, self.ranks: member.ranks, self.local_ranks: member.local_ranks}
        return {name: str(number) for name, number in {**said, self.gpu: member.gpu}.items()}


class Share(NamedTuple):
    """Of one batch: the images that count for this process, and those of all processes together.

    A process with none still takes part, with an image of weight 0: the others wait for it.
    """

    own: int
    whole: int


def share_of_batch(length: int, *, batch: int, batch_size: int, member: Member) -> Share:
    """Whose images are in a batch of an epoch over ``length`` samples.

    ``batch_size`` is that of all. ``epoch_order`` gives every process equally many by repeating the first
    samples at the end. What is repeated does not count, so that every sample counts exactly once.
    """
    whole = min(batch_size, length - batch * batch_size)
    return Share(own=len(range(member.rank, whole, member.ranks)), whole=whole)


def launched_rank() -> int | None:
    """The number that torchrun or paddle's launcher gave this process; None if it was started alone.

    Known before a framework is imported, which then has the last word.
    """
    numbers = [os.environ[name] for name in RANK_VARIABLES if name in os.environ]
    return int(numbers[0]) if numbers and numbers[0].isdecimal() else None
