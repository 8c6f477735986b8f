"""Reports made by hand, with every part that a page can show."""

import numpy as np
from scipy import stats

from benchmarks.analysis.best import best_of_each
from benchmarks.results.row_parts import ColdStart, Latency, LayerTimes, Quantization, Roofline
from benchmarks.results.schema import Best, BestSide, Change, CompareReport, Comparison, Curve, Epoch, Result
from benchmarks.results.service import MemoryGrowth, RateBracket, ServedRun, Service


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


def pictured_report():
    """A report with every picture: rounds, parts of a step, layers, serve, soak, curves, batch sizes."""
    found = report()
    found.parity["stages"].append({"stage": "loss", "dtype": "float64", "verdict": "pass", "tensors": []})
    parts = {"forward_seconds": 0.03, "backward_seconds": 0.06, "optimizer_seconds": 0.004}
    steps = {
        "layers": layers(1),
        "roofline": Roofline(bound="compute", fraction=0.4),
        "parameters": 61_100_840,
    }
    for size in (8, 16):
        found.results += [
            result("torch", 90.0 + size, phase="train", batch_size=size, **parts, **steps),
            result("paddle", 30.0 + size, phase="train", batch_size=size, **parts | {"layers": layers(4)}),
        ]
        case = {"phase": "train", "batch_size": size, "round_ratios": [0.3, 0.31, 0.29, 0.33], "margin": 5.0}
        found.comparisons.append(comparison(90.0 + size, 30.0 + size, **case))
    found.results += [
        result(
            name,
            41.2,
            phase="serve",
            service=served(served_run(20.1, 12.0), served_run(40.2, 30.0), served_run(42.2, 90.0, over=9)),
            memory_growth=grown(),
        )
        for name in ("torch", "paddle")
    ]
    found.results[0].cold_start = ColdStart(
        starts=2,
        import_seconds=1.9,
        build_seconds=0.41,
        load_seconds=0.12,
        first_batch_seconds=0.07,
        total_seconds=2.5,
        totals=[2.4, 2.6],
    )
    price = {"images": 64, "relative_l2": 0.021, "top1_agreement": 0.97, "classes": 9}
    found.results[2].quantization = Quantization(int8_operations=20, operations=21, **price)
    found.environment["installed_bytes"] = {"torch": 1_200 << 20, "paddle": 771 << 20}
    case = {"phase": "infer", "engine": "eager", "precision": "fp32", "batch_size": 8, "threads": 2}
    change = {"by": "ratio", "change": 0.83, "own": 0.81, "drift": 0.99, "noise": 0.04, "max_regression": 5.0}
    flags = {"regression": True, "unclear": False, "other_faster": False}
    name = {"backend": "paddle", "combination": "infer eager fp32 batch 8"}
    found.regressions = [Change(**case, **change, **flags, **name)]
    tried = {"engine": "eager", "precision": "fp32", "layout": "NCHW", "threads": 2}
    found.results[0].tuning = [tried | {"images_per_second": 99.0, "outcome": "chosen"}]
    epochs = [Epoch(epoch=n, train_loss=1 / n, valid_accuracy=0.9) for n in (1, 2, 3)]
    found.curves = [
        Curve(folder=f"run-{name}", backend=name, recipe="digits", model="lenet5", epochs=epochs)
        for name in ("torch", "paddle")
    ]
    found.best = best_of_each(found.results, found.comparisons)
    return found


def served_run(rate, latency, **more):
    """Requests at one rate, with a median latency in milliseconds."""
    values = {f"latency_p{rank}_ms": latency * rank / 50 for rank in (50, 90, 99)}
    facts = {"requests": 1307, "served": 1307, "over": 0, "allowed": 5, "outcome": "passed"}
    return ServedRun(rate=rate, latencies_ms=[latency] * 1307, busy_fraction=0.5, **facts | values | more)


def served(*runs, **more):
    """A search for the highest rate that made these runs."""
    facts = {"limit_ms": 50.0, "percentile": 0.99, "most_batch": 4, "wait_ms": 2.0, "workers": 2}
    facts |= {"highest_rate": 41.2, "passed": 40.2, "failed": 42.2}
    bracket = RateBracket(passed=40.2, failed=42.2, runs=list(runs), single_stream_ms=[7.0] * 64)
    return Service(brackets=[bracket], **facts | more)


def grown(**more):
    """Memory that grows over many shapes."""
    facts = {"shapes": [224, 256], "most_batch": 8, "asked_steps": 2000, "every": 10, "steps": 2000}
    facts |= {"resident_mib": [500.0, 510.0, 520.0], "mib_per_100_steps": 1.2, "verdict": "grows"}
    return MemoryGrowth(**facts | {"growth_interval": [1.0, 1.4], "would_show": 0.3} | more)
