"""A parity report and a pair's predictions in, one row of the page out."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from benchmarks.parity.judge.gap import FAIL, KNOWN, SPREAD
from benchmarks.parity.stages.stage import ERROR
from benchmarks.parity.variants.agreement import Spread
from benchmarks.parity.variants.pictures import Pictures
from benchmarks.parity.variants.places import places_of
from benchmarks.parity.variants.predictions import Predictions
from benchmarks.request.model_pair import ModelPair
from benchmarks.results.parity_schema import (
    Agreement,
    Disagreement,
    Distance,
    Excuse,
    Fault,
    Finding,
    StageVerdict,
)

USUAL = 1e-4  # max |Δ| of float32 logits that people's own scripts allow
Report = Mapping[str, Any]


def stage_verdicts(report: Report) -> list[StageVerdict]:
    """The stages of a report, each with the tensor that comes nearest to its tolerance or exceeds it most."""
    return [_stage(stage) for stage in report.get("stages", ())]


def _stage(stage: Mapping[str, Any]) -> StageVerdict:
    tensors = stage["tensors"]
    judged = [tensor for tensor in tensors if tensor["verdict"] == stage["verdict"]] or tensors
    worst = max(judged, key=_excess, default=None) if stage["tolerance"] is not None else None
    return StageVerdict(
        stage=stage["stage"],
        dtype=stage["dtype"],
        verdict=stage["verdict"],
        tensors=len(tensors),
        tolerance=stage["tolerance"],
        worst=worst and worst["name"],
        worst_relative_l2=worst and finite(worst["relative_l2"]),
    )


def _excess(tensor: Mapping[str, Any]) -> float:
    gap, tolerance = float(tensor["relative_l2"]), float(tensor["tolerance"])
    return gap / tolerance if tolerance else gap


def finite(value: float | None) -> float | None:
    """The number; None for infinity and NaN."""
    return value if value is not None and isfinite(value) else None


def excuses(report: Report) -> list[Excuse]:
    """Known roundings and known differences that the report proves."""
    found = []
    for stage in report.get("stages", ()):
        known = [tensor for tensor in stage["tensors"] if tensor["verdict"] == KNOWN]
        for constant in dict.fromkeys(tensor["constant"] for tensor in known):
            moved = [tensor for tensor in known if tensor["constant"] == constant]
            found.append(
                Excuse(
                    kind="rounding",
                    stage=stage["stage"],
                    what=constant,
                    tensors=len(moved),
                    relative_l2=finite(max(tensor["relative_l2"] for tensor in moved)),
                    left=finite(max(tensor["reproduced_relative_l2"] for tensor in moved)),
                )
            )
    for entry in report.get("known_differences", ()):
        found.append(
            Excuse(
                kind="difference",
                stage=entry["stage"],
                what=entry["difference"],
                tensors=len(entry["tensors"]),
                relative_l2=finite(entry["relative_l2"]),
                left=finite(entry["left"]),
            )
        )
    return found


def fault(report: Report, subject: ModelPair) -> Fault | None:
    """Where the two sides first part, and the lines of the user's own files."""
    first = report.get("first_divergence")
    if first is None:
        return None
    places = places_of(first.get("layer"), report["stages"], subject)
    note = first.get("note")
    is_exception = any(
        stage["verdict"] == ERROR and stage["stage"] == first["stage"] for stage in report["stages"]
    )
    return Fault(
        stage=first["stage"],
        tensor=first["name"],
        layer=first.get("layer"),
        relative_l2=finite(first.get("relative_l2")),
        max_abs=finite(first.get("max_abs")),
        path=first.get("path"),
        note=None if is_exception else note,
        places=[note] if is_exception and note else places,
        likely_causes=list(first.get("likely_causes") or ()),
    )


def distances(found: Predictions) -> tuple[Distance, Distance | None]:
    """Distances of the logits, and of the features where both sides have some of one shape."""
    logits = _distance(found.tally.logits, found.float64_logits, found, "logits")
    if not found.tally.features.images:
        return logits, None
    features = _distance(found.tally.features, found.float64_features, found, "features")
    return logits, features.model_copy(update={"layer": found.layer})


