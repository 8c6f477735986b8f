"""All combinations of a comparison, in laps, each kept as soon as it is there."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.analysis.best import best_of_each
from benchmarks.analysis.roofline import on_one_machine
from benchmarks.analysis.scaling import scaling, with_efficiencies
from benchmarks.manager.environment import describe, describe_models
from benchmarks.manager.session import Session
from benchmarks.manager.worker_process import WorkerFailure
from benchmarks.measure.comparing import comparison
from benchmarks.measure.diagnostics import Diagnostics
from benchmarks.measure.interleave import Interleaving
from benchmarks.measure.laps import Plan, go_round
from benchmarks.measure.layer_pairs import join_layers
from benchmarks.measure.machine_load import MachineLoad, unsteady
from benchmarks.measure.resume import FILE, kept
from benchmarks.measure.soaking import Soaking
from benchmarks.measure.turns import turns_of
from benchmarks.measure.unfinished import Unfinished
from benchmarks.request.case import Case
from benchmarks.request.service import SOAK
from benchmarks.results import result_file, schema
from benchmarks.results.sentences import CUT_OFF, CUT_OFF_SOAK

if TYPE_CHECKING:
    from tqdm import tqdm

Rows = tuple[schema.Comparison, list[schema.Result]]


class Sweep:
    """A session's combinations.

    With a ``folder``, what was measured lies there after each pair of processes.
    """

    def __init__(
        self,
        session: Session,
        *,
        facts: Mapping[str, Any],
        folder: Path | None,
        earlier: schema.CompareReport | None,
        margin: float,
    ) -> None:
        self.session, self._facts, self._folder, self._earlier = session, facts, folder, earlier
        self.parity: dict[str, Any] | None = None
        self._margin = margin
        self._plan: Plan | None = None
        self._watch = MachineLoad()
        self._kept: dict[Case, Rows] = {}
        self._turns: dict[Case, Interleaving] = {}

    def run(self, plan: Plan, *, bar: "tqdm[Any]") -> None:
        """Measure what the earlier report does not have, and go on with what it has in part."""
        self._plan = plan
        unfinished = Unfinished(self._folder) if self._folder else None
        if unfinished and self._earlier is None:  # whose it is, no report says
            unfinished.forget()
        explainer = Diagnostics(self.session)
        for case in self.session.request.cases:
            found = kept(self._earlier, case)
            is_open = plan.precise is not None and unfinished is not None and unfinished.has(case)
            if found is not None and not is_open:  # else it may not be known well enough yet
                self._kept[case] = found
                bar.update(plan.rounds)
                continue
            turns = self._turns[case] = turns_of(self.session, case, explainer=explainer)
            if unfinished:
                bar.update(unfinished.give(turns))

        def keep() -> None:
            if unfinished and self._folder:
                unfinished.keep(turns for turns in self._turns.values() if turns.is_begun)
                result_file.write(self.report(), self._folder / FILE)

        for turns in self._turns.values():
            if isinstance(turns, Soaking):
                turns.keep = keep
        go_round(list(self._turns.values()), plan, bar=bar, keep=keep)
        if unfinished:
            unfinished.remove()

    def failed(self, failure: WorkerFailure) -> schema.CompareReport:
        """The report where a worker was lost before anything was timed."""
        explainer = Diagnostics(self.session)
        for case in self.session.request.cases:
            turns = self._turns[case] = turns_of(self.session, case, explainer=explainer)
            reason = f"{failure.backend}: {failure.explained}"  # neither side was timed for it
            turns.failures = {name: WorkerFailure(name, failure.status, reason) for name in turns.names}
        return self.report()

    def report(self) -> schema.CompareReport:
        """All that was measured so far."""
        done = [rows for rows in map(self._rows, self.session.request.cases) if rows is not None]
        rows = with_efficiencies(on_one_machine(row for _, pair in done for row in pair))
        comparisons = [comparison for comparison, _ in done]
        environment = describe(os.environ, self.session.versions) | self._watch.facts()
        environment["warnings"] = _warnings(done)
        if self.session.installed_bytes:
            environment["installed_bytes"] = dict(self.session.installed_bytes)
        environment |= describe_models(self.session.models, self.session.pair.folder)
        return schema.CompareReport(
            environment=environment,
            results=rows,
            parity=self.parity,
            comparisons=comparisons,
            best=best_of_each(rows, comparisons),
            request=dict(self._facts),
            scaling=scaling(rows, comparisons, margin=self._margin),
            missing=self._missing() if self._plan else [],
        )

    def _rows(self, case: Case) -> Rows | None:
        if case in self._kept:
            return self._kept[case]
        turns = self._turns.get(case)
        if turns is None or not turns.is_begun:
            return None
        pairs = len(self._plan.laps) if self._plan else 0
        rows = join_layers(turns.rows(), self.session.layers)
        return comparison(turns, margin=self._margin, pairs=pairs), rows

    def _missing(self) -> list[str]:
        """A line on each combination that was not measured, or not in as many pairs as were asked for."""
        assert self._plan is not None
        asked = len(self._plan.laps)
        lines = []
        for case in self.session.request.cases:
            turns = self._turns.get(case)
            if case in self._kept or turns is None or turns.failures or len(turns.processes) >= asked:
                continue
            if case.phase == SOAK:
                steps = max(measured.soaked.get("steps", 0) for measured in turns.measured.values())
                lines.append(CUT_OFF_SOAK.format(case=case, steps=steps))
            else:
                lines.append(CUT_OFF.format(case=case, done=len(turns.processes), asked=asked))
        return lines


def _warnings(done: Iterable[Rows]) -> list[str]:
    """Those of all combinations of which a side at least was measured, each once.

    What neither can do is over in a moment, in which processes that were ended look like other programs.
    """
    measured = [comparison for comparison, rows in done if any(row.status == "ok" for row in rows)]
    own = [line for row in measured if row.circumstances for line in row.circumstances.warnings]
    return [*dict.fromkeys(own), *unsteady(measured)]
