"""Scaling figures from known step times: efficiency, communication, who scales better, and the pages."""

import pytest

from benchmarks import run
from benchmarks.analysis.scaling import communicating, oversubscribed, scaling, with_efficiencies
from benchmarks.report.page import render
from benchmarks.report.scaling import scaling_lines
from benchmarks.results.samples import slowest
from tests.support.chinese import CHINESE, english, numbers
from tests.support.commands import ended
from tests.support.reports import comparison, report, result


def test_a_step_of_a_group_takes_as_long_as_its_slowest_process():
    first = {"forward": [1.0, 1.0], "backward": [2.0, 5.0]}
    second = {"forward": [2.0, 0.5], "backward": [3.0, 1.0]}
    assert slowest([first, second]) == {"forward": [2.0, 1.0], "backward": [3.0, 5.0]}
    assert slowest([{"step": []}, {"step": []}]) == {"step": []}
    with pytest.raises(ValueError, match="zip"):
        slowest([first, {"forward": [1.0], "backward": [1.0]}])


def test_communicating_is_what_sending_adds_to_a_step():
    assert communicating([4.0, 4.0, 100.0], [3.0, 3.0, 0.1]) == 0.25
    assert communicating([4.0], []) is None
    assert communicating([4.0], [5.0]) == -0.25  # noise is told, not hidden


def test_efficiency_needs_one_process_of_the_same_kind():
    rows = [
        result("torch", 100.0),
        result("torch", 150.0, processes=2),
        result("torch", 320.0, processes=4),
        result("torch", 150.0, processes=2, threads=1),
        result("paddle", 90.0, processes=2),
        result("torch", 1.0, processes=2, phase="train", status="crashed", images_per_second=None),
    ]
    found = [row.scaling_efficiency for row in with_efficiencies(rows)]
    assert found == [1.0, 0.75, 0.8, None, None, None]


@pytest.mark.parametrize(
    ("speed", "width", "verdict"),
    [(80.0, 0.02, "paddle scales better"), (30.0, 0.02, "torch scales better"), (80.0, 0.5, "undecided")],
)
def test_who_scales_better_is_beyond_both_intervals(speed, width, verdict):
    """torch makes 1.5 times as much with two processes; paddle makes 2 times, or 0.75, of its 40."""
    rows = with_efficiencies(
        [
            result("torch", 100.0),
            result("paddle", 40.0),
            result("torch", 150.0, processes=2),
            result("paddle", speed, processes=2),
        ]
    )
    pairs = [
        comparison(100.0, 40.0, width=width),
        comparison(150.0, speed, width=width, processes=2),
        comparison(150.0, 80.0, width=width, processes=4, batch_size=1),  # one process of it is not there
    ]
    (found,) = scaling(rows, pairs)
    assert (found.processes, found.verdict) == (2, verdict)
    assert found.torch_efficiency == 0.75
    assert found.paddle_efficiency == pytest.approx(speed / 80)
    assert found.ratio == pytest.approx(found.paddle_efficiency / found.torch_efficiency)
    assert found.ratio_ci95[0] < found.ratio * (1 - width) < found.ratio * (1 + width) < found.ratio_ci95[1]


def test_more_threads_than_cores_are_reported():
    assert oversubscribed(result("torch", 1.0, processes=4, threads=1), 2) == (
        "4 processes with 1 threads each share 2 cores"
    )
    assert oversubscribed(result("torch", 1.0, processes=2, threads=1), 2) is None
    assert oversubscribed(result("torch", 1.0, processes=4, threads=1, device="gpu:0"), 2) is None


def test_the_pages_have_a_table_of_scaling_where_there_were_groups():
    whole = report()
    assert "Scaling" not in render(whole, "report.md")
    assert scaling_lines(whole) == []
    whole.environment["cores"] = 2
    whole.results += [
        result("torch", 150.0, processes=4, phase="train", threads=1, communicating_fraction=0.125)
    ]
    whole.results = with_efficiencies(whole.results)
    for page in (render(whole, "report.md"), render(whole, "report.html"), "\n".join(scaling_lines(whole))):
        for words in (
            "threads of each",
            "12.5%",
            "4 processes with 1 threads each share 2 cores",
        ):
            assert words in page
    lines = "\n".join(scaling_lines(whole)), "\n".join(scaling_lines(whole, CHINESE))
    assert numbers(lines[0]) == numbers(lines[1]) and english(lines[1]) == []
    assert whole.results[-1].case.batch == "8 x 4 processes"
    assert "train eager fp32 batch 8 x 4 processes" in render(whole, "report.html")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--settings", "tuned"], "--settings tuned is for one process"),
        (["--layers"], "--layers is for one process"),
        (["--data", "list.txt"], "--data is for one process"),
        (["--device", "gpu:0"], "--device gpu:0 is one GPU, and each process needs its own"),
        (["--processes", "0"], "expected a whole number from 1"),
    ],
)
def test_what_groups_cannot_do_is_refused(flags, message, capsys):
    arguments = ["--backend", "torch", "--model", "lenet5", "--processes", "1,2", *flags]
    code, _, errors = ended(run.main, arguments, capsys)
    assert (code, len(errors)) == (2, 1), errors
    assert message in errors[0]
