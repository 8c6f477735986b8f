"""Exports hold to the tools' published schemas, map interval to bounds, and leave out what is no figure."""

import json
import shutil

import jsonschema
import numpy as np
import pytest

from benchmarks.report import __main__ as command
from benchmarks.report.histories import FORMATS, history, merged
from benchmarks.report.pytest_benchmark import statistics, undisturbed_steps
from benchmarks.results import result_file
from benchmarks.results.schema import Against
from tests.support.commands import ended
from tests.support.reports import comparison, report, result

NUMBER, TEXT, WHOLE = {"type": "number"}, {"type": "string"}, {"type": "integer"}
# https://bencher.dev/bmf.json, closed, so that a misspelt bound is seen.
METRIC = {
    "type": "object",
    "properties": {"value": NUMBER, "lower_value": NUMBER, "upper_value": NUMBER},
    "required": ["value"],
    "additionalProperties": False,
}
MEASURES = {"type": "object", "propertyNames": {"maxLength": 64}, "additionalProperties": METRIC}
BENCHER = {"type": "object", "propertyNames": {"maxLength": 1024}, "additionalProperties": MEASURES}
# github-action-benchmark, README, "Using a Custom Benchmark Tool", and BenchmarkResult in src/extract.ts.
ACTION = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"name": TEXT, "unit": TEXT, "value": NUMBER, "range": TEXT, "extra": TEXT},
        "required": ["name", "unit", "value"],
        "additionalProperties": False,
    },
}
# The fields of pytest_benchmark.stats.Stats and of what its plugin and Metadata.as_dict write.
STATS = dict.fromkeys(
    ["min", "max", "mean", "stddev", "median", "iqr", "q1", "q3", "ld15iqr", "hd15iqr", "ops", "total"],
    NUMBER,
)
STATS |= dict.fromkeys(["rounds", "iqr_outliers", "stddev_outliers", "iterations"], WHOLE)
STATS |= {"outliers": {"pattern": r"^\d+;\d+$"}, "data": {"type": "array", "items": NUMBER, "minItems": 1}}
BENCHMARK = {name: {} for name in ["group", "name", "fullname", "params", "param", "extra_info", "options"]}
BENCHMARK |= {"name": TEXT, "fullname": TEXT, "params": {"type": "object"}, "param": TEXT}
BENCHMARK["stats"] = {"properties": STATS, "required": [*STATS], "additionalProperties": False}
MACHINE = [
    "node",
    "processor",
    "machine",
    "python_implementation",
    "python_version",
    "release",
    "system",
    "cpu",
]
PYTEST = {
    "type": "object",
    "properties": {
        "machine_info": {"type": "object", "required": MACHINE},
        "commit_info": {"required": ["id", "time", "author_time", "dirty", "project", "branch"]},
        "benchmarks": {"items": {"properties": BENCHMARK, "required": [*BENCHMARK]}, "minItems": 1},
        "datetime": TEXT,
        "version": TEXT,
    },
    "required": ["machine_info", "commit_info", "benchmarks", "datetime", "version"],
    "additionalProperties": False,
}
SCHEMAS = {"bencher": BENCHER, "github-action-benchmark": ACTION, "pytest-benchmark": PYTEST}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "result.json"
    result_file.write(report(), path)
    return path


@pytest.mark.parametrize("tool", SCHEMAS)
def test_an_export_holds_to_the_published_schema(file, capsys, tool):
    code, out, errors = ended(command.main, [str(file), "--as", tool], capsys)
    assert (code, len(errors)) == (0, 1)
    assert "left out 3: torch alexnet train eager fp32 batch 8, cpu, 2 threads: crashed: " in errors[0]
    schema = jsonschema.Draft202012Validator(SCHEMAS[tool])
    schema.validate(json.loads(out))
    broken = json.loads(out.replace('"value"', '"valu"').replace('"stddev"', '"deviation"'))
    assert not schema.is_valid(broken)


def test_every_format_has_its_schema_here_and_its_word_in_the_command():
    assert [*FORMATS] == [*SCHEMAS] == [*command.FORMATS]


def test_ratio_and_interval_are_value_and_bounds():
    pair = comparison(100.0, 25.0)
    metrics = FORMATS["bencher"](history(report()))
    low, high = pair.ratio_ci95
    assert metrics["alexnet infer eager fp32 batch 8, cpu, 2 threads"] == {
        "paddle-over-torch": {"value": 0.25, "lower_value": low, "upper_value": high}
    }
    speeds = metrics["torch alexnet infer eager fp32 batch 8, cpu, 2 threads"]
    assert speeds == {"throughput": {"value": 100.0}, "latency": {"value": 80e6}}  # nanoseconds
    ranges = [entry.get("range") for entry in FORMATS["github-action-benchmark"](history(report()))]
    assert ranges == [None] * 4 + ["0.245 to 0.255", "0.965 to 1.00"]


