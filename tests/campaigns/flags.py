"""Commands with flags drawn at random: none may end in a traceback, or with a verdict's code by a crash.

python -m tests.campaigns.flags --draws 500

Each draw runs in a process of its own that is forked from this one, so that modules are imported once. One
that would import a framework or start a worker has been read and checked, and ends there, unless ``--deep``
is given. One that works for longer than a moment is sent SIGTERM, and has to end with 143 and to leave no
process behind.
"""

import argparse
import importlib
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

import backends
from benchmarks.manager.worker_process import Worker
from common import cli
from tests.support.command_reference import FLOORS, commands, parser_of
from tests.support.paths import ROOT

# And 1, where a verdict is printed. -15: our SIGTERM came while an interpreter was starting or ending.
ENDINGS = {0, 2, 3, 4, 130, 143, -signal.SIGTERM}
VERDICTS = (
    "fail",
    "slower",
    "not ",
    "bad",
    "diver",
    "missing",
    "NaN",
    "nan",
    "differ",
)  # words beside exit code 1
MOMENT_SECONDS = 3.0
LEFT_SECONDS = 5.0  # after its end, for what it had started to be gone
PATIENCE_SECONDS = 40.0  # to end after SIGTERM: frameworks may be on their way in
WORDS = (
    *(
        "",
        " ",
        "-",
        "0",
        "1",
        "2",
        "-1",
        "1e9",
        "99999999999999999999",
        "nan",
        "inf",
        "0.5",
        "1,2",
        ",",
        "a,b",
    ),
    *("3,32,32", "1,28,28", "torch", "paddle", "lenet5", "alexnet", "digits", "mnist", "sgd", "adam", "relu"),
    *("fp32", "fp16", "gpu", "gpu:7", "cpu", "auto", "cuda", "all", "test", "os:system", "nothing:at_all"),
    *("\x1b[31m", "龙", "\udcff", "x" * 5000, "~", "*", "%", "%s", "{}", "\t", "a\nb"),
)


@dataclass(frozen=True)
class Ending:
    """What became of one draw."""

    command: str
    arguments: list[str]
    code: int
    stderr: str
    left: Sequence[psutil.Process] = ()  # that outlived it

    @property
    def fault(self) -> str | None:
        """What is wrong with it; None where nothing is."""
        if self.left:
            return f"{len(self.left)} processes left behind"
        if "Traceback (most recent call last)" in self.stderr:
            return "a traceback"
        if self.code == cli.FAILED:
            lines = self.stderr.strip().splitlines() or [""]
            return None if any(word in lines[-1] for word in VERDICTS) else "exit code 1 without a verdict"
        if self.code not in ENDINGS:
            return f"exit code {self.code}"
        if self.code not in {0, 130, 143, -signal.SIGTERM} and not self.stderr.strip():
            return f"exit code {self.code} without a word"
        return None


def targets(folder: Path) -> list[str]:
    """Paths of every kind that may be given where a file or a folder is expected."""
    (folder / "folder").mkdir(parents=True, exist_ok=True)
    (folder / "empty").touch()
    (folder / "text.json").write_text('{"schema_version": 1}')
    (folder / "list.txt").write_text("a.png\t0\n")
    (folder / "bytes.bin").write_bytes(bytes(range(256)))
    os.mkfifo(folder / "pipe")
    (folder / "loop").symlink_to("loop")
    (folder / "locked").mkdir(mode=0)
    names = (
        "folder",
        "empty",
        "text.json",
        "list.txt",
        "bytes.bin",
        "pipe",
        "loop",
        "locked/x",
        "gone/x",
        "new",
    )
    return [str(folder / name) for name in names]


def draw(parser: argparse.ArgumentParser, rng: random.Random, paths: list[str]) -> list[str]:
    """Arguments for a parser: mostly what it requires, with values that are right, odd and wrong."""
    words: list[str] = []
    rare = rng.choice([0.02, 0.1])  # of flags that may be left out: many together are hardly ever all right
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            name = rng.choice([*action.choices])
            return [*words, name, *draw(action.choices[name], rng, paths)]
        wanted = action.required or (not action.option_strings)
        if isinstance(action, argparse._HelpAction) or rng.random() > (0.98 if wanted else rare):
            continue
        words += action.option_strings[-1:]
        if action.nargs != 0:
            words += [
                _value(action, rng, paths) for _ in range(rng.choice([1, 1, 1, 2]) if action.nargs else 1)
            ]
    if rng.random() < 0.03:
        words.insert(rng.randrange(len(words) + 1), rng.choice(WORDS))
    return [word.replace("\0", "") for word in words]


