"""Foreign load is planted beside comparisons: is a winner ever wrong, and what is said of each level?

    python -m tests.campaigns.planted_load --runs 10 --truth 0.36
    python -m tests.campaigns.planted_load --levels 0 100 --runs 5 -- --model alexnet --phase infer

What follows ``--`` goes to benchmarks.compare. Without ``--truth``, a long run without load is measured first
and its ratio taken for true: that needs a machine with nothing else on it. Levels are percent of all
processors, "one" is one processor alone, "bursts" a second of all processors in every three. Exit code 1 if
any winner was wrong.
"""

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

LEVELS = ("0", "25", "50", "100", "200", "one", "bursts")
COMPARED = ["--model", "lenet5", "--phase", "infer", "--device", "cpu"]
SLICE = 0.02  # seconds in which a level's share of time is used
LONG = 4  # times as many rounds and pairs for the truth
CODES = (0, 4)


def burn(busy, idle):
    """Compute for ``busy`` seconds, rest for ``idle``, for ever, or until the parent is gone."""
    parent = os.getppid()
    while os.getppid() == parent:
        end = time.monotonic() + busy
        while time.monotonic() < end:
            pass
        time.sleep(idle)


def burners(level, processors):
    """How many processes, and for how long each computes and rests."""
    if level == "one":
        return 1, 1.0, 0.0
    if level == "bursts":
        return processors, 1.0, 2.0
    share = int(level) / 100
    if share > 1:
        return round(processors * share), 1.0, 0.0
    return (processors if share else 0), SLICE * share, SLICE * (1 - share)


@contextmanager
def planted(level, processors):
    """The load of a level meanwhile."""
    number, busy, idle = burners(level, processors)
    started = [multiprocessing.Process(target=burn, args=(busy, idle), daemon=True) for _ in range(number)]
    for process in started:
        process.start()
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.join()


def compared(arguments):
    """The comparisons of one run of benchmarks.compare."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "result.json"
        command = [sys.executable, "-m", "benchmarks.compare", "--skip-parity", "--json", str(target)]
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
        if done.returncode not in CODES:
            sys.exit(f"benchmarks.compare ended with {done.returncode}: {done.stderr[-500:]}")
        return json.loads(target.read_text())["comparisons"]


def is_wrong(row, truth, margin):
    """A winner that is not the faster one, or that is named where both are equal."""
    if not row["verdict"].endswith("faster"):
        return False
    right = "torch faster" if truth < 1 else "paddle faster"
    return row["verdict"] != right or max(truth, 1 / truth) < 1 + margin / 200


def key(row):
    return f"{row['phase']} {row['engine']}"


def truths(options, arguments):
    """By combination: what was given, or what a long run finds."""
    if options.truth is not None:
        return {}
    long = ["--rounds", str(LONG * options.rounds), "--pairs", str(LONG * options.pairs)]
    rows = compared([*arguments, *long])
    invalid = [key(row) for row in rows if row["verdict"] == "invalid"]
    if invalid:
        sys.exit(f"the machine is not quiet: {', '.join(invalid)} is invalid without any load; give --truth")
    return {key(row): row["ratio"] for row in rows}


def summary(level, rows, truth, margin):
    """One line: how many runs named a winner, how many a wrong one, and what else was said."""
    found = [row["verdict"] for row in rows]
    named = sum(verdict.endswith("faster") for verdict in found)
    wrong = sum(is_wrong(row, truth, margin) for row in rows)
    left_out = [row["left_out"] for row in rows if row["left_out"] is not None]
    others = [f"{word} {found.count(word)}" for word in ("equal", "undecided", "invalid") if word in found]
    shares = f"{min(left_out):.0%} to {max(left_out):.0%} left out" if left_out else "nothing timed"
    return (
        f"load {level}: {len(rows)} runs, winner {named}, wrong {wrong}, {', '.join(others)}; {shares}",
        wrong,
    )


def main():
    own, more = sys.argv[1:], []
    if "--" in own:
        own, more = own[: own.index("--")], own[own.index("--") + 1 :]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--levels", nargs="+", default=list(LEVELS), choices=LEVELS)
    parser.add_argument("--runs", type=int, default=9, help="comparisons at each level")
    parser.add_argument("--rounds", type=int, default=24)
    parser.add_argument("--pairs", type=int, default=6)
    parser.add_argument("--margin", type=float, default=5.0, help="percent")
    parser.add_argument("--truth", type=float, help="paddle / torch, of every combination")
    options = parser.parse_args(own)
    arguments = [*(more or COMPARED), "--margin", str(options.margin)]
    known, wrong = truths(options, arguments), 0
    sized = [*arguments, "--rounds", str(options.rounds), "--pairs", str(options.pairs)]
    for level in options.levels:
        found = {}
        for _ in range(options.runs):
            with planted(level, os.cpu_count()):
                for row in compared(sized):
                    found.setdefault(key(row), []).append(row)
        for name, rows in found.items():
            truth = known.get(name, options.truth)
            line, number = summary(level, rows, truth, options.margin)
            wrong += number
            print(f"{name}, true ratio {truth:.3f}, {line}", flush=True)
    print(f"{wrong} wrong winners")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
