"""Latency under load: the highest rates as a table, latency against rate as curves."""

import math
from collections.abc import Iterable, Sequence
from statistics import fmean, median

import numpy as np
from tabulate import tabulate

from benchmarks.analysis.rate_search import WIDTH
from benchmarks.analysis.serving import at_highest_rate, percentile_ms
from benchmarks.report.charts import Axis, Line, line_chart
from benchmarks.report.figures import Table
from benchmarks.report.section import Section, without_empty
from benchmarks.results.formatting import labeller, number
from benchmarks.results.schema import CompareReport, Result
from benchmarks.results.sentences import translated
from benchmarks.results.service import ServedRun, Service
from common.language import ENGLISH, Language

MIDDLE = 0.95  # between the percentiles of which one has a curve


def service_lines(results: Sequence[Result], say: Language = ENGLISH) -> list[str]:
    """The table of the highest rates; nothing where phase serve was not asked for."""
    served = _served(results)
    if not served:
        return []
    section = without_empty(Section(title="", note="", columns=_columns(say), rows=_rows(say, served)))
    assert section is not None, "there is a row"
    table = tabulate(section.rows, headers=section.columns, tablefmt="simple", disable_numparse=True)
    message = "{side}: {reason}"
    reasons = [
        say(message, side=row.backend, reason=translated(service.reason, say))
        for row, service in served
        if service.reason
    ]
    return [_heading(say, service) for _, service in served[:1]] + ["", table, "", *reasons]


def service_section(say: Language, report: CompareReport) -> Section | None:
    """The same on a page, with latency against rate and a line on every run."""
    served = _served(report.results)
    if not served:
        return None
    label = labeller([row for row, _ in served], say)
    combinations: dict[str, list[tuple[Result, Service]]] = {}
    for row, service in served:
        combinations.setdefault(label(row), []).append((row, service))
    return without_empty(
        Section(
            title=say("Latency under load"),
            note=say.space.join([_heading(say, served[0][1]), _note(say)]),
            columns=_columns(say),
            rows=_rows(say, served),
            charts=[
                chart
                for words, both in combinations.items()
                for rank in (50, 90 if both[0][1].percentile <= MIDDLE else 99)
                for chart in _charts(say, words, both, rank=rank)
            ],
            lines=[
                say.joined([say.joined([row.backend, label(row)]), _line(say, run)], by=": ")
                for row, service in served
                for run in _by_rate(service)
            ],
        )
    )


def _columns(say: Language) -> list[str]:
    found = [say("backend"), say("combination"), say("highest rate /s"), say("passed"), say("failed")]
    found += ["p50 ms", "p90 ms", "p99 ms", say("requests"), say("mean batch"), say("filled up")]
    found += [say("queue"), say("late p99 ms"), say("offline images/s")]
    return [*found, say("single-stream p50 ms"), say("single-stream p90 ms")]


def _note(say: Language) -> str:
    return say(
        "Requests arrive at random (a Poisson process, the same for both), wait in one queue, leave in "
        "batches. Highest rate: requests a second at which the limit is kept, the middle between the highest "
        "that passed and the lowest that failed, each with enough requests for the percentile. p50, p90, "
        "p99: from the drawn arrival to the answer, at the highest rate that passed. Filled up: places of "
        "batches without a request. Queue: its mean length when a request arrives. Late: how late the load "
        "generator was. Offline: all requests are there at once; single-stream: each comes when the last is "
        "answered (the names of MLPerf)."
    )


def _served(results: Iterable[Result]) -> list[tuple[Result, Service]]:
    return [(row, row.service) for row in results if row.service is not None]


def _heading(say: Language, service: Service) -> str:
    facts = {
        "share": f"{service.percentile:.4%}".replace(".0000%", "%"),
        "limit": f"{service.limit_ms:g}",
        "batch": service.most_batch,
    }
    if service.most_batch > 1:
        return say.count(
            "Limit: {share} of the requests within {limit} ms; batches of at most {batch}, which wait "
            "{wait} ms at most; {number} worker.",
            "Limit: {share} of the requests within {limit} ms; batches of at most {batch}, which wait "
            "{wait} ms at most; {number} workers.",
            service.workers,
            wait=f"{service.wait_ms:g}",
            **facts,
        )
    return say.count(
        "Limit: {share} of the requests within {limit} ms; batches of at most {batch}; {number} worker.",
        "Limit: {share} of the requests within {limit} ms; batches of at most {batch}; {number} workers.",
        service.workers,
        **facts,
    )


