"""Content of a result file. A number that was not measured is null; result_file reads and writes it."""

from dataclasses import fields
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from benchmarks.request.case import Case, batch_words
from benchmarks.results.row_parts import (
    ColdStart,
    Latency,
    LayerLeftOut,
    LayerTimes,
    Quantization,
    Roofline,
)
from benchmarks.results.service import MemoryGrowth, Service

SCHEMA_VERSION: Literal[1] = 1
UNEQUAL_SETTINGS = "settings differ"  # how the reason of two sides that cannot be compared begins
Status = Literal["ok", "unsupported", "out-of-memory", "crashed", "timeout"]
Verdict = Literal["torch faster", "paddle faster", "equal", "undecided", "invalid", "not comparable"]
OldVerdict = Literal["torch faster", "paddle faster", "no difference", "not comparable"]
ScalingVerdict = Literal["torch scales better", "paddle scales better", "equal", "undecided", "invalid"]
AgainstVerdict = Literal["faster", "slower", "equal", "undecided", "invalid", "not comparable"]
NOT_DECIDED = ("undecided", "invalid")


def _undecided(verdict: Any) -> Any:
    """Earlier files call "no difference" what was not decided."""
    return "undecided" if verdict == "no difference" else verdict


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", protected_namespaces=())


class CaseRecord(_Record):
    """The fields of a Case, as every row has them, as asked for.

    Where the two sides of a row differ, ``engine``, ``precision`` and ``layout`` name torch's and paddle's
    ("eager / deploy"), and ``threads`` is None.
    """

    phase: str
    engine: str
    precision: str
    layout: str = "NCHW"
    batch_size: int
    threads: int | None = None
    processes: int = 1
    beside: int = 0  # threads of Python work in the same process

    @property
    def case(self) -> Case:
        """The row's key; threads of 0 where two sides have different ones."""
        names = [field.name for field in fields(Case)]
        return Case(**{name: getattr(self, name) for name in names} | {"threads": self.threads or 0})


class Result(CaseRecord):
    """One combination on one backend: what was asked, what was in force, what was measured.

    ``images_per_second`` is of all ``processes``, each with this batch size and so many threads. It and the
    percentiles are of the undisturbed blocks, where there are some; ``step_seconds`` has all.
    """

    threads: int
    backend: str
    model: str
    num_classes: int
    input_shape: tuple[int, ...]  # of a pair whose first input is no image, that one's
    device: str
    loader: str
    settings_mode: str
    settings: dict[str, Any] | None = None
    status: Status
    reason: str | None = None
    images_per_second: float | None = None
    step_seconds: list[float] = []
    block_steps: list[int] = []  # how many of the steps belong to each block, in order
    block_processes: list[int] = []  # which of the processes that measured in turns ran each block
    block_counters: list[dict[str, float | int | None] | None] = []  # the kernel's, of each block
    block_disturbed: list[bool] = []  # by others, as these counters say; such blocks are left out
    quick_seconds: list[float] = []  # 5th percentile of each process's steps; of each block's, of one process
    latency_ms: Latency | None = None
    warmup_steps: int | None = None
    peak_memory_bytes: int | None = None
    compile_seconds: float | None = None
    import_seconds: float | None = None
    build_seconds: float | None = None
    load_seconds: float | None = None
    first_batch_seconds: float | None = None
    cold_start: ColdStart | None = None
    cold_start_reason: str | None = None  # why a process gave no first answer
    error: float | None = None  # of the logits, relative L2 from eager float64
    parameters: int | None = None
    flops_per_image: int | None = None
    deployed_bytes: int | None = None  # on disk: what an engine compiled ahead, else the weights
    bytes_per_image: int | None = None  # that a step's layers read and write at least, and its update
    fraction_of_matmul_peak: float | None = None  # of the machine's, the best that any row reaches
    roofline: Roofline | None = None
    joules_per_image: float | None = None  # of the GPU's whole board, by its own counter
    data_seconds: float | None = None
    forward_seconds: float | None = None
    backward_seconds: float | None = None
    optimizer_seconds: float | None = None
    last_outcome: float | None = None
    idle_cpu_seconds: float | None = None
    matmul_peak_flops: float | None = None  # a second, of this framework
    bandwidth_bytes: float | None = None  # a second, of its sum of two arrays too large for the caches
    best_matmul_flops: float | None = None  # of readings in all laps, where there were several
    best_bandwidth_bytes: float | None = None
    cost_per_million_images: float | None = None
    layers: list[LayerTimes] = []
    layers_left_out: list[LayerLeftOut] = []
    tuning: list[dict[str, Any]] = []  # what "tuned" tried
    scaling_efficiency: float | None = None  # of as many times the throughput of one process
    communicating_fraction: float | None = None  # of a step, beyond what is hidden behind computing
    unsynchronised_step_seconds: list[float] = []  # of steps that send no gradients
    quantization: Quantization | None = None  # of precision int8
    service: Service | None = None  # of phase serve
    memory_growth: MemoryGrowth | None = None  # of phase soak


