"""The output and the loss of a pair of one's own, in what is timed."""

import numpy as np
import pytest

from backends.open_model import ModelSpec, open_model, output_at
from benchmarks.worker.steps import make_job
from benchmarks.worker.timing import run_steps
from common.cli import UsageError
from tests.pairs.words import Words

WHERE = {"precision": "fp32", "device": "cpu"}


def two_headed(framework):
    """A network whose second output is the first, doubled."""
    words = Words(framework)

    class TwoHeaded(words.base):
        def __init__(self):
            super().__init__()
            self.head = words.Linear(4, 3)

        def forward(self, x):
            logits = self.head(x)
            return {"logits": logits, "more": [logits * 2]}

    return TwoHeaded()


def two_headed_torch():
    return two_headed("torch")


def two_headed_paddle():
    return two_headed("paddle")


@pytest.fixture
def opened(backend):
    """A function from an output's key to the model that returns it alone."""
    name = backend.__name__.rpartition(".")[2]

    def open_at(key):
        spec = ModelSpec(**WHERE, source=f"{__name__}:two_headed_{name}", output=key)
        model = open_model(backend, spec)
        weights = {"head.weight": np.ones((3, 4), np.float32), "head.bias": np.arange(3, dtype=np.float32)}
        backend.set_weights(model, weights)
        return model

    return open_at


def test_one_output_is_returned_alone_and_names_stay(backend, opened):
    images = backend.from_numpy(np.ones((2, 4), np.float32), **WHERE)
    for key, factor in (("logits", 1), ("more.0", 2)):
        got = backend.to_numpy(backend.infer(opened(key), images))
        np.testing.assert_array_equal(got, np.tile([4.0, 5.0, 6.0], (2, 1)) * factor)
    with pytest.raises(UsageError, match="output aux: the model returns dict without it"):
        backend.infer(opened("aux"), images)


def test_a_step_learns_by_the_loss_of_ones_own(backend, opened):
    arrays = np.ones((2, 4), np.float32), np.zeros(2, np.int64)
    batch = tuple(backend.from_numpy(array, **WHERE) for array in arrays)
    losses = {}
    for name, loss in (("entropy", None), ("own", lambda logits, labels: logits.sum(1).mean() + len(labels))):
        job = make_job(backend, opened("logits"), phase="train", batch=batch, feed=None, loss=loss, **WHERE)
        run_steps(job.parts, job.timeline, steps=1)
        losses[name] = job.outcome()
    assert losses["own"] == 17.0
    assert losses["entropy"] == pytest.approx(np.log(np.exp([0.0, 1.0, 2.0]).sum()), rel=1e-6)


@pytest.mark.parametrize("key", ["1", "0.b", "a"])
def test_a_key_that_is_not_there_is_refused(key):
    with pytest.raises(UsageError, match=f"output {key}: "):
        output_at([{"a": 1}], key)
