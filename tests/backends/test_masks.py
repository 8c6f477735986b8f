"""Dropout: masks from NumPy for both, or the framework's own from a seed."""

import importlib

import numpy as np
import pytest

from common.training.dropout_masks import Masks
from common.weights import initialization
from tests.pairs.words import Words
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


def layers(name, kind, *arguments, **options):
    """A layer of either framework by torch's name, in training mode, as a model of its own."""
    words = Words(name)
    layer = getattr(words, kind)(*arguments, **options)
    model = words.Sequential(layer)
    model.train()
    return model


def masked(name, backend, model, x, mask):
    given = backend.from_numpy(x, device="cpu", precision="fp64")
    with backend.masked_dropout(model, lambda *_: mask):
        return backend.to_numpy(model(given))


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_a_mask_is_given_by_element(name, torch_backend, paddle_backend):
    """A flattening before or behind dropout changes the shape and no decision."""
    backend = {"torch": torch_backend, "paddle": paddle_backend}[name]
    model, x = layers(name, "Dropout", 0.5), np.ones((2, 3, 2, 2))
    mask = np.random.default_rng(0).integers(0, 2, (2, 12)).astype(np.float32)
    whole = masked(name, backend, model, x, mask)
    assert np.array_equal(whole, 2 * mask.reshape(x.shape))
    flat = masked(name, backend, model, x.reshape(2, 12), mask.reshape(x.shape))
    assert np.array_equal(flat.reshape(x.shape), whole)


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_a_mask_that_does_not_fit_names_the_layer(name, torch_backend, paddle_backend):
    """Torch would spread (2, 3) over (2, 3, 2, 3) in silence."""
    backend = {"torch": torch_backend, "paddle": paddle_backend}[name]
    model = layers(name, "Dropout", 0.5)
    with pytest.raises(ValueError, match=r"^0: a dropout mask of shape"):
        masked(name, backend, model, np.ones((2, 3, 2, 3)), np.ones((2, 3), np.float32))


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_whole_channels_take_a_mask_for_each(name, torch_backend, paddle_backend):
    backend = {"torch": torch_backend, "paddle": paddle_backend}[name]
    model, x, asked = layers(name, "Dropout2d", 0.5), np.ones((2, 3, 2, 2)), []

    def draw(layer, shape, probability):
        asked.append(shape)
        return Masks(0)(layer, shape, probability)

    with backend.masked_dropout(model, draw):
        y = backend.to_numpy(model(backend.from_numpy(x, device="cpu", precision="fp64")))
    assert asked == [(2, 3, 1, 1)]
    assert np.array_equal(y, np.broadcast_to(y[:, :, :1, :1], x.shape))


def test_alpha_dropout_computes_the_same_from_one_mask(torch_backend, paddle_backend):
    """And what each framework's own does: the same two values."""
    sides = {"torch": torch_backend, "paddle": paddle_backend}
    x = np.random.default_rng(1).standard_normal((40, 50))
    mask = Masks(0)("alpha", x.shape, 0.15)
    ours, theirs = (
        masked(name, backend, layers(name, "AlphaDropout", 0.15), x, mask) for name, backend in sides.items()
    )
    assert np.allclose(ours, theirs, rtol=1e-14, atol=0)
    ones = masked("torch", torch_backend, layers("torch", "AlphaDropout", 0.15), np.ones((40, 50)), mask)
    for name, backend in sides.items():
        given = backend.from_numpy(np.ones((40, 50)), device="cpu", precision="fp64")
        own = backend.to_numpy(layers(name, "AlphaDropout", 0.15)(given))
        assert np.allclose(np.unique(own), np.unique(ones), rtol=1e-12, atol=0)


KINDS = {
    "Dropout": {"torch": (), "paddle": ()},
    "in place": {"torch": (True,), "paddle": (True,)},
    "AlphaDropout": {"torch": (), "paddle": ()},
    "Dropout2d": {"torch": (), "paddle": ()},
    "Dropout3d": {"torch": (), "paddle": ()},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5, 0.9])
def test_every_kind_of_dropout_is_measured(kind, rate, torch_backend, paddle_backend):
    facts = []
    for name, backend in (("torch", torch_backend), ("paddle", paddle_backend)):
        model = layers(name, "Dropout" if kind == "in place" else kind, rate, *KINDS[kind][name])
        facts += backend.measure_dropout(model)
    for side in facts:
        assert side["rate"] == rate
        assert side["channelwise"] == (kind in ("Dropout2d", "Dropout3d"))
        assert abs(side["dropped"] / side["decisions"] - rate) < 0.02
        assert side["evaluation"] == 1.0
    assert abs(facts[0]["scale"] / facts[1]["scale"] - 1) < 3e-7


def test_dropout_of_channels_by_axis_is_known(paddle_backend):
    """Paddle has no Dropout1d."""
    (facts,) = paddle_backend.measure_dropout(layers("paddle", "Dropout", 0.5, axis=[0, 1]))
    assert facts["channelwise"]


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_dropout_inside_a_layer_is_known_and_off_for_a_while(name, torch_backend, paddle_backend):
    backend, words = {"torch": torch_backend, "paddle": paddle_backend}[name], Words(name)
    model = words.Sequential(
        words.attention(8, 2, 0.1),
        words.recurrent("LSTM", 4, 4, layers=2, both_ways=False, dropout=0.3),
        words.recurrent("GRU", 4, 4, layers=1, both_ways=False, dropout=0.3),
        words.Dropout(0.5),
    )
    rates = [0.1, 0.3, 0.0]  # nothing lies behind a single recurrent layer that could be dropped
    assert [layer["rate"] for layer in backend.inner_dropout(model)] == rates
    with backend.without_inner_dropout(model):
        assert [layer["rate"] for layer in backend.inner_dropout(model)] == [0.0, 0.0, 0.0]
    assert [layer["rate"] for layer in backend.inner_dropout(model)] == rates
