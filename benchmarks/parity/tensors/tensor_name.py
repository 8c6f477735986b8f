"""Names of the tensors that a run records: which kind, of what, and which of its tensors."""

LAYERS, GRADIENTS, BUFFERS, FORWARD, OUTPUTS = "layers", "gradients", "buffers", "forward", "outputs"
OUTPUT, GRADIENT, INPUT = "output", "gradient", "input"


class TensorName(str):
    """A tensor's name in a folder, with its parts.

    A plain ``str`` everywhere else. A layer's second output is "output1", its gradient "gradient1".

    | name                   | kind        | owner     | what                           |
    |------------------------|-------------|-----------|--------------------------------|
    | "layers/CALL/output"   | "layers"    | CALL      | "output", "gradient", "inputN" |
    | "outputs/KEY/output"   | "outputs"   | KEY       | "output", "gradient"           |
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
    def of_output(cls, key: str, what: str) -> "TensorName":
        """One of a model's outputs beside the logits."""
        return cls(f"{OUTPUTS}/{key}/{what}")

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
        if self.kind in (LAYERS, OUTPUTS):
            return rest.rpartition("/")[0]
        return rest if self.kind in (GRADIENTS, BUFFERS) else ""

    @property
    def what(self) -> str:
        """Which tensor of its owner; "" where an owner has one only."""
        return "" if self.kind in (GRADIENTS, BUFFERS) else self.rpartition("/")[2]

    @property
    def is_before_loss(self) -> bool:
        """True if it is computed before the loss."""
        return self.kind == BUFFERS or (self.kind in (LAYERS, OUTPUTS) and self.is_output) or self == LOGITS

    @property
    def is_output(self) -> bool:
        """True for what a layer or a model puts out, and not for its gradient or input."""
        return self.what.startswith(OUTPUT)

    @property
    def is_gradient(self) -> bool:
        """True for the gradient of an output."""
        return self.what.startswith(GRADIENT)

    @property
    def label(self) -> str:
        """Its name in a report, which has no room for a path."""
        if self.kind == LAYERS:
            number = self.what.removeprefix(OUTPUT).removeprefix(GRADIENT)
            if not (self.is_output or self.is_gradient):
                return f"{self.owner} ({self.what})"
            extra = f" ({OUTPUT} {number})" if number else f" ({OUTPUT})"
            return self.owner + ("" if self.is_output and not number else extra)
        if self.kind == OUTPUTS:
            return f"output {self.owner}"
        return "logits (gradient)" if self == LOGITS_GRADIENT else self.owner or self.what


LOGITS = TensorName(f"{FORWARD}/logits")
LOGITS_GRADIENT = TensorName(f"{FORWARD}/{GRADIENT}")
LOSS = TensorName("loss/loss")
