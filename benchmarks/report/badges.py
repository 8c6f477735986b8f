"""The answer as badges: one for each phase and batch size, and a sentence on what to choose."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from benchmarks.analysis.best import compared
from benchmarks.report import said
from benchmarks.report.badge import Badge
from benchmarks.report.memory import memory_badges
from benchmarks.report.outcomes import best_key, outcome, way
from benchmarks.report.words import verdict_words
from benchmarks.request.request import DEFAULT_MARGIN, REFERENCES
from benchmarks.results.formatting import half_width, number
from benchmarks.results.schema import Best, BestSide, CompareReport, Comparison, Result
from benchmarks.results.sentences import translated
from common.language import Language

KINDS = {"torch": "faster", "paddle": "faster"}  # the others are their own kind
FEW = 6  # badges that have room for more than the best
MOST_OTHERS = 3  # comparisons beside the best that a badge lists


def badges(say: Language, report: CompareReport) -> list[Badge]:
    """One for each phase and batch size: the best of both sides, or why there is none."""
    found = {best_key(best): _of_best(say, best, report) for best in report.best}
    for pair in report.comparisons:
        if pair.verdict == "invalid":
            figure = say("no winner: the machine was disturbed")
            words = {"word": say("invalid"), "figure": figure, "reason": translated(pair.reason or "", say)}
            found.setdefault(
                best_key(pair), Badge(title=_title(say, *best_key(pair)), kind="invalid", **words)
            )
    for row in report.results:
        if row.status != "ok":
            figure = say("{side}: {status}", side=row.backend, status=say(row.status))
            words = {
                "word": say("not measured"),
                "figure": figure,
                "reason": translated(row.reason or "", say),
            }
            found.setdefault(best_key(row), Badge(title=_title(say, *best_key(row)), kind="missing", **words))
    phases = list(dict.fromkeys(row.phase for row in report.results))
    ordered = sorted(found, key=lambda at: (phases.index(at[0]), int(at[1].split()[0]), *at[1:]))
    shown = [*memory_badges(say, report), *(found[place] for place in ordered)]
    return shown if len(shown) <= FEW else [replace(badge, others=()) for badge in shown]


def advice(say: Language, report: CompareReport) -> str:
    """What to choose, phase by phase, those first in which one is faster; "" if nothing was compared."""
    alike: dict[tuple[str, str, bool], list[str]] = {}
    kinds: dict[tuple[str, str], list[Best]] = {}
    for best in report.best:
        phase, _, precision = best_key(best)
        kinds.setdefault((phase, precision), []).append(best)
    for (phase, precision), bests in kinds.items():
        outcomes = [outcome(best, report.comparisons) for best in bests]
        undecided = not {"torch", "paddle"} & set(outcomes)
        found = (_engines(say, bests), _choice(say, bests, outcomes), undecided)
        words = said.phase(say, phase)
        name = say("{phase} in {precision}", phase=words, precision=precision) if precision else words
        alike.setdefault(found, []).append(name)
    return say.space.join(
        say("{phase} ({engines}): {choice}.", phase=say.joined(names), engines=engines, choice=choice)
        for (engines, choice, _), names in sorted(alike.items(), key=lambda item: item[0][-1])
    )


def _choice(say: Language, bests: Sequence[Best], outcomes: Sequence[str]) -> str:
    names = set(outcomes)
    winners = names & {"torch", "paddle"}
    if len(winners) == 2:
        sizes = {name: _sizes(say, bests, outcomes, name) for name in ("torch", "paddle")}
        return say("torch at batch {torch}, paddle at batch {paddle}", **sizes)
    if winners:
        (name,) = winners
        if names == winners:
            return say("choose {name}", name=name)
        if names == {name, "equal"}:
            at = _sizes(say, bests, outcomes, "equal")
            return say("choose {name}; either at batch {sizes}", name=name, sizes=at)
        at = _sizes(say, bests, outcomes, name)
        return say("choose {name} at batch {sizes}", name=name, sizes=at)
    if names == {"equal"}:
        return say("either")
    return say("not decided yet, measure longer")


def _sizes(say: Language, bests: Sequence[Best], outcomes: Sequence[str], name: str) -> str:
    return say.joined(best.batch for best, found in zip(bests, outcomes, strict=True) if found == name)


def _engines(say: Language, bests: Sequence[Best]) -> str:
    """With which engines, so that nothing is taken for what eager does."""
    torch, paddle = ({getattr(best, name).engine for best in bests} for name in ("torch", "paddle"))
    if len(torch) > 1 or len(paddle) > 1:
        return say("the engine differs by batch size")
    (ours,), (theirs,) = torch, paddle
    if ours == theirs:
        return say("{engine} on both", engine=ours)
    return say("torch: {torch}, paddle: {paddle}", torch=ours, paddle=theirs)


def _of_best(say: Language, best: Best, report: CompareReport) -> Badge:
    found = outcome(best, report.comparisons)
    pair = compared(best, report.comparisons)
    others = _others(say, best, pair, report.comparisons)
    return Badge(
        title=_title(say, *best_key(best)),
        kind=KINDS.get(found, found),
        winner=found if found in KINDS else "",
        word=_word(say, found),
        figure=_figure(say, found, best, pair),
        sides=[_side(say, name, getattr(best, name), best, report.results) for name in ("torch", "paddle")],
        others=others if len(others) <= MOST_OTHERS else (),
        reason=translated(pair.reason or "", say) if pair and found == "undecided" else "",
    )


def _word(say: Language, found: str) -> str:
    known = {"torch": say("torch is faster"), "paddle": say("paddle is faster")}
    return known.get(found) or say(found)


def _figure(say: Language, found: str, best: Best, pair: Comparison | None) -> str:
    if pair is None:
        ratio = number(max(best.ratio, 1 / best.ratio))
        if found in KINDS:
            return say("{ratio} times as fast, not measured in turns", ratio=ratio)
        return say("paddle / torch {ratio}, not measured in turns", ratio=number(best.ratio))
    if found == "equal":
        margin = pair.margin if pair.margin is not None else DEFAULT_MARGIN
        return say("within ±{margin} %{range}", margin=f"{margin:g}", range=_range(say, pair, ""))
    return times(say, pair)


def times(say: Language, pair: Comparison) -> str:
    """How many times as fast the faster side is, with its interval; of an undecided pair the ratio's."""
    if pair.ratio is None or pair.ratio_ci95 is None or half_width(pair.ratio_ci95) > 1:
        return say("by how much is not known")
    if pair.verdict.endswith(" faster"):
        name = pair.verdict.removesuffix(" faster")
        ratio = number(1 / pair.ratio if name == "torch" else pair.ratio)
        return say("{ratio} times as fast{range}", ratio=ratio, range=_range(say, pair, name))
    return say("paddle / torch {ratio}{range}", ratio=number(pair.ratio), range=_range(say, pair, ""))


