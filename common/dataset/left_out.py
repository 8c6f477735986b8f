"""What a folder holds beside its labelled images: counted, and told once."""

import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePath

from common.dataset.split_names import OWN_FILES, is_image

EXAMPLES = 3  # names that stand for the others of their kind

logger = logging.getLogger(__name__)


class LeftOut:
    """Files and folders that are left out of a data set, by kind."""

    def __init__(self) -> None:
        self._names: dict[str, Counter[str]] = {}

    def add(self, kind: str, name: str) -> None:
        """Count one more of a kind."""
        self._names.setdefault(kind, Counter())[name] += 1

    def add_file(self, name: str, *, labelled: bool) -> None:
        """Count a file that is not taken: no image as its name shows, or one without a label."""
        if not is_image(name):
            if name not in OWN_FILES:
                self.add("files whose suffix is no image's", PurePath(name).suffix.lower() or name)
        elif not labelled:
            self.add("images in no class folder", name)

    def __str__(self) -> str:
        """All kinds with their counts: "2 hidden or system names (.git, ._0.jpg)"."""
        return "; ".join(
            f"{sum(names.values())} {kind} ({_examples(names)})" for kind, names in self._names.items()
        )

    def log(self, source: Path) -> None:
        """Warn of all of them in one line, if there are any."""
        if self._names:
            logger.warning("%s: left out: %s", source, self)


def _examples(names: Counter[str]) -> str:
    shown = [name if count == 1 else f"{count} {name}" for name, count in list(names.items())[:EXAMPLES]]
    return ", ".join(shown) + (", ..." if len(names) > EXAMPLES else "")


def named(names: Sequence[str]) -> str:
    """The first names of many, for messages, and how many more there are."""
    more = len(names) - EXAMPLES
    return ", ".join(names[:EXAMPLES]) + (f" and {more} more" if more > 0 else "")
