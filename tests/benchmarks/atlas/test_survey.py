"""A survey from its first question to its page, with sides that compute in NumPy."""

import json
import sys
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from benchmarks.atlas import catalogue
from benchmarks.atlas import survey as surveys
from benchmarks.atlas.__main__ import main
from benchmarks.atlas.cases.case import family, pair, same
from benchmarks.atlas.page import render, write_pages
from benchmarks.atlas.row import DIFFERENT, EQUAL, ERROR
from benchmarks.atlas.speed import compared, is_timed, sizes_of
from benchmarks.atlas.survey import Wanted, survey
from benchmarks.atlas.text import report_text
from benchmarks.results.samples import Block
from common.cli import UsageError
from tests.benchmarks.atlas.fake_sides import QUIET, FakeSides, places

CASES = family(
    "fakes", same("np.exp(x)"), same("x + 1"), pair("x * 2", "x * 3"), same("np.sin(x)"), x="B C S"
)
QUESTIONS_OF_SPEED = {"prepare", "measure"}


@pytest.fixture
def surveyed(monkeypatch):
    """Survey with fake sides; returns the report and what they were asked."""

    def run(folder=None, *, cases=CASES, sides=("torch", "paddle"), backends=(), speed=False, **fake):
        kept = []

        def make(*arguments, **options):
            kept.append(FakeSides(*arguments, **options, **fake))
            return kept[-1]

        monkeypatch.setattr(surveys, "Sides", make)
        monkeypatch.setattr(surveys, "describe", lambda _, versions: {"backends": versions, "cpu": "x"})
        wanted = Wanted(cases=cases, places=places(*sides, backends=backends), folder=folder, speed=speed)
        return survey(wanted), kept[-1].asked

    return run


def stop_at(task, number, question, *, seen):
    """Ctrl-C at so many questions of a kind."""
    seen += [question] if question[1] == task else []
    if len(seen) == number:
        raise KeyboardInterrupt


