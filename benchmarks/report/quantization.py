"""The price of int8, and what it is beside: size on disk, accuracy, and whether it really was int8."""

from collections.abc import Sequence

from benchmarks.results.formatting import labeller, number
from benchmarks.results.schema import Result
from common.language import ENGLISH, Language

MIB = 2**20


def quantization_lines(results: Sequence[Result], say: Language = ENGLISH) -> list[str]:
    """A line of each row in int8; nothing where there is none."""
    label = labeller(results, say)
    lines = [
        f"  {row.backend} {label(row)}: {price}" for row in results if (price := quantization_price(row, say))
    ]
    return [say("What int8 costs, on real images that it was not calibrated on:"), *lines] if lines else []


def quantization_price(row: Result, say: Language) -> str:
    """The price of a row in words; "" where it is not in int8."""
    found = row.quantization
    if found is None:
        return ""
    return say(
        "same class as float32 for {agreement} of {images} images (float32 names {classes} classes), logits "
        "{distance} away; {ran} of {all} convolutions and matrix products in int8; {size} MiB on disk",
        agreement=f"{found.top1_agreement:.1%}",
        images=found.images,
        classes=found.classes,
        distance=f"{found.relative_l2:.1e}",
        ran=found.int8_operations,
        all=found.operations,
        size=number(row.deployed_bytes / MIB if row.deployed_bytes else None),
    )
