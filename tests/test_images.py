"""Transforms are torchvision's to the byte, and batches do not depend on how they are loaded."""

import gc
import threading

import numpy as np
import pytest
from PIL import Image

from common.cli import UsageError
from common.dataset import read_list
from common.loader import Loader
from common.preprocessing import Preprocessing, evaluation_preprocessing
from common.transforms import Compose, Normalize, Resize, ToArray

SHAPE = (3, 32, 40)


@pytest.fixture
def index(tmp_path):
    """Seven images of random noise, of several modes and sizes."""
    rng = np.random.default_rng(0)
    lines = []
    for number, mode in enumerate(["RGB", "L", "RGBA", "P", "CMYK", "RGB", "LA"]):
        pixels = rng.integers(256, size=(30 + number, 50 - number, 3), dtype=np.uint8)
        image = Image.fromarray(pixels).convert(mode)
        name = f"{number}.tif" if mode in ("CMYK", "LA") else f"{number}.png"
        image.save(tmp_path / name)
        lines.append(f"{name}\t{number % 3}\n")
    (tmp_path / "list.txt").write_text("".join(lines))
    return read_list(tmp_path / "list.txt")


def loaded(index, **options):
    settings = {"preprocessing": evaluation_preprocessing(SHAPE), "batch_size": 3} | options
    return Loader(index=index, **settings)


@pytest.mark.parametrize("size", [(224, 224), (100, 37), 64])
def test_transforms_are_torchvisions(flowers_list, size):
    """Bit for bit, on real photographs; and a channel order that differs is seen."""
    torchvision = pytest.importorskip("torchvision")
    transforms = torchvision.transforms
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    theirs = transforms.Compose(
        [transforms.Resize(size), transforms.ToTensor(), transforms.Normalize(mean, std)]
    )
    ours = Compose([Resize(size), ToArray(), Normalize(mean, std)])
    index = read_list(flowers_list)
    for position in range(0, 500, 50):
        image = index.decode(position, channels=3)
        expected = theirs(image).numpy()
        assert np.array_equal(ours(image), expected)
        assert ours(image).dtype == expected.dtype == np.float32
        assert not np.array_equal(ours(image)[::-1], expected)


def test_grey_images_have_one_channel(index):
    assert evaluation_preprocessing((1, 8, 8))(index.decode(0, channels=1)).shape == (1, 8, 8)


def test_batches(index):
    batches = list(loaded(index).epoch(0))
    assert [images.shape for images, _ in batches] == [(3, *SHAPE), (3, *SHAPE), (1, *SHAPE)]
    assert [labels.tolist() for _, labels in batches] == [[0, 1, 2], [0, 1, 2], [0]]
    assert {images.dtype for images, _ in batches} == {np.dtype(np.float32)}
    assert all(images.flags.c_contiguous for images, _ in batches)
    assert {labels.dtype for _, labels in batches} == {np.dtype(np.int64)}


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


@pytest.mark.parametrize("workers", [0, 2])
def test_an_image_that_cannot_be_decoded_is_named_with_its_line(index, workers):
    index.locate(4).write_text("this is text")
    with pytest.raises(UsageError, match=r"list.txt:5: .*4.tif cannot be decoded"):
        list(loaded(index, workers=workers).epoch(0))


def test_photographs_are_turned_upright(tmp_path):
    image = Image.fromarray(np.zeros((10, 20, 3), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6  # rotated by a quarter
    image.save(tmp_path / "turned.jpg", exif=exif)
    (tmp_path / "list.txt").write_text("turned.jpg\t0\n")
    assert read_list(tmp_path / "list.txt").decode(0, channels=3).size == (10, 20)
