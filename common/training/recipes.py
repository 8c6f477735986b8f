"""The five articles' recipes, and one of ours that needs no download, as data.

Where a published value differs from a sound default it stands in ``published``, and ``--published`` takes
it. The articles' defects are not reproduced: softmax in the model and again in the loss, gradients never
cleared or always cleared, training data unshuffled, validation images not normalised.
"""

from common.cli import UsageError
from common.training.recipe import Recipe
from common.transforms.data_config import Preparation
from common.transforms.preprocessing import IMAGENET_MEAN, IMAGENET_STD

HALF = (0.5, 0.5, 0.5)

FLOWERS = Recipe(
    name="flowers",
    model="alexnet_wide",
    preparation=Preparation(channels=3, resize=(224, 224), random_crop=224, flip=0.5, mean=HALF, std=HALF),
    initial="kaiming_fan_out",
    epochs=200,
    learning_rate=2e-4,
)

SIGNS = Recipe(
    name="signs",
    model="alexnet_lrn",
    preparation=Preparation(channels=3, resize=(224, 224), flip=0.5, mean=IMAGENET_MEAN, std=IMAGENET_STD),
    initial="paddle",
    epochs=90,
    batch_size=64,
    learning_rate=1e-4,
    schedule="cosine",
    warmup_epochs=1.0,
    published={"learning_rate": 0.01, "schedule": "constant", "warmup_epochs": 0.0},
)

MNIST = Recipe(
    name="mnist",
    model="alexnet",
    preparation=Preparation(channels=1, resize=(227, 227), mean=(0.5,), std=(0.5,)),
    initial="kaiming",
    epochs=5,
    batch_size=128,
    optimizer="adamw",
    learning_rate=3e-4,
    weight_decay=0.01,  # AdamW's own default, which the article leaves as it is
    schedule="cosine",
    warmup_epochs=0.1,
    published={
        "learning_rate": 1e-3,
        "schedule": "constant",
        "warmup_epochs": 0.0,
        "accumulate": 4,
        "precision": "fp16",
        "initial": "torch",
    },
    with_model={"lenet5": {"options": {"activation": "tanh"}, "initial": "xavier", "learning_rate": 2e-3}},
)

CIFAR10 = Recipe(
    name="cifar10",
    model="lenet5",
    options={"activation": "sigmoid", "c5_activation": False},
    preparation=Preparation(channels=3, resize=(32, 32), mean=(0.0,) * 3, std=(1.0,) * 3),
    initial="centred",
    epochs=30,
    optimizer="momentum",
    learning_rate=0.03,
    schedule="cosine",
    published={
        "optimizer": "sgd",
        "learning_rate": 1e-5,  # falling by hand to 2e-7: --resume --learning-rate
        "schedule": "constant",
        "batch_size": 1,
        "epochs": 3000,
        "limit": 2000,
        "initial": "torch",
    },
)

HYMENOPTERA = Recipe(
    name="hymenoptera",
    model="alexnet",
    preparation=Preparation(
        channels=3, resize=256, crop=224, random_crop=224, flip=0.5, mean=IMAGENET_MEAN, std=IMAGENET_STD
    ),
    initial="kaiming",
    epochs=25,
    learning_rate=1e-4,
    schedule="cosine",
    published={
        "learning_rate": 1e-8,
        "batch_size": 1,
        "epochs": 700,
        "period": 50,
        "head": "append",
        "resize": 224,
        "crop": 0,
        "random_crop": 0,
        "flip": 0.0,
        "mean": (0.0,) * 3,
        "std": (1.0,) * 3,
    },
)

DIGITS = Recipe(
    name="digits",
    model="lenet5",
    options={"activation": "tanh"},
    preparation=Preparation(channels=1, resize=(32, 32), mean=(0.5,), std=(0.5,)),
    initial="xavier",
    test_fraction=0.2,
    epochs=30,
    optimizer="adam",
    learning_rate=2e-3,
    schedule="cosine",
)

RECIPES = {recipe.name: recipe for recipe in (FLOWERS, SIGNS, MNIST, CIFAR10, HYMENOPTERA, DIGITS)}


def find(name: str) -> Recipe:
    """A recipe by its name, or UsageError with the names there are."""
    if name not in RECIPES:
        raise UsageError(f"unknown recipe {name!r}; choose one of {', '.join(RECIPES)}")
    return RECIPES[name]
