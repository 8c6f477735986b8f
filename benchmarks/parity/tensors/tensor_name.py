"""Names of the tensors that a run records: which kind, of what, and which of its tensors."""

LAYERS, GRADIENTS, BUFFERS, FORWARD = "layers", "gradients", "buffers", "forward"
OUTPUT, GRADIENT, INPUT = "output", "gradient", "input"


class TensorName(str):
    """A tensor's name in a folder, with its parts.

    A plain ``str`` everywhere else.

    | name                   | kind        | owner     | what                           |
    |------------------------|-------------|-----------|--------------------------------|
    | "layers/CALL/output"   | "layers"    | CALL      | "output", "gradient", "inputN" |
    | "gradients/PARAMETER"  | "gradients" | PARAMETER | ""                             |
    | "buffers/BUFFER"       | "buffers"   | BUFFER    | ""                             |
    | "forward/logits"       | "forward"   | ""        | "logits", "gradient"           |
    | "loss/loss"            | "loss"      | ""        | "loss"                         |
    """

    __slots__ = ()

    @classmethod
    def of_layer(cls, call: str, what: str) -> "TensorName":
        """A tensor of one call of a layer."""
        return cls(f"{LAYERS}/{call}/{what}")

    @classmethod
    def of_gradient(cls, parameter: str) -> "TensorName":
        """The gradient of a parameter."""
        return cls(f"{GRADIENTS}/{parameter}")

    @classmethod
    def of_buffer(cls, buffer: str) -> "TensorName":
        """A buffer after a run in training mode."""
        return cls(f"{BUFFERS}/{buffer}")

    @property
    def kind(self) -> str:
        """The stage's part of the run that made it."""
        return self.partition("/")[0]

    @property
    def owner(self) -> str:
        """The call, parameter or buffer that it belongs to.

        It is "" for a result of the whole network.
        """
        rest = self.partition("/")[2]
        if self.kind == LAYERS:
            return rest.rpartition("/")[0]
        return rest if self.kind in (GRADIENTS, BUFFERS) else ""

    @property
    def what(self) -> str:
        """Which tensor of its owner; "" where an owner has one only."""
        return "" if self.kind in (GRADIENTS, BUFFERS) else self.rpartition("/")[2]

    @property
    def is_before_loss(self) -> bool:
        """True if it is computed before the loss."""
        return self.kind == BUFFERS or (self.kind == LAYERS and self.what == OUTPUT) or self == LOGITS

    @property
    def label(self) -> str:
        """Its name in a report, which has no room for a path."""
        if self.kind == LAYERS:
            return self.owner if self.what == OUTPUT else f"{self.owner} (output)"
        return "logits (gradient)" if self == LOGITS_GRADIENT else self.owner or self.what


LOGITS = TensorName(f"{FORWARD}/logits")
LOGITS_GRADIENT = TensorName(f"{FORWARD}/{GRADIENT}")
LOSS = TensorName("loss/loss")
