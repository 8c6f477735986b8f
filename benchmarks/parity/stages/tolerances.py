"""Precisions that are described by their distance from float64."""

from dataclasses import dataclass

FLOAT64_BITS = 52


@dataclass(frozen=True)
class Precision:
    """One precision: what it is asked for by, its stage's name, and what rounding alone explains.

    ``tolerance`` is the relative L2 from float64 that needs no explanation, ``bits`` the mantissa's,
    ``spread`` how many times as far as one unit in the last place of the images moves a tensor it may be
    moved by all the roundings on the way, and ``most`` what no explanation excuses more than.
    """

    name: str
    stage: str
    tolerance: float
    bits: int
    spread: float
    most: float

    @property
    def reach(self) -> float:
        """Allowed movement of a tensor, over what one unit in the last place does to it in float64."""
        return self.spread * self.unit

    @property
    def unit(self) -> float:
        """One unit in the last place, in those of float64."""
        return 2.0 ** (FLOAT64_BITS - self.bits)


PRECISIONS = {
    # Measured without flips: 5e-7 on lenet5, 5e-6 on alexnet. TF32 and half precision are 4e-4 and more.
    "fp32": Precision("fp32", "float32", tolerance=3e-5, bits=23, spread=100, most=0.5),
    # Mixed, as it is trained and timed: products in bfloat16, losses in float32. Measured where no flip
    # can be seen: up to 4e-2 in small networks, 1e-1 where the pool stands before its ReLU on one side.
    "bf16": Precision("bf16", "bfloat16", tolerance=0.2, bits=7, spread=10, most=0.5),
}
