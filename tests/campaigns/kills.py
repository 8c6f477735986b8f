"""Training runs that are killed with SIGKILL, again and again, and must end as if they had not been.

python -m tests.campaigns.kills --backend torch --kills 30 --seed 0

Each run is a process of its own, forked from one that has imported the framework and computed nothing.
"""

import argparse
import contextlib
import functools
import importlib
import io
import itertools
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

import backends

ARGUMENTS = [
    "--recipe",
    "digits",
    "--limit",
    "96",
    "--batch-size",
    "16",
    "--epochs",
    "2",
    "--save-every",
    "2",
]
ARGUMENTS += ["--threads", "1"]
PLACES = ("half of a write", "write", "fsync", "rename")
COMPARED = ("last.safetensors", "best.safetensors")


class Killer:
    """Ends this process with SIGKILL at the n-th time that a place is reached."""

    def __init__(self, place, number):
        self.place, self.left = place, number

    def reached(self, place):
        if place == self.place:
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def install(self):
        """Put this where checkpoints are written."""
        from common.weights import safetensors_file

        save, fsync, replace = safetensors_file.save_file, os.fsync, Path.replace

        def save_file(arrays, path, **more):
            save(arrays, path, **more)
            whole = path.read_bytes()
            path.write_bytes(whole[: len(whole) // 2])
            self.reached("half of a write")
            path.write_bytes(whole)
            self.reached("write")

        def after(function, place):
            @functools.wraps(function)
            def wrapped(*arguments):
                result = function(*arguments)
                self.reached(place)
                return result

            return wrapped

        safetensors_file.save_file = save_file
        os.fsync = after(fsync, "fsync")
        Path.replace = after(replace, "rename")


def forked(work):
    """The number of a child that runs ``work``; its exit code is 0 if that ends well."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            code = work()
    except SystemExit as end:
        code = end.code
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
    finally:
        sys.stderr.flush()
        os._exit(code)


def status(child):
    """How a child ended: its exit code, or minus the number of the signal."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def train(backend, folder, *more):
    from backends.train import main

    with (folder.parent / "log").open("a") as log, contextlib.redirect_stderr(log):
        return main(["--backend", backend, *ARGUMENTS, "--output", str(folder), *more])


def killed_at(backend, folder, place, number):
    """Start or resume a run and kill it at the n-th time it reaches a place; False if it got to its end."""

    def work():
        Killer(place, number).install()
        return train(backend, folder, "--resume")

    end = status(forked(work))
    assert end in (0, -signal.SIGKILL), f"{place} {number}: ended with {end}"
    return end != 0


def killed_after(backend, folder, seconds):
    """Start or resume a run and kill it after so many seconds; False if it got to its end."""
    child = forked(lambda: train(backend, folder, "--resume"))
    time.sleep(seconds)
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    end = status(child)
    assert end in (0, -signal.SIGKILL), f"after {seconds:.2f} s: ended with {end}"
    return end != 0


def finished(backend, folder):
    """The bytes of the checkpoints of a run that is resumed and now goes to its end."""
    assert status(forked(lambda: train(backend, folder, "--resume"))) == 0
    assert not list(folder.glob(".*.part")), "a killed run's temporary files are still there"
    return {name: (folder / name).read_bytes() for name in COMPARED}


def prepare(backend):
    """Import what the children need, and compute nothing: no thread is running when they are forked."""
    backends.load(backend)
    for name in ("backends.training.loop", "backends.training.display", "common.plots", "sklearn.datasets"):
        importlib.import_module(name)
    if backend == "torch":
        importlib.import_module("torch._dynamo")


def kill_again_and_again(backend, *, kills, seed, scratch):
    """Kill runs inside saves and at random times; returns how many kills hit, by kind."""
    prepare(backend)
    chance = random.Random(seed)
    start = time.monotonic()
    truth = finished(backend, scratch / "whole")
    seconds = time.monotonic() - start
    hits = dict.fromkeys((*PLACES, "random time"), 0)
    kinds = itertools.cycle((*PLACES, "random time", "random time"))
    for run in itertools.count():
        if sum(hits.values()) >= kills:
            return hits
        folder = scratch / f"run-{run}"
        for kind in itertools.islice(kinds, 3):  # three kills of one run
            if kind == "random time":
                hit = killed_after(backend, folder, chance.uniform(0, seconds))
            else:
                hit = killed_at(backend, folder, kind, chance.randint(1, 8))
            hits[kind] += hit
        assert finished(backend, folder) == truth, f"run {run} ended otherwise"


def kill_once(backend, *, place, number, scratch):
    """Kill one run at the n-th time that it reaches a place; it must go on to the same end."""
    prepare(backend)
    truth = finished(backend, scratch / "whole")
    assert killed_at(backend, scratch / "run", place, number), f"{place} was never reached {number} times"
    assert finished(backend, scratch / "run") == truth, "the run ended otherwise"
    return {place: 1}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--backend", choices=backends.NAMES, required=True)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--place", choices=PLACES, help="kill once, there")
    parser.add_argument("--number", type=int, default=1, help="at the so manieth time")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        if options.place:
            hits = kill_once(options.backend, place=options.place, number=options.number, scratch=scratch)
        else:
            hits = kill_again_and_again(
                options.backend, kills=options.kills, seed=options.seed, scratch=scratch
            )
    print(f"{options.backend}: {sum(hits.values())} kills, all runs ended bit-identically: {hits}")


if __name__ == "__main__":
    main()
