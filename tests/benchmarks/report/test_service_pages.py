"""Latency under load and memory over many shapes, as the page and the text show them."""

import pytest

from benchmarks.report.answer import answer
from benchmarks.report.badges import badges
from benchmarks.report.exit_code import judge_comparison
from benchmarks.report.memory import memory_lines, memory_section
from benchmarks.report.service import _curve, service_lines, service_section
from benchmarks.results.schema import CompareReport
from benchmarks.results.sentences import AT_LIMIT
from common.language import Language
from tests.support.chinese import CHINESE, english, numbers
from tests.support.reports import comparison, grown, result, served, served_run

EN = Language()


def report(*rows):
    return CompareReport(environment={}, results=list(rows), parity=None, comparisons=[], best=[])


def test_the_table_has_the_highest_rate_and_the_page_its_curve():
    found = served(
        served_run(20.1, 12.0), served_run(40.2, 30.0), served_run(42.2, 90.0, outcome="failed", over=9)
    )
    lost = served(reason="no rate that was tried keeps 50ms@p99", highest_rate=None, passed=None)
    rows = [result("torch", 41.2, phase="serve", service=found), result("paddle", 1.0, service=lost)]
    text = "\n".join(service_lines(rows))
    assert (
        "99% of the requests within 50 ms; batches of at most 4, which wait 2 ms at most; 2 workers" in text
    )
    assert "41.2" in text and "30.0" in text and "paddle: no rate that was tried keeps 50ms@p99" in text
    section = service_section(EN, report(*rows))
    assert [chart.count("polyline") for chart in section.charts] == [2, 2]  # the curve, and its legend
    assert "Latency (p99, ms) against rate" in section.charts[1] and "limit 50 ms" in section.charts[1]
    assert any(
        "42.2/s: failed, 9 of 1307 over the limit (5 of 1307 allowed)" in line for line in section.lines
    )
    chinese = "\n".join(service_lines(rows, CHINESE))
    assert numbers(chinese) == numbers(text) and english(chinese) == []
    lone = [result("torch", 1.0)]
    assert service_lines(lone) == [] and service_section(EN, report(*lone)) is None


def test_a_curve_leaves_disturbed_runs_out_and_joins_repetitions():
    runs = [
        served_run(20.0, 10.0),
        served_run(20.1, 14.0),
        served_run(40.0, 30.0),
        served_run(40.1, 900.0, disturbed=True),
    ]
    assert [(round(rate, 2), value) for rate, value in _curve(served(*runs), 50)] == [
        (20.05, 12.0),
        (40.0, 30.0),
    ]
    assert _curve(served(served_run(40.1, 900.0, disturbed=True)), 50) == [(40.1, 900.0)]


def test_growth_is_in_words_with_a_picture():
    grows = grown()
    full = AT_LIMIT.format(steps=0, resident=900, step=1.5, limit=901)
    stopped = grown(steps=0, stopped=full, resident_mib=[], mib_per_100_steps=None)
    rows = [result("torch", 1.0, memory_growth=grows), result("paddle", 1.0, memory_growth=stopped)]
    text = "\n".join(memory_lines(rows))
    assert "Memory over 2,000 steps of 1 to 8 images of 224 x 224, 256 x 256." in text
    assert (
        "grows 1.2 MiB per 100 steps (1.0 to 1.4)" in text and "paddle stopped after 0 steps 900 MiB" in text
    )
    section = memory_section(EN, report(*rows))
    assert len(section.charts) == 1 and "<td>520</td>" in section.charts[0]
    chinese = "\n".join(memory_lines(rows, CHINESE))
    assert numbers(chinese) == numbers(text) and english(chinese) == []
    assert memory_lines([result("torch", 1.0)]) == []


def soaked_report(**of_torch):
    """A soak whose speeds others disturbed."""
    rows = [
        result("torch", 1.0, phase="soak", memory_growth=grown(**of_torch)),
        result("paddle", 1.0, phase="soak", memory_growth=grown(**of_torch)),
    ]
    found = report(*rows)
    busy = comparison(1.0, 2.0, phase="soak", verdict="invalid", reason="others disturbed it")
    found.comparisons = [busy]
    return found


@pytest.mark.parametrize(
    ("growth", "kind", "word"),
    [
        ({}, "invalid", "memory grows"),
        ({"verdict": "steady", "mib_per_100_steps": 0.1, "growth_interval": [-0.1, 0.2]}, "faster", "steady"),
        ({"verdict": "too short", "mib_per_100_steps": None}, "undecided", "undecided"),
    ],
)
def test_memory_has_a_badge_of_its_own(growth, kind, word):
    memory, speed = badges(EN, soaked_report(**growth))
    assert (memory.kind, memory.word, speed.kind) == (kind, word, "invalid")
    assert [side.partition(":")[0] for side in memory.sides] == ["torch (eager)", "paddle (eager)"]
    assert memory.title == "Memory over many shapes, batch 8"
    chinese, _ = badges(CHINESE, soaked_report(**growth))
    assert english(chinese.line(CHINESE)) == [] and numbers(chinese.line(CHINESE)) == numbers(memory.line(EN))


def test_growth_is_the_answer_where_only_speeds_were_disturbed(capsys):
    found = soaked_report()
    text = answer(found)
    growth = "grows 1.2 MiB per 100 steps (1.0 to 1.4)"
    assert text.startswith(
        f"Memory over many shapes (soak eager fp32 batch 8): torch {growth}, paddle {growth}."
    )
    assert "Which is faster is not known" in text and "no answer" not in text
    assert english(answer(found, CHINESE).replace("others disturbed it", "")) == []
    assert judge_comparison("soak", found, before=None) == 0
    found.comparisons.append(comparison(1.0, 2.0, verdict="invalid", reason="others disturbed it"))
    assert judge_comparison("soak", found, before=None) == 4  # of what is not memory nothing is known
    short = soaked_report(mib_per_100_steps=None)
    assert "There is no answer" in answer(short)
    assert judge_comparison("soak", short, before=None) == 4
