"""What predict and evaluate make of images: streamed, named printably, labelled as the checkpoint counts."""

import gc
import json
import logging
import weakref
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from backends import predict as command
from backends.inference import annotate, prediction
from backends.inference.annotate import Annotator, Grid
from backends.inference.evaluation import class_names, draw_examples, labelled
from backends.inference.prediction import find_images, predict
from common.cli import UnavailableError, UsageError
from common.dataset import read_list, read_source
from common.loader.loader import Loader
from common.training.metrics import ConfusionMatrix
from common.transforms.data_config import DataConfig
from common.weights.checkpoint import ModelConfig

PREPARATION = DataConfig(channels=3, resize=(8, 8), mean=(0.0,) * 3, std=(1.0,) * 3)


def subject_of(*classes, num_classes=3):
    return ModelConfig(
        model="lenet5",
        num_classes=num_classes,
        channels=3,
        classes=classes or None,
        preparation=PREPARATION,
    )


class Brightness:
    """Stands in for a model: the class is how bright an image is."""

    def __init__(self, num_classes=3):
        self.num_classes = num_classes

    def logits(self, images):
        level = (images.mean(axis=(1, 2, 3)) * self.num_classes).astype(int)
        return np.eye(self.num_classes)[level.clip(0, self.num_classes - 1)] * 9


@pytest.fixture
def pictures(tmp_path):
    for number, name in enumerate(("a.png", "b.png", "c.png", "d.png")):
        Image.new("RGB", (30, 20), (80 * number,) * 3).save(tmp_path / name)
    return tmp_path


def test_images_are_not_kept(pictures):
    """Thirty photographs of 12 megapixels took 1.9 GB."""
    seen = []
    for each in predict(find_images([pictures]), Brightness(), subject_of()):
        gc.collect()
        assert not any(image() for image in seen)
        seen.append(weakref.ref(each.image))
        del each
    assert len(seen) == 4


def options_for(folder, **given):
    return SimpleNamespace(**{"annotate": None, "grid": None, "json": None, "top": 1, **given})


def test_each_prediction_is_written_at_once(pictures, capsys, monkeypatch):
    """What was predicted before a mishap has been shown; the JSON is whole or absent."""
    target = pictures / "p.json"
    images = find_images([pictures])
    assert command._predict(options_for(pictures, json=target), images, Brightness(), subject_of()) == 0
    before = json.loads(target.read_text())
    assert [Path(row["image"]).name for row in before] == ["a.png", "b.png", "c.png", "d.png"]
    assert [row["predictions"][0]["class"] for row in before] == ["0", "0", "1", "2"]
    real = prediction.decode

    def decode(path, **how):
        if path.name == "c.png":
            raise KeyboardInterrupt
        return real(path, **how)

    monkeypatch.setattr(prediction, "decode", decode)
    capsys.readouterr()
    with pytest.raises(KeyboardInterrupt):
        command._predict(options_for(pictures, json=target), images, Brightness(), subject_of())
    assert capsys.readouterr().out.count(".png") == 2
    assert json.loads(target.read_text()) == before


def test_an_output_that_is_not_finite_is_no_prediction(pictures, capsys):
    """It was written as NaN, which is no JSON."""

    class Overflowing(Brightness):
        def logits(self, images):
            return np.where(images.mean() > 0.5, np.inf, super().logits(images))

    target, images = pictures / "p.json", find_images([pictures])
    assert command._predict(options_for(pictures, json=target), images, Overflowing(), subject_of()) == 2
    assert [Path(row["image"]).name for row in json.loads(target.read_text())] == ["a.png", "b.png"]
    assert capsys.readouterr().err.count("the model's output for it is not finite; leave it out") == 2


def test_names_that_a_terminal_would_obey(tmp_path, capsys):
    path = tmp_path / "\x1b[2J.png"
    Image.new("RGB", (9, 9)).save(path)
    names = ("\x1b]0;x\x07", "b", "c")
    command._predict(
        options_for(tmp_path, json=tmp_path / "p.json"), [path], Brightness(), subject_of(*names)
    )
    assert "\x1b" not in capsys.readouterr().out
    row = json.loads((tmp_path / "p.json").read_text())[0]
    assert (row["image"], row["predictions"][0]["class"]) == (str(path), names[0])


