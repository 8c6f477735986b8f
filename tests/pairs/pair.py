"""What a pair of the tests is: a network, what is done to one side of it, and what must be found."""

from dataclasses import dataclass, field

from tests.pairs import networks

ON_PADDLE, ON_TORCH = ("paddle",), ("torch",)
BOTH = ("torch", "paddle")


@dataclass(frozen=True, kw_only=True)
class Pair:
    """``arguments``, ``edits`` and ``change`` are applied on the side(s) named in ``on``.

    ``stage`` and ``layers`` are what must be found: the stage, and the layers any of which may be
    named; ``tensor``, where it matters, the one that shows it. No stage: an innocent difference.
    ``steps`` are those of training.
    """

    network: object = "small"  # a name in networks, or a function
    on: tuple = ON_PADDLE
    arguments: object = field(default_factory=dict)  # a dict, or words -> dict
    edits: object = None  # words -> functions by place
    change: object = None  # (model, words) -> None
    stage: str | None = None
    layers: tuple = ()
    tensor: str | None = None
    steps: int = 1
    own: tuple = ()  # roles for which both sides bring their own part
    names: dict = field(default_factory=dict)  # a map
    given: dict = field(default_factory=dict)  # arguments of the network on both sides
    output: str = ""  # key of the output that loss and metrics see
    inputs: tuple = ()  # as --input takes them

    def build(self, words):
        """The network of one side."""
        from tests.pairs import outputs  # which has pairs of its own

        faulty = words.framework in self.on
        edits = self.edits(words) if faulty and self.edits else {}
        found = getattr(outputs, str(self.network), None)
        network = self.network if callable(self.network) else found or getattr(networks, self.network)
        arguments = self.arguments(words) if callable(self.arguments) else self.arguments
        model = network(words, **self.given | (arguments if faulty else {}), **edits)
        if faulty and self.change:
            model = self.change(model, words) or model
        return model


def replaced(name, make):
    """Put another layer in the place of one."""

    def change(model, words):
        setattr(model, name, make(words))

    return change


def altered(name, function):
    """Have a layer do something more to its output: ``function(words, layer, x, y)``."""

    def change(model, words):
        layer = getattr(model, name)
        original = layer.forward
        layer.forward = lambda x: function(words, layer, x, original(x))

    return change


def hooked(parameter, factor):
    """Multiply the gradient of a parameter."""

    def change(model, words):
        dict(model.named_parameters())[parameter].register_hook(lambda gradient: gradient * factor)

    return change
