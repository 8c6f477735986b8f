"""How a model is trained, as plain data."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from common import model_cards
from common.training.schedule import Schedule
from common.transforms.data_config import Preparation

HEADS = ("fit", "replace", "append")
Values = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a model is trained; every value can be given on the command line.

    ``options`` are the model's own (activation, pool, ...). ``initial`` names a distribution of
    ``common.weights.initialization``. ``valid_fraction`` and ``test_fraction`` of each class are taken from
    the training data where the data have no such part.
    ``batch_size`` images are one step; ``accumulate`` steps make one update.
    ``schedule``, ``warmup_epochs``, ``period`` and ``gamma`` are those of ``common.training.schedule``.
    ``clip_norm`` 0 and ``patience`` 0 mean: no clipping, no early stopping. ``body_learning_rate`` None
    gives the body the head's rate. ``head`` says what becomes of the last layer of loaded weights: kept
    where it fits and else replaced, replaced, or kept with another one behind it.
    """

    name: str
    model: str
    preparation: Preparation
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
        """What was used, as JSON can hold it: without the values that were not."""
        unused = ("published", "with_model")
        values = {each.name: getattr(self, each.name) for each in fields(self) if each.name not in unused}
        return values | {"options": dict(self.options), "preparation": self.preparation.to_json()}

    @classmethod
    def from_json(cls, values: Values) -> "Recipe":
        """The reverse of ``to_json``."""
        known = {each.name for each in fields(cls)}
        entries = {name: value for name, value in values.items() if name in known}
        return cls(**entries | {"preparation": Preparation.from_json(values["preparation"])})


IMAGE_VALUES = frozenset(asdict(Preparation(channels=1, resize=1, mean=(), std=())))
