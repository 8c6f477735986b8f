"""Folders as people have them: read as they were meant, with what is left out told, or refused."""

import logging
import os

import pytest

from common.cli import UsageError
from common.dataset import ListCheck, complete, read_source
from common.dataset import __main__ as dataset
from common.dataset.split_names import split_meant


def touch(root, *names):
    """Empty files: an index looks at names alone."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")


def labelled(splits):
    """{split: {class or label: number of images}}."""
    return {
        split: {
            index.classes[label] if index.classes else label: index.labels.tolist().count(label)
            for label in sorted(set(index.labels.tolist()))
        }
        for split, index in splits.items()
    }


def read(root, caplog, **options):
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        splits = read_source(root, **options)
    return labelled(splits), caplog.text


def lines_of(folder):
    """Number of images in all lists of a folder."""
    return sum(len(path.read_text().splitlines()) for path in folder.glob("*.txt"))


PADDLE_LISTS = {
    "train_list.txt": "jpg/1.jpg 0\njpg/a b.jpg\t1\n",
    "val_list.txt": "jpg/3.jpg 1\n",
    "test_list.txt": "jpg/4.jpg 0\n",
}
PADDLE_SPLITS = {"train": {"rose": 1, "tulip": 1}, "valid": {"tulip": 1}, "test": {"rose": 1}}


@pytest.mark.parametrize("names", ["rose\ntulip\n", "0 rose\n1 tulip\n", "\ufeff0\trose\r\n1\ttulip\r\n"])
@pytest.mark.parametrize("name_file", ["labels.txt", "flowers_label_list.txt"])
def test_paddle_lists_beside_one_image_folder(tmp_path, caplog, names, name_file):
    touch(tmp_path, "jpg/1.jpg", "jpg/a b.jpg", "jpg/3.jpg", "jpg/4.jpg")
    for name, text in {**PADDLE_LISTS, name_file: names}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    for how in ({}, {"ignore_lists": True}):
        assert read(tmp_path, caplog, **how)[0] == PADDLE_SPLITS
    # Lists of ours, written into the same folder, hold the same; made anew they come from paddle's.
    assert dataset.main(["index", str(tmp_path), "--output", str(tmp_path)]) == 0
    for how in ({}, {"ignore_lists": True}):
        assert read(tmp_path, caplog, **how)[0] == PADDLE_SPLITS
    found = [(each.line, each.problem) for each in ListCheck(tmp_path / "train_list.txt").problems()]
    assert [line for line, _ in found] == [1, 2]  # empty files
    assert all("cannot identify" in problem for _, problem in found)
    alone = read_source(tmp_path / "train_list.txt")
    assert (alone["train"].paths, alone["train"].classes) == (["jpg/1.jpg", "jpg/a b.jpg"], ("rose", "tulip"))


def test_names_that_do_not_reach_the_labels_or_are_no_names(tmp_path, caplog):
    touch(tmp_path, "jpg/1.jpg")
    for name, text in PADDLE_LISTS.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "labels.txt").write_text("rose\n")
    with pytest.raises(UsageError, match=r"are not among the classes rose|1 class names for labels up to 1"):
        read_source(tmp_path)
    (tmp_path / "labels.txt").write_text("0\n1\n0\n")  # one label an image
    splits, told = read(tmp_path, caplog)
    assert splits["train"] == {0: 1, 1: 1}
    assert "labels.txt: is not read" in told


def test_lists_of_ones_own_are_read_and_not_the_folder_beside_them(tmp_path, caplog):
    touch(tmp_path, "images/1.jpg", "images/2.jpg", "images/3.jpg")
    (tmp_path / "train.txt").write_text("images/1.jpg\t0\nimages/2.jpg\t1\n")
    (tmp_path / "val.txt").write_text("images/3.jpg\t1\n")
    splits, told = read(tmp_path, caplog, ignore_lists=True)
    assert splits == {"train": {0: 1, 1: 1}, "valid": {1: 1}}
    assert "read from train.txt, val.txt" in told
    (tmp_path / "valid.txt").write_text("images/3.jpg\t1\n")
    with pytest.raises(UsageError, match=r"val.txt and valid.txt are both lists of valid"):
        read_source(tmp_path)
    (tmp_path / "valid.txt").unlink()
    (tmp_path / "train.txt").write_text("images/1.jpg 0\n")
    with pytest.raises(UsageError, match=r"train.txt:1: expected .* --format path-label --output DIR"):
        read_source(tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "form"),
    [
        ("labels.csv", "filename,class\n1.jpg,rose\n", "csv"),
        ("annotations.txt", "img/1.jpg 0\n", "path-label"),
        ("gt.tsv", "3\timg/1.jpg\n", "label-path"),
    ],
)
def test_one_image_folder_beside_a_table_of_labels(tmp_path, name, text, form):
    """It would be one class, and every accuracy 100 %."""
    touch(tmp_path, "img/1.jpg", "img/2.jpg")
    (tmp_path / "readme.txt").write_bytes(b"\xbb\xa8 in other bytes")
    assert read_source(tmp_path)["all"].classes == ("img",)
    (tmp_path / name).write_text(text)
    with pytest.raises(
        UsageError, match=rf"of one class, and {name} has labels.* --format {form} --output DIR"
    ):
        read_source(tmp_path)
    touch(tmp_path, "more/1.jpg")
    assert read_source(tmp_path)["all"].classes == ("img", "more")


def test_hidden_and_system_names_are_no_classes(tmp_path, caplog):
    touch(tmp_path, "cat/1.jpg", "cat/._1.jpg", "cat/.ipynb_checkpoints/1-checkpoint.jpg", "dog/1.jpg")
    touch(tmp_path, ".ipynb_checkpoints/1.jpg", "__MACOSX/cat/._1.jpg", "@eaDir/1.jpg", ".git/x.png")
    touch(tmp_path, "dog/Thumbs.db", "dog/@eaDir/1.jpg")
    splits, told = read(tmp_path, caplog)
    assert splits == {"all": {"cat": 1, "dog": 1}}
    assert "left out: 8 hidden or system names (" in told


def test_subfolders_of_a_class_belong_to_it(tmp_path, caplog):
    touch(tmp_path, "cat/1.jpg", "cat/indoors/2.jpg", "cat/indoors/old/3.jpg", "dog/outdoors/4.jpg")
    (tmp_path / "cat" / "loop").symlink_to(tmp_path / "cat")
    splits, told = read(tmp_path, caplog)
    assert splits == {"all": {"cat": 3, "dog": 1}}
    assert "1 links to a folder above (loop)" in told


def test_what_is_left_out_is_counted_by_kind(tmp_path, caplog):
    touch(tmp_path, "cat/1.jpg", "cat/2.HEIC", "cat/3.heic", "cat/4.jp2", "dog/1.png", "stray.jpg", "a.csv")
    (tmp_path / "empty").mkdir()
    splits, told = read(tmp_path, caplog)
    assert splits == {"all": {"cat": 1, "dog": 1}}
    for part in (
        "4 files whose suffix is no image's (.csv, 2 .heic, .jp2)",
        "1 images in no class folder (stray.jpg)",
        "1 folders without images (empty)",
    ):
        assert part in told


@pytest.mark.parametrize(
    "names",
    [
        ("Train", "Validation", "Test"),
        ("training", "validation", "testing"),
        ("train", "val", "test"),
        ("TRAIN", "dev", "Testing"),
    ],
)
def test_folders_of_splits_under_other_names(tmp_path, caplog, names):
    for name in names:
        touch(tmp_path, f"{name}/cat/1.jpg", f"{name}/dog/1.jpg")
    touch(tmp_path, f"{names[0]}/fox/1.jpg", "extra/cat/1.jpg", "readme.md")
    splits, told = read(tmp_path, caplog)
    both = {"cat": 1, "dog": 1}
    assert splits == {"train": both | {"fox": 1}, "valid": both, "test": both}
    assert "1 folders beside the splits (extra)" in told
    assert "no image in valid of 1 classes: fox" in told


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["val/cat/1.jpg", "valid/cat/1.jpg", "train/cat/2.jpg"], "val and valid are both valid"),
        (["train/1.jpg", "test/2.jpg"], "holds images and no class folders"),
        (["train/cat/1.jpg", "test/2.jpg"], "test: holds images and no class folders"),
        (["test/x/1.jpg", "cat/1.jpg", "dog/1.jpg"], "test could be a split, and cat, dog classes"),
        (["flowers/rose/1.jpg", "flowers/tulip/1.jpg", "readme.txt"], "holds rose, tulip; give .*flowers"),
        (["data/train/a/1.jpg", "data/val/a/1.jpg"], "holds train, val; give .*data"),
        (["train/notes.txt", "cat/a.txt"], "no class folders with images"),
    ],
)
def test_layouts_that_could_be_read_in_two_ways_are_refused(tmp_path, files, message):
    touch(tmp_path, *files)
    with pytest.raises(UsageError, match=message):
        read_source(tmp_path)


def test_classes_that_are_called_like_splits(tmp_path, caplog):
    """Vehicles: images lie right in the folders, as in all others."""
    touch(tmp_path, "bus/1.jpg", "car/1.jpg", "train/1.jpg")
    assert read(tmp_path, caplog)[0] == {"all": {"bus": 1, "car": 1, "train": 1}}


def test_names_in_other_bytes_are_refused_in_one_line(tmp_path, capsys):
    for name in (b"cat/\xc3\xa8\xcd\xdb.jpg", b"\xc3\xb5\xb9\xe5\xff/1.jpg"):
        root = tmp_path / str(len(name))
        touch(root, "dog/1.jpg")
        touch(root, os.fsdecode(name))
        with pytest.raises(UsageError, match=r"is no UTF-8, perhaps GBK: .* convmv -f gbk"):
            read_source(root)


def test_labels_with_gaps_are_told(tmp_path, caplog):
    (tmp_path / "list.txt").write_text("a.jpg\t1\nb.jpg\t4\n")
    told = read(tmp_path / "list.txt", caplog)[1]
    assert "no image of 3 of 5 classes: 0, 2, 3; index --format path-label numbers labels anew" in told


def test_a_fraction_that_leaves_nothing_is_told_and_refused_by_split(tmp_path, caplog, capsys):
    touch(tmp_path / "tree", *(f"{name}/{number}.jpg" for name in "ab" for number in range(4)))
    with caplog.at_level(logging.WARNING):
        assert list(complete(read_source(tmp_path / "tree"), fractions={"valid": 0.1})) == ["train"]
    assert "there is no valid split, since 0.1 of a class leaves no image: the largest has 4" in caplog.text
    with pytest.raises(UsageError, match=r"--valid 0.1 leaves no image for valid"):
        dataset.main(["split", str(tmp_path / "tree"), "--output", str(tmp_path / "lists")])
    for flag, value in (("--test", "2"), ("--test", "nan"), ("--valid", "-1"), ("--test", "1")):
        with pytest.raises(SystemExit) as end:
            dataset.main(["split", str(tmp_path / "tree"), "--output", str(tmp_path), flag, value])
        assert end.value.code == 2
    # Also where a source has the split already, and the fraction would not be used.
    touch(tmp_path / "parts", "train/a/1.jpg", "test/a/1.jpg")
    for fraction in (2, float("nan"), -1):
        with pytest.raises(UsageError, match="leave nothing to train on"):
            complete(read_source(tmp_path / "parts"), fractions={"test": fraction})


@pytest.mark.parametrize(
    "splits",
    [
        ("train_images", "val_images"),
        ("seg_train/seg_train", "seg_test/seg_test"),
        ("fold1", "fold2"),
    ],
)
def test_splits_under_unknown_names_are_not_taken_for_classes(tmp_path, splits):
    for number, name in enumerate([f"{split}/{name}" for split in splits for name in ("cat", "dog")]):
        touch(tmp_path, f"tree/{name}/{number}.png")
    with pytest.raises(UsageError, match="all hold the folders cat, dog; if they are splits"):
        read_source(tmp_path / "tree")
    outer = sorted(split.partition("/")[0] for split in splits)
    (index,) = read_source(tmp_path / "tree", classes=outer).values()
    assert index.labels.tolist() == [0, 0, 1, 1]
    touch(tmp_path, f"tree/{outer[0]}/own.png")  # a class with images, whose subfolders are its own
    if outer == ["fold1", "fold2"]:
        assert len(read_source(tmp_path / "tree")["all"]) == 5
    else:
        with pytest.raises(UsageError, match="are named like splits; if they are splits, rename them"):
            read_source(tmp_path / "tree")


@pytest.mark.parametrize(
    "names",
    [("trainA", "trainB", "testA", "testB"), ("seg_train", "seg_pred", "seg_test"), ("train2", "val2")],
)
def test_folders_that_are_named_like_splits_are_no_classes(tmp_path, names):
    """CycleGAN's, or a set whose folder without classes hides what the others share."""
    touch(tmp_path, *(f"{name}/{name}/1.png" for name in names))
    with pytest.raises(UsageError, match="are named like splits"):
        read_source(tmp_path)
    assert len(read_source(tmp_path, classes=names)["all"]) == len(names)


