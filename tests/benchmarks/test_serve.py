"""Phase serve by the commands, on both frameworks, with workers in this process."""

import json

import pytest

from benchmarks import compare, run
from benchmarks.request.request import read_request
from tests.support.commands import ended

LENET = ["--model", "lenet5", "--threads", "1", "--device", "cpu", "--min-seconds", "0"]
SERVE = [*LENET, "--phase", "serve", "--latency-limit", "200ms@p50", "--serve-requests", "12"]


@pytest.fixture
def quick(local, monkeypatch):
    """A search of few short runs."""
    monkeypatch.setattr("benchmarks.analysis.serving.SPAN", 0.5)
    monkeypatch.setattr("benchmarks.analysis.rate_search.WIDTH", 0.5)
    monkeypatch.setattr("benchmarks.measure.serving.SINGLE_STREAM", 12)
    monkeypatch.setattr("benchmarks.measure.serving.OFFLINE_SECONDS", 0.01)
    return local


def test_both_serve_the_same_arrivals_and_the_rows_say_how(quick, tmp_path, capsys, monkeypatch):
    drawn, real = [], quick.ask

    def ask(worker, task, **arguments):
        if task == "serve":
            drawn.append((worker.name, arguments["seed"], arguments["limit"], arguments["most"]))
        return real(worker, task, **arguments)

    monkeypatch.setattr(quick, "ask", ask)
    flags = [*SERVE, "--serve-batch", "2", "--serve-threads", "2", "--rounds", "4", "--pairs", "1"]
    code, shown, _ = ended(compare.main, [*flags, "--skip-parity", "--report", str(tmp_path)], capsys)
    report = json.loads((tmp_path / "result.json").read_text())
    assert code in (0, 4)  # the machine may be busy
    rows = {row["backend"]: row for row in report["results"]}
    assert rows.keys() == {"torch", "paddle"}
    for row in rows.values():
        service = row["service"]
        assert (row["status"], row["batch_size"], service["workers"]) == ("ok", 2, 2)
        assert len(service["brackets"]) == 1 and row["images_per_second"] == service["highest_rate"]
        for bracket in service["brackets"]:
            assert len(bracket["single_stream_ms"]) == 12 and bracket["offline_images_per_second"] > 0
            assert all(1 <= one["mean_batch"] <= 2 and one["latencies_ms"] for one in bracket["runs"])
    for backend in rows:
        assert {seed[:2] for name, seed, *_ in drawn if name == backend} == {(0, 0)}
    assert {asked[2:] for asked in drawn} == {(0.2, 2)}
    page = (tmp_path / "report.html").read_text()
    for text in (shown, page):
        assert "50% of the requests within 200 ms; batches of at most 2" in text
    assert "Latency (p50, ms) against rate: serve eager fp32 batch 2" in page


def test_one_backend_alone_has_one_search(quick, tmp_path, capsys):
    code, *_ = ended(run.main, ["--backend", "paddle", *SERVE, "--json", str(tmp_path / "a.json")], capsys)
    (row,) = json.loads((tmp_path / "a.json").read_text())["results"]
    assert (code, row["phase"], len(row["service"]["brackets"])) == (0, "serve", 1)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--serve-batch", "4"], "--serve-batch is for phase serve"),
        (["--phase", "serve", "--serve-requests", "458"], "459 are needed"),
        (["--phase", "serve", "--latency-limit", "50ms"], "as in 50ms@p99"),
        (["--phase", "serve", "--latency-limit", "0ms@p99"], "above 0"),
        (["--phase", "serve", "--latency-limit", "5ms@p100"], "at most 99.99"),
        (["--phase", "serve", "--serve-wait", "2"], "as in 2ms"),
        (["--phase", "serve", "--settings", "tuned"], "--settings tuned does not go with --phase serve"),
        (["--phase", "serve", "--processes", "2"], "--processes does not go with"),
        (["--phase", "soak", "--steps", "700"], "from 800 steps"),
        (["--phase", "soak", "--memory-limit", "8"], "as in 8GiB"),
        (["--phase", "soak", "--batch-size", "1,2"], "give one number"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(flags, words, capsys):
    code, _, errors = ended(compare.main, ["--model", "lenet5", *flags], capsys)
    assert code == 2 and words in errors[0]


def test_serving_takes_its_own_batches_and_shares_the_cores(monkeypatch):
    monkeypatch.setattr("benchmarks.request.request.available_cores", lambda: 8)
    flags = ["--model", "lenet5", "--phase", "infer,serve", "--batch-size", "8,32", "--serve-threads", "2"]
    cases = read_request(compare._parse(flags)).cases
    assert [(case.phase, case.batch_size, case.threads) for case in cases] == [
        ("infer", 8, 8), ("serve", 1, 4), ("infer", 32, 8)
    ]  # fmt: skip
