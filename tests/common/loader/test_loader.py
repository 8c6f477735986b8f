"""Batches are the same however they are loaded, and whatever happens to an image."""

import gc
import subprocess
import sys
import threading

import numpy as np
import pytest
from PIL import Image

from common.dataset.index import Index
from common.loader.image_cache import Buffers
from common.loader.loader import epoch_order
from common.transforms.preprocessing import Preprocessing, training_preprocessing
from tests.support.loading import SHAPE, copied, loaded, same


def test_batches(index):
    batches = list(loaded(index).epoch(0))
    assert [images.shape for images, _ in batches] == [(3, *SHAPE), (3, *SHAPE), (1, *SHAPE)]
    assert [labels.tolist() for _, labels in batches] == [[0, 1, 2], [0, 1, 2], [0]]
    assert {images.dtype for images, _ in batches} == {np.dtype(np.float32)}
    assert all(images.flags.c_contiguous for images, _ in batches)
    assert {labels.dtype for _, labels in batches} == {np.dtype(np.int64)}


def test_batches_lie_where_a_cache_line_begins(index):
    """So that a sum is rounded alike in every run, however the memory was handed out."""
    for batch_size in (1, 3):
        for images, _ in loaded(index, batch_size=batch_size).epoch(0):
            assert images.ctypes.data % 64 == 0


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_workers_change_no_pixel(index, workers):
    alone, threaded = (list(loaded(index, shuffle=True, workers=number).epoch(3)) for number in (0, workers))
    for (ours, our_labels), (theirs, their_labels) in zip(alone, threaded, strict=True):
        assert ours.tobytes() == theirs.tobytes()
        assert np.array_equal(our_labels, their_labels)


def test_order_depends_on_seed_and_epoch(index):
    def order(epoch, **options):
        return [
            label
            for _, labels in loaded(index, shuffle=True, batch_size=1, **options).epoch(epoch)
            for label in labels
        ]

    assert order(0) == order(0)
    assert sorted(order(0)) == sorted(order(1))
    assert len({tuple(order(epoch)) for epoch in range(5)}) > 1
    assert len({tuple(order(0, seed=seed)) for seed in range(5)}) > 1


def test_a_samples_randomness_depends_on_seed_epoch_and_position_alone(index):
    def noise(_image, rng):
        return Image.fromarray(rng.integers(256, size=(1, 2), dtype=np.uint8))

    def drawn(workers, shuffle):
        preprocessing = Preprocessing(image=noise, shape=(1, 1, 2), scale=1)
        options = {"batch_size": 7, "workers": workers, "shuffle": shuffle, "seed": 5}
        return next(loaded(index, preprocessing=preprocessing, **options).epoch(2))[0].reshape(7, 2)

    generators = [np.random.default_rng((5, 2, position)) for position in range(7)]
    expected = [rng.integers(256, size=2, dtype=np.uint8) for rng in generators]
    assert np.array_equal(drawn(0, shuffle=False), expected)
    assert sorted(map(tuple, drawn(4, shuffle=True))) == sorted(map(tuple, expected))


def test_endless_batches_are_full_also_where_the_list_is_shorter(index):
    batches = loaded(index, batch_size=16).endless()
    labels = [next(batches)[1].tolist() for _ in range(3)]
    assert [len(batch) for batch in labels] == [16, 16, 16]
    assert [label for batch in labels for label in batch] == ([0, 1, 2, 0, 1, 2, 0] * 7)[:48]


def test_stopping_early_ends_the_threads(index):
    batches = loaded(index, workers=4).endless()
    next(batches)
    assert any(thread.name.startswith("loader") for thread in threading.enumerate())
    del batches
    gc.collect()
    assert not any(thread.name.startswith("loader") for thread in threading.enumerate())


@pytest.mark.parametrize("start", [0, 1, 2])
def test_an_epoch_is_continued_in_the_middle(index, start):
    loader = loaded(index, preprocessing=training_preprocessing(SHAPE), shuffle=True, workers=2)
    assert same(loader.epoch(4, start=start), copied(loader.epoch(4))[start:])


