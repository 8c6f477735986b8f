"""AlexNet trained by several processes, held against one: started by a launcher, in each process.

    python -m tests.campaigns.alexnet_replicas BACKEND FOLDER

makes two updates in float64 with dropout masks shared, the second on an uneven batch. It writes the largest
relative distance of a weight from one process's to gap.json there.
"""

import json
import sys
from pathlib import Path

import numpy as np

from backends.training.learner import Learner
from backends.training.process_team import gather
from common.runtime.distributed import Share
from common.weights import initialization
from common.weights.checkpoint import ModelConfig
from tests.campaigns.replicas import gap, recipe

COUNTS = (4, 3)  # images of the batches
CLASSES = 5


def learner(team, **member):
    plan = recipe("momentum")
    subject = ModelConfig(
        model="alexnet", num_classes=CLASSES, channels=3, options={}, preparation=plan.preparation
    )
    made = Learner(team.backend, plan, subject, device="cpu", shared_masks=True, **member)
    made.backend.set_weights(made.model, initialization.draw("xavier", made.shapes, seed=0))
    return made


def updated(made):
    """The weights after an update on each batch; each process has its rows of it."""
    member = made.member
    for step, count in enumerate(COUNTS):
        rng = np.random.default_rng(step)
        images = rng.standard_normal((count, 3, 224, 224), dtype=np.float32)
        labels = rng.integers(CLASSES, size=count)
        rows = np.arange(-(-count // member.ranks) * member.ranks)[member.rank :: member.ranks] % count
        whole = Share(own=len(range(member.rank, count, member.ranks)), whole=count)
        made.update(images[rows], labels[rows], step=step, rate=0.01, share=whole)
    return made.weights()


def main():
    name, folder = sys.argv[1], Path(sys.argv[2])
    team = gather(name, device="cpu", threads=1)
    team.backend.join("cpu")
    ours = updated(learner(team, member=team.member))
    team.total(np.zeros(1))
    team.backend.leave()
    if team.member.is_first:  # now: paddle's gloo waits 30 seconds at most for the others
        before = learner(team).weights()
        alone = updated(learner(team))
        found = {"gap": gap(alone, ours), "moved": gap(alone, before), "processes": team.member.ranks}
        (folder / "gap.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main()
