"""What explains a figure, asked of a worker after the timing: memory, peaks, layers."""

import json
from typing import Any

from benchmarks.manager.session import Session
from benchmarks.request.request import Case
from benchmarks.results.samples import Measured


class Diagnostics:
    """Asks the workers of a session, and nothing twice that cannot have changed."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._peaks: dict[tuple[Any, ...], float | None] = {}
        self._layer_times: dict[str, list[dict[str, Any]]] = {}

    def explain(self, name: str, case: Case, measured: Measured) -> None:
        """Read the peak memory of a backend's job, release it, and find out what explains its figures."""
        if measured.starting is not None:
            return
        worker, request = self._session.worker(name), self._session.request
        measured.peak_memory_bytes = worker.ask("peak_memory_bytes")
        worker.ask("release")
        if case.phase == "data":
            return
        threads = None if request.settings_mode == "as-shipped" else case.threads
        measured.matmul_peak_flops = self._peak(name, case, measured.facts["device"], threads)
        if request.layers and case.engine == "eager":
            measured.layers = self._layers(name, case, measured.facts["device"], threads)

    def _peak(self, name: str, case: Case, device: str, threads: int | None) -> float | None:
        key = (name, device, case.precision, threads)
        if key not in self._peaks:
            where: dict[str, Any] = {"precision": case.precision, "device": device, "threads": threads}
            self._peaks[key] = self._session.worker(name).ask("matmul_peak", **where)
        return self._peaks[key]

    def _layers(self, name: str, case: Case, device: str, threads: int | None) -> list[dict[str, Any]]:
        worker, supplies = self._session.worker(name), self._session.supplies
        build = self._session.build(case, device)
        asked: dict[str, Any] = {
            "build": build,
            "precision": case.precision,
            "weights": supplies.weights(worker, precision=build["precision"], device=device),
            "inputs": supplies.inputs(case.batch_size),
            "threads": threads,
        }
        key = json.dumps([name, asked])
        if key not in self._layer_times:
            self._layer_times[key] = worker.ask("time_layers", **asked)
        return self._layer_times[key]
