"""All stages of a comparison, in order, and the report that they make."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.manager.worker_process import WorkerFailure
from benchmarks.parity.judge.gap import DIFFERENCE, FAIL, PASS, TOLERANCE, Gap
from benchmarks.parity.judge.localization import Suspect
from benchmarks.parity.judge.verdicts import Verdicts
from benchmarks.parity.plan import CANNOT_COMPARE, EXCHANGED, GATE, INCOMPLETE, Plan
from benchmarks.parity.sides.lines import with_lines
from benchmarks.parity.sides.pair import CannotCompare, Pair
from benchmarks.parity.sides.recording import Recording
from benchmarks.parity.stages.attempts import Attempts
from benchmarks.parity.stages.exchange import weights_stage
from benchmarks.parity.stages.free_training import training_stage
from benchmarks.parity.stages.investigation import investigate
from benchmarks.parity.stages.one_batch import data_stage, metrics_stage, repeat_stage, result_stages
from benchmarks.parity.stages.optimizer import OWN, optimizer_names, optimizer_stage
from benchmarks.parity.stages.parameters import parameters_stage
from benchmarks.parity.stages.precision import precision_stage
from benchmarks.parity.stages.stage import ERROR, Stage
from benchmarks.parity.stages.tolerances import PRECISIONS
from benchmarks.parity.stages.train_mode import train_mode_stage
from benchmarks.parity.tensors.known_differences import KNOWN_DIFFERENCES, split_differences
from benchmarks.request.model_pair import Askable, ModelPair
from common.operations.table import differences_of

MOST_CAUSES = 6  # that are listed of all the operations of a model
FROM_RECORDING = ("repeat", "loss", "gradients", "train-mode", "float32", "bfloat16")
UNPAIRED_CAUSES = (
    "another number of classes, channels or layers",
    "a bias or a scale on one side only: paddle's InstanceNorm has both by default, torch's neither",
    'a part that one side does not use, such as an auxiliary head: leave it out with "NAME": null in a --map',
)


def run_gate(
    torch_side: Askable, paddle_side: Askable, *, subject: ModelPair, scratch: Path
) -> dict[str, Any]:
    """The stages that must hold before anything is timed.

    Returns the "parity" object of a result file.
    """
    return run_parity(
        torch_side, paddle_side, subject=subject, scratch=scratch, plan=Plan(stages=GATE, keeps_partial=False)
    )


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

    Every stage runs, whatever the stages before it have found. What is written lies in ``scratch`` and is
    removed again.
    ``on_stage`` is called with each stage's name as it begins. ``together``: both workers compute at once,
    each on threads of its own.
    """
    options: dict[str, Any] = {"device": device, "together": together, "equal_nan": plan.equal_nan}
    with Pair(torch_side, paddle_side, subject=subject, scratch=scratch, **options) as pair:
        try:
            stages = _stages(pair, plan, on_stage)
        except CannotCompare as error:
            broken = error.broken or not subject.foreign
            stages, verdict = [_unpaired(error)], None if broken else CANNOT_COMPARE
            first = {_layer(error.first["torch"]): _layer(error.first["paddle"])}
            report = _report(stages, verdict=verdict) | {"pairing": _trees(error)}
            return _with_lines(pair, report, first)
        stages = [_strictly(pair, stage) for stage in stages] if plan.strict else stages
        report = _report(stages) | {"evidence": _evidence(pair), "operations": _operations(pair)}
        first = report["first_divergence"]
        if first and not first["likely_causes"]:  # a layer of the user's own: what the model calls
            first["likely_causes"] = differences_of(*report["operations"])[:MOST_CAUSES]
        assert pair.pairing is not None
        report = _with_lines(pair, report, pair.pairing.layers | pair.partners)
        with suppress(WorkerFailure):
            pair.close()
    return report


def _stages(pair: Pair, plan: Plan, on_stage: Callable[[str], object]) -> list[Stage]:
    """Run the stages so that tensors can be deleted soonest.

    They are returned in the order of ORDER. Raises WorkerFailure if nothing can be compared at all.
    """
    attempts = Attempts(plan, on_stage)
    # Both models open, paired, and with the same weights and batch.
    on_stage("parameters")
    pair.open()
    pair.pair_parameters()
    pair.require_space()
    attempts.stages.append(parameters_stage(pair))
    pair.write_weights()
    pair.load_weights()
    if pair.subject.has("data"):
        attempts.add("data", lambda: data_stage(pair))
    if pair.subject.framework:
        attempts.add(EXCHANGED, lambda: weights_stage(pair))
    pair.write_batch(own_data=not any(stage.problem for stage in attempts.stages))
    # One pass over the batch in evaluation mode: most stages read its recording.
    recording = attempts.get("forward", pair.record)
    if recording is None:
        attempts.skip_all(FROM_RECORDING, because="forward ended in an exception")
    else:
        _evaluated_stages(pair, recording, attempts)
    if pair.subject.has("metric"):
        attempts.add("metrics", lambda: metrics_stage(pair))
    # Training last: it moves the weights.
    names = optimizer_names(pair, plan.optimizers)
    free = names if plan.optimizers or names == [OWN] else ["adam"]
    attempts.add_if_wanted("optimizer", lambda: optimizer_stage(pair, names=names, steps=plan.steps))
    attempts.add_if_wanted("training", lambda: training_stage(pair, names=free, steps=plan.steps))
    with suppress(WorkerFailure):  # a lost worker has no memory to report
        pair.read_memory()
    return attempts.in_order()


