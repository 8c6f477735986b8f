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
    "Dropout": (
        "the rate",
        "paddle's mode downscale_in_infer, which scales in evaluation instead of in training",
        "evaluation against training mode",
    ),
    "Embedding": ("padding_idx",),
    "GELU": ("exact against the tanh approximation",),
    "GroupNorm": ("epsilon", "number of groups"),
    "Hardsigmoid": ("slope: paddle's is 0.1666667, torch's 1/6",),
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
    "Softmax": ("the axis", "softmax in the model and again in the loss"),
    "Upsample": ("align_corners", "the mode of interpolation"),
}
CAUSES["GRU"] = CAUSES["RNN"] = CAUSES["LSTM"]
CAUSES["BatchNorm1d"] = CAUSES["BatchNorm3d"] = CAUSES["SyncBatchNorm"] = CAUSES["BatchNorm2d"]
CAUSES["Dropout2d"] = CAUSES["Dropout3d"] = CAUSES["Dropout"]
BETWEEN = (
    "a functional operation: flatten or reshape in another order, a sum, a scaling, a cast to float32",
    "a layer that one side leaves out",
    "padding done apart on one side",
)
STAGES: dict[str, tuple[str, ...]] = {
    "parameters": ("a frozen layer on one side", "a constant of another value"),
    "data": ("another order of samples: seeds give each framework another stream", "labels", "normalisation"),
    "repeat": ("hidden state: a counter, a cache, statistics", "randomness in evaluation mode"),
    "loss": (
        "sum against mean",
        "a negative ignore_index: paddle divides by the whole batch",
        "class weights together with label smoothing",
        "softmax before a loss that takes logits",
    ),
    "gradients": ("a branch detached on one side", "a loss scaled on one side", "a gradient hook"),
    "metrics": ("ties", "top-k with fewer classes", "the divisor"),
    "optimizer": (
        "weight decay: coupled or decoupled, or missing for biases",
        "paddle's Momentum defaults to 0.9, its RMSProp has epsilon inside the root",
        "clipping: by value, by each gradient's norm or by that of all; torch adds 1e-6 to the norm",
        "the schedule: stepped by batch or by epoch",
    ),
    "training": ("what the optimizer stage would show", "statistics in training mode"),
    "train-mode": ("dropout rate or mode", "batch normalisation's statistics"),
    "float32": ("a constant or a cast of lower precision on one side", "an algorithm that cancels"),
    "bfloat16": ("a cast that only autocast reaches", "a layer that does otherwise for its dtype"),
}


def likely(*, stage: str, base: str | None, layer: str | None) -> list[str]:
    """Likely causes, the most specific first."""
    specific = CAUSES.get(base or "", ())
    if layer and layer.startswith("between "):
        specific = BETWEEN
    return list(specific or STAGES.get(stage, ()))
