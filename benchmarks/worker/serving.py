"""Phase serve in a worker: models at a queue, asked by requests that arrive."""

import sys
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.request.job import JobSpec
from benchmarks.worker.prepare import Checked, JobBuilder
from benchmarks.worker.server import Batching, Server, draw_arrivals, one_by_one
from benchmarks.worker.setup import ModelTasks
from benchmarks.worker.steps import Job
from benchmarks.worker.timing import no_garbage_collection
from common.cli import UnavailableError
from common.engines.kinds import ENGINE_KINDS
from common.runtime.kernel_counters import read_counters
from common.weights import safetensors_file

MOST_COMPILED = 8  # of one model's code, beyond which torch.compile goes back to eager in silence

SWITCH_SECONDS = 5e-4  # after which a thread hands Python over to the generator: 5 ms would be latency


def batch_sizes(most: int) -> list[int]:
    """Sizes that are compiled for: 1, 2, 4 ... and the largest."""
    return sorted({min(2**power, most) for power in range(most.bit_length() + 1)})


@dataclass(frozen=True, kw_only=True)
class ModelRunner:
    """A worker's own model: computes requests, each one image on the host, and has their logits there.

    ``engines`` are by batch size; with None every size has the same. A batch between two sizes is filled up
    with its last image.
    """

    engines: Mapping[int | None, Callable[[Any], Any]]
    images: np.ndarray  # (N, C, H, W): request number i is of image i modulo N
    to_device: Callable[[np.ndarray], Any]
    to_host: Callable[[Any], np.ndarray]

    def __call__(self, requests: Sequence[int]) -> int:
        """Compute a batch; returns its places, with those that were filled up."""
        places = self._places(len(requests))
        chosen = [number % len(self.images) for number in requests]
        chosen += chosen[-1:] * (places - len(chosen))
        engine = self.engines[None] if None in self.engines else self.engines[places]
        self.to_host(engine(self.to_device(self.images[chosen])))
        return places

    def warm_up(self) -> None:
        """Compute a batch of every size."""
        for size in (1, len(self.images)) if None in self.engines else self.sizes:
            self(range(size))

    @property
    def sizes(self) -> list[int]:
        """Batch sizes that there is an engine for."""
        return sorted(size for size in self.engines if size is not None)

    def _places(self, number: int) -> int:
        return number if None in self.engines else self.sizes[bisect_left(self.sizes, number)]


class ServingTasks(ModelTasks):
    """The tasks behind phase serve; see benchmarks.worker.tasks.Tasks."""

    _runners: Sequence[ModelRunner] = ()
    # Each model's own thread, as long as it is there: paddle.inference fails in the next thread once one that
    # it ran in has ended ("std::exception", 3.3.1).
    _threads: Sequence[ThreadPoolExecutor] = ()
    _spec: JobSpec | None = None

    def _prepare_server(self, job: JobSpec) -> tuple[Job, Checked]:
        """Have the models ready, each in engines for all sizes of batch; the job of the largest batch."""
        self._runners, self._spec = [], job
        self._threads = [ThreadPoolExecutor(max_workers=1) for _ in range(job.servers)]
        sizes = self._sizes(job)
        for _ in range(job.servers):
            engines: dict[int | None, Callable[[Any], Any]] = {}
            for size in sizes:
                builder = self._builder(job, size or job.case.batch_size)
                engine, checked = builder.engine()
                engines[size] = engine.run
            self._runners = [*self._runners, self._runner(job, builder, engines)]
        return builder.job_of(engine.run), checked

    def _sizes(self, job: JobSpec) -> list[int | None]:
        """Batch sizes that an engine is made for; None stands for all."""
        kind, sizes = ENGINE_KINDS[job.case.engine], batch_sizes(job.case.batch_size)
        if kind.compiles == "never":
            return [None]
        if kind.compiles == "first" and len(sizes) * job.servers > MOST_COMPILED:
            raise UnavailableError(
                f"{job.servers} models in {len(sizes)} batch sizes are more than the {MOST_COMPILED} that "
                f"torch compiles before it goes back to eager; give a smaller --serve-batch or "
                f"--serve-threads"
            )
        return list(sizes)

    def _builder(self, job: JobSpec, size: int) -> JobBuilder:
        """A model of its own, with its weights and so many of the images."""
        model = self._opened(job.model)
        self._load(model, job.weights)
        images, labels = (part[:size] for part in self._inputs(job))
        return JobBuilder(tasks=self, model=model, spec=job, batch=(images, labels), feed=None)

    def _runner(
        self, job: JobSpec, builder: JobBuilder, engines: Mapping[int | None, Callable[[Any], Any]]
    ) -> ModelRunner:
        assert job.inputs is not None, "requests have the images of a fixed batch"
        where = {"device": job.device, "precision": job.model.precision}

        def to_device(images: np.ndarray) -> Any:
            tensor = self.backend.from_numpy(images, **where)
            return self.backend.lay_out(builder.model, tensor, layout=job.case.layout)

        images = safetensors_file.load(Path(job.inputs))["images"]
        return ModelRunner(engines=engines, images=images, to_device=to_device, to_host=self.backend.to_numpy)

    def serve(
        self,
        *,
        requests: int,
        rate: float,
        seed: Sequence[int],
        limit: float,
        allowed: int,
        most: int,
        wait: float,
    ) -> dict[str, Any]:
        """Have requests arrive at a rate; see ``server.Run``, of what was served.

        Seconds everywhere. The run is cut once more than ``allowed`` requests took longer than ``limit``.
        """
        arrivals = draw_arrivals(requests=requests, rate=rate, seed=seed)
        batching = Batching(most=most, wait=wait)
        return self._run(
            Server(self._runners, arrivals=arrivals, batching=batching, limit=limit, allowed=allowed)
        )

    def serve_offline(self, *, requests: int, most: int) -> dict[str, Any]:
        """Serve requests that are all there at once."""
        batching = Batching(most=most)
        return self._run(Server(self._runners, arrivals=np.zeros(requests), batching=batching))

    def serve_single_stream(self, *, requests: int) -> list[float]:
        """Seconds of each request, of which the next one comes when the last is answered."""
        runner = self._runners[0]

        def ask() -> list[float]:
            self._ready(runner)
            return one_by_one(runner, requests=requests)

        with no_garbage_collection():
            return self._threads[0].submit(ask).result()

    def _end_server(self) -> None:
        """Forget the models, and end their threads."""
        for thread in self._threads:
            thread.shutdown()
        self._runners, self._threads = (), ()

    def _run(self, server: Server) -> dict[str, Any]:
        before, interval = read_counters(), sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_SECONDS)
        try:
            with no_garbage_collection():
                run = server.serve(prepare=self._ready, executors=self._threads)
        finally:
            sys.setswitchinterval(interval)
        found = {name: getattr(run, name) for name in ("depths", "batches", "places", "busy", "span", "cut")}
        for name in ("latency", "late"):
            values: np.ndarray = getattr(run, name)
            found[name] = values[~np.isnan(values)].tolist()
        return found | {"counters": read_counters().since(before).to_json()}

    def _ready(self, runner: ModelRunner) -> None:
        """In the thread that serves: OpenMP has threads and their number by thread."""
        assert self._spec is not None, "prepare first"
        self._equalise(self._spec)
        runner.warm_up()
