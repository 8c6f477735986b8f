"""From a comparison that failed to the layer to blame."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.parity.judge import sentences
from benchmarks.parity.judge.gap import TOLERANCE, Gap
from benchmarks.parity.judge.verdicts import Verdicts
from benchmarks.parity.sides.alignment import Match
from benchmarks.parity.sides.recording import Alone
from benchmarks.parity.tensors.distance import distance
from benchmarks.parity.tensors.tensor_name import GRADIENT, INPUT, OUTPUT, TensorName

LOSS = "loss"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Gaps by call, relative L2: as recorded in the whole network, and of each layer run alone.

    ``before`` is what the layer was given (its input; going backwards the gradient of its output),
    ``after`` what it made of it. None where there is nothing to compare.
    """

    before: Callable[[Match], float | None]
    after: Callable[[Match], float | None]
    alone: Callable[[Match], float | None]


@dataclass(frozen=True, kw_only=True)
class Suspect:
    """A layer, or the place between two, and the gap seen there.

    ``path`` says what led to it.
    """

    layer: str | None
    relative_l2: float | None
    path: str
    base: str | None = None


def first_suspect(
    matches: Sequence[Match], evidence: Evidence, *, backwards: bool = False, tolerance: float = TOLERANCE
) -> Suspect | None:
    """The place to blame, going through ``matches`` in order (backwards: from the last to the first)."""
    ordered = list(reversed(matches)) if backwards else list(matches)
    guilty = _first_guilty(ordered, evidence, tolerance)
    if guilty is not None:
        return guilty
    doubtful = {match.name for match in _beside_rearranged(ordered)}
    gap = _first_gap(ordered, evidence, tolerance, backwards=backwards, leave_out=doubtful)
    gap = gap or _first_gap(ordered, evidence, tolerance, backwards=backwards, leave_out=set())
    return gap or (None if backwards else _behind_the_last(ordered))


def _behind_the_last(ordered: Sequence[Match]) -> Suspect:
    """All layers agree and the output does not: what only one side runs last, or no layer at all."""
    last = max((index for index, match in enumerate(ordered) if match.both), default=-1)
    ours = [match for match in ordered[last + 1 :] if match.ours]
    name = ordered[last].layer if last >= 0 else INPUT
    path = "; ".join([sentences.OUTPUT_DEPARTS.format(layer=name), *_alone(ordered[last + 1 :])])
    layer = ours[0].layer if ours else sentences.BETWEEN.format(first=name, second=OUTPUT)
    return Suspect(layer=layer, relative_l2=None, path=path, base=_base(ours[0]) if ours else None)


def _first_guilty(ordered: Sequence[Match], evidence: Evidence, tolerance: float) -> Suspect | None:
    """A layer that departs in the network and alone.

    One that cannot be run alone: by its own input.
    """
    for match in ordered:
        if not match.both or match.moved:
            continue
        after, alone = evidence.after(match), evidence.alone(match)
        if alone is None and after is None:
            continue
        departs = after is None or after > tolerance
        if alone is None:
            before = evidence.before(match)
            alone = after if before is not None and before <= tolerance else 0.0
        if departs and alone is not None and alone > tolerance:
            return Suspect(
                layer=match.layer,
                relative_l2=alone,
                path=sentences.DEPARTS_ALONE.format(call=match.name, gap=f"{alone:.1e}"),
                base=_base(match),
            )
    return None


def _first_gap(
    ordered: Sequence[Match], evidence: Evidence, tolerance: float, *, backwards: bool, leave_out: set[str]
) -> Suspect | None:
    """Between A, which agrees, and B, which is given something else.

    If no such place is found, a layer that departs inside the network alone.
    """
    earlier: Match | None = None
    skipped: list[Match] = []  # what only one side runs there
    for match in ordered:
        if not match.both:
            skipped.append(match)
            continue
        before, after = evidence.before(match), evidence.after(match)
        if match.name not in leave_out:
            if before is not None and before > tolerance:
                return _between(earlier, match, skipped, gap=before, backwards=backwards)
            if before is not None and after is not None and after > tolerance:
                inside = sentences.DEPARTS_INSIDE.format(call=match.name, gap=f"{after:.1e}")
                path = f"{inside}; {sentences.AGREES_ALONE}"
                return Suspect(layer=match.layer, relative_l2=after, path=path, base=_base(match))
        earlier, skipped = match, []
    return None


