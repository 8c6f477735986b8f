"""Content of parity.json, the page of many pairs. What was not compared is null, and so is infinity."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

PARITY_SCHEMA_VERSION: Literal[1] = 1
VariantVerdict = Literal["pass", "fail", "cannot-compare", "incomplete"]
Finding = Literal["rounding", "known rounding", "unexplained", "fault", "hidden fault", "unknown"]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", protected_namespaces=())


class StageVerdict(_Record):
    """One stage: its verdict, its number of tensors, and the one that comes nearest to its tolerance."""

    stage: str
    dtype: str | None
    verdict: str
    tensors: int
    tolerance: float | None = None
    worst: str | None = None
    worst_relative_l2: float | None = None


class Excuse(_Record):
    """Why tensors pass beyond their tolerance, proven in the run.

    ``kind`` is "rounding" (a constant that paddle keeps in float32) or "difference" (a rule of the
    frameworks). ``left`` is the relative L2 that is left once torch computes with paddle's.
    """

    kind: Literal["rounding", "difference"]
    stage: str
    what: str
    tensors: int
    relative_l2: float | None
    left: float | None


class Fault(_Record):
    """Where the two sides first part. ``places`` are FILE:LINE: TEXT in the user's own files."""

    stage: str
    tensor: str
    layer: str | None = None
    relative_l2: float | None = None
    max_abs: float | None = None
    path: str | None = None
    note: str | None = None
    places: list[str] = []
    likely_causes: list[str] = []


class Distance(_Record):
    """|torch - paddle| of the logits, or of the features: what goes into ``layer``, the last with parameters.

    In float32 the largest and the mean of all ``images``; in float64 the largest and the relative L2 of the
    ``checked`` ones, those with the largest distance among them.
    """

    images: int
    layer: str | None = None
    float32_max: float | None = None
    float32_mean: float | None = None
    checked: int = 0
    float64_max: float | None = None
    float64_relative_l2: float | None = None


class Ranking(_Record):
    """The best class of each side for one image, and how far it is ahead of the second, in logits."""

    torch_class: int
    paddle_class: int
    torch_margin: float | None
    paddle_margin: float | None
    max_abs: float | None


class Disagreement(_Record):
    """An image that the two sides give different classes, in float32 and, where checked, in float64."""

    image: str
    float32: Ranking
    float64: Ranking | None = None
    float64_relative_l2: float | None = None


class Agreement(_Record):
    """What both sides say of the images of a list, in float32, on the same pixels.

    Top-1: the same best class. Top-5: the same five best classes, in any order; null for up to five classes.
    """

    source: str  # the list of images
    images: int
    left_out: int = 0
    top1_agreed: int | None = None
    top5_agreed: int | None = None
    not_finite: int = 0
    disagreements_total: int = 0
    disagreements: list[Disagreement] = []


class Speed(_Record):
    """One comparison of a suite: paddle's throughput over torch's."""

    case: str
    verdict: str
    ratio: float | None = None
    ratio_ci95: tuple[float, float] | None = None
    torch_images_per_second: float | None = None
    paddle_images_per_second: float | None = None


class Variant(_Record):
    """One pair at one input shape. ``finding`` is what float64 says of the distance in float32."""

    name: str
    torch: str
    paddle: str
    input_shape: tuple[int, int, int]
    num_classes: int
    weights: str | None = None  # a file's; else torch's own initial values, or drawn ones
    parameters: int | None = None
    verdict: VariantVerdict
    finding: Finding = "unknown"
    reason: str | None = None
    stages: list[StageVerdict] = []
    fault: Fault | None = None
    excuses: list[Excuse] = []
    logits: Distance | None = None
    features: Distance | None = None
    unjudged_float32_gradients: float | None = None  # relative L2; not all decisions behind them are seen
    images: Agreement | None = None
    images_reason: str | None = None  # why no image was compared
    speed: list[Speed] = []
    speed_reason: str | None = None
    seconds: float


class ParityPage(_Record):
    """File that `benchmarks.parity --pairs FILE --report DIR` writes."""

    schema_version: Literal[1] = PARITY_SCHEMA_VERSION
    environment: dict[str, Any]
    request: dict[str, Any]
    variants: list[Variant]
    missing: list[str] = []  # variants that were asked for and are not there yet
