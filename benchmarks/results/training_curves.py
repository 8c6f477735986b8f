"""The epochs of runs of backends.train, for a report."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from benchmarks.results.schema import Curve
from common.cli import UsageError
from common.json_text import read_json
from common.training.run_folder import HISTORY, RECIPE


def read_curves(folders: Sequence[Path]) -> list[Curve]:
    """One curve a run's folder.

    Raises UsageError where there is no run, or none with an epoch.
    """
    return [_read(folder) for folder in folders]


def _read(folder: Path) -> Curve:
    history = folder / HISTORY
    try:
        recipe, epochs = read_json(folder / RECIPE), read_json(history)
        names = {"recipe": recipe["name"], "model": recipe["model"], "backend": recipe.get("backend")}
        curve = Curve.model_validate({"folder": folder.name, "epochs": epochs, **names})
    except UsageError as error:
        raise UsageError(
            f"--curves {folder}: {error}; name a folder that backends.train --output wrote"
        ) from None
    except (ValueError, TypeError, KeyError, ValidationError):
        raise UsageError(
            f"--curves {folder}: {HISTORY} or {RECIPE} is not what backends.train writes"
        ) from None
    if not curve.epochs:
        raise UsageError(f"--curves {folder}: {HISTORY} has no epoch yet; wait for the first")
    return curve
