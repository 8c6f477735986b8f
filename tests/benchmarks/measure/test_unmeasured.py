"""A comparison that could not be made has exit code 3, and nothing is measured for it."""

import sys

import pytest

from benchmarks import run
from benchmarks.measure import versions
from benchmarks.results.schema import Against, Report
from tests.support.commands import QUICK, ended
from tests.support.reports import result

LENET = ["--backend", "torch", "--model", "lenet5", "--phase", "infer", *QUICK]


def test_an_interpreter_without_the_framework_is_3_before_anything_is_measured(tmp_path, capsys, monkeypatch):
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')
    bare.chmod(0o755)
    monkeypatch.setattr(versions, "measure_against", lambda *_, **__: pytest.fail("something was measured"))
    code, _, err = ended(run.main, [*LENET, "--against", str(bare)], capsys)
    assert (code, len(err)) == (3, 1)
    assert "has no numpy" in err[0]


def test_a_comparison_without_a_verdict_is_3(tmp_path, capsys, monkeypatch):
    row = result("torch", 100.0)
    facts = {name: getattr(row, name) for name in ("phase", "engine", "precision", "batch_size", "threads")}
    lost = Against(**facts, verdict="not comparable", reason="there: no such engine")
    report = Report(environment={}, results=[row], against=[lost])
    monkeypatch.setattr("benchmarks.measure.one_backend.measure_versions", lambda *_, **__: report)
    code, _, err = ended(run.main, [*LENET, "--against", sys.executable], capsys)
    assert (code, len(err)) == (3, 1)
    assert "not comparable: there: no such engine" in err[0]
