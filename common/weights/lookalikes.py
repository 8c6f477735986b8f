"""Networks of others whose weights look like a model's of ours, and which compute something else."""

from collections.abc import Mapping, Sequence

SHOWN = 12  # entries in a refusal
OWN_MODEL = "a network of another definition is compared with benchmarks.parity --torch MODULE:CALLABLE"

# paddle.vision's LeNet in the neutral layout, by the shapes of its weights in order.
PADDLE_LENET = ((6, 1, 3, 3), (16, 6, 5, 5), (120, 400), (84, 120), (10, 84))
# paddle.vision's AlexNet, by names that only it has.
PADDLE_ALEXNET = frozenset({"_conv1._conv.weight", "_fc6.weight", "_fc7.weight", "_fc8.weight"})


def known_network(shapes: Mapping[str, Sequence[int]]) -> str | None:
    """Say in a sentence whose weights these are, by name and neutral shape; None where that is not known."""
    weights = [tuple(shape) for shape in shapes.values() if len(shape) > 1]
    if len(weights) == len(PADDLE_LENET) and tuple(weights[:-1]) == PADDLE_LENET[:-1]:  # of any classes
        return (
            "these are paddle.vision.models.LeNet's: its first convolution is 3x3, and no activation stands "
            f"between its linear layers, so that it is no LeNet-5; {OWN_MODEL}"
        )
    if set(shapes) >= PADDLE_ALEXNET:
        return (
            "these are paddle.vision.models.alexnet's, whose dropout (downscale_in_infer) halves activations "
            f"in evaluation, as alexnet's here does not; {OWN_MODEL}"
        )
    return None


def cut(entries: Sequence[str], *, separator: str = ", ") -> str:
    """Join entries of a message, a dozen at most, with the number of the rest."""
    rest = len(entries) - SHOWN
    return separator.join(entries[:SHOWN]) + (f"{separator}and {rest} more" if rest > 0 else "")