def test_what_is_invalid_failed_or_unusable_is_left_out_and_never_0():
    found = report()
    found.comparisons[0].verdict = "invalid"  # both of its sides go with it
    found.comparisons[1].ratio_ci95 = (0.1, 9.0)
    made = history(found)
    assert [figure.name.partition(",")[0] for figure in made.figures] == [
        f"{name} alexnet infer deploy fp32 batch 8" for name in ("torch", "torch", "paddle", "paddle")
    ]
    assert len(made.left_out) == 7
    assert sum(": invalid" in line for line in made.left_out) == 3
    assert sum(": unusable" in line for line in made.left_out) == 1
    assert all(figure.value > 0 for figure in made.figures)


def test_a_version_against_another_is_a_ratio_too():
    row = result("torch", 100.0)
    facts = {name: getattr(row, name) for name in ("phase", "engine", "precision", "batch_size", "threads")}
    entry = Against(**facts, verdict="slower", change=0.9, change_ci95=(0.88, 0.92), there=row)
    found = report()
    found.comparisons, found.results, found.against = [], [row], [entry]
    metrics = FORMATS["bencher"](history(found))
    assert metrics["torch alexnet infer eager fp32 batch 8, cpu, 2 threads"]["here-over-there"] == {
        "value": 0.9,
        "lower_value": 0.88,
        "upper_value": 0.92,
    }
    entry.verdict, entry.change = "invalid", None
    assert history(found).figures == []


def test_disturbed_blocks_are_not_among_the_steps():
    row = result("torch", 80.0, step_seconds=[0.1, 0.1, 0.9, 0.2], block_steps=[2, 1, 1])
    assert undisturbed_steps(row).tolist() == row.step_seconds
    row.block_disturbed = [False, True, False]
    assert undisturbed_steps(row).tolist() == [0.1, 0.1, 0.2]
    row.block_disturbed = [True, True, True]
    assert undisturbed_steps(row).tolist() == row.step_seconds


def test_rows_without_step_times_have_no_place_in_pytest_benchmarks_format(file, capsys):
    found = report()
    found.results[0].step_seconds = []
    result_file.write(found, file)
    code, out, errors = ended(command.main, [str(file), "--as", "pytest-benchmark"], capsys)
    assert (code, len(json.loads(out)["benchmarks"])) == (0, 3)
    assert "left out 4: " in errors[0]
    code, out, errors = ended(command.main, [str(file), "--as", "bencher"], capsys)
    assert (code, len(json.loads(out)), "left out 3: " in errors[0]) == (0, 6, True)


def test_statistics_are_those_of_the_steps():
    found = statistics(np.array([1.0, 2.0, 3.0, 4.0, 40.0]))
    assert (found["min"], found["q1"], found["median"], found["q3"], found["iqr"]) == (1, 2, 3, 4, 2)
    assert (found["mean"], found["ops"], found["total"], found["rounds"]) == (10, 0.1, 50, 5)
    assert (found["hd15iqr"], found["outliers"]) == (4, "1;1")
    assert found["stddev"] == pytest.approx(np.std(found["data"], ddof=1))
    assert statistics(np.array([2.0]))["stddev"] == 0


def test_files_go_together_unless_both_have_a_name(file, capsys):
    with pytest.raises(ValueError, match="alexnet infer eager"):
        merged([history(report())] * 2)
    copy = shutil.copy(file, file.with_name("copy.json"))
    code, out, errors = ended(command.main, [str(file), str(copy), "--as", "bencher"], capsys)
    assert (code, out, "is in several files" in errors[0]) == (2, "", True)
    other = report()
    for row in [*other.results, *other.comparisons]:
        row.model = "other"
    assert len(merged([history(report()), history(other)]).figures) == 2 * len(history(report()).figures)


@pytest.mark.parametrize(("verdict", "expected"), [("invalid", 4), (None, 3)])
def test_a_history_of_nothing_is_no_success(file, tmp_path, capsys, verdict, expected):
    found = report()
    for row in found.comparisons:
        row.verdict = verdict or "not comparable"
        row.ratio = row.ratio if verdict else None
    for row in found.results:
        row.status = "ok" if verdict and row.phase != "train" else "crashed"
    result_file.write(found, file)
    code, out, errors = ended(command.main, [str(file), "--as", "bencher"], capsys)
    assert (code, out, "nothing was printed" in errors[-1]) == (expected, "", True)
