"""How variants were compared, and what was not compared, in the reader's language."""

from collections.abc import Iterator

from benchmarks.parity.variants.sentences import listed, number
from benchmarks.parity.variants.summary import USUAL
from benchmarks.results.parity_schema import ParityPage, Variant
from common.language import Language


def not_compared(say: Language, page: ParityPage) -> list[str]:
    """What is missing from the page, and why."""
    lines = [say("{name}: not compared yet", name=name) for name in page.missing]
    for row in page.variants:
        lines += [*_missing_of(say, row), *_left_out_of(say, row)]
    return lines or [say("Everything that was asked for was compared.")]


def _missing_of(say: Language, row: Variant) -> Iterator[str]:
    """Parts that a row lacks, with their reasons."""
    name = row.name
    if row.reason:
        yield f"{name}: {row.reason}"
    if row.images_reason and row.images_reason not in (row.reason or ""):
        yield say("{name}: no photographs: {reason}", name=name, reason=row.images_reason)
    if row.logits and row.features is None:
        yield say(
            "{name}: no features: the last layers with parameters do not pair, or get other shapes", name=name
        )
    if row.unjudged_float32_gradients is not None:
        yield say(
            "{name}: float32 gradients are up to {gap} (relative L2) from the float64 ones. Decisions of "
            "ReLUs and pools that are no layers on one side cannot be forced, so that float64 alone decides "
            "on them",
            name=name,
            gap=number(row.unjudged_float32_gradients),
        )
    if row.speed_reason:
        yield say("{name}: no speed: {reason}", name=name, reason=row.speed_reason)


def _left_out_of(say: Language, row: Variant) -> Iterator[str]:
    """Photographs that a row leaves out, and disagreements that the page does not list."""
    found = row.images
    if found is None:
        return
    if found.left_out:
        yield say.count(
            "{name}: {number} photograph cannot be decoded and is left out",
            "{name}: {number} photographs cannot be decoded and are left out",
            found.left_out,
            name=row.name,
        )
    more = found.disagreements_total - len(listed(row))
    if more > 0:
        yield say.count(
            "{name}: {number} more disagreement is counted and not listed",
            "{name}: {number} more disagreements are counted and not listed",
            more,
            name=row.name,
        )


def how(say: Language, page: ParityPage) -> list[str]:
    """How it was compared: what both sides were given, and what repeats it."""
    request, environment = page.request, page.environment
    versions = ", ".join(f"{name} {facts[name]}" for name, facts in environment["backends"].items())
    lines = [say("Versions: {versions}.", versions=versions)]
    fresh = sum(row.weights is None for row in page.variants)
    if fresh:
        lines.append(
            say(
                "Weights: the networks' own initial values, copied from torch to paddle, in {fresh} of "
                "{total} variants. Of networks that were not trained, agreement on photographs says less: "
                "name files of weights in the file of pairs.",
                fresh=fresh,
                total=len(page.variants),
            )
        )
    if fresh < len(page.variants):
        lines.append(say("Weights of the others: those that the file of pairs names, on both sides."))
    lines.append(
        say(
            "Photographs: decoded, resized to the input shape, scaled and normalised once (three channels: "
            "ImageNet's mean and deviation). Both sides get the same pixels."
        )
        if request["images"]
        else say("Input: one drawn batch of {images} images.", images=request["batch_size"])
    )
    lines.append(
        say(
            "Float64 decides: the stages run on the {images} images on which float32 departs most. Float32 "
            "passes if each side is as near to the float64 result as rounding explains. Top-5 agrees if both "
            "have the same five best classes. A usual limit on float32 logits is {usual}.",
            images=request["batch_size"],
            usual=f"{USUAL:g}",
        )
    )
    lines.append(say("Stages: {stages}.", stages=", ".join(request["stages"])))
    lines.append(say("Made again by: {command}", command=request["command"]))
    return lines
