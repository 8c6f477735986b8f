"""Checking and splitting: each bad line is told, nothing is lost, and splits depend on names and seed."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from common.cli import UsageError
from common.dataset import __main__ as dataset
from common.dataset import complete, read_list, read_source, write_lists
from common.dataset.checking import ListCheck


def problems_of(path):
    return list(ListCheck(path).problems())


@pytest.fixture
def folder(tmp_path):
    for seed, name in enumerate(("good.png", "also good.png", "twice.png", "cut.png")):
        pixels = np.random.default_rng(seed).integers(256, size=(40, 40, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / name)
    (tmp_path / "cut.png").write_bytes((tmp_path / "cut.png").read_bytes()[:-900])
    (tmp_path / "text.jpg").write_text("no image")
    (tmp_path / "train.txt").write_text(
        "good.png\t0\ncut.png\t0\n\ntext.jpg\t1\nmissing.png\t1\ntwice.png\t0\ntwice.png\t0\n"
        "no tab\nalso good.png\tx\n../out.png\t0\nalso good.png\t2\n"
    )
    return tmp_path


EXPECTED = {
    2: "OSError",
    4: "UnidentifiedImageError",
    5: "there is no such file",
    7: "listed again, first in line 6",
    8: "expected '<path><TAB><label>'",
    9: "the label must be a whole number",
    10: "climbs out of the root",
}


def test_each_bad_line_is_reported_with_its_reason(folder):
    problems = {each.line: each.problem for each in problems_of(folder / "train.txt")}
    assert problems.keys() == EXPECTED.keys()
    for line, reason in EXPECTED.items():
        assert reason in problems[line]


def test_an_image_of_another_list_is_reported_also_under_another_name(folder):
    (folder / "test.txt").write_text("good.png\t0\n")
    assert [each.problem for each in problems_of(folder / "test.txt")] == ["also in train.txt:1"]
    shutil.copy(folder / "good.png", folder / "renamed.png")
    (folder / "test.txt").write_text("renamed.png\t0\n")
    problems = problems_of(folder / "test.txt")
    assert [each.problem for each in problems] == ["the same bytes as an image in train.txt:1"]
    (folder / "other.txt").write_text("good.png\t0\n")
    assert problems_of(folder / "other.txt") == []


def test_the_command_writes_a_clean_list_and_json(folder, capsys):
    arguments = ["check", str(folder / "train.txt"), "--write-clean", str(folder / "clean.txt")]
    assert dataset.main([*arguments, "--json", str(folder / "bad.json")]) == 1
    out, errors = capsys.readouterr()
    assert f"{folder}/train.txt:5: missing.png: there is no such file" in out
    assert errors == f"common.dataset: {folder}/train.txt: 10 lines, 7 of them bad\n"
    assert list(read_list(folder / "clean.txt").paths) == ["good.png", "twice.png", "also good.png"]
    rows = json.loads((folder / "bad.json").read_text())
    assert [row["line"] for row in rows] == list(EXPECTED)
    assert rows[0].keys() == {"path", "line", "problem"}
    assert dataset.main(["check", str(folder / "clean.txt")]) == 0


def test_a_list_without_a_good_line_is_not_written_over(folder, capsys):
    """As where --root was forgotten: an empty list would be all that is left."""
    path = folder / "elsewhere.txt"
    path.write_text("gone/a.png\t0\ngone/b.png\t1\n")
    before = path.read_bytes()
    assert dataset.main(["check", str(path), "--write-clean", str(path)]) == 1
    assert path.read_bytes() == before
    out, _ = capsys.readouterr()
    assert f"{path}: is not written, for no line is good" in out
    assert "name that with --root" not in out


def test_a_list_whose_images_are_all_absent_is_one_line(data_folder, capsys):
    path = data_folder / "signs_lists" / "valid.txt"
    assert dataset.main(["check", str(path)]) == 1
    out, _ = capsys.readouterr()
    assert out == f"{path}: all 639 images are missing under {path.parent}; name their folder with --root\n"


@pytest.fixture
def tree(tmp_path):
    for name, count in (("bee", 20), ("ant", 11), ("fly", 1)):
        (tmp_path / "images" / name).mkdir(parents=True)
        for number in range(count):
            (tmp_path / "images" / name / f"{number}.png").touch()
    return tmp_path / "images"


def test_splits_are_stratified_disjoint_and_complete(tree, tmp_path):
    parts = complete(read_source(tree), fractions={"valid": 0.1, "test": 0.2})
    lists = write_lists(parts, tmp_path / "lists")
    counts = {split: np.bincount(index.labels, minlength=3).tolist() for split, index in lists.items()}
    assert counts == {"train": [8, 14, 1], "valid": [1, 2, 0], "test": [2, 4, 0]}
    paths = [path for index in lists.values() for path in index.paths]
    assert len(paths) == len(set(paths)) == 32


def test_splits_depend_on_names_and_seed_alone(tree, tmp_path):
    def valid(seed, source=tree):
        return set(complete(read_source(source), fractions={"valid": 0.2}, seed=seed)["valid"].paths)

    first = valid(0)
    write_lists(read_source(tree), tree)  # a list of the same images, in another order
    lines = (tree / "all.txt").read_text().splitlines(keepends=True)
    (tree / "all.txt").write_text("".join(reversed(lines)))
    assert valid(0, tree / "all.txt") == first
    (tree / "all.txt").unlink()
    assert valid(1) != first
    (tree / "wasp").mkdir()  # another class changes nothing for the others
    (tree / "wasp" / "1.png").touch()
    assert valid(0) == first


def test_splits_that_leave_nothing_are_refused(tree, tmp_path):
    for fractions in ({"valid": 0.5, "test": 0.5}, {"valid": -0.1, "test": 0.0}, {"valid": 1.0, "test": 0.0}):
        with pytest.raises(UsageError, match="leave nothing to train on"):
            complete(read_source(tree), fractions=fractions)
