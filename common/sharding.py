"""One run in many processes: who is who, and what of each batch is whose.

The batch size of a run is that of all its processes together, so the same run can go on with another number
of them: batch k of N processes holds exactly the images of batch k of one.
"""

from collections.abc import Mapping
from typing import NamedTuple

from common.cli import UsageError


class Member(NamedTuple):
    """One process of a run: its rank among all, how many share its machine, and the GPU meant for it."""

    rank: int = 0
    ranks: int = 1
    local_ranks: int = 1
    gpu: int = 0

    @classmethod
    def told(
        cls, environment: Mapping[str, str], *, rank: str, ranks: str, local_ranks: str, gpu: str
    ) -> "Member":
        """As a launcher says it in these environment variables; alone where there was no launcher."""
        if environment.get(ranks, "1") == "1":
            return cls()
        try:
            return cls(
                rank=int(environment[rank]),
                ranks=int(environment[ranks]),
                local_ranks=int(environment[local_ranks]),
                gpu=int(environment.get(gpu, 0)),
            )
        except (KeyError, ValueError) as error:
            raise UsageError(
                f"{ranks} is {environment[ranks]}, but {rank}, {local_ranks} and {gpu} do not go with it "
                f"({error}); start many processes with the framework's launcher"
            ) from None

    def words(self, *, rank: str, ranks: str, local_ranks: str, gpu: str) -> dict[str, str]:
        """As a launcher puts it into these environment variables: what ``told`` reads."""
        said = {rank: self.rank, ranks: self.ranks, local_ranks: self.local_ranks, gpu: self.gpu}
        return {name: str(number) for name, number in said.items()}

    @property
    def is_first(self) -> bool:
        """Whether this is the one that prints and writes."""
        return self.rank == 0

    def share_of(self, batch_size: int) -> int:
        """Images of a full batch that this process has. Raises UsageError where they are not equally many."""
        if batch_size % self.ranks:
            raise UsageError(
                f"--batch-size {batch_size} is that of all processes together, and {self.ranks} cannot share "
                f"it equally; choose a multiple of {self.ranks}, or another number of processes"
            )
        return batch_size // self.ranks


class Portion(NamedTuple):
    """Of one batch: the images that count for this process, and those of all processes together.

    A process with none still takes part, with an image of weight 0: the others wait for it.
    """

    own: int
    whole: int


def portion(length: int, *, batch: int, batch_size: int, member: Member) -> Portion:
    """Whose images are in a batch of an epoch over ``length`` samples; ``batch_size`` is that of all.

    ``epoch_order`` gives every process equally many by repeating the first samples at the end. What is
    repeated does not count, so that every sample counts exactly once.
    """
    whole = min(batch_size, length - batch * batch_size)
    return Portion(own=len(range(member.rank, whole, member.ranks)), whole=whole)
