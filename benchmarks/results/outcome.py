"""What became of one pair of a suite."""

from dataclasses import dataclass

from benchmarks.results.schema import CompareReport

NOT_CHECKED = "not checked"  # the verdict where parity was not asked for


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A pair's report, or why it has none."""

    name: str
    report: CompareReport | None = None
    reason: str | None = None
    is_new: bool = True  # False: kept from an earlier call

    @property
    def parity(self) -> str:
        """The verdict of parity, or that there is none."""
        found = self.report.parity if self.report else None
        return str(found["verdict"]) if found else NOT_CHECKED

    @property
    def parameters(self) -> int | None:
        """Of the network, if it was measured."""
        rows = self.report.results if self.report else []
        return next((row.parameters for row in rows if row.parameters), None)
