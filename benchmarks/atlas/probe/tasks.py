"""Tasks of an atlas' worker: open a case, compute it in its variants, time it."""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from benchmarks.atlas.probe.evaluation import Evaluator, Given, MissingError
from benchmarks.atlas.probe.timing import CaseTimer
from benchmarks.atlas.probe.words import Words
from benchmarks.parity.tensors.known_roundings import HYPER_PARAMETERS
from benchmarks.parity.tensors.tensor_folder import TensorFolder

MESSAGE = 300  # characters of a framework's error that are kept


class AtlasTasks:
    """Every public method is a task; what is not timed is a step of ``atlas``."""

    def __init__(self, name: str, backend: Any) -> None:
        self.backend = backend
        self.words = _words(name)
        self.evaluator = Evaluator(self.words, backend)
        self.timer = CaseTimer(self.evaluator)
        self.backend.find_device("cpu")

    def versions(self) -> dict[str, Any]:
        """Versions of the framework and of what it computes with."""
        return {**self.backend.versions(), "numpy": np.__version__}

    def atlas(self, step: str, **arguments: Any) -> Any:
        """One of the steps below."""
        steps: dict[str, Callable[..., Any]] = {
            "open": self._open,
            "compute": self._compute,
            "constants": self._constants,
        }
        return steps[step](**arguments)

    def prepare(self, **arguments: Any) -> list[str]:
        """Have a case ready to be timed; see CaseTimer."""
        return self.timer.prepare(**arguments)

    def measure(self, **arguments: Any) -> dict[str, Any]:
        """Time what is prepared; see CaseTimer."""
        return self.timer.measure(**arguments)

    def _open(self, spelling: str, inputs: Mapping[str, str]) -> dict[str, Any]:
        """Status of a spelling, what a layer consists of, and the operation's defaults."""
        try:
            self.evaluator.require_names(spelling, inputs)
        except MissingError as error:
            return {"status": "missing", "reason": str(error)}
        facts: dict[str, Any] = {"status": "ok", "defaults": self.evaluator.defaults(spelling, inputs)}
        try:
            layer = self.evaluator.layer(spelling, Given(inputs=inputs))
        except Exception as error:
            return facts | {"status": "error", "reason": _message(error)}
        return facts | {"described": self.backend.describe(layer) if layer is not None else None}

    def _compute(
        self,
        *,
        spelling: str,
        given: Mapping[str, Any],
        target: str,
        weights: str,
        training: bool = False,
        backward: bool = True,
        rounding: Sequence[str] | None = None,
        constant: Mapping[str, Any] | None = None,
        rule: bool = False,
    ) -> dict[str, Any]:
        """Write every result into ``target``; returns the status and the results' names and dtypes.

        ``rounding`` and ``constant`` are roundings of paddle's that torch takes over, ``rule`` is paddle's
        rule of an optimizer: on torch's side.
        """
        folder, noted = TensorFolder(target), dict[str, None]()
        drawn = {name: np.array(TensorFolder(weights).load(name)) for name in TensorFolder(weights)}
        parts = {
            kind: {n.partition(" ")[2]: a for n, a in drawn.items() if n.startswith(kind)}
            for kind in ("weights", "buffers")
        }
        try:
            with self._altered(rounding, constant, noted, rule=rule):
                results = self.evaluator.results(
                    spelling, Given(**given), training=training, backward=backward, **parts
                )
        except MissingError as error:
            return {"status": "missing", "reason": str(error)}
        except Exception as error:
            return {"status": "error", "reason": _message(error)}
        finally:
            self.words.set_dtype("float32")
        folder.fill(results.items())
        dtypes = {name: str(array.dtype) for name, array in results.items()}
        return {"status": "ok", "dtypes": dtypes, "noted": list(noted)}

    def _altered(
        self,
        rounding: Sequence[str] | None,
        constant: Mapping[str, Any] | None,
        noted: dict[str, None],
        *,
        rule: bool,
    ) -> AbstractContextManager[Any]:
        """Torch with paddle's roundings; what it notes is in ``noted``."""
        self.words.optimizer_mode = {"rounding": HYPER_PARAMETERS in (rounding or ()), "rule": rule}
        if rounding is None and constant is None:
            return nullcontext()
        from benchmarks.parity.probe.constants import ConstantsSeen
        from benchmarks.parity.probe.rounded import rounded

        self._seen = ConstantsSeen(constant)
        return rounded(rounding or (), noted=noted, given=self._seen)

    def _constants(self) -> list[dict[str, Any]]:
        """Numbers that functions were given in the last altered computation and that float32 has not."""
        found = self._seen.found.items()
        return [{"place": place, "value": value, "function": name} for (place, value), name in found]


def _words(name: str) -> Words:
    if name == "torch":
        from benchmarks.atlas.probe.torch_words import TorchWords

        return TorchWords()
    from benchmarks.atlas.probe.paddle_words import PaddleWords

    return PaddleWords()


def _message(error: Exception) -> str:
    """The kind of an error, and the line of its text that says most: a framework's may be pages."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if re.match(r"\(\w+\) |\w*Error: ", line)]
    text = " ".join((telling or lines or ["no message"])[:2])
    return f"{type(error).__name__}: {text[:MESSAGE]}"
