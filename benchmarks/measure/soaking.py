"""Phase soak: memory of both sides over the same steps of many shapes, in one pair of processes."""

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from benchmarks.analysis.memory_growth import EVERY, memory_growth
from benchmarks.analysis.verdict import Effort
from benchmarks.manager.session import Session, counters_in
from benchmarks.measure.interleave import Interleaving
from benchmarks.request.service import SoakPlan
from benchmarks.results.samples import Block, Measured
from benchmarks.results.schema import Result
from benchmarks.results.sentences import STOPPED

if TYPE_CHECKING:
    from tqdm import tqdm

TURN = 100  # steps of a block
KEEPING_SECONDS = 10.0  # between what is written while it runs


def soak_turn(session: Session, name: str, measured: Measured) -> None:
    """A side's next block of steps."""
    plan, soaked = _plan(session), measured.soaked
    first = soaked.setdefault("steps", 0)
    reply = session.worker(name).ask(
        "soak",
        first=first,
        steps=min(TURN, plan.steps - first),
        every=EVERY,
        seed=session.request.seed,
        limit=plan.memory_limit,
    )
    block = Block(process=measured.process)
    if reply["seconds"]:
        block.extend({"forward": reply["seconds"]})
        block.count(counters_in(reply))
        measured.blocks.append(block)
    soaked["steps"] += len(reply["seconds"])
    soaked["images"] = soaked.get("images", 0) + reply["images"]
    soaked["resident_mib"] = [*soaked.get("resident_mib", []), *reply["resident_mib"]]
    soaked["stopped"] = reply["stopped"]


def soak(session: Session, name: str, measured: Measured) -> None:
    """All steps of one side alone."""
    while not is_soaked(session, measured):
        soak_turn(session, name, measured)


def is_soaked(session: Session, measured: Measured) -> bool:
    """True if a side has done its steps, or stopped."""
    return bool(measured.soaked.get("stopped")) or measured.soaked.get("steps", 0) >= _plan(session).steps


def _plan(session: Session) -> SoakPlan:
    assert session.request.soak is not None, "phase soak has a plan"
    return session.request.soak


class Soaking(Interleaving):
    """Phase soak on both sides, in one pair of processes: later ones would only begin anew."""

    keep: Callable[[], None] = staticmethod(lambda: None)  # writes what is there

    @property
    def is_begun(self) -> bool:
        """True if there is anything to show."""
        return super().is_begun or any(measured.soaked for measured in self.measured.values())

    def take_turns(self, rounds: int, *, blocks: int, bar: "tqdm[Any]", anew: bool = False) -> None:
        """All steps, in the first pair of processes."""
        if self.processes:
            self.processes.append(0)
            bar.update(rounds)
        else:
            super().take_turns(rounds, blocks=blocks, bar=bar, anew=anew)

    def _rounds(self, rounds: int, *, blocks: int, bar: "tqdm[Any]") -> None:
        asked, done, written = self.processes.pop(), 0, time.monotonic()
        while waiting := [name for name in self.names if self._goes_on(name)]:
            order = waiting if done % 2 == 0 else waiting[::-1]
            for name in (*order, *order[::-1]):
                if self._goes_on(name):
                    self._attempt(name, lambda name: soak_turn(self.session, name, self.measured[name]))
            done += 1
            if time.monotonic() - written > KEEPING_SECONDS:
                self.keep()
                written = time.monotonic()
        self.processes.append(done)
        bar.update(asked)

    def _goes_on(self, name: str) -> bool:
        return name not in self.failures and not is_soaked(self.session, self.measured[name])

    def row(self, name: str) -> Result:
        """A side's result; of one that died, with the memory that it held until then."""
        row = super().row(name)
        if name not in self.failures or name not in self.measured or not self.measured[name].soaked:
            return row
        soaked, most = self.measured[name].soaked, self.cases[name].batch_size
        found = memory_growth(_plan(self.session), soaked, most_batch=most)
        lost = STOPPED.format(steps=f"{found.steps:,}", reason=self.failures[name].reason)
        return row.model_copy(update={"memory_growth": found.model_copy(update={"stopped": lost})})

    def effort(self) -> Effort:
        """What it took."""
        return Effort(**asdict(super().effort()) | {"pairs": len(self.processes)})

    def knows(self, percent: float) -> bool:
        """True: another pair of processes would not go on with these."""
        return True

    def resolves(self, percent: float) -> bool:
        """See ``knows``."""
        return True
