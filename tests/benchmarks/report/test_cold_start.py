"""From start to first answer on the page and in the terminal, of any phase that has it."""

from benchmarks.report.cold_start import cold_start_lines, cold_start_section
from benchmarks.report.unmeasured import not_measured
from benchmarks.results.row_parts import ColdStart, Latency
from benchmarks.results.schema import CompareReport
from common.language import Language
from tests.support.chinese import CHINESE, english, numbers
from tests.support.reports import result

EN = Language()
PARTS = {"import_seconds": 1.9, "build_seconds": 0.41, "load_seconds": 0.12, "first_batch_seconds": 0.07}
BEGUN = ColdStart(starts=2, total_seconds=2.5, totals=[2.4, 2.6], **PARTS)


def report(*rows, **environment):
    return CompareReport(environment=environment, results=list(rows), parity=None, comparisons=[], best=[])


def test_a_bar_of_four_parts_for_each_side_and_what_is_installed():
    rows = [result(name, 10.0, cold_start=BEGUN, deployed_bytes=244 << 20) for name in ("torch", "paddle")]
    found = report(*rows, installed_bytes={"torch": 1200 << 20, "paddle": 771 << 20})
    section = cold_start_section(EN, found)
    assert section.rows[0][1:] == ["torch", "1.90", "0.410", "0.120", "0.0700", "2.50", "2", "244"]
    shades = ("whole", "middle", "light", "faint")
    assert [section.charts[0].count(f"part {shade}") for shade in shades] == [2] * 4
    assert "torch 1,200 MiB, paddle 771 MiB" in section.note
    text = "\n".join(cold_start_lines(found))
    assert "2.50" in text and "paddle 771 MiB" in text
    chinese = "\n".join(cold_start_lines(found, CHINESE))
    assert numbers(chinese) == numbers(text) and english(chinese) == []


def test_a_start_without_an_answer_says_why():
    rows = [result("torch", 10.0, cold_start=BEGUN), result("paddle", 10.0, cold_start_reason="no room")]
    section = cold_start_section(EN, report(*rows))
    assert section.lines == ["paddle infer eager fp32 batch 8: no first answer: no room"]


def test_what_was_started_is_not_called_unmeasured():
    assert any("Start-up" in line for line in not_measured(EN, report(result("torch", 10.0))))
    begun = report(result("torch", 10.0, cold_start=BEGUN))
    assert not any("Start-up" in line for line in not_measured(EN, begun))
    begun.results.append(result("torch", 20.0, engine="deploy"))
    assert any("Start-up" in line for line in not_measured(EN, begun))


def test_phase_startup_is_shown_alike():
    latency = Latency(p50=2500.0, n=5)
    row = result("torch", 1.0, phase="startup", images_per_second=None, latency_ms=latency, **PARTS)
    assert cold_start_section(EN, report(row)).rows[0][1:] == [
        *("torch", "1.90", "0.410", "0.120", "0.0700", "2.50", "5"),
    ]


def test_rows_that_nothing_was_started_for_have_no_section():
    assert cold_start_section(EN, report(result("torch", 1.0))) is None
    assert cold_start_lines(report(result("torch", 1.0))) == []
