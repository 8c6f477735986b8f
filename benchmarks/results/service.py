"""What the phases serve and soak find: records of a result file."""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", protected_namespaces=())


class Together(_Record):
    """Runs at one rate that decided only together: so many of all their requests were over the limit."""

    runs: int
    requests: int
    over: int
    allowed: int


class ServedRun(_Record):
    """Requests that arrived at one rate, ``served`` of ``requests``, of which ``over`` took too long.

    Latency is from the drawn arrival to the end of the batch; ``late`` is how late the generator put a
    request into the queue while no worker computed. A percentile is None of too few. ``outcome`` is
    "generator" where the load generator could not keep up, so that nothing is known of the server, and "open"
    where the requests show neither that the limit is kept nor that it is not.
    ``filled_fraction`` is the part of the batches' places that was filled up. ``cut``: the run had
    failed, and was ended.
    """

    rate: float
    requests: int
    served: int
    over: int
    allowed: int
    outcome: Literal["passed", "failed", "generator", "open"]
    together: Together | None = None
    cut: bool = False
    disturbed: bool = False  # by others, as the kernel counted
    latency_p50_ms: float | None = None
    latency_p90_ms: float | None = None
    latency_p99_ms: float | None = None
    late_p50_ms: float | None = None
    late_p99_ms: float | None = None
    mean_batch: float | None = None
    filled_fraction: float | None = None
    mean_depth: float | None = None
    most_depth: int | None = None
    last_depth: int | None = None
    busy_fraction: float | None = None  # of the workers' time
    latencies_ms: list[float] = []
    counters: dict[str, float | int | None] | None = None


class RateBracket(_Record):
    """One repetition of the search: the highest rate that passed, the lowest that did not, and all runs.

    ``single_stream_ms`` has the latencies of requests of which each comes when the last is answered;
    ``offline_images_per_second`` is the throughput of requests that are all there.
    """

    process: int = 0
    passed: float | None = None
    failed: float | None = None
    by_generator: bool = False  # above ``passed`` it could not keep up
    disturbed: bool = False  # a run failed that others disturbed, each time that it was tried
    single_stream_ms: list[float] = []
    offline_images_per_second: float | None = None
    runs: list[ServedRun] = []

    @property
    def middle(self) -> float | None:
        """The middle of the bracket, on a logarithmic axis."""
        if self.passed is None or self.failed is None or self.by_generator:
            return None
        return float((self.passed * self.failed) ** 0.5)


class Service(_Record):
    """The highest rate of requests that keeps the limit, by all repetitions, and how it was found.

    None where no rate keeps it. ``passed`` and ``failed`` are the ends of the brackets: geometric means.
    """

    limit_ms: float
    percentile: float
    arrivals: Literal["poisson"] = "poisson"
    most_batch: int
    wait_ms: float
    workers: int
    highest_rate: float | None = None
    passed: float | None = None
    failed: float | None = None
    brackets: list[RateBracket] = []
    reason: str | None = None  # why there is no highest rate, or no end of it


class MemoryGrowth(_Record):
    """Resident memory over steps of many shapes, and by how much it grows in a hundred steps.

    ``resident_mib`` is that of the whole process after every ``every`` steps. The growth is that of the part
    after ``warm_steps``. ``would_show`` is the growth that would not be called steady.
    """

    shapes: list[int]
    most_batch: int
    asked_steps: int
    steps: int
    every: int
    warm_steps: int = 0
    resident_mib: list[float] = []
    mib_per_100_steps: float | None = None
    growth_interval: list[float] | None = None  # 95 %
    would_show: float | None = None
    verdict: Literal["grows", "steady", "shrinks", "too short"] = "too short"
    stopped: str | None = None  # why before the end
