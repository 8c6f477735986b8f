"""One variant, a pair at one input shape: its predictions, its stages, and the row that they make."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from backends import NAMES
from benchmarks.manager.worker_process import WorkerFailure
from benchmarks.parity.comparison import run_parity
from benchmarks.parity.plan import INCOMPLETE, Plan
from benchmarks.parity.sides.pair import CannotCompare, Pair
from benchmarks.parity.variants import summary
from benchmarks.parity.variants.pictures import PHOTOGRAPHS, Pictures
from benchmarks.parity.variants.predictions import Predictions, predict
from benchmarks.parity.variants.workers import KeptWorkers
from benchmarks.request.model_pair import ModelPair
from benchmarks.results.parity_schema import Fault, Variant
from common.cli import UnavailableError, UsageError
from common.dataset.index import Index
from common.shipped import BUILDERS

ENDINGS = (WorkerFailure, UnavailableError, UsageError)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A variant to be compared: its name in the page, its models, and the list of images, if there is one."""

    name: str
    subject: ModelPair
    images: Index | None = None

    @property
    def pictures(self) -> Pictures | None:
        """The images at the size of the pair."""
        return Pictures(index=self.images, shape=self.subject.input_shape) if self.images else None


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A row of the page, the whole report behind it, and the user's files, with their hashes."""

    variant: Variant
    report: dict[str, Any]
    files: dict[str, str]


def compare_variant(
    workers: KeptWorkers, wanted: Wanted, *, plan: Plan, on_stage: Callable[[str], object] = lambda _: None
) -> Compared:
    """Compare one variant. What ends in an exception is in the row, with its reason.

    Workers that are lost on the way are ended: the next request starts new ones.
    """
    start, subject = time.monotonic(), wanted.subject
    found, no_images = _predictions(workers, wanted, on_stage)
    if found and found.batch:
        subject = replace(subject, batch_folder=found.batch)
    report, reason = _report(workers, subject, plan, on_stage)
    files = _files(workers, wanted.subject)
    variant = _row(wanted, report, found).model_copy(
        update={"reason": reason, "images_reason": no_images, "seconds": time.monotonic() - start}
    )
    return Compared(variant=_with_departing_images(variant, report, found), report=report, files=files)


def _predictions(
    workers: KeptWorkers, wanted: Wanted, on_stage: Callable[[str], object]
) -> tuple[Predictions | None, str | None]:
    """Both sides' predictions, and why there are none."""
    pictures, subject = wanted.pictures, wanted.subject
    if pictures and subject.input_shape[0] not in PHOTOGRAPHS:
        pictures, reason = None, f"takes {subject.input_shape[0]} channels, and photographs have 1 or 3"
    else:
        reason = None
    on_stage("predictions")
    try:
        with Pair(*workers.sides(), subject=subject, scratch=workers.scratch, together=True) as pair:
            return predict(pair, pictures, scratch=workers.scratch, on_stage=on_stage), reason
    except CannotCompare:
        return None, "the parameters cannot be paired"
    except WorkerFailure as failure:
        if failure.is_gone:
            workers.end()
        return None, f"{failure.backend}: {failure.explained}"
    except (UnavailableError, UsageError, ValueError) as error:
        return None, str(error)


def _report(
    workers: KeptWorkers, subject: ModelPair, plan: Plan, on_stage: Callable[[str], object]
) -> tuple[dict[str, Any], str | None]:
    """The report of parity; where nothing could be compared, why."""
    empty: dict[str, Any] = {"verdict": INCOMPLETE, "first_divergence": None, "stages": []}
    try:
        report = run_parity(
            *workers.sides(),
            subject=subject,
            scratch=workers.scratch,
            plan=plan,
            on_stage=on_stage,
            together=True,
        )
    except ENDINGS as failure:
        if isinstance(failure, WorkerFailure):
            if failure.is_gone:
                workers.end()
            return empty, f"{failure.backend}: {failure.explained}"
        return empty, str(failure)
    if any((stage.get("error") or {}).get("lost") for stage in report["stages"]):
        workers.end()
    return report, _reason(report)


def _reason(report: dict[str, Any]) -> str | None:
    """Why there is no verdict; None where there is one."""
    if "pairing" in report:
        return str(report["pairing"]["reason"])
    first = report["first_divergence"]
    return str(first["path"]) if report["verdict"] == INCOMPLETE and first else None


def _files(workers: KeptWorkers, subject: ModelPair) -> dict[str, str]:
    """The user's files that the models are made of, with their hashes; none if they were not opened."""
    files: dict[str, str] = {}
    for name, side in zip(NAMES, workers.sides(), strict=True) if workers.alive else ():
        source = subject.sources.get(name, "")
        if not source or source.startswith(f"{BUILDERS}:"):
            continue
        try:
            files |= side.ask("identity", source=source, folder=subject.folder)["files"]
        except ENDINGS:
            return {}
    return files


def _row(wanted: Wanted, report: dict[str, Any], found: Predictions | None) -> Variant:
    subject, pictures = wanted.subject, wanted.pictures
    logits, features = summary.distances(found) if found else (None, None)
    stages, unjudged = report["stages"], summary.unjudged_gradients(report)
    return Variant(
        name=wanted.name,
        torch=subject.sources.get("torch", subject.model),
        paddle=subject.sources.get("paddle", subject.model),
        input_shape=subject.input_shape,
        num_classes=subject.num_classes,
        weights=str(subject.weights) if subject.weights else None,
        parameters=stages[0].get("parameters") if stages else None,
        verdict=report["verdict"] if unjudged is None else "pass",
        finding=summary.finding(report, found),
        stages=summary.stage_verdicts(report),
        fault=summary.fault(report, subject) if unjudged is None else None,
        unjudged_float32_gradients=unjudged,
        excuses=summary.excuses(report),
        logits=logits,
        features=features,
        images=summary.agreement(found, pictures) if found and found.batch and pictures else None,
        seconds=0.0,
    )


def _with_departing_images(variant: Variant, report: dict[str, Any], found: Predictions | None) -> Variant:
    """The row failed if an image departs in float64 although the batch of the stages agrees."""
    departing = summary.departing_in_float64(found, report) if found else None
    if departing is None or variant.verdict != "pass":
        return variant
    path = "the batch of the stages agrees in float64, and another image of the list does not"
    fault = Fault(stage="images", tensor="logits", relative_l2=summary.finite(departing), path=path)
    return variant.model_copy(update={"verdict": "fail", "finding": "fault", "fault": fault})
