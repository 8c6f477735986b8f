"""Looking at a model while it runs."""

from .engines import infer

WORDS = {}  # the neutral names of layer types are torch's own


def trace(model, images):
    layers = []

    def record(name):
        return lambda layer, inputs, output: layers.append(_facts(name, layer, output))

    handles = [
        layer.register_forward_hook(record(name))
        for name, layer in model.named_modules()
        if not list(layer.children())
    ]
    training = model.training
    model.eval()
    try:
        infer(model, images)
    finally:
        model.train(training)
        for handle in handles:
            handle.remove()
    return layers


def _facts(name, layer, output):
    word = type(layer).__name__
    return {
        "name": name,
        "type": WORDS.get(word, word),
        "output_shape": list(output.shape),
        "dtype": str(output.dtype).removeprefix("torch."),
        "layout": _layout(output),
    }


def _layout(output):
    if output.dim() != 4:
        return None
    return "NCHW" if output.is_contiguous() else "NHWC"
