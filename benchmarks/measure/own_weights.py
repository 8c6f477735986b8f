"""Weights of models that are not ours: those that they come with, or a file's, the same on both sides.

Drawn ones would make two images hardly distinguishable behind batch normalisation, and the check of an engine
blind.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from backends import NAMES
from benchmarks.manager.session import Session
from benchmarks.parity.sides.pair import CannotCompare, Pair
from benchmarks.parity.sides.pairing import STATISTICS
from benchmarks.parity.tensors.tensor_folder import TensorFolder
from benchmarks.parity.tensors.tensor_name import BUFFERS, TensorName
from benchmarks.request.inputs import stirred
from common.cli import UsageError
from common.weights import safetensors_file
from common.weights.described_file import WeightsFile
from common.weights.external import read_foreign


def write_own_weights(session: Session) -> None:
    """Write each side's file of weights, once; nothing for a model of ours.

    Of a pair the weights are torch's, which paddle has under its own names as the pairing says. Raises
    UsageError where the two cannot be paired, WorkerFailure where a worker is lost.
    """
    if not session.pair.foreign or all(session.inputs.own_weights(name).exists() for name in session.places):
        return
    if all(case.phase == "data" for case in session.request.cases):  # no model is needed to read images
        return
    names = {place.backend: name for name, place in session.places.items()}
    if set(names) == set(NAMES):
        _write_both(session, names)
        return
    (backend, name), *_ = names.items()
    _write_one(session, name, backend)


def _write_both(session: Session, names: Mapping[str, str]) -> None:
    sides = [session.worker(names[backend]) for backend in NAMES]
    subject = replace(session.pair, weights=session.request.weights)
    with Pair(*sides, subject=subject, scratch=session.inputs.scratch) as pair:
        pair.open(precision="fp32")
        try:
            pairing = pair.pair_parameters()
        except CannotCompare as error:
            raise UsageError(f"the parameters cannot be paired: {error}; give a --map FILE.json") from None
        pair.write_weights()
        pair.load_weights()
        pair.ask_both("rename")  # each by its own names again
        pair.ask_both("save", target=lambda backend: f"own-{backend}")
        for backend in NAMES:
            _write(session, names[backend], TensorFolder(pair.path(f"own-{backend}")))
    session.layers = pairing.layers
    for backend in NAMES:
        session.models[backend] = _identity(session, names[backend], backend)


def _write_one(session: Session, name: str, backend: str) -> None:
    """Weights of one backend alone: one set for every version of it.

    A side whose model lies in a folder of its own gets those of that model: it may have other parameters.
    """
    common = _weights_of(session, name, backend)
    session.models[backend] = _identity(session, name, backend)
    for side, place in session.places.items():
        _write(session, side, _weights_of(session, side, backend) if place.folder else common)
        if place.folder:
            session.models[side] = _identity(session, side, backend)


def _weights_of(session: Session, name: str, backend: str) -> TensorFolder:
    """The weights that a side's model comes with or, of a file, those; in a folder of the scratch's."""
    worker, pair = session.worker(name), session.pair_of(name)
    folder = TensorFolder(session.inputs.scratch / f"own-{name}")
    spec = pair.spec(backend, precision="fp32", device="cpu")
    described = worker.ask(
        "parity", step="open", model=spec.to_json(), plugins={}, folder=pair.folder, seed=pair.seed
    )
    worker.ask("parity", step="save", target=str(folder.path))
    if session.request.weights:
        folder.fill(WeightsFile(read_foreign(session.request.weights), {backend: described}).own(backend))
    else:
        rng = np.random.default_rng(pair.seed)
        for tensor in map(TensorName, list(folder)):
            own = tensor.owner or tensor
            if tensor.kind != BUFFERS or own.endswith(STATISTICS):
                folder.add(tensor, stirred(own, folder.load(tensor), rng=rng))
    return folder


def _identity(session: Session, name: str, backend: str) -> dict[str, Any]:
    """What a side's model is: its callable, and the files that define it."""
    source, folder = session.pair.sources[backend], session.pair_of(name).folder
    return {"source": source, **session.worker(name).ask("identity", source=source, folder=folder)}


def _write(session: Session, name: str, folder: TensorFolder) -> None:
    safetensors_file.save(session.inputs.own_weights(name), {each: folder.load(each) for each in folder})
