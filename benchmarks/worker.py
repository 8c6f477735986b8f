"""A backend's own process: does one thing asked of it at a time, and nothing in between.

Requests and replies are lines of JSON on a socket that the parent handed over; stdout and stderr are
the framework's to write on. Only the standard library is imported before the first request, so that
what an interpreter lacks can be told. A worker whose parent vanishes removes the scratch folder and
ends itself with all its children.
"""

import argparse
import importlib
import json
import os
import queue
import shutil
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Mapping
from typing import Any

REQUIRED = {"numpy": "numpy", "PIL": "pillow", "safetensors": "safetensors"}  # module: package
PACKAGES = {"torch": "torch", "paddle": "paddlepaddle"}
OLDEST = {"torch": (2, 4), "paddle": (2, 6, 2)}


class Refused(Exception):
    """The worker cannot do what it is for; the message names the remedy."""


def main() -> None:
    """Serve requests until the parent closes the channel."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--backend", required=True)
    parser.add_argument("--channel", type=int, required=True, help="file descriptor of the socket")
    parser.add_argument("--scratch", required=True)
    parser.add_argument("--tasks", required=True, metavar="MODULE:CLASS")
    options = parser.parse_args()
    channel = socket.socket(fileno=options.channel)
    requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(channel, requests, options.scratch), daemon=True).start()
    tasks = None
    while True:
        request = requests.get()
        try:
            tasks = tasks or start(options.backend, options.tasks)
            reply = {"result": getattr(tasks, request["task"])(**request["arguments"])}
        except Exception as error:
            traceback.print_exc()
            reply = {"status": _status(error, tasks), "reason": _describe(error)}
        sys.stdout.flush()
        channel.sendall(json.dumps({"id": request["id"], **reply}).encode() + b"\n")


def start(backend_name: str, tasks: str) -> Any:
    """Import the framework and what serves requests. Raises Refused with the pip line."""
    for module, package in {**REQUIRED, backend_name: PACKAGES[backend_name]}.items():
        require_module(module, package)
    require_version(backend_name, importlib.import_module(backend_name).__version__)
    module_name, _, class_name = tasks.partition(":")
    backend = importlib.import_module("backends").load(backend_name)
    return getattr(importlib.import_module(module_name), class_name)(backend_name, backend)


def require_module(module: str, package: str) -> None:
    """Raise Refused, saying how to install it, unless this interpreter can import the module."""
    remedy = f"install it with: {sys.executable} -m pip install {package}"
    try:
        _import_undisturbed(module)
    except ModuleNotFoundError as error:
        raise Refused(f"{sys.executable} has no module {error.name!r}; {remedy}") from None
    except Exception as error:  # a framework's shared libraries can fail in many ways
        raise Refused(f"{sys.executable} cannot import {module} ({_describe(error)}); {remedy}") from error


def require_version(name: str, version: str) -> None:
    """Raise Refused, saying how to upgrade, if a framework is older than what was tested."""
    numbers = version.split("+")[0].split(".")
    found = tuple(int(number) for number in numbers if number.isdecimal())
    if found < OLDEST[name]:
        oldest = ".".join(map(str, OLDEST[name]))
        raise Refused(
            f"{name} {version} is older than {oldest}; upgrade it with: "
            f"{sys.executable} -m pip install '{PACKAGES[name]}>={oldest}'"
        )


def _import_undisturbed(module: str) -> None:
    with importlib.import_module("common.threads").undisturbed_threads():
        importlib.import_module(module)


def _listen(channel: socket.socket, requests: "queue.SimpleQueue[Any]", scratch: str) -> None:
    with channel.makefile("r", encoding="utf-8") as lines:
        for line in lines:
            requests.put(json.loads(line))
    shutil.rmtree(scratch, ignore_errors=True)
    os.killpg(0, signal.SIGKILL)  # the worker leads a process group of its own


def _status(error: Exception, tasks: Any) -> str:
    """What a result row calls it; "invalid" is the request's fault."""
    names: Mapping[str, str] = {"UsageError": "invalid", "UnavailableError": "unsupported", "Refused": "unsupported"}
    if type(error).__name__ in names:
        return names[type(error).__name__]
    return "out-of-memory" if tasks is not None and tasks.backend.is_out_of_memory(error) else "crashed"


def _describe(error: Exception) -> str:
    text = " ".join(str(error).split()) or "no message"
    named = type(error).__name__ in ("UsageError", "UnavailableError", "Refused")
    return text[:1000] if named else f"{type(error).__name__}: {text[:400]}"


if __name__ == "__main__":
    main()
