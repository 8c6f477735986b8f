"""benchmarks.compare: gate, figures of both, verdicts, and what happens when one side fails."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from benchmarks import compare
from benchmarks.request.request import read_request
from tests.support.commands import QUICK, LocalWorker, ended
from tests.support.paths import ROOT

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


def test_compare_gives_every_key_and_a_verdict(local, tmp_path, capsys):
    target = tmp_path / "result.json"
    arguments = [
        "--model",
        "lenet5",
        "--rounds",
        "4",
        "--pairs",
        "2",
        "--device",
        "cpu",
        *QUICK,
        "--json",
        str(target),
    ]
    code, out, errors = ended(compare.main, arguments, capsys)
    assert (code, errors) == (0, [])
    assert "Parity in float64: pass" in out
    report = json.loads(target.read_text())
    assert report["parity"]["verdict"] == "pass"
    assert len(report["results"]) == 4
    for row in report["comparisons"]:
        assert row.keys() >= COMPARISON_KEYS
        assert row["verdict"] in ("torch faster", "paddle faster", "equal", "undecided")
        assert row["old_verdict"] in ("torch faster", "paddle faster", "no difference")
        low, high = row["ratio_ci95"]
        wider = np.log(row["repetition_ci95"][1] / row["repetition_ci95"][0]) / np.log(high / low)
        assert wider == pytest.approx(np.sqrt(2), rel=1e-3) or high / low > 1e6
        assert (row["margin"], row["pairs"], row["rounds"], row["complete"]) == (5.0, 2, 4, True)
        assert row["circumstances"]["date"] and len(row["round_ratios"]) == 4
        assert row["ratio"] == pytest.approx(ratio_of_rounds(report, row["phase"]))
        assert row["ratio_ci95"][0] <= row["ratio"] <= row["ratio_ci95"][1]
        assert row["noise"] >= 0
        assert len(row["torch_quick_seconds"]) == len(row["paddle_quick_seconds"]) == 2  # pairs of processes
    assert [(best["phase"], best["batch_size"]) for best in report["best"]] == [("infer", 8), ("train", 8)]


def ratio_of_rounds(report, phase):
    """From the raw steps: of each round the blocks of one side against the other's, then all rounds."""
    ours, theirs = (blocks_of(row) for row in report["results"] if row["phase"] == phase)
    rounds = [
        middle([np.log(np.median(one) / np.median(other)) for one in first for other in second])
        for first, second in zip(ours, theirs, strict=True)
    ]
    return np.exp(middle(rounds))


def middle(values):
    """The Hodges-Lehmann estimate."""
    return np.median([(a + b) / 2 for n, a in enumerate(values) for b in values[n:]])


def blocks_of(row):
    """Steps by round and block, two each."""
    blocks = np.split(row["step_seconds"], np.cumsum(row["block_steps"])[:-1])
    return list(zip(blocks[::2], blocks[1::2], strict=True))


def test_a_sweep_is_of_all_that_no_flag_names():
    asked = compare._parse(["--model", "lenet5", "--sweep"])
    cases = read_request(asked).cases
    assert {case.batch_size for case in cases} == {1, 8, 32}
    assert {case.engine for case in cases} == {"eager", "deploy"}
    named = compare._parse(["--model", "lenet5", "--sweep", "--batch-size", "4", "--rounds", "9"])
    assert ({case.batch_size for case in read_request(named).cases}, named.rounds) == ({4}, 9)
    plain = compare._parse(["--model", "lenet5"])
    assert [(case.batch_size, case.engine) for case in read_request(plain).cases] == [(8, "eager")] * 2


def test_minutes_limit_precision_and_nothing_else(capsys):
    code, _, errors = ended(compare.main, ["--model", "lenet5", "--max-minutes", "3"], capsys)
    assert (code, "--max-minutes: limits --precise" in errors[0]) == (2, True)
    asked = compare._parse(["--model", "lenet5", "--precise", "3"])
    assert (asked.max_minutes, asked.margin, asked.pairs, asked.rounds) == (20.0, 5.0, 6, 24)


@pytest.mark.parametrize(("all_of_them", "expected"), [(True, 4), (False, 0)])
def test_nothing_valid_is_exit_code_4(local, capsys, monkeypatch, all_of_them, expected):
    """Others are there whenever paddle measures, or whenever it trains."""
    monkeypatch.setattr(
        "benchmarks.analysis.disturbance.is_disturbed", lambda counters, **_: counters.minor_faults < 0
    )
    measure = LocalWorker.ask

    def ask(self, task, **arguments):
        reply = measure(self, task, **arguments)
        if task == "measure" and (all_of_them or "backward" in reply["seconds"]):
            reply["counters"]["minor_faults"] = -1
        return reply

    monkeypatch.setattr(LocalWorker, "ask", ask)
    arguments = ["--model", "lenet5", "--rounds", "4", "--pairs", "1", "--device", "cpu", "--skip-parity"]
    code, out, errors = ended(compare.main, [*arguments, *QUICK], capsys)
    assert (code, len(errors)) == (expected, expected // 4)
    assert ("nothing valid is left; infer eager" in "".join(errors)) == all_of_them
    assert "Invalid: " in out and "train eager fp32 batch 8" in out


def test_broken_parity_ends_with_1_and_nothing_is_timed(local, tmp_path, capsys):
    def doubled(backend):
        def gradients(model, names=None):
            return {name: 2 * array for name, array in backend.get_gradients(model, names).items()}

        return {"get_gradients": gradients}

    local.planted["paddle"] = doubled
    target = tmp_path / "result.json"
    arguments = [
        "--model",
        "lenet5",
        "--rounds",
        "4",
        "--pairs",
        "1",
        "--device",
        "cpu",
        *QUICK,
        "--json",
        str(target),
    ]
    code, out, errors = ended(compare.main, arguments, capsys)
    assert (code, len(errors)) == (1, 1)
    assert "parity is broken, first in stage 'gradients' at output.bias" in errors[0]
    report = json.loads(target.read_text())
    assert report["parity"]["first_divergence"]["layer"] == "output"
    assert report["results"] == report["comparisons"] == report["best"] == []
    assert "images/s" not in out
    assert ended(compare.main, [*arguments, "--skip-parity"], capsys)[0] == 0


def test_unequal_settings_are_not_comparable_and_exit_code_2(local, tmp_path, capsys):
    local.planted["paddle"] = lambda backend: {
        "read_settings": lambda device: replace(backend.read_settings(device), threads=77)
    }
    target = tmp_path / "result.json"
    arguments = [
        "--model",
        "lenet5",
        "--rounds",
        "4",
        "--pairs",
        "1",
        "--device",
        "cpu",
        *QUICK,
        "--json",
        str(target),
    ]
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
    command += ["--rounds", "4", "--pairs", "1", "--min-seconds", "0", "--json", str(target)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 4), done.stderr  # on a busy machine nothing may be valid
    report = json.loads(target.read_text())
    assert report["parity"]["verdict"] == "pass"
    (comparison,) = report["comparisons"]
    assert comparison["ratio"] > 0 if done.returncode == 0 else comparison["verdict"] == "invalid"
    assert all(counters["seconds"] > 0 for row in report["results"] for counters in row["block_counters"])
    assert all(row["idle_cpu_seconds"] < 0.1 for row in report["results"])
    assert "paddle / torch" in done.stdout
    assert "infer eager fp32 batch 8" in done.stderr  # the progress bar
