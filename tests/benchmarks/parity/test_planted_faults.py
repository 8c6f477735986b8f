"""The gate can fail: each planted fault is rejected where it lies, each innocent difference passes."""

import numpy as np
import pytest

from benchmarks.parity.comparison import run_gate
from benchmarks.parity.judge.gap import allow_noise, compare, excuse
from benchmarks.request.model_pair import ModelPair
from tests.support.sides import LocalSide, altered
from tests.support.small_models import small_backend

SUBJECT = ModelPair(model="lenet5", num_classes=5, input_shape=(3, 8, 8), batch_size=4)


@pytest.fixture
def gate(torch_backend, paddle_backend, tmp_path):
    """Run the gate on small networks: ``planted`` in the network, ``functions`` in paddle's backend."""

    def run(functions=lambda backend: {}, **planted):
        ours = small_backend("torch", torch_backend)
        theirs = small_backend("paddle", paddle_backend, **planted)
        theirs.__all__ = paddle_backend.__all__
        theirs = altered(theirs, **functions(theirs))
        sides = LocalSide("torch", ours), LocalSide("paddle", theirs)
        return run_gate(*sides, subject=SUBJECT, scratch=tmp_path)

    return run


def test_sound_networks_pass(gate):
    assert gate()["verdict"] == "pass"


def test_another_order_in_memory_and_of_entries_is_innocent(gate):
    """Arrays that read the same are the same, however they lie and in whatever order they come."""

    def functions(backend):
        def set_weights(model, arrays):
            turned = {name: np.asfortranarray(arrays[name]) for name in reversed(arrays)}
            backend.set_weights(model, turned)

        return {"set_weights": set_weights}

    assert gate(functions)["verdict"] == "pass"


def changed_gradient(name, factor):
    def functions(backend):
        def get_gradients(model, names=None):
            gradients = backend.get_gradients(model, names)
            return gradients | ({name: gradients[name] * factor} if name in gradients else {})

        return {"get_gradients": get_gradients}

    return functions


@pytest.mark.parametrize(
    "factor", [0, 2, -1, 1 + 1e-9], ids=["zeroed", "doubled", "sign-flipped", "1e-9 off"]
)
@pytest.mark.parametrize("name", ["conv1.weight", "fc3.bias"])
def test_a_wrong_gradient_of_one_layer_is_named(gate, name, factor):
    parity = gate(changed_gradient(name, factor))
    assert parity["verdict"] == "fail"
    assert parity["first_divergence"]["stage"] == "gradients"
    assert parity["first_divergence"]["name"] == name
    assert parity["first_divergence"]["layer"] == name.split(".")[0]


def test_an_untransposed_square_weight_is_rejected(gate):
    """Its shape fits: only the numbers tell."""

    def functions(backend):
        def set_weights(model, arrays):
            backend.set_weights(model, {**arrays, "fc3.weight": np.ascontiguousarray(arrays["fc3.weight"].T)})

        return {"set_weights": set_weights}

    parity = gate(functions)
    assert parity["verdict"] == "fail"
    assert parity["first_divergence"]["stage"] == "forward"


def test_swapped_labels_are_rejected(gate):
    def functions(backend):
        def compute_loss(model, images, labels):
            return backend.compute_loss(model, images, labels.flip(0))

        return {"compute_loss": compute_loss}

    parity = gate(functions)
    assert parity["first_divergence"]["stage"] == "loss"


def test_swapped_colours_are_rejected(gate):
    def functions(backend):
        def from_numpy(array, **where):
            bgr = np.ascontiguousarray(array[:, ::-1]) if array.ndim == 4 else array
            return backend.from_numpy(bgr, **where)

        return {"from_numpy": from_numpy}

    assert gate(functions)["first_divergence"]["stage"] == "forward"


def test_a_wrong_alpha_of_response_normalisation_is_rejected(gate):
    """Also one that would fit into what the known rounding of this layer excuses in size."""
    assert gate(alpha=5e-4 * 1.1)["first_divergence"]["stage"] == "forward"
    assert gate(alpha=5e-4 * (1 + 1e-7))["first_divergence"]["stage"] == "forward"


def test_dropout_that_halves_evaluation_is_rejected(gate):
    assert gate(dropout_mode="downscale_in_infer")["first_divergence"]["stage"] == "forward"


def test_not_a_number_is_rejected(gate):
    assert gate(changed_gradient("fc4.bias", np.nan))["first_divergence"]["name"] == "fc4.bias"


def test_another_parameter_shape_is_rejected_before_anything_runs(gate):
    def functions(backend):
        def describe(model):
            described = backend.describe(model)
            described["parameters"][-1]["shape"] = [6]
            return described

        return {"describe": describe}

    parity = gate(functions)
    assert [stage["stage"] for stage in parity["stages"]] == ["parameters"]
    assert parity["first_divergence"]["name"] == "fc4.bias"


def test_a_fault_beside_a_known_rounding_is_rejected(gate, torch_backend, monkeypatch):
    """Ten times the gap that is excused, in the very tensor: reproducing the constant does not help."""
    excused = gate()["stages"][-1]["tensors"]
    worst = max((tensor for tensor in excused), key=lambda tensor: tensor["relative_l2"])
    factor = 1 + 10 * max(worst["relative_l2"], 1e-12)
    parity = gate(changed_gradient("conv1.weight", factor))
    assert parity["verdict"] == "fail"
    assert parity["first_divergence"]["name"] == "conv1.weight"


def test_a_gap_above_the_bound_is_not_excused_even_if_reproduced():
    rounding = {"constant": "any", "bound": 1e-8}
    ours = np.ones(10)
    sound = compare("x", ours, ours)
    below, above = (compare("x", ours, ours * (1 + size)) for size in (0.5e-8, 2e-8))
    assert excuse(below, sound, **rounding).verdict == "pass (known rounding)"
    assert excuse(above, sound, **rounding).verdict == "fail"
    assert excuse(below, below, **rounding).verdict == "fail"


def test_what_is_beyond_one_bound_is_not_excused_by_another_rounding_nor_by_noise():
    ours = np.ones(10)
    above, sound = compare("x", ours, ours * (1 + 2e-8)), compare("x", ours, ours)
    refused = excuse(above, sound, constant="any", bound=1e-8)
    assert excuse(refused, sound, constant="without a bound", bound=np.inf).verdict == "fail"
    assert allow_noise(refused, moved=1.0).verdict == "fail"
    unexplained = excuse(above, above, constant="any", bound=1e-8)
    assert excuse(unexplained, sound, constant="the right one", bound=np.inf).passed


@pytest.mark.parametrize("scale", [1e-300, 1e-9, 1.0, 1e4, 1e200])
def test_gaps_do_not_depend_on_the_size_of_numbers(scale):
    values = np.random.default_rng(0).standard_normal(100) * scale
    assert compare("x", values, values * (1 + 1e-13)).passed
    assert not compare("x", values, values * (1 + 1e-11)).passed


@pytest.mark.parametrize(
    ("ours", "theirs", "passed"),
    [
        ([0.0, 0.0], [0.0, -0.0], True),
        ([0.0, 0.0], [0.0, 1e-300], False),
        ([1.0, np.nan], [1.0, np.nan], False),
        ([1.0, np.inf], [1.0, np.inf], False),
        ([1.0, 2.0], [1.0, 2.0, 3.0], False),
    ],
)
def test_zeros_and_what_is_no_number(ours, theirs, passed):
    assert compare("x", np.array(ours), np.array(theirs)).passed is passed