class LargestBatch(_Record):
    """The largest batch of one combination on one side that stays below a limit of memory.

    ``largest_batch`` is 0 where not even one image does. ``next_batch`` is the smallest that was seen not to
    fit. ``tried`` has the bytes of each size that was tried; None where it ended for want of memory.
    """

    backend: str
    model: str
    phase: str
    engine: str
    precision: str
    layout: str
    threads: int
    processes: int = 1
    limit_bytes: int
    status: Status
    reason: str | None = None
    largest_batch: int | None = None
    peak_memory_bytes: int | None = None
    next_batch: int | None = None
    next_memory_bytes: int | None = None
    tried: dict[int, int | None] = {}


class Circumstances(_Record):
    """When a combination was measured, and what the machine did meanwhile, by all pairs of processes."""

    date: str  # of the last pair
    git_commit: str | None = None
    load_average: float | None = None
    other_cpu_fraction: float | None = None
    steal_fraction: float | None = None
    cpu_mhz: float | None = None
    gpu_state: list[dict[str, Any]] = []
    warnings: list[str] = []


class Remedy(_Record):
    """What an undecided ratio is uncertain by most, and the flags and minutes that would decide it."""

    dominant: Literal["rounds", "processes", "host"]
    flags: str
    minutes: float


class Comparison(CaseRecord):
    """Both backends in one combination.

    ``ratio`` is paddle's throughput over torch's, combined from the blocks of each round
    (``benchmarks.analysis.ratio``). It can differ slightly from the quotient of the two throughputs, which
    are those of the median step of all rounds. ``ratio_ci95`` is where the true ratio lies,
    ``repetition_ci95`` where that of a repetition does. Only blocks that nobody disturbed are in any of them;
    ``left_out`` is the share of the others.
    """

    model: str
    device: str
    settings: str
    torch_images_per_second: float | None = None
    paddle_images_per_second: float | None = None
    ratio: float | None = None
    ratio_ci95: tuple[float, float] | None = None
    repetition_ci95: tuple[float, float] | None = None
    margin: float | None = None  # percent, within which the two are equal
    torch_quick_seconds: list[float] = []  # see Result; a baseline is compared by them
    paddle_quick_seconds: list[float] = []
    noise: float | None = None
    drift: float | None = None  # of the ratio, from the first half of the rounds to the second
    pace: float | None = None  # by how much both became faster meanwhile: the machine
    outliers: float | None = None  # the part of the steps that took far longer, the worse of both
    round_ratios: list[float] = []  # of the undisturbed rounds, in the order measured
    left_out: float | None = None
    rounds: int | None = None
    pairs: int | None = None
    seconds: float | None = None
    complete: bool = True  # False: fewer pairs than were asked for, the run was cut off
    circumstances: Circumstances | None = None
    remedy: Remedy | None = None
    verdict: Annotated[Verdict, BeforeValidator(_undecided)]
    old_verdict: OldVerdict | None = Field(
        default=None, deprecated="Use verdict: what is here 'no difference' was not known to be equal."
    )
    reason: str | None = None


