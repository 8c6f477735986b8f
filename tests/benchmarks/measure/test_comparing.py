"""What a comparison says of blocks that are there: verdict, reason, intervals, circumstances."""

import pytest

from benchmarks.measure.comparing import circumstances, comparison
from tests.support.machines import drawn


def old_verdict(row):
    return row.model_dump()["old_verdict"]  # deprecated: to read the attribute warns


def test_a_comparison_has_both_intervals_its_margin_and_how_long_it_took():
    row = comparison(drawn(1, ratio=0.5), margin=5.0, pairs=6)
    assert (row.verdict, old_verdict(row), row.reason) == ("torch faster", "torch faster", None)
    assert row.repetition_ci95[0] < row.ratio_ci95[0] < row.ratio < row.ratio_ci95[1] < row.repetition_ci95[1]
    assert (row.margin, row.rounds, row.pairs, row.seconds, row.complete) == (5.0, 24, 6, 240.0, True)
    assert 0 < row.left_out < 0.3
    assert len(row.round_ratios) > 12


def test_what_is_undecided_has_a_remedy_and_an_unfinished_one_says_so():
    row = comparison(drawn(1, ratio=0.95, pairs=3, scatter=0.2), margin=2.0, pairs=6)
    assert (row.verdict, old_verdict(row), row.complete) == ("undecided", "no difference", False)
    assert row.reason.endswith("would decide") and row.remedy.flags in row.reason
    assert row.remedy.minutes > 4


def test_what_is_invalid_has_no_winner_however_far_apart_both_are():
    row = comparison(drawn(1, ratio=0.1, load=0.5), margin=5.0, pairs=6)
    assert (row.verdict, row.ratio, row.left_out) == ("invalid", None, 1.0)
    assert "other programs used 50% of the processors" in row.reason
    assert "end what else runs here" in row.reason


def test_circumstances_of_all_pairs_are_put_together():
    quiet = {"other_cpu_fraction": 0.1, "steal_fraction": 0.0, "date": "monday", "load_average": 1.0}
    busy = quiet | {"other_cpu_fraction": 0.5, "date": "tuesday"}
    laps = [
        quiet | {"warnings": []},
        busy | {"warnings": ["other processes used 50% of the processors", "the processors' clock changed"]},
    ]
    found = circumstances(laps)
    assert (found.date, found.other_cpu_fraction) == ("tuesday", pytest.approx(0.3))
    assert found.warnings == ["other processes used 30% of the processors", "the processors' clock changed"]
    assert circumstances([]) is None
