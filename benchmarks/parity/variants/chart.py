"""Distances of every variant on one logarithmic axis: float64 beside float32, and the usual limit."""

import math
from collections.abc import Sequence

from benchmarks.parity.variants.summary import USUAL
from benchmarks.report.figures import WIDTH, figure, text
from benchmarks.results.parity_schema import Variant
from common.language import Language

LEFT, ROW, LOWEST = 150.0, 18.0, 1e-17
REACH = WIDTH - LEFT - 20.0


def distance_chart(say: Language, rows: Sequence[Variant]) -> str:
    """A disc for float32 and a square for float64 in each variant's row; "" where nothing was compared."""
    known = [row for row in rows if row.logits and row.logits.float32_max is not None]
    if not known:
        return ""
    largest = max([value for row in known for value in _both(row) if value], default=USUAL)
    low, high = math.log10(LOWEST), max(0.0, math.ceil(math.log10(max(largest, USUAL))))
    parts, y = [], 12.0

    def across(value: float) -> float:
        return LEFT + (math.log10(max(value, LOWEST)) - low) / (high - low) * REACH

    bottom = y + ROW * len(known)
    for row in known:
        float32, float64 = _both(row)
        parts.append(text(0, y + 4, row.name[:22], kind="small"))
        if float64 is not None:
            x = across(float64)
            parts.append(f'<path d="M{x:.1f} {y:.0f}H{across(float32 or 0):.1f}" class="axis" fill="none"/>')
            parts.append(f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8" class="paddle"/>')
        parts.append(f'<circle cx="{across(float32 or 0):.1f}" cy="{y:.1f}" r="4" class="torch"/>')
        y += ROW
    x = across(USUAL)
    parts.append(
        f'<line x1="{x:.1f}" y1="2" x2="{x:.1f}" y2="{bottom - 6:.0f}" class="axis" stroke-dasharray="4 3"/>'
    )
    parts.append(text(x - 12, bottom + 8, f"{USUAL:g}", kind="small"))
    for power in range(-16, int(high) + 1, 4):
        if 10.0**power != USUAL:
            parts.append(
                text(across(10.0**power) - 14, bottom + 8, f"1e{power}" if power else "1", kind="small")
            )
    parts.append(f'<rect x="{LEFT:.0f}" y="{bottom + 20:.0f}" width="8" height="8" class="paddle"/>')
    parts.append(text(LEFT + 14, bottom + 28, "float64", kind="small"))
    parts.append(f'<circle cx="{LEFT + 94:.0f}" cy="{bottom + 24:.0f}" r="4" class="torch"/>')
    parts.append(text(LEFT + 104, bottom + 28, "float32", kind="small"))
    title = say("Largest distance of the logits, logarithmic")
    about = say("float64 and float32 of each variant, and the usual limit of {usual}", usual=f"{USUAL:g}")
    return figure(title, about, parts, height=bottom + 40)


def _both(row: Variant) -> tuple[float | None, float | None]:
    assert row.logits is not None
    return row.logits.float32_max, row.logits.float64_max
