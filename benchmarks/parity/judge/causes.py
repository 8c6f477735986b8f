"""Where to look first, by type of layer and stage: what the atlas shows to differ, and what to compare.

What the frameworks do otherwise is read from the atlas' committed table alone. What is written here are a
layer's own arguments and the user's own code: things in which two models may differ on either framework.
"""

from common.operations.table import differences_of

ARGUMENTS: dict[str, tuple[str, ...]] = {
    "AdaptiveAvgPool2d": ("the output size",),
    "AvgPool2d": ("padding, and whether it is in the divisor", "ceil_mode"),
    "BatchNorm1d": (),
    "BatchNorm2d": (
        "epsilon",
        "momentum",
        "evaluation against training mode",
    ),
    "Conv2d": ("padding, stride, dilation or groups", "padding_mode", "a bias on one side only"),
    "ConvTranspose2d": ("output_padding, padding, stride, dilation or groups", "a bias on one side only"),
    "Dropout": (
        "the rate",
        "the mode: what is scaled in training or in evaluation",
        "evaluation against training mode",
    ),
    "CELU": ("alpha",),
    "ELU": ("alpha, which is no slope: below zero it is what the curve tends to",),
    "Embedding": ("padding_idx",),
    "GELU": ("exact against the tanh approximation",),
    "GroupNorm": ("epsilon", "number of groups"),
    "Hardsigmoid": ("the slope and the offset",),
    "Hardtanh": ("the bounds",),
    "LayerNorm": ("epsilon", "the axes that are normalised"),
    "LeakyReLU": ("the negative slope",),
    "Linear": (
        "a square weight that was not transposed has the right shape",
        "the order of flattening before it",
    ),
    "LocalResponseNorm": (
        "alpha: these layers average over the window, papers and caffe sum: it differs by the size",
        "size, beta or k",
        "before against after the ReLU",
    ),
    "LSTM": ("order of the gates in its weights", "batch or steps first", "order of the directions"),
    "MaxPool2d": ("ceil_mode with padding", "stride left at its default", "padding"),
    "MultiheadAttention": ("batch or steps first", "number of heads"),
    "ReLU": ("another activation on one side",),
    "SELU": ("scale or alpha given on one side",),
    "Softmax": ("the axis", "softmax in the model and again in the loss"),
    "Softshrink": ("the threshold",),
    "Threshold": ("threshold and value change places",),
    "Upsample": ("align_corners", "the mode of interpolation"),
}
ARGUMENTS["GRU"] = ARGUMENTS["RNN"] = ARGUMENTS["LSTM"]
ARGUMENTS["BatchNorm1d"] = ARGUMENTS["BatchNorm3d"] = ARGUMENTS["SyncBatchNorm"] = ARGUMENTS["BatchNorm2d"]
ARGUMENTS["ConvTranspose1d"] = ARGUMENTS["ConvTranspose3d"] = ARGUMENTS["ConvTranspose2d"]
ARGUMENTS |= {f"Dropout{axes}d": ARGUMENTS["Dropout"] for axes in (1, 2, 3)}
ARGUMENTS["AlphaDropout"] = ARGUMENTS["FeatureAlphaDropout"] = ARGUMENTS["Dropout"]
BETWEEN = (
    "a functional operation: flatten or reshape in another order, a sum, a scaling, a cast to float32",
    "interpolate or grid_sample: align_corners and align_mode",
    "a layer that one side leaves out",
    "padding done apart on one side",
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
        "a negative ignore_index",
        "class weights together with label smoothing",
        "softmax before a loss that takes logits",
        "smooth L1 and Huber: beta and delta",
    ),
    "gradients": (
        "a branch detached on one side, or a function without a gradient",
        "a loss scaled on one side",
        "a gradient hook",
    ),
    "metrics": ("ties", "top-k with fewer classes", "the divisor"),
    "optimizer": (
        "weight decay: coupled or decoupled, or missing for biases",
        "momentum and epsilon",
        "clipping: by value, by each gradient's norm or by that of all",
        "the learning rate of a group",
        "the schedule: stepped by batch or by epoch, or a warm-up that is off by one",
    ),
    "training": ("what the optimizer stage would show", "statistics in training mode"),
    "train-mode": ("dropout rate or mode", "batch normalisation's statistics"),
    "float32": ("a constant or a cast of lower precision on one side", "an algorithm that cancels"),
    "bfloat16": ("a cast that only autocast reaches", "a layer that does otherwise for its dtype"),
}

# Operations, by torch's names, of which the atlas is asked besides the layer itself.
BESIDES = {
    "Dropout": ("dropout",),
    "Linear": ("linear",),
    "SyncBatchNorm": ("BatchNorm2d",),
    "Upsample": ("interpolate",),
}
OPERATIONS = {
    "between": ("pad", "interpolate", "grid_sample"),
    "loss": ("cross_entropy", "smooth_l1_loss"),
    "optimizer": ("SGD", "RMSprop", "Adamax", "Adagrad", "Adadelta", "clip_grad_norm_"),
}

NOT_FINITE = (
    "NaN or infinity: a division by zero, a root or logarithm outside its domain, an overflow, a softmax "
    "that is masked whole",
)


def likely(*, stage: str, base: str | None, layer: str | None, note: str = "") -> list[str]:
    """Likely causes, the most specific first: what the atlas shows of the operation, then what to compare."""
    if "NaN in" in note or "infinity in" in note:
        return list(NOT_FINITE)
    if layer and layer.startswith("between "):
        return [*BETWEEN, *differences_of(*OPERATIONS["between"])]
    known = base or ""
    specific = [*differences_of(known, *BESIDES.get(known, ())), *ARGUMENTS.get(known, ())]
    return specific or [*STAGES.get(stage, ()), *differences_of(*OPERATIONS.get(stage, ()))]
