"""What PaConvert leaves wrong, mended where it is certain, and listed where it is not."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from backends.porting.signatures import Signature
from common.operations.table import differences_of, stand_in_of

# Positions that mean the same in torch and in paddle, of layers whose names differ by their letters' case,
# and keywords that do not: a test holds both against the atlas.
SAME_POSITIONS = {"MaxPool": 3, "AvgPool": 2, "AdaptiveAvgPool": 1, "AdaptiveMaxPool": 1, "Dropout": 1}
OTHERWISE = {"AvgPool": {"padding"}}
HARMLESS = ("inplace",)  # keywords that change no number of a result
NAME = "name"  # paddle's last parameter nearly everywhere: a torch argument there is one that paddle has not


@dataclass(frozen=True, kw_only=True)
class Remark:
    """Something in the twin: where, what, and whether it was mended."""

    line: int
    text: str
    is_mended: bool


def called(text: str) -> set[str]:
    """Dotted names of paddle's that a source calls."""
    return {name for call in _calls(ast.parse(text)) if (name := _dotted(call.func)).startswith("paddle.")}


def mend(text: str, known: Mapping[str, Signature]) -> tuple[str, list[Remark]]:
    """The source with what is certain mended, and remarks on that and on what is not.

    ``known`` has the signatures of what the source calls, and of the likely names of what does not exist.
    """
    mender = Mender(text, known)
    for call in _calls(mender.tree):
        mender.look_at(call)
    return mender.mended(), sorted(mender.remarks, key=lambda remark: remark.line)


class Mender:
    """Collects edits of one source; they are made at the end, the last first."""

    def __init__(self, text: str, known: Mapping[str, Signature]) -> None:
        self.tree, self.remarks = ast.parse(text), list[Remark]()
        self._text, self._known = text.encode(), known
        self._begins = [0]  # of each line, in bytes of UTF-8, which ast counts in
        for line in self._text.splitlines(keepends=True):
            self._begins.append(self._begins[-1] + len(line))
        self._edits: list[tuple[int, int, bytes]] = []
        # Calls whose result nobody takes: they are there for what they do in place.
        self._unused = {id(node.value) for node in ast.walk(self.tree) if isinstance(node, ast.Expr)}

    def look_at(self, call: ast.Call) -> None:
        """Mend one call of paddle's, or remark on it."""
        name = _dotted(call.func)
        signature = self._known.get(name)
        if signature is not None and not signature.exists:
            signature = self._renamed(call, name, signature.likely)
        if signature is None:
            return
        for argument, text, is_harmless in _refused(call, signature):
            is_certain = is_harmless and id(call) not in self._unused
            if is_certain:
                self._remove(argument)
            self._remark(call, f"{name}: {text}", is_mended=is_certain)

    def mended(self) -> str:
        """The source with all edits."""
        text = self._text
        for start, end, words in sorted(self._edits, reverse=True):
            text = text[:start] + words + text[end:]
        return text.decode()

    def _renamed(self, call: ast.Call, name: str, likely: str | None) -> Signature | None:
        """Give a callable its name in paddle, if its arguments mean the same there; returns its signature."""
        if likely is None:
            instead = stand_in_of(name)
            hint = f"; the atlas has {instead} for it" if instead else ""
            self._remark(call, f"paddle has no {name}{hint}", is_mended=False)
            return None
        is_certain = _means_the_same(call, likely.rpartition(".")[2])
        hints = [] if is_certain else differences_of(name.rpartition(".")[2])
        self._remark(call, "; ".join([f"paddle has no {name}, but {likely}", *hints]), is_mended=is_certain)
        if not is_certain:
            return None
        self._edits.append((*self._span(call.func), likely.encode()))
        return self._known.get(likely)

    def _remove(self, argument: ast.expr | ast.keyword) -> None:
        """Take an argument out of its call, with the comma beside it."""
        start, end = self._span(argument)
        behind = self._text[end:]
        if behind.lstrip().startswith(b","):  # others follow, or a comma ends the list
            behind = behind.lstrip()[1:].lstrip()
            end = len(self._text) - len(behind)
        elif self._text[:start].rstrip().endswith(b","):
            start = len(self._text[:start].rstrip()) - 1
        self._edits.append((start, end, b""))

    def _remark(self, call: ast.Call, text: str, *, is_mended: bool) -> None:
        self.remarks.append(Remark(line=call.lineno, text=text, is_mended=is_mended))

    def _span(self, node: ast.expr | ast.keyword) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        start = self._begins[node.lineno - 1] + node.col_offset
        return start, self._begins[node.end_lineno - 1] + node.end_col_offset


