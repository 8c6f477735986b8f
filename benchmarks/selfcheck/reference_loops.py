"""Does the harness reach what a loop written by hand reaches? Its best against such loops, in turns.

    python -m benchmarks.selfcheck.reference_loops --backend paddle --model alexnet --batch-size 32
    python -m benchmarks.selfcheck.reference_loops --backend torch --model alexnet --batch-size 32

paddle's deploy engine is held against paddle.inference with oneDNN, set up as its documentation does it;
what --settings tuned chooses of torch against channels_last, torch.compile and bf16 (--max-error is such that
bf16 may be chosen). All of it runs in one worker: harness and loop alternate in short blocks, and the median
ratio of neighbouring blocks is told. Exit code 1 if the harness has under 95 % of the fastest loop.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

from backends import NAMES
from backends.open_model import open_model
from benchmarks.request.flags import add_flags
from benchmarks.request.job import JobSpec
from benchmarks.request.request import read_request
from benchmarks.selfcheck.crosscheck import ReferenceTasks, timed_loop
from common import cli
from common.cli import UnavailableError, UsageError
from common.flags import positive, seconds

if TYPE_CHECKING:
    from benchmarks.manager.session import Session
    from benchmarks.manager.worker_process import Worker
    from benchmarks.request.case import Case

PROGRAM = "benchmarks.selfcheck.reference_loops"
LEAST = 0.95  # of the fastest loop
WARM_UP = 2
FIRST_PAIRS = 3
HOPELESS = 2.0  # a loop that is so many times slower in those is not looked at further
BF16_ERROR = 0.03  # what bf16 may cost and still be chosen

Step = Callable[[], object]


class HandwrittenTasks(ReferenceTasks):
    """A worker's tasks, and loops as people write them."""

    def open_ways(self, *, spec: Mapping[str, Any]) -> list[str]:
        """Have the loops ready; returns their names. Each has a model of its own."""
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


def main(arguments: Sequence[str]) -> int:
    """The command; returns its exit code."""
    options = _parse(arguments)
    request = read_request(options)
    from benchmarks.manager.scratch import scratch_folder
    from benchmarks.manager.session import Session
    from benchmarks.manager.worker_process import WorkerFailure

    tasks = f"{PROGRAM}:{HandwrittenTasks.__name__}"
    with scratch_folder() as scratch, Session(request, scratch=scratch, tasks=tasks) as session:
        try:
            case, ratios = _measure(session, options)
        except WorkerFailure as failure:
            raise UnavailableError(failure) from None
    print(f"{options.backend} {request.model}: the harness ran {case}, {case.threads} threads")
    for way, values in ratios.items():
        low, _, high = quantiles(values)
        print(
            f"  images/s of the harness over a loop by hand, {way}: median {median(values):.3f} of "
            f"{len(values)} interleaved pairs (middle half {low:.3f} to {high:.3f})"
        )
    fastest = min(ratios, key=lambda way: median(ratios[way]))
    if median(ratios[fastest]) < LEAST:
        cli.complain(PROGRAM, f"under {LEAST:.0%} of the fastest loop, {fastest}; repeat on a quiet machine")
        return cli.FAILED
    return cli.DONE


def _measure(session: "Session", options: argparse.Namespace) -> tuple["Case", dict[str, list[float]]]:
    from benchmarks.measure.tuning import tune

    name, case = options.backend, session.request.cases[0]
    if options.settings == "tuned":
        case, _ = tune(session, name, case)
        session.end(name)
    session.prepare(name, case)
    session.warm_up(name)
    worker = session.worker(name)
    spec = session.job(name, replace(case, precision="fp32"), device="cpu")
    ways: list[str] = worker.ask("open_ways", spec=spec.to_json())
    return case, {way: _ratios(worker, way, options) for way in ways}


def _ratios(worker: "Worker", way: str, options: argparse.Namespace) -> list[float]:
    """The harness over a loop, by pairs of blocks: a few where the loop is far too slow to be the fastest."""
    first = min(FIRST_PAIRS, options.pairs)

    def ask(pairs: int) -> list[float]:
        ratios: list[float] = worker.ask(
            "ratios", reference=way, pairs=pairs, min_seconds=options.block_seconds
        )
        return ratios

    ratios = ask(first)
    return ratios if min(ratios) > HOPELESS or first == options.pairs else ratios + ask(options.pairs - first)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = cli.Parser(prog=PROGRAM, description="Hold the harness against loops written by hand.")
    parser.add_argument("--backend", required=True, choices=NAMES)
    add_flags(parser)
    parser.add_argument("--pairs", type=positive, default=30, metavar="N", help="a loop (default 30)")
    parser.add_argument("--block-seconds", type=seconds, default=0.5, metavar="S", help="default 0.5")
    parser.set_defaults(phase=("infer",), device="cpu", batch_size=(32,), settings=None, max_error=BF16_ERROR)
    options = parser.parse_args(arguments)
    if options.device != "cpu" or options.data or len(options.batch_size) > 1 or options.phase != ("infer",):
        raise UsageError("the loops infer one fixed batch on the CPU; give one --batch-size and nothing else")
    if options.settings is None:
        options.settings = "tuned" if options.backend == "torch" and not options.engine else "equalised"
    if options.backend == "paddle" and not options.engine:
        options.engine = ("deploy",)
    if options.settings == "tuned" and not options.precision:
        options.precision = ("fp32", "bf16")  # what the loops compute in
    return options


if __name__ == "__main__":
    cli.run(main, program=PROGRAM)
