"""Measurements that explain a figure, asked of a worker after the timing: memory, peaks, layers."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from benchmarks.manager.installations import ROOT
from benchmarks.manager.session import Session
from benchmarks.manager.worker_process import WorkerFailure
from benchmarks.request.case import Case
from benchmarks.results.samples import Measured
from common.engines.kinds import EAGER

GLANCE_SECONDS = 0.1


class Diagnostics:
    """Asks the workers of a session, and nothing twice that cannot have changed."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._machine: dict[tuple[Any, ...], float | None] = {}
        self._glances: dict[tuple[Any, ...], float] = {}  # the best of those short readings
        self._glanced: set[tuple[Any, ...]] = set()
        self._layer_times: dict[str, list[dict[str, Any]]] = {}

    def explain(self, name: str, case: Case, measured: Measured) -> None:
        """Read the peak memory of a backend's job, release it, and measure what explains its figures."""
        if measured.starting is not None:
            return
        worker, device = self._session.worker(name), measured.facts.device
        measured.peak_memory_bytes = worker.ask("peak_memory_bytes")
        worker.ask("release")
        if case.phase == "data":
            return
        once, best = [], []
        for task, where in self._readings(case, device):
            once.append(self._once(name, task, **where))
            best.append(self._best(name, task, **where))
        measured.matmul_peak_flops, measured.bandwidth_bytes = once
        measured.best_matmul_flops, measured.best_bandwidth_bytes = best
        if self._session.request.layers and case.engine == EAGER.name:
            measured.layers = self._layers(name, case, device)

    def glance(self, name: str, case: Case, device: str) -> None:
        """Read shortly what the machine reaches now, once a process.

        One reading at the end may fall into a slow minute, and a step would then be faster than "the peak".
        """
        alike = all(place.root == ROOT for place in self._session.places.values())
        if case.phase not in ("infer", "train") or not alike:  # beside an earlier version each does the same
            return
        worker = self._session.worker(name)
        for task, where in self._readings(case, device):
            key = (name, task, *where.values())
            if key not in self._machine and (worker.pid, *key) not in self._glanced:
                self._glanced.add((worker.pid, *key))
                found = worker.ask(task, **where, seconds=GLANCE_SECONDS)
                self._glances[key] = max(found or 0.0, self._glances.get(key, 0.0))

    def _readings(self, case: Case, device: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """The tasks that read what the machine reaches, with what they are given."""
        where = {"device": device, "threads": self._threads(case)}
        yield "matmul_peak", {"precision": case.precision, **where}
        yield "bandwidth", where

    def _threads(self, case: Case) -> int | None:
        return None if self._session.request.settings_mode == "as-shipped" else case.threads

    def _once(self, name: str, task: str, **where: Any) -> float | None:
        """What the machine reaches in a worker; None in one of a version that does not measure it."""
        key = (name, task, *where.values())
        if key not in self._machine:
            try:
                self._machine[key] = self._session.worker(name).ask(task, **where)
            except WorkerFailure as failure:
                if failure.is_gone or self._session.places[name].root == ROOT:
                    raise
                self._machine[key] = None
        return self._machine[key]

    def _best(self, name: str, task: str, **where: Any) -> float | None:
        """The best of all readings; None where there is none."""
        key = (name, task, *where.values())
        return max(self._machine[key] or 0.0, self._glances.get(key, 0.0)) or None

    def _layers(self, name: str, case: Case, device: str) -> list[dict[str, Any]]:
        # Both passes of a layer are timed whatever the phase is, on a fixed batch whatever steps read.
        spec = self._session.job(name, replace(case, phase="infer"), device=device)
        spec = replace(spec, images=None, inputs=self._session.inputs.batch(case.batch_size))
        key = json.dumps([name, spec.to_json()])
        if key not in self._layer_times:
            try:
                self._layer_times[key] = self._session.worker(name).ask("time_layers", spec=spec.to_json())
            except WorkerFailure as failure:  # what was timed before stays
                self._session.end(name)
                self._layer_times[key] = [{"name": "model", "type": "model", "reason": failure.reason}]
        return self._layer_times[key]
