"""What a comparison says of blocks that are there: verdict, reason, intervals, circumstances."""

from types import SimpleNamespace

import pytest

from benchmarks.analysis.best import best_of_each, is_side_of
from benchmarks.manager.worker_process import WorkerFailure
from benchmarks.measure.comparing import circumstances, comparison
from benchmarks.measure.sweep import Sweep, _warnings
from benchmarks.results import result_file
from tests.support.machines import CASE, drawn, session
from tests.support.reports import comparison as comparison_of
from tests.support.reports import result


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


def test_a_combination_that_was_not_measured_warns_of_nothing():
    load = {"other_cpu_fraction": 0.3, "date": "2026-01-01", "warnings": ["others used 30 %"]}
    row = comparison_of(1.0, 2.0, verdict="not comparable", circumstances=load)
    lost = result("paddle", 1.0, status="unsupported", reason="deployed models do not train")
    assert _warnings([(row, [lost, lost])]) == []
    assert _warnings([(row, [result("torch", 1.0), lost])]) == ["others used 30 %"]


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


def test_a_round_with_one_block_disturbed_leaves_both_sides_equally_many():
    """They are compared entry by entry, and a file of unequal lengths is refused."""
    for seed in range(30):
        turns = drawn(seed, pairs=1)
        seconds = [turns.quick_seconds(name) for name in turns.names]
        assert len(seconds[0]) == len(seconds[1])
        turns.change()


def test_what_a_lost_worker_leaves_can_be_read_back(tmp_path):
    """Two rows a comparison, as whoever reads it wants, and the reason in both."""
    lost = session(("torch", "paddle"))
    lost.request.cases, lost.versions, lost.models, lost.layers = [CASE], {}, {}, None
    lost.pair = SimpleNamespace(folder="")
    lost.installed_bytes = {}
    report = Sweep(lost, facts={}, folder=None, earlier=None, margin=5.0).failed(
        WorkerFailure("paddle", "timeout", "took more than 1 s")
    )
    result_file.write(report, tmp_path / "result.json")
    (row,) = result_file.read(tmp_path / "result.json").comparisons
    assert (row.verdict, row.reason) == ("not comparable", "paddle: took more than 1 s")


def test_the_rows_of_an_invalid_tuned_comparison_are_not_the_best():
    """Whose two sides ran otherwise: "eager / deploy"."""
    rows = [
        result("torch", 100.0, settings_mode="tuned"),
        result("paddle", 900.0, engine="deploy", threads=1, settings_mode="tuned"),
    ]
    pair = comparison_of(
        100.0, 900.0, engine="eager / deploy", threads=None, settings="tuned", verdict="invalid"
    )
    assert best_of_each(rows, [pair]) == []
    assert [is_side_of(row, pair) for row in rows] == [True, True]
    assert best_of_each(rows, [pair.model_copy(update={"verdict": "paddle faster"})]) != []
