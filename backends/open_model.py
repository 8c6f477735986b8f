"""The one way to a model on a backend: ours by name and size, anyone's own by MODULE:CALLABLE."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from backends.contract import Backend, Model, Tensor
from backends.user_code import resolve
from common.cli import UsageError
from common.input_spec import InputSpec

NEWER = ("output", "inputs")  # fields of a ModelSpec that earlier versions do not have


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """Which model, in which precision ("fp32" or "fp64"), on which device.

    One of ours has a ``name``, ``num_classes``, ``channels`` and ``options`` of its own, such as lenet5's
    ``pool``. A user's own has a ``source``, MODULE:CALLABLE, which is looked up in ``folder`` and called with
    the ``options``. Of several outputs it returns the one at ``output``, such as "logits" or "0.aux", alone.
    Its ``inputs``, as InputSpec has them in text, it takes as one tensor: see ``_take_together``.
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
    inputs: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        """As JSON can hold it; an earlier version's worker, which knows not all of it, reads it, too."""
        values = asdict(self) | {"inputs": list(self.inputs)}
        return {name: value for name, value in values.items() if value or name not in NEWER}


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
    if spec.inputs:
        _take_together(model, [InputSpec.parse(text) for text in spec.inputs], to_dtype=backend.to_dtype)
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


def _take_together(
    model: Model, inputs: Sequence[InputSpec], *, to_dtype: Callable[[Tensor, str], Tensor]
) -> None:
    """Have a model take its inputs side by side in one tensor of floats, (batch, numbers of all inputs).

    So one tensor is all that goes through engines and files, whatever a model takes. Each input is a slice of
    it, in its own shape; integers, which floats hold exactly up to 2**24, and truth values are cast. The
    class is replaced as for ``_return_alone``.
    """
    kind: Any = type(model)

    def forward(self: Any, together: Any) -> Any:
        return kind.forward(self, *taken_apart(together, inputs, to_dtype=to_dtype))

    model.__class__ = type(kind.__name__, (kind,), {"forward": forward, "__module__": kind.__module__})


def taken_apart(
    together: Tensor, inputs: Sequence[InputSpec], *, to_dtype: Callable[[Tensor, str], Tensor]
) -> list[Tensor]:
    """The inputs that stand side by side in a tensor (batch, numbers of all inputs)."""
    found, start = [], 0
    for each in inputs:
        part = together[:, start : start + each.size].reshape([together.shape[0], *each.shape])
        found.append(part if each.dtype == "float32" else to_dtype(part, each.dtype))
        start += each.size
    return found


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
