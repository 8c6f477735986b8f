"""Distances of float32, or of another precision, from float64, and decisions that flipped."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.parity.text.stages import FLIPPED
from common.language import ENGLISH, Language


def precision_lines(stage: Mapping[str, Any], say: Language = ENGLISH) -> list[str]:
    """Distances from the truth, units in the last place, flipped decisions."""
    lines = [say("{stage}, distance of each framework from the float64 result:", stage=stage["stage"])]
    for name, reason in stage["unsupported"].items():
        lines.append(say("  {side}: unsupported: {reason}", side=name, reason=reason))
    for entry in stage["distances"]:
        if entry["name"] == "forward/logits":
            lines += [_of_logits(entry, name, say) for name in stage["flips"]]
    if stage["ratio"] is not None:
        message = "  paddle's distance over torch's, median of all tensors: {ratio}"
        lines.append(say(message, ratio=f"{stage['ratio']:.2f}"))
    for name, entries in stage["flips"].items():
        lines += _of_flips(name, entries, say)
    explained = [tensor for tensor in stage["tensors"] if FLIPPED in (tensor["note"] or "")]
    if explained:
        worst = max(explained, key=lambda tensor: float(tensor["relative_l2"]))
        message = (
            "  {count} tensors exceed the tolerance only because decisions flipped, the worst {name} by "
            "{gap}; with the same decisions forced in float64 {left} remains"
        )
        left = f"{worst['reproduced_relative_l2']:.1e}"
        facts = {"name": worst["name"], "gap": f"{worst['relative_l2']:.1e}", "left": left}
        lines.append(say(message, count=len(explained), **facts))
    return lines


def _of_logits(entry: Mapping[str, Any], side: str, say: Language) -> str:
    """How far a side's logits are from the truth."""
    return say(
        "  logits: {side} {distance} ({units} units in the last place)",
        side=side,
        distance=f"{entry[side]:.1e}",
        units=f"{entry[f'{side}_ulps']:.1f}",
    )


def _of_flips(side: str, entries: Sequence[Mapping[str, Any]], say: Language) -> list[str]:
    """How many decisions of a side flipped, and a line on each call with one that did."""
    total = sum(entry["decisions"] for entry in entries)
    flipped = [entry for entry in entries if entry["flipped"]]
    count = sum(entry["flipped"] for entry in flipped)
    message = "  {side}: {count} of {total} ReLU and max-pool decisions flipped"
    lines = [say(message, side=side, count=count, total=f"{total:,}")] if total else []
    message = (
        "    {call}: {count} of {total}, margins from {least} to {most} standard deviations of its input"
    )
    return lines + [
        say(
            message,
            call=entry["call"],
            count=entry["flipped"],
            total=f"{entry['decisions']:,}",
            least=f"{entry['margins'][0]:.0e}",
            most=f"{entry['largest_margin']:.0e}",
        )
        for entry in flipped
    ]
