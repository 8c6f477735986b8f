"""What a reader might take for granted and a report does not show."""

from backends import ENGINES
from benchmarks.report import said
from benchmarks.results.formatting import labeller, listed
from benchmarks.results.schema import CompareReport, Result
from benchmarks.results.sentences import translated
from common.language import Language

MOST_CASES = 4  # that a line names; the table of results has all
PHASES = ("infer", "train", "data", "startup")


def not_measured(say: Language, report: CompareReport) -> list[str]:
    """Lines on what was cut off, what could not be had, and what nobody asked for."""
    rows = report.results
    measured = [row for row in rows if row.status == "ok"]
    lines = [say("The run was cut off; {line}.", line=translated(line, say)) for line in report.missing]
    lines += _failed(say, rows)
    lines += _not_asked_for(say, measured)
    if rows:
        sizes = listed(sorted({row.batch_size for row in rows}), say)
        lines.append(say("Batch sizes other than {sizes}.", sizes=sizes))
    if not any(row.device.startswith("gpu") for row in measured):
        lines.append(say("GPUs: everything here ran on the CPU."))
    if not any(row.layers for row in rows):
        lines.append(say("Which layers make the difference: ask with --layers."))
    if report.parity is None:
        lines.append(say("Whether both compute the same: the parity gate was skipped."))
    lines.append(say("Accuracy after training, other models and other machines."))
    return lines


def _failed(say: Language, rows: list[Result]) -> list[str]:
    """A line on each reason for which rows have no figure, with the first of the rows."""
    label = labeller(rows, say)
    found: dict[str, dict[str, list[str]]] = {}
    for row in rows:
        if row.status != "ok":
            reason = translated(row.reason or "", say)
            why = say("{status}: {reason}", status=say(row.status), reason=reason)
            sides = found.setdefault(why, {})
            sides.setdefault(label(row), []).append(row.backend)
    lines = []
    for reason, cases in found.items():
        named = [say("{case} ({sides})", case=case, sides=say.joined(sides)) for case, sides in cases.items()]
        if len(named) > MOST_CASES:
            left = len(named) - MOST_CASES + 1
            named = [*named[: MOST_CASES - 1], say("{number} more", number=left)]
        lines.append(say("{cases}: {reason}", cases=say.joined(named), reason=reason))
    return lines


def _not_asked_for(say: Language, measured: list[Result]) -> list[str]:
    """Phases, engines and precisions that are missing."""
    inferring = [row for row in measured if row.phase == "infer" and row.engine in ENGINES]
    ways, started = (
        {(row.backend, row.engine, row.precision) for row in rows}
        for rows in (inferring, [row for row in inferring if row.cold_start])
    )
    seen = {row.phase for row in measured} | ({"startup"} if ways and ways == started else set())
    phases = [said.phase(say, word) for word in PHASES if word not in seen]
    engines = [word for word in ENGINES if word not in {row.engine for row in measured}]
    precisions = [word for word in ("fp32", "bf16") if word not in {row.precision for row in measured}]
    found = (
        (say("Phase: {words}.", words=say.joined(phases)), phases),
        (say("Engine: {words}.", words=say.joined(engines)), engines),
        (say("Precision: {words}.", words=say.joined(precisions)), precisions),
    )
    return [line for line, words in found if words]