def test_a_class_may_have_a_word_of_a_split_in_its_name(tmp_path, caplog):
    touch(tmp_path, "train/1.png", "tram/1.png", "bus/1.png")
    assert len(read(tmp_path, caplog)[0]["all"]) == 3
    assert [split_meant(name) for name in ("retrained", "latest", "TrainA", "img_VAL", "a-dev-b")] == [
        None,
        None,
        "train",
        "valid",
        "valid",
    ]


def test_a_split_without_any_class_that_is_trained_on_is_refused(tmp_path):
    """Tiny ImageNet: val/images would be a class of its own, and the first of all."""
    touch(tmp_path, "train/n01/images/1.png", "train/n02/images/2.png", "val/images/3.png")
    message = r"val: its folders \(images\) are none of the classes in train \(n01, n02"
    with pytest.raises(UsageError, match=message):
        read_source(tmp_path)
    touch(tmp_path, "val/n01/1.png")
    assert set(read_source(tmp_path)) == {"train", "valid"}


def test_one_class_is_told(tmp_path, caplog):
    touch(tmp_path, "images/1.png", "images/2.png", "annotations/readme.md")
    assert "all images are of one class: whoever says its name" in read(tmp_path, caplog)[1]
    (tmp_path / "annotations" / "labels.csv").write_text("image,label\n1.png,a\n")
    with pytest.raises(UsageError, match=r"of one class, and annotations/labels.csv has labels"):
        read_source(tmp_path)


