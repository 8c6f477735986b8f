"""Constants that paddle keeps in float32 inside its float64 arithmetic, and one limit: one table.

Such a constant moves a float64 result by far more than rounding. It excuses a gap only if torch, given
the same rounded constant, agrees to the ordinary tolerance (``reproductions``); a fault does not go away
by that, and one beyond the bound is not excused at all. Measured with paddle 3.3.1.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf


@dataclass(frozen=True, kw_only=True)
class KnownRounding:
    """One such constant: where it acts, how far it can move a tensor, what was measured."""

    bases: tuple[str, ...]  # torch's words for the layers concerned; none: not a layer's
    constant: str
    bound: float  # relative L2
    measured: str


POOLS = ("AvgPool2d", "AdaptiveAvgPool2d")
NORMS = ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "LayerNorm", "InstanceNorm2d")
SYNCHRONISED = ("SyncBatchNorm",)

LOSS_LIMIT = "loss-limit"

KNOWN_ROUNDINGS = {
    "lrn-window": KnownRounding(
        bases=("LocalResponseNorm",),
        constant="1/size of the averaging window in LocalResponseNorm's gradient, kept in float32",
        bound=5e-7,
        measured="1.8e-11 on alexnet_2012, 1.6e-12 on alexnet_lrn, 3e-9 at alpha 0.5, 8e-8 at inputs of "
        "1e4, which leave nothing but the window; reproduced below 5e-15",
    ),
    "avg-pool": KnownRounding(
        bases=POOLS,
        constant="1/count of the averaging window in average pooling's gradient, kept in float32",
        bound=2e-7,
        measured="0.7e-8 to 2.4e-8, and 0 for windows of 4; reproduced 1e-16",
    ),
    "norm-epsilon": KnownRounding(
        bases=NORMS + SYNCHRONISED,
        constant="epsilon of batch, layer and instance normalisation, kept in float32",
        bound=1e-7,
        measured="1.3e-13 at variance 1, 1.1e-8 at variance 1e-6; reproduced 2e-16",
    ),
    "batch-norm-momentum": KnownRounding(
        bases=NORMS[:3] + SYNCHRONISED,
        constant="momentum of batch normalisation's running statistics, kept in float32",
        bound=1e-6,
        measured="2.4e-7 in a running mean after one step; reproduced 8e-17",
    ),
    "hardsigmoid": KnownRounding(
        bases=("Hardsigmoid",),
        constant="slope of Hardsigmoid, 0.1666667 instead of 1/6, kept in float32",
        bound=1e-6,
        measured="8.4e-8 forward, 1.8e-7 backward; reproduced 1e-16",
    ),
    "label-smoothing": KnownRounding(
        bases=(),
        constant="smoothed labels of cross-entropy, kept in float32",
        bound=1e-6,
        measured="4.5e-8 in the loss at smoothing 0.1; reproduced below 1e-15",
    ),
    LOSS_LIMIT: KnownRounding(
        bases=(),
        constant="cross-entropy on the CPU, which takes no logit as more than 64 below the largest: no image "
        "loses more than 64, no class has a gradient below exp(-64)",
        bound=inf,  # where torch's gradient is 0, anything is infinitely far
        measured="64 instead of 64.5 and of 800, in 3.3.1 and 2.6.2; gradients 1.6e-28 instead of 4e-31; "
        "reproduced below 1e-15",
    ),
    "dropout-scale": KnownRounding(
        bases=("Dropout", "Dropout2d", "Dropout3d"),
        constant="rate of dropout, kept in float32, and so the scale 1/(1 - rate)",
        bound=1e-6,
        measured="1.7e-8 at rate 0.3, 0 at 0.5; reproduced exactly",
    ),
    "hyper-parameters": KnownRounding(
        bases=(),
        constant="hyper-parameters of the optimizer, kept in float32: momentum and weight decay of Momentum, "
        "weight decay of AdamW, rho, betas, epsilon of RMSProp, Adadelta, Adagrad, Adamax, NAdam, RAdam",
        bound=1e-5,
        measured="momentum 0.9: 1e-10 to 5e-9 from the second step; RMSProp with momentum 1.1e-6; "
        "reproduced below 1e-15",
    ),
}


def concerned(bases: Iterable[str], *, own_loss: bool = False) -> list[str]:
    """The roundings that a model with layers of these types can show, with a loss of the user's own.

    Dropout's is none of them: where it is compared, masks drawn in NumPy are scaled exactly.
    """
    present = set(bases) - set(KNOWN_ROUNDINGS["dropout-scale"].bases)
    found = [key for key, rounding in KNOWN_ROUNDINGS.items() if present & set(rounding.bases)]
    return found + (["label-smoothing"] if own_loss else [])


def attempts(keys: Iterable[str]) -> list[list[str]]:
    """Attempts at reproducing, in order, until the sides agree: the loss's limit only if it must be."""
    own = [*keys]
    return [*([own] if own else []), [*own, LOSS_LIMIT]]


def constants(keys: Iterable[str]) -> str:
    """Names of roundings in a report."""
    return "; ".join(KNOWN_ROUNDINGS[key].constant for key in keys)


def bound(keys: Iterable[str]) -> float:
    """The largest gap that they excuse together."""
    return sum(KNOWN_ROUNDINGS[key].bound for key in keys)
