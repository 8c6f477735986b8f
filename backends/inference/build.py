"""A subject's model on a backend, and which of its layers are the head."""

from collections.abc import Sequence
from typing import Any

from backends import Backend, Model
from common.training.recipes import Recipe
from common.weights.checkpoint import Subject


def build(
    backend: Backend, subject: Subject, *, precision: str, device: str, training: Recipe | None = None
) -> Model:
    """The subject's model, for training with the recipe's dropout, else for evaluation."""
    options: dict[str, Any] = dict(subject.options)
    if training is not None and subject.model != "lenet5":  # which has no dropout
        options["dropout"] = training.dropout
    model = backend.build(
        subject.model,
        num_classes=subject.num_classes,
        channels=subject.channels,
        precision=precision,
        device=device,
        **options,
    )
    backend.set_training(model, training is not None)
    return model


def split_head(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Parameter names of the body and of the head: the last layer, in definition order."""
    head = names[-1].rpartition(".")[0]
    return (
        [name for name in names if name.rpartition(".")[0] != head],
        [name for name in names if name.rpartition(".")[0] == head],
    )
