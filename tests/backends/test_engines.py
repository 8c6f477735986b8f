"""Engines: proven against eager float64 before they are timed, in the dtype that really ran."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import run
from benchmarks.worker.prepare import ERROR_LIMITS, require_dtype, require_right, spread
from common.cli import UnavailableError
from common.engines.engine import FACTS, Operation, compiled_ahead
from common.engines.operations import operations_of, parsed
from common.engines.paddle_inference import load_predictor, program_operations
from tests.support.commands import QUICK, ended

LENET = ["--model", "lenet5", "--phase", "infer", "--device", "cpu", *QUICK]
VERBOSE = """onednn_verbose,v1,info,cpu,isa:Intel AVX2
onednn_verbose,v1,primitive,exec,cpu,convolution,brg_conv_fwd:avx2,forward_inference,src:f32:a:blocked:acdb::f0
onednn_verbose,v1,primitive,exec,cpu,inner_product,brgemm:avx512_core_bf16,forward_inference,src_bf16::blocked:ab
"""


def measured(local, tmp_path, capsys, backend, *more):
    target = tmp_path / f"{backend}.json"
    arguments = ["--backend", backend, *LENET, *more, "--json", str(target)]
    code, _, errors = ended(run.main, arguments, capsys)
    return code, errors, json.loads(target.read_text())["results"][0]


@pytest.mark.parametrize(
    ("backend", "engine"),
    [
        # The compiler of the deployed one as well: half a minute for each.
        pytest.param("torch", "compiled", marks=pytest.mark.long),
        ("paddle", "compiled"),
        ("torch", "deploy"),
        ("paddle", "deploy"),
    ],
)
def test_engines_are_checked_and_their_costs_reported(local, tmp_path, capsys, backend, engine):
    code, errors, row = measured(local, tmp_path, capsys, backend, "--engine", engine)
    ours = [line for line in errors if line.startswith("benchmarks.")]  # compilers warn of what they look for
    assert (code, ours) == (0, [])
    assert row["compile_seconds"] > 0
    assert 0 <= row["error"] < 1e-5
    assert row["settings"]["activation_dtype"] == "float32"


def test_torch_computes_in_bf16_when_asked_to(local, tmp_path, capsys):
    code, _, row = measured(local, tmp_path, capsys, "torch", "--precision", "bf16")
    assert code == 0
    assert row["settings"]["activation_dtype"] == "bfloat16"
    assert 1e-5 < row["error"] < ERROR_LIMITS["bf16"]


@pytest.mark.parametrize("backend", ["torch", "paddle"])
def test_a_wrong_engine_is_not_timed(local, tmp_path, capsys, backend):
    """Logits a thousandth too large: far more than rounding, far less than a glance would see."""

    def wrong(real):
        def make_engine(model, images, **asked):
            engine = real.make_engine(model, images, **asked)
            return SimpleNamespace(**vars(engine) | {"run": lambda images: engine.run(images) * 1.001})

        return {"make_engine": make_engine}

    local.planted[backend] = wrong
    code, errors, row = measured(local, tmp_path, capsys, backend)
    assert code == 3
    assert "computes something else" in errors[0]
    assert (row["status"], row["images_per_second"]) == ("unsupported", None)


@pytest.mark.parametrize("backend", ["torch", "paddle"])
def test_wrong_logits_in_training_are_seen_too(local, tmp_path, capsys, backend):
    local.planted[backend] = lambda real: {
        "compute_loss": lambda *batch: tuple(value * 1.001 for value in real.compute_loss(*batch))
    }
    code, errors, _ = measured(local, tmp_path, capsys, backend, "--phase", "train")
    assert code == 3
    assert "computes something else" in errors[0]


def test_another_dtype_than_asked_for_is_refused():
    ran = [Operation("convolution", "float32"), Operation("reorder", "bfloat16")]
    assert require_dtype(ran, engine="deploy", precision="fp32") == "float32"
    with pytest.raises(UnavailableError, match="asked for bf16, the deploy engine computed in float32"):
        require_dtype(ran, engine="deploy", precision="bf16")
    with pytest.raises(UnavailableError, match="bfloat16 and float32"):
        require_dtype([*ran, Operation("addmm", "bfloat16")], engine="eager", precision="bf16")
    with pytest.raises(UnavailableError, match="cannot be verified"):
        require_dtype([], engine="deploy", precision="fp16")


def test_as_installed_fp32_may_round_as_tf32_does(local, tmp_path, capsys):
    """torch multiplies in TF32 in cuDNN unless told otherwise: 5e-4 on AlexNet, and no fault."""

    def rounded(real):
        def make_engine(model, images, **asked):
            engine = real.make_engine(model, images, **asked)
            return SimpleNamespace(**vars(engine) | {"run": lambda images: engine.run(images) * 1.0005})

        settings = real.read_settings("cpu")
        return {
            "make_engine": make_engine,
            "read_settings": lambda device: replace(settings, tf32_convolution=on),
        }

    local.planted["torch"] = rounded
    for on, expected in ((True, 0), (False, 3)):
        code, _, row = measured(local, tmp_path, capsys, "torch")
        assert code == expected
        assert row["settings"]["tf32_convolution"] if on else "computes something else" in row["reason"]


def test_numbers_that_are_none_are_refused():
    with pytest.raises(UnavailableError):
        require_right(np.array([np.nan]), np.array([1.0]), engine="eager", precision="bf16")


def test_the_first_and_the_last_image_are_checked():
    assert spread(1) == [0]
    assert spread(4) == [0, 1, 2, 3]
    assert (spread(100)[0], spread(100)[-1], len(spread(100))) == (0, 99, 8)


def test_onednn_tells_dtypes_and_kernels():
    assert parsed(VERBOSE) == [
        Operation("convolution", "float32", "oneDNN brg_conv_fwd:avx2"),
        Operation("inner_product", "bfloat16", "oneDNN brgemm:avx512_core_bf16"),
    ]


def event(name, start, end, dtype="", *, number=0, kernel_of=None):
    """One of torch's profiler; ``kernel_of`` is the number of the operation that launched it on a GPU."""
    return SimpleNamespace(
        name=lambda: name,
        start_ns=lambda: start,
        end_ns=lambda: end,
        duration_ns=lambda: end - start,
        dtypes=lambda: [dtype],
        device_type=lambda: SimpleNamespace(name="CPU" if kernel_of is None else "CUDA"),
        correlation_id=lambda: number,
        linked_correlation_id=lambda: kernel_of or 0,
    )


