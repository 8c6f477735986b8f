"""A JSON list written one object at a time, so that it need not fit into memory."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from common.files import writing_text


@contextmanager
def writing_rows(path: Path | None) -> Iterator[Callable[[Any], None]]:
    """Give a function that adds a value to the list in ``path``, which is whole or absent; None: no file."""
    if path is None:
        yield lambda _: None
        return
    with writing_text(path) as file:
        before = "[\n"

        def add(value: Any) -> None:
            nonlocal before
            text = json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False).replace("\n", "\n  ")
            file.write(f"{before}  {text}")
            before = ",\n"

        yield add
        file.write("[]\n" if before == "[\n" else "\n]\n")
