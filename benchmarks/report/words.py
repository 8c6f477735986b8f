"""Cells of a comparison, as tables and pages have them alike."""

from benchmarks.results.formatting import UNUSABLE, half_width, interval, number
from benchmarks.results.schema import Comparison
from common.language import ENGLISH, Language


def ratio_cells(row: Comparison, say: Language = ENGLISH) -> list[str]:
    """Ratio, interval of the true ratio, interval of a repetition; dashes where the row is invalid."""
    if row.verdict == "invalid":
        return ["-", "-", "-"]
    wide = row.ratio_ci95 is not None and half_width(row.ratio_ci95) > 1
    ratio = say(UNUSABLE) if wide else number(row.ratio)
    return [ratio, interval(row.ratio_ci95, say), interval(row.repetition_ci95, say)]


def speed_cells(row: Comparison) -> list[str]:
    """Images a second of torch and paddle; dashes where the row is invalid."""
    if row.verdict == "invalid":
        return ["-", "-"]
    return [number(row.torch_images_per_second), number(row.paddle_images_per_second)]


def verdict_words(row: Comparison, say: Language = ENGLISH) -> str:
    """The verdict; of equal sides, within what."""
    if row.verdict == "equal" and row.margin is not None:
        return say("equal within ±{margin} %", margin=f"{row.margin:g}")
    return say(row.verdict)
