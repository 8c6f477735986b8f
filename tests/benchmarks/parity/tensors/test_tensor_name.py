"""Names of tensors: built and taken apart, whatever the layers and parameters are called."""

import json

import pytest

from benchmarks.parity.tensors.tensor_name import LOGITS, LOGITS_GRADIENT, LOSS, TensorName


@pytest.mark.parametrize(
    ("name", "parts", "label"),
    [
        (TensorName.of_layer("features.0#2", "output"), ("layers", "features.0#2", "output"), "features.0#2"),
        (TensorName.of_layer("a/b", "input1"), ("layers", "a/b", "input1"), "a/b (input1)"),
        (TensorName.of_gradient("conv.weight"), ("gradients", "conv.weight", ""), "conv.weight"),
        (TensorName.of_buffer("bn.running_var"), ("buffers", "bn.running_var", ""), "bn.running_var"),
        (LOGITS, ("forward", "", "logits"), "logits"),
        (LOGITS_GRADIENT, ("forward", "", "gradient"), "logits (gradient)"),
        (LOSS, ("loss", "", "loss"), "loss"),
    ],
)
def test_a_name_knows_its_parts(name, parts, label):
    assert (name.kind, name.owner, name.what) == parts
    assert name.label == label
    assert TensorName(json.loads(json.dumps(name))) == name


def test_what_is_computed_before_the_loss():
    before = [
        TensorName.of_layer("c1", "output"),
        LOGITS,
        TensorName.of_buffer("bn.running_mean"),
    ]
    after = [TensorName.of_layer("c1", "gradient"), LOGITS_GRADIENT, LOSS, TensorName.of_gradient("c1.bias")]
    assert [name.is_before_loss for name in (*before, *after)] == [True] * 3 + [False] * 4
