"""What bounds a step: one machine for both sides, its operations and its bytes."""

import pytest

from benchmarks.analysis.layers import layer_gaps, layer_sums
from benchmarks.analysis.roofline import bound_words, bytes_of_step, machine_words, on_one_machine
from benchmarks.worker.profiling import flops_per_image, moved_per_image
from tests.support.reports import layers, result

GIGA = 1e9


def row(backend, speed, *, peak=100 * GIGA, **more):
    """A row of 1 GFLOP and 40 MB an image, at a bandwidth of 8 GB/s: compute takes 10 ms, memory 5."""
    facts = {"flops_per_image": int(GIGA), "bytes_per_image": 40_000_000, "bandwidth_bytes": 8 * GIGA}
    return result(backend, speed, matmul_peak_flops=peak, **facts | more)


def test_both_are_held_against_the_better_ones_peak_and_bandwidth():
    rows = [
        row("torch", 50.0),
        row("paddle", 50.0, peak=20 * GIGA, engine="deploy", bandwidth_bytes=GIGA),  # alone: 250 %
        row("paddle", 5.0, peak=None),
        row("paddle", 5.0, peak=400 * GIGA, precision="bf16"),  # another peak: that of its precision
        row("paddle", 5.0, peak=400 * GIGA, threads=1),  # and of as many threads
    ]
    found = on_one_machine(rows)
    fractions = [each.fraction_of_matmul_peak for each in found]
    assert fractions == [0.5, 0.5, 0.05, pytest.approx(0.0125), pytest.approx(0.0125)]
    assert [each.roofline.bound for each in found[:3]] == ["compute"] * 3
    assert on_one_machine(found) == found  # what was kept of an earlier call is not scaled again
    assert rows[1].fraction_of_matmul_peak is None


def test_the_longer_of_both_bounds_and_who_is_far_below_is_said():
    rows = on_one_machine(
        [
            row("torch", 80.0),
            row("paddle", 10.0),
            row("paddle", 0.3),
            row("torch", 120.0, phase="train", flops_per_image=int(GIGA) // 3),  # Winograd's, say
            row("torch", 30.0, bytes_per_image=160_000_000),
            row("torch", 30.0, flops_per_image=None),
            row("torch", 30.0, processes=2),
        ]
    )
    assert [bound_words(each) for each in rows] == [
        "compute-bound: 80%",
        "far below both: 10% of compute",
        "far below both: 0.3% of compute",
        "above the compute bound: 120%",
        "memory-bound: 60%",
        "-",
        "-",  # which share the memory's bandwidth
    ]
    assert machine_words(rows) == (
        "a matrix product reached 100 GFLOP/s in fp32, the sum of two large arrays 8.0 GB/s"
    )
    assert machine_words([result("torch", 1.0)]) is None


def test_bytes_are_those_of_activations_weights_and_the_update():
    asked = {"moved": 1000, "parameters": 80, "batch_size": 8}
    assert bytes_of_step("infer", precision="fp32", **asked) == 4 * (1000 + 10)
    assert bytes_of_step("infer", precision="bf16", **asked) == 2 * (1000 + 10)
    assert bytes_of_step("train", precision="fp32", **asked) == 3 * 4 * 1010 + 5 * 4 * 10
    assert bytes_of_step("startup", precision="fp32", **asked) is None
    assert bytes_of_step("infer", precision="fp32", **asked | {"moved": None}) is None


def test_operations_are_counted_of_tokens_transposed_convolutions_and_embeddings():
    trace = [
        {"name": "ids", "type": "Embedding", "input_shape": [2, 7], "output_shape": [2, 7, 16]},
        {"name": "fc", "type": "Linear", "input_shape": [2, 7, 16], "output_shape": [2, 7, 32]},
        {"name": "conv", "type": "Conv2d", "input_shape": [2, 3, 8, 8], "output_shape": [2, 4, 6, 6]},
        {
            "name": "up",
            "type": "ConvTranspose2d",
            "input_shape": [2, 4, 6, 6],
            "output_shape": [2, 4, 9, 9],
        },
        {"name": "relu", "type": "ReLU", "input_shape": None, "output_shape": [2, 4]},
    ]
    shapes = {
        "ids.weight": (50, 16),
        "fc.weight": (32, 16),
        "conv.weight": (4, 3, 3, 3),
        "up.weight": (4, 4, 2, 2),
    }
    assert flops_per_image(trace, shapes) == 2 * (32 * 16 * 7 + 4 * 27 * 36 + 64 * 36)
    assert moved_per_image(trace[2:3], batch=2) == 3 * 64 + 4 * 36
    assert moved_per_image(trace[4:], batch=2) == 4


def test_layers_and_what_is_in_none_add_up_to_the_step():
    steps = {"phase": "train", "forward_seconds": 0.09, "backward_seconds": 0.05}
    rows = [
        result("torch", 1.0, layers=layers(1), **steps),
        result("paddle", 1.0, layers=layers(5)[:2], **steps),
    ]
    shown = [*layer_gaps(rows), *layer_sums(rows)]
    *parts, step = shown
    assert [part["name"] for part in parts] == ["conv1", "relu1", "on one side only", "in no layer"]
    for key in ("torch_forward", "torch_backward", "paddle_forward", "paddle_backward", "gap"):
        assert sum(part.get(key, 0.0) for part in parts) == pytest.approx(step[key])
    inferred = [each.model_copy(update={"phase": "infer"}) for each in rows]
    assert layer_gaps(inferred)[0]["gap"] == pytest.approx(0.04)
    assert "torch_backward" not in layer_sums(inferred)[0]
    assert layer_sums([result("torch", 1.0, layers=layers(1))]) == []
