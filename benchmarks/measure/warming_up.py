"""How many untimed steps come before the timed ones."""

from collections.abc import Callable

from benchmarks.request.request import WARMUP

FEWEST = 2
SLOW_SECONDS = 0.5  # of a step, from which FEWEST are enough


def untimed_steps(asked: int | None, run: Callable[[int], float]) -> int:
    """Have ``run`` make untimed steps; returns how many.

    It makes so many on every side, and returns the seconds of the fastest one. As many as were asked for,
    else WARMUP, or FEWEST where the last step was slow. Of AlexNet's training steps in new processes (0.7 s
    on torch, 1.7 s on paddle) the first took 3 to 25 % longer, the second 3 % at most.
    """
    if asked is not None:
        if asked:
            run(asked)
        return asked
    done, took = 0, 0.0
    while done < FEWEST or (done < WARMUP and took < SLOW_SECONDS):
        took = run(1)
        done += 1
    return done
