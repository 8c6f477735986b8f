"""Optimizers agree: the same gradients to both for 20 steps, in float64."""

import numpy as np
import pytest

from backends import OPTIMIZERS
from common.weights import initialization
from tests.pairs import optimizers
from tests.pairs.words import Words

STEPS = 20
TOLERANCE = 1e-12


def rounded(value):
    """A hyper-parameter as paddle keeps it: some of its constants are float32 inside float64."""
    return float(np.float32(value))


def trajectory(backend, name, **settings):
    """Parameters of lenet5 after each of 20 steps on gradients drawn in NumPy."""
    model = backend.build("lenet5", num_classes=10, channels=1, precision="fp64", device="cpu")
    shapes = backend.parameter_shapes(model)
    backend.set_weights(model, initialization.draw_scaled(shapes, seed=0))
    optimizer = backend.make_optimizer(model, name, **settings)
    for step in range(STEPS):
        gradients = {
            key: np.random.default_rng((step, position)).standard_normal(shape) * 10.0 ** (position - 6)
            for position, (key, shape) in enumerate(shapes.items())
        }
        backend.set_gradients(model, gradients)
        backend.update(optimizer)
    return backend.get_weights(model)


def worst_gap(ours, theirs):
    return max(np.linalg.norm(ours[key] - theirs[key]) / np.linalg.norm(ours[key]) for key in ours)


SETTINGS = {
    "plain": {"learning_rate": rounded(0.01), "momentum": rounded(0.9)},
    "decay": {"learning_rate": rounded(0.01), "momentum": rounded(0.9), "weight_decay": rounded(0.1)},
    "betas": {
        "learning_rate": rounded(1e-3),
        "momentum": rounded(0.8),
        "beta1": rounded(0.7),
        "beta2": rounded(0.99),
        "epsilon": rounded(1e-4),
    },
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_agree_on_equal_gradients(torch_backend, paddle_backend, name, settings):
    ours = trajectory(torch_backend, name, **settings)
    assert worst_gap(ours, trajectory(paddle_backend, name, **settings)) <= TOLERANCE


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("sgd", {"weight_decay": 1e-3}),
        ("momentum", {"momentum": 0.9 + 1e-6}),
        ("momentum", {"weight_decay": 1e-6}),
        ("adam", {"beta2": 0.999 + 1e-6}),
        ("adam", {"epsilon": 1e-8 + 1e-12}),
        ("adamw", {"weight_decay": 1e-6}),
        ("adamw", {"beta1": 0.9 + 1e-6}),
    ],
)
def test_a_changed_hyper_parameter_is_rejected(torch_backend, paddle_backend, name, changed):
    sound = SETTINGS["plain"] | {"beta1": rounded(0.9), "beta2": rounded(0.999)}
    ours = trajectory(torch_backend, name, **sound)
    assert worst_gap(ours, trajectory(paddle_backend, name, **sound | changed)) > TOLERANCE


def test_adam_is_not_adamw(torch_backend, paddle_backend):
    settings = SETTINGS["decay"]
    ours = trajectory(torch_backend, "adam", **settings)
    assert worst_gap(ours, trajectory(paddle_backend, "adamw", **settings)) > TOLERANCE


def test_three_updates_on_one_batch_lower_its_loss_the_same_each_time(backend):
    def run():
        model = backend.build("lenet5", num_classes=10, channels=1, precision="fp64", device="cpu")
        backend.set_weights(model, initialization.draw_scaled(backend.parameter_shapes(model), seed=0))
        optimizer = backend.make_optimizer(model, "momentum", learning_rate=0.1)
        rng = np.random.default_rng(0)
        images = backend.from_numpy(rng.standard_normal((2, 1, 32, 32)), device="cpu", precision="fp64")
        labels = backend.from_numpy(np.array([3, 7]), device="cpu", precision="fp64")
        losses = []
        for _ in range(3):
            _, loss = backend.compute_loss(model, images, labels)
            backend.backward(loss)
            backend.update(optimizer)
            losses.append(float(backend.to_numpy(loss)))
        return losses, backend.get_weights(model)

    (losses, weights), (other_losses, other_weights) = run(), run()
    assert losses == other_losses
    assert losses[2] < losses[0]
    assert all(weights[name].tobytes() == other_weights[name].tobytes() for name in weights)


