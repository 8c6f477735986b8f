"""Load of the machine meanwhile: processors, clocks, on a GPU power and heat."""

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from benchmarks.manager.environment import now
from benchmarks.results.formatting import labeller
from benchmarks.results.schema import Comparison
from benchmarks.results.sentences import BECAME_FASTER, BECAME_SLOWER, CLOCK_CHANGED, OTHERS_USED, WITHHELD

BUSY = 0.15  # of the processors' time, taken by others: figures are then worth a second look
SHORTEST = 1.0  # seconds
THROTTLED = 0.9  # of the highest clock seen


class MachineLoad:
    """Looks at the machine when it is made, and again when it is asked."""

    def __init__(self) -> None:
        import psutil

        self._psutil = psutil
        self._start, self._before = time.monotonic(), psutil.cpu_times()
        self._children_before = _children_seconds()
        self._clock = _clock(psutil)

    def facts(self) -> dict[str, Any]:
        """``other_cpu_fraction``, ``steal_fraction``, clocks, ``gpu_state``, and ``warnings`` in words.

        Also the ``date`` and the ``load_average`` of the last minute.
        """
        times = self._psutil.cpu_times()
        time_passed = time.monotonic() - self._start
        span = max(time_passed, 1e-9) * (os.cpu_count() or 1)
        busy = sum(times[:3]) - sum(self._before[:3])  # user, nice, system
        others = max(0.0, busy - (_children_seconds() - self._children_before)) / span
        steal = (getattr(times, "steal", 0.0) - getattr(self._before, "steal", 0.0)) / span
        clock, gpu = _clock(self._psutil), _gpu_state()
        is_told = time_passed >= SHORTEST  # of an instant the ticks say nothing
        warnings = load_warnings(others, steal) if is_told else []
        if clock and self._clock and min(clock, self._clock) < THROTTLED * max(clock, self._clock):
            warnings.append(CLOCK_CHANGED.format(before=f"{self._clock:.0f}", after=f"{clock:.0f}"))
        return {
            "other_cpu_fraction": others,
            "steal_fraction": steal,
            "cpu_mhz": clock,
            "gpu_state": gpu,
            "warnings": warnings,
            "date": now(),
            "load_average": self._psutil.getloadavg()[0],
        }


def load_warnings(others: float, steal: float) -> list[str]:
    """Warnings of what others used and the host withheld, as shares of the processors' time."""
    warnings = []
    if others > BUSY:
        warnings.append(OTHERS_USED.format(share=f"{others:.0%}"))
    if steal > BUSY / 3:
        warnings.append(WITHHELD.format(share=f"{steal:.0%}"))
    return warnings


def unsteady(comparisons: Sequence[Comparison]) -> list[str]:
    """A warning of the combination in which both sides became slower or faster the most, if by much."""
    paced = [row for row in comparisons if row.pace is not None and abs(row.pace) > BUSY]
    if not paced:
        return []
    worst = max(paced, key=lambda row: abs(row.pace or 0))
    pace, label = worst.pace or 0.0, labeller(comparisons)
    became = BECAME_FASTER if pace > 0 else BECAME_SLOWER
    return [became.format(share=f"{abs(pace):.0%}", combination=label(worst))]


def _children_seconds() -> float:
    """Processor time of this process and of all that it has started, living ones included."""
    import psutil

    own = os.times()
    seconds = own.user + own.system + own.children_user + own.children_system
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            seconds += sum(child.cpu_times()[:4])  # with its ended children's: those of a compiler
    return seconds


def _clock(psutil: Any) -> float | None:
    with suppress(OSError, AttributeError, NotImplementedError):
        found = psutil.cpu_freq()
        return float(found.current) if found else None
    return None


def _gpu_state() -> list[dict[str, Any]]:
    """Clock, power and temperature of each GPU; nothing where NVML finds no driver."""
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return []
    try:
        handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
        return [
            {
                "sm_mhz": pynvml.nvmlDeviceGetClockInfo(handle, pynvml.NVML_CLOCK_SM),
                "watts": pynvml.nvmlDeviceGetPowerUsage(handle) / 1000,
                "celsius": pynvml.nvmlDeviceGetTemperature(handle, pynvml.NVML_TEMPERATURE_GPU),
            }
            for handle in handles
        ]
    except pynvml.NVMLError:  # not every GPU reports everything
        return []
    finally:
        pynvml.nvmlShutdown()
