"""What an optimizer remembers goes in and out as arrays: training goes on, here or in the other framework."""

import numpy as np
import pytest

from backends import OPTIMIZERS
from backends.training.param_groups import KEPT
from common.weights import initialization

pytestmark = pytest.mark.usefixtures("one_thread")

RATE = float(np.float32(1e-2))
SETTINGS = {
    "momentum": float(np.float32(0.9)),
    "beta1": float(np.float32(0.9)),
    "beta2": float(np.float32(0.999)),
    "weight_decay": float(np.float32(0.01)),
}


class Run:
    """lenet5 on gradients drawn in NumPy."""

    def __init__(self, backend, optimizer, *, precision, weights=None, state=None, updates=0):
        self.backend, self.updates = backend, updates
        self.model = backend.build("lenet5", num_classes=10, channels=1, precision=precision, device="cpu")
        self.shapes = backend.parameter_shapes(self.model)
        backend.set_weights(self.model, weights or initialization.draw_scaled(self.shapes, seed=0))
        self.optimizer = backend.make_optimizer(self.model, optimizer, learning_rate=RATE, **SETTINGS)
        if state is not None:
            backend.set_moments(self.model, self.optimizer, state, updates=updates)

    def step(self, count):
        for _ in range(count):
            gradients = {
                key: np.random.default_rng((self.updates, position)).standard_normal(shape)
                for position, (key, shape) in enumerate(self.shapes.items())
            }
            self.backend.set_gradients(self.model, gradients)
            self.backend.update(self.optimizer)
            self.updates += 1
        return self

    def weights(self):
        return self.backend.get_weights(self.model)

    def state(self):
        return self.backend.get_moments(self.model, self.optimizer, set(self.shapes), KEPT)


@pytest.mark.parametrize("precision", ["fp32", "fp64"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_run_goes_on_bit_for_bit(backend, optimizer, precision):
    whole = Run(backend, optimizer, precision=precision).step(7)
    half = Run(backend, optimizer, precision=precision).step(4)
    continued = Run(
        backend, optimizer, precision=precision, weights=half.weights(), state=half.state(), updates=4
    ).step(3)
    for name, array in whole.weights().items():
        assert np.array_equal(array, continued.weights()[name]), name
    for name, array in whole.state().items():
        assert np.array_equal(array, continued.state()[name]), name


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_run_goes_on_in_the_other_framework(torch_backend, paddle_backend, optimizer):
    for here, there in ((torch_backend, paddle_backend), (paddle_backend, torch_backend)):
        whole = Run(here, optimizer, precision="fp64").step(12)
        half = Run(here, optimizer, precision="fp64").step(6)
        moved = Run(
            there, optimizer, precision="fp64", weights=half.weights(), state=half.state(), updates=6
        ).step(6)
        assert worst_gap(whole.weights(), moved.weights()) < 1e-12


@pytest.mark.parametrize("optimizer", ["momentum", "adam", "adamw"])
def test_forgotten_moments_and_a_forgotten_count_are_seen(backend, optimizer):
    whole = Run(backend, optimizer, precision="fp64").step(7)
    half = Run(backend, optimizer, precision="fp64").step(4)
    kept = {"precision": "fp64", "weights": half.weights()}
    without = Run(backend, optimizer, **kept, updates=4).step(3)
    assert worst_gap(whole.weights(), without.weights()) > 1e-6
    if optimizer != "momentum":
        miscounted = Run(backend, optimizer, **kept, state=half.state(), updates=5)
        miscounted.updates = 4
        assert worst_gap(whole.weights(), miscounted.step(3).weights()) > 1e-6


def test_moments_are_in_the_neutral_layout_and_copies(backend):
    run = Run(backend, "adam", precision="fp32").step(1)
    state = run.state()
    assert sorted(state) == sorted(f"{name}/{kind}" for kind in KEPT[1:] for name in run.shapes)
    assert state["f6.weight/exp_avg"].shape == (84, 120)
    before = state["f6.weight/exp_avg"].copy()
    run.step(1)
    assert np.array_equal(state["f6.weight/exp_avg"], before)


def test_before_the_first_update_nothing_is_remembered(backend):
    assert Run(backend, "adam", precision="fp32").state() == {}


def worst_gap(ours, theirs):
    return max(np.linalg.norm(ours[key] - theirs[key]) / np.linalg.norm(ours[key]) for key in ours)
