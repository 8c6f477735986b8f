"""Learning, one update at a time: parts, groups, clipping, loss scaling, masks, precision."""

from dataclasses import replace

import numpy as np
import pytest

from backends.inference.classifier import split_head
from backends.training.learner import Learner
from common.cli import UnavailableError
from common.runtime.distributed import Share
from common.training import recipes
from common.weights import initialization
from common.weights.checkpoint import ModelConfig
from tests.support.sides import altered

pytestmark = pytest.mark.usefixtures("one_thread")

BATCH = 12


def learner(backend, *, shared_masks=False, weights=None, **changed):
    """lenet5 on grey images, with tanh, so that every gradient is smooth."""
    values = {"precision": "fp64", "schedule": "constant", "batch_size": BATCH, "learning_rate": 0.01}
    recipe = recipes.find("digits").changed(**values | changed)
    subject = ModelConfig(
        model="lenet5", num_classes=10, channels=1, options=recipe.options, preparation=recipe.preparation
    )
    made = Learner(backend, recipe, subject, device="cpu", shared_masks=shared_masks)
    backend.set_weights(made.model, weights or initialization.draw("xavier", made.shapes, seed=0))
    return made


def batch(step, count=BATCH):
    rng = np.random.default_rng(step)
    return rng.standard_normal((count, 1, 32, 32), dtype=np.float32), rng.integers(10, size=count)


def trained(made, *, steps=3, rate=0.01, count=BATCH):
    losses = []
    for step in range(steps):
        images, labels = batch(step, count)
        outcomes = made.update(images, labels, step=step, rate=rate)
        sizes = [outcome.counted for outcome in outcomes]
        values = [float(made.backend.to_numpy(outcome.loss)) for outcome in outcomes]
        losses.append(np.average(values, weights=sizes))
    return made.weights(), losses


def worst_gap(ours, theirs):
    return max(np.linalg.norm(ours[key] - theirs[key]) / np.linalg.norm(ours[key]) for key in ours)


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam", "adamw"])
def test_losses_agree_step_by_step_over_100_steps(torch_backend, paddle_backend, optimizer):
    """In float64; the same start, order and rates are all that it takes."""
    steps = {"steps": 100, "rate": float(np.float32(1e-3)), "count": 4}
    changed = {"optimizer": optimizer, "weight_decay": 0.01, "learning_rate": 1e-3, "batch_size": 4}
    runs = [trained(learner(backend, **changed), **steps) for backend in (torch_backend, paddle_backend)]
    (ours, our_losses), (theirs, their_losses) = runs
    assert np.max(np.abs(np.subtract(our_losses, their_losses)) / np.abs(our_losses)) < 1e-10
    assert worst_gap(ours, theirs) < 1e-10
    assert our_losses[-1] != our_losses[0]


@pytest.mark.parametrize("parts", [4, 5, 12])
def test_parts_of_a_batch_have_the_gradients_of_the_whole(backend, parts):
    """Also where the last micro_batch is smaller: 12 images in parts of 5."""
    whole, losses = trained(learner(backend, optimizer="momentum"))
    in_parts, other_losses = trained(learner(backend, optimizer="momentum", batch_size=parts))
    assert worst_gap(whole, in_parts) < 1e-12
    assert np.allclose(losses, other_losses, rtol=1e-12)


@pytest.mark.parametrize("fault", ["clears", "counts alike"])
def test_the_articles_faults_of_accumulation_are_seen(backend, monkeypatch, fault):
    whole, _ = trained(learner(backend, optimizer="momentum"))
    made = learner(backend, optimizer="momentum", batch_size=5)

    class Faulty:
        def __getattr__(self, name):
            return getattr(backend, name)

        def backward(self, loss, *, scale=1.0):
            if fault == "clears":
                backend.clear_gradients(made._groups.groups[0].optimizer)
            backend.backward(loss, scale=1 / 3 if fault == "counts alike" else scale)

    made.backend = Faulty()
    assert worst_gap(whole, trained(made)[0]) > 1e-6


def test_a_batch_is_not_copied_for_the_cpu(backend):
    """A step sees what the loader's memory holds when the step is made."""
    made = learner(backend, precision="fp32")
    images, labels = batch(0)
    whole = [Share(own=BATCH, whole=BATCH)]
    micro_batch = next(made.micro_batches([(images, labels)], whole))
    images[:] = batch(1)[0]
    seen = backend.to_numpy(made.learn(micro_batch, step=0, rate=0.01).loss)
    sound = learner(backend, precision="fp32").update(batch(1)[0], labels, step=0, rate=0.01)[0]
    assert seen == backend.to_numpy(sound.loss)


def test_parts_on_a_device_that_is_fed_ahead_keep_their_place(backend):
    """A GPU's queue asks for the next micro_batch while this one is computed on."""
    made = learner(backend, batch_size=5)
    sizes = [(12, 12), (7, 12), (0, 12)]
    batches = [batch(number, max(own, 1)) for number, (own, _) in enumerate(sizes)]
    made.backend = altered(backend, feed=lambda fed, **_: iter(list(fed)))
    found = list(made.micro_batches(batches, [Share(*size) for size in sizes]))
    assert [(micro_batch.number, micro_batch.counted, micro_batch.last) for micro_batch in found] == [
        (0, 5, False),
        (1, 5, False),
        (2, 2, True),
        (0, 5, False),
        (1, 2, True),
        (0, 0, True),
    ]
    assert [len(micro_batch.labels) for micro_batch in found] == [5, 5, 2, 5, 2, 1]
    assert [micro_batch.share for micro_batch in found] == [micro_batch.counted / 12 for micro_batch in found]