@pytest.mark.parametrize("command", ["index", "split"])
def test_a_list_none_of_whose_images_are_there_is_told(tmp_path, caplog, command):
    """As ImageNet's val.txt beside the folder, or a column too many in the path."""
    touch(tmp_path, *(f"val/{number}.png" for number in range(40)))
    path = tmp_path / "all.txt"
    path.write_text("".join(f"{number}.png\t{number % 2}\n" for number in range(40)))
    asked = [command, str(path), "--output", str(tmp_path / "lists")]
    with caplog.at_level(logging.WARNING):
        assert dataset.main(asked) == 0
        assert "all.txt:1: no such image here: " in caplog.text
        assert "/0.png, nor any of 16 that were looked for; --root names" in caplog.text
        caplog.clear()
        assert dataset.main([*asked, "--root", str(tmp_path / "val")]) == 0
        assert not caplog.text
    assert lines_of(tmp_path / "lists") == 40


def test_an_image_that_a_list_names_again_counts_once_and_never_with_two_labels(tmp_path, caplog):
    touch(tmp_path, "a/1.png", "b/2.png")
    path = tmp_path / "list.txt"
    path.write_text("a/1.png\t0\nb/2.png\t1\n./a/1.png\t0\n")
    asked = ["index", str(path), "--output", str(tmp_path / "lists")]
    with caplog.at_level(logging.WARNING):
        assert dataset.main(asked) == 0
    assert "1 images are named again; each counts once" in caplog.text
    assert lines_of(tmp_path / "lists") == 2
    path.write_text("a/1.png\t0\nb/2.png\t1\na//1.png\t1\n")
    with pytest.raises(UsageError, match=r"list.txt:3: a//1.png has label 1, and in .*list.txt:1 label 0"):
        dataset.main(asked)


def test_a_tree_below_more_than_one_folder_is_not_one_class(tmp_path):
    touch(tmp_path, "tree/data/data/train/cat/0.png", "tree/data/data/train/dog/0.png")
    with pytest.raises(UsageError, match=r"which holds train; give .*data/data"):
        read_source(tmp_path / "tree")
