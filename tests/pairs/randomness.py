"""Random numbers that are drawn outside of dropout's layers: by functions, by stochastic depth, as noise."""

from tests.pairs.pair import BOTH, ON_TORCH, Pair, altered


def drawing(draw, on=BOTH, **found):
    """A pair with this behind its first linear layer, in training: ``draw(words, x)``."""
    change = altered("fc1", lambda words, layer, x, y: draw(words, y) if layer.training else y)
    return Pair(on=on, change=change, **found)


def by_function(words, x, rate=0.5):
    return words.functional.dropout(x, rate, training=True)


def by_functions(words, x):
    """Single numbers, whole channels, and SELU's lower limit in the place of zero."""
    functional, channels = words.functional, x.reshape([x.shape[0], 4, 2, 2])
    channels = functional.dropout2d(channels, 0.3, training=True)
    return functional.dropout(functional.alpha_dropout(channels.reshape(x.shape), 0.2, training=True), 0.1)


def depth(words, x, scaled=True):
    """Stochastic depth as it is mostly written in each framework."""
    kept, shape = 0.7, [x.shape[0], 1]
    if words.is_torch:
        mask = x.new_empty(shape).bernoulli_(kept)
    else:
        mask = words.library.floor(words.library.rand(shape, dtype=x.dtype) + kept)
    return x * mask / (kept if scaled or words.is_torch else 1.0)


def noise(words, x, size=0.1):
    return words.noise(x, size)


def mixed(words, x):
    """Images mixed with others, in an order that is drawn, by drawn shares."""
    library = words.library
    order, share = library.randperm(x.shape[0]), library.rand([1], dtype=x.dtype)
    return share * x + (1 - share) * x[order]


def poisson(words, x):
    return x + words.library.poisson(x * 0 + 2.0)


def more_on_paddle(words, value, more):
    return value if words.is_torch else more


IN_TRAINING = {"stage": "train-mode", "layers": ("fc1",)}

INNOCENT = {
    "dropout_as_a_function": drawing(by_function),
    "dropout_as_functions": drawing(by_functions),
    "stochastic_depth": drawing(depth),
    "noise_in_training": drawing(noise),
    "images_mixed": drawing(mixed),
}

FAULTS = {
    "numbers_of_no_table": drawing(poisson, **IN_TRAINING),
    "dropout_function_rate": drawing(
        lambda words, x: by_function(words, x, more_on_paddle(words, 0.5, 0.45)), **IN_TRAINING
    ),
    "dropout_function_on_one_side": drawing(by_function, on=ON_TORCH, **IN_TRAINING),
    "depth_without_its_scale": drawing(lambda words, x: depth(words, x, scaled=False), **IN_TRAINING),
    "louder_noise": drawing(
        lambda words, x: noise(words, x, more_on_paddle(words, 0.1, 0.1 + 1e-9)), **IN_TRAINING
    ),
}
