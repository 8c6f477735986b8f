"""Rows of a result file: what was measured, or why it was not."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from statistics import median
from typing import Any

import numpy as np

from benchmarks.analysis.memory_growth import memory_growth
from benchmarks.analysis.quick_steps import quick_seconds
from benchmarks.analysis.ratio import percentiles_ms
from benchmarks.analysis.roofline import bytes_of_step
from benchmarks.analysis.scaling import communicating
from benchmarks.analysis.serving import service_of
from benchmarks.manager.worker_process import WorkerFailure
from benchmarks.request.case import Case
from benchmarks.request.request import Request
from benchmarks.request.service import SERVE, SOAK
from benchmarks.results.row_parts import ColdStart, Latency, LayerLeftOut, LayerTimes, Quantization
from benchmarks.results.samples import Block, Measured
from benchmarks.results.schema import Result
from benchmarks.results.service import RateBracket


def measured_row(request: Request, name: str, case: Case, measured: Measured) -> Result:
    """The result row of a measured combination."""
    facts, blocks = measured.facts, measured.undisturbed
    steps = [step for block in blocks for step in block.step_seconds]
    starting = measured.starting is not None
    # A start has no throughput; the median is over raw steps of all undisturbed blocks.
    speed = None if starting or not steps else case.batch_size * case.processes / float(np.median(steps))
    own = _of_service(request, case, measured)
    speed = own.get("images_per_second", speed)
    row = Result(
        **_asked(request, name, case)
        | {"device": facts.device, "threads": facts.settings.threads or case.threads}
        | _of_blocks(measured.blocks)
        | _of_model(case, measured)
        | _of_parts(measured),
        status="ok",
        settings=facts.settings.to_json(),
        images_per_second=speed,
        step_seconds=measured.step_seconds,
        quick_seconds=quick_seconds(blocks) if steps else [],
        latency_ms=Latency.model_validate({"n": len(steps)} | percentiles_ms(steps)) if steps else None,
        warmup_steps=measured.warmup_steps,
        peak_memory_bytes=measured.peak_memory_bytes,
        error=facts.error,
        cost_per_million_images=cost_per_million(request.price_per_hour, speed),
        joules_per_image=joules_per_image(blocks, batch_size=case.batch_size),
        cold_start=cold_start(measured.starts),
        cold_start_reason=measured.start_reason,
        layers=[LayerTimes(**layer) for layer in measured.layers if "reason" not in layer],
        layers_left_out=[LayerLeftOut(**layer) for layer in measured.layers if "reason" in layer],
        tuning=measured.tuning,
        communicating_fraction=communicating(steps, measured.unsynchronised_seconds),
        unsynchronised_step_seconds=measured.unsynchronised_seconds,
        last_outcome=measured.last_outcome,
        idle_cpu_seconds=measured.idle_cpu_seconds,
    )
    return row.model_copy(update=own)


def cold_start(starts: Sequence[Mapping[str, float]]) -> ColdStart | None:
    """Medians of each part, and each start's whole; None without one."""
    if not starts:
        return None
    totals = [sum(one.values()) for one in starts]
    parts = {f"{part}_seconds": median(one[part] for one in starts) for part in starts[0]}
    return ColdStart(starts=len(starts), total_seconds=median(totals), totals=totals, **parts)


def _of_parts(measured: Measured) -> dict[str, Any]:
    """Seconds of each part of a step, and of a start."""
    facts, starting = measured.facts, measured.starting is not None
    parts = ("import", "build", "first_batch", "data", "forward", "backward", "optimizer")
    return {f"{part}_seconds": measured.part_seconds(part) for part in parts} | {
        "compile_seconds": facts.compile_seconds,
        "load_seconds": measured.part_seconds("load") if starting else facts.load_seconds,
    }


def _of_model(case: Case, measured: Measured) -> dict[str, Any]:
    """What the model computes and moves, and what the machine can at best."""
    facts = measured.facts
    return {
        "parameters": facts.parameters,
        "deployed_bytes": facts.deployed_bytes,
        "quantization": Quantization.model_validate(facts.quantization) if facts.quantization else None,
        "flops_per_image": facts.flops_per_image,
        "matmul_peak_flops": measured.matmul_peak_flops,
        "bandwidth_bytes": measured.bandwidth_bytes,
        "best_matmul_flops": measured.best_matmul_flops,
        "best_bandwidth_bytes": measured.best_bandwidth_bytes,
        "bytes_per_image": bytes_of_step(
            case.phase,
            precision=case.precision,
            moved=facts.moved_per_image,
            parameters=facts.parameters,
            batch_size=case.batch_size,
        ),
    }


def _of_service(request: Request, case: Case, measured: Measured) -> dict[str, Any]:
    """What the rows of phases serve and soak have of their own."""
    if case.phase == SERVE and request.serve is not None:
        service = service_of(request.serve, [RateBracket.model_validate(one) for one in measured.brackets])
        return {"service": service, "images_per_second": service.highest_rate}
    if case.phase == SOAK and request.soak is not None:
        found = memory_growth(request.soak, measured.soaked, most_batch=case.batch_size)
        seconds = sum(measured.step_seconds)
        images = measured.soaked.get("images", 0)
        return {"memory_growth": found, "images_per_second": images / seconds if seconds else None}
    return {}


def _of_blocks(blocks: Sequence[Block]) -> dict[str, Any]:
    """One value a block, disturbed ones too."""
    return {
        "block_steps": [len(block.step_seconds) for block in blocks],
        "block_processes": [block.process for block in blocks],
        "block_counters": [block.counters.to_json() if block.counters else None for block in blocks],
        "block_disturbed": [block.disturbed for block in blocks],
    }


def failed_row(request: Request, case: Case, failure: WorkerFailure) -> Result:
    """The result row of a combination that could not be measured."""
    return Result(**_asked(request, failure.backend, case), status=failure.status, reason=failure.explained)


def _asked(request: Request, name: str, case: Case) -> dict[str, Any]:
    return asdict(case) | {
        "backend": name,
        "model": request.model,
        "num_classes": request.num_classes,
        "input_shape": request.input_shape,
        "device": request.device,
        "loader": request.loader,
        "settings_mode": request.settings_mode,
    }


def cost_per_million(price_per_hour: float | None, images_per_second: float | None) -> float | None:
    """Cost of a million images, in the currency of the price.

    Returns None without one.
    """
    if price_per_hour is None or images_per_second is None:
        return None
    return price_per_hour / 3600 / images_per_second * 1e6


def joules_per_image(blocks: Sequence[Block], *, batch_size: int) -> float | None:
    """Joules of all blocks over their images: the counter is read twice a block, and ticks coarsely.

    Returns None if that of a block is not known.
    """
    joules = [block.joules for block in blocks if block.joules is not None]
    images = batch_size * sum(len(block.step_seconds) for block in blocks)
    return sum(joules) / images if images and len(joules) == len(blocks) else None
