"""A worker's other ways to time its model: bare loops, torch's own timer, loops as people write them."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

from backends.open_model import open_model
from benchmarks.request.job import JobSpec
from benchmarks.worker.tasks import Tasks

WARM_UP = 2
Step = Callable[[], object]


class ReferenceTasks(Tasks):
    """A worker's tasks, and other ways to time the job that is prepared."""

    def ratios(self, reference: str, pairs: int, min_seconds: float) -> list[float]:
        """Throughput of the harness over that of a reference, one value per pair of blocks."""
        clocks = {"harness": self._harness, "reference": self._way(reference)}
        ratios = []
        for pair in range(pairs):
            order = list(clocks) if pair % 2 == 0 else list(clocks)[::-1]
            seconds = {name: clocks[name](min_seconds) for name in order}
            ratios.append(seconds["reference"] / seconds["harness"])
        return ratios

    def _harness(self, min_seconds: float) -> float:
        seconds: dict[str, list[float]] = self.measure(min_steps=1, min_seconds=min_seconds)["seconds"]
        return float(median(sum(step) for step in zip(*seconds.values(), strict=True)))

    def _way(self, name: str) -> Callable[[float], float]:
        """Timer of a reference: the seconds of a step, from so many seconds of steps."""
        return {"bare_loop": self._bare_loop, "torch_benchmark": self._torch_benchmark}[name]

    def _bare_loop(self, min_seconds: float) -> float:
        return timed_loop(self._step, min_seconds)

    def _torch_benchmark(self, min_seconds: float) -> float:
        import torch
        from torch.utils.benchmark import Timer

        timer = Timer("step()", globals={"step": self._step}, num_threads=torch.get_num_threads())
        return float(timer.blocked_autorange(min_run_time=min_seconds).median)

    def _step(self) -> None:
        job = self._require_job()
        for part in job.parts.values():
            part()
        job.timeline.synchronize()


def timed_loop(step: Callable[[], object], min_seconds: float) -> float:
    """Median seconds of a step in a loop with nothing but the clock around it."""
    values = []
    start = end = time.perf_counter()
    while end - start < min_seconds:
        before = time.perf_counter()
        step()
        end = time.perf_counter()
        values.append(end - before)
    return median(values)


class HandwrittenTasks(ReferenceTasks):
    """A worker's tasks, and loops as people write them."""

    def open_ways(self, *, spec: Mapping[str, Any]) -> list[str]:
        """Prepare the loops, each with a model of its own.

        Returns their names.
        """
        job = JobSpec.from_json(spec)
        images, _ = self._inputs(job)

        def model() -> Any:
            made = open_model(self.backend, job.model)
            self._load(made, job.weights)
            made.eval()
            return made

        make = {"torch": torch_ways, "paddle": paddle_ways}[self.name]
        folder = Path(job.weights).parent / "by-hand"
        self._ways = make(model, images, threads=job.case.threads, folder=folder)
        for step in self._ways.values():
            for _ in range(WARM_UP):
                step()
        return list(self._ways)

    def _way(self, name: str) -> Callable[[float], float]:
        if name in getattr(self, "_ways", {}):
            return lambda min_seconds: timed_loop(self._ways[name], min_seconds)
        return super()._way(name)


def torch_ways(model: Callable[[], Any], images: Any, **_: Any) -> dict[str, Step]:
    """Steps that infer one batch: as it comes, in channels_last, compiled, and in bf16."""
    import torch

    def inferring(called: Any, batch: Any, *, mixed: bool = False) -> Step:
        def step() -> Any:
            with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=mixed):
                return called(batch)

        return step

    last = {"memory_format": torch.channels_last}
    return {
        "eager": inferring(model(), images),
        "channels_last": inferring(model().to(**last), images.to(**last)),
        "torch.compile": inferring(torch.compile(model()), images),
        "bf16": inferring(model(), images, mixed=True),
        "bf16, channels_last": inferring(model().to(**last), images.to(**last), mixed=True),
    }


def paddle_ways(model: Callable[[], Any], images: Any, *, threads: int, folder: Path) -> dict[str, Step]:
    """A step of paddle.inference with oneDNN, from the documentation's example: copy in, run, copy out."""
    import paddle
    from paddle import inference

    folder.mkdir(exist_ok=True)
    example = paddle.static.InputSpec(images.shape, "float32")
    paddle.jit.save(model(), str(folder / "model"), input_spec=[example])
    graph = next(path for path in folder.iterdir() if path.suffix in (".json", ".pdmodel"))
    config = inference.Config(str(graph), str(folder / "model.pdiparams"))
    config.disable_gpu()
    config.enable_mkldnn()
    config.set_cpu_math_library_num_threads(threads)
    predictor, array = inference.create_predictor(config), images.numpy()

    def step() -> Any:
        predictor.get_input_handle(predictor.get_input_names()[0]).copy_from_cpu(array)
        predictor.run()
        return predictor.get_output_handle(predictor.get_output_names()[0]).copy_to_cpu()

    return {"paddle.inference, oneDNN": step}
