"""benchmarks.run: every key of the JSON, and a row for what cannot be had."""

import json

import pytest

from benchmarks import run
from tests.support.commands import QUICK, ended

RESULT_KEYS = {
    "backend",
    "model",
    "num_classes",
    "input_shape",
    "phase",
    "engine",
    "precision",
    "device",
    "batch_size",
    "threads",
    "loader",
    "settings_mode",
    "settings",
    "status",
    "reason",
    "images_per_second",
    "step_seconds",
    "latency_ms",
    "warmup_steps",
    "peak_memory_bytes",
    "compile_seconds",
    "load_seconds",
    "parameters",
    "flops_per_image",
    "fraction_of_matmul_peak",
}


@pytest.mark.parametrize(
    ("backend_name", "arguments", "reason"),
    [
        ("torch", ["--device", "gpu:99"], "'gpu:99' cannot be had"),
        ("paddle", ["--device", "gpu:99"], "'gpu:99' cannot be had"),
        ("paddle", ["--precision", "bf16"], "computes bf16 on the CPU in float32"),
        ("torch", ["--precision", "tf32"], "tf32 is a precision of GPUs"),
        ("paddle", ["--layout", "NHWC"], "layout NHWC cannot be had"),
        ("paddle", ["--phase", "train", "--engine", "deploy"], "deployed models do not train"),
        ("torch", ["--engine", "deploy", "--precision", "fp64"], "deployed in fp32 or less"),
    ],
)
def test_what_cannot_be_had_is_a_row_and_exit_code_3(
    local, tmp_path, capsys, backend_name, arguments, reason
):
    target = tmp_path / "result.json"
    more = ["--backend", backend_name, "--model", "lenet5", "--device", "cpu", *QUICK, "--json", str(target)]
    code, out, errors = ended(run.main, more + arguments, capsys)
    assert (code, len(errors)) == (3, 1), errors
    assert reason in errors[0]
    assert "unsupported" in out
    rows = json.loads(target.read_text())["results"]
    assert rows
    for row in rows:
        assert row["status"] == "unsupported"
        assert row["reason"]
        assert row["images_per_second"] is None
        assert row["step_seconds"] == []


def test_what_can_be_had_is_measured_beside_what_cannot(local, capsys):
    arguments = [
        "--backend",
        "torch",
        "--model",
        "lenet5",
        "--precision",
        "fp32,tf32",
        "--device",
        "cpu",
        *QUICK,
    ]
    code, out, errors = ended(run.main, arguments, capsys)
    assert (code, errors) == (0, [])
    assert out.count(" ok") == 2
    assert out.count("tf32 is a precision of GPUs") == 2


@pytest.mark.parametrize(("max_seconds", "requests"), [(1000, 1), (1e-9, 4)])
def test_a_block_is_one_request_unless_it_is_long(
    local, monkeypatch, tmp_path, capsys, max_seconds, requests
):
    """One more request would add a step that starts cold."""
    asked = []
    ask = local.ask

    def counting(self, task, **arguments):
        asked.append(task)
        return ask(self, task, **arguments)

    monkeypatch.setattr(local, "ask", counting)
    monkeypatch.setattr("benchmarks.manager.session.REQUEST_SECONDS", max_seconds)
    arguments = ["--backend", "torch", "--model", "lenet5", "--phase", "infer", "--device", "cpu"]
    enough = ["--min-seconds", "0.2"] if requests == 1 else ["--min-seconds", "0", "--min-iterations", "4"]
    assert ended(run.main, [*arguments, *enough], capsys)[0] == 0
    assert asked.count("measure") == requests


@pytest.mark.parametrize("backend_name", ["torch", "paddle"])
def test_run_gives_every_key(local, tmp_path, capsys, backend_name):
    target = tmp_path / "result.json"
    arguments = [
        "--backend",
        backend_name,
        "--model",
        "lenet5",
        "--batch-size",
        "1,4",
        "--device",
        "cpu",
        *QUICK,
    ]
    code, out, errors = ended(run.main, [*arguments, "--json", str(target)], capsys)
    assert (code, errors) == (0, [])
    assert "62,006 parameters" in out
    report = json.loads(target.read_text())
    assert report["schema_version"] == 1
    assert report["environment"]["backends"][backend_name][backend_name]
    rows = report["results"]
    assert [(row["phase"], row["batch_size"]) for row in rows] == [
        ("infer", 1),
        ("train", 1),
        ("infer", 4),
        ("train", 4),
    ]
    for row in rows:
        check_row(row)


def check_row(row):
    assert row.keys() >= RESULT_KEYS
    assert row["status"] == "ok"
    assert row["device"] == "cpu"
    assert row["parameters"] == 62_006
    assert row["flops_per_image"] == 1_303_440
    assert len(row["step_seconds"]) == 2
    assert row["images_per_second"] == pytest.approx(row["batch_size"] / (sum(row["step_seconds"]) / 2))
    assert row["latency_ms"]["p50"] == pytest.approx(sum(row["step_seconds"]) / 2 * 1000)
    assert row["compile_seconds"] is None
    assert row["fraction_of_matmul_peak"] > 0
    assert row["settings"]["threads"] >= 1
    assert row["settings"]["activation_dtype"] == "float32"
    assert row["settings"]["layout"] == "NCHW"
    parts = [row[f"{part}_seconds"] for part in ("forward", "backward", "optimizer")]
    if row["phase"] == "train":
        assert sum(parts) == pytest.approx(sum(row["step_seconds"]) / 2)
    else:
        assert parts[1:] == [None, None]


