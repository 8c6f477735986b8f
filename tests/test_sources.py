"""Every source of labelled images becomes the same index, and nothing that a file holds is run."""

import gzip
import io
import os
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest

from common import dataset, tame_pickle
from common.cli import UsageError
from common.containers import read_container
from common.dataset import complete, read_list, read_source, require_images, write_lists

PIXELS = np.random.default_rng(0).integers(256, size=(6, 5, 4), dtype=np.uint8)
LABELS = np.array([1, 0, 2, 1, 0, 2], dtype=np.uint8)


def idx_bytes(array):
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def write_idx(folder, *, name="train", zipped=False, images=None, labels=None):
    folder.mkdir(exist_ok=True)
    contents = {
        "images-idx3": idx_bytes(PIXELS) if images is None else images,
        "labels-idx1": idx_bytes(LABELS) if labels is None else labels,
    }
    for part, content in contents.items():
        path = folder / f"{name}-{part}-ubyte{'.gz' if zipped else ''}"
        path.write_bytes(gzip.compress(content) if zipped else content)
    return folder


@pytest.mark.parametrize("zipped", [False, True])
def test_idx_files(tmp_path, zipped):
    write_idx(tmp_path, zipped=zipped)
    write_idx(tmp_path, name="t10k", zipped=zipped)
    parts = read_source(tmp_path)
    assert {part: index.labels.tolist() for part, index in parts.items()} == dict.fromkeys(
        ("train", "test"), LABELS.tolist()
    )
    assert parts["train"].classes == ("0", "1", "2")
    assert np.array_equal(np.asarray(parts["train"].decode(3, channels=1)), PIXELS[3])
    assert parts["train"].decode(3, channels=3).mode == "RGB"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ({"images": idx_bytes(PIXELS)[:-1]}, "119 bytes where its header says 120"),
        ({"images": idx_bytes(PIXELS) + b"x"}, "more bytes where its header says 120"),
        ({"images": idx_bytes(LABELS)}, "no idx file of bytes in 3 dimensions (it begins '00000801')"),
        ({"images": b""}, "no idx file"),
        ({"images": struct.pack(">BBBB3I", 0, 0, 8, 3, 1 << 31, 2, 2)}, "claims to hold"),
        ({"labels": idx_bytes(LABELS[:5])}, "5 labels for the 6 images"),
    ],
)
@pytest.mark.parametrize("zipped", [False, True])
def test_damaged_idx_files_are_named(tmp_path, damage, message, zipped):
    folder = write_idx(tmp_path / "idx", zipped=zipped, **damage)
    with pytest.raises(UsageError) as error:
        read_source(folder)
    assert message in str(error.value)
    assert str(folder) in str(error.value)


def test_a_gzip_file_that_is_cut_or_no_gzip(tmp_path):
    folder = write_idx(tmp_path / "idx", zipped=True)
    images = folder / "train-images-idx3-ubyte.gz"
    whole = images.read_bytes()
    for content in (whole[:-9], b"no gzip at all"):
        images.write_bytes(content)
        with pytest.raises(UsageError, match="damaged or cut short"):
            read_source(folder)
    (folder / "train-labels-idx1-ubyte.gz").unlink()
    images.write_bytes(whole)
    with pytest.raises(UsageError, match="no label file beside"):
        read_source(folder)


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


def test_the_refusal_is_what_stops_it(tmp_path, monkeypatch):
    """The same pickle, read by an unpickler that allows every name, leaves its trace."""
    monkeypatch.delattr(tame_pickle.TameUnpickler, "find_class")
    trace = tmp_path / "was run"
    content = pickle.dumps({b"data": Hostile(os.mkdir, str(trace))}, 2)
    with pytest.raises(UsageError):
        read_source(write_cifar(tmp_path, content))
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
            tame_pickle.load(bytes(damaged), source="batch")
        except UsageError as error:
            assert str(error).startswith("batch: ")


