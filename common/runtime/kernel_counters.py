"""What the kernel counts of this process and of the machine: who else wanted the processors (Linux).

Counters only grow. Read them before and after what is timed; the difference says whether it was disturbed.
"""

import os
import resource
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

_TICKS = os.sysconf("SC_CLK_TCK")  # a second
_BUSY, _STEAL = (1, 2, 3, 6, 7), 8  # columns of /proc/stat: user, nice, system, irq, softirq; steal
_CLOCK = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq")
_OF_MACHINE = ("seconds", "busy_seconds", "steal_seconds", "processors", "clock_mhz")


@dataclass(frozen=True, kw_only=True)
class KernelCounters:
    """Counters of one moment, or what they grew by in a span of time.

    ``seconds`` are a clock's; ``cpu_seconds`` this process's on all processors, with its living children's;
    ``delay_seconds`` those in which its threads could have run and waited for a processor (schedstat), of all
    threads; ``busy_seconds`` and ``steal_seconds`` are the whole machine's, of all processors. None where the
    system does not report it.
    """

    seconds: float
    cpu_seconds: float
    delay_seconds: float | None = None
    involuntary_switches: int = 0
    minor_faults: int = 0
    busy_seconds: float | None = None
    steal_seconds: float | None = None
    processors: int = 1
    clock_mhz: float | None = None

    def since(self, before: "KernelCounters") -> "KernelCounters":
        """What was counted since an earlier moment; the clock's frequency is that of now."""
        values = {
            name: _grown(getattr(self, name), getattr(before, name))
            for name in (field.name for field in fields(self))
            if name not in ("processors", "clock_mhz")
        }
        return KernelCounters(**values, processors=self.processors, clock_mhz=self.clock_mhz)

    def to_json(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {
            name: round(value, 6) if isinstance(value, float) else value
            for name, value in asdict(self).items()
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "KernelCounters":
        """The reverse of ``to_json``."""
        return cls(**values)


def read_counters() -> KernelCounters:
    """Counters of this process and of the machine, now.

    Takes less than a millisecond; call it outside of what is timed.
    """
    usage = resource.getrusage(resource.RUSAGE_SELF)
    busy, steal = _machine_seconds()
    return KernelCounters(
        seconds=time.monotonic(),
        cpu_seconds=time.process_time() + _children_seconds(),
        delay_seconds=_delay_seconds(),
        involuntary_switches=usage.ru_nivcsw,
        minor_faults=usage.ru_minflt,
        busy_seconds=busy,
        steal_seconds=steal,
        processors=os.cpu_count() or 1,
        clock_mhz=_clock_mhz(),
    )


def after_each_other(parts: Iterable[KernelCounters]) -> KernelCounters | None:
    """The sum of spans that followed each other; None of nothing."""
    parts = list(parts)
    if not parts:
        return None
    summed = {
        name: _sum(getattr(part, name) for part in parts)
        for name in (field.name for field in fields(KernelCounters))
        if name not in ("processors", "clock_mhz")
    }
    return KernelCounters(**summed, processors=parts[0].processors, clock_mhz=parts[-1].clock_mhz)


def at_once(parts: Iterable[KernelCounters]) -> KernelCounters | None:
    """One span of several processes: what is a process's own is summed, what is the machine's is not."""
    parts = list(parts)
    if not parts:
        return None
    own = [field.name for field in fields(KernelCounters) if field.name not in _OF_MACHINE]
    summed = {name: _sum(getattr(part, name) for part in parts) for name in own}
    return KernelCounters(**{name: getattr(parts[0], name) for name in _OF_MACHINE} | summed)


def _grown(now: Any, before: Any) -> Any:
    # Threads that ended took their delay with them: a little less than before is nothing.
    return None if now is None or before is None else max(now - before, type(now)(0))


def _sum(values: Iterable[Any]) -> Any:
    found = list(values)
    return None if None in found else sum(found)


def _delay_seconds() -> float | None:
    """Seconds that the living threads of this process waited on a run queue."""
    total, found = 0, False
    for path in _tasks("schedstat"):
        with suppress(OSError, ValueError, IndexError):  # a thread may end meanwhile
            total += int(path.read_text().split()[1])
            found = True
    return total / 1e9 if found else None


def _children_seconds() -> float:
    """Processor time of living children (a loader's): theirs is not others' work."""
    seconds = 0.0
    for path in _tasks("children"):
        with suppress(OSError):
            for pid in path.read_text().split():
                seconds += _process_seconds(pid)
    return seconds


def _process_seconds(pid: str) -> float:
    with suppress(OSError, ValueError, IndexError):
        # The second field, a name in brackets, may hold spaces.
        values = Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()
        return (int(values[11]) + int(values[12])) / _TICKS
    return 0.0


def _tasks(name: str) -> list[Path]:
    with suppress(OSError):
        return [task / name for task in Path("/proc/self/task").iterdir()]
    return []


def _machine_seconds() -> tuple[float | None, float | None]:
    """Seconds that all processors together were busy, and that the host withheld."""
    with suppress(OSError, ValueError, IndexError):
        with Path("/proc/stat").open(encoding="ascii") as lines:
            columns = lines.readline().split()
        return sum(int(columns[place]) for place in _BUSY) / _TICKS, int(columns[_STEAL]) / _TICKS
    return None, None


def _clock_mhz() -> float | None:
    with suppress(OSError, ValueError):
        return int(_CLOCK.read_text()) / 1000
    return None
