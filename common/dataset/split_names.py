"""Names of files and folders: which split they mean, and which are nobody's data."""

import re
from pathlib import PurePath

WHOLE = "all"  # the split that a source has which is not divided
SPLITS = {
    "train": "train",
    "training": "train",
    "valid": "valid",
    "val": "valid",
    "validation": "valid",
    "dev": "valid",
    "test": "test",
    "testing": "test",
}
CLASSES = "classes.json"  # beside a list: {"0": name, "1": name, ...}
OWN_FILES = frozenset({*(f"{name}.txt" for name in ("train", "valid", "test", WHOLE)), CLASSES})
# What systems, archivers and editors leave in folders, beside all that begins with a dot.
SYSTEM = frozenset(
    name.lower()
    for name in (
        "__MACOSX",
        "__pycache__",
        "@eaDir",
        "@Recycle",
        "@__thumb",
        "@tmp",
        "_vti_cnf",
        "#recycle",
        "#snapshot",
        "$RECYCLE.BIN",
        "System Volume Information",
        "lost+found",
        "Thumbs.db",
        "desktop.ini",
    )
)
IMAGE_SUFFIXES = frozenset(
    f".{suffix}"
    for suffix in (
        "apng",
        "avif",
        "bmp",
        "gif",
        "jfif",
        "jpe",
        "jpeg",
        "jpg",
        "pbm",
        "pgm",
        "png",
        "ppm",
        "tif",
        "tiff",
        "webp",
    )
)


def split_named(name: str) -> str | None:
    """The split that a folder or a list without its suffix is named after: Train, validation, dev, ..."""
    return SPLITS.get(name.lower())


def split_meant(name: str) -> str | None:
    """The split that a name speaks of, by one of its words: train_images, seg_test, trainA, testB."""
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)
    return next((split for word in words if (split := split_named(word))), None)


def is_hidden(name: str) -> bool:
    """True for hidden names and those of systems and archivers: .git, ._0.jpg, __MACOSX, @eaDir."""
    return name.startswith(".") or name.lower() in SYSTEM


def is_image(name: str) -> bool:
    """True if a file's name ends as an image's."""
    return PurePath(name).suffix.lower() in IMAGE_SUFFIXES


def is_text(name: str) -> bool:
    """False where a name holds bytes that are no UTF-8, such as GBK's."""
    return not any("\udc80" <= letter <= "\udcff" for letter in name)
