"""CIFAR-10's two layouts hold the same, and nothing that a pickle names is run."""

import io
import os
import pickle

import numpy as np
import pytest

from common import restricted_pickle
from common.cli import UsageError
from common.dataset import read_source

CIFAR = np.random.default_rng(1).integers(256, size=(4, 3072), dtype=np.uint8)


def write_cifar(folder, content):
    """As published: a pickle of Python 2, whose names are bytes there."""
    (folder / "cifar-10-batches-py").mkdir(exist_ok=True)
    for name in ("data_batch_1", "test_batch"):
        (folder / "cifar-10-batches-py" / name).write_bytes(content)
    return folder


def test_cifar_pickles_and_binaries_hold_the_same(tmp_path):
    batch = {b"data": CIFAR, b"labels": [3, 0, 9, 3], b"batch_label": b"x", b"filenames": [b"a"] * 4}
    parts = read_source(write_cifar(tmp_path, pickle.dumps(batch, protocol=2)))
    records = np.concatenate([np.array([[3], [0], [9], [3]], np.uint8), CIFAR], axis=1)
    binary = tmp_path / "binary" / "cifar-10-batches-bin"
    binary.mkdir(parents=True)
    (binary / "data_batch_1.bin").write_bytes(records.tobytes())
    same = read_source(tmp_path / "binary")["train"]
    assert parts["train"].labels.tolist() == same.labels.tolist() == [3, 0, 9, 3]
    assert parts["test"].classes[9] == same.classes[9] == "truck"
    image = np.asarray(parts["train"].decode(2, channels=3))
    assert np.array_equal(image, CIFAR[2].reshape(3, 32, 32).transpose(1, 2, 0))
    assert np.array_equal(image, np.asarray(same.decode(2, channels=3)))


class Hostile:
    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


@pytest.mark.parametrize("function", [os.mkdir, eval, io.open, np.load, getattr])
def test_a_pickle_that_calls_anything_is_refused_and_not_run(tmp_path, function):
    trace = tmp_path / "was run"
    content = pickle.dumps({b"data": CIFAR, b"labels": [0] * 4, b"x": Hostile(function, str(trace))}, 2)
    with pytest.raises(UsageError, match=r"data_batch_1: names .*nothing of it was run"):
        read_source(write_cifar(tmp_path, content))
    assert not trace.exists()


def test_nothing_is_called_even_if_every_name_is_found(tmp_path, monkeypatch):
    """Two locks: names are not looked up, and what they would be is not called. Python's own has neither."""
    monkeypatch.delattr(restricted_pickle.RestrictedUnpickler, "find_class")
    trace = tmp_path / "was run"
    content = pickle.dumps({b"data": Hostile(os.mkdir, str(trace))}, 2)
    with pytest.raises(UsageError):
        read_source(write_cifar(tmp_path, content))
    assert not trace.exists()
    pickle.loads(content)
    assert trace.exists()


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ({b"data": CIFAR, b"labels": [0, 1, 2]}, "no CIFAR-10 batch"),
        ({b"data": CIFAR[:, :9], b"labels": [0] * 4}, "no CIFAR-10 batch"),
        ({b"data": CIFAR.astype(np.float32), b"labels": [0] * 4}, "no CIFAR-10 batch"),
        ({b"data": np.array([object], dtype=object), b"labels": [0]}, "names builtins.object"),
        ({b"data": CIFAR, b"labels": [10] * 4}, "labels must be 0..9"),
        ({b"labels": [0]}, "no CIFAR-10 batch"),
        ([1, 2], "no CIFAR-10 batch"),
    ],
)
def test_pickles_that_hold_something_else_are_named(tmp_path, batch, message):
    with pytest.raises(UsageError) as error:
        read_source(write_cifar(tmp_path, pickle.dumps(batch, 2)))
    assert message.replace("builtins", "__builtin__") in str(error.value).replace("builtins", "__builtin__")


@pytest.mark.parametrize("seed", range(4))
def test_damaged_pickles_are_refused(tmp_path, seed):
    content = bytearray(pickle.dumps({b"data": CIFAR, b"labels": [0] * 4}, 2))
    rng = np.random.default_rng(seed)
    for _ in range(50):
        damaged = bytearray(content[: rng.integers(1, len(content))] if rng.random() < 0.5 else content)
        for place in rng.integers(min(len(damaged), 300), size=3):
            damaged[place] = rng.integers(256)
        try:
            restricted_pickle.load(bytes(damaged), source="batch")
        except UsageError as error:
            assert str(error).startswith("batch: ")