def test_digits_need_no_file(tmp_path):
    parts = read_source(Path("digits"))
    assert len(parts["all"]) == 1797
    assert parts["all"].num_classes == 10
    lists = write_lists(complete(parts, fractions={"valid": 0.2}), tmp_path)
    assert {part: len(index) for part, index in lists.items()} == {"train": 1442, "valid": 355}
    require_images(lists["train"])
    image = np.asarray(lists["valid"].decode(0, channels=1))
    assert image.shape == (8, 8)
    assert image.max() == 255


def test_lists_name_images_in_containers(tmp_path, capsys):
    """index, split and check go through lists, so they serve files of many images too."""
    write_idx(tmp_path / "data")
    assert dataset.main(["index", str(tmp_path / "data"), "--output", str(tmp_path)]) == 0
    text = (tmp_path / "train.txt").read_text()
    assert text.splitlines()[2] == "data/train-images-idx3-ubyte#2\t2"
    assert dataset.main(["check", str(tmp_path / "train.txt")]) == 0
    (tmp_path / "train.txt").write_text(text + "data/train-images-idx3-ubyte#6\t0\n")
    assert dataset.main(["check", str(tmp_path / "train.txt")]) == 1
    assert "train.txt:7: data/train-images-idx3-ubyte#6: there are only 6 images" in capsys.readouterr().out


def test_a_file_whose_name_looks_like_an_address_is_a_file(tmp_path):
    write_idx(tmp_path)
    from PIL import Image

    Image.new("RGB", (9, 9)).save(tmp_path / "train-images-idx3-ubyte#1", "PNG")
    (tmp_path / "list.txt").write_text("train-images-idx3-ubyte#1\t0\ntrain-images-idx3-ubyte#2\t0\n")
    index = read_list(tmp_path / "list.txt")
    assert [index.decode(position, channels=3).size for position in (0, 1)] == [(9, 9), (4, 5)]


def test_a_container_is_read_once(tmp_path, monkeypatch):
    folder = write_idx(tmp_path / "once")
    reads = []
    monkeypatch.setattr("common.idx._opened", lambda path: reads.append(path.name) or path.open("rb"))
    for _ in range(3):
        read_container(folder / "train-images-idx3-ubyte")
    assert reads.count("train-labels-idx1-ubyte") == 1


def test_a_folder_of_lists_is_read_as_such_and_made_anew_without_them(tmp_path):
    write_idx(tmp_path / "data")
    (tmp_path / "data" / "train.txt").write_text("train-images-idx3-ubyte#0\t7\n")
    assert read_source(tmp_path / "data")["train"].labels.tolist() == [7]
    assert read_source(tmp_path / "data", ignore_lists=True)["train"].labels.tolist() == LABELS.tolist()


def test_class_names_that_do_not_reach_the_labels(tmp_path):
    with pytest.raises(UsageError, match="2 class names for labels up to 2"):
        read_source(write_idx(tmp_path), classes=["a", "b"])


def test_a_long_list_takes_little_memory(tmp_path):
    import tracemalloc

    path = tmp_path / "long.txt"
    lines = 100_000
    path.write_text(
        "".join(f"class {number % 10}/image {number:07}.jpg\t{number % 10}\n" for number in range(lines))
    )
    tracemalloc.start()
    index = read_list(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(index) == lines
    assert peak < 20e6  # 300 MB for a million, less what Python and NumPy take


REAL = {
    "mnist": {"train": 60000, "test": 10000},
    "cifar10": {"train": 4000, "test": 1000},
    # 244 insects, and a palette GIF that shows none: it decodes, so it is counted.
    "hymenoptera_data": {"train": 245, "valid": 153},
    "flower_photos": {"all": 500},
    "animals12": {"all": 240},
    "zodiac_photos": {"all": 10},
}


@pytest.mark.parametrize("name", REAL)
def test_the_real_sets(data_folder, tmp_path, name):
    parts = read_source(data_folder / name)
    assert {part: len(index) for part, index in parts.items()} == REAL[name]
    lists = write_lists(complete(parts, fractions={"valid": 0.1}), tmp_path)
    assert "valid" in lists or name == "zodiac_photos"
    require_images(lists["train"].subset(range(9)))
    assert lists["train"].decode(0, channels=3).mode == "RGB"
