"""The recipes: published values as they were published, initial values, images, JSON and back."""

import json

import numpy as np
import pytest
from PIL import Image

from common.cli import UsageError
from common.training import recipes
from common.training.recipes import RECIPES, Recipe
from common.transforms import PCALighting, ToArray
from common.transforms.data_config import DataConfig, Lighting
from common.weights import initialization

# recipe: what its article states
PUBLISHED = {
    "flowers": {"model": "alexnet_wide", "learning_rate": 2e-4, "batch_size": 32, "epochs": 200},
    "signs": {"model": "alexnet_lrn", "learning_rate": 0.01, "batch_size": 64, "epochs": 90},
    "mnist": {"model": "alexnet", "learning_rate": 1e-3, "batch_size": 128, "epochs": 5, "accumulate": 4},
    "cifar10": {"model": "lenet5", "learning_rate": 1e-5, "batch_size": 1, "epochs": 3000, "limit": 2000},
    "hymenoptera": {"model": "alexnet", "learning_rate": 1e-8, "batch_size": 1, "epochs": 700, "period": 50},
}
OPTIMIZERS = {"flowers": "adam", "signs": "adam", "mnist": "adamw", "cifar10": "sgd", "hymenoptera": "adam"}
SHAPES = {"a.weight": (64, 32, 3, 3), "a.bias": (64,), "b.weight": (200, 300), "b.bias": (200,)}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_values_are_the_articles(name):
    recipe = RECIPES[name].as_published()
    for key, value in PUBLISHED[name].items():
        assert getattr(recipe, key) == value, key
    assert recipe.optimizer == OPTIMIZERS[name]


def test_images_are_prepared_as_the_articles_say():
    shapes = {name: recipe.preparation.input_shape for name, recipe in RECIPES.items()}
    assert shapes == {
        "flowers": (3, 224, 224),
        "signs": (3, 224, 224),
        "mnist": (1, 227, 227),
        "cifar10": (3, 32, 32),
        "hymenoptera": (3, 224, 224),
        "digits": (1, 32, 32),
    }


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_survives_json(name):
    for recipe in (RECIPES[name], RECIPES[name].as_published()):
        again = Recipe.from_json(json.loads(json.dumps(recipe.to_json())))
        assert again.to_json() == recipe.to_json()
        assert again.preparation == recipe.preparation


def test_another_model_gets_images_of_its_size():
    recipe = recipes.find("mnist").for_model("lenet5")
    assert recipe.preparation.input_shape == (1, 32, 32)
    assert recipes.find("flowers").for_model("lenet5").preparation.random_crop == 32
    assert recipe.for_model("lenet5") is recipe
    with pytest.raises(UsageError, match="unknown recipe"):
        recipes.find("cats")


@pytest.mark.parametrize(
    ("name", "deviations"),
    [
        ("torch", (1 / 288**0.5 / 3**0.5, 1 / 288**0.5 / 3**0.5, 1 / 300**0.5 / 3**0.5)),
        ("paddle", ((2 / 288) ** 0.5, 0, (2 / 500) ** 0.5)),
        ("xavier", ((2 / (288 + 576)) ** 0.5, 0, (2 / 500) ** 0.5)),
        ("kaiming", ((2 / 288) ** 0.5, 0, (2 / 300) ** 0.5)),
        ("kaiming_fan_out", ((2 / 576) ** 0.5, 0, 0.01)),
        ("centred", (2 * (2 / (288 + 576)) ** 0.5, 0, 2 * (2 / 500) ** 0.5)),
        ("paper_2012", (0.01, 0, 0.01)),
    ],
)
def test_initial_values_have_their_distribution(name, deviations):
    values = initialization.draw(name, SHAPES, seed=0)
    for key, deviation in zip(("a.weight", "a.bias", "b.weight"), deviations, strict=True):
        assert values[key].dtype == np.float32
        assert float(values[key].std()) == pytest.approx(deviation, rel=0.15 if key == "a.bias" else 0.03)
        assert abs(float(values[key].mean())) <= 4 * deviation / values[key].size ** 0.5 + 1e-9
    assert all(
        np.array_equal(values[key], again) for key, again in initialization.draw(name, SHAPES, seed=0).items()
    )
    assert not np.array_equal(values["a.weight"], initialization.draw(name, SHAPES, seed=1)["a.weight"])


def test_initial_values_are_the_frameworks_own_distributions(torch_backend, paddle_backend):
    """By deviation and range of lenet5's largest layers, whose values are many."""
    for name, backend in (("torch", torch_backend), ("paddle", paddle_backend)):
        model = backend.build("lenet5", num_classes=10, channels=1, precision="fp32", device="cpu")
        theirs = backend.get_weights(model)
        ours = initialization.draw(name, backend.parameter_shapes(model), seed=0)
        for key in ("c5.weight", "f6.weight"):
            assert float(ours[key].std()) == pytest.approx(float(theirs[key].std()), rel=0.05), (name, key)


def test_weights_that_are_centred_sum_to_zero():
    values = initialization.draw("centred", SHAPES, seed=0)
    assert np.abs(values["a.weight"].sum(axis=(1, 2, 3))).max() < 1e-4
    assert np.abs(values["b.weight"].sum(axis=1)).max() < 1e-4


def picture():
    pixels = np.random.default_rng(0).integers(40, 200, size=(30, 50, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


@pytest.mark.parametrize(
    ("changed", "shape"),
    [
        ({"resize": (20, 24)}, (3, 20, 24)),
        ({"resize": 20, "crop": 16}, (3, 16, 16)),
        ({"resize": (20, 24), "pad": 2}, (3, 24, 28)),
        ({"resize": 16}, (3, 16, 16)),
        ({"resize": (20, 20), "random_crop": 20, "flip": 0.5, "lighting": 0.1}, (3, 20, 20)),
    ],
)
def test_what_is_prepared_has_the_shape_that_is_reported(changed, shape):
    preparation = DataConfig(channels=3, mean=(0.5,) * 3, std=(0.5,) * 3, **changed)
    assert preparation.input_shape == shape
    rng = np.random.default_rng(0)
    assert preparation.for_evaluation()(picture()).shape == shape
    assert preparation.for_training()(picture(), rng).shape == shape


def test_lighting_shifts_whole_channels_as_the_transform_does():
    rngs = (np.random.default_rng(3), np.random.default_rng(3))
    shifted = np.asarray(Lighting(0.5)(picture(), rngs[0])).transpose(2, 0, 1)
    exact = PCALighting(0.5)(ToArray()(picture()), rngs[1]) * 255
    assert np.abs(shifted - np.clip(exact, 0, 255)).max() <= 0.51
    assert (shifted != np.asarray(picture()).transpose(2, 0, 1)).any()
