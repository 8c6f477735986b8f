"""What is printed in Chinese has the numbers of the English text, and no English sentence."""

import re

import pytest
import tabulate

from benchmarks import compare
from benchmarks.analysis import regression, serving
from benchmarks.analysis.best import best_of_each
from benchmarks.analysis.disturbance import Disturbance, Shares
from benchmarks.analysis.verdict import Remedy
from benchmarks.measure import machine_load
from benchmarks.measure.versions import sentences as version_sentences
from benchmarks.parity import __main__ as parity
from benchmarks.report import __main__ as report_command
from benchmarks.report import exit_code, terminal
from benchmarks.report.answer import answer
from benchmarks.report.largest_batch import largest_batch_text
from benchmarks.report.page import render
from benchmarks.report.unmeasured import not_measured
from benchmarks.request.request import read_request
from benchmarks.request.service import LatencyLimit
from benchmarks.results import result_file
from benchmarks.results.schema import Against, Change, LargestBatch
from benchmarks.results.sentences import DIFFERENT, OTHERS_DISTURBED, QUIETER, UNEQUAL, translated
from benchmarks.results.service import RateBracket
from common.engines.kinds import OF_AHEAD, OF_EVERY_ENGINE
from common.language import ENGLISH
from tests.support import parity_reports
from tests.support.chinese import CHINESE, HALF_WIDTH, english, numbers
from tests.support.commands import ended
from tests.support.reports import comparison, layers, report, result, swept_report


def request(*flags):
    return read_request(compare._parse(["--model", "alexnet", "--threads", "2", *flags]))


def rich():
    """A report with every sentence that a comparison prints."""
    found = report()
    found.results[0] = result("torch", 100.0, layers=layers(1), forward_seconds=0.02, backward_seconds=0.03)
    found.results[1] = result("paddle", 25.0, layers=layers(5), forward_seconds=0.1, backward_seconds=0.1)
    found.parity = {"verdict": "pass", "stages": [parity_reports.stage()]}
    found.results[4].settings = {"threads": 2, "tf32_matmul": None}
    found.comparisons[0].left_out = 0.25
    remedy = Remedy(dominant="host", flags={"pairs": 6, "rounds": 24}, minutes=3.2).sentence()
    found.comparisons.append(comparison(9.0, 9.1, batch_size=32, verdict="undecided", reason=remedy))
    busy = {"verdict": "invalid", "reason": f"{disturbance().reason()}; {QUIETER}"}
    found.comparisons.append(comparison(9.0, 9.1, batch_size=64, **busy))
    found.missing = ["train eager fp32 batch 8: 2 of 6 pairs of processes"]
    found.environment["warnings"] = warnings()
    change = {"combination": "infer eager fp32 batch 8", "by": "ratio", "regression": True, "own": 0.9}
    case = {"phase": "infer", "engine": "eager", "precision": "fp32", "batch_size": 8}
    flags = {"unclear": False, "other_faster": False}
    found.regressions = [
        Change(backend="paddle", change=0.8, noise=0.02, drift=0.97, **case, **change, **flags)
    ]
    return found


def disturbance():
    return Disturbance(left_out=0.53, shares=Shares(others=0.34, stolen=0.06, waited=0.21))


def warnings():
    paced = comparison(1.0, 1.0, pace=-0.4)
    return [
        *machine_load.load_warnings(0.5, 0.2),
        *machine_load.unsteady([paced]),
        *machine_load.unsteady([paced.model_copy(update={"pace": 0.4})]),
        machine_load.CLOCK_CHANGED.format(before=3000, after=2000),
        OTHERS_DISTURBED.format(names="infer eager fp32 batch 8"),
    ]


def reasons():
    """Sentences as result files keep them, by the functions that make them."""
    limit = LatencyLimit.parse("50ms@p99")
    lost = RateBracket(single_stream_ms=[3.0])
    either = [True, False]
    for dominant in ("rounds", "processes", "host"):
        for minutes in (3.2, 1e4):
            yield Remedy(dominant=dominant, flags={"pairs": 6}, minutes=minutes).sentence()
    yield f"{disturbance().reason()}; {QUIETER}"
    yield Disturbance(left_out=0.9, shares=None).reason()
    both = (
        DIFFERENT.format(setting=name, first=2, one="torch", second=1, other="paddle")
        for name in ("threads", "layout")
    )
    yield UNEQUAL.format(differences="; ".join(both))
    for disturbed in either:
        for found in ({}, {"passed": 20.0}, {"passed": 1200.0, "by_generator": True}):
            bracket = lost.model_copy(update={**found, "disturbed": disturbed})
            yield f"torch: {serving._why_no_rate(limit, [bracket])}"
    yield from warnings()
    yield from (reason for _, reason in (*OF_AHEAD, *OF_EVERY_ENGINE))