def test_of_nested_operations_the_innermost_counts():
    """Autocast casts between the two."""
    events = [
        event("aten::mkldnn_convolution", 2, 8, "c10::BFloat16"),
        event("aten::conv2d", 0, 10, "float"),
        event("aten::relu", 11, 12, "float"),
        event("aten::addmm", 13, 20, "float"),
    ]
    assert operations_of(events) == [
        Operation("aten::mkldnn_convolution", "bfloat16", "aten::mkldnn_convolution"),
        Operation("aten::addmm", "float32", "aten::addmm"),
    ]


def test_on_a_gpu_an_operation_is_reported_with_its_longest_kernel():
    """Kernels may run while the operation has not returned yet: none of them is an operation inside it."""
    events = [
        event("aten::conv2d", 0, 10, "float", number=1),
        event("aten::cudnn_convolution", 2, 8, "float", number=2),
        event("void nchwToNhwc<float>(int)", 3, 4, kernel_of=2),
        event("void implicit_convolve_sgemm<float, 1024>(int, float*)", 5, 30, kernel_of=2),
        event("void convert<float>(int)", 30, 60, kernel_of=3),
    ]
    assert operations_of(events) == [
        Operation("aten::cudnn_convolution", "float32", "implicit_convolve_sgemm<float, 1024>")
    ]


def test_what_was_compiled_ahead_is_compiled_once_and_never_loaded_half(tmp_path):
    folder, calls = tmp_path / "artefact", []

    def export(target):
        calls.append(target)
        (target / "model").write_text("whole")

    folder.mkdir()
    (folder / "model").write_text("half")  # of a process that died
    first = compiled_ahead(folder, export, lambda: None)
    assert compiled_ahead(folder, export, lambda: None) == first
    assert len(calls) == 1
    assert (folder / "model").read_text() == "whole"
    assert (folder / FACTS).exists()


class FakeInference:
    """paddle.inference as far as it is used, recording what a configuration was told."""

    PrecisionType = SimpleNamespace(Half="half", Bfloat16="bfloat16", Float32="single")

    def __init__(self, *, tensorrt):
        self.tensorrt, self.told = tensorrt, []

    def get_trt_compile_version(self):
        return (10, 0, 0) if self.tensorrt else (0, 0, 0)

    def Config(self, graph, parameters):  # noqa: N802
        self.files = [Path(graph).name, Path(parameters).name]
        return self

    def create_predictor(self, config):
        return config

    def __getattr__(self, name):
        return lambda *values, **named: self.told.append((name, *values, *named.values()))


