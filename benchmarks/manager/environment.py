"""Environment of a figure: machine, system, versions, commit, date."""

import importlib.metadata
import platform
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.manager.installations import ROOT, withheld
from common.cli import UsageError
from common.runtime.devices import available_cores


def describe(outer: Mapping[str, str], workers: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The environment of a report; ``outer`` are environment variables, ``workers`` versions by backend."""
    import psutil

    gpus, driver = _gpus()
    return {
        "cpu": cpu_model(),
        "cores": available_cores(),
        "memory_bytes": psutil.virtual_memory().total,
        "gpus": gpus,
        "driver": driver,
        "os": platform.platform(),
        "python": platform.python_version(),
        "packages": {
            name: importlib.metadata.version(name) for name in ("numpy", "pillow", "scipy", "safetensors")
        },
        "backends": {name: dict(versions) for name, versions in workers.items()},
        "withheld_variables": withheld(outer),
        "load_average": psutil.getloadavg()[0],
        "git_commit": git_commit(),
        "date": now(),
    }


def now() -> str:
    """The date and time, in UTC."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def machine() -> dict[str, Any]:
    """Processor and GPUs: a figure depends most on them."""
    return {"cpu": cpu_model(), "gpus": _gpus()[0]}


def require_same_machine(
    before: Mapping[str, Any], path: Path, *, device: str, remedy: str = "make a baseline on this machine"
) -> None:
    """Raise UsageError where a file's environment is of another processor or, unless for the CPU, other GPUs.

    Which framework is faster depends on them: AlexNet infers in eager mode with paddle / torch at 0.33 on an
    AMD EPYC, at 0.58 on an Intel Xeon. What a file does not state is let pass.
    """
    here = machine()
    for kind in ("cpu",) if device == "cpu" else ("cpu", "gpus"):
        there = before.get(kind)
        if there is not None and there != here[kind]:
            raise UsageError(
                f"{path}: was measured with {_named(there)}, and here is {_named(here[kind])}; "
                f"the ratio depends on the processor: {remedy}"
            )


def _named(parts: str | list[str] | None) -> str:
    return "; ".join(parts) or "no GPU" if isinstance(parts, list) else parts or "an unknown processor"


@cache
def cpu_model() -> str | None:
    """Name of the processor."""
    import cpuinfo  # asks the processor in a process of its own: a second

    name: str | None = cpuinfo.get_cpu_info().get("brand_raw")
    return name


def _gpus() -> tuple[list[str], str | None]:
    """Names of the GPUs and their driver's version.

    Returns None where NVML finds no driver.
    """
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return [], None
    try:
        handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
        return [str(pynvml.nvmlDeviceGetName(handle)) for handle in handles], str(
            pynvml.nvmlSystemGetDriverVersion()
        )
    finally:
        pynvml.nvmlShutdown()


def describe_models(models: Mapping[str, Mapping[str, Any]], folder: str) -> dict[str, Any]:
    """What a report says of the user's own models: files by side, and the commit of the repository there."""
    if not models:
        return {}
    return {"models": dict(models), "repository_commit": git_commit(Path(folder or "."))}


@cache
def git_commit(folder: Path = ROOT) -> str | None:
    """The commit checked out in a folder, with "-dirty" if files differ from it.

    Returns None outside a repository.
    """
    with suppress(OSError, subprocess.SubprocessError):
        command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
        return subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=True, timeout=10
        ).stdout.strip()
    return None
