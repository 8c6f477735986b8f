"""A network as two versions of one framework build it, and what another version may do to it."""

from tests.pairs.words import Words

WIDTH = 4


class Versions:
    """One framework's network: ``sound``, and each planted fault."""

    def __init__(self, framework):
        self._framework = framework

    def _network(self, **changed):
        words = Words(self._framework)
        parts = {"epsilon": 1e-5, "activation": words.Hardsigmoid, "norm": words.norm} | changed
        return words.nn.Sequential(
            words.Conv2d(3, WIDTH, 3),
            parts["norm"]("BatchNorm2d", WIDTH, eps=parts["epsilon"]),
            parts["activation"](),
            words.nn.Flatten(),
            words.nn.Dropout(0.3),
            words.nn.Linear(WIDTH * 36, 5),
        )

    def sound(self):
        return self._network()

    def epsilon(self):
        return self._network(epsilon=1.1e-5)

    def slope(self):
        """Hardsigmoid's slope in float32: of paddle against torch a known rounding."""
        words = Words(self._framework)

        class Hardsigmoid(words.base):
            def forward(self, x):
                return (x * 0.16666670143604279 + 0.5).clip(0, 1)

        return self._network(activation=Hardsigmoid)

    def variance(self):
        """Batch normalisation keeps the biased variance: of paddle against torch a known difference."""
        from torch import nn

        class BatchNorm2d(nn.BatchNorm2d):
            def forward(self, x):
                before, count = self.running_var.clone(), x.numel() // x.shape[1]
                y = super().forward(x)
                if self.training:
                    moved = (self.running_var - (1 - self.momentum) * before) * (count - 1) / count
                    self.running_var = (1 - self.momentum) * before + moved
                return y

        return self._network(norm=lambda _, width, eps: BatchNorm2d(width, eps=eps))


torch, paddle = Versions("torch"), Versions("paddle")