def test_gradients_are_cleared_after_an_update(backend):
    model = backend.build("lenet5", num_classes=10, channels=1, precision="fp64", device="cpu")
    optimizer = backend.make_optimizer(model, "sgd", learning_rate=0.1)
    backend.set_gradients(
        model, {name: np.ones(shape) for name, shape in backend.parameter_shapes(model).items()}
    )
    backend.update(optimizer)
    assert not any(gradient.any() for gradient in backend.get_gradients(model).values())


def test_an_unrounded_momentum_is_why_hyper_parameters_are_rounded(torch_backend, paddle_backend):
    """paddle keeps 0.9 in float32; the day that it does not, the rounding can go."""
    settings = {"learning_rate": rounded(0.01), "momentum": 0.9}
    gap = worst_gap(
        *(trajectory(backend, "momentum", **settings) for backend in (torch_backend, paddle_backend))
    )
    assert TOLERANCE < gap < 1e-6


# Kept by both, under torch's names; what one keeps alone is not compared.
KEPT_BY_BOTH = {
    "rmsprop_centered": {"grad_avg", "square_avg"},
    "adadelta": {"acc_delta", "square_avg"},
    "adagrad": {"sum"},
    "adamax": {"exp_avg", "exp_inf", "step"},
    "nadam": {"exp_avg", "exp_avg_sq"},
    "radam": {"exp_avg", "exp_avg_sq"},
    "rprop": {"prev", "step_size"},
    "amsgrad": {"exp_avg", "exp_avg_sq", "max_exp_avg_sq", "step"},
    "adam_without_beta1": {"exp_avg", "exp_avg_sq", "step"},
}


@pytest.mark.parametrize("name", KEPT_BY_BOTH)
def test_what_both_optimizers_keep_has_the_same_names_and_meaning(torch_backend, paddle_backend, name):
    kept = []
    for side, backend in (("torch", torch_backend), ("paddle", paddle_backend)):
        model = backend.build("lenet5", num_classes=10, channels=1, precision="fp64", device="cpu")
        shapes = backend.parameter_shapes(model)
        backend.set_weights(model, initialization.draw_scaled(shapes, seed=0))
        optimizer = optimizers.maker(Words(side), name)(model)
        for step in range(3):
            gradient = np.random.default_rng(step).standard_normal(10)
            drawn = {key: np.zeros(shape) for key, shape in shapes.items()} | {"output.bias": gradient}
            backend.set_gradients(model, drawn)
            backend.update(optimizer)
        moments = backend.get_moments(model, optimizer, {"output.bias"})
        kept.append({full.rpartition("/")[2]: array for full, array in moments.items()})
    ours, theirs = kept
    assert set(ours) & set(theirs) == KEPT_BY_BOTH[name]
    for kind in KEPT_BY_BOTH[name]:
        assert np.allclose(ours[kind], theirs[kind], rtol=1e-4, atol=0), kind


def test_a_beta_of_0_counts_steps_by_the_other_and_two_count_none(paddle_backend):
    import paddle

    for betas, steps in (((0.0, 0.999), 2), ((0.9, 0.0), 2), ((0.0, 0.0), None)):
        model = paddle.nn.Linear(2, 2)
        optimizer = paddle.optimizer.Adam(1e-3, *betas, parameters=model.parameters())
        for _ in range(2):
            model(paddle.ones([1, 2])).sum().backward()
            paddle_backend.update(optimizer)
        moments = paddle_backend.get_moments(model, optimizer, {"weight"})
        assert moments.get("weight/step") == steps
