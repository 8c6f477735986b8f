"""Result files that cannot be are refused when they are read; what their texts say stays text."""

import copy
import json

import pytest

from benchmarks.measure import resume
from benchmarks.report.page import render
from benchmarks.results import result_file
from common.cli import UsageError
from tests.support.reports import report as full_report


@pytest.fixture
def content(tmp_path):
    """A whole result file's content, as it was written."""
    result_file.write(full_report(), tmp_path / "result.json")
    return json.loads((tmp_path / "result.json").read_text())


def read(tmp_path, content):
    path = tmp_path / "altered.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return result_file.read(path)


def test_a_file_of_ours_is_read(tmp_path, content):
    assert len(read(tmp_path, content).results) == len(content["results"])


def planted(content, *names, value):
    altered = copy.deepcopy(content)
    place = altered
    for name in names[:-1]:
        place = place[name]
    place[names[-1]] = value
    return altered


@pytest.mark.parametrize(
    ("names", "value", "said"),
    [
        (("results", 0, "images_per_second"), float("nan"), "holds NaN, which is no number"),
        (("comparisons", 0, "ratio"), float("inf"), "holds Infinity"),
        (("results", 0, "images_per_second"), 0, "results.0.images_per_second: 0 is not above 0"),
        (("results", 1, "images_per_second"), -3.0, "-3 is not above 0"),
        (("results", 0, "step_seconds"), [0.1, -0.1], "results.0.step_seconds.1: -0.1 is not above 0"),
        (("comparisons", 0, "ratio_ci95"), [1.5, 0.5], "is no interval"),
        (("comparisons", 0, "ratio_ci95"), [-1, 0.5], "is no interval"),
        (("comparisons", 0, "ratio"), -1, "not above 0"),
        (("comparisons", 0, "noise"), -0.1, "below 0"),
        (("comparisons", 0, "torch_quick_seconds"), [0.1, 0.1, 0.1], "unequal lengths"),
        (("results", 0, "block_steps"), [1, 2, 3], "blocks of 6"),
        (("results",), [], "0 results cannot be the two sides of"),
        (("results", 0, "latency_ms"), {"p50": 3, "p95": 2, "p99": 4}, "do not ascend"),
        (("results", 0, "peak_memory_bytes"), -1, "below 0"),
        (("comparisons", 0, "ratio_ci95"), ["x" * 9999, 1], "is no interval"),
        (("results", 0, "batch_size"), 0, "results.0.batch_size: 0 is below 1"),
        (("results", 1, "threads"), 0, "results.1.threads: 0 is below 1"),
        (
            ("results", 0, "images_per_second"),
            98765,
            "results.0: 98765 images a second do not go with a step",
        ),
        (("comparisons", 0, "ratio"), 700.0, "comparisons.0: a ratio of 700 outside of its interval"),
        (("results", 0, "images_per_second"), "nan", "results.0.images_per_second: nan is no number"),
        (("comparisons", 0, "noise"), "-1", "below 0"),
        (("environment", "date"), [1], "environment.date: Input should be a valid string"),
        (("environment", "gpus"), [7], "environment.gpus.0: Input should be a valid string"),
        (("environment", "backends"), {"torch": "2"}, "backends.torch: Input should be a valid dictionary"),
        (("results", 0, "tuning"), [{"engine": "eager"}], "results.0.tuning.0.precision: Field required"),
        (("parity",), {"stages": []}, "verdict: Field required"),
        (("parity", "stages"), 7, "stages: Input should be a valid list"),
        (("parity", "stages", 0), "x", "stages.0: Input should be a valid dictionary"),
        (("parity", "stages", 0, "tensors", 0), {"relative_l2": 0.1}, "tensors.0.name: Field required"),
        (("parity", "stages", 0, "tensors", 0, "relative_l2"), "x", "relative_l2: Input should be a valid"),
        (("parity", "stages", 0, "tolerance"), {}, "tolerance: Input should be a valid number"),
    ],
)
def test_what_cannot_have_been_measured_is_refused(tmp_path, content, names, value, said):
    with pytest.raises(UsageError, match=said.replace(".", r"\.")) as refusal:
        read(tmp_path, planted(content, *names, value=value))
    assert len(str(refusal.value)) < 300


@pytest.mark.parametrize(
    ("low", "high", "verdict"), [(0.5, 2.0, "paddle faster"), (0.9, 1.2, "torch faster")]
)
def test_a_winner_with_an_interval_on_both_sides_is_refused(tmp_path, content, low, high, verdict):
    row = content["comparisons"][0] | {"ratio": 1.0, "ratio_ci95": [low, high], "verdict": verdict}
    with pytest.raises(
        UsageError, match=f"comparisons.0: '{verdict}' with an interval of {low:g} to {high:g}"
    ):
        read(tmp_path, planted(content, "comparisons", 0, value=row))


def test_numbers_beyond_all_floats_and_deep_nesting_are_refused(tmp_path, content):
    text = json.dumps(content)
    speed = json.dumps(content["results"][0]["images_per_second"])
    for damaged in (text.replace(speed, "1e999"), text.replace(speed, "1" + "0" * 400), "[" * 100_000):
        with pytest.raises(UsageError):
            read(tmp_path, damaged)


HOSTILE = "a|b <script>x</script> & c\nd \x1b[31m"


def test_control_characters_of_a_file_never_reach_a_terminal(tmp_path, content):
    found = read(tmp_path, planted(content, "results", 0, "model", value=HOSTILE))
    assert found.results[0].model.isprintable()
    with pytest.raises(UsageError) as refusal:
        read(tmp_path, planted(content, "schema_version", value=HOSTILE * 1000))
    assert str(refusal.value).replace(str(tmp_path), "").isprintable()
    assert len(str(refusal.value)) < 300


def test_markdown_shows_text_as_text():
    made = full_report()
    plain = render(made, "report.md")
    for row in made.results:
        row.model = row.reason = HOSTILE
    made.environment["cpu"] = HOSTILE
    text = render(made, "report.md")
    assert text.count("\n") == plain.count("\n")
    assert "<script" not in text
    assert "\x1b" not in text
    assert "&lt;script&gt;x&lt;/script&gt; &amp; c d" in text
    tables = [line for line in text.splitlines() if line.startswith("| ")]
    assert [line.replace(r"\|", "").count("|") for line in tables] == [
        line.replace(r"\|", "").count("|") for line in plain.splitlines() if line.startswith("| ")
    ]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("cpu", "Zilog Z80", "was measured with Zilog Z80"),
        ("cores", 999, "another cores"),
        ("git_commit", "0" * 40, "another git commit"),
    ],
)
def test_results_of_another_place_are_not_gone_on_with(tmp_path, monkeypatch, name, value, said):
    monkeypatch.setattr(resume, "git_commit", lambda: "1" * 40)
    made = full_report()
    made.environment = {"cores": resume.available_cores(), "git_commit": "1" * 40}
    resume.require_same_place(made, tmp_path, device="cpu")
    made.environment[name] = value
    with pytest.raises(UsageError, match=said):
        resume.require_same_place(made, tmp_path, device="cpu")