def test_hidden_files_and_other_suffixes_of_a_folder_are_told(pictures, caplog):
    for name in ("._a.png", ".DS_Store", "e.heic", "notes.txt"):
        (pictures / name).write_bytes(b"x")
    (pictures / "more").mkdir()
    with caplog.at_level(logging.WARNING):
        assert [path.name for path in find_images([pictures])] == ["a.png", "b.png", "c.png", "d.png"]
    assert "2 hidden or system names (.DS_Store, ._a.png)" in caplog.text
    assert "2 files whose suffix is no image's (.heic, .txt)" in caplog.text
    assert "1 folders (more)" in caplog.text


def test_copies_of_images_with_the_longest_names(tmp_path):
    """240 bytes and an ending for the temporary file were too many."""
    folder, annotator = tmp_path / "copies", Annotator(tmp_path / "copies", ("x", "y", "z"))
    stems = ["a" * 240, "龙" * 83, "a" * 240, "b" * 251, "b" * 251]
    for stem in stems:
        image = Image.new("RGB", (40, 40))
        annotator.add(
            prediction.Prediction(
                path=Path(f"{stem}.jpg"),
                image=image,
                probabilities=np.array([0.5, 0.3, 0.2]),
                logits=np.zeros(3),
            )
        )
    names = [path.name for path in folder.iterdir()]
    assert len(names) == len(stems)
    assert all(len(name.encode(errors="surrogateescape")) <= 255 for name in names)


def test_a_grid_of_many_keeps_small_images_and_says_what_it_leaves_out(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(annotate, "MOST_DRAWN", 2)
    photo = Image.new("RGB", (2000, 1500))
    grid = Grid(("$5", "a", "b"))
    for _ in range(3):
        grid.add(
            prediction.Prediction(
                path=Path("x.jpg"), image=photo, probabilities=np.array([1.0, 0, 0]), logits=np.zeros(3)
            )
        )
    assert [max(image.size) for image in grid._images] == [400, 400]
    assert (grid.left_out, photo.size) == (1, (2000, 1500))
    grid.draw(tmp_path / "grid.png")  # a dollar begins no formula
    Image.open(tmp_path / "grid.png").verify()


def test_a_grid_of_examples_leaves_damaged_images_out(pictures):
    (pictures / "b.png").write_bytes(b"no image")
    (pictures / "all.txt").write_text("a.png\t0\nb.png\t0\nc.png\t1\nd.png\t2\n")
    index = read_list(pictures / "all.txt")
    draw_examples(index, Brightness(), subject_of(), ("$a", "b$", "c"), pictures / "grid.png")
    Image.open(pictures / "grid.png").verify()


def tree(root, *classes):
    for name in classes:
        (root / name).mkdir(parents=True)
        Image.new("RGB", (9, 9)).save(root / name / "1.png")
    return read_source(root)


def test_ten_classes_without_names_on_a_tree_of_two(tmp_path):
    ten = subject_of(num_classes=10)
    with pytest.raises(UsageError, match=r"has 2 classes \(cat, dog\), the checkpoint 10 without names"):
        labelled(tree(tmp_path / "a", "cat", "dog"), ten, data=tmp_path, wanted=None)
    _, index = labelled(tree(tmp_path / "b", "3", "7"), ten, data=tmp_path, wanted=None)
    assert index.labels.tolist() == [3, 7]
    assert class_names(ten, index) == tuple("0123456789")
    with pytest.raises(UsageError, match="has 2 classes"):
        labelled(tree(tmp_path / "c", "3", "17"), ten, data=tmp_path, wanted=None)
    _, index = labelled(tree(tmp_path / "d", *"abc"), subject_of(), data=tmp_path, wanted=None)
    assert class_names(subject_of(), index) == ("a", "b", "c")


def test_a_batch_takes_no_more_memory_than_its_images(pictures):
    (pictures / "all.txt").write_text("a.png\t0\nb.png\t0\nc.png\t1\n")
    how = {"index": read_list(pictures / "all.txt"), "preprocessing": PREPARATION.for_evaluation()}
    loader = Loader(**how, batch_size=1_000_000_000)
    images, _ = next(loader.epoch(0))
    assert images.base is not None
    assert images.base.nbytes < 10_000
    with pytest.raises(UnavailableError, match=r"a batch of 1,000,000,000 images of 3x8x8 takes 715 GiB"):
        next(loader.endless())


def test_classes_whose_counts_would_not_fit_are_one_line():
    with pytest.raises(UnavailableError, match=r"a confusion matrix of 10,000,000 classes takes .* GiB"):
        ConfusionMatrix(10_000_000)
