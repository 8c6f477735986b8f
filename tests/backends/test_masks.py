"""Dropout: masks from NumPy for both, or the framework's own from a seed."""

import importlib

import numpy as np
import pytest

from common.training.dropout_masks import Masks
from common.weights import initialization
from tests.support.small_models import small_network

FRAMEWORKS = ("torch", "paddle")


def network(name, backend):
    model = small_network(name)
    model = model.double() if name == "torch" else model.to(dtype="float64")
    backend.set_weights(model, initialization.draw_scaled(backend.parameter_shapes(model), seed=0))
    backend.set_training(model, True)
    return model


def gradients(backend, model):
    rng = np.random.default_rng(1)
    images = backend.from_numpy(rng.standard_normal((4, 3, 8, 8)), device="cpu", precision="fp64")
    labels = backend.from_numpy(np.array([0, 1, 2, 3]), device="cpu", precision="fp64")
    logits, loss = backend.compute_loss(model, images, labels)
    backend.backward(loss)
    return backend.to_numpy(logits), backend.get_gradients(model)


def shared(name, backend, *, update=0, part=0):
    model, masks = network(name, backend), Masks(7)
    masks.at(update, part)
    with backend.masked_dropout(model, masks):
        return gradients(backend, model)


def test_shared_masks_give_both_the_same_training_pass(torch_backend, paddle_backend):
    ours, theirs = shared("torch", torch_backend), shared("paddle", paddle_backend)
    assert np.allclose(ours[0], theirs[0], rtol=1e-12, atol=0)
    for name, gradient in ours[1].items():
        # paddle keeps a constant of response normalisation's gradient in float32.
        tolerance = 1e-9 if name.startswith("conv1") else 1e-12
        gap = np.linalg.norm(gradient - theirs[1][name])
        assert gap <= tolerance * np.linalg.norm(gradient), name


def test_masks_of_another_update_or_part_are_others(torch_backend, paddle_backend):
    ours = shared("torch", torch_backend)[0]
    for moment in ({"update": 1}, {"part": 1}):
        assert not np.allclose(ours, shared("paddle", paddle_backend, **moment)[0])


def test_own_masks_are_never_the_same(torch_backend, paddle_backend):
    """Why masks are shared at all."""
    torch_backend.seed_dropout(1)
    paddle_backend.seed_dropout(1)
    ours = gradients(torch_backend, network("torch", torch_backend))[0]
    assert not np.allclose(ours, gradients(paddle_backend, network("paddle", paddle_backend))[0])


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_own_masks_depend_on_the_seed_alone(name, torch_backend, paddle_backend):
    backend = {"torch": torch_backend, "paddle": paddle_backend}[name]
    logits = []
    for seed in (1, 1, 2):
        backend.seed_dropout(seed)
        logits.append(gradients(backend, network(name, backend))[0])
    assert np.array_equal(logits[0], logits[1])
    assert not np.array_equal(logits[0], logits[2])


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_shared_masks_are_for_training_alone(name, torch_backend, paddle_backend):
    backend = {"torch": torch_backend, "paddle": paddle_backend}[name]
    model = network(name, backend)
    backend.set_training(model, False)
    with backend.masked_dropout(model, lambda *_: pytest.fail("a mask was drawn in evaluation")):
        gradients(backend, model)


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_without_a_mask_the_layer_draws_its_own(name, torch_backend, paddle_backend):
    """Also after the masks were taken away."""
    backend = {"torch": torch_backend, "paddle": paddle_backend}[name]
    model = network(name, backend)

    def seeded():
        backend.seed_dropout(1)
        return gradients(backend, model)[0]

    own = seeded()
    with backend.masked_dropout(model, lambda *_: None):
        assert np.array_equal(seeded(), own)
    with backend.masked_dropout(model, Masks(7)):
        assert not np.array_equal(seeded(), own)
    assert np.array_equal(seeded(), own)


def test_masks_drop_what_they_are_asked_to():
    mask = Masks(0)("dropout6", (200, 200), 0.25)
    assert mask.dtype == np.float32
    assert set(np.unique(mask)) == {0, 1}
    assert abs(float(mask.mean()) - 0.75) < 0.02
    assert not np.array_equal(mask, Masks(0)("dropout7", (200, 200), 0.25))


def test_seeding_torch_queues_nothing(torch_backend):
    """torch.manual_seed would keep a stack trace of each call for a GPU that never comes."""
    cuda = importlib.import_module("torch.cuda")
    before = len(cuda._queued_calls)
    torch_backend.seed_dropout(3)
    assert len(cuda._queued_calls) == before