def _distance(float32: Spread, float64: Spread, found: Predictions, what: str) -> Distance:
    return Distance(
        images=float32.images,
        float32_max=float32.largest if float32.numbers else None,
        float32_mean=float32.mean,
        checked=float64.images,
        float64_max=float64.largest if float64.numbers else None,
        float64_relative_l2=finite(found.float64_relative_l2.get(what)),
    )


def agreement(found: Predictions, pictures: Pictures) -> Agreement:
    """Agreement over the images of a list, each disagreement with its margins and what float64 says of it."""
    tally, index = found.tally, pictures.index
    listed = []
    for position, ranked in tally.disagreements:
        checked = found.checked.get(position)
        listed.append(
            Disagreement(
                image=str(index.paths[position]),
                float32=ranked,
                float64=checked.ranking if checked else None,
                float64_relative_l2=finite(checked.relative_l2) if checked else None,
            )
        )
    return Agreement(
        source=str(index.source),
        images=tally.logits.images,
        left_out=found.left_out,
        top1_agreed=tally.top1,
        top5_agreed=tally.top5,
        not_finite=tally.not_finite,
        disagreements_total=tally.disagreeing,
        disagreements=listed,
    )


def departing_in_float64(found: Predictions, report: Report) -> float | None:
    """The largest relative L2 in float64 of an image, if it is beyond what the stage forward allows."""
    logits = _tensor(report, "forward", "logits")
    if logits is None or not found.checked:
        return None
    allowed = float(logits["tolerance"])
    if logits["verdict"] == KNOWN:
        allowed = max(allowed, SPREAD * float(logits["relative_l2"]))
    worst = max(checked.relative_l2 for checked in found.checked.values())
    return worst if not worst <= allowed else None


def unjudged_gradients(report: Report) -> float | None:
    """Largest distance of float32 gradients that no decision explains, where not all decisions are seen.

    ReLU and max-pool decisions that float32 takes otherwise are forced upon float64 as far as both sides
    take them in a layer. Where one side has layers that the other has not, as with ReLUs that are functions
    there, some are not seen, and float64 alone decides on gradients. None where float32 has a verdict, or
    another stage or an output fails.
    """
    stages = {stage["stage"]: stage for stage in report.get("stages", ())}
    failed = [stage for stage in stages.values() if stage["verdict"] in (FAIL, ERROR)]
    if [stage["stage"] for stage in failed] != ["float32"] or failed[0]["verdict"] == ERROR:
        return None
    outputs = {tensor["name"] for tensor in stages["forward"]["tensors"]}
    beyond = [tensor for tensor in failed[0]["tensors"] if tensor["verdict"] == FAIL]
    if not stages["forward"].get("layers_on_one_side") or any(each["name"] in outputs for each in beyond):
        return None
    return max(float(each["relative_l2"]) for each in beyond)


def finding(report: Report, found: Predictions | None) -> Finding:
    """What float64 says of the distance of the logits in float32."""
    verdicts = {stage["stage"]: stage["verdict"] for stage in report.get("stages", ())}
    forward, float32 = verdicts.get("forward"), verdicts.get("float32")
    if forward == FAIL or "pairing" in report:
        seen = found.tally.logits.largest if found and found.tally.logits.numbers else None
        return "fault" if seen is None or seen > USUAL else "hidden fault"
    if forward in (None, ERROR) or float32 in (None, ERROR):
        return "unknown"
    if float32 == FAIL and unjudged_gradients(report) is None:
        return "unexplained"
    return "known rounding" if forward == KNOWN else "rounding"


def _tensor(report: Report, stage: str, name: str) -> Mapping[str, Any] | None:
    tensors: Sequence[Mapping[str, Any]] = next(
        (entry["tensors"] for entry in report.get("stages", ()) if entry["stage"] == stage), ()
    )
    return next((tensor for tensor in tensors if tensor["name"] == name), None)
