"""Looking at a model while it runs."""

from .engines import infer

WORDS = {  # paddle's names of layer types where the neutral ones, torch's, differ
    "AdaptiveAvgPool2D": "AdaptiveAvgPool2d",
    "AvgPool2D": "AvgPool2d",
    "Conv2D": "Conv2d",
    "MaxPool2D": "MaxPool2d",
    "PaddedMaxPool2D": "PaddedMaxPool2d",
}


def trace(model, images):
    layers = []

    def record(name):
        return lambda layer, inputs, output: layers.append(_facts(name, layer, output))

    handles = [
        layer.register_forward_post_hook(record(name))
        for name, layer in model.named_sublayers()
        if not list(layer.children())
    ]
    training = model.training
    model.eval()
    try:
        infer(model, images)
    finally:
        model.train() if training else model.eval()
        for handle in handles:
            handle.remove()
    return layers


def _facts(name, layer, output):
    word = type(layer).__name__
    return {
        "name": name,
        "type": WORDS.get(word, word),
        "output_shape": list(output.shape),
        "dtype": str(output.dtype).removeprefix("paddle."),
        "layout": _layout(layer, output),
    }


def _layout(layer, output):
    if output.dim() != 4:
        return None
    return getattr(layer, "_data_format", "NCHW")