def test_the_last_batch_may_be_dropped(index):
    whole, full = loaded(index), loaded(index, drop_last=True)
    assert (len(whole), len(full)) == (3, 2)
    assert same(full.epoch(0), copied(whole.epoch(0))[:2])


@pytest.mark.parametrize("length", [1, 7, 8, 9, 100])
@pytest.mark.parametrize("ranks", [1, 2, 3, 8])
def test_ranks_share_the_samples_as_torchs_sampler_does(length, ranks):
    distributed = pytest.importorskip("torch.utils.data.distributed")
    for rank in range(ranks):
        sampler = distributed.DistributedSampler(range(length), num_replicas=ranks, rank=rank, shuffle=False)
        ours = epoch_order(length, seed=0, epoch=0, shuffle=False, rank=rank, ranks=ranks)
        assert ours.tolist() == list(sampler)


def test_ranks_see_every_sample_once(index):
    loaders = [loaded(index, shuffle=True, rank=rank, ranks=3, batch_size=2) for rank in range(3)]
    images = [image.tobytes() for loader in loaders for batch, _ in loader.epoch(1) for image in batch]
    alone = [image.tobytes() for batch, _ in loaded(index).epoch(0) for image in batch]
    assert len(images) == 9  # seven, and two of them again so that all ranks have three
    assert set(images) == set(alone)
    assert [len(loader) for loader in loaders] == [2, 2, 2]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_batch_that_is_kept_keeps_its_pixels(index, workers):
    """Memory is used again, but not while anybody has it."""
    batches = loaded(index, batch_size=2, workers=workers).endless()
    kept = [next(batches) for _ in range(12)]
    alone = loaded(index, batch_size=2).endless()
    assert same(kept, [next(alone) for _ in range(12)])
    assert len({images.ctypes.data for images, _ in kept}) == 12


def test_memory_is_used_again_once_nobody_has_it(index):
    batches = loaded(index, batch_size=2).endless()
    assert len({next(batches)[0].ctypes.data for _ in range(12)}) <= 2


def test_the_count_of_references_is_what_protects_a_batch(index, monkeypatch):
    monkeypatch.setattr(
        Buffers, "take", lambda self: self.__dict__.setdefault("only", np.empty(self.shape, self.dtype))
    )
    batches = loaded(index, batch_size=2).endless()
    kept = [next(batches) for _ in range(3)]
    alone = loaded(index, batch_size=2)
    monkeypatch.undo()
    assert not same(kept, [batch for batch, _ in zip(alone.endless(), range(3), strict=False)])


def test_no_more_than_two_batches_are_loaded_ahead(index):
    opened = []

    def counted(position, *, channels):
        opened.append(position)
        return Index.decode(index, position, channels=channels)

    object.__setattr__(index, "decode", counted)
    batches = loaded(index, batch_size=2, workers=4).endless()
    next(batches)
    threading.Event().wait(0.3)
    assert len(opened) <= 2 * 2 + 2


HASHES = """
import hashlib, sys
from pathlib import Path
import {framework}
import backends
from common.dataset.lists import read_list
from common.loader.loader import Loader
from common.transforms.preprocessing import training_preprocessing
backends.load("{framework}")
loader = Loader(index=read_list(Path(sys.argv[1])), preprocessing=training_preprocessing((3, 48, 64)),
                batch_size=8, workers=int(sys.argv[2]), seed=3, shuffle=True)
digest = hashlib.sha256()
for epoch in (0, 1):
    for images, labels in loader.epoch(epoch):
        digest.update(images.tobytes() + labels.tobytes())
print(digest.hexdigest())
"""


def test_both_frameworks_processes_read_the_same_bits(torch_backend, paddle_backend, flowers_list, tmp_path):
    lines = flowers_list.read_text().splitlines(keepends=True)
    (tmp_path / "some.txt").write_text("".join(lines[::9]))
    digests = set()
    for framework, workers in (("torch", 0), ("torch", 8), ("paddle", 8)):
        command = [
            sys.executable,
            "-c",
            HASHES.format(framework=framework),
            tmp_path / "some.txt",
            str(workers),
        ]
        digests.add(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert len(digests) == 1