def test_a_second_call_goes_on_where_the_first_stopped(surveyed, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        surveyed(tmp_path, stop=partial(stop_at, "open", 5, seen=[]))  # both sides of two cases, and one
    report, asked = surveyed(tmp_path)
    assert [row.verdict for row in report.rows] == [EQUAL, EQUAL, DIFFERENT, EQUAL]
    assert {spelling for _, _, spelling in asked} == {"x * 2", "x * 3", "np.sin(x)"}
    assert surveyed(tmp_path)[1] == []


def test_times_are_added_to_rows_and_go_on_where_they_stopped(surveyed, tmp_path):
    surveyed(tmp_path)
    with pytest.raises(KeyboardInterrupt):  # 48 blocks are a case's, at two sizes
        surveyed(tmp_path, speed=True, stop=partial(stop_at, "measure", 48 * 2 + 5, seen=[]))
    report, asked = surveyed(tmp_path, speed=True)
    assert {step for _, step, _ in asked} == QUESTIONS_OF_SPEED
    assert {spelling for _, step, spelling in asked if step == "prepare"} == {"x * 2", "x * 3", "np.sin(x)"}
    for row in report.rows:
        found = [(entry.size, entry.part) for entry in row.speed]
        assert found == [(size, part) for size in ("small", "large") for part in ("forward", "backward")]
    assert surveyed(tmp_path, speed=True)[1] == []


def test_the_verdicts_of_speed_are_those_of_a_comparison(surveyed):
    slower = surveyed(speed=True, seconds={"torch": 0.01, "paddle": 0.02})[0].rows[0].speed[0]
    assert (slower.verdict, round(slower.ratio, 2)) == ("torch faster", 0.5)
    assert slower.seconds == {"torch": pytest.approx(0.010015), "paddle": pytest.approx(0.02003)}
    equal = surveyed(speed=True, seconds={"torch": 0.01, "paddle": 0.01})[0].rows[0].speed[0]
    assert (equal.verdict, round(equal.ratio, 2)) == ("undecided", 1)  # one pair of processes: SHARED_HOST


def blocks(**changes):
    return [Block(seconds={"forward": [0.01, 0.01]}, counters=replace(QUIET, **changes)) for _ in range(12)]


def test_a_machine_that_others_used_has_no_winner():
    quiet, busy = blocks(), blocks(busy_seconds=0.2, delay_seconds=0.1)
    assert compared("small", ["forward"], {"torch": quiet, "paddle": quiet})[0].ratio == 1
    (entry,) = compared("small", ["forward"], {"torch": busy, "paddle": busy})
    assert entry.ratio is None and entry.verdict.startswith("invalid: 100% of the blocks were disturbed")


def test_what_was_invalid_is_timed_again_and_the_rest_is_not(surveyed, tmp_path, monkeypatch):
    monkeypatch.setattr(FakeSides, "counters", replace(QUIET, busy_seconds=0.2, delay_seconds=0.1))
    report, _ = surveyed(tmp_path, speed=True)
    assert [row.speed[0].verdict.partition(":")[0] for row in report.rows] == ["invalid"] * 4
    assert report_text(report).count("  invalid") == 4
    monkeypatch.setattr(FakeSides, "counters", QUIET)
    report, asked = surveyed(tmp_path, speed=True)
    assert {step for _, step, _ in asked} == QUESTIONS_OF_SPEED
    assert all(row.speed[0].ratio for row in report.rows)


def test_a_size_that_a_case_has_not_is_not_timed_twice():
    fixed, sized = family("f", same("F.a(x)", x="8 5"), same("F.a(x)", x="8 C"))
    assert (list(sizes_of(fixed)), list(sizes_of(sized))) == (["small"], ["small", "large"])


def test_what_a_side_refuses_is_not_timed(surveyed):
    cases = family("fakes", pair("x + 1", "x + y"), x="B C S")
    (row,) = surveyed(cases=cases, speed=True)[0].rows
    assert (row.verdict, row.speed) == (ERROR, []) and not is_timed(cases[0], row)


def test_a_case_that_was_changed_is_asked_again(surveyed, tmp_path):
    surveyed(tmp_path)
    changed = (replace(CASES[0], note="something else to know"), *CASES[1:])
    report, asked = surveyed(tmp_path, cases=changed)
    assert {spelling for _, _, spelling in asked} == {"np.exp(x)"}
    assert report.rows[0].note == "something else to know"


def test_a_fault_of_the_atlas_is_a_row_and_not_the_end(surveyed, monkeypatch):
    monkeypatch.setattr(surveys, "time_case", lambda *_: 1 / 0)
    broken = "x + 2"
    cases = family("fakes", same("x + 1"), same(broken), x="B C S")
    monkeypatch.setattr(surveys.Examination, "_compare", _failing(broken, surveys.Examination._compare))
    first, second = surveyed(cases=cases, speed=True)[0].rows
    assert (first.verdict, second.verdict) == (EQUAL, ERROR)
    assert second.reason == "the atlas itself: KeyError: 'output 1'"
    assert first.speed[0].verdict == "not timed: the atlas itself: ZeroDivisionError: division by zero"


def _failing(spelling, compare):
    def run(examination):
        if examination.case.torch == spelling:
            raise KeyError("output 1")
        compare(examination)

    return run


def test_rounding_is_no_difference_of_two_versions(surveyed):
    """And what is more than rounding is one, whatever the two sides are called."""
    versions = {"sides": ("paddle", "paddle (there)"), "backends": ("paddle", "paddle")}
    cases = family("fakes", same("np.exp(200 * x.max(keepdims=True))"), x="B C S")
    for factor, verdict in ((1 + 2e-12, EQUAL), (1 + 3e-9, DIFFERENT)):
        (row,) = surveyed(cases=cases, **versions, factors={"paddle (there)": factor})[0].rows
        assert (row.verdict, row.size > 1e-12) == (verdict, True)
        assert ("one unit in the last place of the inputs" in row.note) is (verdict == EQUAL)


def test_labels_of_minus_one_do_not_move_as_noise(surveyed):
    """Then a loss that asks for equality would be all noise."""
    cases = family("fakes", same("(s == 1) * x"), x="B S", s="signs: B S fixed")
    (row,) = surveyed(cases=cases, factors={"paddle": 1 + 1e-10})[0].rows
    assert row.verdict == DIFFERENT


def test_a_report_is_written_and_shows_every_row(surveyed, tmp_path):
    report, _ = surveyed(tmp_path, speed=True)
    write_pages(report, tmp_path)
    page = (tmp_path / "atlas.html").read_text()
    assert page.count('<details class="case"') == len(CASES)
    assert "small, forward: undecided, ratio 1.00" in page
    assert "| `x * 2 / x * 3` | different |" in render(report, "atlas.md")
    assert np.isclose(report.rows[2].size, 0.5)


@pytest.fixture
def commanded(monkeypatch):
    """The command with fake sides and cases; returns its exit code and the sides that were asked."""

    def run(*arguments, **fake):
        kept = []

        def make(places, **options):
            kept.append(FakeSides(places, **options, **fake))
            return kept[-1]

        monkeypatch.setattr(surveys, "Sides", make)
        monkeypatch.setattr(catalogue, "all_cases", lambda: CASES)
        return main(arguments), kept[-1]

    return run


def test_the_command_reports_goes_on_and_times(commanded, tmp_path, capsys):
    folder, file = tmp_path / "atlas", tmp_path / "rows.json"
    code, _ = commanded("--report", str(folder), "--only", "np.*")
    assert (code, {"atlas.html", "atlas.md", "atlas.json"} <= {p.name for p in folder.iterdir()}) == (0, True)
    code, sides = commanded("--report", str(folder), "--speed", "--json", str(file))
    assert {spelling for _, step, spelling in sides.asked if step == "open"} == {"x + 1", "x * 2", "x * 3"}
    assert all(len(row["speed"]) == 4 for row in json.loads(file.read_text())["rows"])
    assert "fakes: x * 2 / x * 3" in capsys.readouterr().out


def test_the_command_says_how_it_goes_on_when_it_is_stopped(commanded, tmp_path):
    with pytest.raises(KeyboardInterrupt) as stop:
        commanded("--report", str(tmp_path), stop=partial(stop_at, "open", 3, seen=[]))
    assert stop.value.__notes__ == [f"the same command goes on in {tmp_path}"]


def test_the_command_compares_two_versions_of_one_framework(commanded, capsys):
    code, sides = commanded("--backend", "torch", "--against", sys.executable, factors={"there": 1 + 1e-9})
    assert code == 0 and {place.backend for place in sides.places.values()} == {"torch"}
    assert capsys.readouterr().out.count("different") >= len(CASES)
    with pytest.raises(UsageError, match="name it with --backend"):
        main(["--against", sys.executable])
    with pytest.raises(UsageError, match="give both or neither"):
        main(["--backend", "paddle"])