@pytest.mark.parametrize(
    ("where", "tensorrt", "expected", "never"),
    [
        (("cpu", "fp32"), False, [("disable_gpu",), ("enable_mkldnn",)], "enable_mkldnn_bfloat16"),
        (("cpu", "bf16"), False, [("enable_mkldnn_bfloat16",)], "enable_use_gpu"),
        (("gpu:1", "fp32"), False, [("enable_use_gpu", 256, 1)], "enable_tensorrt_engine"),
        (("gpu:0", "fp16"), True, [("enable_tensorrt_engine", "half")], "disable_gpu"),
    ],
)
def test_paddles_predictor_is_set_up_for_its_device(tmp_path, where, tensorrt, expected, never):
    for name in ("model.json", "model.pdiparams"):
        (tmp_path / name).touch()
    inference, (device, precision) = FakeInference(tensorrt=tensorrt), where
    load_predictor(inference, tmp_path / "model", precision=precision, device=device, threads=2)
    assert inference.files == ["model.json", "model.pdiparams"]
    assert set(expected) <= set(inference.told)
    assert never not in {call[0] for call in inference.told}


def test_programs_of_both_generations_of_paddle_tell_their_dtypes():
    """Paddle 2 knows its operations by type and their results by name; those of paddle 3 have results."""
    new = SimpleNamespace(
        name=lambda: "pd_op.conv2d",
        num_results=lambda: 1,
        result=lambda _: SimpleNamespace(dtype="paddle.float32"),
    )
    none = SimpleNamespace(name=lambda: "pd_op.print", num_results=lambda: 0)
    old = SimpleNamespace(type="conv2d", output_arg_names=["conv2d_0.tmp_0"])
    fed = SimpleNamespace(type="feed", output_arg_names=["elsewhere"])
    block = SimpleNamespace(
        ops=[new, none, old, fed],
        has_var=lambda name: name == "conv2d_0.tmp_0",
        var=lambda _: SimpleNamespace(dtype="VarType.FLOAT64"),
    )
    found = program_operations(SimpleNamespace(global_block=lambda: block))
    assert found == [Operation("pd_op.conv2d", "float32"), Operation("conv2d", "float64")]


@pytest.mark.parametrize("backend_name", ["torch", "paddle"])
def test_every_layer_is_timed_alone_in_order(local, tmp_path, capsys, backend_name):
    _, _, row = measured(local, tmp_path, capsys, backend_name, "--layers", "--price-per-hour", "3.6")
    names = [layer["name"] for layer in row["layers"]]
    assert names[0] == "c1" and names[-1] == "output" and "s2" in names
    assert all(layer["forward_seconds"] > 0 and layer["backward_seconds"] > 0 for layer in row["layers"])
    assert row["cost_per_million_images"] == pytest.approx(1000 / row["images_per_second"])


def test_tuning_takes_the_fastest_within_the_allowed_error(local, tmp_path, capsys):
    more = ["--settings", "tuned", "--engine", "eager", "--precision", "fp32,bf16", "--threads", "2,1"]
    code, _, row = measured(local, tmp_path, capsys, "torch", *more)
    assert code == 0
    tried = {(t["precision"], t["layout"], t["threads"]): t for t in row["tuning"]}
    assert "rounds to more than --max-error" in tried["bf16", "NCHW", 2]["outcome"]
    speeds = {key: t["images_per_second"] for key, t in tried.items() if t["images_per_second"]}
    best = max(speeds, key=speeds.get)
    assert (row["precision"], row["layout"], row["threads"]) == best


def test_as_shipped_changes_nothing_and_tells_what_it_found(local, tmp_path, capsys):
    def changed(real):
        def equalise(**_):
            raise AssertionError("settings were changed")

        return {"equalise": equalise}

    local.planted["torch"] = changed
    code, _, row = measured(local, tmp_path, capsys, "torch", "--settings", "as-shipped")
    assert (code, row["status"], row["settings_mode"]) == (0, "ok", "as-shipped")
    assert row["threads"] == row["settings"]["threads"]
    code, errors, _ = measured(local, tmp_path, capsys, "torch", "--settings", "equalised")
    assert code == 70
    assert "settings were changed" in errors[-1]


def test_tuning_that_finds_nothing_is_unsupported_and_says_why(local, tmp_path, capsys):
    more = ["--settings", "tuned", "--engine", "eager", "--precision", "bf16,tf32", "--max-error", "0.0001"]
    code, errors, row = measured(local, tmp_path, capsys, "torch", *more)
    assert (code, row["status"]) == (3, "unsupported")
    assert "nothing that tuning tried can be had: bf16" in errors[0].replace("rounds", "bf16")


def test_starting_up_is_reported_in_its_parts(local, tmp_path, capsys):
    _, _, row = measured(local, tmp_path, capsys, "paddle", "--phase", "startup")
    parts = ("import_seconds", "build_seconds", "load_seconds", "first_batch_seconds")
    assert all(row[part] >= 0 for part in parts)
    assert row["images_per_second"] is None
    assert len(row["step_seconds"]) == 2
