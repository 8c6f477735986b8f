"""The command that repeats a run, from what its result file says was asked for."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from backends import ENGINES, PRECISIONS
from benchmarks.request.case import Case, read_case
from benchmarks.request.request import DEFAULT_MARGIN, LAYOUTS, REFERENCES, TUNED_PRECISIONS, Request
from benchmarks.request.service import SERVE, LatencyLimit, ServePlan
from benchmarks.results.schema import CompareReport, Result
from benchmarks.results.sentences import CUT_OFF, CUT_OFF_SOAK
from common import model_cards
from common.engines.int8 import INT8
from common.language import recognised
from common.shipped import CLASSES, NETWORKS, PREFIX, shipped_name

SWEPT = ("phase", "engine", "precision", "layout")  # flags of cases, and fields of a row
USUAL = {"phase": "infer,train", "engine": "eager", "precision": "fp32", "layout": "NCHW", "batch-size": "8"}
PLAIN = {  # flags whose words are the field's value, with their defaults
    "device": Request.device,
    "settings_mode": Request.settings_mode,
    "max_error": Request.max_error,
    "warmup": Request.warmup,
    "min_iterations": Request.min_iterations,
    "min_seconds": Request.min_seconds,
    "data": None,
    "calibrate": None,
    "mean": None,
    "std": None,
    "root": None,
    "loader": Request.loader,
    "workers": Request.workers,
    "seed": Request.seed,
    "weights": None,
    "output": "",
    "rounds": 24,
    "pairs": 6,
    "precise": None,
    "max_minutes": None,
    "margin": DEFAULT_MARGIN,
}
SUITE = {"rounds": 9, "pairs": 2}  # defaults of benchmarks.suite
WORDS = {"settings_mode": "settings"}
SWITCHES = ("layers", "augment", "skip_parity")


def command_of(report: CompareReport) -> list[str]:
    """The parts of a line for a shell, a flag with its value each; [] where it is not known."""
    rows, asked = report.results, report.request
    if not rows or asked is None:
        return []
    flags = [*_model(rows[0], asked), *_cases(report, asked), *_plain(asked), *_service(asked), *_price(rows)]
    return ["python -m benchmarks.compare", *_joined(flags)]


def suite_command_of(reports: Mapping[str, CompareReport]) -> list[str]:
    """The same of a suite of several pairs; [] where it is not known."""
    first = next(iter(reports.values()), None)
    if first is None or first.request is None:
        return []
    shipped = all(row.model.startswith(PREFIX) for report in reports.values() for row in report.results)
    flags = [*_cases(first, first.request), *_plain(first.request | {"weights": None, "output": ""}, SUITE)]
    pairs = [f"torchvision --only {shlex.quote(','.join(reports))}"] if shipped else ["PAIRS.toml"]
    return ["python -m benchmarks.suite", *pairs, *_joined(flags)]


def _joined(flags: Sequence[str]) -> list[str]:
    """Each flag with its value, as a shell reads it."""
    parts: list[str] = []
    for word in flags:
        if word.startswith("--"):
            parts.append(word)
        else:
            parts[-1] += f" {shlex.quote(word)}"
    return parts


def _model(row: Result, asked: Mapping[str, Any]) -> list[str]:
    sources: Mapping[str, str] = asked.get("sources") or {}
    network = shipped_name(row.model)
    flags = ["--model", row.model]
    if network is not None:
        usual: tuple[Any, ...] = ((3, NETWORKS[network].usual, NETWORKS[network].usual), CLASSES)
    elif row.model in model_cards.MODELS and not sources:
        usual = (model_cards.MODELS[row.model].input_shape, model_cards.MODELS[row.model].num_classes)
    else:
        usual = (None, None)
        flags = [part for side, source in sources.items() for part in (f"--{side}", source)]
        flags += ["--map", "FILE.json"] if asked.get("names") else []
    losses = {side: own["loss"] for side, own in (asked.get("plugins") or {}).items() if "loss" in own}
    flags += [part for side, source in losses.items() for part in (f"--{side}-loss", source)]
    if asked.get("inputs"):
        flags += [part for text in asked["inputs"] for part in ("--input", text)]
    elif tuple(row.input_shape) != usual[0]:
        flags += ["--input-shape", _list(row.input_shape)]
    return flags if row.num_classes == usual[1] else [*flags, "--num-classes", str(row.num_classes)]


def _cases(report: CompareReport, asked: Mapping[str, Any]) -> list[str]:
    """The swept flags, by the rows and by what a run that was cut off lacks; of tuned ones, by the search."""
    rows = [row for row in report.results if row.engine not in REFERENCES]
    batches = [row for row in rows if row.phase != SERVE]  # whose batches and threads are its own flags'
    values: dict[str, list[Any]] = {name: [getattr(row, name) for row in rows] for name in SWEPT}
    values["batch-size"] = [row.batch_size for row in batches]
    values["threads"] = [row.threads for row in batches]
    values |= {name: [getattr(row, name) for row in rows] for name in ("processes", "beside")}
    for case in _missing(report.missing):
        # Serving has batches of its own flags.
        for name in values.keys() - {"threads", "batch-size" if case.phase == SERVE else ""}:
            values[name].append(getattr(case, name.replace("-", "_")))
    usual = USUAL | {"threads": str(report.environment.get("cores")), "processes": "1", "beside": "0"}
    if asked.get("ways"):
        values |= _searched(asked["ways"])
        usual |= {"engine": _list(ENGINES), "precision": _list(TUNED_PRECISIONS), "layout": _list(LAYOUTS)}
    given = {flag: _list(dict.fromkeys(values[flag])) for flag in values if values[flag]}
    flags = [part for flag, text in given.items() if text != usual[flag] for part in (f"--{flag}", text)]
    references = [row.engine for row in report.results if row.engine in REFERENCES]
    return [*flags, *(["--reference", references[0]] if references else [])]


def _missing(lines: Iterable[str]) -> list[Case]:
    """The case of each line on what a report lacks."""
    found = (recognised(line, (CUT_OFF, CUT_OFF_SOAK)) for line in lines)
    cases = (read_case(one[1]["case"]) for one in found if one)
    return [case for case in cases if case is not None and case.engine not in REFERENCES]


def _searched(ways: Iterable[str]) -> dict[str, list[Any]]:
    """What was allowed, of lines such as "eager fp32 NCHW 2 threads", in the order of the flags' words."""
    columns = list(zip(*(way.split() for way in ways), strict=True))
    order: dict[str, Sequence[Any]] = {"engine": ENGINES, "precision": (*PRECISIONS, INT8), "layout": LAYOUTS}
    found = {
        name: [word for word in words if word in columns[place]]
        for place, (name, words) in enumerate(order.items())
    }
    return found | {"threads": sorted({int(threads) for threads in columns[3]}, reverse=True)}


