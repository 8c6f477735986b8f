"""What users and their scripts rely on: exit codes, one line on stderr, keys in the JSON, tables."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import pytest

from benchmarks import compare, parity, run
from benchmarks.processes import WorkerFailure
from common import cli
from tests.conftest import load
from tests.sides import LocalSide, altered

ROOT = Path(__file__).parent.parent
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
COMPARISON_KEYS = {
    "model",
    "phase",
    "engine",
    "precision",
    "device",
    "batch_size",
    "settings",
    "torch_images_per_second",
    "paddle_images_per_second",
    "ratio",
    "ratio_ci95",
    "noise",
    "verdict",
    "reason",
}
QUICK = ["--min-seconds", "0", "--min-iterations", "2", "--warmup", "1"]


class LocalWorker(LocalSide):
    """A worker inside this process; ``planted`` alters its backend, ``ask`` may be made to fail."""

    planted: ClassVar = {}
    failing: ClassVar = {}

    def __init__(self, name, **_):
        backend = load(name)
        super().__init__(name, altered(backend, **self.planted.get(name, lambda backend: {})(backend)))
        self.name, self.idle_cpu_seconds = name, 0.0

    def ask(self, task, **arguments):
        if task in self.failing.get(self.name, {}):
            raise WorkerFailure(self.name, *self.failing[self.name][task])
        try:
            return super().ask(task, **arguments)
        except (cli.UnavailableError, MemoryError) as error:
            status = "out-of-memory" if isinstance(error, MemoryError) else "unsupported"
            raise WorkerFailure(self.name, status, str(error)) from None

    def close(self):
        pass


@pytest.fixture
def local(monkeypatch, torch_backend, paddle_backend):
    """Commands with workers inside this process, where faults can be planted."""
    monkeypatch.setattr("benchmarks.session.Worker", LocalWorker)
    monkeypatch.setattr("benchmarks.alternation.BLOCK_SECONDS", 0)
    monkeypatch.setattr(LocalWorker, "planted", {})
    monkeypatch.setattr(LocalWorker, "failing", {})
    return LocalWorker


def ended(main, arguments, capsys):
    """Exit code, stdout, and the lines of stderr without the progress bar."""
    try:
        with pytest.raises(SystemExit) as end:
            sys.argv = ["command", *arguments]
            cli.run(main, program=main.__module__)
    finally:
        import signal

        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    out, err = capsys.readouterr()
    lines = [
        line
        for line in re.split(r"[\r\n]+", err)
        if line.strip() and "it/s]" not in line and "?it" not in line
    ]
    lines = [line for line in lines if not re.search(r"\d+%\|", line)]
    return end.value.code, out, [line for line in lines if "OMP_NUM_THREADS" not in line]


WRONG_REQUESTS = [
    (["--model", "nope"], "unknown model 'nope'; choose one of alexnet"),
    ([], "required: --model"),
    (["--model", "lenet5", "--batch-size", "0"], "expected a whole number from 1, got '0'"),
    (["--model", "lenet5", "--batch-size", "-1"], "expected a whole number from 1, got '-1'"),
    (["--model", "lenet5", "--batch-size", "8,x"], "expected a whole number from 1, got 'x'"),
    (["--model", "lenet5", "--threads", "0"], "expected a whole number from 1, got '0'"),
    (
        ["--model", "lenet5", "--phase", "infer,sleep"],
        "unknown 'sleep'; choose among infer,train,data,startup",
    ),
    (["--model", "lenet5", "--device", "tpu"], "unknown device 'tpu'; choose auto, cpu, gpu or gpu:N"),
    (["--model", "lenet5", "--min-seconds", "nan"], "expected a number of seconds"),
    (["--model", "lenet5", "--input-shape", "3,28,28"], "lenet5: an image of 3x28x28"),
    (["--model", "lenet5", "--input-shape", "4,32,32"], "expected C,H,W with 1 or 3 channels"),
    (["--model", "lenet5", "--data", "/no/list.txt"], "/no/list.txt: no such list"),
    (["--model", "lenet5", "--data", "/"], "cannot be read (Is a directory)"),
    (["--model", "lenet5", "--root", "/"], "give that too"),
    (["--model", "lenet5", "--json", "/no/folder/x.json"], "the folder /no/folder does not exist"),
    (["--model", "lenet5", "--layers"], "--layers is not part of this version"),
    (["--model", "lenet5", "--mod", "x"], "unrecognized arguments: --mod x"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG_REQUESTS, ids=lambda value: " ".join(value)[:40])
@pytest.mark.parametrize("main", [run.main, compare.main], ids=["run", "compare"])
def test_wrong_requests_are_one_line_and_exit_code_2(main, arguments, message, capsys):
    backend = ["--backend", "torch"] if main is run.main else []
    code, out, errors = ended(main, backend + arguments, capsys)
    assert (code, out, len(errors)) == (2, "", 1), errors
    assert message in errors[0]


@pytest.mark.parametrize(
    ("main", "arguments", "message"),
    [
        (run.main, ["--backend", "jax", "--model", "lenet5"], "invalid choice: 'jax'"),
        (compare.main, ["--model", "lenet5", "--rounds", "1"], "needs at least 4 rounds"),
        (compare.main, ["--model", "lenet5", "--report", "x"], "--report is not part of this version"),
        (compare.main, ["--model", "lenet5", "--baseline", "x"], "--baseline is not part of this version"),
        (parity.main, ["--model", "lenet5", "--torch", "m:c"], "--torch is not part of this version"),
        (parity.main, ["--model", "nope"], "unknown model"),
    ],
)
def test_wrong_requests_of_one_command(main, arguments, message, capsys):
    code, _, errors = ended(main, arguments, capsys)
    assert (code, len(errors)) == (2, 1), errors
    assert message in errors[0]


def test_a_list_with_a_missing_file_ends_before_anything_starts(tmp_path, capsys):
    (tmp_path / "list.txt").write_text("missing.jpg\t0\n")
    arguments = ["--backend", "torch", "--model", "lenet5", "--data", str(tmp_path / "list.txt")]
    code, _, errors = ended(run.main, arguments, capsys)
    assert (code, len(errors)) == (2, 1)
    assert "list.txt:1: no image at" in errors[0]


@pytest.mark.parametrize(
    ("backend_name", "arguments", "reason"),
    [
        ("torch", ["--device", "gpu:99"], "'gpu:99' cannot be had"),
        ("paddle", ["--device", "gpu:99"], "'gpu:99' cannot be had"),
        ("paddle", ["--precision", "bf16"], "computes bf16 on the CPU in float32"),
        ("torch", ["--precision", "fp16"], "precision 'fp16' is not part of this version"),
        ("torch", ["--engine", "deploy"], "engine 'deploy' is not part of this version"),
        ("paddle", ["--engine", "compiled"], "engine 'compiled' is not part of this version"),
        ("torch", ["--phase", "data,startup"], "phase 'data' is not part of this version"),
        ("torch", ["--settings", "tuned"], "settings 'tuned' are not part of this version"),
        ("torch", ["--loader", "native"], "loader 'native' is not part of this version"),
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
        "fp32,bf16",
        "--device",
        "cpu",
        *QUICK,
    ]
    code, out, errors = ended(run.main, arguments, capsys)
    assert (code, errors) == (0, [])
    assert out.count(" ok") == 2
    assert out.count("is not part of this version") == 2


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
        assert row.keys() >= RESULT_KEYS
        assert row["status"] == "ok"
        assert row["device"] == "cpu"
        assert row["parameters"] == 62_006
        assert row["flops_per_image"] == 1_303_440
        assert len(row["step_seconds"]) == 2
        assert row["images_per_second"] == pytest.approx(row["batch_size"] / (sum(row["step_seconds"]) / 2))
        assert row["latency_ms"]["p50"] == pytest.approx(sum(row["step_seconds"]) / 2 * 1000)
        assert row["compile_seconds"] is row["fraction_of_matmul_peak"] is None
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


def test_compare_gives_every_key_and_a_verdict(local, tmp_path, capsys):
    target = tmp_path / "result.json"
    arguments = ["--model", "lenet5", "--rounds", "4", "--device", "cpu", *QUICK, "--json", str(target)]
    code, out, errors = ended(compare.main, arguments, capsys)
    assert (code, errors) == (0, [])
    assert "Parity in float64 on the CPU: pass" in out
    report = json.loads(target.read_text())
    assert report["parity"]["verdict"] == "pass"
    assert len(report["results"]) == 4
    for row in report["comparisons"]:
        assert row.keys() >= COMPARISON_KEYS
        assert row["verdict"] in ("torch faster", "paddle faster", "no difference")
        assert row["ratio"] == pytest.approx(row["paddle_images_per_second"] / row["torch_images_per_second"])
        assert row["ratio_ci95"][0] <= row["ratio"] <= row["ratio_ci95"][1]
        assert row["noise"] >= 0
    assert [(best["phase"], best["batch_size"]) for best in report["best"]] == [("infer", 8), ("train", 8)]


def test_broken_parity_ends_with_1_and_nothing_is_timed(local, tmp_path, capsys):
    def doubled(backend):
        return {"get_gradients": lambda model: {k: v * 2 for k, v in backend.get_gradients(model).items()}}

    local.planted["paddle"] = doubled
    target = tmp_path / "result.json"
    arguments = ["--model", "lenet5", "--rounds", "4", "--device", "cpu", *QUICK, "--json", str(target)]
    code, out, errors = ended(compare.main, arguments, capsys)
    assert (code, len(errors)) == (1, 1)
    assert "parity is broken, so nothing was timed: first in stage 'gradients' at output.bias" in errors[0]
    report = json.loads(target.read_text())
    assert report["parity"]["first_divergence"]["layer"] == "output"
    assert report["results"] == report["comparisons"] == report["best"] == []
    assert "images/s" not in out
    assert ended(compare.main, [*arguments, "--skip-parity"], capsys)[0] == 0


def test_unequal_settings_are_not_comparable_and_exit_code_2(local, tmp_path, capsys):
    local.planted["paddle"] = lambda backend: {
        "read_settings": lambda device: backend.read_settings(device) | {"threads": 77}
    }
    target = tmp_path / "result.json"
    arguments = ["--model", "lenet5", "--rounds", "4", "--device", "cpu", *QUICK, "--json", str(target)]
    code, _, errors = ended(compare.main, arguments, capsys)
    assert (code, len(errors)) == (2, 1)
    assert "not comparable" in errors[0]
    assert "and 77 in paddle" in errors[0]
    assert {row["verdict"] for row in json.loads(target.read_text())["comparisons"]} == {"not comparable"}


@pytest.mark.parametrize(("status", "expected"), [("crashed", 3), ("timeout", 3), ("out-of-memory", 0)])
def test_one_backend_that_fails_leaves_the_other_its_figures(local, tmp_path, capsys, status, expected):
    local.failing["paddle"] = {"measure": (status, "it broke")}
    target = tmp_path / "result.json"
    arguments = ["--model", "lenet5", "--rounds", "4", "--phase", "infer", "--device", "cpu", *QUICK]
    code, _, errors = ended(compare.main, [*arguments, "--json", str(target)], capsys)
    assert code == expected
    assert ("it broke" in "".join(errors)) == bool(expected)
    report = json.loads(target.read_text())
    ours, theirs = report["results"]
    assert (ours["status"], theirs["status"], theirs["reason"]) == ("ok", status, "it broke")
    assert ours["images_per_second"] > 0
    assert report["comparisons"][0]["verdict"] == "not comparable"
    assert report["comparisons"][0]["torch_images_per_second"] == ours["images_per_second"]


def test_out_of_memory_at_one_batch_size_is_a_row_among_others(local, tmp_path, capsys):
    def greedy(backend):
        def infer(model, images):
            if images.shape[0] == 32:
                raise MemoryError("no more")
            return backend.infer(model, images)

        return {"infer": infer}

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


def test_a_real_comparison_from_the_command_line(tmp_path, torch_backend, paddle_backend):
    """Real workers, twice two of them: gate, alternation, JSON, table."""
    target = tmp_path / "result.json"
    command = [
        sys.executable,
        "-m",
        "benchmarks.compare",
        "--model",
        "lenet5",
        "--phase",
        "infer",
        "--device",
        "cpu",
    ]
    command += ["--rounds", "4", "--min-seconds", "0", "--json", str(target)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(target.read_text())
    assert report["parity"]["verdict"] == "pass"
    assert report["comparisons"][0]["ratio"] > 0
    assert all(row["idle_cpu_seconds"] < 0.1 for row in report["results"])
    assert "paddle / torch" in done.stdout
    assert "infer eager fp32 batch 8" in done.stderr  # the progress bar


def test_a_table_that_is_cut_off_is_no_error(torch_backend):
    command = f"{sys.executable} -m benchmarks.run --help | true"
    done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_index_makes_lists(tmp_path, capsys):
    from PIL import Image

    from common import dataset

    for name in ("ant", "bee"):
        (tmp_path / name).mkdir()
        Image.new("RGB", (4, 4)).save(tmp_path / name / "1.png")
    code, out, errors = ended(
        dataset.main, ["index", str(tmp_path), "--output", str(tmp_path / "lists")], capsys
    )
    assert (code, errors) == (0, [])
    assert out == f"{tmp_path}/lists/all.txt: 2 images, 2 classes\n"
    code, _, errors = ended(dataset.main, ["index", "/no/folder", "--output", str(tmp_path)], capsys)
    assert (code, len(errors)) == (2, 1)
