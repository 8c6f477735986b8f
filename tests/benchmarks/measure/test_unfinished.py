"""A comparison that is stopped: what was measured stays, is told, and is gone on with."""

import json

import pytest

from benchmarks.measure import laps
from benchmarks.measure.keeping import kept_results
from benchmarks.measure.resume import FILE
from benchmarks.measure.unfinished import NAME, Unfinished
from benchmarks.results import result_file
from common import cli
from tests.benchmarks.measure.test_alternation import Bar
from tests.support.machines import drawn
from tests.support.reports import report


def test_what_was_cut_off_is_gone_on_with(tmp_path):
    """Blocks, counters and circumstances are those of before; nothing of them is measured again."""
    before = drawn(1, pairs=3)
    before.circumstances = [{"date": "2026-01-01", "warnings": []}]
    before.measured["torch"].peak_memory_bytes = 7
    begun = {"starts": [{"import": 2.0, "first_batch": 0.1}], "start_reason": "no room", "warmup_steps": 2}
    for name, value in begun.items():
        setattr(before.measured["paddle"], name, value)
    Unfinished(tmp_path).keep([before])
    after = drawn(2, pairs=1)
    assert Unfinished(tmp_path).give(after) == 12
    assert after.processes == [4, 4, 4]
    assert after.measured["torch"].peak_memory_bytes == 7
    assert {name: getattr(after.measured["paddle"], name) for name in begun} == begun
    assert (Unfinished(tmp_path).has(after.case), Unfinished(tmp_path / "none").has(after.case)) == (
        True,
        False,
    )
    assert (after.seconds, after.circumstances) == (before.seconds, before.circumstances)
    for name in after.names:
        raw = [
            [(block.process, block.step_seconds) for block in turns.measured[name].blocks]
            for turns in (after, before)
        ]
        assert raw[0] == raw[1]
        assert after.measured[name].facts == before.measured[name].facts
    assert after.estimate() == before.estimate()
    assert after.disturbance().left_out == before.disturbance().left_out > 0


def test_another_combination_or_other_sides_are_given_nothing(tmp_path):
    Unfinished(tmp_path).keep([drawn(1)])
    (content,) = json.loads((tmp_path / NAME).read_text())
    content["case"]["batch_size"] = 9
    (tmp_path / NAME).write_text(json.dumps([content]))
    assert Unfinished(tmp_path).give(drawn(2)) == 0
    Unfinished(tmp_path).remove()
    assert not (tmp_path / NAME).exists()


def test_a_file_that_no_run_left_is_refused(tmp_path):
    (tmp_path / NAME).write_text("{")
    with pytest.raises(cli.UsageError, match="is not what a stopped run leaves"):
        Unfinished(tmp_path).has(drawn(1).case)


def test_what_lies_there_without_a_report_is_of_nobody_knows_what(tmp_path):
    """Another model's blocks would count as this one's."""
    Unfinished(tmp_path).keep([drawn(1)])
    lying = Unfinished(tmp_path)
    lying.forget()
    assert lying.give(drawn(2)) == 0
    assert not (tmp_path / NAME).exists()


def test_only_the_laps_that_are_missing_are_measured(monkeypatch):
    turns, taken = drawn(1, pairs=4), []
    monkeypatch.setattr(turns, "take_turns", lambda rounds, **more: _take(turns, taken, rounds, more))
    monkeypatch.setattr(turns, "finish", lambda: taken.append("explained"))
    laps.go_round([turns], laps.Plan(rounds=24, pairs=6), bar=Bar(), keep=lambda: taken.append("kept"))
    assert taken == [(4, True), "kept", (4, True), "explained", "kept"]


def _take(turns, taken, rounds, more):
    taken.append((rounds, more["anew"]))
    turns.processes.append(rounds)


@pytest.mark.parametrize("error", [KeyboardInterrupt, cli.Terminated])
def test_a_run_that_is_stopped_says_how_far_it_was_and_how_to_go_on(error, capsys):
    stopped = report()
    stopped.missing = ["train eager fp32 batch 8: 2 of 6 pairs of processes"]
    with pytest.raises(error) as raised, kept_results(None) as folder:
        result_file.write(stopped, folder / FILE)
        raise error
    assert f"results lie in {folder} as they arise" in capsys.readouterr().out
    assert raised.value.__notes__ == [
        "missing: train eager fp32 batch 8: 2 of 6 pairs of processes; go on with the same flags and "
        f"--report {folder}"
    ]
    assert result_file.read(folder / FILE) == stopped


def test_a_temporary_folder_goes_with_the_run_that_needed_it(tmp_path):
    with kept_results(None) as folder:
        (folder / FILE).write_text("{}")
    assert not folder.exists()
    with pytest.raises(cli.UsageError), kept_results(None) as folder:
        raise cli.UsageError("wrong")
    assert not folder.exists()
    with kept_results(tmp_path) as folder:
        pass
    assert (folder, tmp_path.exists()) == (tmp_path, True)
    with pytest.raises(KeyboardInterrupt) as raised, kept_results(tmp_path):
        raise KeyboardInterrupt
    assert raised.value.__notes__ == ["nothing was measured yet"]
