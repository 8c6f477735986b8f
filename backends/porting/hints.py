"""What the atlas knows of the operations that a torch source calls."""

import ast
from collections.abc import Iterable

from common.operations.table import differences_of


def hint_lines(texts: Iterable[str]) -> list[str]:
    """A heading and a line for each operation that differs in some configuration; nothing where none does."""
    lines: dict[str, str] = {}
    for name in dict.fromkeys(word for text in texts for word in _called(text)):
        for sentence in differences_of(name):
            lines.setdefault(sentence, f"  {name}: {sentence}")  # a layer and its function have one sentence
    heading = "Of its operations the atlas knows to differ, in some configurations:"
    return [heading, *lines.values()] if lines else []


def _called(text: str) -> list[str]:
    """Last words of what is called, in the order of the text."""
    calls = (node.func for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))
    words = (func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "") for func in calls)
    return [word for word in dict.fromkeys(words) if word]
