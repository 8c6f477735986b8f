"""The epochs of runs of backends.train, for a report."""

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from benchmarks.results.schema import Curve
from common.cli import UsageError
from common.training.run_folder import HISTORY, RECIPE


def read_curves(folders: Sequence[Path]) -> list[Curve]:
    """One curve a run's folder.

    Raises UsageError where there is no run, or none with an epoch.
    """
    return [_read(folder) for folder in folders]


def _read(folder: Path) -> Curve:
    history = folder / HISTORY
    try:
        recipe = json.loads((folder / RECIPE).read_text(encoding="utf-8"))
        epochs = json.loads(history.read_text(encoding="utf-8"))
        names = {"recipe": recipe["name"], "model": recipe["model"], "backend": recipe.get("backend")}
        curve = Curve.model_validate({"folder": folder.name, "epochs": epochs, **names})
    except OSError as error:
        raise UsageError(
            f"--curves {folder}: {error.filename} cannot be read ({error.strerror}); "
            f"name a folder that backends.train --output wrote"
        ) from None
    except (ValueError, TypeError, KeyError, ValidationError):
        raise UsageError(
            f"--curves {folder}: {HISTORY} or {RECIPE} is not what backends.train writes"
        ) from None
    if not curve.epochs:
        raise UsageError(f"--curves {folder}: {HISTORY} has no epoch yet; wait for the first")
    return curve
