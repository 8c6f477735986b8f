"""Parity of two versions of one framework: this interpreter's, and another's.

Both sides are one model, and nothing that is known of torch against paddle excuses a gap. The engine calls
the first side "torch" and the second "paddle", whichever framework it is; reports say "here" and "there".
"""

import re
from collections.abc import Mapping
from typing import Any

from backends import NAMES
from benchmarks.manager.installations import Installation, other_place
from benchmarks.parity.check import check
from benchmarks.parity.judge.gap import DIFFERENCE, KNOWN
from benchmarks.parity.plan import Plan
from benchmarks.parity.text.divergence import failure
from benchmarks.parity.text.report import given_to, report_text
from benchmarks.request.model_pair import ModelPair
from common.cli import UsageError

KEYS = {"torch": "here", "paddle": "there"}
SIDE = re.compile(r"(?<![\w.'\"/-])(torch|paddle)(?=(?:'s)?(?:[\s,;:)]|$))")
FRAMEWORK = re.compile(r"\b(torch|paddle)")
HEADING = "HEADING"
THEIRS = ("code", "layer", "layer_type", "map", "place", "error")  # what is not in our words


def other_version(framework: str, text: str) -> Installation:
    """The installation that ``--against`` names. Raises UsageError unless it is a Python or its folder."""
    place = other_place(framework, text)
    if place.interpreter is None:
        raise UsageError(f"--against {text}: is a checkout of this project; parity takes another Python")
    return place


def check_versions(
    subject: ModelPair, plan: Plan, *, place: Installation, device: str, timeout: float
) -> dict[str, Any]:
    """Every stage of the plan, and the exchange of weights; what is by side has the engine's words for it.

    Raises UnavailableError where a version cannot be had.
    """
    places = {"torch": Installation(backend=subject.framework), "paddle": place}
    report = check(subject, plan, device=device, timeout=timeout, places=places)
    verdicts = {tensor["verdict"] for stage in report["stages"] for tensor in stage["tensors"]}
    assert not verdicts & {KNOWN, DIFFERENCE}, "between two versions nothing is excused"
    for divergence in (report["first_divergence"], *(stage["divergence"] for stage in report["stages"])):
        if divergence is not None:  # what is known of torch against paddle is no cause here
            causes = divergence["likely_causes"]
            divergence["likely_causes"] = [cause for cause in causes if not FRAMEWORK.search(cause)]
    said: dict[str, Any] = worded({**report, "environment": None}, subject.titles)
    return said | {"environment": report["environment"]}


def as_json(report: Mapping[str, Any], subject: ModelPair, *, place: str) -> dict[str, Any]:
    """The report with "here" and "there", and both versions in its environment."""
    environment = dict(report["environment"])
    here, there = (environment["backends"][name] for name in NAMES)
    environment |= {"backends": {subject.framework: here}, "against": {"place": place, **there}}
    renamed: dict[str, Any] = _renamed({**report, "environment": None})
    return renamed | {"backend": subject.framework, "environment": environment}


def _renamed(value: Any) -> Any:
    """What is by side under the words for it."""
    if isinstance(value, Mapping):
        return {KEYS.get(key, key): _renamed(each) for key, each in value.items()}
    return [_renamed(each) for each in value] if isinstance(value, (list, tuple)) else value


def text_of(report: Mapping[str, Any], subject: ModelPair, *, place: str) -> str:
    """All that the command prints."""
    here, there = (report["environment"]["backends"][name][subject.framework] for name in NAMES)
    name = subject.sources["torch"] if subject.foreign else subject.model
    heading = (
        f"{name}, {given_to(subject)}, {subject.num_classes} classes, seed {subject.seed}\n"
        f"{subject.framework}: this version {here}, the other version {there} ({place})"
    )
    rest = in_words(report_text(report, subject, heading=HEADING), subject.titles)
    return rest.replace(HEADING, heading, 1)


def failure_of(report: Mapping[str, Any], subject: ModelPair) -> str:
    """One line on where the two versions part."""
    return in_words(failure(report), subject.titles)


def worded(value: Any, titles: Mapping[str, str]) -> Any:
    """A report's sentences with what people call the sides; names of layers, code and files as they are."""
    if isinstance(value, Mapping):
        return {key: each if key in THEIRS else worded(each, titles) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [worded(each, titles) for each in value]
    return in_words(value, titles) if isinstance(value, str) else value


def in_words(text: str, titles: Mapping[str, str]) -> str:
    """A text of ours with what people call the sides."""
    return SIDE.sub(lambda found: titles[found[1]], text)
