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


def test_int8_is_no_answer_to_how_fast_float32_is():
    """It costs accuracy: where one side alone has it, float32 is compared with float32."""
    rows = [result(name, speed) for name, speed in (("torch", 100.0), ("paddle", 95.0))]
    rows.append(result("paddle", 215.0, precision="int8"))
    found = best_of_each(rows, [comparison(100.0, 95.0)])
    assert [(best.torch.precision, best.paddle.precision) for best in found] == [("fp32", "fp32")]
    rows.append(result("torch", 430.0, precision="int8"))
    found = best_of_each(rows, [comparison(100.0, 95.0), comparison(430.0, 215.0, precision="int8")])
    assert [(best.paddle.precision, best.ratio) for best in found] == [("fp32", 0.95), ("int8", 0.5)]
