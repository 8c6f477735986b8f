"""One combination of a sweep: the key of requests, jobs and result rows."""

from dataclasses import dataclass


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

    def __str__(self) -> str:
        layout = "" if self.layout == "NCHW" else f" {self.layout}"
        return f"{self.phase} {self.engine} {self.precision}{layout} batch {self.batch}"

    @property
    def batch(self) -> str:
        """The batch size, and how many processes have such a batch each."""
        times = "" if self.processes == 1 else f" x {self.processes} processes"
        return f"{self.batch_size}{times}"

    @property
    def storage(self) -> str:
        """The precision of the parameters: mixed precisions keep them in fp32."""
        return "fp64" if self.precision == "fp64" else "fp32"
