"""Parts of a row of results: what was measured beside its speed."""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", protected_namespaces=())


class Latency(_Record):
    """Percentiles of the times of ``n`` steps, in milliseconds; None where these are too few for one."""

    p50: float
    p95: float | None = None
    p99: float | None = None
    n: int | None = None


class Roofline(_Record):
    """The bound of a step, and the part of it that was reached.

    ``bound`` is "compute" or "memory", whichever takes longer at the machine's best; ``fraction`` is the
    time of that over the time taken. See benchmarks.analysis.roofline.
    """

    bound: Literal["compute", "memory"]
    fraction: float


class LayerTimes(_Record):
    """Median seconds of one layer alone, forward and backward, and what its forward pass ran in.

    ``counterpart`` is the other side's name of the layer: None if it is the same, "" if there is none.
    """

    name: str
    type: str
    forward_seconds: float
    backward_seconds: float
    kernel: str | None = None
    counterpart: str | None = None
    input_shape: list[int] | None = None  # of its first tensor, with the batch
    output_shape: list[int] | None = None


class LayerLeftOut(_Record):
    """A layer that could not be timed alone, and why."""

    name: str
    type: str
    reason: str


class Quantization(_Record):
    """The price of int8, on real images that it was not calibrated on, from eager float32.

    ``classes`` are those that float32 names: where it is one, an agreement says little. Of a model's
    convolutions and matrix products ``int8_operations`` computed in int8.
    """

    images: int
    relative_l2: float  # of the logits
    top1_agreement: float
    classes: int
    int8_operations: int
    operations: int


class ColdStart(_Record):
    """Seconds from the start of a process to its first answer, the median of each part over ``starts``.

    Files were in the machine's cache, and what is compiled ahead was compiled. ``totals`` are each start's.
    """

    starts: int
    import_seconds: float  # of the interpreter and the framework
    build_seconds: float  # of the model
    load_seconds: float  # of its weights, or of what was compiled ahead
    first_batch_seconds: float  # the first answer; an engine that compiles then does so in it
    total_seconds: float
    totals: list[float]
