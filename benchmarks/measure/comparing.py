"""One combination's comparison: the verdict on torch and paddle, and how much it can be believed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from statistics import fmean
from typing import Any

from backends import NAMES
from benchmarks.analysis.ratio import RatioEstimate
from benchmarks.analysis.verdict import decide, remedy
from benchmarks.manager.environment import git_commit
from benchmarks.measure.interleave import Interleaving
from benchmarks.measure.machine_load import load_warnings
from benchmarks.results.schema import Circumstances, Comparison, Remedy, Result
from benchmarks.results.sentences import OTHERS_USED, QUIETER, WITHHELD

VERDICTS = {
    "first faster": f"{NAMES[0]} faster",
    "second faster": f"{NAMES[1]} faster",
    "equal": "equal",
    "undecided": "undecided",
}
OF_LOAD = tuple(message.partition("{")[0] for message in (OTHERS_USED, WITHHELD))  # how they begin


def comparison(turns: Interleaving, *, margin: float, pairs: int) -> Comparison:
    """Results of one case on torch and paddle, its two sides.

    ``margin``, in percent, is what nobody minds. Fewer than ``pairs`` of processes are an unfinished one.
    """
    rows = turns.rows()
    common = _common(turns, rows)
    if turns.failures:
        reason = "; ".join(dict.fromkeys(failure.explained for failure in turns.failures.values()))
        verdicts = {"verdict": "not comparable", "old_verdict": "not comparable"}
        return Comparison.model_validate(common | verdicts | {"reason": reason})
    effort, estimate = turns.effort(), turns.estimate()
    facts = {
        **{f"{name}_quick_seconds": turns.quick_seconds(name) for name in turns.names},
        **turns.facts(),
        "margin": margin,
        "left_out": effort.left_out,
        "rounds": effort.rounds,
        "pairs": effort.pairs,
        "seconds": effort.seconds,
        "complete": effort.pairs >= pairs,
    }
    judged = _judged(turns, estimate, margin=margin)
    return Comparison.model_validate(common | facts | _figures(estimate) | judged)


def _figures(estimate: RatioEstimate | None) -> dict[str, Any]:
    if estimate is None:
        return {}
    return {
        "ratio": estimate.ratio,
        "ratio_ci95": estimate.interval,
        "repetition_ci95": estimate.repetition,
        "noise": estimate.noise,
    }


def _judged(turns: Interleaving, estimate: RatioEstimate | None, *, margin: float) -> dict[str, Any]:
    """Verdict, and where there is none, why, and what would give one."""
    known = turns.verdict_without_ratio() if estimate is None and turns.is_valid() else None
    if known is not None:
        old = "no difference" if known[0] == "undecided" else known[0]
        return {"verdict": known[0], "old_verdict": old, "reason": known[1]}
    if estimate is None or not turns.is_valid():
        reason = f"{turns.disturbance().reason()}; {QUIETER}"
        return {"verdict": "invalid", "old_verdict": "no difference", "reason": reason}
    decision = decide(estimate.interval, margin=margin)
    verdict = VERDICTS[decision]
    if decision == "undecided":
        found = remedy(estimate, turns.effort(), margin=margin)
        advice = Remedy(dominant=found.dominant, flags=found.command, minutes=found.minutes)
        return {
            "verdict": verdict,
            "old_verdict": "no difference",
            "reason": found.sentence(),
            "remedy": advice,
        }
    return {"verdict": verdict, "old_verdict": "no difference" if decision == "equal" else verdict}


def _common(turns: Interleaving, rows: Sequence[Result]) -> dict[str, Any]:
    request, threads = turns.session.request, {row.threads for row in rows}
    speeds = {f"{row.backend}_images_per_second": row.images_per_second for row in rows}
    return (
        asdict(turns.case)
        | speeds
        | {
            "engine": _both(row.engine for row in rows),
            "precision": _both(row.precision for row in rows),
            "layout": _both(row.layout for row in rows),
            "threads": threads.pop() if len(threads) == 1 else None,
            "model": request.model,
            "device": rows[0].device,
            "settings": request.settings_mode,
            "circumstances": circumstances(turns.circumstances),
        }
    )


def circumstances(laps: Sequence[Mapping[str, Any]]) -> Circumstances | None:
    """What the machine did while each pair of processes was measured, put together; None of nothing."""
    if not laps:
        return None
    shares = {name: fmean(lap[name] for lap in laps) for name in ("other_cpu_fraction", "steal_fraction")}
    every = dict.fromkeys(line for lap in laps for line in lap["warnings"])
    warnings = load_warnings(*shares.values())
    warnings += [line for line in every if not line.startswith(OF_LOAD)]
    return Circumstances(**{**laps[-1], **shares, "warnings": warnings, "git_commit": git_commit()})


def _both(words: Iterable[str]) -> str:
    """One word where both sides have the same, else torch's and paddle's."""
    return " / ".join(dict.fromkeys(words))