def _rows(say: Language, served: Sequence[tuple[Result, Service]]) -> list[list[str]]:
    label = labeller([row for row, _ in served], say)
    return [[row.backend, label(row), *_cells(service)] for row, service in served]


def _cells(service: Service) -> list[str]:
    runs = at_highest_rate(service)
    latencies = np.array([value for run in runs for value in run.latencies_ms]) / 1000
    alone = np.array([value for one in service.brackets for value in one.single_stream_ms]) / 1000
    offline = [one.offline_images_per_second for one in service.brackets if one.offline_images_per_second]
    return [
        number(service.highest_rate),
        number(service.passed),
        number(service.failed),
        *(number(percentile_ms(latencies, rank)) for rank in (50, 90, 99)),
        str(len(latencies)) if len(latencies) else "-",
        number(_mean(run.mean_batch for run in runs)),
        _percent(_mean(run.filled_fraction for run in runs)) if service.most_batch > 1 else "-",
        number(_mean(run.mean_depth for run in runs)),
        number(_mean(run.late_p99_ms for run in runs)),
        number(_mean(offline)),
        *(number(percentile_ms(alone, rank)) for rank in (50, 90)),
    ]


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _by_rate(service: Service) -> list[ServedRun]:
    return sorted((run for one in service.brackets for run in one.runs), key=lambda run: run.rate)


def _charts(say: Language, words: str, both: Sequence[tuple[Result, Service]], *, rank: int) -> list[str]:
    """A curve of one percentile by backend; none where no run had enough requests for it."""
    lines, cells = [], []
    for row, service in both:
        points = _curve(service, rank)
        if points:
            highest = say(", highest rate {rate}", rate=number(service.highest_rate))
            label = f"{row.backend}{highest if service.highest_rate else ''}"
            lines.append(Line(label=label, kind=row.backend, points=points))
            cells += [[row.backend, number(rate), number(value)] for rate, value in points]
    if not lines:
        return []
    limit = both[0][1].limit_ms
    return [
        line_chart(
            say("Latency (p{rank}, ms) against rate: {combination}", rank=rank, combination=words),
            lines,
            x=Axis(label=say("requests a second"), log=True),
            y=Axis(label="ms", log=True),
            levels=[(limit, say("limit {limit} ms", limit=f"{limit:g}"))],
            table=Table(
                heading=say("Numbers"),
                columns=[say("backend"), say("requests a second"), f"p{rank} ms"],
                rows=cells,
            ),
            say=say,
        )
    ]


def _curve(service: Service, rank: int) -> list[tuple[float, float]]:
    """Latency at each rate, by the median of the runs within a step of the grid; without disturbed ones.

    Where all were disturbed, of all.
    """
    every = _by_rate(service)
    steps: dict[int, list[tuple[float, float]]] = {}
    for run in [run for run in every if not run.disturbed] or every:
        value = getattr(run, f"latency_p{rank}_ms")
        if value:
            steps.setdefault(math.floor(math.log(run.rate) / math.log1p(WIDTH)), []).append((run.rate, value))
    return [(median(rate for rate, _ in own), median(value for _, value in own)) for own in steps.values()]


def _line(say: Language, run: ServedRun) -> str:
    """A run in words."""
    found = {
        "passed": say("passed"),
        "failed": say("failed"),
        "generator": say("the generator could not keep up"),
        "open": say("not decided"),
    }
    facts = [
        say.joined([f"{number(run.rate)}/s", found[run.outcome]], by=": "),
        *([say("cut")] if run.cut else []),
    ]
    facts.append(
        say(
            "{over} of {served} over the limit ({allowed} of {requests} allowed)",
            over=run.over,
            served=run.served,
            allowed=run.allowed,
            requests=run.requests,
        )
    )
    if run.together:
        facts.append(
            say(
                "decided with {runs} runs together: {over} of {requests} over the limit ({allowed} allowed)",
                **run.together.model_dump(),
            )
        )
    facts += [
        f"p{rank} {number(value)} ms"
        for rank in (50, 90, 99)
        if (value := getattr(run, f"latency_p{rank}_ms")) is not None
    ]
    late = {"p50": number(run.late_p50_ms), "p99": number(run.late_p99_ms)}
    facts.append(say("generator late {p50} ms (p50), {p99} ms (p99)", **late))
    queue = {"mean": number(run.mean_depth), "most": run.most_depth}
    facts.append(say("batch {batch}, queue {mean} (at most {most})", batch=number(run.mean_batch), **queue))
    facts.append(say("workers busy {share}", share=_percent(run.busy_fraction)))
    return say.joined([*facts, *([say("disturbed by others")] if run.disturbed else [])], by=", ")
