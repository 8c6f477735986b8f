"""Every network by the name of its pair: `--torch tests.pairs.catalogue:torch.NAME`, paddle likewise."""

from tests.pairs import faults, innocents
from tests.pairs.words import Words


class Side:
    """One framework's networks."""

    def __init__(self, framework):
        self._framework = framework

    def __getattr__(self, name):
        pairs = faults.PAIRS | innocents.PAIRS
        if name not in pairs:
            raise AttributeError(name)
        return lambda: pairs[name].build(Words(self._framework))


torch, paddle = Side("torch"), Side("paddle")
