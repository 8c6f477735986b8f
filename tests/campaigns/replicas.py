"""What several processes do together, held against one: started by a launcher, in each process.

    python -m tests.campaigns.replicas BACKEND FOLDER

writes found.json there. Then one process begins a training run, all go on with it, and the last one is
killed in the middle of an epoch.
"""

import io
import json
import os
import signal
import sys
from contextlib import nullcontext, redirect_stdout, suppress
from dataclasses import asdict
from pathlib import Path

import numpy as np

from backends import train
from backends.training.learner import Learner
from backends.training.process_team import gather
from benchmarks.request.case import Case
from benchmarks.request.inputs import draw_batch, write_weights
from benchmarks.request.job import JobSpec
from benchmarks.request.model_pair import ModelPair
from benchmarks.worker.replicas import GroupTasks
from common.cli import UnavailableError
from common.runtime.distributed import Member, Share
from common.training import recipes
from common.weights import initialization, safetensors_file
from common.weights.checkpoint import ModelConfig
from tests.support.sides import altered
from tests.support.small_models import small_backend
from tests.support.training import SMALL

STEPS = 20
FEW = 8  # are enough to see a fault
COUNTS = (12, 12, 7, 1)  # images of the batches: full, uneven, one that leaves the others without any
MICRO_BATCH = 4  # images of a micro-batch: three make a batch
INTERRUPTED_AT = 3  # the batch in which the run of one process ends; the last state is of batch 2
KILLED_AT = 9  # the batch, of six in an epoch


def recipe(optimizer):
    changed = {"optimizer": optimizer, "weight_decay": 0.01, "learning_rate": 0.01, "batch_size": MICRO_BATCH}
    return recipes.find("digits").changed(precision="fp64", schedule="constant", **changed)


def learner(team, backend, *, optimizer, dropout=False, alone=False):
    plan = recipe(optimizer)
    model = {"model": "alexnet", "num_classes": 5, "channels": 3, "options": {}}
    if not dropout:
        model = {"model": "lenet5", "num_classes": 10, "channels": 1, "options": plan.options}
    if dropout:
        backend = small_backend(team.backend.__name__.rpartition(".")[2], backend)
    member = {} if alone else {"member": team.member}
    subject = ModelConfig(**model, preparation=plan.preparation)
    made = Learner(backend, plan, subject, device="cpu", shared_masks=dropout, **member)
    made.backend.set_weights(made.model, initialization.draw("xavier", made.shapes, seed=0))
    return made


def batch(step, *, dropout=False):
    count = COUNTS[step % len(COUNTS)]
    shape, classes = ((3, 8, 8), 5) if dropout else ((1, 32, 32), 10)
    rng = np.random.default_rng(step)
    return rng.standard_normal((count, *shape), dtype=np.float32), rng.integers(classes, size=count)


