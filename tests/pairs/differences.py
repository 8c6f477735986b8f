"""Where the frameworks themselves have other rules: pairs that differ by one, and by a fault besides."""

from tests.pairs import optimizers
from tests.pairs.pair import BOTH, Pair, replaced


def _of_optimizer(names, **found):
    return {f"optimizer_{name}": Pair(network="plain", own=("optimizer",), **found) for name in names}


def _average(words):
    """Of windows of nine, a constant that paddle keeps in float32, at the size of its input."""
    if words.is_torch:
        return words.nn.AvgPool2d(3, 1, 1, count_include_pad=False)
    return words.nn.AvgPool2D(3, 1, 1)


def _parametrized(*, paddles=None, rounded=False):
    """Torch's newer spectral normalisation beside paddle's, which may have arguments of its own."""

    def arguments(words):
        own = (paddles or {}) if words.framework == "paddle" else {}
        return {"how": "spectral_norm", "parametrized": True, "rounded": rounded, **own}

    return {"network": "reweighted", "on": BOTH, "arguments": arguments}


PROVEN = {
    **_of_optimizer(optimizers.DIFFERENT),
    "spectral_norm_parametrized": Pair(**_parametrized()),
    "spectral_norm_parametrized_behind_rounding": Pair(**_parametrized(rounded=True)),
    "spectral_norm_parametrized_averaged": Pair(**_parametrized(), change=replaced("relu1", _average)),
}
NAMES = {
    "running_variance": ("running-variance",),  # one of several in tests/pairs/outputs.py
    **{f"optimizer_{name}": difference for name, difference in optimizers.DIFFERENT.items()},
    "spectral_norm_parametrized": ("spectral-order",),
    "losses_beyond_the_limit": ("loss-limit",),  # tests/pairs/innocents.py
}
FAULTY = {
    **_of_optimizer(optimizers.DIFFERENT_AND_FAULTY, stage="optimizer"),
    "spectral_norm_parametrized_iterations": Pair(
        **_parametrized(paddles={"n_power_iterations": 2}), stage="train-mode", layers=("conv1",)
    ),
}
