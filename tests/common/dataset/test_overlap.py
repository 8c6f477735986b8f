"""One image in two places: in two splits, named twice, or copied under another name."""

import logging
import shutil

import numpy as np
import pytest
from PIL import Image

from common.cli import UsageError
from common.dataset import __main__ as dataset
from common.dataset import complete, read_list, read_source
from common.dataset.checking import ListCheck


def write(folder, **lists):
    for name, lines in lists.items():
        (folder / f"{name}.txt").write_text("".join(f"{line}\n" for line in lines))


def pictures(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for seed, name in enumerate(names):
        pixels = np.random.default_rng(seed).integers(256, size=(8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / name, compress_level=0)  # all files equally long


def test_an_image_in_train_and_another_split_is_refused(tmp_path):
    write(tmp_path, train=["a.jpg\t0", "b.jpg\t1", "c.jpg\t1"], valid=["d.jpg\t0", "./b.jpg\t1"])
    with pytest.raises(UsageError, match=r"valid.txt:2: ./b.jpg is also in .*train.txt:2, as are 1 images"):
        read_source(tmp_path)
    write(tmp_path, valid=[f"{tmp_path}/a.jpg\t0"])
    with pytest.raises(UsageError, match=r"also in .*train.txt:1"):
        read_source(tmp_path)
    write(tmp_path, valid=["d.jpg\t0"])
    assert list(read_source(tmp_path)) == ["train", "valid"]


def test_an_image_in_valid_and_test_is_told(tmp_path, caplog):
    write(tmp_path, train=["a.jpg\t0"], valid=["b.jpg\t0"], test=["b.jpg\t0"])
    with caplog.at_level(logging.WARNING):
        read_source(tmp_path)
    assert "what is chosen by the one is not judged fairly by the other" in caplog.text


def test_equal_hashes_of_different_names_are_no_overlap(tmp_path, monkeypatch):
    monkeypatch.setattr("common.dataset.overlap.hash", lambda _: 7, raising=False)
    write(tmp_path, train=["a.jpg\t0", "b.jpg\t1"], valid=["c.jpg\t0"])
    splits = read_source(tmp_path)
    assert len(complete({"train": splits["train"]}, fractions={"valid": 0.5})["train"]) == 2
    write(tmp_path, valid=["b.jpg\t0"])
    with pytest.raises(UsageError, match="also in"):
        read_source(tmp_path)


def test_an_image_that_is_named_twice_counts_once_when_divided(tmp_path, caplog):
    names = [f"{number}.jpg\t0" for number in range(10)]
    write(tmp_path, all=names * 2)
    with caplog.at_level(logging.WARNING):
        parts = complete(read_source(tmp_path), fractions={"valid": 0.5})
    assert not set(parts["train"].paths) & set(parts["valid"].paths)
    assert len(parts["train"]) + len(parts["valid"]) == 10
    assert "10 images are named again; each counts once" in caplog.text
    write(tmp_path, all=[*names, "3.jpg\t1"])
    with pytest.raises(UsageError, match=r"all.txt:11: 3.jpg has label 1, and in .*all.txt:4 label 0"):
        complete(read_source(tmp_path), fractions={"valid": 0.5})


def test_split_leaves_copies_out(tmp_path, caplog, capsys):
    names = [f"{number}.png" for number in range(10)]
    for name in ("cat", "dog"):
        pictures(tmp_path / name, *names)  # every dog is a copy of a cat
    pictures(tmp_path / "cow", *(f"{number}.png" for number in range(20)))  # ten are new
    with caplog.at_level(logging.WARNING):
        assert dataset.main(["split", str(tmp_path), "--output", str(tmp_path), "--valid", "0.5"]) == 0
    assert "20 images are copies of others and are left out, 20 of them with another label" in caplog.text
    paths = [path for part in ("train", "valid") for path in read_list(tmp_path / f"{part}.txt").paths]
    assert len(paths) == 20
    assert len({(tmp_path / path).read_bytes() for path in paths}) == 20
    assert dataset.main(["check", str(tmp_path / "valid.txt")]) == 0


def test_a_list_made_of_paddles_is_not_held_against_it(tmp_path):
    """Every line of it would be "also in" the list that it was split from."""
    pictures(tmp_path / "images", *(f"{number}.png" for number in range(10)))
    lines = "".join(f"images/{number}.png {number % 2}\n" for number in range(10))
    (tmp_path / "train_list.txt").write_text(lines)
    assert dataset.main(["split", str(tmp_path), "--output", str(tmp_path), "--valid", "0.2"]) == 0
    assert dataset.main(["check", str(tmp_path / "valid.txt")]) == 0
    assert dataset.main(["check", str(tmp_path / "train.txt")]) == 0


def test_check_finds_copies_in_a_list_and_write_clean_removes_them(tmp_path, capsys):
    pictures(tmp_path, "a.png", "b.png", "c.png")
    shutil.copy(tmp_path / "a.png", tmp_path / "again.png")
    write(tmp_path, all=["a.png\t0", "b.png\t0", "again.png\t1", "c.png\t0"])
    found = [(each.line, each.problem) for each in ListCheck(tmp_path / "all.txt").problems()]
    assert found == [(3, "the same bytes as the image in line 1")]
    clean = tmp_path / "clean.txt"
    assert dataset.main(["check", str(tmp_path / "all.txt"), "--write-clean", str(clean)]) == 1
    assert dataset.main(["check", str(clean)]) == 0
    assert list(read_list(clean).paths) == ["a.png", "b.png", "c.png"]


def test_an_older_list_whose_images_would_leak_is_refused(tmp_path, capsys, caplog):
    pictures(tmp_path / "tree" / "a", *(f"{number}.png" for number in range(10)))
    source, lists = str(tmp_path / "tree"), str(tmp_path / "lists")
    assert dataset.main(["split", source, "--output", lists, "--test", "0.5"]) == 0
    before = (tmp_path / "lists" / "train.txt").read_text()
    with pytest.raises(UsageError, match=r"test.txt: an older list, with images that are now in train"):
        dataset.main(["split", source, "--output", lists, "--seed", "1"])
    with pytest.raises(UsageError, match=r"train.txt: an older list, with images that are now in all"):
        dataset.main(["index", source, "--output", lists])
    assert (tmp_path / "lists" / "train.txt").read_text() == before
    (tmp_path / "lists" / "test.txt").write_text("elsewhere.png\t0\n")
    with caplog.at_level(logging.WARNING):
        assert dataset.main(["split", source, "--output", lists, "--seed", "1"]) == 0
    assert "test.txt: an older list of other images, which stays" in caplog.text


def test_the_order_and_count_of_lines_outlast_many_threads(tmp_path, monkeypatch):
    """Portions come back as they were handed out, whatever each took."""
    monkeypatch.setattr("common.dataset.checking.TOGETHER", 2)
    monkeypatch.setattr("common.dataset.checking.available_cores", lambda: 3)
    pictures(tmp_path, *(f"{number}.png" for number in range(0, 40, 2)))
    write(tmp_path, train=[f"{number}.png\t0" for number in range(40)])
    check = ListCheck(tmp_path / "train.txt")
    assert [problem.line for problem in check.problems()] == list(range(2, 41, 2))
    assert (check.lines, check.bad, check.missing) == (40, 20, 20)