def _plain(asked: Mapping[str, Any], other: Mapping[str, Any] | None = None) -> list[str]:
    """Flags whose value is not what it is without them; ``other``: where a command has other defaults."""
    flags: list[str] = []
    for name, usual in (PLAIN | dict(other or {})).items():
        value = asked.get(name, usual)
        if value not in (usual, None):
            number = f"{value:g}" if isinstance(value, float) else str(value)
            number = _list(value) if isinstance(value, (list, tuple)) else number
            flags += [f"--{WORDS.get(name, name).replace('_', '-')}", number]
    return flags + [f"--{name.replace('_', '-')}" for name in SWITCHES if asked.get(name)]


def _service(asked: Mapping[str, Any]) -> list[str]:
    """Flags of the phases serve and soak."""
    flags: list[str] = []
    if serve := asked.get("serve"):
        limit = LatencyLimit(**serve["latency_limit"])
        usual = asdict(ServePlan(latency_limit=limit))
        flags += ["--latency-limit", str(limit)]
        if serve["serve_wait"] != usual["serve_wait"]:
            flags += ["--serve-wait", f"{serve['serve_wait'] * 1000:g}ms"]
        for name in ("serve_batch", "serve_threads", "serve_requests"):
            if serve[name] != usual[name]:
                flags += [f"--{name.replace('_', '-')}", str(serve[name])]
    if soak := asked.get("soak"):
        flags += ["--shapes", _list(soak["shapes"]), "--steps", str(soak["steps"])]
        if soak.get("memory_limit"):
            flags += ["--memory-limit", f"{soak['memory_limit'] / 2**20:.0f}MiB"]
    return flags


def _price(rows: Sequence[Result]) -> list[str]:
    """The price of an hour, which the file has by what a million images cost."""
    for row in rows:
        if row.cost_per_million_images and row.images_per_second:
            return [
                "--price-per-hour",
                f"{row.cost_per_million_images * row.images_per_second * 3600 / 1e6:.6g}",
            ]
    return []


def _list(values: Iterable[object]) -> str:
    return ",".join(map(str, values))
