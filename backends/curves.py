"""Learning curves as a picture."""

import logging
from collections.abc import Sequence
from pathlib import Path

from common.history import Row
from common.run_folder import CURVES

logger = logging.getLogger(__name__)
_warned = False


def draw(folder: Path, rows: Sequence[Row]) -> None:
    """Write curves.png; where it cannot be drawn, training goes on with one warning."""
    global _warned  # noqa: PLW0603 (one warning is enough)
    try:
        from common.plots import draw_curves
    except ImportError as error:
        if not _warned:
            logger.warning("%s is not drawn: %s", CURVES, error)
            _warned = True
        return
    draw_curves({"": rows}, folder / CURVES)
