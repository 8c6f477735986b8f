"""All stages of a comparison, in order, and the report that they make."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.parity.judge.gap import FAIL, PASS, TOLERANCE, Gap
from benchmarks.parity.judge.localization import Suspect
from benchmarks.parity.sides.pair import CannotCompare, Pair
from benchmarks.parity.sides.recording import Recording
from benchmarks.parity.stages.free_training import training_stage
from benchmarks.parity.stages.investigation import investigate
from benchmarks.parity.stages.one_batch import data_stage, metrics_stage, repeat_stage, result_stages
from benchmarks.parity.stages.optimizer import OWN, optimizer_names, optimizer_stage
from benchmarks.parity.stages.parameters import parameters_stage
from benchmarks.parity.stages.precision import precision_stage
from benchmarks.parity.stages.stage import Stage
from benchmarks.parity.stages.tolerances import PRECISIONS
from benchmarks.parity.stages.train_mode import train_mode_stage
from benchmarks.request.model_pair import Askable, ModelPair

CANNOT_COMPARE = "cannot-compare"
ORDER = (
    "parameters",
    "data",
    "repeat",
    "forward",
    "loss",
    "gradients",
    "metrics",
    "optimizer",
    "train-mode",
    "training",
    *(precision.stage for precision in PRECISIONS.values()),
)
UNPAIRED_CAUSES = (
    "another number of classes, channels or layers",
    "a bias or a scale on one side only: paddle's InstanceNorm has both by default, torch's neither",
    'a part that one side does not use, such as an auxiliary head: leave it out with "NAME": null in a --map',
)
GATE = ("parameters", "forward", "loss", "gradients")  # what must hold before anything is timed


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Which stages are run, for how many steps, with which optimizers (none: all of them)."""

    stages: Sequence[str] = ORDER
    steps: int = 1
    optimizers: Sequence[str] = ()


def run_gate(
    torch_side: Askable, paddle_side: Askable, *, subject: ModelPair, scratch: Path
) -> dict[str, Any]:
    """The stages that must hold before anything is timed.

    Returns the "parity" object of a result file.
    """
    return run_parity(torch_side, paddle_side, subject=subject, scratch=scratch, plan=Plan(stages=GATE))


def run_parity(
    torch_side: Askable,
    paddle_side: Askable,
    *,
    subject: ModelPair,
    scratch: Path,
    plan: Plan,
    device: str = "cpu",
    on_stage: Callable[[str], object] = lambda _: None,
    together: bool = False,
) -> dict[str, Any]:
    """Compare both sides stage by stage.

    All run, whatever the ones before have found. What is written lies in ``scratch`` and is removed again.
    ``on_stage`` is called with each stage's name as it begins. ``together``: both workers compute at once,
    each on threads of its own.
    """
    sides = {"torch_side": torch_side, "paddle_side": paddle_side}
    with Pair(**sides, subject=subject, scratch=scratch, device=device, together=together) as pair:
        try:
            stages = _stages(pair, plan, on_stage)
        except CannotCompare as error:
            broken = error.broken or not subject.foreign
            stages, verdict = [_unpaired(error)], None if broken else CANNOT_COMPARE
            return _report(stages, verdict=verdict) | {"pairing": _trees(error)}
        report = _report(stages) | {"evidence": _evidence(pair)}
        pair.close()
    return report


def _stages(pair: Pair, plan: Plan, on_stage: Callable[[str], object]) -> list[Stage]:
    """Run the stages so that tensors can be deleted soonest.

    Return them in the order of ORDER.
    """
    wanted, stages = plan.stages, []
    # Both models open, paired, and with the same weights and batch.
    on_stage("parameters")
    pair.open()
    pair.pair_parameters()
    pair.require_space()
    stages.append(parameters_stage(pair))
    pair.write_weights()
    pair.load_weights()
    if pair.subject.has("data"):
        on_stage("data")
        stages.append(data_stage(pair))
    pair.write_batch()
    # One pass over the batch in evaluation mode: most stages read its recording.
    on_stage("forward")
    recording = pair.record()
    if "repeat" in wanted:
        on_stage("repeat")
        stages.append(repeat_stage(pair, recording))
    on_stage("gradients")
    verdicts = investigate(pair, recording)
    stages += result_stages(pair, verdicts)
    recording.folders["paddle"].clear()
    # Lower precisions are held against torch's float64 tensors, which are large and deleted after them.
    for precision in PRECISIONS.values():
        if precision.stage in wanted:
            on_stage(precision.stage)
            stages.append(precision_stage(pair, verdicts, precision))
    pair.keep_layers_only(recording)
    # Training last: it moves the weights.
    if pair.subject.has("metric"):
        stages.append(metrics_stage(pair))
    stages += _training_stages(pair, recording, plan, on_stage)
    pair.forget(recording)
    pair.read_memory()
    return sorted(stages, key=lambda stage: ORDER.index(stage.name))


def _training_stages(
    pair: Pair, recording: Recording, plan: Plan, on_stage: Callable[[str], object]
) -> list[Stage]:
    stages, names = [], optimizer_names(pair, plan.optimizers)
    if "train-mode" in plan.stages:
        on_stage("train-mode")
        stages.append(train_mode_stage(pair, recording))
    if "optimizer" in plan.stages:
        on_stage("optimizer")
        stages.append(optimizer_stage(pair, names=names, steps=plan.steps))
    if "training" in plan.stages:
        on_stage("training")
        free = names if plan.optimizers or names == [OWN] else ["adam"]
        stages.append(training_stage(pair, names=free, steps=plan.steps, keys=recording.roundings))
    return stages


def _report(stages: Sequence[Stage], *, verdict: str | None = None) -> dict[str, Any]:
    failed = next((stage for stage in stages if stage.verdict == FAIL), None)
    return {
        "verdict": verdict or (FAIL if failed else PASS),
        "first_divergence": failed.divergence() if failed and verdict is None else None,
        "stages": [stage.as_json() for stage in stages],
    }


def _unpaired(error: CannotCompare) -> Stage:
    """The parameters of both sides, with the first that does not fit."""
    name = error.first["torch"] or error.first["paddle"] or "parameters"
    gap = Gap(
        name=name,
        shape=(),
        relative_l2=float("inf"),
        max_abs=float("inf"),
        tolerance=0.0,
        verdict=FAIL,
        note=None,
    )
    suspect = Suspect(layer=name.rpartition(".")[0] or None, relative_l2=None, path=str(error))
    return Stage(
        name="parameters",
        dtype=None,
        tolerance=None,
        gaps=[gap],
        first=gap,
        suspect=suspect,
        causes=UNPAIRED_CAUSES,
    )


def _trees(error: CannotCompare) -> dict[str, Any]:
    return {
        "reason": str(error),
        "first": error.first,
        "map": error.proposal,
        **{name: error.described[name]["parameters"] for name in ("torch", "paddle")},
    }


def _evidence(pair: Pair) -> dict[str, Any]:
    """Cost of the comparison, and the versions it was made with."""
    subject = pair.subject
    return {
        "batch_size": subject.batch_size,
        "seed": subject.seed,
        "device": pair.device,
        "tolerance": TOLERANCE,
        "peak_memory_bytes": dict(pair.peak_memory_bytes),
        "peak_disk_bytes": pair.peak_disk_bytes,
    }
