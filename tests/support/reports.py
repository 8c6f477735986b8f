"""Reports made by hand, with every part that a page can show."""

import numpy as np
from scipy import stats

from benchmarks.analysis.best import best_of_each
from benchmarks.results.schema import Best, BestSide, CompareReport, Comparison, Latency, LayerTimes, Result


def quick(seconds, width):
    """Quick steps of six processes, such that their mean is known to ``width``."""
    signs = np.array([-1, 1, -1, 1, -1, 1])
    deviation = np.log1p(width) / stats.t.ppf(0.975, df=5)
    return list(seconds * np.exp(signs * deviation * np.sqrt(5)))


def result(backend, speed, *, engine="eager", phase="infer", batch_size=8, width=0.0, **more):
    """A row that was measured; ``speed`` in images a second, known to ``width``."""
    seconds = batch_size / speed
    facts = {
        "backend": backend, "model": "alexnet", "num_classes": 1000, "input_shape": (3, 224, 224),
        "phase": phase, "engine": engine, "precision": "fp32", "device": "cpu", "batch_size": batch_size,
        "threads": 2, "loader": "common", "settings_mode": "equalised", "settings": {"threads": 2},
        "status": "ok", "images_per_second": speed, "step_seconds": [seconds] * 20,
        "quick_seconds": quick(seconds, width),
        "latency_ms": Latency(p50=seconds * 1000, p95=seconds * 1100, p99=seconds * 1200),
        "error": 3e-7, "matmul_peak_flops": 1.5e11,
    }  # fmt: skip
    return Result(**facts | more)


def comparison(torch_speed, paddle_speed, *, width=0.02, noise=0.01, **more):
    """A pair; the interval is the ratio's ``width`` to both sides."""
    ratio = paddle_speed / torch_speed
    facts = {
        "model": "alexnet", "phase": "infer", "engine": "eager", "precision": "fp32", "device": "cpu",
        "batch_size": 8, "settings": "equalised", "threads": 2, "torch_images_per_second": torch_speed,
        "paddle_images_per_second": paddle_speed, "ratio": ratio,
        "ratio_ci95": (ratio * (1 - width), ratio * (1 + width)), "noise": noise,
        "repetition_ci95": (ratio * (1 - 1.4 * width), ratio * (1 + 1.4 * width)),
        "torch_quick_seconds": quick(8 / torch_speed, 0.0),
        "paddle_quick_seconds": quick(8 / paddle_speed, width),
        "verdict": "torch faster" if ratio < 1 else "paddle faster",
    }  # fmt: skip
    return Comparison(**facts | more)


def layers(factor):
    return [
        LayerTimes(name=name, type=kind, forward_seconds=t * factor, backward_seconds=2 * t, kernel=None)
        for name, kind, t in (("conv1", "Conv2d", 0.01), ("relu1", "ReLU", 0.001), ("fc6", "Linear", 0.004))
    ]


def report(torch_speed=100.0, paddle_speed=25.0, *, width=0.02):
    """A report with two engines, layers, parity, something unsupported and something hostile to pages."""
    gaps = [{"name": f"conv{i}.weight", "relative_l2": 10.0**-i} for i in (15, 14)]
    stage = {"stage": "gradients", "dtype": "float64", "verdict": "pass", "tolerance": 1e-12, "tensors": gaps}
    rows = [
        result("torch", torch_speed, layers=layers(1)),
        result("paddle", paddle_speed, layers=layers(5)),
        result("torch", 130.0, engine="deploy"),
        result("paddle", 128.0, engine="deploy"),
    ]
    lost = {
        "status": "crashed",
        "reason": "<script>alert('x')</script>; choose --engine compiled " + "verylongword" * 30,
    }
    rows += [
        result(name, 1.0, phase="train", **lost | {"images_per_second": None, "latency_ms": None})
        for name in ("torch", "paddle")
    ]
    sides = {
        name: BestSide(engine="deploy", precision="fp32", images_per_second=speed)
        for name, speed in (("torch", 130.0), ("paddle", 128.0))
    }
    return CompareReport(
        environment={"cpu": "a processor", "backends": {"torch": {"torch": "2"}}, "date": "2026-01-01"},
        results=rows,
        parity={"verdict": "pass", "stages": [stage]},
        comparisons=[
            comparison(torch_speed, paddle_speed, width=width),
            comparison(130.0, 128.0, engine="deploy", width=width, verdict="equal", margin=5.0),
            comparison(1.0, 1.0, phase="train", ratio=None, ratio_ci95=None, verdict="not comparable"),
        ],
        best=[Best(phase="infer", batch_size=8, ratio=128 / 130, **sides)],
    )


def swept_report():
    """96 comparisons: two phases, three engines, two precisions, eight batch sizes."""
    pairs, rows = [], []
    ways = [
        (p, e, f)
        for p in ("infer", "train")
        for e in ("eager", "compiled", "deploy")
        for f in ("fp32", "bf16")
    ]
    for place, (phase, engine, precision) in enumerate(ways):
        for step, batch_size in enumerate((1, 2, 4, 8, 16, 32, 64, 128)):
            case = {"phase": phase, "engine": engine, "precision": precision, "batch_size": batch_size}
            speed = 10.0 * batch_size**0.5
            ratio = 0.3 + 0.01 * step + 0.07 * place
            case |= {"margin": 5.0}
            pairs.append(comparison(speed, speed * ratio, **case))
            del case["margin"]
            rows += [result("torch", speed, **case), result("paddle", speed * ratio, **case)]
    environment = {"cpu": "a processor", "cores": 2, "date": "2026-01-01T00:00:00+00:00"}
    return CompareReport(
        environment=environment, results=rows, parity=None, comparisons=pairs, best=best_of_each(rows, pairs)
    )
