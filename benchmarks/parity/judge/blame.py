"""From a comparison that failed to the layer to blame."""

from collections.abc import Callable, Iterable

from benchmarks.parity.gaps import Gap, distance
from benchmarks.parity.judge.localization import Evidence, Suspect, first_suspect
from benchmarks.parity.sides.alignment import Match
from benchmarks.parity.sides.run import Recorded
from benchmarks.parity.tensor_folder import TensorFolder


def blame_forward(recorded: Recorded) -> Suspect | None:
    """The first layer in order of execution whose output departs although its input agreed."""
    alone = _Alone(recorded, lambda what: what == "output")
    evidence = Evidence(
        before=lambda match: _worst(
            recorded.recorded_gap(match, f"input{place}") for place in range(_inputs(match))
        ),
        after=lambda match: recorded.recorded_gap(match, "output"),
        alone=alone.gap,
    )
    return first_suspect(recorded.matches, evidence)


def blame_backward(recorded: Recorded) -> Suspect | None:
    """The first layer in reverse order whose gradients depart although the one that came to it agreed."""
    alone = _Alone(recorded, lambda what: what != "output")
    called = [match.layer for match in recorded.matches]
    own: dict[str, list[str]] = {}
    for entry in recorded.bench.described["torch"]["parameters"]:
        own.setdefault(entry["layer"], []).append(f"gradients/{entry['name']}")

    def after(match: Match) -> float | None:
        if called.count(match.layer) > 1:
            return None  # its parameters' gradients are sums over its calls
        gaps = [recorded.gaps[name] for name in own.get(match.layer, []) if name in recorded.gaps]
        return _worst(_left(gap) for gap in gaps)

    evidence = Evidence(
        before=lambda match: recorded.recorded_gap(match, "gradient"), after=after, alone=alone.gap
    )
    return first_suspect(recorded.matches, evidence, backwards=True)


class _Alone:
    """Gaps between the two sides' layers run alone; they are run at the first question."""

    def __init__(self, recorded: Recorded, counts: Callable[[str], bool]) -> None:
        self._recorded, self._counts = recorded, counts
        self._folders: tuple[TensorFolder, TensorFolder] | None = None
        self._failures: dict[str, str] = {}
        self._names: set[str] = set()

    def gap(self, match: Match) -> float | None:
        """The largest gap of what counts; infinite where one side's layer refuses the input."""
        if self._folders is None:
            ours, theirs, self._failures = self._recorded.isolate()
            self._folders, self._names = (ours, theirs), set(ours) | set(theirs)
        if match.name in self._failures:
            return float("inf")
        ours, theirs = self._folders
        names = [name for name in self._names if name.startswith(f"{match.name}/")]
        counted = [name for name in names if self._counts(name.removeprefix(f"{match.name}/"))]
        return _worst(
            distance(ours.load(name), theirs.load(name))[0]
            if name in ours and name in theirs
            else float("inf")
            for name in counted
        )


def _left(gap: Gap) -> float:
    """What is left of a gap without what is known or mere noise."""
    return 0.0 if gap.passed else gap.relative_l2


def _inputs(match: Match) -> int:
    return min(int(call["inputs"]) for call in (match.ours, match.theirs) if call is not None)


def _worst(gaps: Iterable[float | None]) -> float | None:
    found = [gap for gap in gaps if gap is not None]
    return max(found, default=None)