def _evaluated_stages(pair: Pair, recording: Recording, attempts: Attempts) -> None:
    """The stages that read the recording in evaluation mode."""
    attempts.add_if_wanted("repeat", lambda: repeat_stage(pair, recording))
    judged = attempts.get("gradients", lambda: _judged(pair, recording))
    if judged is not None:
        verdicts, stages = judged
        attempts.stages += stages
        recording.folders["paddle"].clear()
        # Lower precisions are held against torch's float64 tensors, which are large and deleted after them.
        for precision in PRECISIONS.values():
            attempts.add_if_wanted(precision.stage, partial(precision_stage, pair, verdicts, precision))
    pair.keep_layers_only(recording)
    attempts.add_if_wanted("train-mode", lambda: train_mode_stage(pair, recording))
    pair.forget(recording)


def _judged(pair: Pair, recording: Recording) -> tuple[Verdicts, list[Stage]]:
    """The verdicts of a recording, and the stages that they make."""
    verdicts = investigate(pair, recording)
    return verdicts, result_stages(pair, verdicts)


def _report(stages: Sequence[Stage], *, verdict: str | None = None) -> dict[str, Any]:
    # A stage that was not run for want of another one is never the first.
    broken = [stage for stage in stages if stage.verdict in (FAIL, ERROR)]
    failed = min(
        broken, key=lambda stage: stage.problem is not None and not stage.problem.backend, default=None
    )
    lost = [stage for stage in broken if stage.problem is not None and stage.problem.lost]
    found = INCOMPLETE if broken and len(lost) == len(broken) else FAIL if broken else PASS
    return {
        "verdict": verdict or found,
        "first_divergence": failed.divergence() if failed and verdict is None else None,
        "stages": [stage.as_json() for stage in stages],
        "known_differences": _differences(stages),
    }


def _with_lines(pair: Pair, report: dict[str, Any], partners: Mapping[str, str]) -> dict[str, Any]:
    """The report with the lines that define each layer to blame; ``partners``: paddle's layers by torch's."""
    stages = [
        stage | {"divergence": with_lines(pair, stage["divergence"], partners)} for stage in report["stages"]
    ]
    return report | {
        "first_divergence": with_lines(pair, report["first_divergence"], partners),
        "stages": stages,
    }


def _layer(parameter: str | None) -> str:
    """The layer that a parameter's name begins with."""
    return (parameter or "").rpartition(".")[0]


def _differences(stages: Sequence[Stage]) -> list[dict[str, Any]]:
    """Known differences of the frameworks that the stages have proven, with their tensors and size."""
    found: dict[str, list[tuple[str, Gap]]] = {}
    for stage in stages:
        for gap in stage.gaps:
            for name in split_differences(gap.difference):
                found.setdefault(name, []).append((stage.name, gap))
    return [
        {
            "difference": name,
            **asdict(KNOWN_DIFFERENCES[name]),
            "stage": gaps[0][0],
            "tensors": [gap.name for _, gap in gaps],
            "relative_l2": max(gap.relative_l2 for _, gap in gaps),
            "left": max(gap.reproduced_relative_l2 or 0.0 for _, gap in gaps),
        }
        for name, gaps in found.items()
    ]


def _strictly(pair: Pair, stage: Stage) -> Stage:
    """The stage with known differences of the frameworks as failures."""
    gaps = [replace(gap, verdict=FAIL) if gap.verdict == DIFFERENCE else gap for gap in stage.gaps]
    if stage.verdict != DIFFERENCE:  # it has failed anyway, and says of what
        return replace(stage, gaps=gaps)
    proven = next(gap for gap in stage.gaps if gap.verdict == DIFFERENCE)
    left = proven.reproduced_relative_l2 or 0.0
    words = f"a known difference of the frameworks, which explains it to {left:.0e}"
    causes = [f"{words}: {KNOWN_DIFFERENCES[name].sentence}" for name in split_differences(proven.difference)]
    path = f"{proven.name} departs by {proven.relative_l2:.1e}"
    suspect = Suspect(layer=pair.layer_of(proven.name), relative_l2=proven.relative_l2, path=path)
    return replace(stage, gaps=gaps, first=proven, suspect=suspect, causes=causes)


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


def _operations(pair: Pair) -> list[str]:
    """Torch's names of the layers and functions that the model uses: what the atlas is asked about."""
    if pair.subject.framework:  # the atlas knows how two frameworks differ
        return []
    found = dict.fromkeys(entry["base"] for entry in pair.described["torch"]["layers"])
    with suppress(WorkerFailure):  # a lost worker has no more to tell
        found |= dict.fromkeys(pair.ask("torch", "functions"))
    return [*found]


def _evidence(pair: Pair) -> dict[str, Any]:
    """Size, seed, tolerance and cost of the comparison."""
    subject = pair.subject
    return {
        "batch_size": subject.batch_size,
        "seed": subject.seed,
        "device": pair.device,
        "tolerance": TOLERANCE,
        "default_dtype": "float64" if pair.is_wide else "float32",
        "peak_memory_bytes": dict(pair.peak_memory_bytes),
        "peak_disk_bytes": pair.peak_disk_bytes,
    }
