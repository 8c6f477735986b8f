"""Batches reach the device without a needless copy, scaled to the same bits, and never overtaken.

The queues of a GPU are stood in for by a record of what was asked of them, and by a device that works
in order: the logic is tested here, the hardware is not.
"""

from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from common.runtime.prefetch import overlapped
from common.transforms.preprocessing import evaluation_preprocessing
from tests.support.loading import loaded
from tests.support.mutation import without_each
from tests.support.sides import module

SHAPE = (3, 8, 9)
LABELS = np.array([1, 0], dtype=np.int64)


def test_on_the_cpu_a_tensor_shares_the_batch(backend):
    images = np.zeros((2, *SHAPE), np.float32)
    feed = backend.feed([(images, LABELS)], device="cpu", precision="fp32", preprocessing=None)
    tensor, labels = next(feed)
    images[:] = 7
    assert float(backend.to_numpy(tensor).mean()) == 7
    assert backend.to_numpy(labels).tolist() == [1, 0]
    double, _ = next(backend.feed([(images, LABELS)], device="cpu", precision="fp64", preprocessing=None))
    assert backend.to_numpy(double).dtype == np.float64


def test_a_batch_that_a_tensor_shares_is_not_used_again(backend, index):
    loader = loaded(index, batch_size=2)
    fed = backend.feed(loader.endless(), device="cpu", precision="fp32", preprocessing=None)
    tensors = [next(fed)[0] for _ in range(8)]
    expected = loaded(index, batch_size=2).endless()
    for tensor in tensors:
        assert np.array_equal(backend.to_numpy(tensor), next(expected)[0])


@pytest.mark.parametrize("channels", [1, 3])
def test_scaling_on_the_device_gives_the_loaders_bits(backend, channels):
    preprocessing = evaluation_preprocessing((channels, 16, 16))
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16).repeat(channels, axis=1)
    expected = np.empty(pixels.shape, np.float32)
    preprocessing.scale_into(expected, pixels)
    feeding = module(backend, "batches")
    tensor = feeding.share(pixels, precision="fp32")
    scaled = feeding.scaled(tensor, device="cpu", precision="fp32", preprocessing=preprocessing)
    assert np.array_equal(backend.to_numpy(scaled), expected)


class RecordedQueue:
    def __init__(self):
        self.calls = []

    def start(self, images, labels):
        self.calls.append(("start", images))
        return images, labels

    def join(self, started):
        self.calls.append(("join", started[0]))
        return started


def test_each_batch_is_copied_while_the_one_before_is_computed_on():
    queue = RecordedQueue()
    for images, _ in overlapped([(1, 1), (2, 2), (3, 3)], queue):
        queue.calls.append(("compute", images))
    assert queue.calls == [
        ("start", 1), ("start", 2), ("join", 1), ("compute", 1), ("start", 3), ("join", 2), ("compute", 2),
        ("join", 3), ("compute", 3),
    ]  # fmt: skip


class Stream:
    """A queue of work on a device that does it later, in order, and waits only for events it is told of."""

    def __init__(self, device):
        self.device, self.done_at = device, 0.0

    def work(self, cost):
        self.done_at = max(self.device.now, self.done_at) + cost
        return self.done_at

    def record_event(self):
        return self.done_at

    def wait_event(self, event):
        self.done_at = max(self.done_at, event)


class FakeStreams:
    """What feeding uses of torch.cuda and of paddle.device.cuda: two streams and which one is current."""

    def __init__(self, _place=None):
        self.now = 0.0
        self.main = self.current = Stream(self)

    def current_stream(self, _place):
        return self.current

    def Stream(self, _place):  # noqa: N802
        self.side = Stream(self)
        return self.side

    @contextmanager
    def stream(self, stream):
        before, self.current = self.current, stream
        yield
        self.current = before

    stream_guard = stream


def on_fake_streams(feeding, monkeypatch):
    """Copies and scaling take 10 on the current stream; returns the streams."""
    streams = FakeStreams()

    def moved(*_args, **_options):
        return SimpleNamespace(started=streams.current.done_at, ready=streams.current.work(10))

    monkeypatch.setattr(feeding, "cuda", streams)
    monkeypatch.setattr(feeding, "place", lambda name: name)
    monkeypatch.setattr(feeding, "_page_locked", lambda array: SimpleNamespace(to=moved))
    monkeypatch.setattr(feeding, "scaled", moved)
    return streams


def computed_too_early(feeding, monkeypatch):
    """Whether a step began before its batch was there, or a copy before its memory was free."""
    streams = on_fake_streams(feeding, monkeypatch)
    early, step_ends = [], []
    batches = [(np.zeros(1), LABELS)] * 5
    queue = feeding.SideQueue(device="gpu:0", precision="fp32", preprocessing=None)
    for number, (images, _) in enumerate(overlapped(batches, queue)):
        early.append(streams.main.done_at < images.ready)
        if number >= 2:  # this batch lies where the one before the last did
            early.append(images.started < step_ends[number - 2])
        step_ends.append(streams.main.work(100))
    return any(early)


def test_nothing_is_computed_or_overwritten_too_early(backend, monkeypatch):
    assert not computed_too_early(module(backend, "batches"), monkeypatch)


def test_every_wait_is_needed(backend, monkeypatch):
    feeding = module(backend, "batches")
    for statement in ("self.side.wait_event(self.main.record_event())", "self.main.wait_event(arrived)"):
        mutants = list(without_each(Path(feeding.__file__), statement))
        assert len(mutants) == 1
        with monkeypatch.context() as patch:
            assert computed_too_early(mutants[0][1], patch), statement
