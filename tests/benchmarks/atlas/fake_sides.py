"""Two sides of an atlas without a framework: spellings are NumPy's, and every question is written down."""

from types import SimpleNamespace

import numpy as np

from benchmarks.atlas.probe.evaluation import Given
from benchmarks.parity.tensors.tensor_folder import TensorFolder
from common.runtime.kernel_counters import KernelCounters

QUIET = KernelCounters(seconds=0.1, cpu_seconds=0.1, delay_seconds=0.0, busy_seconds=0.1, processors=2)


class FakeSides:
    """See ``benchmarks.atlas.sides.Sides``; ``asked`` has (side, task, spelling) of each question in order.

    ``seconds`` are each side's steps, ``factors`` what its results are multiplied by. ``stop`` is called with
    every question, and may raise.
    """

    def __init__(self, places, *, scratch, seconds=None, factors=None, stop=lambda _: None, **_):
        self.places, self.scratch, self.stop = places, scratch, stop
        self.seconds, self.asked = seconds or dict.fromkeys(places, 0.01), []
        self.factors = factors or {}
        self.versions = {name: {place.backend: "1"} for name, place in places.items()}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def renew(self):
        pass

    def folder(self, *parts):
        folder = TensorFolder(self.scratch.joinpath("atlas", *parts))
        folder.clear()
        return folder

    def ask_each(self, task, own, *, among=()):
        return {name: self.ask(name, task, **own(name)) for name in among or self.places}

    def ask(self, name, task, **arguments):
        step = arguments.get("step", task)
        self.asked.append((name, step, arguments.get("spelling", "")))
        self.stop(self.asked[-1])
        return getattr(self, f"_{step}")(name, arguments)

    def _open(self, name, arguments):
        return {"status": "ok", "defaults": {}, "described": None}

    def _compute(self, name, arguments):
        given = Given(**arguments["given"])
        try:
            with np.errstate(all="ignore"):
                output = eval(arguments["spelling"], {"np": np, **given.arrays()})
        except Exception as error:
            return {"status": "error", "reason": str(error)}
        output = output * self.factors.get(name, 1)
        TensorFolder(arguments["target"]).add("output", output)
        return {"status": "ok", "dtypes": {"output": str(output.dtype)}}

    def _constants(self, name, arguments):
        return []

    def _prepare(self, name, arguments):
        return ["forward", "backward"]

    def _measure(self, name, arguments):
        steps = [self.seconds[name] * (1 + 0.001 * place) for place in range(4)]
        return {"seconds": {"forward": steps, "backward": steps}, "counters": QUIET.to_json()}


def places(*names, backends=()):
    """Installations by name, as far as anybody asks."""
    return {
        name: SimpleNamespace(backend=backend) for name, backend in zip(names, backends or names, strict=True)
    }
