"""A framework's own words for layers, so that a network of the tests is written once."""

import importlib
import re


class Words:
    """Layers by torch's names and arguments, in torch or in paddle."""

    def __init__(self, framework):
        self.framework = framework
        self.library = importlib.import_module(framework)
        self.nn = importlib.import_module(f"{framework}.nn")
        self.functional = self.nn.functional
        self.is_torch = framework == "torch"
        self.base = self.nn.Module if self.is_torch else self.nn.Layer

    def __getattr__(self, name):
        if self.is_torch:
            return getattr(self.nn, name)
        return getattr(self.nn, {"SiLU": "Silu"}.get(name, re.sub(r"([123])d$", r"\1D", name)))

    def seed(self, number):
        """Have layers start from the same numbers each time."""
        (self.library.manual_seed if self.is_torch else self.library.seed)(number)

    def norm(self, kind, *arguments, eps=1e-5, **options):
        """A normalisation with epsilon (and, for batch norm, torch's momentum)."""
        if self.is_torch:
            return getattr(self, kind)(*arguments, eps=eps, **options)
        if kind.startswith("InstanceNorm"):  # torch's has no weight and no bias unless asked
            options |= {"weight_attr": False, "bias_attr": False}
        if "momentum" in options:
            options["momentum"] = 1 - options["momentum"]
        return getattr(self, kind)(*arguments, epsilon=eps, **options)

    def average_pool(self, *arguments, padding_counts=True, **options):
        """Average pooling whose divisor counts the padding or not."""
        more = {"count_include_pad": padding_counts} if self.is_torch else {"exclusive": not padding_counts}
        return self.AvgPool2d(*arguments, **options, **more)

    def gelu(self, *, tanh=False):
        """GELU, exact or approximate."""
        if self.is_torch:
            return self.nn.GELU(approximate="tanh" if tanh else "none")
        return self.nn.GELU(approximate=tanh)

    def parameter(self, *shape):
        """A fresh parameter of zeros."""
        if self.is_torch:
            import torch

            return torch.nn.Parameter(torch.zeros(*shape))
        import paddle

        return paddle.create_parameter(list(shape), "float32")

    def recurrent(self, kind, inputs, size, *, layers, both_ways, dropout=0.0):
        """A recurrent network that takes (batch, steps, inputs), with dropout between its layers."""
        options = {"num_layers": layers, "dropout": dropout}
        if self.is_torch:
            return getattr(self.nn, kind)(inputs, size, batch_first=True, bidirectional=both_ways, **options)
        kind = "SimpleRNN" if kind == "RNN" else kind
        direction = "bidirect" if both_ways else "forward"
        return getattr(self.nn, kind)(inputs, size, direction=direction, **options)

    def attention(self, size, heads, rate):
        """The framework's own attention over (batch, places, size), with dropout inside."""
        if self.is_torch:
            return self.nn.MultiheadAttention(size, heads, dropout=rate, batch_first=True)
        return self.nn.MultiHeadAttention(size, heads, dropout=rate)

    def reweighted(self, layer, how, parametrized, **options):
        """The layer with its weight computed by "weight_norm" or "spectral_norm", as a hook or not."""
        if self.is_torch:
            utils = importlib.import_module("torch.nn.utils")
            return getattr(utils.parametrizations if parametrized else utils, how)(layer, **options)
        if how == "weight_norm":  # its default axis 0 is torch's for a convolution alone
            options = {"dim": 1 if isinstance(layer, self.nn.Linear) else 0} | options
        return getattr(self.nn.utils, how)(layer, **options)

    def turned(self, weight):
        """A weight of (outputs, inputs) as this framework's functional.linear takes it."""
        return weight if self.is_torch else weight.t()

    def stacked(self, tensors, axis):
        """Tensors along a new axis."""
        return self.library.stack(tensors, axis)

    def cast(self, x, dtype):
        """To a dtype by name."""
        return x.to(getattr(importlib.import_module("torch"), dtype)) if self.is_torch else x.astype(dtype)

    def like(self, x, other):
        """In another tensor's dtype."""
        return x.to(other.dtype) if self.is_torch else x.astype(other.dtype)

    def detached(self, x):
        """The same numbers, cut off from gradients."""
        return x.detach()

    def freeze(self, layer):
        """Take a layer's parameters out of training."""
        for parameter in layer.parameters():
            if self.is_torch:
                parameter.requires_grad = False
            else:
                parameter.stop_gradient = True

    def buffer(self, model, name, values):
        """Register a constant."""
        import numpy as np

        array = np.array(values, np.float32)
        model.register_buffer(name, (self.library.tensor if self.is_torch else self.library.to_tensor)(array))

    def noise(self, x, size):
        """Normal numbers of this size, new ones at each call."""
        return x + size * (
            self.library.randn_like(x) if self.is_torch else self.library.randn(x.shape, dtype=x.dtype)
        )

    def numbers(self, values):
        """A vector of float64."""
        return (self.library.tensor if self.is_torch else self.library.to_tensor)(
            list(map(float, values)), dtype=self.library.float64
        )

    def tensor(self, array):
        """The array as it is."""
        return self.library.from_numpy(array) if self.is_torch else self.library.to_tensor(array)

    def joined(self, tensors, axis):
        """Tensors behind each other along an axis."""
        return self.library.cat(tensors, axis) if self.is_torch else self.library.concat(tensors, axis)

    def constant(self, x, value, *, rows):
        """Zeros like ``x``, with NaN or infinity in the first rows."""
        numbers = self.detached(x) * 0
        numbers[:rows] = float(value)
        return numbers
