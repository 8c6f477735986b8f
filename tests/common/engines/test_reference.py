"""ONNX Runtime as the neutral engine: both export, and what it computes is checked before it is timed."""

import json

import pytest

from benchmarks import run
from common.engines import onnx_runtime
from common.engines.engine import Operation, dtypes_that_ran
from common.engines.onnx_runtime import read_profile
from tests.support.commands import QUICK, ended

LENET = ["--model", "lenet5", "--phase", "infer", "--device", "cpu", "--reference", "onnxruntime", *QUICK]


@pytest.fixture
def measured(local, tmp_path, capsys):
    def measure(backend, *more):
        target = tmp_path / "result.json"
        code, _, errors = ended(
            run.main, ["--backend", backend, *LENET, *more, "--json", str(target)], capsys
        )
        return code, errors, json.loads(target.read_text())["results"]

    return measure


@pytest.mark.parametrize("backend", ["torch", "paddle"])
def test_what_a_backend_exports_is_computed_and_checked(measured, backend):
    pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
    code, errors, (eager, neutral) = measured(backend)
    assert (code, errors) == (0, [])
    assert (eager["engine"], neutral["engine"], neutral["status"]) == ("eager", "onnxruntime", "ok")
    assert neutral["settings"]["activation_dtype"] == "float32"
    assert 0 < neutral["error"] < 1e-5
    assert neutral["compile_seconds"] > 0 and neutral["load_seconds"] > 0


def test_an_export_of_something_else_is_not_timed(local, measured):
    pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")

    def biased(real):
        def export_onnx(model, images, path):
            weights = real.get_weights(model)
            real.set_weights(model, {name: array * 1.001 for name, array in weights.items()})
            real.export_onnx(model, images, path)
            real.set_weights(model, weights)

        return {"export_onnx": export_onnx}

    local.planted["paddle"] = biased
    _, _, (eager, neutral) = measured("paddle")
    assert (eager["status"], neutral["status"]) == ("ok", "unsupported")
    assert "computes something else" in neutral["reason"]


def test_a_model_that_cannot_be_exported_is_a_row_that_says_so(local, measured):
    def failing(real):
        def export_onnx(model, images, path):
            raise RuntimeError("no such\noperator: LRN")

        return {"export_onnx": export_onnx}

    local.planted["torch"] = failing
    code, _, (_, neutral) = measured("torch")
    assert (code, neutral["status"]) == (0, "unsupported")
    assert neutral["reason"].endswith("cannot be exported to ONNX: RuntimeError: no such operator: LRN")


@pytest.mark.parametrize("missing", ["onnxruntime", "paddle2onnx"])
def test_what_is_not_installed_is_named_with_the_remedy(measured, monkeypatch, missing):
    def find_spec(name):
        return None if name == missing else object()

    monkeypatch.setattr(onnx_runtime.importlib.util, "find_spec", find_spec)
    code, _, (eager, neutral) = measured("paddle")
    assert (code, eager["status"], neutral["status"]) == (0, "ok", "unsupported")
    assert f"-m pip install {missing}" in neutral["reason"]


def test_a_reference_needs_something_to_infer(capsys):
    code, _, errors = ended(run.main, ["--backend", "torch", *LENET, "--phase", "train"], capsys)
    assert (code, "--reference onnxruntime: it infers" in errors[0]) == (2, True)


def test_a_profile_tells_what_computed_in_which_dtype():
    nodes = [("Conv", "float16"), ("Relu", "float"), ("Gemm", "float")]
    events = [
        {"cat": "Node", "args": {"op_name": name, "input_type_shape": [{dtype: [1, 3]}]}}
        for name, dtype in nodes
    ]
    events += [{"cat": "Session", "args": {}}, {"cat": "Node", "args": {"op_name": "Conv"}}]
    found = read_profile(events)
    assert found[0] == Operation("Conv", "float16", "ONNX Runtime Conv")
    assert len(found) == 3
    assert dtypes_that_ran(found) == {"float16", "float32"}