def _range(say: Language, pair: Comparison, name: str) -> str:
    if pair.ratio_ci95 is None or half_width(pair.ratio_ci95) > 1:
        return ""
    low, high = pair.ratio_ci95
    ends = (1 / high, 1 / low) if name == "torch" else (low, high)
    return say(" ({low} to {high})", low=number(ends[0]), high=number(ends[1]))


def _side(say: Language, name: str, side: BestSide, best: Best, rows: Iterable[Result]) -> str:
    """A side's engine and speed, and its cost where a price was given."""
    speed = number(side.images_per_second)
    text = say("{name} ({way}): {speed} images/s", name=name, way=way(side), speed=speed)
    for row in rows:
        same = (row.backend, best_key(row), row.images_per_second) == (
            name,
            best_key(best),
            side.images_per_second,
        )
        if same and row.cost_per_million_images is not None:
            cost = number(row.cost_per_million_images)
            return text + say(", {cost} per million images", cost=cost)
    return text


def _others(say: Language, best: Best, pair: Comparison | None, rows: Sequence[Comparison]) -> list[str]:
    """Lines on the other comparisons of the phase at this batch size, each with its engine."""
    lines = []
    for row in rows:
        is_other = best_key(row) == best_key(best) and row is not pair and row.engine not in REFERENCES
        if is_other and row.ratio is not None and row.verdict not in ("not comparable", "invalid"):
            name = verdict_words(row, say)
            which = say.joined([row.engine, row.precision])
            lines.append(say.joined([which, say.joined([name, times(say, row)])], by=": "))
    return lines


def _title(say: Language, phase: str, batch: str, precision: str) -> str:
    title = say("{phase}, batch {batch}", phase=said.phase(say, phase), batch=batch)
    return say.joined([title, precision]) if precision else title
