"""All combinations of a comparison, one after another, each kept as soon as it is there."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backends import NAMES
from benchmarks.analysis.best import best_of_each
from benchmarks.analysis.scaling import scaling, with_efficiencies
from benchmarks.manager.environment import describe
from benchmarks.manager.session import Session
from benchmarks.manager.worker_process import WorkerFailure
from benchmarks.measure.diagnostics import Diagnostics
from benchmarks.measure.interleave import Interleaving
from benchmarks.measure.layer_pairs import join_layers
from benchmarks.measure.machine_load import MachineLoad, unsteady
from benchmarks.measure.resume import FILE, kept
from benchmarks.measure.rows import of_one_peak
from benchmarks.results import result_file, schema
from benchmarks.results.schema import Comparison

if TYPE_CHECKING:
    from tqdm import tqdm


class Sweep:
    """A session's combinations.

    With a ``folder``, what was measured lies there after each of them.
    """

    def __init__(
        self,
        session: Session,
        *,
        facts: Mapping[str, Any],
        folder: Path | None,
        earlier: schema.CompareReport | None,
    ) -> None:
        self.session, self._facts, self._folder, self._earlier = session, facts, folder, earlier
        self.parity: dict[str, Any] | None = None
        self._done: list[tuple[schema.Comparison, list[schema.Result]]] = []
        self._watch, self._explainer = MachineLoad(), Diagnostics(session)

    def run(self, *, rounds: int, processes: int, bar: "tqdm[Any]", precise: float | None = None) -> None:
        """Measure what the earlier report does not have; see ``Interleaving.run``."""
        for case in self.session.request.cases:
            bar.set_description(str(case))
            found = kept(self._earlier, case)
            if found is None:
                pair = Interleaving(self.session, case, explainer=self._explainer)
                pair.run(rounds=rounds, processes=processes, bar=bar, precise=precise)
                found = comparison(pair), of_one_peak(join_layers(pair.rows(), self.session.layers))
            else:
                bar.update(rounds)
            self._done.append(found)
            if self._folder:
                result_file.write(self.report(), self._folder / FILE)

    def failed(self, failure: WorkerFailure) -> schema.CompareReport:
        """The report where a worker was lost before anything was timed."""
        for case in self.session.request.cases:
            pair = Interleaving(self.session, case, explainer=self._explainer)
            pair.failures = dict.fromkeys((failure.backend,), failure)
            self._done.append((comparison(pair), pair.rows()))
        return self.report()

    def report(self) -> schema.CompareReport:
        """All that was measured so far."""
        rows = with_efficiencies(row for _, pair in self._done for row in pair)
        comparisons = [comparison for comparison, _ in self._done]
        environment = describe(os.environ, self.session.versions) | self._watch.facts()
        environment["warnings"] += unsteady(comparisons)
        environment |= {"models": self.session.models} if self.session.models else {}
        return schema.CompareReport(
            environment=environment,
            results=rows,
            parity=self.parity,
            comparisons=comparisons,
            best=best_of_each(rows, comparisons),
            request=dict(self._facts),
            scaling=scaling(rows, comparisons),
        )


VERDICTS = {
    "first faster": f"{NAMES[0]} faster",
    "second faster": f"{NAMES[1]} faster",
    "no difference": "no difference",
}


def comparison(pair: Interleaving) -> Comparison:
    """Results of one case on torch and paddle, its two sides."""
    rows, request, case = pair.rows(), pair.session.request, pair.case
    speeds: dict[str, Any] = {f"{row.backend}_images_per_second": row.images_per_second for row in rows}
    threads = {row.threads for row in rows}
    common: dict[str, Any] = asdict(case) | {
        "engine": _both(row.engine for row in rows),
        "precision": _both(row.precision for row in rows),
        "layout": _both(row.layout for row in rows),
        "threads": threads.pop() if len(threads) == 1 else None,
        "model": request.model,
        "device": rows[0].device,
        "settings": request.settings_mode,
    }
    if pair.failures:
        reason = "; ".join(dict.fromkeys(failure.explained for failure in pair.failures.values()))
        return Comparison(**common, **speeds, verdict="not comparable", reason=reason)
    estimate = pair.estimate()
    return Comparison.model_validate(
        common
        | speeds
        | {f"{row.backend}_quick_seconds": row.quick_seconds for row in rows}
        | pair.disturbances()
        | {
            "ratio": estimate.ratio,
            "ratio_ci95": estimate.interval,
            "noise": estimate.noise,
            "verdict": VERDICTS[estimate.verdict],
        }
    )


def _both(words: Iterable[str]) -> str:
    """One word where both sides have the same, else torch's and paddle's."""
    return " / ".join(dict.fromkeys(words))
