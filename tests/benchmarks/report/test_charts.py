"""Axes have round marks within their ends; pictures end where their numbers do."""

import re

import pytest

from benchmarks.report.axes import MOST_TICKS, linear, linear_ticks, log_ticks, logarithmic
from benchmarks.report.charts import Axis, Line, Step, line_chart, waterfall_chart
from benchmarks.report.figures import Table, figure
from benchmarks.report.forest import Ratio, forest_cell, forest_head, forest_scale
from common.language import Language

EN = Language()


@pytest.mark.parametrize("low", [1e-12, 0.003, 0.29, 0.97, 4.0, 800.0])
@pytest.mark.parametrize("times", [1.05, 1.4, 4.0, 70.0, 1e5])
def test_marks_are_few_round_and_on_the_axis(low, times):
    for ticks in (log_ticks(low, low * times), linear_ticks(low, low * times)):
        assert 2 <= len(ticks) <= MOST_TICKS
        assert all(low * 0.999 <= tick <= low * times * 1.001 for tick in ticks)
        assert all(float(f"{tick:.3g}") == pytest.approx(tick, rel=1e-9) for tick in ticks)


def test_a_scale_holds_its_values_and_cuts_what_lies_beyond():
    across = logarithmic([0.5, 2.0], start=0, end=100)
    assert 0 < across(0.5) < across(1) < across(2) < 100 and across(1) == pytest.approx(50)
    assert (across(0.001), across(1e9)) == (0, 100)
    assert linear([7.0], start=0, end=1)(7.0) == pytest.approx(0.5)


def test_the_axis_of_a_forest_has_one_the_margin_and_every_interval():
    rows = [
        Ratio(ratio=0.3, interval=(0.2, 0.4), kind="torch"),
        Ratio(ratio=0.9, interval=(0.85, 1), kind=""),
    ]
    scale = forest_scale(rows, [5.0])
    assert scale.low < 0.2 and scale.high > 1.05
    cell = forest_cell(rows[0], scale, margin=5.0)
    assert cell.count("<circle") == 1 and 'class="margin"' in cell and "aria-hidden" in cell
    assert "<circle" not in forest_cell(None, scale, margin=None)
    assert "torch faster" in forest_head(EN, scale) and "paddle faster" in forest_head(EN, scale)


def test_a_waterfall_leads_from_one_total_to_the_other():
    steps = [
        Step(label="torch", value=10.0, words="10 ms", total="torch"),
        Step(label="conv", value=15.0, words="+15 ms"),
        Step(label="fc", value=-5.0, words="-5 ms"),
        Step(label="paddle", value=20.0, words="20 ms", total="paddle"),
    ]
    bars = re.findall(
        r'<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', waterfall_chart("t", steps, unit="ms")
    )
    (torch, torch_width), (conv, conv_width), (fc, fc_width), (paddle, paddle_width) = [
        tuple(map(float, each)) for each in bars
    ]
    assert torch == paddle and conv == pytest.approx(torch + torch_width, abs=0.2)
    assert fc + fc_width == pytest.approx(conv + conv_width, abs=0.2)
    assert fc == pytest.approx(paddle + paddle_width, abs=0.2)


def test_a_figure_has_its_numbers_in_a_table_with_row_headers():
    table = Table(heading="Numbers", columns=["round", "ratio"], rows=[["1", "<0.5>"]])
    drawn = figure("A & B", "what it shows", ["<path/>"], height=10, table=table)
    assert "A &amp; B" in drawn and "<desc>what it shows</desc>" in drawn
    assert '<th scope="row">1</th><td>&lt;0.5&gt;</td>' in drawn and "<summary>Numbers</summary>" in drawn


def test_a_line_chart_names_both_axes_and_its_levels():
    lines = [Line(label="torch, eager", kind="torch", points=[(1.0, 10.0), (8.0, 40.0)])]
    axes = {"x": Axis(label="batch size", log=True, at=[1.0, 8.0]), "y": Axis(label="images/s", zero=True)}
    drawn = line_chart("t", lines, levels=[(50.0, "limit 50")], **axes)
    assert all(
        f">{words}</text>" in drawn for words in ("batch size", "images/s", "limit 50", "torch, eager", "8")
    )
    assert drawn.count("<polyline") == 2
