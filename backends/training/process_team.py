"""The processes of one run, as each of them sees the others. Alone, it is a team of one.

Only the first one prints and writes. What a run goes on from comes from the first one, too: on another
machine its folder need not be there.
"""

import json
import os
import sys
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backends import Backend
from backends.launch import start_member
from common.cli import UnavailableError, UsageError
from common.runtime.distributed import Member
from common.weights import checkpoint
from common.weights.checkpoint import Checkpoint

# What the libraries that carry messages say of someone who does not answer any more.
LOST = ("gloo", "nccl", "connection closed", "connection reset", "broken pipe")


@dataclass(frozen=True, kw_only=True)
class ProcessTeam:
    """A backend, this process's device, and its place among the processes of the run."""

    backend: Backend
    device: str
    member: Member

    @property
    def threads(self) -> int:
        """Threads that this process computes with."""
        return int(self.backend.read_settings(self.device).threads)

    def total(self, array: np.ndarray) -> np.ndarray:
        """The sum of all processes' arrays, float64 or int64, of one shape.

        All have to ask for it.
        """
        if self.member.ranks == 1:
            return array
        return self.backend.sum_over_processes(array, device=self.device)

    def from_first(self, data: bytes | None) -> bytes | None:
        """Return the first process's value in all; the others' is not looked at."""
        if self.member.ranks == 1:
            return data
        size = len(data) if data is not None and self.member.is_first else 0
        given, size = self.total(np.array([int(data is not None and self.member.is_first), size])).tolist()
        words = np.zeros(size // 8 + 1, dtype=np.int64)  # never empty: gloo sends nothing less
        if data is not None and self.member.is_first:
            words.view(np.uint8)[:size] = np.frombuffer(data, dtype=np.uint8)
        return self.total(words).tobytes()[:size] if given else None

    def checkpoint(self, path: Path) -> Checkpoint | None:
        """The checkpoint in a file of the first process's.

        Returns None where there is none.
        """
        if self.member.ranks == 1:
            return checkpoint.read(path) if path.exists() else None
        data = self.from_first(path.read_bytes() if self.member.is_first and path.exists() else None)
        if data is None:
            return None
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / path.name
            copy.write_bytes(data)
            return checkpoint.read(copy)

    def agrees(self, number: int) -> bool:
        """True if all processes have this number.

        All have to ask, and get the same answer.
        """
        theirs = self.total(np.array([number if self.member.is_first else 0]))[0]
        return not self.total(np.array([int(number != theirs)]))[0]

    def require_agreement(self, facts: Mapping[str, Any]) -> None:
        """Raise UsageError, in all processes, unless these facts are the same in each."""
        text = json.dumps(facts, sort_keys=True)
        if not self.agrees(zlib.crc32(text.encode())):
            raise UsageError(
                f"the processes of this run differ in their flags or data; here: {text[:500]}; "
                f"give all of them the same"
            )

    @contextmanager
    def together(self) -> Iterator[None]:
        """Context of a process group; only the first process prints."""
        if self.member.ranks == 1:
            yield
            return
        try:
            self.backend.join(self.device)
            with self._speaking():
                yield
            self.total(np.zeros(1))  # whoever left early would be missed
            self.backend.leave()
        except (UsageError, UnavailableError) as error:
            raise type(error)(self._named(error)) from None
        except RuntimeError as error:
            lost = _lost(error)
            if lost is None:
                raise
            raise UnavailableError(self._named(lost)) from None

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        with (
            Path(os.devnull).open("w") as nowhere,
            redirect_stdout(sys.stdout if self.member.is_first else nowhere),
        ):
            yield

    def _named(self, error: object) -> str:
        return str(error) if self.member.is_first else f"process {self.member.rank}: {error}"


def gather(name: str, *, device: str, threads: int | None) -> ProcessTeam:
    """The team that the backend's launcher has started, or a team of one.

    See ``start_member``.
    """
    backend, found, member = start_member(name, device=device, threads=threads)
    return ProcessTeam(backend=backend, device=found, member=member)


def _lost(error: RuntimeError) -> str | None:
    """Explain an error that means that another process does not answer."""
    text = " ".join(str(error).split())
    if not any(word in text.lower() for word in LOST):
        return None
    return (
        f"another process of this run has ended or cannot be reached ({text[:200]}); "
        f"begin again with --resume, with any number of processes"
    )
