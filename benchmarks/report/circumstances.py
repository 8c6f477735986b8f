"""Where and when a run was measured, and the command that repeats it: a card, and the settings at length."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from benchmarks.report.section import Section
from benchmarks.results.formatting import given_words, labeller, number
from benchmarks.results.schema import CompareReport, Result
from benchmarks.results.sentences import translated
from common.language import Language

LONGEST = 160  # characters of a value that a page shows; the file has the whole
MOST_MEASURED = 12  # combinations whose circumstances have a line each
COMMIT = 10  # characters of a commit


def minute(date: str) -> str:
    """A date as the file has it, such as 2026-01-31T12:34:56+00:00, for people."""
    try:
        found = datetime.fromisoformat(date)
    except ValueError:
        return date
    if found.tzinfo is None:
        return date
    return f"{found.astimezone(timezone.utc):%Y-%m-%d %H:%M} UTC"


def machine(environment: Mapping[str, Any]) -> str:
    """The GPUs, or the processor."""
    return "; ".join(environment.get("gpus") or []) or str(environment.get("cpu") or "-")


def versions(environment: Mapping[str, Any]) -> str:
    """Both frameworks with their versions."""
    found: Mapping[str, Any] = environment.get("backends") or {}
    return ", ".join(f"{name} {facts.get(name, '-')}" for name, facts in found.items())


def card(say: Language, report: CompareReport) -> list[tuple[str, str]]:
    """Names and values; what is not known is left out."""
    found = [
        *(_model(say, report) if report.results else []),
        (say("Threads"), _listed(row.threads for row in report.results)),
        (say("Settings"), _listed(row.settings_mode for row in report.results)),
    ]
    return [*[(name, value) for name, value in found if value], *environment_card(say, report.environment)]


def environment_card(say: Language, environment: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Of the machine alone."""
    found = [
        (say("Frameworks"), versions(environment)),
        (say("Processor"), _processor(say, environment)),
        ("GPU", "; ".join(environment.get("gpus") or [])),
        (say("System"), _system(environment)),
        (say("Date"), minute(environment.get("date") or "")),
        (say("Commit"), str(environment.get("git_commit") or "")[:COMMIT]),
        (say("Load"), _load(say, environment)),
        (say("Careful"), _warnings(say, environment)),
    ]
    return [(name, value) for name, value in found if value]


def _processor(say: Language, environment: Mapping[str, Any]) -> str:
    parts = [str(environment["cpu"])] if environment.get("cpu") else []
    if environment.get("cores"):
        parts.append(say.count("{number} core", "{number} cores", environment["cores"]))
    if environment.get("memory_bytes"):
        parts.append(f"{environment['memory_bytes'] / 2**30:.1f} GiB")
    return say.joined(parts)


def _system(environment: Mapping[str, Any]) -> str:
    python = environment.get("python")
    return ", ".join(part for part in (environment.get("os"), python and f"Python {python}") if part)


def _model(say: Language, report: CompareReport) -> list[tuple[str, str]]:
    row, inputs = report.results[0], (report.request or {}).get("inputs") or []
    known = [f"{row.model}"]
    if row.parameters:
        known.append(say("{parameters} parameters", parameters=f"{row.parameters:,}"))
    known.append(given_words(row.input_shape, inputs, say))
    known.append(say("{classes} classes", classes=row.num_classes))
    return [(say("Model"), say.joined(known))]


def _load(say: Language, environment: Mapping[str, Any]) -> str:
    parts = []
    if environment.get("load_average") is not None:
        parts.append(say("average {load}", load=number(environment["load_average"])))
    if environment.get("other_cpu_fraction") is not None:
        share = f"{environment['other_cpu_fraction']:.1%}"
        parts.append(say("{share} of the processors used by others", share=share))
    return say.joined(parts)


def _warnings(say: Language, environment: Mapping[str, Any]) -> str:
    return say.joined((translated(each, say) for each in environment.get("warnings") or []), by="; ")


def _listed(values: Iterator[object]) -> str:
    return ", ".join(map(str, dict.fromkeys(values)))


def settings_section(say: Language, report: CompareReport) -> Section:
    """All that is known of environment, request and settings in force, folded."""
    asked = say("asked for")
    rows = [[say("environment"), name, value] for name, value in _flat(report.environment)]
    rows += [[asked, name, value] for name, value in _flat(report.request or {})]
    rows += [[say("measured"), name, value] for name, value in _measured(say, report)]
    rows += [[say("in force"), name, value] for name, value in _in_force(say, report.results)]
    return Section(
        title=say("Settings and environment"),
        note=say("Long values are cut here and whole in the JSON."),
        columns=[say("kind"), say("name"), say("value")],
        rows=rows,
        folded=True,
        printed=True,
    )


def _flat(facts: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Each value with its path; nothing of what is empty."""
    for name, value in facts.items():
        path = f"{above} {name}".strip()
        if isinstance(value, Mapping):
            yield from _flat(value, path)
        elif value not in (None, [], "", ()):
            words = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            yield path, words if len(words) <= LONGEST else f"{words[:LONGEST]}…"


def _measured(say: Language, report: CompareReport) -> list[tuple[str, str]]:
    """When each combination was measured, and what the machine did; of many, from least to most."""
    rows = [row for row in report.comparisons if row.circumstances is not None]
    label = labeller(report.comparisons, say)
    found = []
    for row in rows:
        assert row.circumstances is not None
        facts = row.circumstances.model_dump(exclude_none=True, exclude_defaults=True)
        facts |= {"pairs": row.pairs, "seconds": row.seconds}
        found.append((label(row), dict(_flat(facts))))
    if len(found) <= MOST_MEASURED:
        return [(name, ", ".join(f"{key} {value}" for key, value in facts.items())) for name, facts in found]
    keys = dict.fromkeys(key for _, facts in found for key in facts)
    return [(key, _span([facts[key] for _, facts in found if key in facts])) for key in keys]


def _span(values: Sequence[str]) -> str:
    """The least and the most, which are numbers or dates; of other words, each once."""
    try:
        ordered = sorted(values, key=float)
    except ValueError:
        ordered = sorted(set(values))
    return ordered[0] if ordered[0] == ordered[-1] else f"{ordered[0]} … {ordered[-1]}"


def _in_force(say: Language, rows: Sequence[Result]) -> list[tuple[str, str]]:
    """The settings that were read back, once for all combinations that have them alike."""
    label = labeller(rows, say)
    found: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if row.settings:
            words = ", ".join(f"{name} {value}" for name, value in row.settings.items() if value is not None)
            found.setdefault((row.backend, words), []).append(label(row))
    return [
        (say.joined([backend, say.joined(labels, by="; ")], by=": "), words)
        for (backend, words), labels in found.items()
    ]
