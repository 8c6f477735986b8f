"""What float64 says of float32, from a report and predictions made by hand."""

import pytest

from benchmarks.parity.variants.predictions import Checked, Predictions
from benchmarks.parity.variants.summary import departing_in_float64, excuses, finding, unjudged_gradients


def stage(name, verdict, **logits):
    tensors = [{"name": "logits", "tolerance": 1e-12, "relative_l2": 1e-15, "verdict": verdict} | logits]
    return {"stage": name, "verdict": verdict, "tensors": tensors}


def report(forward="pass", float32="pass", **logits):
    return {"stages": [stage("forward", forward, **logits), stage("float32", float32)]}


def predictions(*, largest=1e-6, checked=()):
    found = Predictions()
    found.tally.logits.largest, found.tally.logits.numbers = largest, 1
    found.checked = {n: Checked(ranking=None, relative_l2=gap) for n, gap in enumerate(checked)}
    return found


@pytest.mark.parametrize(
    ("made", "largest", "expected"),
    [
        (report(), 1e-2, "rounding"),
        (report("pass (known rounding)"), 1e-6, "known rounding"),
        (report(float32="fail"), 1e-6, "unexplained"),
        (report("fail"), 1e-2, "fault"),
        (report("fail"), 1e-6, "hidden fault"),
        (report("error"), 1e-6, "unknown"),
        (report(float32="error"), 1e-6, "unknown"),
        ({"stages": []}, 1e-6, "unknown"),
        ({"stages": [], "pairing": {}}, 1e-2, "fault"),
    ],
)
def test_float64_decides_what_a_distance_is(made, largest, expected):
    assert finding(made, predictions(largest=largest)) == expected


@pytest.mark.parametrize(
    ("made", "gaps", "departs"),
    [
        (report(), (1e-15, 9e-13), False),
        (report(), (1e-15, 1e-9), True),
        (report(), (float("nan"),), True),
        (report("pass (known rounding)", relative_l2=1e-8), (2e-7,), False),
        (report("pass (known rounding)", relative_l2=1e-8), (4e-7,), True),
        ({"stages": []}, (1.0,), False),
    ],
)
def test_an_image_outside_of_the_batch_may_depart_no_further_than_the_batch(made, gaps, departs):
    assert (departing_in_float64(predictions(checked=gaps), made) is not None) == departs


def with_gradient(*, lone=("relu (torch only)",), output="pass"):
    """Float32 fails: a gradient is far from the float64 one, and maybe an output as well."""
    made = report(float32="fail")
    forward, float32 = made["stages"]
    forward["layers_on_one_side"] = list(lone)
    gradient = {"name": "conv.weight", "tolerance": 3e-5, "relative_l2": 1e-3, "verdict": "fail"}
    float32["tensors"] = [float32["tensors"][0] | {"verdict": output}, gradient]
    return made


def test_float32_gradients_are_not_judged_where_decisions_are_not_seen():
    assert unjudged_gradients(with_gradient()) == 1e-3
    assert finding(with_gradient(), predictions()) == "rounding"
    for made in (with_gradient(lone=()), with_gradient(output="fail")):  # all are seen; an output departs
        assert unjudged_gradients(made) is None
        assert finding(made, predictions()) == "unexplained"
    broken = with_gradient()
    broken["stages"].append(stage("train-mode", "fail"))
    assert unjudged_gradients(broken) is None
    assert unjudged_gradients(report()) is None


def test_known_roundings_and_differences_are_counted_by_what_they_are():
    known = {"verdict": "pass (known rounding)", "relative_l2": 1e-8, "reproduced_relative_l2": 1e-16}
    tensors = [known | {"constant": name} for name in ("alpha", "alpha", "slope")]
    difference = {"difference": "running-variance", "stage": "train-mode", "tensors": ["a", "b"]}
    difference |= {"relative_l2": 1e-2, "left": 1e-16}
    made = {"stages": [{"stage": "forward", "tensors": tensors}], "known_differences": [difference]}
    found = [(each.kind, each.what, each.tensors) for each in excuses(made)]
    expected = [("rounding", "alpha", 2), ("rounding", "slope", 1), ("difference", "running-variance", 2)]
    assert found == expected
