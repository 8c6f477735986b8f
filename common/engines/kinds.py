"""Engines by name: when each compiles, and the reasons why it cannot run what is asked for."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from common.cli import UnavailableError


class Wanted(NamedTuple):
    """Request to an engine: precision, device, layout, and whether it trains."""

    precision: str
    device: str
    layout: str
    training: bool


Reason = tuple[Callable[[Wanted], bool], str]  # whether it applies; a sentence with the remedy
MIXED = ("bf16", "fp16")


@dataclass(frozen=True, kw_only=True)
class EngineKind:
    """One engine. ``neutral``: it belongs to neither framework, and computes what each exports.

    ``compiles`` says when: never, in the first step, or ahead, into files that the next process loads.
    """

    name: str
    compiles: Literal["never", "first", "ahead"]
    neutral: bool = False
    reasons: tuple[Reason, ...] = ()


class FrameworkLimits(NamedTuple):
    """Limits of a framework, whatever is asked for: its ``layouts``, and where it does not mix precisions.

    ``mixed_on_cpu`` are its engines that compute in bf16 or fp16 on a CPU; of the others ``unmixed`` says
    what happens instead. ``lacks`` has a sentence for each engine that the framework has not.
    """

    layouts: Collection[str]
    mixed_on_cpu: Collection[str]
    unmixed: str
    lacks: Mapping[str, str] = {}

    def reasons(self, kind: EngineKind) -> Iterator[Reason]:
        """Reasons that hold for an engine of this framework."""
        yield (lambda _: kind.name in self.lacks, self.lacks.get(kind.name, ""))
        yield (
            lambda wanted: wanted.layout not in self.layouts,
            f"layout {{layout}} cannot be had: the layers get theirs when they are written, here "
            f"{', '.join(self.layouts)}; choose that with --layout",
        )
        yield (
            lambda wanted: (
                wanted.precision in MIXED and wanted.device == "cpu" and kind.name not in self.mixed_on_cpu
            ),
            f"the {kind.name} engine computes {{precision}} on the CPU in float32 ({self.unmixed}); choose "
            f"--precision fp32 or fp64",
        )


OF_OWN_CODE: tuple[Reason, ...] = (
    (
        lambda wanted: wanted.precision == "int8",
        "models are quantised to be deployed; choose --engine deploy",
    ),
)
EAGER = EngineKind(name="eager", compiles="never", reasons=OF_OWN_CODE)
COMPILED = EngineKind(name="compiled", compiles="first", reasons=OF_OWN_CODE)
DEPLOY = EngineKind(
    name="deploy",
    compiles="ahead",
    reasons=(
        (
            lambda wanted: wanted.precision == "fp64",
            "models are deployed in fp32 or less; choose --engine eager or compiled",
        ),
    ),
)
ONNX_RUNTIME = EngineKind(
    name="onnxruntime",
    compiles="ahead",
    neutral=True,
    reasons=(
        (
            lambda wanted: (
                wanted.training or wanted.precision not in ("fp32", "int8") or wanted.layout != "NCHW"
            ),
            "the reference infers in fp32 or int8, and in NCHW; leave --reference out otherwise",
        ),
        (
            lambda wanted: wanted.device != "cpu",
            "the reference runs on the CPU; add --device cpu, or leave --reference out",
        ),
    ),
)
ENGINE_KINDS = {kind.name: kind for kind in (EAGER, COMPILED, DEPLOY, ONNX_RUNTIME)}
OF_AHEAD: tuple[Reason, ...] = (
    (lambda wanted: wanted.training, "deployed models do not train; choose --engine eager or compiled"),
)
OF_EVERY_ENGINE: tuple[Reason, ...] = (
    (
        lambda wanted: wanted.precision == "int8" and (wanted.device != "cpu" or wanted.layout != "NCHW"),
        "int8 is quantised for the CPU and NCHW; add --device cpu, or choose another precision",
    ),
    (
        lambda wanted: wanted.precision == "tf32" and wanted.device == "cpu",
        "tf32 is a precision of GPUs; choose fp32, or a GPU with --device",
    ),
)


def require_possible(engine: str, wanted: Wanted, limits: FrameworkLimits | None = None) -> None:
    """Raise UnavailableError with the first reason why an engine cannot run what is wanted."""
    kind = ENGINE_KINDS[engine]
    ahead = OF_AHEAD if kind.compiles == "ahead" else ()
    of_framework = limits.reasons(kind) if limits else ()
    for applies, reason in (*kind.reasons, *ahead, *OF_EVERY_ENGINE, *of_framework):
        if applies(wanted):
            raise UnavailableError(reason.format(**wanted._asdict()))
