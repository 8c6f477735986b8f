"""Starting a command on a backend: in its own interpreter, with its threads."""

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import backends
from backends import Backend
from common.cli import UnavailableError, UsageError
from common.runtime.devices import available_cores, require_device_name
from common.runtime.distributed import Member, launched_rank
from common.runtime.launcher_watch import end_with_launcher
from common.runtime.own_command import own_command

FIRST = "SIDE_BY_SIDE_FIRST_INTERPRETER"  # that the user started, where it is another
MARK = "SIDE_BY_SIDE_INTERPRETER"  # set once a command runs in the interpreter that was asked for


def in_own_interpreter(name: str, program: str, arguments: Sequence[str]) -> None:
    """Start the command again under TORCH_PYTHON or PADDLE_PYTHON where that is set to another Python.

    Returns where the running one is right. Launchers that started this process do not notice: it keeps
    its number.
    """
    wanted = backends.interpreter(name)
    if wanted == sys.executable or os.environ.get(MARK) == wanted:
        return
    path = shutil.which(wanted)
    if path is None:
        variable = f"{name.upper()}_PYTHON"
        raise UnavailableError(f"{variable}: there is no program {wanted}; set it to a Python")
    sys.stdout.flush()
    environment = {**os.environ, FIRST: sys.executable, MARK: wanted}
    os.execve(path, own_command(path, program, arguments), environment)  # noqa: S606 (no shell is wanted)


GPU_NODES = ("nvidia*", "nvhost*", "nvgpu*", "dxg", "kfd")  # in /dev: of a driver, on Jetson, WSL and ROCm


def require_device(name: str, *, devices: Path = Path("/dev")) -> None:
    """Raise UsageError for no device's name, UnavailableError for a GPU where there is clearly none.

    That takes no framework, whose import takes seconds. A launcher's processes ask for theirs later.
    """
    require_device_name(name)
    if (
        name.startswith("gpu")
        and launched_rank() is None
        and not any(any(devices.glob(node)) for node in GPU_NODES)
    ):
        raise UnavailableError(f"this machine has no GPU, so {name!r} cannot be had; choose --device cpu")


def start(name: str, *, device: str, threads: int | None = None) -> tuple[Backend, str]:
    """The backend, and the device as found, for a command that runs in one process.

    Raises UnavailableError where the framework or the device is missing.
    """
    backend, found, member = start_member(name, device=device, threads=threads)
    if member.ranks > 1:
        raise UsageError("this command runs in one process; start it without a launcher of many")
    return backend, found


def start_member(name: str, *, device: str, threads: int | None) -> tuple[Backend, str, Member]:
    """The backend, the device as found, and which process of a run this is.

    Both frameworks compute with as many threads: by default with all cores, of which each process on this
    machine has its part. Each takes a GPU of its own.
    """
    try:
        backend = backends.load(name)
    except ImportError as error:
        raise UnavailableError(
            f"{name} cannot be imported by {sys.executable} ({error}); install it there, or set "
            f"{name.upper()}_PYTHON to a Python that has it"
        ) from None
    member = backend.launched()
    if member.ranks > 1 and ":" in device:
        raise UsageError(f"--device {device} is one GPU, and each process needs its own; say --device gpu")
    if member.ranks > 1:
        end_with_launcher(f"process {member.rank} of {member.ranks}")
    found = backend.find_device(device)
    if member.ranks > 1 and found != "cpu":
        found = backend.find_device(f"gpu:{member.gpu}")
    backend.equalise(threads=threads or max(available_cores() // member.local_ranks, 1), device=found)
    return backend, found, member
