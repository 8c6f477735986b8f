"""Every network by the name of its pair: `--torch tests.pairs.catalogue:torch.NAME`, paddle likewise."""

from tests.pairs import faults, innocents, outputs
from tests.pairs.words import Words


class Side:
    """One framework's networks."""

    def __init__(self, framework):
        self._framework = framework

    def __getattr__(self, name):
        pairs = faults.PAIRS | innocents.PAIRS | outputs.FAULTS | outputs.INNOCENTS
        if name not in pairs:
            raise AttributeError(name)
        return lambda: self._build(pairs[name])

    def _build(self, pair):
        words = Words(self._framework)
        words.seed(0)  # by chance a fault can lie where ReLU lets nothing through
        return pair.build(words)


torch, paddle = Side("torch"), Side("paddle")
