"""Networks that torchvision and paddle.vision both ship: three of them, judged by their own builders."""

import json

import pytest

from benchmarks.manager.worker_process import WorkerFailure
from benchmarks.parity import shipped
from benchmarks.parity.plan import GATE, Plan
from benchmarks.parity.shipped import compare_network

# One is paired by name, one in order, and one is not the same network.
JUDGED = {
    "resnet18": ((*GATE, "train-mode"), "pass", None, ["running-variance"]),
    "shufflenet_v2_x1_0": (GATE, "pass", None, []),
    "squeezenet1_1": (GATE, "fail", "features.0", []),
}


@pytest.mark.parametrize("name", JUDGED)
def test_a_shipped_network_is_judged_rightly(name, workers, workers_scratch):
    stages, *expected = JUDGED[name]
    plan = Plan(stages=stages, optimizers=("adam",))
    row = compare_network(workers, name, scratch=workers_scratch, plan=plan, batch_size=2)
    assert [row["verdict"], row["layer"], row["known_differences"]] == expected, row["first_divergence"]
    assert row["right"]


def test_a_verdict_that_is_not_the_known_one_is_wrong():
    passed = {"verdict": "pass", "first_divergence": None, "stages": [{}]}
    first = {"stage": "forward", "layer": "classifier.0"}
    failed = {"verdict": "fail", "first_divergence": first, "stages": [{}]}
    elsewhere = failed | {"first_divergence": first | {"layer": "features.0"}}
    assert shipped._row("resnet18", passed, 1.0)["right"]
    assert not shipped._row("resnet18", failed, 1.0)["right"]
    assert not shipped._row("alexnet", passed, 1.0)["right"]
    assert shipped._row("alexnet", failed, 1.0)["right"]
    assert not shipped._row("alexnet", elsewhere, 1.0)["right"]


def test_a_lost_worker_is_a_row_and_the_rest_goes_on(monkeypatch, tmp_path, capsys):
    """Everything is written down as it is found."""
    started = []

    def fake(*_, subject, **__):
        if subject.sources["torch"].endswith("resnet34"):
            raise WorkerFailure("torch", "error", "the worker died")
        return {"verdict": "pass", "first_divergence": None, "stages": [{}]}

    class Sides:
        def __init__(self, *_, **__):
            started.append(1)

        def __enter__(self):
            return (None, None)

        def __exit__(self, *_):
            return None

    monkeypatch.setattr("benchmarks.parity.comparison.run_parity", fake)
    monkeypatch.setattr("benchmarks.parity.check.both_sides", Sides)
    code = shipped.main(["--only", "resnet18,resnet34,mobilenet_v2", "--json", str(tmp_path / "found.json")])
    rows = json.loads((tmp_path / "found.json").read_text())["networks"]
    assert [(row["network"], row["verdict"]) for row in rows] == [
        ("resnet18", "pass"),
        ("resnet34", "incomplete"),
        ("mobilenet_v2", "pass"),
    ]
    assert (code, len(started)) == (3, 2)
    printed = capsys.readouterr()
    assert "the worker died" in printed.out
    assert "not judged: resnet34" in printed.err
