"""Roofline: what bounds a step on this machine, arithmetic or memory, and how much of that was reached.

Williams, Waterman, Patterson (2009), https://doi.org/10.1145/1498765.1498785. No step of so many operations
and bytes is shorter than the operations take at the machine's peak, or the bytes at its bandwidth. Both sides
are held against one machine: the best that either framework reached in the run.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

from benchmarks.results.row_parts import Roofline
from benchmarks.results.schema import Result
from common.language import ENGLISH, Language

ELEMENT_BYTES = {"fp64": 8, "fp32": 4, "tf32": 4, "bf16": 2, "fp16": 2, "int8": 1}
FAR = 0.5  # of the bound: who reaches less is held up by something else
UPDATE = 5  # times that momentum goes over a parameter: reads three arrays, writes two
MATMUL, BANDWIDTH = (  # the one reading of a row, and the best of several
    ("matmul_peak_flops", "best_matmul_flops"),
    ("bandwidth_bytes", "best_bandwidth_bytes"),
)
Key = Callable[[Result], tuple[object, ...]]


def flops_of_step(phase: str, forward: int) -> int | None:
    """Operations for one image of a whole step, of ``forward`` in the forward pass alone.

    Training computes the gradients of inputs and of weights, each as much again as the forward pass. (The
    first layer's inputs need none: where it is a tenth of the network, this counts 3 % too much.)
    """
    return {"infer": forward, "train": 3 * forward}.get(phase)


def bytes_of_step(
    phase: str, *, precision: str, moved: int | None, parameters: int | None, batch_size: int
) -> int | None:
    """Bytes for one image that a step reads and writes where no layer is fused with another.

    ``moved`` are the numbers that all layers take and put out in a forward pass, for one image. Weights are
    read once a batch. The backward pass goes over each twice, the update over each parameter in float32.
    """
    if moved is None or parameters is None or phase not in ("infer", "train"):
        return None
    forward = ELEMENT_BYTES[precision] * (moved + parameters / batch_size)
    if phase == "infer":
        return round(forward)
    return round(3 * forward + UPDATE * max(ELEMENT_BYTES[precision], 4) * parameters / batch_size)


def on_one_machine(rows: Iterable[Result]) -> list[Result]:
    """The rows of one run, all held against the same peak and the same bandwidth.

    An engine of the slower framework would else reach several times "the peak".
    """
    rows = list(rows)
    peaks = _best(rows, MATMUL, lambda row: (*_place(row), row.precision))
    bandwidths = _best(rows, BANDWIDTH, _place)
    found = []
    for row in rows:
        peak, bandwidth = peaks.get((*_place(row), row.precision)), bandwidths.get(_place(row))
        explained = _explained(row, peak, bandwidth)
        found.append(row.model_copy(update=explained) if explained else row)
    return found


def bound_words(row: Result, say: Language = ENGLISH) -> str:
    """What bounds a row, for people; "-" where it is not known."""
    found = row.roofline
    if found is None:
        return "-"
    if found.fraction > 1:
        message = "above the {bound} bound: {share}"
        return say(message, bound=say(found.bound), share=f"{found.fraction:.0%}")
    if found.fraction < FAR:
        part = f"{found.fraction:.0%}" if found.fraction >= 0.1 else f"{found.fraction:.1%}"
        return say("far below both: {share} of {bound}", share=part, bound=say(found.bound))
    return say("{bound}-bound: {share}", bound=say(found.bound), share=f"{found.fraction:.0%}")


def machine_words(rows: Sequence[Result], say: Language = ENGLISH) -> str | None:
    """The peaks and the bandwidth that the rows are held against; None where none was measured."""
    rows = [row for row in rows if row.roofline]
    if not rows:
        return None
    peaks = _best(rows, MATMUL, lambda row: (row.precision,))
    texts = (
        say("{speed} GFLOP/s in {precision}", speed=f"{peak / 1e9:,.0f}", precision=precision)
        for (precision,), peak in peaks.items()
    )
    bandwidth = max(map(_reached(BANDWIDTH), rows))
    return say(
        "a matrix product reached {peaks}, the sum of two large arrays {bandwidth} GB/s",
        peaks=", ".join(texts),
        bandwidth=f"{bandwidth / 1e9:,.1f}",
    )


def _place(row: Result) -> tuple[object, ...]:
    """What of a row the machine's best belongs to: sides that set themselves may have different threads."""
    return row.device, row.processes, row.threads if row.settings_mode == "equalised" else None


def _reached(names: Sequence[str]) -> Callable[[Result], float]:
    """The most that a row has under some names; 0 where it has nothing."""
    return lambda row: max(getattr(row, name) or 0.0 for name in names)


def _best(rows: Sequence[Result], names: Sequence[str], key: Key) -> dict[tuple[object, ...], float]:
    best: dict[tuple[object, ...], float] = {}
    for row in rows:
        best[key(row)] = max(best.get(key(row), 0.0), _reached(names)(row))
    return {place: value for place, value in best.items() if value}


def _explained(row: Result, peak: float | None, bandwidth: float | None) -> dict[str, Any]:
    """The part of the peak, and the bound; nothing of a row that has no arithmetic."""
    flops, speed = flops_of_step(row.phase, row.flops_per_image or 0), row.images_per_second
    if not (flops and speed and peak):
        return {}
    computing = flops / (peak * row.processes)  # the peak is that of one process
    found: dict[str, Any] = {"fraction_of_matmul_peak": computing * speed}
    if bandwidth and row.bytes_per_image and row.processes == 1:  # processes share the memory
        moving = row.bytes_per_image / bandwidth
        bound: Literal["compute", "memory"] = "compute" if computing >= moving else "memory"
        found["roofline"] = Roofline(bound=bound, fraction=max(computing, moving) * speed)
    return found
