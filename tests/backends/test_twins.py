"""The twins are equal: files, public names, signatures, defaults, and most of their lines.

Compared from their source text, so that this runs where neither framework is installed.
"""

import ast
import difflib
import inspect
import io
import re
import tokenize

import pytest

from backends import Backend
from tests.support.paths import ROOT
from tests.support.vocabulary import PADDLE_TO_TORCH

FOLDER = ROOT / "backends"
FILES = sorted(path.name for path in (FOLDER / "torch").glob("*.py"))
MODELS = ("alexnet.py", "lenet5.py")
SHARED_LINES = 0.70
SHARED_LINES_OF_MODELS = 0.95


def source(twin, name):
    return (FOLDER / twin / name).read_text()


def translated(text):
    return re.sub(r"\w+", lambda word: PADDLE_TO_TORCH.get(word[0], word[0]), text)


def code_lines(text):
    """Lines of code: no comments, no docstrings, no blank lines."""
    tree = ast.parse(text)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docstrings = set()
    for node in ast.walk(tree):
        if isinstance(node, documented) and ast.get_docstring(node) is not None:
            docstrings |= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    comments = {token.start[0]: token.start[1] for token in tokens if token.type == tokenize.COMMENT}
    numbered = enumerate(text.splitlines(), start=1)
    lines = [line[: comments.get(number)].strip() for number, line in numbered if number not in docstrings]
    return [line for line in lines if line]


def shared_ratio(torch_text, paddle_text):
    ours, theirs = code_lines(torch_text), code_lines(translated(paddle_text))
    return difflib.SequenceMatcher(None, ours, theirs, autojunk=False).ratio()


def signatures(text):
    """Every public function and class with its arguments and defaults, in order."""
    found = []
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef):
            methods = [child for child in node.body if getattr(child, "name", None) == "__init__"]
            found.append((node.name, [ast.unparse(child.args) for child in methods]))
        elif isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            found.append((node.name, ast.unparse(node.args)))
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).isupper():
            found.append((ast.unparse(node.targets[0]), None))
    return found


def test_the_vocabulary_stays_small():
    assert len(PADDLE_TO_TORCH) <= 25


def test_twins_have_the_same_files():
    assert sorted(path.name for path in (FOLDER / "paddle").glob("*.py")) == FILES


@pytest.mark.parametrize("name", FILES)
def test_twins_share_their_lines(name):
    least = SHARED_LINES_OF_MODELS if name in MODELS else SHARED_LINES
    assert shared_ratio(source("torch", name), source("paddle", name)) >= least


@pytest.mark.parametrize("name", [name for name in FILES if name != "settings.py"])
def test_twins_have_the_same_signatures(name):
    assert signatures(source("torch", name)) == signatures(translated(source("paddle", name)))


def test_twins_of_settings_have_the_same_public_functions():
    """Their constants differ: each framework has its own switches."""

    def functions(text):
        return [(name, arguments) for name, arguments in signatures(text) if isinstance(arguments, str)]

    ours, theirs = (source(twin, "settings.py") for twin in ("torch", "paddle"))
    assert functions(ours) == functions(translated(theirs))


@pytest.mark.parametrize(
    ("change", "by"),
    [
        ("def update(optimizer):", "def step(optimizer):"),
        ("beta2=0.999", "beta2=0.99"),
        ("def backward(loss, *, scale=1.0):", "def backward(loss, scale=1.0):"),
        ("def compute_loss(model, images, labels, *, label", "def compute_loss(model, images, labels, label"),
    ],
)
def test_a_changed_name_default_or_argument_is_seen(change, by):
    text = source("torch", "optimizers.py") + source("torch", "training.py")
    assert change in text
    assert signatures(text) != signatures(text.replace(change, by))


def test_lost_lines_are_seen_and_comments_are_not():
    text = source("torch", "alexnet.py")
    assert shared_ratio(text, text.replace("# (batch, 96, 27, 27)", "# another remark")) == 1
    without_relu = "\n".join(line for line in text.splitlines() if "nn.ReLU" not in line)
    assert shared_ratio(text, without_relu) < SHARED_LINES_OF_MODELS


@pytest.mark.parametrize("twin", ["torch", "paddle"])
def test_the_headings_of_the_contract_are_the_files_of_the_twins(twin):
    """What stands under a heading is defined in the file of that name; models and the face have none."""
    headings = re.split(r"^    # (\w+) -+$", (FOLDER / "contract.py").read_text(), flags=re.MULTILINE)[1:]
    promised = dict(zip(headings[::2], headings[1::2], strict=True))
    assert sorted(f"{heading.lower()}.py" for heading in promised) == sorted(
        {*FILES} - {*MODELS, "__init__.py"}
    )
    for heading, text in promised.items():
        names = re.findall(r"^    def (\w+)", text, flags=re.MULTILINE)
        defined = [name for name, _ in signatures(source(twin, f"{heading.lower()}.py"))]
        assert set(names) <= set(defined), heading


@pytest.mark.parametrize("twin", ["torch", "paddle"])
def test_twins_fulfil_the_contract(twin):
    """Every function of the Protocol, with its argument names, kinds and defaults."""
    definitions = {
        node.name: node.args
        for name in FILES
        for node in ast.parse(source(twin, name)).body
        if isinstance(node, ast.FunctionDef)
    }
    exported = ast.literal_eval(
        next(
            node.value
            for node in ast.parse(source(twin, "__init__.py")).body
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        )
    )
    contract = {name: value for name, value in vars(Backend).items() if inspect.isfunction(value)}
    contract = {name: value for name, value in contract.items() if not name.startswith("_")}
    assert sorted(exported) == sorted(contract)
    for name, function in contract.items():
        parameters = list(inspect.signature(function).parameters.values())[1:]
        bare = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in parameters]
        assert str(inspect.Signature(bare)) == as_signature(definitions[name]), name


def as_signature(arguments):
    namespace = {}
    exec(f"def function({ast.unparse(arguments)}): pass", namespace)
    return str(inspect.signature(namespace["function"]))
