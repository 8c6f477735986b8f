"""What makes one doubt a figure: assumptions about a checkpoint of others, and scores as if by chance."""

from collections.abc import Sequence

import numpy as np

from common.model_cards import ACTIVATIONS, POOLS
from common.weights.checkpoint import ModelConfig

FEWEST = 20  # images from which chance can be told from knowledge


def assumption(subject: ModelConfig) -> str | None:
    """Say what is assumed of a model and its images, by the flags that would say it; None if nothing is."""
    if not subject.assumed:
        return None
    own = flag_values(subject)
    words = [
        f"--{name.replace('_', '-')} {_word(own[name])}" for name in subject.assumed if own[name] is not None
    ]
    if "no_c5_activation" in subject.assumed:
        words.append("an activation behind c5 (else --no-c5-activation)")
    return f"assumed, since the file does not say it: {', '.join(words)}; figures are wrong where this is"


def flag_values(subject: ModelConfig) -> dict[str, object]:
    """The subject as flags say it, by their names; None where a flag would not be given."""
    images = subject.preparation
    lenet = subject.model == "lenet5"
    return {
        "model": subject.model,
        "num_classes": subject.num_classes,
        "channels": subject.channels,
        "activation": subject.options.get("activation", ACTIVATIONS[0]) if lenet else None,
        "pool": subject.options.get("pool", POOLS[0]) if lenet else None,
        "no_c5_activation": None if subject.options.get("c5_activation", True) else True,
        "resize": images.resize,
        "crop": images.crop or None,
        "pad": images.pad or None,
        "mean": images.mean,
        "std": images.std,
        "scale": images.scale,
    }


def _word(value: object) -> str:
    numbers = value if isinstance(value, tuple) else (value,)
    numbers = numbers[:1] if len(set(numbers)) == 1 and len(numbers) == 3 else numbers
    return ",".join(f"{number:g}" if isinstance(number, float) else str(number) for number in numbers)


def suspicion(counts: np.ndarray, names: Sequence[str], subject: ModelConfig) -> str | None:
    """Say what is odd about a confusion matrix (label, prediction), and where to look; None if nothing is."""
    images, labels, guesses = int(counts.sum()), counts.sum(axis=1), counts.sum(axis=0)
    if images < FEWEST or np.count_nonzero(labels) < 2:
        return None
    right = int(np.trace(counts))
    if guesses.max() == images:
        what = f"all {images:,} images are taken for {names[int(guesses.argmax())]!r}"
    elif right <= max(images / len(counts), labels.max()):
        what = (
            f"{right / images:.2%} of the images are classified rightly, as naming one class always would do"
        )
    else:
        return None
    flags = [f"--{name.replace('_', '-')}" for name in subject.assumed]
    where = (
        f"look at {', '.join(flags)}" if flags else "the model may not have learnt, or these are other images"
    )
    return f"{what}: {where}"
