"""The one way to a model on a backend: ours by name and size, anyone's own by MODULE:CALLABLE."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from backends.contract import Backend, Model
from backends.user_code import resolve
from common.cli import UsageError


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """Which model, in which precision ("fp32" or "fp64"), on which device.

    One of ours has a ``name``, ``num_classes``, ``channels`` and ``options`` of its own, such as lenet5's
    ``pool``. A user's own has a ``source``, MODULE:CALLABLE, which is looked up in ``folder`` and called with
    the ``options``. Of several outputs it returns the one at ``output``, such as "logits" or "0.aux", alone.
    """

    precision: str
    device: str
    name: str = ""
    num_classes: int = 0
    channels: int = 3
    options: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""
    folder: str = ""
    output: str = ""

    def to_json(self) -> dict[str, Any]:
        """As JSON can hold it; an earlier version's worker, which knows no ``output``, reads it, too."""
        values = asdict(self)
        return values if self.output else {name: values[name] for name in values if name != "output"}


def open_model(backend: Backend, spec: ModelSpec) -> Model:
    """The model, in training mode, with its own initial values.

    Raises UsageError for what is no model.
    """
    if not spec.source:
        return backend.build(
            spec.name,
            num_classes=spec.num_classes,
            channels=spec.channels,
            precision=spec.precision,
            device=spec.device,
            **spec.options,
        )
    model = resolve(spec.source, folder=spec.folder)(**spec.options)
    if not hasattr(model, "named_parameters") or not callable(model):
        raise UsageError(f"{spec.source} returned {type(model).__name__}, which is no model")
    if spec.output:
        _return_alone(model, spec.output)
    return backend.adopt(model, precision=spec.precision, device=backend.find_device(spec.device))


def _return_alone(model: Model, key: str) -> None:
    """Have a model return one of its outputs.

    Its class is replaced by one derived from it, so that layers and parameters keep their names, and engines
    that compile ``forward`` see all of it.
    """
    kind: Any = type(model)

    def forward(self: Any, *inputs: Any) -> Any:
        return output_at(kind.forward(self, *inputs), key)

    model.__class__ = type(kind.__name__, (kind,), {"forward": forward, "__module__": kind.__module__})


def output_at(value: Any, key: str) -> Any:
    """What lies at a key such as "logits", "0" or "0.aux" in a dictionary, list or tuple.

    Raises UsageError for one that is not there.
    """
    for part in key.split("."):
        place: Any = int(part) if isinstance(value, (list, tuple)) and part.isdecimal() else part
        try:
            value = value[place]
        except (LookupError, TypeError):
            raise UsageError(f"output {key}: the model returns {type(value).__name__} without it") from None
    return value
