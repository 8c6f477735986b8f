"""Equal initial values for both sides of a pair of the user's own, before it is trained."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from backends import NAMES
from benchmarks.manager.scratch import scratch_folder
from benchmarks.manager.worker_process import WorkerFailure
from benchmarks.parity.check import both_sides
from benchmarks.parity.comparison import run_gate
from benchmarks.parity.sides.pair import Pair
from benchmarks.parity.tensors.tensor_folder import TensorFolder
from benchmarks.parity.tensors.tensor_name import BUFFERS, TensorName
from benchmarks.parity.text.divergence import failure
from benchmarks.request.model_pair import ModelPair
from common.cli import UnavailableError
from common.weights import safetensors_file


class UnequalError(RuntimeError):
    """The two models do not compute the same; the message says where."""


def start_file(output: Path, backend: str, seed: int) -> Path:
    """Where the initial values of a run lie."""
    return output / f"start-{backend}-{seed}.safetensors"


def write_starts(pair: ModelPair, output: Path, *, seeds: Sequence[int], timeout: float) -> None:
    """Prove that both compute the same, and write each side's initial values for every seed.

    They are what torch's model comes with from the seed, for paddle under its own names as the pairing says.
    What lies there already is kept. Raises UnequalError, and UnavailableError where a worker is lost.
    """
    missing = [seed for seed in seeds if not all(start_file(output, name, seed).exists() for name in NAMES)]
    if not missing:
        return
    output.mkdir(parents=True, exist_ok=True)
    try:
        with scratch_folder() as scratch, both_sides(scratch, timeout=timeout) as sides:
            parity = run_gate(*sides, subject=pair, scratch=scratch)
            if parity["verdict"] != "pass":
                raise UnequalError(failure(parity))
            for seed in missing:
                with Pair(*sides, subject=replace(pair, seed=seed), scratch=scratch) as opened:
                    _write(opened, output, seed)
    except WorkerFailure as lost:
        raise UnavailableError(f"{lost.backend}: {lost.status}: {lost.explained}") from None


def _write(pair: Pair, output: Path, seed: int) -> None:
    pair.open(precision="fp32")
    pair.pair_parameters()
    weights, statistics = pair.folder("weights"), pair.statistics()
    pair.ask("torch", "save", target=pair.path("weights"))
    for name in list(weights):
        tensor = TensorName(name)
        if tensor.kind == BUFFERS and (tensor.owner or name) not in statistics:
            weights.discard(name)  # a constant of each side's own definition
    pair.load_weights()
    pair.ask_both("rename")  # each by its own names again
    pair.ask_both("save", target=lambda backend: f"own-{backend}")
    for backend in NAMES:
        own = TensorFolder(pair.path(f"own-{backend}"))
        safetensors_file.save(start_file(output, backend, seed), {name: own.load(name) for name in own})