class BestSide(_Record):
    """The best that one backend reached."""

    engine: str
    precision: str
    layout: str = "NCHW"
    threads: int | None = None
    images_per_second: float


class Best(_Record):
    """The best of each side for one phase, batch size, number of processes and of neighbours; int8 apart.

    ``ratio`` is paddle's over torch's: the comparison's, where the two were compared with each other.
    """

    phase: str
    batch_size: int
    processes: int = 1
    beside: int = 0
    torch: BestSide
    paddle: BestSide
    ratio: float

    @property
    def batch(self) -> str:
        """The batch size, how many processes have such a batch each, and what works beside them.

        See ``Case.batch``.
        """
        return batch_words(self.batch_size, processes=self.processes, beside=self.beside)


class Scaling(CaseRecord):
    """Both backends' efficiency with several processes. ``ratio`` is paddle's over torch's."""

    model: str
    device: str
    torch_efficiency: float | None
    paddle_efficiency: float | None
    ratio: float
    ratio_ci95: tuple[float, float]
    verdict: Annotated[ScalingVerdict, BeforeValidator(_undecided)]


class Against(CaseRecord):
    """One combination here and in another version of the same backend, measured in turns.

    ``change`` is the speed here over the speed there, of the undisturbed steps; the interval is where it
    truly lies. Images a second are those of the median step, as everywhere.
    """

    here_images_per_second: float | None = None
    there_images_per_second: float | None = None
    parameters: int | None = None  # of the model here
    change: float | None = None
    change_ci95: tuple[float, float] | None = None
    noise: float | None = None
    max_regression: float | None = None  # percent that it may be slower
    verdict: Annotated[AgainstVerdict, BeforeValidator(_undecided)]
    regression: bool = False
    undecided: bool = False  # a change of what is allowed would not show
    left_out: float | None = None  # share of the blocks, which others disturbed
    circumstances: Circumstances | None = None
    reason: str | None = None
    there: Result | None = None


class Change(CaseRecord):
    """One combination against an earlier report: the backend that has lost, or alone was measured.

    ``change`` is its speed now over its speed before, ``noise`` how far that may be off with 95 % for all
    changes of the report together. ``own`` is the change of its own figure, corrected by the machine's
    ``drift``, where ``by`` is the ratio of both.
    """

    backend: str
    combination: str
    max_regression: float | None = None  # percent that it may be slower
    by: Literal["ratio", "speed"]
    change: float
    own: float | None = None
    drift: float | None = None
    noise: float
    regression: bool  # slower beyond the noise and what is allowed
    unclear: bool  # slower than is allowed, within the noise
    undecided: bool = False  # a change of what is allowed would not show, or it is invalid
    invalid: bool = False  # the machine disturbed one of the two measurements
    other_faster: bool


class Report(_Record):
    """File that `benchmarks.run --json` writes."""

    schema_version: Literal[1] = SCHEMA_VERSION
    environment: dict[str, Any]
    results: list[Result]
    against: list[Against] = []
    largest_batches: list[LargestBatch] = []
    missing: list[str] = []  # what was asked for and is not there yet: the run was cut off


class Epoch(BaseModel):
    """One epoch of a training run, as history.json has it, and whatever else that may hold."""

    epoch: int
    train_loss: float | None = None
    train_accuracy: float | None = None
    valid_loss: float | None = None
    valid_accuracy: float | None = None


class Curve(_Record):
    """A run of backends.train: where it lay, what it was, and its epochs."""

    folder: str
    backend: str | None = None
    recipe: str
    model: str
    epochs: list[Epoch]


class CompareReport(Report):
    """File that `benchmarks.compare --json` writes."""

    parity: dict[str, Any] | None
    comparisons: list[Comparison]
    best: list[Best]
    request: dict[str, Any] | None = None  # the flags: what was asked for
    regressions: list[Change] = []
    scaling: list[Scaling] = []
    curves: list[Curve] = []
