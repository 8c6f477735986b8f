"""A first batch as a new process computes it: the task behind phase startup."""

from functools import partial
from typing import Any

from backends import Model
from benchmarks.request.job import Order
from benchmarks.worker.stock import Stock
from common.engines.engine import timed


class StartingTasks(Stock):
    """See benchmarks.worker.tasks.Tasks."""

    def start_up(self, **asked: Any) -> dict[str, float]:
        """Seconds of building, loading the weights and computing a first batch, as an Order says.

        A deployed model is neither built nor filled: it is loaded as it was compiled.
        """
        order = Order(**asked)
        wait = partial(self.backend.synchronize, order.device)
        self._equalise(order)
        assert order.inputs is not None, "a start is from a fixed batch"
        images, _ = self._inputs(order.build, order.inputs)
        seconds: dict[str, float] = {"build": 0.0, "load": 0.0}
        model: Model = None
        if order.engine != "deploy":
            model, seconds["build"] = timed(lambda: self.backend.build(**order.build), wait)
            _, seconds["load"] = timed(lambda: self._load(model, order.weights), wait)
            self.backend.set_training(model, False)
            images = self.backend.lay_out(model, images, layout=order.layout)
        loaded, first = timed(lambda: self._first_batch(order, model, images), wait)
        seconds["load"] += loaded
        return {**seconds, "first_batch": first - loaded}

    def _first_batch(self, order: Order, model: Model, images: Any) -> float:
        """Compute it; the seconds of that in which the engine was loaded."""
        engine = self.backend.make_engine(
            model,
            images,
            engine=order.engine,
            precision=order.precision,
            device=order.device,
            folder=order.artefact_folder(self.name, images=images),
        )
        engine.run(images)
        return engine.load_seconds or 0.0
