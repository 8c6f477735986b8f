"""A small data set as published, and the server that holds it."""

import hashlib
import random
from dataclasses import replace
from types import MappingProxyType

from common.download import fetching
from common.download.catalogue import DATA_SETS
from common.download.fetching import NOTE
from tests.support.hostile_archives import tar_of

NAMES = [f"flower_photos/{name}/{number}.jpg" for name in ("daisy", "rose") for number in range(40)]
PHOTOS = {name: random.Random(name).randbytes(1000) for name in NAMES}
ARCHIVE = tar_of(*PHOTOS.items())


def published(monkeypatch, name, contents):
    """Let the data set's files be these, with their sizes and checksums."""
    files = [
        replace(file, size=len(content), checksum="sha256:" + hashlib.sha256(content).hexdigest())
        for file, content in zip(DATA_SETS[name].files, contents, strict=True)
    ]
    changed = {**DATA_SETS, name: replace(DATA_SETS[name], files=files)}
    monkeypatch.setattr(fetching, "DATA_SETS", MappingProxyType(changed))


def whole(folder):
    """Whether the data are there, all of them, and nothing else."""
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return found == {*PHOTOS, f"flower_photos/{NOTE}"}


def ranges(served):
    return [asked for asked, _ in served.requests]