def _between(
    earlier: Match | None, later: Match, skipped: Sequence[Match], *, gap: float, backwards: bool
) -> Suspect:
    names = [earlier.layer if earlier else (LOSS if backwards else INPUT), later.layer]
    first, second = reversed(names) if backwards else names
    ours = [match for match in skipped if match.ours]
    way = sentences.BACKWARD_DEPARTS if backwards else sentences.FORWARD_DEPARTS
    departs = way.format(layer=names[0], call=later.name, gap=f"{gap:.1e}")
    path = "; ".join([departs, *_alone(skipped)])
    if ours:
        return Suspect(layer=ours[0].layer, relative_l2=gap, path=path, base=_base(ours[0]))
    return Suspect(layer=sentences.BETWEEN.format(first=first, second=second), relative_l2=gap, path=path)


def _alone(matches: Iterable[Match]) -> list[str]:
    """A clause on each call that one side alone makes."""
    return [
        sentences.ONLY.format(side="torch" if match.ours else "paddle", call=match.name) for match in matches
    ]


def _beside_rearranged(ordered: Sequence[Match]) -> list[Match]:
    """Calls whose neighbour runs elsewhere, or only, on one side: their inputs may well differ."""
    odd = {index for index, match in enumerate(ordered) if match.moved}
    return [match for index, match in enumerate(ordered) if {index - 1, index, index + 1} & odd]


def _base(match: Match) -> str | None:
    return str(match.ours["base"]) if match.ours else None


def blame_forward(verdicts: Verdicts, alone: Alone) -> Suspect | None:
    """The first layer in order of execution whose output departs although its input agreed."""
    evidence = Evidence(
        before=lambda match: _worst(
            verdicts.recorded_gap(match, f"{INPUT}{place}") for place in range(_inputs(match))
        ),
        after=lambda match: _worst(
            verdicts.recorded_gap(match, what) for what in match.compared if what.startswith(OUTPUT)
        ),
        alone=lambda match: _gap_alone(alone, match, lambda what: what.startswith(OUTPUT)),
    )
    return first_suspect(verdicts.recording.matches, evidence)


def blame_backward(
    verdicts: Verdicts, alone: Alone, *, parameters: Sequence[Mapping[str, str]]
) -> Suspect | None:
    """The first layer in reverse order whose gradients depart although the one that came to it agreed.

    ``parameters`` are torch's, each with its "name" and the "layer" that it belongs to.
    """
    called = [match.layer for match in verdicts.recording.matches]
    own: dict[str, list[TensorName]] = {}
    for entry in parameters:
        own.setdefault(entry["layer"], []).append(TensorName.of_gradient(entry["name"]))

    def after(match: Match) -> float | None:
        if called.count(match.layer) > 1:
            return None  # its parameters' gradients are sums over its calls
        gaps = [verdicts.gaps[name] for name in own.get(match.layer, []) if name in verdicts.gaps]
        return _worst(_left(gap) for gap in gaps)

    evidence = Evidence(
        before=lambda match: _worst(
            verdicts.recorded_gap(match, what) for what in match.compared if what.startswith(GRADIENT)
        ),
        after=after,
        alone=lambda match: _gap_alone(alone, match, lambda what: not what.startswith(OUTPUT)),
    )
    return first_suspect(verdicts.recording.matches, evidence, backwards=True)


def _gap_alone(alone: Alone, match: Match, counts: Callable[[str], bool]) -> float | None:
    """The largest gap of a layer run alone, of the tensors that count.

    The gap is infinite if one side refuses the input.
    """
    if match.name in alone.failures:
        return float("inf")
    ours, theirs = alone.folders["torch"], alone.folders["paddle"]
    names = {name for name in (*ours, *theirs) if name.rpartition("/")[0] == match.name}
    return _worst(
        distance(ours.load(name), theirs.load(name))[0] if name in ours and name in theirs else float("inf")
        for name in sorted(names)
        if counts(name.rpartition("/")[2])
    )


def _left(gap: Gap) -> float:
    """Remainder of a gap without known roundings and mere noise."""
    return 0.0 if gap.passed else gap.relative_l2


def _inputs(match: Match) -> int:
    return min(int(call["inputs"]) for call in (match.ours, match.theirs) if call is not None)


def _worst(gaps: Iterable[float | None]) -> float | None:
    found = [gap for gap in gaps if gap is not None]
    return max(found, default=None)
