"""A backend's own process: does one thing asked of it at a time, and nothing in between.

Requests and replies are lines of JSON on a socket that the parent handed over; stdout and stderr are
the framework's to write on. Only the standard library is imported before the first request, so that
what an interpreter lacks can be reported (``--as-shipped`` imports the framework at once). A worker whose
parent vanishes removes the scratch folder and ends itself with all its children.
"""

import argparse
import gc
import importlib
import importlib.util
import json
import os
import queue
import shutil
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

REQUIRED = {"numpy": "numpy", "PIL": "pillow", "safetensors": "safetensors"}  # module: package
PACKAGES = {"torch": "torch", "paddle": "paddlepaddle"}
RESTLESS = ("parity", "atlas")  # tasks with nothing timed beside or after them: no rest need be waited for
OLDEST = {"torch": (2, 4), "paddle": (2, 6, 2)}


class Refused(Exception):
    """The worker cannot do what it is for; the message names the remedy."""


def main() -> None:
    """Serve requests until the parent closes the channel."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # at once, in the middle of a kernel too: nothing is lost
    parser = argparse.ArgumentParser()
    parser.add_argument("--backend", required=True)
    parser.add_argument("--channel", type=int, required=True, help="file descriptor of the socket")
    parser.add_argument("--scratch", required=True)
    parser.add_argument("--tasks", required=True, metavar="MODULE:CLASS")
    parser.add_argument("--as-shipped", action="store_true", help="let the framework choose its threads")
    options = parser.parse_args()
    if options.as_shipped:  # else ours would be: importing a backend sets what is unset, for fairness
        with suppress(Exception):  # the first request reports what is wrong with it
            importlib.import_module(options.backend)
    # A thread listens, so that a vanished parent is noticed in the middle of a task.
    channel = socket.socket(fileno=options.channel)
    requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(channel, requests, options.scratch), daemon=True).start()
    tasks, at_rest = None, time.process_time()
    while True:
        request = requests.get()
        idle = time.process_time() - at_rest  # what this process used while it had nothing to do
        try:
            tasks = tasks or start(options.backend, options.tasks)
            reply: dict[str, Any] = {"result": getattr(tasks, request["task"])(**request["arguments"])}
        except Exception as error:
            traceback.print_exc()
            reply = {"status": _status(error, tasks), "reason": _describe(error), "details": _details(error)}
        sys.stdout.flush()
        # Threads that spin would disturb the other worker's turn.
        if request["task"] not in RESTLESS:
            come_to_rest()
        at_rest = time.process_time()
        reply |= {"id": request["id"], "idle_cpu_seconds": idle}
        channel.sendall(json.dumps(reply).encode() + b"\n")


def start(backend_name: str, tasks: str) -> Any:
    """Import the framework and what serves requests. Raises Refused with the pip line."""
    require_modules({**REQUIRED, backend_name: PACKAGES[backend_name]})
    backend = load(backend_name)
    require_version(backend_name, importlib.import_module(backend_name).__version__)
    module_name, _, class_name = tasks.partition(":")
    served = getattr(importlib.import_module(module_name), class_name)(backend_name, backend)
    importlib.import_module("common.runtime.memory").be_killed_first()
    gc.collect()
    gc.freeze()  # a framework's half a million objects stay: no later collection need look at them
    return served


def come_to_rest(*, interval: float = 0.01, limit: float = 1.0) -> None:
    """Wait until no thread of this process computes any more.

    OpenMP threads spin for a while after their work (Intel's for 0.2 s, KMP_BLOCKTIME) and would slow
    whoever has the next turn: measured on 2 cores, by 70 % in torch's first step after paddle's.
    """
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        used = time.process_time()
        time.sleep(interval)
        if time.process_time() - used < interval / 10:
            return


def require_modules(packages: Mapping[str, str]) -> None:
    """Raise Refused, with one pip line for all, if this interpreter lacks modules (module: package)."""
    missing = [module for module in packages if importlib.util.find_spec(module) is None]
    if missing:
        wanted = " ".join(packages[module] for module in missing)
        raise Refused(
            f"{sys.executable} has no {' and no '.join(missing)}; "
            f"install with: {sys.executable} -m pip install {wanted}"
        )


def load(backend_name: str) -> Any:
    """Import the backend.

    Raises Refused where its framework is installed but cannot be imported.
    """
    try:
        return importlib.import_module("backends").load(backend_name)
    except Exception as error:  # shared libraries can fail in many ways
        raise Refused(
            f"{sys.executable} cannot import {backend_name} ({_describe(error)}); install it anew with: "
            f"{sys.executable} -m pip install --force-reinstall {PACKAGES[backend_name]}"
        ) from error


def require_version(name: str, version: str) -> None:
    """Raise Refused, saying how to upgrade, if a framework is older than what was tested."""
    numbers = version.partition("+")[0].split(".")
    found = tuple(int(number) for number in numbers if number.isdecimal())
    if found < OLDEST[name]:
        oldest = ".".join(map(str, OLDEST[name]))
        raise Refused(
            f"{name} {version} is older than {oldest}; upgrade it with: "
            f"{sys.executable} -m pip install '{PACKAGES[name]}>={oldest}'"
        )


def _listen(channel: socket.socket, requests: "queue.SimpleQueue[Any]", scratch: str) -> None:
    """Queue requests until the parent is gone, however it went; then end this process and its children."""
    try:
        with channel.makefile("r", encoding="utf-8") as lines:
            for line in lines:
                requests.put(json.loads(line))
    except (OSError, ValueError):  # killed in the middle of a request, or with a reply unread
        pass
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        os.killpg(0, signal.SIGKILL)  # the worker leads a process group of its own


def _status(error: Exception, tasks: Any) -> str:
    """Status of an error in a result row; "invalid" is the request's fault."""
    names: Mapping[str, str] = {
        "UsageError": "invalid",
        "UnavailableError": "unsupported",
        "NotEnoughMemoryError": "out-of-memory",
        "Refused": "unsupported",
    }
    if type(error).__name__ in names:
        return names[type(error).__name__]
    return "out-of-memory" if tasks is not None and tasks.backend.is_out_of_memory(error) else "crashed"


# Exceptions by name, for importing them takes what an interpreter may lack.
EXPLAINED = ("UsageError", "UnavailableError", "NotEnoughMemoryError", "Refused")
OURS = ("common", "backends", "benchmarks")  # whose frames are not the user's


def _details(error: Exception) -> dict[str, str | None]:
    """Layer that was running, and the last line of the user's own code on the way to the exception."""
    root = Path(__file__).resolve().parents[2]
    others = (*(f"{root / name}/" for name in OURS), sys.prefix, sys.base_prefix, "<")
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith(others)]
    own = [frame for frame in own if "/site-packages/" not in frame.filename]
    place, code = (f"{own[-1].filename}:{own[-1].lineno}", own[-1].line) if own else (None, None)
    if isinstance(error, SyntaxError) and error.filename:  # the line that cannot be read, not its import
        place, code = f"{error.filename}:{error.lineno}", (error.text or "").strip()
    return {"layer": getattr(error, "layer", None), "place": place, "code": code}


def _describe(error: Exception) -> str:
    text = " ".join(str(error).split()) or "no message"
    named = type(error).__name__ in EXPLAINED
    return text[:1000] if named else f"{type(error).__name__}: {text[:400]}"


if __name__ == "__main__":
    main()
