"""AlexNet learns alike on both: heavy, so not part of every run: make test ARGS="-m long"."""

import gc

import numpy as np
import pytest

from backends.inference.classifier import split_head
from backends.training.learner import Learner
from common.training import recipes
from common.weights import initialization
from common.weights.checkpoint import ModelConfig

pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]


def learner(backend, recipe, *, num_classes=2, precision="fp64", **changed):
    values = {"precision": precision, "batch_size": 2, "learning_rate": 1e-4} | changed
    recipe = recipes.find(recipe).changed(**values)
    subject = ModelConfig(
        model=recipe.model,
        num_classes=num_classes,
        channels=recipe.preparation.channels,
        options=recipe.options,
        preparation=recipe.preparation,
    )
    made = Learner(backend, recipe, subject, device="cpu", shared_masks=True)
    backend.set_weights(made.model, initialization.draw(recipe.initial, made.shapes, seed=0))
    return made


def batch(made, step, count):
    rng = np.random.default_rng(step)
    shape = made.recipe.preparation.input_shape
    classes = made.shapes[list(made.shapes)[-1]][0]
    return rng.standard_normal((count, *shape), dtype=np.float32), rng.integers(classes, size=count)


def losses(backend, recipe, *, steps, count=2, **changed):
    made = learner(backend, recipe, **changed)
    values = []
    for step in range(steps):
        images, labels = batch(made, step, count)
        for outcome in made.update(images, labels, step=step, rate=float(np.float32(1e-4))):
            values.append(float(backend.to_numpy(outcome.loss)))
    return values


@pytest.mark.parametrize(
    ("recipe", "optimizer"),
    [("hymenoptera", "adam"), ("mnist", "adamw"), ("flowers", "adam"), ("hymenoptera", "momentum")],
)
def test_losses_agree_over_20_steps_with_shared_masks(torch_backend, paddle_backend, recipe, optimizer):
    changed = {"optimizer": optimizer, "num_classes": 10, "initial": "torch"}  # no loss becomes 0
    ours = losses(torch_backend, recipe, steps=20, **changed)
    gc.collect()
    theirs = losses(paddle_backend, recipe, steps=20, **changed)
    gaps = np.abs(np.subtract(ours, theirs)) / np.abs(ours)
    print(f"{recipe} {optimizer}: largest relative gap of 20 losses {gaps.max():.1e}")
    assert gaps.max() < 1e-8
    assert len(set(ours)) == 20


@pytest.mark.parametrize(("name", "side"), [("torch", 227), ("paddle", 63)])
def test_four_parts_of_128_are_one_batch_of_512(name, side, torch_backend, paddle_backend):
    """mnist on AlexNet without dropout, in float32; paddle, far slower here, on smaller images."""
    backend = {"torch": torch_backend, "paddle": paddle_backend}[name]
    ends = []
    for size in (128, 512):
        more = {"precision": "fp32", "dropout": 0.0, "batch_size": size, "optimizer": "sgd"}
        more["resize"] = (side, side)
        made = learner(backend, "mnist", num_classes=10, **more)
        before = made.weights()
        made.update(*batch(made, 0, 512), step=0, rate=0.1)
        ends.append({key: array - before[key] for key, array in made.weights().items()})
        del made
        gc.collect()
    gaps = {
        key: np.linalg.norm(ends[0][key] - ends[1][key]) / np.linalg.norm(ends[1][key]) for key in ends[0]
    }
    print(f"{name}: largest relative gap of an update {max(gaps.values()):.1e}")
    assert max(gaps.values()) < 1e-2  # a flipped near-tie of max pooling is all it takes
    assert np.median(list(gaps.values())) < 1e-5


@pytest.mark.parametrize("name", ["torch", "paddle"])
@pytest.mark.parametrize("head", ["replace", "append"])
def test_a_body_from_torchvisions_layout_stays_as_it_is_in_the_file(
    name, head, torch_backend, paddle_backend, tmp_path
):
    """A file of the names and shapes of alexnet-owt-7be5be79.pth; ten AdamW steps with decay."""
    import torch
    import torchvision

    from backends.training import setup

    backend = {"torch": torch_backend, "paddle": paddle_backend}[name]
    torch.save(torchvision.models.alexnet().state_dict(), tmp_path / "alexnet.pth")
    loaded = setup.load(tmp_path / "alexnet.pth", names=None)
    recipe = recipes.find("hymenoptera").changed(
        head=head, freeze_features=True, optimizer="adamw", weight_decay=0.1, batch_size=2
    )
    preparation = recipe.preparation
    subject = ModelConfig(model="alexnet", num_classes=2, channels=3, preparation=preparation)
    subject = setup.with_body(subject, recipe, loaded)
    made = Learner(backend, recipe, subject, device="cpu")
    setup.begin(made, subject, loaded)
    for step in range(10):
        made.update(*batch(made, step, 2), step=step, rate=1e-3)
    after = made.weights()
    body, last = split_head(list(after))
    assert last[0] == ("classifier.7.weight" if head == "append" else "classifier.6.weight")
    for key in body:
        assert after[key].tobytes() == loaded.weights.arrays[key].tobytes(), key
