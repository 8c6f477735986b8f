"""The report's pages: the answer first, nothing from outside, readable everywhere, and honest."""

import json
import re
from pathlib import Path

import jsonschema
import pytest

from benchmarks.analysis.best import best_of_each
from benchmarks.analysis.layers import layer_gaps, layer_lines
from benchmarks.report import __main__ as report_command
from benchmarks.report.answer import answer, confidence
from benchmarks.report.comparison import comparison_section, trust_section
from benchmarks.report.page import render, sections, write_pages
from benchmarks.report.unmeasured import not_measured
from benchmarks.results import result_file
from benchmarks.results.formatting import labeller
from benchmarks.results.row_parts import Latency, LayerLeftOut
from benchmarks.results.training_curves import read_curves
from common.cli import UsageError
from common.language import Language
from tests.support.commands import ended
from tests.support.reports import comparison, layers, report, result

EN = Language()
SCHEMA = Path(result_file.__file__).parent / "result.schema.json"


def test_the_answer_names_the_best_of_each_and_no_winner_inside_the_noise():
    assert "at batch 8 torch (deploy, fp32) and paddle (deploy, fp32) are equal within ±5 %" in answer(
        report()
    )
    fast = report()
    fast.best[0].ratio, fast.comparisons[1].verdict = 0.5, "torch faster"
    fast.comparisons[1].ratio_ci95 = (0.4, 0.625)
    assert "torch (deploy, fp32) is 2.00 times (1.60 to 2.50) as fast as paddle (deploy, fp32)" in answer(
        fast
    )


def test_what_is_undecided_names_what_would_decide_it():
    vague = report()
    row = vague.comparisons[1]
    row.verdict, row.reason = "undecided", "processes differ most; --pairs 12 would decide"
    row.ratio_ci95 = (0.9, 1.2)
    told = (
        "at batch 8 it is undecided between torch (deploy, fp32) and paddle (deploy, fp32): paddle / torch "
        "lies within 0.900 to 1.20 (processes differ most; --pairs 12 would decide)"
    )
    assert told in answer(vague)
    row.ratio_ci95, row.drift = (2.13e-11, 2.9e14), 3.7e17
    assert "unusable" in trust_section(EN, vague).rows[1][3:]
    assert "lies within unusable" in answer(vague)
    assert comparison_section(EN, vague).rows[1][1:3] == ["unusable"] * 2


def test_a_winner_whose_ratio_is_not_known_has_no_figure():
    wide = report()
    wide.best[0].ratio, wide.comparisons[1].verdict = 10.0, "paddle faster"
    wide.comparisons[1].ratio_ci95 = (2.0, 50.0)
    told = "paddle (deploy, fp32) is faster than torch (deploy, fp32), and how much is unusable"
    assert told in answer(wide)


def test_what_others_disturbed_has_no_ratio_and_its_reason():
    busy = report()
    for row in busy.comparisons[:2]:
        row.verdict, row.reason = "invalid", "80% of the blocks were disturbed: end what else runs here"
    busy.best = best_of_each(busy.results, busy.comparisons)
    assert busy.best == []
    assert answer(busy).startswith("There is no answer: the machine was too busy. Invalid: infer eager fp32")
    assert "80% of the blocks" in answer(busy)
    assert "ratios are known" not in confidence(busy) and confidence(busy).startswith("Confidence is low")
    section = comparison_section(EN, busy)
    assert section.rows[0][1] == "invalid" and "paddle / torch" not in section.columns
    assert "<circle" not in section.pictures[0] and "<polygon" not in section.pictures[0]
    busy.comparisons[1].verdict = "equal"
    busy.best = best_of_each(busy.results, busy.comparisons)
    assert "equal within" in answer(busy) and "Invalid: infer eager fp32 batch 8: 80%" in answer(busy)


def test_a_run_that_was_cut_off_says_what_is_missing():
    stopped = report()
    stopped.missing = ["train eager fp32 batch 8: 2 of 6 pairs of processes"]
    assert "The run was cut off; train eager fp32 batch 8: 2 of 6 pairs of processes." in not_measured(
        EN, stopped
    )
    assert "the run was cut off" in confidence(stopped)


def test_rounds_are_drawn_in_the_order_measured():
    shown = report()
    shown.comparisons[0].round_ratios = [0.25, 0.26, 0.24, 0.3]
    page = render(shown, "report.html")
    assert "infer eager fp32 batch 8, by round" in page
    assert page.count("<polyline") == 2  # the line and its key


