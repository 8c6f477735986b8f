"""Known differences between torch and paddle, by type of layer: where to look first."""

CAUSES: dict[str, tuple[str, ...]] = {
    "AdaptiveAvgPool2d": ("the output size",),
    "AvgPool2d": (
        "padding in the average: paddle leaves it out of the divisor (exclusive=True), torch counts it",
        "ceil_mode",
    ),
    "BatchNorm1d": (),
    "BatchNorm2d": (
        "epsilon (both default to 1e-5)",
        "momentum: torch's 0.1 is paddle's 0.9",
        "paddle keeps the biased variance in training, torch the unbiased one",
        "evaluation against training mode",
    ),
    "Conv2d": ("padding, stride, dilation or groups", "padding_mode", "a bias on one side only"),
    "ConvTranspose2d": ("output_padding, padding, stride, dilation or groups", "a bias on one side only"),
    "Dropout": (
        "the rate",
        "paddle's mode downscale_in_infer, which scales in evaluation instead of in training",
        "evaluation against training mode",
    ),
    "CELU": ("alpha",),
    "ELU": ("alpha, which is no slope: below zero it is what the curve tends to",),
    "Embedding": ("padding_idx",),
    "GELU": ("exact against the tanh approximation",),
    "GroupNorm": ("epsilon", "number of groups"),
    "Hardsigmoid": ("slope: paddle's is 0.1666667, torch's 1/6",),
    "Hardtanh": ("the bounds",),
    "LayerNorm": ("epsilon", "the axes that are normalised"),
    "LeakyReLU": ("the negative slope",),
    "Linear": (
        "paddle keeps (inputs, outputs): a square weight that was not transposed has the right shape",
        "the order of flattening before it",
    ),
    "LocalResponseNorm": (
        "alpha: both frameworks average over the window, papers and caffe sum: alpha differs by the size",
        "size, beta or k",
        "before against after the ReLU",
    ),
    "LSTM": ("order of the gates in its weights", "batch or steps first", "order of the directions"),
    "MaxPool2d": ("ceil_mode with padding gives other shapes", "stride left at its default", "padding"),
    "MultiheadAttention": ("batch or steps first: torch takes steps first unless told", "number of heads"),
    "ReLU": ("another activation on one side",),
    "SELU": ("scale or alpha given on one side",),
    "Softmax": ("the axis", "softmax in the model and again in the loss"),
    "Softshrink": ("the threshold",),
    "Threshold": ("threshold and value change places",),
    "Upsample": ("align_corners", "the mode of interpolation"),
}
CAUSES["GRU"] = CAUSES["RNN"] = CAUSES["LSTM"]
CAUSES["BatchNorm1d"] = CAUSES["BatchNorm3d"] = CAUSES["SyncBatchNorm"] = CAUSES["BatchNorm2d"]
CAUSES["ConvTranspose1d"] = CAUSES["ConvTranspose3d"] = CAUSES["ConvTranspose2d"]
CAUSES |= {f"Dropout{axes}d": CAUSES["Dropout"] for axes in (1, 2, 3)}
CAUSES["AlphaDropout"] = CAUSES["FeatureAlphaDropout"] = CAUSES["Dropout"]
BETWEEN = (
    "a functional operation: flatten or reshape in another order, a sum, a scaling, a cast to float32",
    "interpolate or grid_sample: align_corners and align_mode have other defaults in paddle",
    "a layer that one side leaves out",
    "padding done apart on one side: paddle counts the padded axes in another order",
)
STAGES: dict[str, tuple[str, ...]] = {
    "parameters": ("a frozen layer on one side", "a constant of another value"),
    "data": (
        "another order of samples: seeds give each framework another stream",
        "channel order: RGB on one side, BGR on the other",
        "resizing: another filter, antialiasing or rounding of the size",
        "labels",
        "normalisation",
    ),
    "repeat": ("hidden state: a counter, a cache, statistics", "randomness in evaluation mode"),
    "loss": (
        "sum against mean",
        "a negative ignore_index: paddle divides by the whole batch",
        "class weights together with label smoothing",
        "softmax before a loss that takes logits",
        "smooth L1 and Huber: torch's beta is not paddle's delta",
    ),
    "gradients": (
        "a branch detached on one side, or a function of paddle's that is not differentiable",
        "a loss scaled on one side",
        "a gradient hook",
    ),
    "metrics": ("ties", "top-k with fewer classes", "the divisor"),
    "optimizer": (
        "weight decay: coupled or decoupled, or missing for biases",
        "paddle's Momentum defaults to 0.9, its RMSProp has epsilon inside the root",
        "clipping: by value, by each gradient's norm or by that of all; torch adds 1e-6 to the norm",
        "a group's learning_rate, which is a factor of the optimizer's in paddle",
        "the schedule: stepped by batch or by epoch, or a warm-up that is off by one",
    ),
    "training": ("what the optimizer stage would show", "statistics in training mode"),
    "train-mode": ("dropout rate or mode", "batch normalisation's statistics"),
    "float32": ("a constant or a cast of lower precision on one side", "an algorithm that cancels"),
    "bfloat16": ("a cast that only autocast reaches", "a layer that does otherwise for its dtype"),
}


NOT_FINITE = (
    "NaN or infinity: a division by zero, a root or logarithm outside its domain, an overflow, a softmax "
    "that is masked whole",
)


def likely(*, stage: str, base: str | None, layer: str | None, note: str = "") -> list[str]:
    """Likely causes, the most specific first."""
    if "NaN in" in note or "infinity in" in note:
        return list(NOT_FINITE)
    specific = CAUSES.get(base or "", ())
    if layer and layer.startswith("between "):
        specific = BETWEEN
    return list(specific or STAGES.get(stage, ()))
