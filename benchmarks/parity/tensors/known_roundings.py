"""Constants that paddle keeps in float32 inside its float64 arithmetic, one limit, one order: one table.

The limit and the order are rules and no constants: known differences, which are reproduced in the same way.

Which of them a model can show is read from the functions that its run calls.
Such a constant moves a float64 result by far more than rounding. It excuses a gap only if torch, given
the same rounded constant (``benchmarks.parity.probe.rounded``), agrees to the ordinary tolerance. A fault
does not go away by that, and one beyond the bound is not excused at all. Measured with paddle 3.3.1.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from typing import TypedDict

from benchmarks.parity.tensors.known_differences import LOSS_LIMIT, SPECTRAL_ORDER, join_differences


@dataclass(frozen=True, kw_only=True)
class KnownRounding:
    """One such constant: where it acts, how far it can move a tensor, what was measured.

    ``difference`` names the known difference that it reproduces, if it is a rule and no constant.
    """

    constant: str
    bound: float  # relative L2
    measured: str
    difference: str | None = None


class Excuse(TypedDict):
    """What some roundings together can excuse; see ``judge.gap.excuse``."""

    constant: str
    bound: float
    difference: str | None


MEAN_FOR_A_POOL = "mean-for-a-pool"
DROPOUT_SCALE, HYPER_PARAMETERS = "dropout-scale", "hyper-parameters"

KNOWN_ROUNDINGS = {
    "lrn-window": KnownRounding(
        constant="1/size of the averaging window in LocalResponseNorm's gradient, and its beta, kept in "
        "float32",
        bound=5e-7,
        measured="1.8e-11 on alexnet_2012, 1.6e-12 on alexnet_lrn, 3e-9 at alpha 0.5, 8e-8 at inputs of "
        "1e4, which leave nothing but the window; reproduced below 5e-15",
    ),
    "avg-pool": KnownRounding(
        constant="1/count of the averaging window in average pooling's gradient, kept in float32",
        bound=2e-7,
        measured="0.7e-8 to 3.0e-8, and 0 for windows of 4; reproduced 1e-16",
    ),
    MEAN_FOR_A_POOL: KnownRounding(
        constant="1/count of the averaging window in average pooling's gradient, kept in float32, where "
        "torch takes a mean",
        bound=2e-7,
        measured="0.7e-8 to 3.0e-8; paddle's own mean is exact; reproduced 1e-16",
    ),
    "norm-epsilon": KnownRounding(
        constant="epsilon of batch, layer and instance normalisation, kept in float32",
        bound=1e-7,
        measured="1.3e-13 at variance 1, 1.1e-8 at variance 1e-6; reproduced 2e-16",
    ),
    "batch-norm-momentum": KnownRounding(
        constant="momentum of batch normalisation's running statistics, kept in float32",
        bound=1e-6,
        measured="2.4e-7 in a running mean after one step; reproduced 8e-17",
    ),
    "hardsigmoid": KnownRounding(
        constant="slope of Hardsigmoid, 0.1666667 instead of 1/6, kept in float32",
        bound=1e-6,
        measured="8.4e-8 forward, 1.8e-7 backward; reproduced 1e-16",
    ),
    "elu-alpha": KnownRounding(
        constant="alpha of ELU and CELU, kept in float32",
        bound=1e-6,
        measured="0.3: 7e-9 forward, 1.5e-8 backward, 0 for 1; reproduced 4e-17",
    ),
    "selu": KnownRounding(
        constant="scale and alpha of SELU, kept in float32",
        bound=1e-6,
        measured="2.6e-8 forward, 3.0e-8 backward; reproduced exactly",
    ),
    "hardtanh-bounds": KnownRounding(
        constant="bounds of Hardtanh, kept in float32",
        bound=1e-6,
        measured="0.3: 3.7e-8 forward, gradient exact; reproduced exactly",
    ),
    "shrink-threshold": KnownRounding(
        constant="thresholds of Softshrink and of the thresholded ReLU, kept in float32",
        bound=1e-6,
        measured="Softshrink(0.3) 1.3e-8, threshold 1.7e-9 forward; reproduced exactly",
    ),
    "rrelu-slope": KnownRounding(
        constant="mean slope of RReLU in evaluation, computed in float32",
        bound=1e-6,
        measured="3.3e-9 forward, 2.8e-9 backward at 0.1 and 0.3; reproduced exactly",
    ),
    "exponent": KnownRounding(
        constant="exponent of a power, kept in float32",
        bound=1e-6,
        measured="6.6e-9 to 3.2e-8 forward, 2e-8 to 4.9e-8 backward at 0.3, 1/3, 1.7; 0 at 0.5 and 2.5; "
        "reproduced 1e-16",
    ),
    "norm": KnownRounding(
        constant="exponents of a p-norm, kept in float32, and 1e-12 (in normalize its epsilon) that is added "
        "in its gradient",
        bound=1e-6,
        measured="p of 3: 2.0e-8 forward; p of 2: 1e-12 in the gradient; reproduced 1e-16",
    ),
    "product-factors": KnownRounding(
        constant="alpha and beta of addmm and baddbmm, kept in float32",
        bound=1e-6,
        measured="1.1e-8 forward, 1.4e-8 backward at 0.7 and 0.3; reproduced exactly",
    ),
    "lp-pool": KnownRounding(
        constant="powers of lp_pool, computed in float32",
        bound=1e-6,
        measured="2.8e-8 to 4.3e-8 forward, 3.8e-8 to 1.0e-7 backward; reproduced 1e-16",
    ),
    "interpolation": KnownRounding(
        constant="coordinates of linear and cubic interpolation, computed in float32",
        bound=5e-6,
        measured="1.0e-7 to 3.4e-7 forward, 1.6e-7 to 4.1e-7 backward, 0 for ratios that are powers of two; "
        "reproduced 3e-16",
    ),
    "huber-delta": KnownRounding(
        constant="delta of Huber's and the smooth L1 loss, kept in float32",
        bound=1e-6,
        measured="2.5e-8 to 3.6e-8 forward, 3.9e-8 backward at 0.3 and 1.3; reproduced 2e-16",
    ),
    "margin": KnownRounding(
        constant="margin to the power of p over the number of classes in multi_margin_loss, kept in float32",
        bound=1e-6,
        measured="3e-9 in the loss of 5 classes, 0 for 8; gradient exact; reproduced 1e-16",
    ),
    "label-smoothing": KnownRounding(
        constant="smoothed labels of cross-entropy, kept in float32",
        bound=1e-6,
        measured="4.5e-8 in the loss at smoothing 0.1; reproduced below 1e-15",
    ),
    LOSS_LIMIT: KnownRounding(
        constant="cross-entropy on the CPU, which takes no logit as more than 64 below the largest: no image "
        "loses more than 64, no class has a gradient below exp(-64)",
        bound=inf,  # where torch's gradient is 0, anything is infinitely far
        measured="64 instead of 64.5 and of 800, in 3.3.1 and 2.6.2; gradients 1.6e-28 instead of 4e-31; "
        "reproduced below 1e-15",
        difference=LOSS_LIMIT,
    ),
    DROPOUT_SCALE: KnownRounding(
        constant="rate of dropout and 1 - rate, kept in float32, and so the scale 1/(1 - rate)",
        bound=1e-6,
        measured="1.5e-8 at rates 0.1 and 0.2, 1.7e-8 at 0.3, 2.4e-7 at 0.9, 0 at 0.5; reproduced exactly",
    ),
    SPECTRAL_ORDER: KnownRounding(
        constant="order of the two half steps of a power iteration of spectral normalisation",
        bound=inf,  # after one iteration u and v may still lie anywhere
        measured="0.3 in the output of a fresh layer after one iteration; reproduced below 1e-15",
        difference=SPECTRAL_ORDER,
    ),
    HYPER_PARAMETERS: KnownRounding(
        constant="hyper-parameters of the optimizer, kept in float32: momentum and weight decay of Momentum, "
        "weight decay of AdamW, rho, betas, epsilon of RMSProp, Adadelta, Adagrad, Adamax, NAdam, RAdam",
        bound=1e-5,
        measured="momentum 0.9: 1e-10 to 5e-9 from the second step; after 20 steps AdamW 4.5e-11, Adadelta "
        "2.7e-11, RAdam 1.6e-8, RMSProp 9.1e-9, with momentum 1.1e-6; reproduced below 1e-15",
    ),
}


APART = (LOSS_LIMIT, DROPOUT_SCALE, HYPER_PARAMETERS)  # asked for where they can matter, and only there


def concerned(noted: Iterable[str]) -> list[str]:
    """The roundings, of those that a run noted, that its tensors can show.

    Dropout's is none of them: where it is compared, masks drawn in NumPy are scaled exactly.
    """
    present = set(noted).difference(APART)
    return [key for key in KNOWN_ROUNDINGS if key in present]


def attempts(keys: Iterable[str]) -> list[list[str]]:
    """Attempts at reproducing, in order, until the sides agree.

    First what paddle rounds if it calls what torch calls, then with paddle's rules, then a pool in the place
    of a mean, then the loss's limit, too. At last one rounding less: paddle may take a mean where torch calls
    a pool.
    """
    noted = [*keys]
    rules = [key for key in noted if KNOWN_ROUNDINGS[key].difference]
    own = [key for key in noted if key != MEAN_FOR_A_POOL and key not in rules]
    ruled = [[*own, *rules]] if rules else []
    pooled = [noted] if MEAN_FOR_A_POOL in noted else []
    others = [[key for key in noted if key not in (MEAN_FOR_A_POOL, other)] for other in own]
    return [attempt for attempt in (own, *ruled, *pooled, [*own, *rules, LOSS_LIMIT], *others) if attempt]


def adds_to_others(keys: Iterable[str]) -> bool:
    """True if what these explain comes on top of what roundings have explained: a rule.

    Else a tensor that a rounding alone explains would be counted to the rule.
    """
    return any(KNOWN_ROUNDINGS[key].difference for key in keys)


def together(keys: Iterable[str], *, grown: float = 1.0, at_least: float = 0.0) -> Excuse:
    """What these roundings excuse together.

    ``grown`` is how many times its size a rounding may have reached, ``at_least`` the smallest bound.
    """
    known = [KNOWN_ROUNDINGS[key] for key in keys]
    differences = [rounding.difference for rounding in known if rounding.difference]
    return {
        "constant": "; ".join(rounding.constant for rounding in known),
        "bound": max(at_least, grown * sum(rounding.bound for rounding in known)),
        "difference": join_differences(differences) if differences else None,
    }