def test_percentiles_of_few_steps_are_dashes_beside_their_number():
    few = report()
    few.results[0].latency_ms = Latency(p50=80.0, n=20)
    row = next(section for section in sections(EN, few) if section.title == "Every result").rows[0]
    assert row[3:7] == ["80.0", "-", "-", "20"]


def test_old_files_call_undecided_what_they_called_no_difference(tmp_path):
    path = tmp_path / "result.json"
    result_file.write(report(), path)
    old = json.loads(path.read_text())
    old["comparisons"][1]["verdict"] = "no difference"
    path.write_text(json.dumps(old))
    assert result_file.read(path).comparisons[1].verdict == "undecided"


def test_batch_sizes_with_the_same_outcome_are_reported_together():
    swept = report()
    speeds = {1: 0.9, 8: 0.5, 32: 0.4}
    swept.best = [
        swept.best[0].model_copy(update={"batch_size": size, "ratio": ratio})
        for size, ratio in speeds.items()
    ]
    swept.comparisons = [
        comparison(
            1.0, ratio, engine="deploy", batch_size=size, width=0.3 if size == 1 else 0.02, verdict=told
        )
        for (size, ratio), told in zip(
            speeds.items(), ("undecided", "torch faster", "torch faster"), strict=True
        )
    ]
    assert answer(swept) == (
        "With alexnet on this machine, to infer at batch 1 it is undecided between torch (deploy, fp32) and "
        "paddle (deploy, fp32): paddle / torch lies within 0.630 to 1.17, at batch 8 and 32 torch (deploy, "
        "fp32) is 2.00 to 2.50 times as fast as paddle (deploy, fp32)."
    )
    assert "Batch sizes other than 8." in not_measured(EN, swept)


def test_what_ran_in_turns_of_its_own_needs_more_than_the_noise_of_either():
    """The best of both may be of different engines, which no comparison put beside each other."""
    mixed = report(width=0.3)
    mixed.best[0].paddle.engine = "eager"
    mixed.best[0].ratio = 0.8
    assert "it is undecided" in answer(mixed) and "they took no turns together" in answer(mixed)
    mixed.best[0].ratio = 0.5
    assert "torch (deploy, fp32) is 2.00 times as fast as paddle (eager, fp32)" in answer(mixed)


def test_the_best_have_the_ratio_of_the_turns_that_they_took_together():
    """Of rows apart: torch's deployed engine was compared as well, but its partner is not the best."""
    rows = [result("torch", 130.0, engine="deploy"), result("paddle", 90.0, engine="deploy")]
    rows += [result("torch", 100.0), result("paddle", 95.0)]
    pairs = [comparison(130.0, 90.0, engine="deploy", ratio=0.7), comparison(100.0, 95.0, ratio=0.9)]
    (mixed,) = best_of_each(rows, pairs)
    assert mixed.ratio == pytest.approx(95 / 130)
    (together,) = best_of_each(rows[:2], pairs)
    assert together.ratio == 0.7
    elsewhere = [comparison(130.0, 90.0, engine="deploy", ratio=0.7, threads=1)]
    assert best_of_each(rows[:2], elsewhere)[0].ratio == pytest.approx(90 / 130)


def test_tuned_sides_have_the_ratio_of_their_comparison_whatever_each_chose():
    rows = [
        result("torch", 200.0, engine="compiled", layout="NHWC", settings_mode="tuned"),
        result("paddle", 150.0, engine="deploy", threads=1, settings_mode="tuned"),
    ]
    ways = {"engine": "compiled / deploy", "layout": "NHWC / NCHW", "threads": None, "settings": "tuned"}
    (best,) = best_of_each(rows, [comparison(200.0, 150.0, ratio=0.6, **ways)])
    assert (best.ratio, best.torch.layout, best.paddle.threads) == (0.6, "NHWC", 1)
    page = report()
    page.best, page.comparisons = [best], [comparison(200.0, 150.0, ratio=0.6, **ways)]
    assert (
        "torch (compiled, fp32, NHWC) is 1.67 times (1.31 to 1.36) as fast as paddle (deploy, fp32)"
        in answer(page)
    )


