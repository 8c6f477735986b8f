"""The exit code that results earn, and the one line on stderr that explains it."""

from collections.abc import Sequence

from benchmarks.results.schema import UNEQUAL_SETTINGS, Comparison, Result
from common import cli


def judge(program: str, rows: Sequence[Result], comparisons: Sequence[Comparison] = ()) -> int:
    """0 if something was measured and nothing broke; 2 if the two sides are not comparable; else 3."""
    unequal = [row for row in comparisons if (row.reason or "").startswith(UNEQUAL_SETTINGS)]
    if unequal:
        cli.complain(program, f"not comparable, {unequal[0].phase}: {unequal[0].reason}")
        return cli.WRONG_REQUEST
    broken = [row for row in rows if row.status in ("crashed", "timeout")]
    missing = [row for row in rows if row.status != "ok"]
    if broken or len(missing) == len(rows):
        first = (broken or missing)[0]
        others = f" ({len(missing)} of {len(rows)} results are missing)" if len(missing) > 1 else ""
        cli.complain(program, f"{first.backend}, {first.phase}: {first.status}: {first.reason}{others}")
        return cli.UNAVAILABLE
    return cli.DONE
