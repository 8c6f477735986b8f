"""Spellings as syntax: which names of a framework an expression uses, and which operation it is."""

import ast
from collections.abc import Container, Iterator

# Names of the two namespaces that are modules of a framework, with what they stand for.
MODULES = {
    "torch": {
        "torch": "torch",
        "nn": "torch.nn",
        "F": "torch.nn.functional",
        "optim": "torch.optim",
        "schedules": "torch.optim.lr_scheduler",
        "init": "torch.nn.init",
        "vision": "torchvision",
        "T": "torchvision.transforms",
        "TF": "torchvision.transforms.functional",
    },
    "paddle": {
        "paddle": "paddle",
        "nn": "paddle.nn",
        "F": "paddle.nn.functional",
        "optim": "paddle.optimizer",
        "schedules": "paddle.optimizer.lr",
        "init": "paddle.nn.initializer",
        "vision": "paddle.vision",
        "T": "paddle.vision.transforms",
        "TF": "paddle.vision.transforms",
    },
}
ROOTS = {*MODULES["torch"], *MODULES["paddle"]}


def names_in(spelling: str, inputs: Container[str]) -> list[str]:
    """Dotted names of what a spelling calls, outermost first: "F.relu", "Tensor.sum"."""
    found = (name for name in map(_dotted, _calls(spelling)) if name)
    return [name for name in (_known(name, inputs) for name in found) if name]


def operation_of(spelling: str, inputs: Container[str]) -> str:
    """The last word of the operation that a spelling is about: "relu" of "F.relu(x)", "pow" of "x ** 2"."""
    names = names_in(spelling, inputs)
    return names[0].rpartition(".")[2] if names else "operator"


def full_name(name: str, backend: str) -> str:
    """A dotted name as the framework's documentation has it."""
    root, dot, rest = name.partition(".")
    return f"{MODULES[backend].get(root, root)}{dot}{rest}"


def _calls(spelling: str) -> Iterator[ast.expr]:
    """What is called, breadth first."""
    for node in ast.walk(ast.parse(spelling, mode="eval")):
        if isinstance(node, ast.Call):
            yield node.func


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        inner = _dotted(node.value)
        return f"{inner}.{node.attr}" if inner else f".{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _known(name: str, inputs: Container[str]) -> str:
    """The name if it is a framework's; a method of an input is Tensor's, one of a call's result is not looked up."""
    root, _, rest = name.partition(".")
    if root in ROOTS and rest:
        return name
    return f"Tensor.{rest}" if rest and "." not in rest and root in inputs else ""
