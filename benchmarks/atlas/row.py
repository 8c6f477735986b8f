"""A row of the atlas, and a report of rows: what a result file holds."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

SCHEMA_VERSION: Literal[1] = 1
EQUAL = "equal"
ROUNDED = "equal after rounding"
KNOWN = "known difference"
DIFFERENT = "different"
MISSING = "missing"
ERROR = "error"
VERDICTS = (EQUAL, ROUNDED, KNOWN, DIFFERENT, MISSING, ERROR)


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Rounding(_Record):
    """A constant that paddle keeps in float32; ``left`` is the gap once torch does, too.

    ``listed``: it is in parity's table of known roundings.
    """

    constant: str
    keys: list[str]
    left: float
    listed: bool


class Proof(_Record):
    """The rule of a known difference, torch's spelling of paddle's rule, and the gap that is left with it.

    ``key`` is its name in parity's table of known differences, where it has one.
    """

    sentence: str
    torch: str
    left: float
    key: str = ""


class Missing(_Record):
    """A name that one side does not have, and what gives the same there; ``verdict`` is that spelling's."""

    side: str
    name: str
    instead: str
    verdict: str | None


class Speed(_Record):
    """Times of one part at one size; ``ratio`` is the second side's throughput over the first's."""

    size: str
    part: str
    seconds: dict[str, float]
    ratio: float | None
    interval: tuple[float, float] | None
    noise: float | None
    verdict: str


class Row(_Record):
    """What was found of a case.

    ``size`` is the largest relative L2 distance in float64 and ``where`` the result that has it. ``ulps`` is
    each side's largest error in float32, in units in the last place of the result's largest number. ``edges``
    says by edge how the two sides take it, ``defaults`` which defaults of equal names differ.
    """

    id: str
    family: str
    operation: str
    spellings: dict[str, str]
    inputs: dict[str, str]
    training: bool
    verdict: str
    size: float | None = None
    where: str | None = None
    reason: str | None = None
    gaps: dict[str, float | None] = {}
    rounding: Rounding | None = None
    proof: Proof | None = None
    missing: Missing | None = None
    ulps: dict[str, float | None] = {}
    edges: dict[str, str] = {}
    defaults: list[str] = []
    dtypes: list[str] = []
    note: str = ""
    speed: list[Speed] = []
    seconds: float | None = None


class AtlasReport(_Record):
    """All rows, in the catalogue's order, and what they were found with. ``sides`` are the names of both."""

    schema_version: Literal[1] = SCHEMA_VERSION
    sides: tuple[str, str]
    rows: list[Row]
    environment: dict[str, Any]
