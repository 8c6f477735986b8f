"""Every source of labelled images becomes the same index, and lists name what any of them holds."""

from pathlib import Path

import numpy as np
import pytest

from common.cli import UsageError
from common.dataset import __main__ as dataset
from common.dataset import complete, read_list, read_source, require_images, write_lists
from common.dataset.containers import read_container
from tests.support.idx_files import LABELS, write_idx


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
    monkeypatch.setattr("common.dataset.idx._opened", lambda path: reads.append(path.name) or path.open("rb"))
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