def test_combinations_that_differ_in_layout_or_threads_are_kept_apart():
    swept = [result("torch", 1.0), result("torch", 2.0, threads=1), result("torch", 3.0, layout="NHWC")]
    label = labeller(swept)
    assert [label(row) for row in swept] == [
        "infer eager fp32 batch 8, 2 threads",
        "infer eager fp32 batch 8, 1 threads",
        "infer eager fp32 NHWC batch 8, 2 threads",
    ]
    assert labeller(swept[::2])(swept[2]) == "infer eager fp32 NHWC batch 8"
    whole = report()
    whole.results += [result("torch", 3.0, layout="NHWC"), result("paddle", 3.0, layout="NHWC")]
    whole.comparisons.append(comparison(3.0, 3.0, layout="NHWC"))
    shown = [row[0] for row in comparison_section(EN, whole).rows]
    assert len(set(shown)) == len(shown) == 4
    table = report_command.beside({"x": whole})
    assert len([line for line in table.splitlines() if "| eager " in line and "| 3.00 " in line]) == 2
    assert len(table.splitlines()) == len(whole.results) + len(("title", "", "head", "rule", "", "place"))


def test_confidence_falls_with_wide_intervals_a_busy_machine_and_no_parity():
    assert confidence(report()).startswith("Confidence is high")
    assert confidence(report(width=0.15)).startswith("Confidence is moderate")
    elsewhere = report()
    elsewhere.comparisons[0].ratio_ci95 = (0.05, 2.0)  # of engines that the answer does not name
    assert confidence(elsewhere) == confidence(report())
    worse = report(width=0.5)
    worse.parity = None
    worse.environment["warnings"] = ["other processes used 60 % of the processors"]
    assert confidence(worse).startswith("Confidence is low")
    assert "other processes" in confidence(worse)


def test_what_was_not_measured_is_said():
    told = " ".join(not_measured(EN, report()))
    for words in ("crashed", "compiled", "GPUs", "Start-up", "Batch sizes other than 8"):
        assert words in told


def test_the_neutral_engine_stands_beside_what_it_computed_as_well():
    with_reference = report()
    with_reference.comparisons.append(comparison(140.0, 139.0, engine="onnxruntime"))
    with_reference.results.append(result("torch", 140.0, engine="onnxruntime"))
    section = comparison_section(EN, with_reference)
    assert section.columns[-2:] == ["ONNX Runtime images/s, torch's export", "paddle's export"]
    assert [row[-2:] for row in section.rows] == [["140", "139"], ["140", "139"], ["-", "-"]]
    assert "ONNX" not in " ".join(comparison_section(EN, report()).columns)
    assert best_of_each(with_reference.results)[0].torch.engine == "deploy"


def test_training_curves_are_drawn_for_each_run(tmp_path):
    shown = report()
    for name in ("torch", "paddle"):
        folder = tmp_path / f"run-{name}"
        folder.mkdir()
        (folder / "recipe.json").write_text(
            json.dumps({"name": "digits", "model": "lenet5", "backend": name})
        )
        epochs = [{"epoch": n, "train_loss": 1 / n, "valid_accuracy": None, "more": 1} for n in (1, 2, 3)]
        (folder / "history.json").write_text(json.dumps(epochs))
    shown.curves = read_curves([tmp_path / "run-torch", tmp_path / "run-paddle"])
    page = render(shown, "report.html")
    assert page.count("<polyline") == 4  # two lines, and their two keys
    assert "Training loss by epoch" in page and "Validation accuracy by epoch" not in page
    assert "<td>0.3333</td>" in page and "paddle, " in page
    result_file.write(shown, tmp_path / "result.json")
    assert result_file.read(tmp_path / "result.json") == shown


@pytest.mark.parametrize(
    ("history", "message"),
    [(None, "cannot be read"), ("[]", "no epoch yet"), ("{", "is not what"), ("[3]", "is not")],
)
def test_what_is_no_run_has_no_curve(tmp_path, history, message):
    (tmp_path / "recipe.json").write_text(json.dumps({"name": "digits", "model": "lenet5"}))
    if history is not None:
        (tmp_path / "history.json").write_text(history)
    with pytest.raises(UsageError, match=message):
        read_curves([tmp_path])


def test_layers_are_paired_by_name_and_sorted_by_their_gap():
    gaps = layer_gaps(report().results)
    assert [gap["name"] for gap in gaps] == ["conv1", "fc6", "relu1"]
    assert gaps[0]["gap"] == pytest.approx(0.04)
    assert layer_gaps([result("torch", 1.0)]) == []


def test_layers_of_different_combinations_are_not_laid_side_by_side():
    """paddle could not be had in the first of two precisions."""
    rows = [
        result("torch", 1.0, precision="bf16", layers=layers(100)),
        result("torch", 1.0, layers=layers(1)),
        result("paddle", 1.0, layers=layers(5)),
    ]
    assert layer_gaps(rows)[0]["gap"] == pytest.approx(0.04)
    assert layer_gaps(rows[:1] + rows[2:]) == []


