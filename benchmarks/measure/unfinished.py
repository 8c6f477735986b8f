"""What of a comparison was measured when it was cut off: raw values beside the report, to go on with."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks.measure.interleave import Interleaving
from benchmarks.request.case import Case
from benchmarks.request.job import JobFacts
from benchmarks.results.samples import Block, Measured
from common.cli import UsageError
from common.files import write_text
from common.runtime.kernel_counters import KernelCounters

NAME = "unfinished.json"
ANEW = ("startup", "soak")  # a process is what they are about
FACTS = (  # of Measured, beside its blocks
    "tuning",
    "unsynchronised_seconds",
    "last_outcome",
    "idle_cpu_seconds",
    "peak_memory_bytes",
    "matmul_peak_flops",
    "bandwidth_bytes",
    "best_matmul_flops",
    "best_bandwidth_bytes",
    "layers",
    "brackets",
    "starts",
    "start_reason",
    "warmup_steps",
)


class Unfinished:
    """The file of a folder in which combinations lie that have fewer pairs of processes than asked for."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._is_forgotten = False

    @cached_property
    def _found(self) -> list[dict[str, Any]]:
        """What lies there. Raises UsageError for what no run of ours left."""
        if self._is_forgotten or not self._path.exists():
            return []
        try:
            found: list[dict[str, Any]] = json.loads(self._path.read_text(encoding="utf-8"))
        except ValueError:
            raise UsageError(f"{self._path}: is not what a stopped run leaves; remove that file") from None
        return found

    def forget(self) -> None:
        """Delete what lies here: it belongs to another request."""
        self._is_forgotten = True
        self.remove()

    def keep(self, every: Iterable[Interleaving]) -> None:
        """Write all that is there, atomically. What failed is tried again; some phases are begun again."""
        kept = [_to_json(turns) for turns in every if not turns.failures and turns.case.phase not in ANEW]
        write_text(self._path, json.dumps(kept))

    def has(self, case: Case) -> bool:
        """True if a combination lies here."""
        return any(Case(**one["case"]) == case for one in self._found)

    def give(self, turns: Interleaving) -> int:
        """Give a combination what it had when it was cut off; returns how many rounds that is."""
        for one in self._found:
            if Case(**one["case"]) == turns.case and set(one["sides"]) == set(turns.names):
                _fill(turns, one)
                return sum(turns.processes)
        return 0

    def remove(self) -> None:
        """Everything is in the report."""
        self._path.unlink(missing_ok=True)


def _to_json(turns: Interleaving) -> dict[str, Any]:
    sides = {}
    for name, measured in turns.measured.items():
        sides[name] = {
            "case": asdict(turns.cases[name]),
            "facts": measured.facts.to_json(),
            **{name: getattr(measured, name) for name in FACTS},
            "blocks": [_block_to_json(block) for block in measured.blocks],
        }
    return {
        "case": asdict(turns.case),
        "processes": turns.processes,
        "circumstances": turns.circumstances,
        "seconds": turns.seconds,
        "sides": sides,
    }


def _block_to_json(block: Block) -> dict[str, Any]:
    counters = block.counters and block.counters.to_json()
    return {"process": block.process, "seconds": block.seconds, "counters": counters, "joules": block.joules}


def _fill(turns: Interleaving, values: dict[str, Any]) -> None:
    turns.processes, turns.circumstances = values["processes"], values["circumstances"]
    turns.seconds = values["seconds"]
    for name, side in values["sides"].items():
        turns.cases[name] = Case(**side.pop("case"))
        blocks, facts = side.pop("blocks"), JobFacts.from_json(side.pop("facts"))
        turns.measured[name] = Measured(facts=facts, blocks=[_block(block) for block in blocks], **side)
        turns.tuning[name] = turns.measured[name].tuning


def _block(values: dict[str, Any]) -> Block:
    counters = values["counters"] and KernelCounters.from_json(values["counters"])
    return Block(
        process=values["process"], seconds=values["seconds"], counters=counters, joules=values.get("joules")
    )
