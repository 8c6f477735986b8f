"""Both sides of a comparison with the models open, paired, and given the same weights and batch."""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from backends import NAMES
from benchmarks.manager.worker_process import WorkerFailure
from benchmarks.parity.sides.alignment import Match, align
from benchmarks.parity.sides.pairing import STATISTICS, Pairing, pair_parameters
from benchmarks.parity.sides.proposal import Unpaired
from benchmarks.parity.sides.recording import Alone, Recording
from benchmarks.parity.sides.sides import Sides
from benchmarks.parity.tensors import known_roundings
from benchmarks.parity.tensors.tensor_folder import TensorFolder
from benchmarks.parity.tensors.tensor_name import BUFFERS, GRADIENTS, TensorName
from benchmarks.request.inputs import LABELS, draw_inputs, stirred
from benchmarks.request.model_pair import Askable, ModelPair
from common.cli import UnavailableError
from common.weights import initialization
from common.weights.described_file import WeightsFile
from common.weights.external import read_foreign

GIB = 2**30
BYTES_PER_PARAMETER = 26  # weights in float32, and at most two float64 tensors and a half of each at a time
ALTERED = ("rounded", "moved", "tried")  # torch's runs that a recording is compared with
SPARE_BYTES = 256 * 2**20


class CannotCompare(Exception):
    """The two models cannot be paired; ``described`` is what each consists of.

    ``broken``: their sizes differ, so that they do not compute the same. ``proposal`` is a map to fill in.
    """

    def __init__(self, error: Unpaired, described: dict[str, dict[str, Any]]) -> None:
        super().__init__(str(error))
        self.first = {"torch": error.torch, "paddle": error.paddle}
        self.broken, self.proposal = error.broken, error.proposal
        self.described = described


