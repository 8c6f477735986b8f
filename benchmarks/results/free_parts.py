"""What is relied on in the parts of a result file that may hold anything else besides."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class _Part(BaseModel):
    model_config = ConfigDict(strict=True)  # else "nan" would be a number


class ParityTensor(_Part):
    """What pages show of a tensor that parity compared."""

    name: str
    relative_l2: float | None = None


class ParityStage(_Part):
    """What pages show of a stage of parity."""

    stage: str
    dtype: str | None = None
    verdict: str | None = None
    tolerance: float | None = None
    tensors: list[ParityTensor] = []


class ParityFacts(_Part):
    """What is relied on in a parity report, which holds more than this."""

    verdict: str
    stages: list[ParityStage] = []
    known_differences: list[dict[str, Any]] = []


class EnvironmentFacts(_Part):
    """What is relied on in an environment, which holds more than this."""

    cpu: str | None = None
    gpus: list[str] | None = None
    cores: int | None = None
    date: str | None = None
    git_commit: str | None = None
    warnings: list[str] | None = None
    backends: dict[str, dict[str, Any]] = {}
    models: dict[str, Any] = {}
    installed_bytes: dict[str, int] = {}


class Tried(_Part):
    """What pages show of a candidate of tuning."""

    engine: str
    precision: str
    layout: str
    threads: int
    images_per_second: float | None
    outcome: str


class TunedRow(_Part):
    """A row of results, of which the candidates of tuning are looked at."""

    tuning: list[Tried] = []


class FreeParts(_Part):
    """What is relied on in the parts of a result file that may hold anything else besides."""

    environment: EnvironmentFacts = EnvironmentFacts()
    parity: ParityFacts | None = None
    results: list[TunedRow] = []
