"""Learning curves as a picture."""

import logging
import math
import time
from collections.abc import Sequence

from common.training.run_folder import CURVES, Row, RunFolder

DRAW_SECONDS = 30  # drawing takes half a second: not after each of many short epochs
logger = logging.getLogger(__name__)


class Curves:
    """Keeps curves.png up to date while a run goes on."""

    def __init__(self, folder: RunFolder) -> None:
        self._path, self._drawn, self._possible = folder.path / CURVES, -math.inf, folder.writes

    def follow(self, rows: Sequence[Row]) -> None:
        """Draw, unless that was done a moment ago."""
        if time.monotonic() - self._drawn >= DRAW_SECONDS:
            self.draw(rows)

    def draw(self, rows: Sequence[Row]) -> None:
        """Draw now; where it cannot be done, training goes on with one warning."""
        if not self._possible:
            return
        try:
            from common.plots import draw_curves
        except ImportError as error:
            logger.warning("%s is not drawn: %s", CURVES, error)
            self._possible = False
            return
        draw_curves({"": rows}, self._path)
        self._drawn = time.monotonic()
