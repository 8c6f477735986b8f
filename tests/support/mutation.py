"""Source code with one statement deleted: the planted fault for "this line is needed"."""

import ast
from types import ModuleType

from tests.support.paths import ROOT


def without_each(path, statement):
    """Yield (line, module) for each occurrence of a statement in a file, with just that one deleted."""
    text = path.read_text()
    places = [node.lineno for node in ast.walk(ast.parse(text)) if _is(node, statement)]
    for line in places:
        yield line, _load(path, ast.fix_missing_locations(_Deleting(statement, line).visit(ast.parse(text))))


def _is(node, statement):
    return isinstance(node, ast.Expr) and ast.unparse(node) == statement


class _Deleting(ast.NodeTransformer):
    def __init__(self, statement, line):
        self.statement, self.line = statement, line

    def visit_Expr(self, node):
        deleted = _is(node, self.statement) and node.lineno == self.line
        return ast.copy_location(ast.Pass(), node) if deleted else node


def _load(path, tree):
    module = ModuleType(f"mutated_{path.stem}")
    module.__package__ = ".".join(path.parent.relative_to(ROOT).parts)  # for its relative imports
    exec(compile(tree, str(path), "exec"), module.__dict__)
    return module
