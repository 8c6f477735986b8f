"""Stages kept as they are done: one that ends in an exception becomes a row, and the others go on."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from benchmarks.manager.worker_process import WorkerFailure
from benchmarks.parity.plan import ORDER, Plan
from benchmarks.parity.stages.stage import Problem, Stage

T = TypeVar("T")


class Attempts:
    """The stages so far. A stage whose worker failed is one of them, with the reason in its place."""

    def __init__(self, plan: Plan, on_stage: Callable[[str], object]) -> None:
        self.plan, self.stages = plan, list[Stage]()
        self._on_stage, self._lost = on_stage, ""

    def get(self, name: str, work: Callable[[], T]) -> T | None:
        """Result of ``work``; None if it failed, which is then the stage ``name``'s row."""
        if self._lost:
            self._skip(name, self._lost)
            return None
        self._on_stage(name)
        try:
            return work()
        except WorkerFailure as failure:
            if not self.plan.keeps_partial:
                raise
            self._fail(name, failure)
            return None

    def add(self, name: str, work: Callable[[], Stage | Sequence[Stage]]) -> None:
        """Do a stage, or the stages that one recording gives."""
        found = self.get(name, work)
        if found is not None:
            self.stages += [found] if isinstance(found, Stage) else found

    def add_if_wanted(self, name: str, work: Callable[[], Stage]) -> None:
        """Do a stage if the plan has it."""
        if name in self.plan.stages:
            self.add(name, work)

    def skip_all(self, names: Sequence[str], *, because: str) -> None:
        """Rows for stages of the plan that cannot be done any more."""
        for name in names:
            if name in self.plan.stages:
                self._skip(name, because)

    def in_order(self) -> list[Stage]:
        """All stages, as a report lists them."""
        return sorted(self.stages, key=lambda stage: ORDER.index(stage.name))

    def _fail(self, name: str, failure: WorkerFailure) -> None:
        self.stages.append(Stage(name=name, problem=Problem.of(failure)))
        if failure.is_gone:
            self._lost = f"{failure.backend}'s worker was lost in stage {name}"

    def _skip(self, name: str, because: str) -> None:
        self.stages.append(
            Stage(name=name, problem=Problem(backend=None, reason=f"not run: {because}", lost=True))
        )
