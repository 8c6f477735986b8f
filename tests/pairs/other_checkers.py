"""The pairs of our tests, given to other checkers: PaDiff, and a plain allclose of float32 logits.

    pip install --no-deps --target OTHER padiff==0.2.0 pyyaml
    PYTHONPATH=OTHER python -m tests.pairs.other_checkers

PaDiff is no dependency: it is imported from wherever it was put. Both frameworks run in this process, as it
wants them to. What our own checker says of the same pairs is asserted by
tests/benchmarks/parity/test_pairs.py.
"""

import contextlib
import importlib
import inspect
import io
import os
import signal
import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from tabulate import tabulate

from common import cli
from common.cli import UnavailableError
from tests.pairs import catalogue, faults, innocents, parts

PROGRAM = "tests.pairs.other_checkers"
CHECKERS = ("padiff", "padiff strict", "allclose")
OUTCOMES = CAUGHT, PASSED, ERROR = "caught", "passed", "error"
SECONDS = 60  # after which a checker that hangs counts as an error
UNLIKE = ("cannot-compare", "parameters")  # stages in which a pair's parameters do not fit
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "padiff": {"atol": 1e-4, "compare_mode": "mean"},
    "padiff strict": {"atol": 1e-4, "compare_mode": "strict"},
}


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit code."""
    parser = cli.Parser(prog=PROGRAM, description="Give the pairs of our tests to other checkers.")
    parser.add_argument("--verbose", action="store_true", help="tell of every pair")
    options = parser.parse_args(arguments)
    try:
        importlib.import_module("padiff")
    except ImportError as error:
        raise UnavailableError(
            f"padiff cannot be imported ({error}); name in PYTHONPATH the folder that it was put into with "
            f"pip install --no-deps --target OTHER padiff==0.2.0 pyyaml"
        ) from None
    found = {
        name: {checker: _check(checker, name, pair) for checker in CHECKERS}
        for name, pair in faults.PAIRS.items()
    }
    cleared = {
        name: {checker: _check(checker, name, pair) for checker in CHECKERS}
        for name, pair in innocents.PAIRS.items()
    }
    if options.verbose:
        rows = [
            [name, *(outcome[checker] for checker in CHECKERS)] for name, outcome in (found | cleared).items()
        ]
        print(tabulate(rows, headers=("pair", *CHECKERS)))
    print(tabulate(_summary(found, cleared), headers=("checker", "faults caught", "false alarms", "errors")))
    return cli.DONE


def _summary(found: Mapping[str, Any], cleared: Mapping[str, Any]) -> list[list[str]]:
    """An error in the checker is no finding, unless the pair cannot be compared and that is the finding."""
    rows = []
    for checker in CHECKERS:
        caught = sum(outcome[checker] == CAUGHT for outcome in found.values())
        alarms = sum(outcome[checker] == CAUGHT for outcome in cleared.values())
        errors = sum(outcome[checker] == ERROR for outcome in (*found.values(), *cleared.values()))
        rows.append([checker, f"{caught} of {len(found)}", f"{alarms} of {len(cleared)}", str(errors)])
    return rows


def _check(checker: str, name: str, pair: Any) -> str:
    """What a checker says of a pair, in a process of its own: PaDiff remembers what it saw before."""
    child = os.fork()
    if child == 0:
        signal.alarm(SECONDS)
        os._exit(OUTCOMES.index(_outcome(checker, name, pair)))
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return OUTCOMES[code] if 0 <= code < len(OUTCOMES) else ERROR


def _outcome(checker: str, name: str, pair: Any) -> str:
    """A refusal, as for layers that do not fit, is right where the parameters are unlike."""
    run = _allclose if checker == "allclose" else _padiff(SETTINGS[checker])
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()), _elsewhere():
        try:
            return PASSED if run(name, pair) else CAUGHT
        except Exception:  # whatever happens inside another checker
            return CAUGHT if pair.stage in UNLIKE else ERROR


def _padiff(settings: Mapping[str, Any]) -> Callable[[str, Any], bool]:
    def run(name: str, pair: Any) -> bool:
        ours, theirs, images, labels = _models(name)
        torch, paddle = (importlib.import_module(framework) for framework in ("torch", "paddle"))
        ours, theirs = _wrapped(torch.nn.Module, ours), _wrapped(paddle.nn.Layer, theirs)
        ours.eval()  # else each side draws dropout masks of its own
        theirs.eval()
        losses = [_loss(side, name, pair, labels) for side in ("paddle", "torch")]
        optimizers = None
        if "optimizer" in pair.own:
            made = [_part(side, name)(model) for side, model in (("paddle", theirs), ("torch", ours))]
            optimizers = tuple(own[0] if isinstance(own, tuple) else own for own in made)
        return bool(
            importlib.import_module("padiff").auto_diff(
                theirs,
                ours,
                ({_argument(theirs): paddle.to_tensor(images)}, {_argument(ours): torch.tensor(images)}),
                auto_weights=True,
                options=dict(settings),
                loss_fn=losses,
                optimizer=optimizers,
                steps=2 if optimizers else 1,
            )
        )

    return run


def _wrapped(base: Any, model: Any) -> Any:
    """The model inside another: PaDiff fails on one that is a bare Sequential."""

    class Whole(base):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.inner = model

        def forward(self, x: Any) -> Any:
            return self.inner(x)

    return Whole()


def _allclose(name: str, pair: Any) -> bool:
    """Float32 logits after copying weights by order, with tolerances of 1e-5 as people take them."""
    ours, theirs, images, _ = _models(name)
    torch, paddle = (importlib.import_module(framework) for framework in ("torch", "paddle"))
    _copy_weights(ours, theirs)
    ours.eval()
    theirs.eval()
    with torch.no_grad():
        left = ours(torch.tensor(images)).numpy()
    right = theirs(paddle.to_tensor(images)).numpy()
    return bool(np.allclose(left, right, rtol=1e-5, atol=1e-5))


def _copy_weights(ours: Any, theirs: Any) -> None:
    paddle = importlib.import_module("paddle")
    linear = {
        id(layer.weight)
        for layer in theirs.sublayers(include_self=True)
        if isinstance(layer, paddle.nn.Linear)
    }
    arrays = [parameter.detach().numpy() for parameter in ours.parameters()]
    trained = [parameter for parameter in theirs.parameters() if not _is_statistic(theirs, parameter)]
    for array, parameter in zip(arrays, trained, strict=True):
        parameter.set_value(np.ascontiguousarray(array.T) if id(parameter) in linear else array)


def _is_statistic(model: Any, parameter: Any) -> bool:
    names = [name for name, own in model.named_parameters() if own is parameter]
    return bool(names[0].endswith(("_mean", "_variance")))


def _models(name: str) -> tuple[Any, Any, np.ndarray, np.ndarray]:
    importlib.import_module("torch").manual_seed(0)
    rng = np.random.default_rng(0)
    images = rng.standard_normal((4, 3, 12, 12), dtype=np.float32)
    ours, theirs = (getattr(getattr(catalogue, side), name)() for side in ("torch", "paddle"))
    return ours, theirs, images, rng.integers(5, size=4)


def _loss(side: str, name: str, pair: Any, labels: np.ndarray) -> Callable[[Any], Any]:
    framework = importlib.import_module(side)
    numbers = (framework.tensor if side == "torch" else framework.to_tensor)(labels)
    own = _part(side, name) if "loss" in pair.own else framework.nn.functional.cross_entropy
    return lambda logits: own(logits, numbers)


def _part(side: str, name: str) -> Any:
    return getattr(getattr(parts, side), name)


def _argument(model: Any) -> str:
    """What the model calls its images: PaDiff passes them by name."""
    return next(name for name in inspect.signature(type(model).forward).parameters if name != "self")


@contextlib.contextmanager
def _elsewhere() -> Any:
    """In a folder that disappears: PaDiff leaves its logs where it runs."""
    before = os.getcwd()  # noqa: PTH109
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)


if __name__ == "__main__":
    cli.run(main, program=PROGRAM)
