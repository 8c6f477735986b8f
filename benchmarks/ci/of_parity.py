"""What a CI service shows of a parity check: of one pair, or of a file of them."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from benchmarks.ci.annotations import Annotation
from benchmarks.ci.places import Place, place_named, place_of
from benchmarks.ci.summary import Summary, machine_line
from benchmarks.parity.text.divergence import failure
from benchmarks.parity.text.stages import stage_row
from benchmarks.request.model_pair import ModelPair
from benchmarks.results.parity_schema import Fault, ParityPage, Variant

NOTHING = "nothing"
LOOK = "look first at"
LEVELS: Mapping[str, Any] = {"fail": "error", "cannot-compare": "error", "incomplete": "warning"}
WORST_FIRST = ("fail", "error", "cannot-compare", "incomplete")


def summary(report: Mapping[str, Any], *, name: str) -> Summary:
    """The page of one pair's report."""
    stages = sorted(report["stages"], key=lambda stage: stage["verdict"] not in WORST_FIRST)
    passed = report["verdict"] == "pass"
    said = f"pass, in {len(stages)} stages" if passed else failure(report)
    return Summary(
        sentence=f"{name}: {said}.",
        columns=("stage", "tensors", "worst", "in", "tolerance", "verdict"),
        rows=[stage_row(stage) for stage in stages],
        noise=_noise(report),
        machine=machine_line(report["environment"]),
        advice=NOTHING if passed else _advice(report),
    )


def annotations(report: Mapping[str, Any], subject: ModelPair) -> list[Annotation]:
    """The failure on the line of its layer, else of the twin's callable; and each exception on its own."""
    if report["verdict"] == "pass":
        return []
    first = report["first_divergence"] or {}
    found = [
        Annotation(
            level=LEVELS.get(report["verdict"], "error"),
            message=f"{failure(report)}; {_advice(report)}",
            place=_place(first, subject),
        )
    ]
    problems = [stage["error"] for stage in report["stages"] if stage.get("error")]
    others = {each["place"]: each["reason"] for each in problems if each["place"]}
    places = {place: place_named(place) for place in others}
    return found + [
        Annotation(level="error", message=others[text], place=place)
        for text, place in places.items()
        if place != found[0].place
    ]


def page_summary(page: ParityPage) -> Summary:
    """The page of a file of pairs."""
    rows = sorted(page.variants, key=lambda row: row.verdict == "pass")
    passed = sum(row.verdict == "pass" for row in rows)
    first = rows[0] if rows and rows[0].verdict != "pass" else None
    said = f"; first {first.name}: {_said(first)}" if first else ""
    return Summary(
        sentence=f"Parity: {passed} of {len(rows)} pairs pass{said}.",
        columns=("pair", "verdict", "float64 says of float32", "layer", "stage"),
        rows=[_variant_row(row) for row in rows],
        noise="float64 decides; float32 is described",
        machine=machine_line(page.environment),
        advice=_causes(first.fault.likely_causes if first.fault else ()) if first else NOTHING,
    )


def page_annotations(page: ParityPage, subjects: Mapping[str, ModelPair]) -> list[Annotation]:
    """One for each pair that does not pass."""
    return [
        Annotation(
            level=LEVELS[row.verdict],
            message=f"{row.name}: {_said(row)}",
            place=_variant_place(row.fault, subjects.get(row.name)),
        )
        for row in page.variants
        if row.verdict != "pass"
    ]


def _variant_row(row: Variant) -> list[str]:
    fault = row.fault
    finding = "-" if row.verdict == "fail" else row.finding
    return [row.name, row.verdict, finding, (fault and fault.layer) or "-", fault.stage if fault else "-"]


def _said(row: Variant) -> str:
    fault = row.fault
    if fault is None:
        return row.reason or row.verdict
    layer = f", layer {fault.layer}" if fault.layer else ""
    return f"parity is broken, first in stage {fault.stage!r} at {fault.tensor}{layer}"


def _variant_place(fault: Fault | None, subject: ModelPair | None) -> Place | None:
    """As ``_place``."""
    texts = [fault.note, *reversed(fault.places)] if fault else []
    found = next((place for place in map(place_named, texts) if place), None)
    return found or (place_of(subject.sources.get("paddle"), subject.folder) if subject else None)


def _place(first: Mapping[str, Any], subject: ModelPair) -> Place | None:
    """The line of an exception; else the layer's, in the twin if known; else that of the twin's callable."""
    lines = first.get("lines") or {}
    own = [line["place"] for side in ("paddle", "torch") for line in lines.get(side, ())]
    found = next((place for place in map(place_named, [first.get("note"), *own]) if place), None)
    return found or place_of(subject.sources.get("paddle"), subject.folder)


def _advice(report: Mapping[str, Any]) -> str:
    if report["verdict"] == "cannot-compare":
        return "give a --map; a proposal of one is printed"
    return _causes((report["first_divergence"] or {}).get("likely_causes") or ())


def _causes(causes: Sequence[str]) -> str:
    return f"{LOOK}: {causes[0]}" if causes else "look at the layer that is named, and at what it is given"


def _noise(report: Mapping[str, Any]) -> str:
    gaps = [
        tensor["relative_l2"]
        for stage in report["stages"]
        if stage["dtype"] == "float64"
        for tensor in stage["tensors"]
        if tensor["verdict"] == "pass" and tensor["noise"] is None and tensor["relative_l2"] is not None
    ]
    worst = max((gap for gap in gaps if isfinite(gap)), default=0.0)
    return f"in float64 what passes is at most {worst:.0e} apart"