def test_a_terminal_is_reported_of_layers_too():
    both = "\n".join(layer_lines(report().results))
    assert "infer, fp32, batch of 8, each alone, by their part of the gap" in both
    assert re.search(r"conv1 +Conv2d +10.0 +50.0 +20.0 +20.0 +40.0\n", both)
    (row, *_) = report().results
    alone = "\n".join(layer_lines([row]))
    assert alone.index("conv1") < alone.index("fc6") < alone.index("relu1")
    assert layer_lines([result("torch", 1.0)]) == []


def test_a_layer_that_was_left_out_is_printed_with_its_reason():
    lone = LayerLeftOut(name="rnn", type="LSTM", reason="RuntimeError: no kernel")
    line = "left out: torch's rnn (LSTM): RuntimeError: no kernel"
    row = result("torch", 1.0, layers=layers(1), layers_left_out=[lone])
    assert line in layer_lines([row])
    assert line in layer_lines([row, result("paddle", 1.0, layers=layers(5))])
    assert line in layer_lines([result("torch", 1.0, layers_left_out=[lone])])


def test_the_page_needs_nothing_from_outside_and_runs_nothing_that_it_is_reported():
    page = render(report(), "report.html")
    assert not re.findall(r"""(?:src|href)=["'](?!#|data:)""", page)
    assert "url(http" not in page
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;; choose <code>--engine</code> compiled" in page


def test_markdown_opens_with_the_answer_and_its_tables_are_whole():
    lines = render(report(), "report.md").splitlines()
    assert lines[2] == f"**{answer(report())}**"
    tables = [line for line in lines if line.startswith("|")]
    widths = {line.count("|") - line.count("\\|") for line in tables[:5]}
    assert len(widths) == 1
    assert "| environment | cpu | a processor |" in lines  # the settings, too
    heading = lines.index(tables[0])
    assert lines[heading + 1].startswith("| ---") or lines[heading + 1].startswith("|  ---")


def test_the_published_schema_is_current_and_describes_what_is_written(tmp_path):
    assert SCHEMA.read_text() == result_file.json_schema()
    write_pages(report(), tmp_path)
    content = json.loads((tmp_path / "result.json").read_text())
    published = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))
    published.validate(content)
    content["comparisons"][0]["verdict"] = "torch is nicer"
    assert [error.json_path for error in published.iter_errors(content)] == ["$.comparisons[0].verdict"]
    assert {path.name for path in tmp_path.iterdir()} == {"report.html", "report.md", "result.json"}


def test_results_are_read_again_and_those_without_what_need_not_be_there_too(tmp_path):
    path = tmp_path / "result.json"
    result_file.write(report(), path)
    assert result_file.read(path) == report()
    old = json.loads(path.read_text())
    for name in ("request", "regressions", "parity", "comparisons", "best"):  # as benchmarks.run wrote it
        del old[name]
    for row in old["results"]:
        for name in ("layers", "tuning", "error", "layout", "matmul_peak_flops", "quick_seconds"):
            del row[name]
    path.write_text(json.dumps(old))
    again = result_file.read(path).results[:2]
    assert [(row.images_per_second, row.quick_seconds) for row in again] == [(100.0, []), (25.0, [])]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "is no result file"),
        ("nonsense", "is no result file"),
        ("[1]", "is no result file"),
        ('{"schema_version": 99}', "has schema_version 99"),
        ('{"schema_version": 1, "environment": {}, "results": [{"backend": 1}]}', "results.0"),
    ],
)
def test_what_is_no_result_file_is_refused(tmp_path, text, message):
    path = tmp_path / "result.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=message):
        result_file.read(path)
    with pytest.raises(UsageError, match="cannot be read"):
        result_file.read(tmp_path / "missing.json")


def test_any_files_are_put_beside_each_other(tmp_path, capsys):
    paths = [tmp_path / "one.json", tmp_path / "two.json"]
    for path, speed in zip(paths, (100.0, 50.0), strict=True):
        result_file.write(report(torch_speed=speed), path)
    code, out, errors = ended(report_command.main, list(map(str, paths)), capsys)
    assert (code, errors) == (0, [])
    line = next(line for line in out.splitlines() if "torch" in line and "eager" in line)
    assert re.search(r"100 +\| +50.0 ", line)
