"""The five articles' recipes, and one of ours that needs no download, as data.

Where a published value differs from a sound default it stands in ``published``, and ``--published`` takes
it. The articles' defects are not reproduced: softmax in the model and again in the loss, gradients never
cleared or always cleared, training data unshuffled, validation images not normalised.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from common import model_cards
from common.cli import UsageError
from common.training.schedule import Schedule
from common.transforms.data_config import DataConfig
from common.transforms.preprocessing import IMAGENET_MEAN, IMAGENET_STD

Values = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Hyper-parameters of a training run; flags of backends.train replace most of them.

    ``options`` are the model's own (activation, pool, ...). ``initial`` names a distribution of
    ``common.weights.initialization``. ``valid_fraction`` and ``test_fraction`` of each class are taken from
    the training data where the data have no such split.
    ``batch_size`` images are one step; ``accumulate`` steps make one update.
    ``schedule``, ``warmup_epochs``, ``period`` and ``gamma`` are those of ``common.training.schedule``.
    ``clip_norm`` 0 and ``patience`` 0 mean: no clipping, no early stopping. ``body_learning_rate`` None
    gives the body the head's rate. ``head`` says what becomes of the last layer of loaded weights: kept
    where it fits and else replaced, replaced, or kept with another one behind it.
    """

    name: str
    model: str
    preparation: DataConfig
    options: Values = field(default_factory=dict)
    initial: str = "torch"
    valid_fraction: float = 0.1
    test_fraction: float = 0.0
    epochs: int
    batch_size: int = 32
    accumulate: int = 1
    limit: int = 0
    optimizer: str = "adam"
    learning_rate: float
    momentum: float = 0.9
    weight_decay: float = 0.0
    schedule: str = "constant"
    warmup_epochs: float = 0.0
    period: int = 0
    gamma: float = 0.1
    precision: str = "fp32"
    clip_norm: float = 0.0
    label_smoothing: float = 0.0
    dropout: float = 0.5
    patience: int = 0
    head: str = "fit"
    freeze_features: bool = False
    body_learning_rate: float | None = None
    seed: int = 0
    published: Values = field(default_factory=dict)
    with_model: Mapping[str, Values] = field(default_factory=dict)

    def changed(self, **values: Any) -> "Recipe":
        """The recipe with some values replaced; those of ``preparation`` may be among them."""
        images = {name: value for name, value in values.items() if name in IMAGE_VALUES}
        others = {name: value for name, value in values.items() if name not in images}
        return replace(self, preparation=replace(self.preparation, **images), **others)

    def as_published(self) -> "Recipe":
        """The recipe with the article's own values."""
        return self.changed(**self.published)

    def for_model(self, model: str) -> "Recipe":
        """The recipe for another model than its own: images of that model's size, its own options."""
        card = model_cards.find(model)
        if model == self.model:
            return self
        other = replace(
            self, model=model, options={}, preparation=self.preparation.resized(card.input_shape[1])
        )
        return other.changed(**self.with_model.get(model, {}))

    def rates(self, *, steps_per_epoch: int) -> Schedule:
        """The learning rate of each step."""
        return Schedule(
            name=self.schedule,
            base=self.learning_rate,
            epochs=self.epochs,
            steps_per_epoch=steps_per_epoch,
            warmup_epochs=self.warmup_epochs,
            period=self.period,
            gamma=self.gamma,
        )

    def to_json(self) -> dict[str, Any]:
        """The values in use as JSON, without those that are not."""
        unused = ("published", "with_model")
        values = {each.name: getattr(self, each.name) for each in fields(self) if each.name not in unused}
        return values | {"options": dict(self.options), "preparation": self.preparation.to_json()}

    @classmethod
    def from_json(cls, values: Values) -> "Recipe":
        """The reverse of ``to_json``."""
        known = {each.name for each in fields(cls)}
        entries = {name: value for name, value in values.items() if name in known}
        return cls(**entries | {"preparation": DataConfig.from_json(values["preparation"])})


IMAGE_VALUES = frozenset(asdict(DataConfig(channels=1, resize=1, mean=(), std=())))


HALF = (0.5, 0.5, 0.5)

FLOWERS = Recipe(
    name="flowers",
    model="alexnet_wide",
    preparation=DataConfig(channels=3, resize=(224, 224), random_crop=224, flip=0.5, mean=HALF, std=HALF),
    initial="kaiming_fan_out",
    epochs=200,
    learning_rate=2e-4,
)

SIGNS = Recipe(
    name="signs",
    model="alexnet_lrn",
    preparation=DataConfig(channels=3, resize=(224, 224), flip=0.5, mean=IMAGENET_MEAN, std=IMAGENET_STD),
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
    preparation=DataConfig(channels=1, resize=(227, 227), mean=(0.5,), std=(0.5,)),
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
    preparation=DataConfig(channels=3, resize=(32, 32), mean=(0.0,) * 3, std=(1.0,) * 3),
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
    preparation=DataConfig(
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
    preparation=DataConfig(channels=1, resize=(32, 32), mean=(0.5,), std=(0.5,)),
    initial="xavier",
    test_fraction=0.2,
    epochs=30,
    optimizer="adam",
    learning_rate=2e-3,
    schedule="cosine",
)

RECIPES = {recipe.name: recipe for recipe in (FLOWERS, SIGNS, MNIST, CIFAR10, HYMENOPTERA, DIGITS)}


TRANSFER = frozenset({"hymenoptera"})  # its 244 images are too few to begin anew with


def find(name: str) -> Recipe:
    """A recipe by its name, or UsageError with the names there are."""
    if name not in RECIPES:
        raise UsageError(f"unknown recipe {name!r}; choose one of {', '.join(RECIPES)}")
    return RECIPES[name]
