"""Verdicts on arrays, with a planted difference beside each innocent one."""

import json

import numpy as np
import pytest

from benchmarks.atlas.journal import FILE, Journal
from benchmarks.atlas.judging import judge
from benchmarks.atlas.judging.distributions import distributions
from benchmarks.atlas.page import render, write_pages
from benchmarks.atlas.row import DIFFERENT, EQUAL, MISSING, AtlasReport, Missing, Row, Speed
from benchmarks.atlas.text import odd_edges, report_text
from common.cli import UsageError

RNG = np.random.default_rng(0)
NUMBERS = RNG.standard_normal((3, 5))


def compared(ours, theirs, **options):
    return judge.worst(judge.gaps({"output": ours}, {"output": theirs}, tolerance=1e-12, **options))


def test_a_distance_at_the_gate():
    assert compared(NUMBERS, NUMBERS * (1 + 1e-14)).passed
    assert not compared(NUMBERS, NUMBERS * (1 + 1e-11)).passed
    assert not compared(NUMBERS, NUMBERS[:, :4]).passed


def test_whole_numbers_are_equal_or_not():
    labels = np.arange(10)
    assert compared(labels, labels.astype(np.int32)).passed
    assert compared(labels, np.where(labels == 3, 4, labels)).relative_l2 == 0.1


def test_a_gradient_that_one_side_alone_has_is_zero_on_the_other():
    lone = {"gradient of x": np.zeros(3)}
    assert judge.worst(judge.gaps(lone, {}, tolerance=1e-12)).passed
    assert not judge.worst(judge.gaps({"gradient of x": np.ones(3)}, {}, tolerance=1e-12)).passed
    assert not judge.worst(judge.gaps({"output": np.ones(3)}, {}, tolerance=1e-12)).passed


def drawn(ours, theirs):
    return judge.worst(distributions({"output": ours}, {"output": theirs}, tolerance=1e-12))


def test_distributions():
    one, other = RNG.standard_normal(50000), RNG.standard_normal(50000)
    assert drawn(one, other).passed
    assert not drawn(one, other * 1.05).passed
    kept, again = (RNG.random(40000) < 0.7) / 0.7, (RNG.random(40000) < 0.7) / 0.7
    assert drawn(kept, again).passed
    assert not drawn(kept, again * (1 + 1e-8)).passed
    assert "shares" in drawn(kept, (RNG.random(40000) < 0.66) / 0.7).note


def test_whole_channels_are_dropped_or_single_numbers():
    """Equal values as often are not enough, nor is another order of the axes."""
    channels = np.broadcast_to(RNG.random((400, 100, 1, 1)) < 0.8, (400, 100, 2, 2)) / 0.8
    others = np.broadcast_to(RNG.random((400, 100, 1, 1)) < 0.8, (400, 100, 2, 2)) / 0.8
    single = (RNG.random((400, 100, 2, 2)) < 0.8) / 0.8
    assert drawn(channels, others).passed
    assert "neighbours along axis" in drawn(channels, single).note
    assert not drawn(single, channels).passed
    assert not drawn(channels, others.reshape(100, 400, 2, 2)).passed
    images = np.broadcast_to(RNG.random((400, 1, 1, 1)) < 0.8, (400, 100, 2, 2)) / 0.8
    assert not drawn(channels, images).passed


def test_an_output_that_one_side_alone_has_is_another():
    lone = {"output 0": NUMBERS, "output 1": NUMBERS}
    assert not judge.worst(distributions(lone, {"output 0": NUMBERS}, tolerance=1e-12)).passed
    assert not judge.worst(distributions({"output 0": NUMBERS}, lone, tolerance=1e-12)).passed


def test_edges_in_words():
    ok, refusing = {"status": "ok"}, {"status": "error", "reason": "ValueError: no"}
    nan = np.array([1.0, np.nan])
    both = {"torch": {"output": nan}, "paddle": {"output": nan}}
    assert judge.edge({"torch": ok, "paddle": ok}, both) == "same"
    both["paddle"] = {"output": np.array([1.0, 0.0])}
    assert judge.edge({"torch": ok, "paddle": ok}, both) == "output: nan in torch, 0 in paddle"
    assert judge.edge({"torch": ok, "paddle": refusing}, both) == "paddle refuses: ValueError: no"
    assert judge.edge({"torch": refusing, "paddle": refusing}, both) == "both refuse"