class Pair(Sides):
    """Knows what is open on both sides, how they pair, and what they are given."""

    def __init__(
        self,
        torch_side: Askable,
        paddle_side: Askable,
        *,
        subject: ModelPair,
        scratch: Path,
        device: str = "cpu",
        together: bool = False,
        equal_nan: bool = False,
    ) -> None:
        super().__init__(torch_side, paddle_side, scratch=scratch, together=together)
        self.subject, self.device, self.equal_nan = subject, device, equal_nan
        self.described: dict[str, dict[str, Any]] = {}
        self.pairing: Pairing | None = None
        self.spreads: dict[str, dict[str, float]] = {}  # of the models' own initial values
        self.is_wide = False  # float64 is the default of what the models make without naming a dtype
        self.partners: dict[str, str] = {}  # paddle's layers by torch's, as far as a run has matched them
        self.peak_memory_bytes: dict[str, int | None] = {"torch": None, "paddle": None}

    def open(self, *, precision: str = "fp64") -> dict[str, dict[str, Any]]:
        """Build both models; returns what each consists of."""
        subject = self.subject

        def own(name: str) -> Mapping[str, Any]:
            spec = subject.spec(name, precision=precision, device=self.device)
            plugins = dict(subject.plugins.get(name, {}))
            return {"model": spec.to_json(), "plugins": plugins, "output": subject.output}

        self.described = self.ask_both("open", own=own, folder=subject.folder, seed=subject.seed)
        if self.is_wide:
            self._widen(True)
        if subject.foreign and not self.spreads:
            self.spreads = self.ask_both("spreads")
        return self.described

    def reopen(self, *, precision: str) -> None:
        """Both models in another precision, with the weights: float32 numbers, which none rounds.

        A pair of the user's own is built anew, for it may hold more than parameters.
        """
        if self.subject.foreign:
            self.open(precision=precision)
            self.load_weights()
        else:
            self.ask_both("recast", precision=precision)

    def pair_parameters(self) -> Pairing:
        """Pair the parameters. Raises CannotCompare."""
        try:
            self.pairing = pair_parameters(
                self.described["torch"], self.described["paddle"], names=self.subject.names
            )
        except Unpaired as error:
            raise CannotCompare(error, self.described) from None
        for square in self.pairing.squares:
            turned = self.ask(square.side, "is_turned", layer=square.layer, parameter=square.parameter)
            self.pairing = self.pairing.settled(square, is_turned=turned)
        return self.pairing

    def is_paired(self, name: str) -> bool:
        """True if a parameter of torch's has a counterpart: a map may leave it out."""
        assert self.pairing is not None
        return name in self.pairing.parameters

    def layer_of(self, title: str) -> str | None:
        """The layer that a tensor of a report belongs to, by torch's names: "own: fc.weight" is of "fc"."""
        name = title.partition(": ")[2] or title
        own = [*self.described["torch"]["parameters"], *self.described["torch"]["buffers"]]
        layers = {entry["layer"] for entry in own if f"{name}.".startswith(f"{entry['layer']}.")}
        return max(layers, key=len, default=None)

    def require_space(self) -> None:
        """Raise UnavailableError now if the tensors would not fit on the disk."""
        needed = self.parameters() * BYTES_PER_PARAMETER + SPARE_BYTES
        free = shutil.disk_usage(self._root).free
        if free < needed:
            raise UnavailableError(
                f"{self._root.parent}: {needed / GIB:.1f} GiB are needed for tensors and "
                f"{free / GIB:.1f} GiB are free; set TMPDIR to a folder with more"
            )

    def parameters(self) -> int:
        """Number of parameters in torch's model."""
        shapes = [entry["shape"] for entry in self.described["torch"]["parameters"]]
        return int(sum(np.prod(shape, dtype=np.int64) for shape in shapes))

    def write_weights(self) -> None:
        """One set of weights for both: drawn for a model of ours, a file's or torch's own for another pair.

        Raises UsageError for a file that has not the weights of either side.
        """
        folder = self.folder("weights")
        if not self.subject.foreign:
            shapes = {entry["name"]: entry["shape"] for entry in self.described["torch"]["parameters"]}
            folder.fill(initialization.draw_scaled(shapes, seed=self.subject.seed).items())
            return
        self.ask("torch", "save", target=self.path("weights"))
        assert self.pairing is not None
        rng = np.random.default_rng(self.subject.seed)
        for name in list(folder):
            tensor = TensorName(name)
            own = tensor.owner or name
            if tensor.kind != BUFFERS or own in self.statistics():
                folder.add(name, stirred(own, folder.load(name), rng=rng))
            else:
                folder.discard(name)  # a constant of each side's own definition
        if self.subject.weights:
            file = WeightsFile(read_foreign(self.subject.weights), self.described)
            folder.fill(file.torchs(self.pairing.links, self.pairing.buffers))

    def statistics(self) -> list[str]:
        """Torch's names of the running statistics, which are copied as weights are."""
        assert self.pairing is not None
        return [name for name in self.pairing.buffers if name.endswith(STATISTICS)]

    def load_weights(self) -> None:
        """Give both sides the weights; paddle's tensors go by torch's names and shapes from here on."""
        assert self.pairing is not None
        names = {"links": [asdict(link) for link in self.pairing.links], "buffers": self.pairing.buffers}
        self.ask_both("rename", own=lambda side: names if side == "paddle" else {})
        self.reload()

    def reload(self) -> None:
        """Give both sides the weights again, after they were trained or their statistics moved."""
        self.ask_both("load", source=self.path("weights"))

    def write_batch(self, *, own_data: bool = True) -> None:
        """One batch for both: one that is given, torch's own data, the user's inputs, else drawn."""
        subject = self.subject
        if subject.batch_folder:
            given = TensorFolder(subject.batch_folder)
            self.folder("batch").fill((name, given.load(name)) for name in given)
            return
        if subject.has("data") and own_data:
            own = TensorFolder(self.path("data-torch"))
            batch = {"input0": own.load("0/images"), LABELS: own.load("0/labels").astype(np.int64)}
            self.folder("batch").fill(batch.items())
            return
        if subject.inputs_source:
            target = self.folder("batch")
            size = self.ask("torch", "draw_inputs", source=subject.inputs_source, target=str(target.path))
            rng = np.random.default_rng((subject.seed, size))
            target.add(LABELS, rng.integers(subject.num_classes, size=size))
            return
        self.folder("batch").fill(draw_inputs(subject).items())

    def record(self, *, training: bool = False, masks: str | None = None) -> Recording:
        """Run both models on the batch, forward and backward, and write every tensor.

        ``masks`` is the folder of dropout's masks without "-BACKEND". Models that make tensors without naming
        a dtype, such as a cell's first state, may be computable in float64 only if it is the default.
        """
        try:
            return self._recorded(training=training, masks=masks)
        except WorkerFailure as failure:
            if self.is_wide or failure.is_gone or not self.subject.foreign:
                raise
            self._widen(True)
            if training:
                self.reload()
            try:
                return self._recorded(training=training, masks=masks)
            except WorkerFailure:
                self._widen(False)
                raise failure from None

    def _widen(self, on: bool) -> None:
        self.is_wide = on
        self.ask_both("widen", on=on)

    def _recorded(self, *, training: bool, masks: str | None) -> Recording:
        assert self.pairing is not None
        label = "train" if training else "eval"
        calls = self.ask_both(
            "record",
            batch=self.path("batch"),
            target=lambda name: f"{label}-{name}",
            own=lambda name: {"training": training, "masks": f"{masks}-{name}" if masks else None},
        )
        matches = align(calls["torch"], calls["paddle"], layers=self.pairing.layers, apart=self.pairing.apart)
        self.partners |= {one.ours["name"]: one.theirs["name"] for one in matches if one.ours and one.theirs}
        return Recording(
            label=label,
            training=training,
            masks=masks,
            folders={name: TensorFolder(self.path(f"{label}-{name}")) for name in NAMES},
            calls=calls,
            matches=matches,
            pairing=self.pairing,
            equal_nan=self.equal_nan,
            roundings=known_roundings.concerned(self.ask("torch", "roundings")),
        )

    def record_again(
        self, recording: Recording, altered: str, *, suspects: Iterable[TensorName], **how: Any
    ) -> TensorFolder:
        """Torch's run once more, ``altered`` (see Probe.record's arguments); returns its folder.

        Of the parameters' gradients, which are as large as the model, only the suspects' are written.
        """
        folder = self.folder(f"{recording.label}-{altered}")
        gradients = [name.owner for name in suspects if name.kind == GRADIENTS]
        arguments = {**recording.mode("torch"), "gradients": gradients, **how}
        if recording.training:
            self.ask("torch", "load", source=self.path("weights"))  # statistics have moved
        self.ask("torch", "record", batch=self.path("batch"), target=str(folder.path), **arguments)
        return folder

    def repeat(self, recording: Recording, *, partial: bool = False) -> dict[str, list[dict[str, Any]]]:
        """Both sides' runs once more.

        Returns by side the tensors that are not bit-identical. ``partial``: some tensors of the recording
        were deleted, and only the others are compared.
        """
        if recording.training:
            self.reload()  # statistics have moved
        return self.ask_both(
            "repeat",
            batch=self.path("batch"),
            partial=partial,
            own=lambda name: {"reference": str(recording.folders[name].path), **recording.mode(name)},
        )

    def isolate(self, recording: Recording, *, source: TensorFolder, rounding: Sequence[str] = ()) -> Alone:
        """Run every matched layer alone, on both sides, on the inputs and gradients in ``source``.

        ``rounding`` names the constants that torch takes over from paddle.
        """
        matches = [match for match in recording.matches if match.has_same_inputs]

        def own(name: str) -> dict[str, Any]:
            return {
                **recording.mode(name),
                "rounding": list(rounding) if name == "torch" else None,
                "calls": [_to_isolate(match, name) for match in matches],
            }

        if recording.training:
            self.reload()
        failures = self.ask_both(
            "isolate", source=str(source.path), target=lambda name: f"alone-{name}", own=own
        )
        folders = {name: TensorFolder(self.path(f"alone-{name}")) for name in NAMES}
        return Alone(folders=folders, failures=failures["torch"] | failures["paddle"])

    def keep_layers_only(self, recording: Recording) -> None:
        """Delete what is large and not needed any more: the gradients of parameters."""
        for folder in self._folders(recording):
            for name in list(folder):
                if TensorName(name).kind == GRADIENTS:
                    folder.discard(name)

    def forget(self, recording: Recording) -> None:
        """Delete a recording's tensors, and those of torch's runs that it was compared with."""
        for folder in self._folders(recording):
            folder.clear()

    def _folders(self, recording: Recording) -> list[TensorFolder]:
        return [TensorFolder(self.path(f"{recording.label}-{name}")) for name in (*NAMES, *ALTERED)]

    def read_memory(self) -> None:
        """Ask both sides for the most memory that they held."""
        for name, peak in self.ask_both("peak_memory_bytes").items():
            before = self.peak_memory_bytes[name]
            self.peak_memory_bytes[name] = max(peak or 0, before or 0) or None

    def close(self) -> None:
        """Have both sides forget their models."""
        self.ask_both("close")


def _to_isolate(match: Match, backend: str) -> Mapping[str, Any]:
    own = match.ours if backend == "torch" else match.theirs
    assert own is not None
    return {"call": match.name, "name": own["name"], "inputs": own["inputs"]}


def chunks(names: Sequence[str], sizes: Sequence[int], *, limit: int) -> list[list[str]]:
    """The names in order, in parts of at most ``limit`` (bytes, as ``sizes``), each of one name at least."""
    parts: list[list[str]] = []
    room = 0
    for name, size in zip(names, sizes, strict=True):
        if not parts or size > room:
            parts.append([])
            room = limit
        parts[-1].append(name)
        room -= size
    return parts
