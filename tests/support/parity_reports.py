"""Reports of parity made by hand, with most of what one can hold."""

from benchmarks.parity.tensors import known_differences, known_roundings


def stage():
    """One with a known rounding and a tensor that passes for noise."""
    known = known_roundings.KNOWN_ROUNDINGS
    constants = f"{known['exponent'].constant}; {known['label-smoothing'].constant}"
    tensors = [
        {"name": "conv", "relative_l2": 2e-8, "tolerance": 1e-12, "verdict": "pass (known rounding)"}
        | {"constant": constants, "reproduced_relative_l2": 3e-15, "note": None, "noise": None},
        {
            "name": "conv",
            "relative_l2": 2e-11,
            "tolerance": 1e-10,
            "verdict": "pass",
            "note": None,
            "noise": 1e-13,
        },
    ]
    own = {"stage": "gradients", "verdict": "pass (known rounding)", "tolerance": 1e-12}
    return {**own, "initial_values": [{"name": "conv", "torch": 1.0, "paddle": 4.7}], "tensors": tensors}


def parity_report():
    """A report of parity with most of what one can hold; sentences of its own are the stages'."""
    flips = {"call": "relu", "flipped": 2, "decisions": 4096, "margins": [1e-7], "largest_margin": 2e-7}
    tensor = {"name": "conv", "relative_l2": 3e-4, "tolerance": 3e-5, "note": "explained by flips"}
    precision = {
        "stage": "float32", "verdict": "fail", "tolerance": 3e-5, "unsupported": {"paddle": "RuntimeError"},
        "tensors": [tensor | {"verdict": "fail", "reproduced_relative_l2": 1e-15, "noise": None}],
        "distances": [{"name": "forward/logits", "torch": 1e-7, "torch_ulps": 3.3}],
        "ratio": 1081.38, "flips": {"torch": [flips]},
    }  # fmt: skip
    paired = stage() | {
        "paired": "by the map, the rest by name, the rest by definition order", "warnings": {},
        "map": {f"conv{number}": f"conv{number}" for number in range(20)},
        "left_out": {"torch": ["conv98"], "paddle": []},
    }  # fmt: skip
    known = next(iter(known_differences.KNOWN_DIFFERENCES.values()))
    difference = {"stage": "train", "torch": known.torch, "paddle": known.paddle, "tensors": ["conv"]}
    first = {
        "stage": "float32", "name": "conv", "relative_l2": 3e-4, "layer": "conv", "layer_type": "ReLU",
        "lines": {"torch": [{"layer": "conv", "place": "a.py:3", "code": "x=1"}]}, "path": None,
        "likely_causes": ["x"], "tolerance_that_would_pass": 3e-4,
    }  # fmt: skip
    return {
        "verdict": "fail", "stages": [paired, precision], "first_divergence": first,
        "known_differences": [difference | {"relative_l2": 6e-4, "left": 1e-16}],
        "environment": {"backends": {name: {name: "7"} for name in ("torch", "paddle")}},
        "evidence": {
            "default_dtype": "float64", "peak_memory_bytes": {"torch": 2**30}, "peak_disk_bytes": 2**20,
        },
    }  # fmt: skip