def test_a_frozen_body_keeps_every_bit_against_decay(backend):
    made = learner(backend, optimizer="adamw", weight_decay=0.1, freeze_features=True)
    before = made.weights()
    after, _ = trained(made, steps=10)
    body, head = split_head(list(before))
    assert all(before[name].tobytes() == after[name].tobytes() for name in body)
    assert all((before[name] != after[name]).any() for name in head)


def test_a_body_that_is_not_frozen_decays_without_gradients(backend):
    """What the test above would see: an optimizer over frozen parameters."""
    made = learner(backend, optimizer="adamw", weight_decay=0.1)
    before = made.weights()
    body, _ = split_head(list(before))
    after, _ = trained(made, steps=1)
    assert any(before[name].tobytes() != after[name].tobytes() for name in body)


def test_the_body_learns_at_its_own_rate(torch_backend, paddle_backend):
    """SGD moves in proportion to the rate: a body at a tenth of the rate moves a tenth as far."""
    for backend in (torch_backend, paddle_backend):
        start = learner(backend, optimizer="sgd").weights()
        same, _ = trained(learner(backend, optimizer="sgd"), steps=1)
        slow, _ = trained(learner(backend, optimizer="sgd", body_learning_rate=0.001), steps=1)
        body, head = split_head(list(start))
        for name in body:
            assert np.allclose(slow[name] - start[name], 0.1 * (same[name] - start[name]), rtol=1e-6)
        for name in head:
            assert np.array_equal(slow[name], same[name])


def test_clipping_shortens_long_gradients_alone(backend):
    start = learner(backend, optimizer="sgd").weights()

    def moved(clip_norm):
        after, _ = trained(learner(backend, optimizer="sgd", clip_norm=clip_norm), steps=1)
        return np.sqrt(sum(np.sum((after[name] - start[name]) ** 2) for name in start))

    free = moved(0.0)
    assert moved(1e9) == pytest.approx(free, rel=1e-12)
    norm = free / 0.01
    assert moved(norm / 2) == pytest.approx(free / 2, rel=1e-5)


def test_both_clip_alike(torch_backend, paddle_backend):
    changed = {"optimizer": "momentum", "clip_norm": 0.5}
    ours, theirs = (trained(learner(b, **changed))[0] for b in (torch_backend, paddle_backend))
    assert worst_gap(ours, theirs) < 1e-12


def test_a_loss_scale_changes_no_bit_of_what_fits(backend):
    plain, _ = trained(learner(backend, precision="fp32", optimizer="momentum"))
    made = learner(backend, precision="fp32", optimizer="momentum")
    made.scale.active, made.scale.value = True, 2.0**16
    scaled, _ = trained(made)
    assert all(plain[name].tobytes() == scaled[name].tobytes() for name in plain)


def test_an_update_whose_gradients_overflow_is_left_out(backend):
    made = learner(backend, precision="fp32", optimizer="adam")
    made.scale.active, made.scale.value = True, 2.0**127
    before = made.weights()
    after, _ = trained(made, steps=1)
    assert all(before[name].tobytes() == after[name].tobytes() for name in before)
    assert made.updates == 0
    assert made.scale.value == 2.0**126
    assert not any(array.any() for array in backend.get_gradients(made.model).values())


def test_label_smoothing_agrees(torch_backend, paddle_backend):
    """paddle keeps the smoothed target in float32: 3e-8."""
    changed = {"optimizer": "sgd", "label_smoothing": 0.1}
    ours, theirs = (trained(learner(b, **changed))[1] for b in (torch_backend, paddle_backend))
    plain = trained(learner(torch_backend, optimizer="sgd"))[1]
    assert np.allclose(ours, theirs, rtol=1e-6)
    assert not np.allclose(ours, plain, rtol=1e-3)


def test_bf16_really_runs_on_torch_and_is_refused_by_paddle(torch_backend, paddle_backend):
    plain = trained(learner(torch_backend, precision="fp32"))[1]
    mixed = trained(learner(torch_backend, precision="bf16"))[1]
    assert plain != mixed
    assert np.allclose(plain, mixed, rtol=0.05)
    with pytest.raises(UnavailableError, match="in float32"):
        learner(paddle_backend, precision="bf16")


def test_fp16_needs_a_gpu(backend):
    with pytest.raises(UnavailableError, match="--precision fp32"):
        learner(backend, precision="fp16")


def test_the_head_is_the_last_layer():
    body, head = split_head(["c1.weight", "c1.bias", "output.weight", "output.bias"])
    assert (body, head) == (["c1.weight", "c1.bias"], ["output.weight", "output.bias"])


def test_a_run_is_restored_in_the_other_framework(torch_backend, paddle_backend):
    recipe = {"optimizer": "adamw", "weight_decay": 0.01}
    whole, _ = trained(learner(torch_backend, **recipe), steps=6)
    half = learner(torch_backend, **recipe)
    trained(half, steps=3)
    moved = learner(paddle_backend, **recipe)
    moved.restore(half.weights(), half.moments(), updates=half.updates, scale=half.scale.state())
    for step in range(3, 6):
        moved.update(*batch(step), step=step, rate=0.01)
    assert worst_gap(whole, moved.weights()) < 1e-10


def test_values_of_the_recipe_may_not_be_forgotten(backend):
    """Each of these makes another run."""
    plain, _ = trained(learner(backend, optimizer="momentum"))
    for changed in ({"momentum": 0.8}, {"weight_decay": 0.1}, {"optimizer": "sgd"}):
        other, _ = trained(learner(backend, **{"optimizer": "momentum"} | changed))
        assert worst_gap(plain, other) > 1e-6, changed
    assert replace(recipes.find("digits")) == recipes.find("digits")
