"""Phase soak by the command, on a framework, with a worker in this process."""

import json

import numpy as np

from benchmarks import run
from tests.support.commands import ended

LENET = ["--model", "lenet5", "--threads", "1", "--device", "cpu", "--phase", "soak", "--batch-size", "1"]
LEAK = 1 << 18  # bytes a step


def test_a_leak_in_a_framework_is_measured(local, tmp_path, capsys):
    kept = []

    def leaking(backend):
        def infer(model, images):
            kept.append(np.ones(LEAK, np.uint8))
            return backend.infer(model, images)

        def from_numpy(array, **where):
            kept.append(np.ones(LEAK, np.uint8))
            return backend.from_numpy(array, **where)

        return {"from_numpy": from_numpy}

    local.planted["torch"] = leaking
    flags = ["--backend", "torch", *LENET, "--steps", "800", "--json", str(tmp_path / "a.json")]
    code, shown, _ = ended(run.main, flags, capsys)
    (row,) = json.loads((tmp_path / "a.json").read_text())["results"]
    found = row["memory_growth"]
    assert (code, found["steps"], found["verdict"]) == (0, 800, "grows")
    assert 20 < found["mib_per_100_steps"] < 30  # 25 MiB were planted
    assert "torch    " in shown and "grows 2" in shown


def test_a_model_that_needs_one_shape_is_refused_by_name(local, tmp_path, capsys):
    flags = ["--backend", "paddle", *LENET, "--shapes", "32,48", "--json", str(tmp_path / "a.json")]
    code, _, errors = ended(run.main, flags, capsys)
    assert code == 3 and "no images of 48 x 48" in errors[0] and "pool adaptively" in errors[0]


def test_what_is_compiled_ahead_takes_one_shape(local, tmp_path, capsys):
    flags = ["--backend", "torch", *LENET, "--engine", "deploy", "--json", str(tmp_path / "a.json")]
    code, _, errors = ended(run.main, flags, capsys)
    assert code == 3 and "what the deploy engine compiles ahead takes one shape" in errors[0]