def test_double_precision_is_read_back_from_an_activation(local, tmp_path, capsys):
    target = tmp_path / "result.json"
    arguments = ["--backend", "paddle", "--model", "lenet5", "--precision", "fp64", "--device", "cpu", *QUICK]
    assert ended(run.main, [*arguments, "--json", str(target)], capsys)[0] == 0
    assert json.loads(target.read_text())["results"][0]["settings"]["activation_dtype"] == "float64"


def test_images_are_read_inside_the_measured_time(local, flowers_list, tmp_path, capsys):
    rows = {}
    for backend_name in ("torch", "paddle"):
        target = tmp_path / f"{backend_name}.json"
        arguments = [
            "--backend",
            backend_name,
            "--model",
            "lenet5",
            "--batch-size",
            "4",
            "--device",
            "cpu",
            *QUICK,
        ]
        more = ["--data", str(flowers_list), "--workers", "2", "--json", str(target)]
        code, out, _ = ended(run.main, arguments + more, capsys)
        assert code == 0
        assert f"images read from {flowers_list}" in out
        rows[backend_name] = json.loads(target.read_text())["results"]
    for row in rows["torch"] + rows["paddle"]:
        assert row["data_seconds"] > 0
        assert row["data_seconds"] + row["forward_seconds"] <= max(row["step_seconds"])
    ours, theirs = (rows[name][0]["last_outcome"] for name in ("torch", "paddle"))
    assert ours == pytest.approx(theirs, rel=1e-5)  # the same images went in


def test_out_of_memory_at_one_batch_size_is_a_row_among_others(local, tmp_path, capsys):
    def greedy(backend):
        def make_engine(model, images, **asked):
            if images.shape[0] == 32:
                raise MemoryError("no more")
            return backend.make_engine(model, images, **asked)

        return {"make_engine": make_engine}

    local.planted["torch"] = greedy
    target = tmp_path / "result.json"
    arguments = ["--backend", "torch", "--model", "lenet5", "--phase", "infer", "--batch-size", "1,32,8"]
    code, _, errors = ended(run.main, [*arguments, "--device", "cpu", *QUICK, "--json", str(target)], capsys)
    assert (code, errors) == (0, [])
    assert [row["status"] for row in json.loads(target.read_text())["results"]] == [
        "ok",
        "out-of-memory",
        "ok",
    ]


@pytest.mark.parametrize("with_file", [True, False])
def test_what_was_measured_before_a_stop_is_written(local, monkeypatch, tmp_path, capsys, with_file):
    ask, target = local.ask, tmp_path / "result.json"
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def stopped_in_training(self, task, **arguments):
        if task == "prepare" and arguments["spec"]["case"]["phase"] == "train":
            raise KeyboardInterrupt
        return ask(self, task, **arguments)

    monkeypatch.setattr(local, "ask", stopped_in_training)
    arguments = ["--backend", "torch", "--model", "lenet5", "--device", "cpu", *QUICK]
    code, _, errors = ended(run.main, arguments + ["--json", str(target)] * with_file, capsys)
    (written,) = [target] if with_file else tmp_path.glob("side-by-side-results-*/result.json")
    assert code == 130
    assert f"; what was measured lies in {written}; missing: train eager fp32 batch 8; " in errors[-1]
    found = json.loads(written.read_text())
    assert [row["phase"] for row in found["results"]] == ["infer"]
    assert found["missing"] == ["train eager fp32 batch 8"]


def test_a_stop_before_anything_was_measured_writes_nothing(local, monkeypatch, tmp_path, capsys):
    def stopped(self, task, **arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(local, "ask", stopped)
    arguments = ["--backend", "torch", "--model", "lenet5", "--device", "cpu", *QUICK]
    code, _, errors = ended(run.main, [*arguments, "--json", str(tmp_path / "result.json")], capsys)
    assert (code, list(tmp_path.iterdir())) == (130, [])
    assert "stopped" in errors[-1]


def test_a_soak_that_is_stopped_keeps_its_memory_until_then(local, monkeypatch, tmp_path, capsys):
    ask, target, turns = local.ask, tmp_path / "result.json", []

    def stopped_at_the_third_turn(self, task, **arguments):
        if task == "soak":
            turns.append(arguments["first"])
            if len(turns) == 3:
                raise KeyboardInterrupt
            arguments["steps"] = 10
        return ask(self, task, **arguments)

    monkeypatch.setattr(local, "ask", stopped_at_the_third_turn)
    arguments = ["--backend", "torch", "--model", "lenet5", "--device", "cpu", *QUICK, "--phase", "soak"]
    more = ["--shapes", "32", "--batch-size", "2", "--json", str(target)]
    assert ended(run.main, [*arguments, *more], capsys)[0] == 130
    (row,) = json.loads(target.read_text())["results"]
    assert row["memory_growth"]["steps"] == 20
    assert row["memory_growth"]["stopped"] == "when it was interrupted"
