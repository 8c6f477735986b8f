"""The exit code that results earn, and the one line on stderr that explains it."""

from collections.abc import Sequence

from benchmarks.results import Comparison, Result
from common import cli


def judge(program: str, rows: Sequence[Result], comparisons: Sequence[Comparison] = ()) -> int:
    """0 if something was measured and nothing broke; 2 if the sides cannot be compared; else 3."""
    broken = [row for row in rows if row.status in ("crashed", "timeout")]
    missing = [row for row in rows if row.status != "ok"]
    compared = [comparison for comparison in comparisons if comparison.verdict != "not comparable"]
    if broken or len(missing) == len(rows):
        first = (broken or missing)[0]
        others = f" ({len(missing)} of {len(rows)} results are missing)" if len(missing) > 1 else ""
        cli.complain(program, f"{first.backend}, {first.phase}: {first.status}: {first.reason}{others}")
        return cli.UNAVAILABLE
    if comparisons and not compared:
        cli.complain(program, f"not comparable: {comparisons[0].reason}")
        return cli.UNAVAILABLE if missing else cli.WRONG_REQUEST
    return cli.DONE
