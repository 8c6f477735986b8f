"""Stages that end in an exception are rows, and a lost worker ends no report."""

from benchmarks.manager.worker_process import WorkerFailure
from benchmarks.parity.plan import BETWEEN_FRAMEWORKS, GATE, Plan, with_needed
from benchmarks.parity.stages.attempts import Attempts
from benchmarks.parity.stages.stage import Stage

DETAILS = {"layer": "conv1", "place": "mine.py:3", "code": "x.view(7)"}


def raising(error):
    def work():
        raise error

    return work


def test_an_exception_takes_one_stage_and_says_where():
    seen = []
    attempts = Attempts(Plan(), seen.append)
    attempts.add("repeat", raising(WorkerFailure("paddle", "crashed", "ValueError: no", details=DETAILS)))
    attempts.add("forward", lambda: Stage(name="forward"))
    repeat, forward = attempts.in_order()
    assert (repeat.verdict, forward.verdict) == ("error", "pass")
    assert repeat.as_json()["error"] == {
        "backend": "paddle",
        "reason": "ValueError: no",
        "lost": False,
        **DETAILS,
    }
    first = repeat.divergence()
    assert (first["stage"], first["layer"], first["note"]) == ("repeat", "conv1", "mine.py:3: x.view(7)")
    assert seen == ["repeat", "forward"]


def test_after_a_lost_worker_the_rest_is_said_to_be_not_run():
    attempts = Attempts(Plan(stages=("optimizer", "training")), lambda _: None)
    attempts.add_if_wanted("optimizer", raising(WorkerFailure("torch", "crashed", "SIGKILL", died=True)))
    attempts.add_if_wanted("training", lambda: Stage(name="training"))
    attempts.add_if_wanted("float32", lambda: Stage(name="float32"))
    optimizer, training = attempts.in_order()
    assert (optimizer.verdict, training.verdict) == ("error", "error")
    assert training.problem.reason == "not run: torch's worker was lost in stage optimizer"


def test_stages_are_run_with_what_they_need_in_order():
    assert with_needed(()) == BETWEEN_FRAMEWORKS
    assert with_needed(("float32",)) == (*GATE, "float32")
    assert with_needed(("training", "repeat")) == ("parameters", "repeat", *GATE[1:], "training")
