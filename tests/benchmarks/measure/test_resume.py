"""What an earlier report of the same folder spares a second call, and what it does not."""

import pytest

from benchmarks.measure.resume import COMPUTED, earlier_report, kept
from benchmarks.results import result_file
from common.cli import UsageError
from tests.support.reports import report


@pytest.mark.parametrize(
    ("altered", "is_kept"),
    [
        ({}, True),
        ({"complete": False}, False),
        ({"verdict": "invalid", "ratio": None, "ratio_ci95": None}, False),  # the machine may be quiet now
        ({"verdict": "undecided"}, True),
    ],
)
def test_which_combinations_are_measured_again(altered, is_kept):
    earlier = report()
    row = earlier.comparisons[0]
    earlier.comparisons[0] = row.model_copy(update=altered)
    assert (kept(earlier, row.case) is not None) is is_kept
    assert kept(earlier, earlier.comparisons[1].case) is not None  # the others are what they were
    assert kept(None, row.case) is None


def test_a_row_of_a_worker_that_was_lost_is_measured_again_and_what_cannot_be_had_is_not():
    earlier = report()
    case = earlier.comparisons[0].case
    for status, is_kept in (
        ("crashed", False),
        ("timeout", False),
        ("unsupported", True),
        ("out-of-memory", True),
    ):
        earlier.results[0] = earlier.results[0].model_copy(update={"status": status})
        assert (kept(earlier, case) is not None) is is_kept, status


@pytest.mark.parametrize("name", COMPUTED)
def test_what_is_left_out_when_it_is_not_asked_for_is_compared_nevertheless(tmp_path, name):
    """A loss, an output or inputs that were asked for then, and are not now."""
    earlier, facts = report(), {"model": "alexnet"}
    earlier.request = facts | {name: ["words=7:int64<50"]}
    result_file.write(earlier, tmp_path / "result.json")
    with pytest.raises(UsageError, match=f"{name} was .*words=7.*, now it is None"):
        earlier_report(tmp_path, facts)
    assert earlier_report(tmp_path, earlier.request).request == earlier.request
