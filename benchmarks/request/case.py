"""One combination of a sweep: the key of requests, jobs and result rows."""

import re
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Case:
    """One case of a sweep. Each is one result row per backend."""

    phase: str
    engine: str
    precision: str
    batch_size: int
    threads: int
    layout: str = "NCHW"
    processes: int = 1  # that work at once: batch size and threads are those of each
    beside: int = 0  # threads of Python work in the same process

    def to_json(self) -> dict[str, Any]:
        """As JSON can hold it; an earlier version's worker reads it where nothing newer is asked for."""
        values = asdict(self)
        return values if self.beside else {name: values[name] for name in values if name != "beside"}

    def __str__(self) -> str:
        layout = "" if self.layout == "NCHW" else f" {self.layout}"
        return f"{self.phase} {self.engine} {self.precision}{layout} batch {self.batch}"

    @property
    def batch(self) -> str:
        """The batch size, how many processes have such a batch each, and what works beside them."""
        return batch_words(self.batch_size, processes=self.processes, beside=self.beside)

    @property
    def storage(self) -> str:
        """The precision of the parameters: mixed precisions keep them in fp32."""
        return "fp64" if self.precision == "fp64" else "fp32"


_WORDS = re.compile(
    r"(?P<phase>\w+) (?P<engine>\S+) (?P<precision>\w+)( (?P<layout>\w+))? batch (?P<batch_size>\d+)"
    r"( x (?P<processes>\d+) processes)?( beside (?P<beside>\d+))?"
)
_NUMBERS = ("batch_size", "processes", "beside")


def read_case(text: str) -> Case | None:
    """The case of which ``text`` is the ``str``, with threads of 0; None if it is none's."""
    found = _WORDS.fullmatch(text)
    if found is None:
        return None
    words: dict[str, Any] = {name: value for name, value in found.groupdict().items() if value is not None}
    words |= {name: int(words[name]) for name in _NUMBERS if name in words}
    return Case(**words, threads=0)


def batch_words(batch_size: int, *, processes: int, beside: int) -> str:
    """8, 8 x 2 processes, or 8 beside 2."""
    times = "" if processes == 1 else f" x {processes} processes"
    neighbours = f" beside {beside}" if beside else ""
    return f"{batch_size}{times}{neighbours}"