@pytest.mark.parametrize("sentence", [*reasons()])
def test_a_sentence_of_a_file_is_said_whole_in_chinese(sentence):
    said = translated(sentence, CHINESE)
    assert english(said) == [] and numbers(said) == numbers(sentence)
    assert translated(sentence, ENGLISH) == sentence


def test_what_is_not_ours_stays_as_it_is():
    alien = "RuntimeError: the shapes (2, 3) and (3, 4) do not fit; try again, or not"
    assert translated(alien, CHINESE) == alien
    assert translated("", CHINESE) == ""
    assert english(alien) != []  # the test above would see a sentence that nobody translated
    half = f"{alien}; {QUIETER}"
    assert translated(half, CHINESE).startswith("RuntimeError") and "top" in translated(half, CHINESE)


def test_a_comparison_has_the_same_numbers_in_both_languages():
    asked, found = request(), rich()
    ours, theirs = (terminal.comparison_text(asked, found, say) for say in (ENGLISH, CHINESE))
    assert english(theirs) == []
    assert numbers(ours) == numbers(theirs) and len(ours.splitlines()) == len(theirs.splitlines())
    assert theirs.startswith("在本机上使用 alexnet：推理：批大小为 8 时，torch（deploy, fp32）与 paddle（")
    assert "torch 更快" in theirs and "±5 % 内相等" in theirs and "未定" in theirs
    assert ours == terminal.comparison_text(asked, found)


@pytest.mark.parametrize("verdict", ["torch faster", "equal", "undecided", "invalid"])
def test_every_kind_of_answer_is_chinese(verdict):
    found = report()
    found.comparisons[1].verdict, found.comparisons[1].reason = verdict, disturbance().reason()
    found.best = best_of_each(found.results, found.comparisons)
    wide = report()
    wide.best[0].ratio, wide.comparisons[1].verdict = 10.0, "paddle faster"
    wide.comparisons[1].ratio_ci95 = (2.0, 50.0)
    apart = report()
    apart.comparisons, apart.best[0].ratio = apart.comparisons[:1], 2.0
    empty = report()
    empty.best, empty.parity = [], None
    for each in (found, wide, apart, empty):
        texts = [answer(each, say) + "\n".join(not_measured(say, each)) for say in (ENGLISH, CHINESE)]
        assert english(texts[1]) == [] and numbers(texts[0]) == numbers(texts[1])


def of_a_page(found, language):
    """What people and screen readers are told by a page, without what is cut into colours."""
    page = re.sub(r"<(style|script).*?</\1>", "", render(found, "report.html", language=language), flags=re.S)
    return page, re.findall(r"<desc>(.*?)</desc>", page)


@pytest.mark.parametrize("found", [rich(), swept_report()])
def test_a_page_has_no_english_marks_and_tells_of_its_pictures_in_chinese(found):
    (page, told), (_, english_ones) = (of_a_page(found, language) for language in ("zh", "en"))
    assert HALF_WIDTH.findall(re.sub(r"<[^>]*>", "\n", page)) == []
    assert len(told) == len(english_ones) > 1
    assert all(re.search("[\u4e00-\u9fff]", words) for words in told)
    assert not any(re.search("[\u4e00-\u9fff]", words) for words in english_ones)


def test_a_run_is_printed_in_chinese():
    texts = [terminal.run_report(request(), rich(), say) for say in (ENGLISH, CHINESE)]
    assert english(texts[1]) == [] and numbers(texts[0]) == numbers(texts[1])


def cells(line):
    """A line as a terminal shows it: a wide letter takes two places."""
    wcwidth = pytest.importorskip("wcwidth", reason="tabulate needs it for wide letters")
    return [place for letter in line for place in (letter, *[""] * (wcwidth.wcwidth(letter) - 1))]


def crooked(table):
    """The lines of a table that have something in a gap between its columns."""
    head, rule, *rows = map(cells, table.splitlines())
    gaps = [place for place, letter in enumerate(rule) if letter == " "]
    return [
        line for line in (head, *rows) if any(line[place : place + 1] not in ([" "], []) for place in gaps)
    ]


def test_columns_are_aligned_where_letters_are_wide(monkeypatch):
    rows = [terminal._compare_row(row, CHINESE) for row in rich().comparisons]
    assert crooked(terminal._table(terminal.COMPARE_COLUMNS, rows, CHINESE)) == []
    monkeypatch.setattr(tabulate, "WIDE_CHARS_MODE", False)
    assert crooked(terminal._table(terminal.COMPARE_COLUMNS, rows, CHINESE)) != []