def _means_the_same(call: ast.Call, word: str) -> bool:
    """True if a layer of paddle's of this name is given nothing that torch's takes otherwise."""
    kind = next((kind for kind in SAME_POSITIONS if word.startswith(kind)), "")
    is_plain = not any(isinstance(one, ast.Starred) for one in call.args)
    keywords = {keyword.arg for keyword in call.keywords}
    return (
        is_plain
        and len(call.args) <= SAME_POSITIONS.get(kind, 0)
        and not keywords & OTHERWISE.get(kind, set())
    )


def _refused(call: ast.Call, signature: Signature) -> Iterator[tuple[ast.expr | ast.keyword, str, bool]]:
    """Arguments that cannot stay, why, and whether a result is the same without.

    What works in place never stays: most callables of paddle refuse the word, and where one knows it the
    gradient of what was overwritten is an error.
    """
    parameters = signature.parameters or ()
    for keyword in call.keywords:
        if keyword.arg in HARMLESS:
            yield keyword, f"{keyword.arg} is refused, or breaks the gradient", True
        elif keyword.arg is not None and keyword.arg not in parameters and not signature.is_open:
            yield keyword, f"takes no {keyword.arg!r}", False
    if any(isinstance(argument, ast.Starred) for argument in call.args) or signature.parameters is None:
        return
    for place, argument in enumerate(call.args):
        is_flag = isinstance(argument, ast.Constant) and isinstance(argument.value, bool)
        if place >= len(parameters):
            if not signature.is_open:
                yield argument, f"takes no argument number {place + 1}", False
        elif parameters[place] == NAME and is_flag:
            text = f"argument number {place + 1} is a name, in torch it says to work in place"
            yield argument, text, place == len(call.args) - 1


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _dotted(node: ast.expr) -> str:
    """The dotted name of an expression; empty for any other one."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        owner = _dotted(node.value)
        return f"{owner}.{node.attr}" if owner else ""
    return ""


def renamed_package(text: str, old: str, new: str) -> str:
    """The source with absolute imports of a package turned to another name of it."""
    lines = text.splitlines(keepends=True)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Import, ast.ImportFrom)) and old in _packages(node) and not _is_bare(node):
            for place in range(node.lineno - 1, node.end_lineno or node.lineno):
                lines[place] = _replaced_word(lines[place], old, new)
    return "".join(lines)


def bare_imports(text: str, old: str) -> list[Remark]:
    """Imports of a package under its own name, which the code behind them uses, too: left as they are."""
    return [
        Remark(line=node.lineno, text=f"imports {old} itself: write from {old}... import", is_mended=False)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import) and old in _packages(node) and _is_bare(node)
    ]


def _is_bare(node: ast.Import | ast.ImportFrom) -> bool:
    """True for "import package.part", and for several modules in one line: none with a name of its own."""
    return isinstance(node, ast.Import) and not (len(node.names) == 1 and node.names[0].asname)


def _packages(node: ast.Import | ast.ImportFrom) -> set[str]:
    """The packages that an import names, none of which is relative."""
    if isinstance(node, ast.ImportFrom):
        return set() if node.level else {(node.module or "").partition(".")[0]}
    return {alias.name.partition(".")[0] for alias in node.names}


def _replaced_word(line: str, old: str, new: str) -> str:
    """The first module name ``old`` behind "import" or "from" replaced."""
    for word in ("from ", "import "):
        before, found, behind = line.partition(word)
        if found and behind.lstrip().partition(".")[0].partition(" ")[0].strip() == old:
            return before + found + behind.replace(old, new, 1)
    return line
