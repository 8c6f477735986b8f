"""Formats in which other tools write lists: recognised by a line, and one line of them taken apart."""

import re
from pathlib import Path

from common.dataset.split_names import IMAGE_SUFFIXES, is_image

FORMATS = {
    "path-label": "'path label' with a space, tab or comma between, or with names as labels",
    "label-path": "'label path', the label first",
    "csv": "a table with a header",
}
# Names of a table's columns, in the order in which they are looked for.
PATH_COLUMNS = (
    "path",
    "image_path",
    "filepath",
    "file_path",
    "filename",
    "file_name",
    "file",
    "image",
    "img",
    "image_name",
    "image_id",
    "id",
)
LABEL_COLUMNS = ("label", "class", "class_name", "category", "target", "class_id", "label_id", "y")
SPLIT_COLUMNS = ("split", "subset", "set", "partition")

_SUFFIXES = "|".join(sorted(suffix[1:] for suffix in IMAGE_SUFFIXES))
_PATH_FIRST = re.compile(
    rf"\s*[\"']?(?P<path>.+?\.(?:{_SUFFIXES}))[\"']?\s*[\s,;]\s*[\"']?(?P<label>.+?)[\"']?\s*", re.IGNORECASE
)


def plain_column(name: str) -> str:
    """A column's name as it is looked for: Class ID, classId and class_id are one."""
    return re.sub(r"[\s_-]", "", name.strip(" \"'\ufeff").lower())


def likely_format(text: str) -> str | None:
    """The format of ``FORMATS`` that a line seems to be in, if any."""
    words = {plain_column(word) for word in re.split(r"[,;\t]", text)}
    if len(words) > 1 and words & set(map(plain_column, PATH_COLUMNS)):
        return "csv"
    if _PATH_FIRST.fullmatch(text):
        return "path-label"
    _, path = label_first(text)
    return "label-path" if is_image(path) else None


def path_first(text: str) -> tuple[str, str]:
    """(path, label) of a line with the path first; ("", "") of what is none."""
    match = _PATH_FIRST.fullmatch(text)
    if match:
        return match["path"], match["label"]
    # Without an image's suffix the last word is the label.
    words = text.rsplit("\t", 1) if "\t" in text else text.rsplit(None, 1)
    return (words[0], words[1].strip()) if len(words) == 2 else ("", "")


def label_first(text: str) -> tuple[str, str]:
    """(label, path) of a line with the label first; ("", "") of what is none."""
    words = text.split("\t", 1) if "\t" in text else re.split(r"\s*[\s,;]\s*", text.strip(), maxsplit=1)
    return (words[0].strip(" \"'"), words[1].strip(" \"'")) if len(words) == 2 else ("", "")


def remedy(text: str, *, path: Path) -> str:
    """How to convert a list with this line, which cannot be read, where its format can be seen; else ""."""
    form = likely_format(text)
    if form is None:
        return ""
    return (
        f"; if it is {FORMATS[form]}, write it as a list with: "
        f"python -m common.dataset index {path} --format {form} --output DIR"
    )
