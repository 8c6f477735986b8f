"""The best of each side: of what is comparable, and of the comparison in which both were."""

from benchmarks.analysis.best import best_of_each
from tests.support.reports import comparison, result


def test_rows_beside_neighbours_have_a_best_of_their_own():
    """And the ratio of their own comparison, not that of the same batch without neighbours."""
    rows = [result(name, speed) for name, speed in (("torch", 100.0), ("paddle", 25.0))]
    rows += [result(name, speed, beside=2) for name, speed in (("torch", 80.0), ("paddle", 8.0))]
    pairs = [comparison(100.0, 25.0), comparison(80.0, 8.0, beside=2)]
    found = best_of_each(rows, pairs)
    assert [(best.batch, best.ratio) for best in found] == [("8", 0.25), ("8 beside 2", 0.1)]
    pairs[0] = pairs[0].model_copy(update={"verdict": "invalid", "ratio": None, "ratio_ci95": None})
    assert [best.batch for best in best_of_each(rows, pairs)] == ["8 beside 2"]
