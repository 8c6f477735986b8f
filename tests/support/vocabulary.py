"""The frameworks' own words: all that the twins may differ in. At most 25 identifiers."""

PADDLE_TO_TORCH = {
    "paddle": "torch",
    "Layer": "Module",
    "Conv2D": "Conv2d",
    "MaxPool2D": "MaxPool2d",
    "AvgPool2D": "AvgPool2d",
    "AdaptiveAvgPool2D": "AdaptiveAvgPool2d",
    "PaddedMaxPool2D": "PaddedMaxPool2d",
    "to_tensor": "tensor",
    "sublayers": "modules",
    "named_sublayers": "named_modules",
    "include_sublayers": "recurse",
    "register_forward_post_hook": "register_forward_hook",
    "clear_grad": "zero_grad",
    "FLAGS_cudnn_exhaustive_search": "benchmark",
    "FLAGS_cudnn_deterministic": "deterministic",
}