def _value(action: argparse.Action, rng: random.Random, paths: list[str]) -> str:
    if action.choices and rng.random() < 0.85:
        return str(rng.choice([*action.choices]))
    if action.type is Path and rng.random() < 0.9:
        return rng.choice(paths)
    if action.default is not None and rng.random() < 0.5:
        value = action.default
        return ",".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)
    if rng.random() < 0.85:
        return rng.choice([word for word in WORDS if _fits(action, word)] or WORDS)
    return rng.choice([*WORDS, *paths])


def _fits(action: argparse.Action, word: str) -> bool:
    """True if a flag's parser takes a word."""
    try:
        return action.type is not None and action.type(word) is not None
    except (ValueError, TypeError, argparse.ArgumentTypeError):
        return False


def run(command: str, main, arguments: list[str], folder: Path, *, deep: bool = False) -> Ending:
    """Run a command's main function in a forked process, and end it if it works for long.

    Unless it is ``deep``, it ends where it would import a framework.
    """
    log = folder / "stderr"
    child = os.fork()
    if child == 0:
        if not deep:
            backends.load = Worker.__init__ = _reached
        _become(command, main, arguments, folder, log)
    code, sent, children = None, False, []
    deadline = time.monotonic() + MOMENT_SECONDS
    while code is None:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
        elif time.monotonic() > deadline:
            children = children or psutil.Process(child).children(recursive=True)
            os.kill(child, signal.SIGKILL if sent else signal.SIGTERM)
            deadline, sent = time.monotonic() + PATIENCE_SECONDS, True
        else:
            time.sleep(0.005)
    _, left = psutil.wait_procs(children, timeout=LEFT_SECONDS)
    return Ending(command, arguments, code, log.read_text(errors="replace"), left)


def _reached(*_, **__):
    """Stand for the import of a framework: the request was read and checked."""
    raise SystemExit(cli.DONE)


def _become(command: str, main, arguments: list[str], folder: Path, log: Path) -> None:
    """Be the command, from its first line to its exit code."""
    os.setsid()
    home = folder / "home"
    home.mkdir(exist_ok=True)
    os.chdir(home)
    for number, path in ((0, os.devnull), (1, os.devnull), (2, log)):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT | (os.O_TRUNC if number == 2 else 0)), number)
    sys.stdin, sys.stdout, sys.stderr = (
        os.fdopen(number, mode) for number, mode in ((0, "r"), (1, "w"), (2, "w"))
    )
    sys.argv = [command, *arguments]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ |= {"PYTHONPATH": str(ROOT), "TMPDIR": str(folder), "OMP_NUM_THREADS": "1"}
    code = 1
    try:
        cli.run(main, program=command)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def preload() -> None:
    """Import all that commands import in their main functions, but for the frameworks: a fork has it then."""
    for floor in FLOORS:
        for path in sorted((ROOT / floor).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            if not name.startswith(("backends.torch", "backends.paddle")) and "__main__" not in name:
                importlib.import_module(name)
    assert not {"torch", "paddle"} & {*sys.modules}


def campaign(names: list[str], *, draws: int, seed: int, folder: Path, deep: bool = False) -> list[Ending]:
    """So many draws of each command; those with a fault, each printed when it is found."""
    faults = []
    paths = targets(folder / "files")
    for name in names:
        path = ROOT / name.replace(".", "/")
        module = importlib.import_module(f"{name}.__main__" if path.is_dir() else name)
        parser, rng, codes = parser_of(name), random.Random(f"{seed} {name}"), Counter()
        for _ in range(draws):
            ending = run(name, module.main, draw(parser, rng, paths), folder, deep=deep)
            codes[ending.code] += 1
            if ending.fault:
                faults.append(ending)
                last = ending.stderr.strip().splitlines()[-1:] or [""]
                print(f"{name}: {ending.fault}: {ending.arguments!r}: {last[0][:300]}", flush=True)
        print(f"{name}: {dict(sorted(codes.items()))}", flush=True)
    return faults


def main(arguments: list[str]) -> int:
    """The campaign; 1 if a draw has a fault."""
    parser = cli.Parser(prog="tests.campaigns.flags", description="Commands with flags drawn at random.")
    parser.add_argument("--draws", type=int, default=500, help="draws of each command (default 500)")
    parser.add_argument("--seed", type=int, default=0, help="of the draws (default 0)")
    parser.add_argument("--commands", nargs="+", default=list(commands()), help="default: all")
    parser.add_argument("--deep", action="store_true", help="import frameworks and start workers, too")
    options = parser.parse_args(arguments)
    preload()
    with tempfile.TemporaryDirectory() as folder:
        how = {"draws": options.draws, "seed": options.seed, "deep": options.deep}
        found = campaign(options.commands, folder=Path(folder), **how)
    if found:
        cli.complain("tests.campaigns.flags", f"not right: {len(found)} draws")
    return cli.FAILED if found else cli.DONE


if __name__ == "__main__":
    cli.run(main, program="tests.campaigns.flags")
