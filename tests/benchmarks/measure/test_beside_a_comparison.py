"""What a default comparison finds beside its ratios, with workers in this process."""

import json

import pytest

from benchmarks import compare
from benchmarks.manager.installations import Installation
from benchmarks.manager.session import Session
from benchmarks.manager.worker_process import WorkerFailure
from benchmarks.request.request import read_request
from tests.support.commands import QUICK, ended

LENET = ["--model", "lenet5", "--device", "cpu", "--phase", "infer", *QUICK, "--skip-parity"]


def test_cold_starts_and_what_is_installed_stand_in_the_result(local, tmp_path, capsys):
    target = tmp_path / "result.json"
    ended(compare.main, [*LENET, "--rounds", "8", "--pairs", "4", "--json", str(target)], capsys)
    report = json.loads(target.read_text())
    assert {row["backend"] for row in report["results"]} == {"torch", "paddle"}
    for row in report["results"]:
        begun = row["cold_start"]
        assert begun["starts"] == len(begun["totals"]) == 2
        assert begun["total_seconds"] > begun["build_seconds"] + begun["first_batch_seconds"] > 0
        assert row["parameters"] == 62_006 and row["settings"]["activation_dtype"] == "float32"
        assert row["warmup_steps"] == 1
    assert all(size > 100 << 20 for size in report["environment"]["installed_bytes"].values())


def test_a_framework_that_cannot_say_how_large_it_is_loses_nothing_else(local, tmp_path, monkeypatch, capsys):
    real = local.ask

    def ask(worker, task, **arguments):
        if task == "installed_bytes" and worker.name == "paddle":
            raise WorkerFailure("paddle", "unsupported", "it was planted", details={})
        return real(worker, task, **arguments)

    monkeypatch.setattr(local, "ask", ask)
    target = tmp_path / "result.json"
    ended(compare.main, [*LENET, "--rounds", "4", "--pairs", "1", "--json", str(target)], capsys)
    report = json.loads(target.read_text())
    assert list(report["environment"]["installed_bytes"]) == ["torch"]
    assert [row["status"] for row in report["results"]] == ["ok", "ok"]


@pytest.mark.parametrize(
    ("flags", "known"),
    [
        (["--phase", "infer,train"], [True, True]),
        (["--phase", "infer", "--engine", "deploy", "--precision", "int8", "--calibrate", "l.txt"], [False]),
        (["--phase", "serve"], [False]),
        (["--phase", "data", "--data", "l.txt"], [False]),
    ],
)
def test_what_has_a_price_or_looks_at_each_process_is_never_known(tmp_path, flags, known):
    request = read_request(compare._parse(["--model", "lenet5", *flags]))
    session = Session(request, scratch=tmp_path)
    assert [session._may_be_known(case) for case in request.cases] == known
    elsewhere = {"there": Installation(backend="torch", root=tmp_path), "here": Installation(backend="torch")}
    session = Session(request, scratch=tmp_path, places=elsewhere)
    assert not any(session._may_be_known(case) for case in request.cases)
