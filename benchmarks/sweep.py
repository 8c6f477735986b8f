"""All combinations of a comparison, one after another, each kept as soon as it is there."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import result_file, results
from benchmarks.alternation import Alternation
from benchmarks.best import best_of_each
from benchmarks.environment import describe
from benchmarks.explaining import Explainer
from benchmarks.machine import Watch, unsteady
from benchmarks.pair import comparison
from benchmarks.processes import WorkerFailure
from benchmarks.resuming import FILE, kept
from benchmarks.scaling import scaling, with_efficiencies
from benchmarks.session import Session

if TYPE_CHECKING:
    from tqdm import tqdm


class Sweep:
    """A session's combinations. With a ``folder``, what was measured lies there after each of them."""

    def __init__(
        self,
        session: Session,
        *,
        facts: Mapping[str, Any],
        folder: Path | None,
        earlier: results.CompareReport | None,
    ) -> None:
        self.session, self._facts, self._folder, self._earlier = session, facts, folder, earlier
        self.parity: dict[str, Any] | None = None
        self._done: list[tuple[results.Comparison, list[results.Result]]] = []
        self._watch, self._explainer = Watch(), Explainer(session)

    def run(self, *, rounds: int, processes: int, bar: "tqdm[Any]", precise: float | None = None) -> None:
        """Measure what the earlier report does not have; see ``Alternation.run``."""
        for case in self.session.request.cases:
            bar.set_description(str(case))
            found = kept(self._earlier, case)
            if found is None:
                pair = Alternation(self.session, case, explainer=self._explainer)
                pair.run(rounds=rounds, processes=processes, bar=bar, precise=precise)
                found = comparison(pair), pair.rows()
            else:
                bar.update(rounds)
            self._done.append(found)
            if self._folder:
                result_file.write(self.report(), self._folder / FILE)

    def failed(self, failure: WorkerFailure) -> results.CompareReport:
        """The report where a worker was lost before anything was timed."""
        for case in self.session.request.cases:
            pair = Alternation(self.session, case, explainer=self._explainer)
            pair.failures = dict.fromkeys((failure.backend,), failure)
            self._done.append((comparison(pair), pair.rows()))
        return self.report()

    def report(self) -> results.CompareReport:
        """All that was measured so far."""
        rows = with_efficiencies(row for _, pair in self._done for row in pair)
        comparisons = [comparison for comparison, _ in self._done]
        environment = describe(os.environ, self.session.versions) | self._watch.told()
        environment["warnings"] += unsteady(comparisons)
        return results.CompareReport(
            environment=environment,
            results=rows,
            parity=self.parity,
            comparisons=comparisons,
            best=best_of_each(rows, comparisons),
            request=dict(self._facts),
            scaling=scaling(rows, comparisons),
        )
