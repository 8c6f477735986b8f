"""The first stage: what both sides consist of, before anything is computed."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.parity.judge import sentences
from benchmarks.parity.judge.gap import FAIL, PASS, Gap, compare, fact
from benchmarks.parity.judge.localization import Suspect
from benchmarks.parity.sides.pair import Pair
from benchmarks.parity.stages.stage import Stage
from benchmarks.parity.tensors.tensor_folder import TensorFolder


def parameters_stage(pair: Pair) -> Stage:
    """Counts, names, shapes, trainable or frozen; buffers that are constants must be equal.

    What was paired otherwise than by name, left out or is to be doubted is in the notes and facts.
    """
    ours, theirs = (
        {entry["name"]: entry for entry in pair.described[name]["parameters"]} for name in pair.described
    )
    pairing = pair.pairing
    assert pairing is not None
    gaps = []
    for name, others in pairing.parameters.items():
        words = [_word(ours[name]), *(_word(theirs[other]) for other in others)]
        same = len({*words}) == 1
        note = pairing.warnings.get(name) or _pieces(others)
        if not same:
            note = f"{words[0]} in torch, {next(word for word in words if word != words[0])} in paddle"
        gaps.append(fact(name, ours[name]["shape"], verdict=PASS if same else FAIL, note=note))
    for side, entries in (("torch", ours), ("paddle", theirs)):
        note = sentences.LEFT_OUT.format(side=side)
        gaps += [
            fact(name, entries[name]["shape"], verdict=PASS, note=note) for name in pairing.left_out[side]
        ]
    gaps += _buffers(pair)
    facts = {
        "paired": pairing.method,
        "map": pairing.as_map() if pairing.method != "by name" else None,
        "left_out": {side: list(names) for side, names in pairing.left_out.items()},
        "warnings": dict(pairing.warnings),
        "parameters": pair.parameters(),
        "trainable": sum(int(np.prod(entry["shape"])) for entry in ours.values() if entry["trainable"]),
        "buffers": list(pairing.buffers),
        "initial_values": _other_starts(pair),
    }
    first = next((gap for gap in gaps if gap.verdict == FAIL), None)
    suspect = None
    if first is not None:
        layer = next((e["layer"] for e in _everything(pair) if e["name"] == first.name), None)
        suspect = Suspect(layer=layer, relative_l2=None, path=first.note or "")
    return Stage(name="parameters", dtype=None, tolerance=None, gaps=gaps, suspect=suspect, facts=facts)


def _pieces(others: Sequence[str]) -> str | None:
    """What to say of a parameter that paddle has in several."""
    return f"stacked from paddle's {', '.join(others)}" if len(others) > 1 else None


SPREADS = 1.25  # of two equal distributions of 100 numbers or more, one is seldom so much wider
FEWEST = 100


def _other_starts(pair: Pair) -> list[dict[str, Any]]:
    """Parameters whose own initial values spread otherwise on the two sides; no fault, but another start."""
    assert pair.pairing is not None
    shapes = {entry["name"]: entry["shape"] for entry in pair.described["torch"]["parameters"]}
    found = []
    for name, others in pair.pairing.parameters.items():
        ours = pair.spreads.get("torch", {}).get(name, 0.0)
        theirs = pair.spreads.get("paddle", {}).get(others[0], 0.0)
        large = int(np.prod(shapes[name])) >= FEWEST and len(others) == 1
        if large and min(ours, theirs) > 0 and max(ours, theirs) > SPREADS * min(ours, theirs):
            found.append({"name": name, "torch": ours, "paddle": theirs})
    return found


def _word(entry: Mapping[str, Any]) -> str:
    return "trainable" if entry["trainable"] else "frozen"


def _everything(pair: Pair) -> list[Mapping[str, Any]]:
    return [*pair.described["torch"]["parameters"], *pair.described["torch"]["buffers"]]


def _buffers(pair: Pair) -> list[Gap]:
    """Statistics are copied, so they only have to be there.

    Constants are the definition's own.
    """
    pairing = pair.pairing
    assert pairing is not None
    left, right = (
        {entry["name"]: entry for entry in pair.described[name]["buffers"]} for name in pair.described
    )
    lone = [(name, "torch") for name in left if name not in pairing.buffers]
    lone += [(name, "paddle") for name in right if name not in set(pairing.buffers.values())]
    statistics = pair.statistics()
    gaps = [fact(name, left[name]["shape"], verdict=PASS) for name in statistics]
    gaps += [
        fact(name, (left | right)[name]["shape"], verdict=PASS, note=f"a buffer that {side} alone has")
        for name, side in lone
    ]
    constants = [name for name in pairing.buffers if name not in statistics]
    if constants:
        pair.ask_both("buffers", target=lambda name: f"buffers-{name}")
        folders = [TensorFolder(pair.path(f"buffers-{name}")) for name in ("torch", "paddle")]
        gaps += [
            compare(name, folders[0].load(name), folders[1].load(pairing.buffers[name])) for name in constants
        ]
    return gaps
