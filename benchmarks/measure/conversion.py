"""A file of weights written for the other side of a user's own pair, and proof that both compute the same."""

import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backends import NAMES
from benchmarks.manager.scratch import scratch_folder
from benchmarks.parity.check import both_sides
from benchmarks.parity.sides.pair import CannotCompare, Pair
from benchmarks.parity.sides.pairing import Pairing
from benchmarks.parity.tensors.tensor_folder import TensorFolder
from benchmarks.parity.tensors.tensor_name import LOGITS
from benchmarks.request.model_pair import ModelPair
from common.cli import UsageError
from common.weights import safetensors_file
from common.weights.described_file import BUFFER, WeightsFile
from common.weights.external import read_foreign

SIDES = {".pth": "torch", ".pt": "torch", ".pdparams": "paddle", ".safetensors": None}
# Logits in float64, relative L2: constants that paddle keeps in float32 move them by up to 1e-7 (see parity),
# a wrong weight by far more. That the weights themselves are equal is held bit by bit.
LIMIT = 1e-6


class Unproven(Exception):
    """Both sides do not compute the same from their files: nothing was written."""


@dataclass(frozen=True, kw_only=True)
class Converted:
    """What was written: how many arrays, from which side's file, and how far the logits are apart."""

    arrays: int
    source_side: str
    distance: float


def convert_pair(subject: ModelPair, source: Path, target: Path, *, timeout: float) -> Converted:
    """Write ``target`` from ``source``, whichever sides of the pair they belong to.

    Raises UsageError for a file that does not fit, Unproven where the two sides do not agree afterwards, and
    WorkerFailure where a worker is lost. ``target`` is written only after the proof.
    """
    with (
        scratch_folder() as scratch,
        both_sides(scratch, timeout=timeout) as sides,
        Pair(*sides, subject=subject, scratch=scratch) as pair,
    ):
        workers = dict(zip(NAMES, sides, strict=True))
        pair.open(precision="fp32")
        try:
            pairing = pair.pair_parameters()
        except CannotCompare as error:
            raise UsageError(f"the parameters cannot be paired: {error}; give a --map FILE.json") from None
        file = WeightsFile(read_foreign(source), pair.described)
        arrays = dict(file.torchs(pairing.links, pairing.buffers))
        pair.folder("weights").fill(arrays.items())
        pair.load_weights()
        side = SIDES[target.suffix]
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as folder:
            written = Path(folder) / target.name
            if side is None:
                safetensors_file.save(written, {name.removeprefix(BUFFER): arrays[name] for name in arrays})
            else:
                workers[side].ask("save_file", path=str(written))
            _read_both(pair, pairing, source=file, written=written, side=side, workers=workers)
            distance = _distance(pair, pairing)
            written.replace(target)
    return Converted(arrays=len(arrays), source_side=file.side, distance=distance)


def _read_both(
    pair: Pair,
    pairing: Pairing,
    *,
    source: WeightsFile,
    written: Path,
    side: str | None,
    workers: Mapping[str, Any],
) -> None:
    """Open both models afresh, and have each read a file: its own, else the one that was written.

    A file that was written for a framework is read by that framework itself.
    """
    described = pair.open(precision="fp32")
    links = [asdict(link) for link in pairing.links]
    for backend in NAMES:
        if backend == side:
            workers[backend].ask("load_file", path=str(written))
            names = "own"
        elif backend == source.side:
            names, arrays = "own", source.own(backend)
        else:
            file = WeightsFile(read_foreign(written), described)
            names, arrays = "torch's", file.torchs(pairing.links, pairing.buffers)
        if names == "torch's" and backend == "paddle":
            pair.ask(backend, "rename", links=links, buffers=pairing.buffers)
        if backend != side:
            folder = pair.folder(f"file-{backend}")
            folder.fill(arrays)
            pair.ask(backend, "load", source=str(folder.path))
    pair.ask_both("recast", precision="fp64")
    pair.ask("paddle", "rename", links=links, buffers=pairing.buffers)


def _distance(pair: Pair, pairing: Pairing) -> float:
    """Relative L2 of the logits in float64. Raises Unproven if a tensor differs, or they do by too much."""
    pair.ask_both("save", target=lambda name: f"read-{name}")
    ours, theirs = (TensorFolder(pair.path(f"read-{name}")) for name in NAMES)
    shared = {*pairing.parameters, *(f"{BUFFER}{name}" for name in pair.statistics())}
    common = [name for name in ours if name in theirs and name in shared]
    unequal = [name for name in common if not ours.has(name, theirs.load(name))]
    if unequal:
        differ = f"{len(unequal)} of {len(common)} tensors differ"
        raise Unproven(f"{differ} once both files are read, {unequal[0]} first")
    pair.write_batch()
    recording = pair.record()
    left, right = (recording.folders[name].load(LOGITS) for name in NAMES)
    distance = float(np.linalg.norm(left - right) / np.linalg.norm(left))
    if not distance <= LIMIT:
        raise Unproven(f"with equal weights the logits are {distance:.1e} apart (relative L2) in float64")
    return distance