def test_units_in_the_last_place():
    exact = {"output": np.array([1.0, 0.5])}
    assert judge.ulps(exact, {"output": np.array([1.0 + 2**-23, 0.5])}) == 1
    assert judge.ulps(exact, {"output": np.array([1.0, 0.5])}) == 0


def test_defaults_and_dtypes_that_differ():
    answers = {
        "torch": {"defaults": {"eps": "1e-05", "momentum": "0.1"}, "dtypes": {"output": "int64"}},
        "paddle": {"defaults": {"epsilon": "1e-5", "momentum": "0.9"}, "dtypes": {"output": "int32"}},
    }
    assert judge.other_defaults(answers) == ["momentum: 0.1 in torch, 0.9 in paddle"]
    assert judge.other_dtypes(answers) == ["output: int64 in torch, int32 in paddle"]


def row(name="f: F.a(x)", **facts):
    own = {"id": name, "family": "f", "operation": "a", "spellings": {"torch": "F.a(x)", "paddle": "F.b(x)"}}
    return Row(**own, **{"inputs": {"x": "B C"}, "training": False, "verdict": EQUAL} | facts)


def test_a_journal_goes_on_where_it_was_cut(tmp_path):
    header, asked = {"versions": {"torch": "2"}}, {"f: F.a(x)": 1, "f: F.c(x)": 2}
    Journal(tmp_path, header=header, asked=asked).add(row())
    with (tmp_path / FILE).open("a") as file:
        file.write('{"id": "f: F.c(x)", "fam')  # killed in the middle of a line
    again = Journal(tmp_path, header=header, asked=asked)
    assert list(again.rows) == ["f: F.a(x)"]
    again.add(row("f: F.c(x)"))
    assert list(Journal(tmp_path, header=header, asked=asked).rows) == ["f: F.a(x)", "f: F.c(x)"]
    changed = Journal(tmp_path, header=header, asked=asked | {"f: F.a(x)": 3})
    assert list(changed.rows) == ["f: F.c(x)"]  # what a case was before it was changed is no row of it
    with pytest.raises(UsageError, match="other versions or another request"):
        Journal(tmp_path, header={"versions": {"torch": "3"}}, asked=asked)


def report():
    figures = {"ratio": 0.5, "interval": (0.4, 0.6), "noise": 0.1, "verdict": "torch faster"}
    speed = Speed(size="small", part="forward", seconds={"torch": 1.0, "paddle": 2.0}, **figures)
    missing = Missing(side="paddle", name="paddle.nn.functional.b", instead="F.c(x) <&>", verdict=EQUAL)
    rows = [
        row(speed=[speed], edges={"nan": "output: nan in torch, 0 in paddle", "one": "same"}),
        row("f: F.c(x)", verdict=DIFFERENT, size=0.3, where="output"),
        row("f: F.d(x)", verdict=MISSING, missing=missing),
    ]
    environment = {"backends": {"torch": {"torch": "2.14.1"}, "paddle": {"paddle": "3.3.1"}}, "cpu": "x"}
    return AtlasReport(sides=("torch", "paddle"), rows=rows, environment=environment)


def test_what_is_printed_has_every_row_that_matters():
    text = report_text(report())
    assert "torch 2.14.1 and paddle 3.3.1: 3 cases" in text
    assert "paddle has no paddle.nn.functional.b; instead F.c(x) <&> (equal)" in text
    assert odd_edges(report().rows[0]) == {"nan": "output: nan in torch, 0 in paddle"}


def test_the_page_fetches_nothing_and_escapes(tmp_path):
    write_pages(report(), tmp_path)
    page = (tmp_path / "atlas.html").read_text()
    assert "http" not in page.replace("http-equiv", "")
    assert "F.c(x) &lt;&amp;&gt;" in page and page.count('<details class="case"') == 3
    assert "| `F.a(x) / F.b(x)` | different | 3.0e-01 |" in render(report(), "atlas.md")
    assert len(json.loads((tmp_path / "atlas.json").read_text())["rows"]) == 3
