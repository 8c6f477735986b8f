"""A report of parity for people: a table, the first divergence explained, and what float32 is like."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.atlas.hints import difference_lines
from benchmarks.parity.text.divergence import divergence_lines
from benchmarks.parity.text.pairing import pairing_lines, trees
from benchmarks.parity.text.precision import precision_lines
from benchmarks.parity.text.stages import stage_lines
from benchmarks.request.model_pair import ModelPair
from benchmarks.results.formatting import given_words
from common.language import ENGLISH, Language
from common.model_cards import MODELS

GIB = 2**30


def report_text(
    report: Mapping[str, Any], subject: ModelPair, *, heading: str = "", say: Language = ENGLISH
) -> str:
    """All that the command prints, with its usual ``heading`` or another."""
    lines = [
        heading or _heading(report, subject, say),
        say("Verdict: {verdict}", verdict=say(report["verdict"])),
        "",
        *stage_lines(report, say),
        *pairing_lines(report["stages"], say),
    ]
    if report["verdict"] == "cannot-compare":
        return "\n".join([*lines, "", *trees(report["pairing"], say)])
    lines += divergence_lines(report["first_divergence"], say)
    for stage in report["stages"]:
        if "distances" in stage:
            lines += ["", *precision_lines(stage, say)]
    if subject.foreign:
        lines += difference_lines(report.get("operations", ()), say)
    return "\n".join([*lines, "", *_evidence(report, say)])


def parity_lines(parity: Mapping[str, Any] | None, say: Language = ENGLISH) -> list[str]:
    """Text of the gate in benchmarks.compare."""
    if parity is None:
        return [say("Parity: not checked")]
    verdict = say("Parity in float64: {verdict}", verdict=say(parity["verdict"]))
    return [verdict, *(f"  {line}" for line in stage_lines(parity, say))]


def _heading(report: Mapping[str, Any], subject: ModelPair, say: Language) -> str:
    if subject.foreign:
        message = "{torch} against {paddle}"
        what = say(message, torch=subject.sources["torch"], paddle=subject.sources["paddle"])
    else:
        title = say(MODELS[subject.model].title)
        what = say("{title}: {model}", title=title, model=subject.model)
    backends = report["environment"]["backends"]
    versions = ", ".join(f"{name} {facts[name]}" for name, facts in backends.items())
    size = say(
        "{pair}, {given}, {classes} classes, seed {seed}",
        pair=what,
        given=given_to(subject, say),
        classes=subject.num_classes,
        seed=subject.seed,
    )
    return f"{size}\n{versions}"


def given_to(subject: ModelPair, say: Language = ENGLISH) -> str:
    """The batch that both sides are given."""
    shape = (subject.batch_size, *subject.input_shape)
    return given_words(shape, [each.text for each in subject.inputs], say)


def _evidence(report: Mapping[str, Any], say: Language) -> Sequence[str]:
    evidence = report.get("evidence")
    if not evidence:
        return []
    floor = max(
        (
            tensor["relative_l2"]
            for stage in report["stages"]
            if stage["stage"] in ("forward", "loss", "gradients")
            for tensor in stage["tensors"]
            if tensor["verdict"] == "pass" and tensor["noise"] is None and tensor["note"] is None
        ),
        default=0.0,
    )
    peaks = ", ".join(
        f"{name} {peak / GIB:.1f} GiB" for name, peak in evidence["peak_memory_bytes"].items() if peak
    )
    message = "Noise floor in float64: {floor}. Peak memory: {peaks}; temporary files {disk} GiB."
    disk = f"{evidence['peak_disk_bytes'] / GIB:.2f}"
    return [say(message, floor=f"{floor:.1e}", peaks=peaks or say("not measured"), disk=disk)]
