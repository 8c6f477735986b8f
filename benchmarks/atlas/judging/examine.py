"""Examine one case: ask both sides, compare, and look for what explains a difference."""

import time
from collections.abc import Mapping
from dataclasses import replace
from math import isfinite
from typing import Any

import numpy as np

from benchmarks.atlas.cases.case import Case
from benchmarks.atlas.cases.drawing import EDGES, WHOLE, Drawn
from benchmarks.atlas.judging import explain, judge
from benchmarks.atlas.judging.distributions import distributions
from benchmarks.atlas.row import DIFFERENT, EQUAL, ERROR, KNOWN, MISSING, Missing, Row
from benchmarks.atlas.sides import Sides
from benchmarks.parity.judge.gap import TOLERANCE, Gap
from benchmarks.parity.sides.pairing import Pairing, pair_parameters
from benchmarks.parity.sides.proposal import Unpaired
from benchmarks.parity.tensors.tensor_folder import TensorFolder

EXACT, SINGLE = "float64", "float32"


class Examination:
    """One case on both sides; ``row`` is what is found of it."""

    def __init__(self, sides: Sides, case: Case) -> None:
        self.sides, self.case = sides, case
        self.ours, self.theirs = sides.places
        self.spellings = {name: case.spelling(place.backend) for name, place in sides.places.items()}
        self.pairing: Pairing | None = None
        self.row = Row(
            id=case.id,
            family=case.family,
            operation=case.operation,
            spellings=dict(self.spellings),
            inputs=dict(case.inputs),
            training=case.training,
            verdict=ERROR,
            note=case.note,
        )

    def examine(self) -> Row:
        """Everything but speed."""
        begun = time.monotonic()
        opened = self.sides.ask_each("atlas", self._opening)
        self.row.defaults = judge.other_defaults(opened)
        if self._can_run(opened) and self._pair(opened):
            self._compare()
        if self.case.isolated:
            self.sides.renew()
        self.row.seconds = round(time.monotonic() - begun, 3)
        return self.row

    def compute(
        self, label: str, *, among: tuple[str, ...] = (), spelling: str = "", **how: Any
    ) -> tuple[dict[str, Any], dict[str, dict[str, np.ndarray]]]:
        """One variant on both sides (or ``among`` them): their answers, and arrays by torch's names.

        ``how`` are the worker's arguments, and those of what is given: dtype, edge, moved, other.
        """
        given = {name: how.pop(name) for name in ("dtype", "edge", "moved", "other") if name in how}
        folders: dict[str, TensorFolder] = {}

        def own(name: str) -> dict[str, Any]:
            folders[name] = self.sides.folder(label, name)
            return {
                "step": "compute",
                "spelling": spelling or self.spellings[name],
                "given": {"inputs": dict(self.case.inputs), **given},
                "target": str(folders[name].path),
                "weights": str(self.sides.scratch / "atlas" / "weights" / name),
                "training": self.case.training,
                **how,
            }

        answers = self.sides.ask_each("atlas", own, among=among)
        arrays = {
            name: self._by_our_names(name, judge.load(folders[name])) if answer["status"] == "ok" else {}
            for name, answer in answers.items()
        }
        return answers, arrays

    def gaps_of(self, arrays: Mapping[str, judge.Arrays]) -> list[Gap]:
        """A Gap for each result of both sides."""
        both = arrays[self.ours], arrays[self.theirs]
        if self.case.compared == "distribution":
            return distributions(*both, tolerance=TOLERANCE)
        return judge.gaps(*both, tolerance=TOLERANCE, equal_nan=True)

    def _opening(self, name: str) -> dict[str, Any]:
        return {"step": "open", "spelling": self.spellings[name], "inputs": dict(self.case.inputs)}

    def _can_run(self, opened: Mapping[str, Mapping[str, Any]]) -> bool:
        """False where a side does not have the operation, or refuses it; the row then says so."""
        absent = [name for name, answer in opened.items() if answer["status"] == "missing"]
        if absent:
            name, sides = opened[absent[0]]["reason"], " and ".join(absent)
            self.row.verdict = MISSING
            self.row.missing = Missing(side=sides, name=name, instead=self.case.instead, verdict=None)
            if len(absent) == 1:
                self._try_instead(absent[0])
            return False
        refused = {name: answer for name, answer in opened.items() if answer["status"] != "ok"}
        if refused:
            self.row.reason = "; ".join(f"{name}: {answer['reason']}" for name, answer in refused.items())
        return not refused

    def _try_instead(self, side: str) -> None:
        """The verdict of the spelling that stands in the place of a missing one."""
        if self.case.instead and self.row.missing:
            backend = self.sides.places[side].backend
            spelled: dict[str, Any] = {backend: self.case.instead, "instead": ""}
            case = replace(self.case, **spelled)
            row = Examination(self.sides, case).examine()
            self.row.missing.verdict = row.verdict
            own = {
                name: getattr(row, name) for name in ("size", "where", "reason", "gaps", "rounding", "proof")
            }
            self.row = self.row.model_copy(update={**own, "ulps": row.ulps, "edges": row.edges})

    def _pair(self, opened: Mapping[str, Mapping[str, Any]]) -> bool:
        """Draw weights for both sides' layers; False where they have other parameters."""
        for name in self.sides.places:
            self.sides.folder("weights", name)
        described = [opened[name]["described"] for name in (self.ours, self.theirs)]
        if None in described:
            return True
        try:
            self.pairing = pair_parameters(*described)
        except Unpaired as error:
            self.row.verdict, self.row.where = DIFFERENT, "parameters"
            self.row.reason = " ".join(str(error).split())
            return False
        drawn = _drawn(described[0])
        named = {f"weights {n}": a for n, a in drawn["parameters"].items()}
        buffers = {n: a for n, a in drawn["buffers"].items() if n in self.pairing.buffers}
        ours = named | {f"buffers {n}": a for n, a in buffers.items()}
        theirs = {f"buffers {self.pairing.buffers[n]}": a for n, a in buffers.items()}
        for link in self.pairing.links:
            theirs |= {f"weights {n}": a for n, a in link.to_theirs(drawn["parameters"]).items()}
        for name, arrays in ((self.ours, ours), (self.theirs, theirs)):
            self.sides.folder("weights", name).fill(arrays.items())
        return True

    def _by_our_names(self, name: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Gradients and statistics of paddle's layer under torch's names and in its shapes."""
        if self.pairing is None or name == self.ours:
            return arrays
        mark = "gradient of "
        rest: dict[str, np.ndarray] = {}
        for link in self.pairing.links:
            theirs = {own: arrays.pop(mark + own) for own in link.theirs if mark + own in arrays}
            if len(theirs) == len(link.theirs):
                rest |= {mark + own: array for own, array in link.to_ours(theirs).items()}
        statistics = {f"statistics {b}": f"statistics {a}" for a, b in self.pairing.buffers.items()}
        return {statistics.get(own, own): array for own, array in arrays.items()} | rest

    def _compare(self) -> None:
        """Float64, then what explains a difference, float32, and unusual inputs."""
        answers, arrays = self.compute("exact")
        refused = self._refusals(answers)
        if refused:
            self.row.reason = refused
            answers, arrays = self.compute("exact", backward=False)  # a gradient alone may be refused
            if self._refusals(answers):
                return
            self.row.reason = f"no gradient: {refused}"
        found = self.gaps_of(arrays)
        if not any(array.size for array in arrays[self.ours].values()):
            self.row.reason = "nothing to compare"
            return
        self.row.dtypes = judge.other_dtypes(answers)
        self._judge(found, arrays)
        if refused:
            self.row.verdict = ERROR
        if self.case.compared == "values":
            self._describe_single(arrays)
            self._require_sensitive(arrays)
            if self.case.inputs:
                self.row.edges = {edge: self._edge(edge) for edge in self._edges()}

    def _judge(self, found: list[Gap], arrays: Mapping[str, judge.Arrays]) -> None:
        """Equal, or different, or what an explanation makes of it."""
        row, worst = self.row, judge.worst(found)
        row.gaps = {gap.name: gap.relative_l2 if isfinite(gap.relative_l2) else None for gap in found}
        if worst is not None:
            row.size = worst.relative_l2 if isfinite(worst.relative_l2) else None
            row.where = worst.name
        if all(gap.passed for gap in found):
            row.verdict = EQUAL
            return
        row.verdict = DIFFERENT
        assert worst is not None
        row.reason = row.reason or worst.note
        explain.explain(self, found, arrays)

    def _refusals(self, answers: Mapping[str, Mapping[str, Any]]) -> str:
        return "; ".join(f"{n}: {a['reason']}" for n, a in answers.items() if a["status"] != "ok")

    def _describe_single(self, exact: Mapping[str, judge.Arrays]) -> None:
        """Both sides' errors in float32, against torch's float64 where the two agree in it."""
        _, arrays = self.compute("single", dtype=SINGLE)
        agree = self.row.verdict not in (DIFFERENT, KNOWN)
        for name in (self.ours, self.theirs):
            truth = exact[self.ours if agree else name]
            self.row.ulps[name] = judge.ulps(truth, arrays[name])

    def _require_sensitive(self, arrays: Mapping[str, judge.Arrays]) -> None:
        """A case whose results are the same for other inputs could not fail."""
        if not any(Drawn.parse(text).kind != "ones" for text in self.case.inputs.values()):
            return
        _, other = self.compute("other", among=(self.ours,), other=True, backward=False)
        before, after = arrays[self.ours], other[self.ours]
        if after and all(np.array_equal(before[own], array) for own, array in after.items() if own in before):
            self.row.note = f"{self.row.note} The result is the same for other inputs.".strip()

    def _edges(self) -> list[str]:
        """Edges that change an input at all."""
        first, *_ = (Drawn.parse(text) for text in self.case.inputs.values())
        drawn = [Drawn.parse(text) for text in self.case.inputs.values()]
        numbers = [edge for edge in ("nan", "infinity") if first.kind not in WHOLE]
        sizes = [edge for edge, own in EDGES.items() if any({*own} & {*one.axes} for one in drawn)]
        return [edge for edge in numbers + sizes if edge in self.case.edges]

    def _edge(self, edge: str) -> str:
        answers, arrays = self.compute(f"edge {edge}", edge=edge, backward=False)
        return judge.edge(answers, arrays)


def _drawn(described: Mapping[str, Any]) -> dict[str, dict[str, np.ndarray]]:
    """Weights and statistics of a layer, of float32's numbers."""
    rng = np.random.default_rng(3)
    arrays: dict[str, dict[str, np.ndarray]] = {"parameters": {}, "buffers": {}}
    for kind, named in arrays.items():
        for entry in described[kind]:
            drawn: np.ndarray = rng.standard_normal(entry["shape"]) * 0.5
            if entry["name"].endswith("var"):
                drawn = np.abs(drawn) + 0.5
            named[entry["name"]] = drawn.astype(np.float32).astype(np.float64)
    return arrays