def test_the_file_and_the_summary_stay_english(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("benchmarks.measure.both_backends.measure_both", lambda *_, **__: rich())
    monkeypatch.setattr("benchmarks.request.images.require_data", lambda _: None)
    files, printed, ends = [], [], []
    for language in ("en", "zh"):
        target, short = tmp_path / f"{language}.json", tmp_path / f"{language}.md"
        flags = ["--model", "alexnet", "--threads", "2", "--json", str(target), "--summary", str(short)]
        code, out, errors = ended(compare.main, [*flags, "--language", language], capsys)
        files.append((code, target.read_text(), short.read_text()))
        printed.append(re.sub(r"/\S+", "", out))
        ends.append(errors)
    assert files[0] == files[1]
    assert english(printed[1]) == [] and english(printed[0]) != []
    assert english(" ".join(ends[1]).replace("benchmarks.compare", "")) == [] and ends[0] != ends[1]
    assert "undecided" in files[1][1] and "undecided" in files[1][2]


def test_a_file_is_printed_again_in_chinese(tmp_path, capsys):
    path = tmp_path / "7.json"
    result_file.write(report(), path)
    flags = ([str(path), "--language", language] for language in ("en", "zh"))
    texts = [ended(report_command.main, each, capsys)[1] for each in flags]
    assert numbers(texts[0]) == numbers(texts[1])
    assert texts[1].startswith("在本机上使用 alexnet：") and texts[0].startswith(
        "With alexnet on this machine"
    )
    assert "每秒图片数" in texts[1] and "崩溃" in texts[1]
    other = path.with_name("8.json")
    other.write_text(path.read_text())
    two = ended(report_command.main, [str(path), str(other)], capsys)[1]
    assert "With alexnet" not in two  # of two files neither has the answer


def test_a_language_that_is_not_there_is_refused(capsys):
    code, _, errors = ended(compare.main, ["--model", "lenet5", "--language", "zj"], capsys)
    assert code == 2 and "choose from en, zh" in errors[0]
    versions = ["--model", "lenet5", "--backend", "torch", "--against", "/x", "--language", "zh"]
    code, _, errors = ended(parity.main, versions, capsys)
    assert code == 2 and "--language" in errors[0]


def test_two_versions_are_compared_in_chinese():
    case = {"phase": "infer", "engine": "eager", "precision": "fp32", "batch_size": 8, "max_regression": 2.0}
    there = result("torch", 90.0, parameters=5)
    facts = {"change": 0.9, "change_ci95": (0.85, 0.95), "parameters": 4, "there": there, "undecided": True}
    speeds = {"here_images_per_second": 81.0, "there_images_per_second": 90.0}
    entries = [
        Against(**case, **facts, **speeds, verdict="slower"),
        Against(**case, **facts | {"change_ci95": (1e-9, 1e9)}, verdict="undecided"),
        Against(**case, verdict="invalid", undecided=True, reason=disturbance().reason()),
    ]
    ours, theirs = (version_sentences(entries, backend="torch", say=say) for say in (ENGLISH, CHINESE))
    assert [english(line) for line in theirs] == [[]] * 3
    assert [*map(numbers, ours)] == [*map(numbers, theirs)]
    codes = [
        exit_code.judge_against("p", entries, lines, place="7", say=say)
        for lines, say in ((ours, ENGLISH), (theirs, CHINESE))
    ]
    assert codes in ([3, 3], [4, 4])


def test_changes_against_a_baseline_are_chinese():
    change = rich().regressions[0]
    for name in ("regression", "undecided", "unclear", "invalid", "other_faster"):
        flags = dict.fromkeys(("regression", "undecided", "unclear", "invalid", "other_faster"), False)
        row = change.model_copy(update={**flags, name: True})
        ours, theirs = (regression.sentence(row, say) for say in (ENGLISH, CHINESE))
        assert english(theirs) == [] and numbers(ours) == numbers(theirs)


def test_largest_batches_are_printed_in_chinese():
    asked = {"model": "alexnet", "phase": "infer", "engine": "eager", "precision": "fp32", "layout": "NCHW"}
    row = LargestBatch(
        **asked, backend="torch", threads=2, limit_bytes=2**30, status="crashed", reason="worker: killed"
    )
    found = row.model_copy(update={"largest_batch": 12, "next_batch": 13, "status": "ok", "reason": None})
    ours, theirs = (largest_batch_text([row, found], say) for say in (ENGLISH, CHINESE))
    assert english(theirs.replace(row.reason, "")) == [] and numbers(ours) == numbers(theirs)
    assert row.reason in theirs
