"""The commands that try the tool itself: planted slowdowns, repetitions, loops written by hand."""

from types import SimpleNamespace

import pytest

from benchmarks.selfcheck import planted_slowdowns, reference_loops, reference_tasks, repeatability
from benchmarks.selfcheck import slowed_tasks as slowed
from benchmarks.selfcheck.planted_slowdowns import SLOWED
from benchmarks.selfcheck.repeatability import coverage
from common.terminal import progress
from tests.support.commands import ended
from tests.support.fake_device import LAUNCH, FakeDevice
from tests.support.reports import comparison


@pytest.mark.parametrize("percent", SLOWED)
def test_a_slowed_worker_takes_so_much_longer(monkeypatch, percent):
    """What its device takes as well: a GPU's, which a step only tells to begin."""
    device = FakeDevice()

    def clock():
        device.now += 0.01
        return device.now

    monkeypatch.setattr(slowed.time, "perf_counter", clock)
    name = SLOWED[percent].rpartition(":")[2]
    tasks = getattr(slowed, name).__new__(getattr(slowed, name))
    tasks._slowed(lambda: device.launch(20.0), device.synchronize)()
    assert device.now == pytest.approx((LAUNCH + 20) * (1 + percent / 100), rel=0.01)


@pytest.mark.parametrize(
    ("found", "passed", "otherwise", "expected"),
    [
        (20, 20, "", 0),
        (19, 19, "", 0),
        (18, 20, "no regression", 1),
        (20, 18, "found", 1),
        (18, 20, "undecided", 4),
        (20, 18, "undecided", 4),  # what the gate could not see is never passed
    ],
)
def test_the_gate_has_to_be_right_in_19_of_20(monkeypatch, capsys, found, passed, otherwise, expected):
    others = [otherwise] * 20
    runs = {True: iter(["found"] * found + others), False: iter(["no regression"] * passed + others)}
    monkeypatch.setattr(planted_slowdowns, "_compare", lambda *_, **__: None)
    monkeypatch.setattr(planted_slowdowns, "_run", lambda *_, slower: (next(runs[slower]), "so much"))
    code, out, _ = ended(planted_slowdowns.main, ["--runs", "20"], capsys)
    assert code == expected
    assert f"found in {found} of 20 runs; unchanged: passed {passed} of 20" in out


def test_an_interval_covers_the_runs_inside_it():
    rows = [comparison(1.0, speed, width=0.1 / 1.4) for speed in (1.0, 1.05, 1.3)]
    assert coverage(rows) == [0.5, 0.5, 0.0]


@pytest.mark.parametrize(("width", "expected"), [(0.19, 0), (0.01, 1), (0.5, 4)])
def test_runs_that_do_not_agree_are_exit_code_1(monkeypatch, capsys, width, expected):
    speeds = iter([1.0, 1.1, 0.9] * 2)
    monkeypatch.setattr(repeatability, "_run", lambda *_: comparison(1.0, next(speeds), width=width))
    code, out, errors = ended(repeatability.main, ["--runs", "6", "--max-regression", "25"], capsys)
    assert code == expected
    assert (code == 4) == any("6 of 6 runs would not show a change of 25 %" in line for line in errors)
    assert "spread of the ratio 22.2%" in out


@pytest.mark.parametrize(("best", "expected"), [(0.96, 0), (0.94, 1)])
def test_the_harness_is_held_against_the_fastest_loop(monkeypatch, capsys, best, expected):
    case = SimpleNamespace(threads=2)
    ratios = {"slow loop": [1.4, 1.5, 1.6], "fast loop": [best - 0.1, best, best + 0.1]}
    monkeypatch.setattr(reference_loops, "_measure", lambda *_: (case, ratios))
    code, _, errors = ended(reference_loops.main, ["--backend", "paddle", "--model", "alexnet"], capsys)
    assert (code, len(errors)) == (expected, expected)
    assert expected == 0 or "the fastest loop, fast loop" in errors[0]


@pytest.mark.parametrize(("ratio", "expected"), [(0.9, 30), (1.9, 30), (9.0, 4)])
def test_a_hopeless_loop_is_left_and_no_other(ratio, expected):
    class Worker:
        def ask(self, task, *, reference, pairs, min_seconds):
            return [ratio] * pairs

    options = SimpleNamespace(pairs=30, block_seconds=0.5)
    bar = progress(total=30, unit="pairs", shown=False)
    assert reference_loops._ratios(Worker(), "loop", options, bar=bar) == [ratio] * expected


def test_loops_by_hand_compute_what_the_harness_does(local, torch_backend, paddle_backend, tmp_path):
    import numpy as np

    for name, backend in (("torch", torch_backend), ("paddle", paddle_backend)):
        build = {"name": "lenet5", "num_classes": 10, "channels": 3, "precision": "fp32", "device": "cpu"}
        model = backend.build(**build)
        backend.set_training(model, False)
        array = np.random.default_rng(0).standard_normal((2, 3, 32, 32), dtype=np.float32)
        images = backend.from_numpy(array, device="cpu", precision="fp32")
        expected = backend.to_numpy(backend.infer(model, images))
        make = {"torch": reference_tasks.torch_ways, "paddle": reference_tasks.paddle_ways}[name]
        for way, step in make(lambda model=model: model, images, threads=1, folder=tmp_path / name).items():
            if way != "torch.compile":  # compiling takes a while, and test_engines does it
                found = step()
                found = found if isinstance(found, np.ndarray) else backend.to_numpy(found.float())
                assert np.abs(found - expected).max() < (0.05 if "bf16" in way else 1e-5), way
