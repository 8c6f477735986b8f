"""The price of int8, and what it is beside: size on disk, accuracy, and whether it really was int8."""

from collections.abc import Sequence

from benchmarks.report.section import Section
from benchmarks.results.formatting import labeller, number
from benchmarks.results.schema import CompareReport, Result
from common.language import ENGLISH, Language

MIB = 2**20


def quantization_lines(results: Sequence[Result], say: Language = ENGLISH) -> list[str]:
    """A line of each row in int8; nothing where there is none."""
    label = labeller(results, say)
    prices = [(f"{row.backend} {label(row)}", quantization_price(row, say)) for row in results]
    lines = [f"  {say.joined([of, price], by=': ')}" for of, price in prices if price]
    return [say("What int8 costs, on real images that it was not calibrated on:"), *lines] if lines else []


def quantization_section(say: Language, report: CompareReport) -> Section | None:
    """The same on a page, with images a second in int8 and in float32."""
    rows = [row for row in report.results if row.quantization is not None]
    if not rows:
        return None
    label = labeller(rows, say)
    exact = {_place(row): row.images_per_second for row in report.results if row.precision == "fp32"}
    columns = [say("combination"), say("backend"), say("Top-1 agreement"), say("images"), say("classes")]
    columns += [say("relative L2"), say("in int8"), say("of all"), say("deployed MiB")]
    columns += [say("int8 images/s"), say("fp32 images/s")]
    cells = []
    for row in rows:
        found = row.quantization
        assert found is not None
        cells.append(
            [
                *(label(row), row.backend, f"{found.top1_agreement:.1%}", str(found.images)),
                *(str(found.classes), f"{found.relative_l2:.1e}"),
                *(str(found.int8_operations), str(found.operations)),
                number(row.deployed_bytes / MIB if row.deployed_bytes else None),
                *(number(row.images_per_second), number(exact.get(_place(row)))),
            ]
        )
    note = say(
        "On real images that nothing was calibrated on, against the same model in float32: for how many both "
        "name the same class, how many classes float32 names (of one, agreement says little), how far the "
        "logits are away, and how many of all convolutions and matrix products really computed in int8."
    )
    return Section(title=say("What int8 costs and gains"), note=note, columns=columns, rows=cells)


def _place(row: Result) -> tuple[object, ...]:
    """What is the same in float32 and int8."""
    return row.backend, row.phase, row.engine, row.layout, row.batch_size, row.threads


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
