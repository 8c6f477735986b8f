"""Speed beside parity: figures of a suite of the same pairs, which benchmarks.suite has measured."""

from pathlib import Path

from benchmarks.results import result_file
from benchmarks.results.parity_schema import Speed, Variant
from benchmarks.results.schema import Comparison
from common.cli import UsageError

FILE = "result.json"


def require_suite(folder: Path) -> None:
    """Raise UsageError for a folder that no suite has written."""
    if not any(folder.glob(f"*/{FILE}")):
        raise UsageError(
            f"--speed {folder}: no suite's results lie there; measure them first: "
            f"python -m benchmarks.suite PAIRS --report {folder}"
        )


def with_speed(variant: Variant, folder: Path, versions: dict[str, object]) -> Variant:
    """The row with its pair's comparisons, or with the reason why there are none."""
    path = folder / variant.name / FILE
    if not path.is_file():
        return variant.model_copy(update={"speed_reason": f"{path}: not there"})
    try:
        report = result_file.read(path)
    except UsageError as error:
        return variant.model_copy(update={"speed_reason": str(error)})
    shapes = {tuple(row.input_shape) for row in report.results}
    if shapes - {variant.input_shape}:
        shape = "x".join(map(str, next(iter(shapes))))
        return variant.model_copy(update={"speed_reason": f"{path}: is of images {shape}"})
    if report.environment.get("backends") != versions:
        return variant.model_copy(update={"speed_reason": f"{path}: is of other versions of the frameworks"})
    rows = [_speed(row) for row in report.comparisons]
    reason = None if rows else f"{path}: has no comparison"
    return variant.model_copy(update={"speed": rows, "speed_reason": reason})


def _speed(row: Comparison) -> Speed:
    """A comparison's figures; none where the machine disturbed it."""
    if row.verdict == "invalid":
        return Speed(case=str(row.case), verdict=row.verdict)
    return Speed(
        case=str(row.case),
        verdict=row.verdict,
        ratio=row.ratio,
        ratio_ci95=row.ratio_ci95,
        torch_images_per_second=row.torch_images_per_second,
        paddle_images_per_second=row.paddle_images_per_second,
    )