def updated(made, member, *, dropout=False, steps=STEPS, fault=None):
    """The weights after some updates, each process having its rows of each batch."""
    for step in range(steps):
        images, labels = batch(step, dropout=dropout)
        rank = 0 if fault == "repeated shard" else member.rank
        rows = np.arange(-(-len(labels) // member.ranks) * member.ranks)[rank :: member.ranks] % len(labels)
        whole = Share(own=len(range(rank, len(labels), member.ranks)), whole=len(labels))
        if fault == "padding counts":
            whole = Share(own=len(rows), whole=len(rows) * member.ranks)
        made.update(images[rows], labels[rows], step=step, rate=0.01, share=whole)
    return made.weights()


def truth(team, *, optimizer, dropout=False):
    """One process's weights. Each works them out itself: paddle's gloo waits 30 seconds at most."""
    made, weights = learner(team, team.backend, optimizer=optimizer, dropout=dropout, alone=True), {}
    for step in range(STEPS):
        made.update(*batch(step, dropout=dropout), step=step, rate=0.01)
        if step + 1 in (FEW, STEPS):
            weights[step + 1] = made.weights()
    return weights


def gap(ours, theirs):
    distances = [(np.linalg.norm(ours[key] - theirs[key]), np.linalg.norm(ours[key])) for key in ours]
    return max(float(distance / (norm or 1)) for distance, norm in distances)


def sound_and_faulty(team):
    """Largest relative distance from one process's weights: sound, then with each fault."""
    found, expected = {}, {}
    for optimizer in ("sgd", "adamw", "momentum"):
        expected[optimizer] = truth(team, optimizer=optimizer)
        made = learner(team, team.backend, optimizer=optimizer)
        found[optimizer] = updated(made, team.member)
    dropped = {"optimizer": "momentum", "dropout": True}
    expected["shared masks"] = truth(team, **dropped)
    found["shared masks"] = updated(learner(team, team.backend, **dropped), team.member, dropout=True)
    for fault in ("repeated shard", "padding counts", "forgotten averaging", "other start"):
        found[fault] = updated(faulty(team, fault), team.member, fault=fault, steps=FEW)
        expected[fault] = {STEPS: expected["momentum"][FEW]}
    return {name: gap(expected[name][STEPS], weights) for name, weights in found.items()}


def faulty(team, fault):
    backend = team.backend
    if fault == "forgotten averaging":
        backend = altered(backend, replicate=lambda model: model, unsynchronised=lambda _: nullcontext())
    made = learner(team, backend, optimizer="momentum")
    if fault == "other start":
        made._replicated()  # which gives all of them the first one's weights
        if team.member.rank:
            weights = made.weights()
            backend.set_weights(made.model, {name: array * 1.1 for name, array in weights.items()})
    return made


def exchanges(team, **altering):
    """After each part of a batch: whether all processes have the same gradients."""
    alike = []

    def backward(loss, *, scale):
        team.backend.backward(loss, scale=scale)
        gradients = team.backend.get_gradients(made.model)
        own = np.concatenate([array.ravel() for array in gradients.values()])
        alike.append(bool(np.allclose(team.total(own), team.member.ranks * own, rtol=1e-9)))

    made = learner(team, altered(team.backend, backward=backward, **altering), optimizer="sgd")
    updated(made, team.member, steps=1)
    return alike


def messages(team):
    """What the others receive, and how they find out that they differ."""
    for data in (None, b"", b"12345", bytes(range(256)) * 3):
        assert team.from_first(data if team.member.is_first else b"other") == data
    assert team.total(np.array([2**53 + 1, team.member.rank])).tolist()[0] == team.member.ranks * (2**53 + 1)
    assert team.agrees(3)
    assert not team.agrees(team.member.rank)
    start = learner(team, team.backend, optimizer="sgd")
    if team.member.rank:
        start.backend.set_weights(start.model, {name: array * 2 for name, array in start.weights().items()})
    start._replicated()
    alone = learner(team, team.backend, optimizer="sgd", alone=True)
    return {"start": gap(alone.weights(), start.weights())}


def measured(team, folder, **faults):
    """What a group that is measured says before its first step, with a fault in what it does together."""
    tasks = GroupTasks("any", altered(team.backend, **faults))
    tasks.member = team.member
    pair = ModelPair(model="lenet5", num_classes=10, input_shape=(1, 32, 32), seed=team.member.rank)
    model = pair.spec("any", precision="fp32", device="cpu")
    own = folder / f"process-{team.member.rank}"
    own.mkdir(exist_ok=True)
    write_weights(tasks.shapes(asdict(model)), seed=0, path=own / "weights.safetensors")
    safetensors_file.save(own / "batch.safetensors", draw_batch(pair, batch_size=3))
    spec = JobSpec(
        case=Case(phase="train", engine="eager", precision="fp32", batch_size=3, threads=1),
        model=model,
        equalise=True,
        weights=str(own / "weights.safetensors"),
        artefacts=str(own),
        inputs=str(own / "batch.safetensors"),
    )
    tasks.prepare(spec.to_json())
    try:
        distances = tasks.check_averaging()
    except UnavailableError as error:
        return str(error)
    times = tasks.step_together(steps=3)
    return {**distances, "steps": [len(times["seconds"]["backward"]), len(times["unsynchronised"])]}


def begin_alone(name, folder, backend):
    """A run that one process begins, and is interrupted in: all will go on with the first one's."""

    def interrupt(made, step, part):
        if step == INTERRUPTED_AT:
            raise KeyboardInterrupt
        return chance(made, step, part)

    chance, launched = Learner._chance, backend.launched
    Learner._chance, backend.launched = interrupt, Member
    with redirect_stdout(io.StringIO()), suppress(KeyboardInterrupt):
        train.main(flags(name, folder))
    Learner._chance, backend.launched = chance, launched


def flags(name, folder):
    more = ["--output", str(folder), "--precision", "fp64", "--save-every", "2"]
    return ["--backend", name, *SMALL, *more]


def train_and_kill(name, folder, team):
    """All go on with the run, and the last one is killed in the middle of the second epoch."""
    team.backend.join = lambda _: None  # that was done
    learn = Learner.learn

    def learn_or_die(made, part, *, step, rate):
        if step == KILLED_AT and made.member.rank == made.member.ranks - 1:
            (folder / "killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return learn(made, part, step=step, rate=rate)

    Learner.learn = learn_or_die
    output = folder / ("run" if team.member.is_first else "others")  # as on another machine
    return train.main([*flags(name, output), "--resume"])


def main():
    name, folder = sys.argv[1], Path(sys.argv[2])
    team = gather(name, device="cpu", threads=1)
    team.backend.join("cpu")
    found = {"gaps": sound_and_faulty(team), **messages(team), "exchanges": exchanges(team)}
    found["without no_sync"] = exchanges(team, unsynchronised=lambda _: nullcontext())
    found["processes"] = team.member.ranks
    silent = {"unsynchronised": lambda _: nullcontext()}
    found["measured"] = measured(team, folder)
    found["forgotten averaging"] = measured(team, folder, replicate=lambda model: model, **silent)
    found["sending always"] = measured(team, folder, **silent)
    if team.member.is_first:
        (folder / "found.json").write_text(json.dumps(found))
    begin_alone(name, folder / ("run" if team.member.is_first else "alone"), team.backend)
    train_and_kill(name, folder, team)


if __name__ == "__main__":
    main()
