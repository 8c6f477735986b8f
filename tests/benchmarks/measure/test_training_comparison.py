"""benchmarks.train: two small runs of each backend, and what is made of results."""

import json
import math

import pytest
from PIL import Image

from benchmarks import train
from benchmarks.measure.training_runs import Run, compare, interval, mean_history, verdict
from common.cli import UnavailableError
from tests.support.commands import ended


def run(backend, seed, accuracy, *, valid=(0.5, 0.9), speed=100.0):
    rows = [
        {
            "epoch": epoch,
            "train_loss": 1 / epoch,
            "train_accuracy": value,
            "valid_loss": 1 / epoch,
            "valid_accuracy": value,
            "learning_rate": 0.1,
            "images_per_second": speed,
        }
        for epoch, value in enumerate(valid, start=1)
    ]
    return Run(backend=backend, seed=seed, history=rows, part="test", accuracy=accuracy, train_images=200)


def runs(torch, paddle):
    sides = {"torch": torch, "paddle": paddle}
    return [run(name, seed, value) for name, values in sides.items() for seed, value in enumerate(values)]


@pytest.mark.parametrize(
    ("torch", "paddle", "expected"),
    [
        ((0.90, 0.92, 0.94), (0.901, 0.919, 0.94), "equal within ±1 points"),
        ((0.90, 0.92, 0.94), (0.94, 0.91, 0.94), "undecided: more --seeds would decide"),
        ((0.90, 0.92, 0.94), (0.88, 0.901, 0.92), "torch reaches more"),  # less than the seeds' spread
        ((0.90, 0.92, 0.94), (0.92, 0.941, 0.96), "paddle reaches more"),
        ((0.9, 0.9), (0.9, 0.9), "equal within ±1 points"),
        ((0.9,), (0.1,), "one seed: no verdict"),
    ],
)
def test_verdicts_come_from_paired_differences(torch, paddle, expected):
    result = compare(runs(torch, paddle), target=None)
    assert result["verdict"] == expected
    assert result["accuracy"]["torch"]["mean"] == pytest.approx(sum(torch) / len(torch))


def failed(backend, seed):
    nothing = {"history": (), "part": "", "accuracy": math.nan, "train_images": 0}
    return Run(backend=backend, seed=seed, reason="ended with 3", **nothing)


def test_a_failed_run_keeps_its_place_and_its_seed_is_not_compared():
    slow = run("torch", 1, 0.8, speed=50.0)
    all_runs = [failed("torch", 0), slow, run("paddle", 0, 0.1), run("paddle", 1, 0.8)]
    result = compare(all_runs, target=0.5)
    assert result["seconds_to_target"] == pytest.approx([None, 4.0, 2.0, 2.0])
    assert result["difference"]["values"] == pytest.approx([0.0])
    assert json.loads(json.dumps(all_runs[0].to_json(), allow_nan=False))["accuracy"] is None
    with pytest.raises(UnavailableError, match="no seed"):
        compare([failed("torch", 0), run("paddle", 0, 0.1), run("torch", 1, 0.8)], target=None)


def test_an_accuracy_is_never_above_all_images():
    low, high = compare(runs((0.9, 1.0), (0.9, 1.0)), target=None)["accuracy"]["torch"]["ci95"]
    assert 0 <= low < 0.95
    assert high == 1


def test_the_interval_is_students():
    """Of 1, 2, 3: t of 2 degrees of freedom is 4.303, the standard error 1 / sqrt(3)."""
    low, high = interval([1.0, 2.0, 3.0])["ci95"]
    assert (low, high) == pytest.approx((2 - 4.3027 / math.sqrt(3), 2 + 4.3027 / math.sqrt(3)), rel=1e-4)
    assert interval([1.0])["ci95"] is None
    assert verdict({"ci95": None}) == "one seed: no verdict"


def test_time_to_a_target_counts_training_alone():
    one = run("torch", 0, 0.9)
    assert one.seconds_to(0.5) == pytest.approx(2.0)
    assert one.seconds_to(0.6) == pytest.approx(4.0)
    assert one.seconds_to(0.95) is None
    assert run("torch", 0, 0.9, speed=None).seconds_to(0.5) is None


def test_mean_curves_go_as_far_as_all_runs_do():
    rows = mean_history([run("torch", 0, 1, valid=(0.2, 0.4)), run("torch", 1, 1, valid=(0.4, 0.6, 0.8))])
    assert [row["valid_accuracy"] for row in rows] == pytest.approx([0.3, 0.5])


def test_both_backends_are_trained_and_compared(capsys, tmp_path, torch_backend, paddle_backend):
    more = ["--", "--limit", "64", "--batch-size", "16", "--epochs", "2"]
    arguments = ["--recipe", "digits", "--seeds", "1", "--output", str(tmp_path / "runs"), "--threads", "1"]
    arguments += ["--json", str(tmp_path / "r.json"), *more]
    code, out, _ = ended(train.main, arguments, capsys)
    assert code == 0
    result = json.loads((tmp_path / "r.json").read_text())
    assert {(entry["backend"], entry["seed"]) for entry in result["runs"]} == {("torch", 0), ("paddle", 0)}
    assert result["difference"]["mean"] == pytest.approx(0, abs=0.01)
    assert "one seed: no verdict" in out
    Image.open(tmp_path / "runs" / "curves.png").verify()


def test_a_run_that_fails_is_reported(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_PYTHON", "/nowhere/python")
    monkeypatch.setenv("PADDLE_PYTHON", "/nowhere/python")
    arguments = ["--recipe", "digits", "--seeds", "1", "--output", str(tmp_path / "runs")]
    code, _, err = ended(train.main, arguments, capsys)
    assert (code, len(err)) == (3, 1)
    assert "torch, seed 0: cannot start /nowhere/python" in err[0]


def test_flags_of_this_command_are_not_passed_on(capsys, tmp_path):
    arguments = ["--recipe", "digits", "--output", str(tmp_path / "runs"), "--", "--seed", "3"]
    code, _, err = ended(train.main, arguments, capsys)
    assert (code, len(err)) == (2, 1)
    assert "give it before" in err[0]
