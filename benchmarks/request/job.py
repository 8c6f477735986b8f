"""A job as it travels from the parent to a worker, and what comes back of it: plain data, JSON on the way."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from backends.open_model import ModelSpec
from benchmarks.request.case import Case
from common.runtime.settings import Settings


@dataclass(frozen=True, kw_only=True)
class ImageSource:
    """A list of real images, and how they are read inside the measured time."""

    list: str
    root: str | None  # folder of the images; None: the list's
    input_shape: tuple[int, int, int]
    loader: str = "common"
    workers: int = 0
    augment: bool = False
    seed: int = 0

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "ImageSource":
        """The reverse of ``dataclasses.asdict``."""
        return cls(**{**values, "input_shape": tuple(values["input_shape"])})


# Fields of a JobSpec that earlier versions do not have.
NEWER = ("loss", "servers", "sides", "calibration", "known", "least_bytes")


@dataclass(frozen=True, kw_only=True)
class JobSpec:
    """A case, its model, and the files that it needs.

    Each step takes the fixed batch in the file ``inputs``, or reads its own from ``images``. What an engine
    compiles, and the float64 logits that it is held against, lie in the folder ``artefacts``. Without
    ``equalise`` the framework's settings stay as they are.
    """

    case: Case
    model: ModelSpec
    equalise: bool
    weights: str = ""
    artefacts: str = ""
    inputs: str | None = None
    images: ImageSource | None = None
    loss: str = ""  # MODULE:CALLABLE of the user's own, (logits, labels) -> a number; "": cross-entropy
    servers: int = 1  # models that serve, in phase serve
    sides: tuple[int, ...] = ()  # of the images, in phase soak
    calibration: str = ""  # file of real images, for int8; see common.engines.int8
    known: bool = False  # an earlier process has found what the model is, and what it computes in
    least_bytes: int = 0  # that its steps hold at least, where that is known

    @property
    def device(self) -> str:
        """Where the model is built and run."""
        return self.model.device

    @property
    def threads(self) -> int | None:
        """Threads to be set; None where the framework chooses."""
        return self.case.threads if self.equalise else None

    def artefact_folder(self, backend: str, *, images: Any) -> Path:
        """Where a backend keeps what it compiled ahead for a batch like ``images``."""
        case = self.case
        words = (backend, case.engine, case.precision, case.layout, *images.shape)
        return Path(self.artefacts) / "-".join(map(str, words))

    def to_json(self) -> dict[str, Any]:
        """As JSON can hold it.

        What is as it always was is left out, so that an earlier version's worker reads it, too.
        """
        values = asdict(self) | {"model": self.model.to_json(), "case": self.case.to_json()}
        defaults = {each.name: each.default for each in fields(self) if each.name in NEWER}
        return {
            name: value for name, value in values.items() if name not in defaults or value != defaults[name]
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "JobSpec":
        """The reverse of ``to_json``."""
        images = values["images"]
        return cls(
            **{
                **values,
                "case": Case(**values["case"]),
                "model": ModelSpec(**values["model"]),
                "images": images and ImageSource.from_json(images),
                "sides": tuple(values.get("sides", ())),
            }
        )


@dataclass(frozen=True, kw_only=True)
class JobFacts:
    """Facts of a prepared job: the settings in force, its model, what preparing took.

    ``error`` is the relative L2 of the logits from eager float64. None: not applicable, or not measured.
    """

    settings: Settings
    device: str
    parameters: int | None = None
    flops_per_image: int | None = None
    least_bytes: int | None = None  # that a step holds at least, on the CPU
    moved_per_image: int | None = None  # numbers that all layers take and put out in a forward pass
    build_seconds: float | None = None
    load_seconds: float | None = None
    compile_seconds: float | None = None
    error: float | None = None
    deployed_bytes: int | None = None  # on disk: what the engine compiled ahead, else the weights
    quantization: dict[str, Any] | None = None  # of int8: see benchmarks.results.row_parts.Quantization

    def to_json(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "JobFacts":
        """The reverse of ``to_json``."""
        return cls(**{**values, "settings": Settings(**values["settings"])})
