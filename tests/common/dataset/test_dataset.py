"""Lists as people write them, and trees that become lists."""

import json
import re

import numpy as np
import pytest
from PIL import Image

from common.cli import UsageError
from common.dataset import Index, read_list, read_source, require_images, require_labels, write_lists
from common.dataset.lists import parse_line


def written(folder, content):
    path = folder / "list.txt"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "content",
    [
        b"a/one.jpg\t0\nb/two three.jpg\t1\n",
        b"\xef\xbb\xbfa/one.jpg\t0\nb/two three.jpg\t1\n",
        b"a/one.jpg\t0\r\nb/two three.jpg\t1\r\n",
        b"\na/one.jpg\t0\n\n  \nb/two three.jpg\t1",
        b"a\\one.jpg\t0\nb\\two three.jpg\t1\n",
        b"a/one.jpg\t0 \nb/two three.jpg\t 1\n",
    ],
    ids=["plain", "byte-order mark", "CRLF", "blank lines, no last newline", "Windows separators", "spaces"],
)
def test_lists_as_people_write_them(tmp_path, content):
    index = read_list(written(tmp_path, content))
    assert list(index.paths) == ["a/one.jpg", "b/two three.jpg"]
    assert index.labels.tolist() == [0, 1]
    assert index.labels.dtype == np.int64
    assert index.locate(1) == tmp_path / "b" / "two three.jpg"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a.jpg 0\n", ":1: expected '<path><TAB><label>', got 'a.jpg 0'"),
        (b"a.jpg\t0\nb.jpg\tcat\n", ":2: the label must be a whole number from 0, got 'cat'"),
        (b"a.jpg\t-1\n", "got '-1'"),
        (b"a.jpg\t1.5\n", "got '1.5'"),
        (b"../../etc/passwd.jpg\t0\n", "climbs out of the root"),
        (b"a/../../b.jpg\t0\n", "climbs out of the root"),
        (b"", "the list is empty"),
        (b"\n\n", "the list is empty"),
        (b"\xff\xfe\x00a", "not a UTF-8 text list"),
    ],
)
def test_lists_that_are_wrong(tmp_path, content, message):
    with pytest.raises(UsageError) as error:
        read_list(written(tmp_path, content))
    assert message in str(error.value)
    assert str(tmp_path / "list.txt") in str(error.value)


@pytest.mark.parametrize(
    "odd",
    [
        *("a b.jpg\t7", "\u3000a.jpg\u3000\t7", " a.jpg\t7", "a.jpg \t7", "a\\b.jpg\t7", "a..b.jpg\t7"),
        *("a.jpg\t\u0667", "a.jpg\t 7 ", "a\tb.jpg\t7", "", "\t7", "a.jpg\t", "a.jpg", "a.jpg\t100000"),
        *("a.jpg\t/", "a.jpg\t:", "a.jpg\t-7", "../a.jpg\t7", "a\0b.jpg\t7", "猫.jpg\t7", "a.jpg\t007\r"),
        *("a.jpg\t7\nb\tc.jpg\nd.jpg\t", "a.jpg\t7\r\nb.jpg\t8"),
    ],
)
def test_lines_are_read_alike_alone_and_by_the_thousand(tmp_path, odd):
    def outcome(text):
        index = read_list(written(tmp_path, text.encode()))
        return list(zip(index.paths, index.labels.tolist(), index.lines.tolist(), strict=True))

    plain = "".join(f"images/{number}.jpg\t{number}\n" for number in range(20))
    images = [(f"images/{number}.jpg", number, number + 1) for number in range(20)]
    assert outcome(plain) == images
    expected = []
    for line, text in enumerate(odd.split("\n"), start=21):
        try:
            expected += [(*parse_line(text.rstrip("\r")), line)] if text else []
        except UsageError as error:
            with pytest.raises(UsageError, match=re.escape(f"list.txt:{line}: {error}")):
                outcome(f"{plain}{odd}\n")
            return
    assert outcome(f"{plain}{odd}\n") == images + expected


@pytest.mark.parametrize(
    "name", ["a b", " a", "a ", "a\\b", "a\tb", "a\nb", "\u3000a", "digits#3", "a\u00e9", "x/y"]
)
def test_names_are_written_alike_alone_and_by_the_thousand(tmp_path, name):
    def outcome(paths):
        labels = np.zeros(len(paths), dtype=np.int64)
        index = Index(source=tmp_path, root=tmp_path / "in", paths=paths, labels=labels)
        write_lists({"all": index}, tmp_path / "out")
        return (tmp_path / "out" / "all.txt").read_text().splitlines()

    plain = [f"{number}.jpg" for number in range(20)]
    try:
        alone = outcome([name])
    except UsageError:
        with pytest.raises(UsageError, match="a list cannot hold"):
            outcome([*plain, name])
    else:
        assert outcome([*plain, name]) == outcome(plain) + alone


def test_the_line_of_another_encoding_is_named(tmp_path):
    content = b"a.jpg\t0\n" * 3000 + b"\xe9.jpg\t1\n" + b"a.jpg\t0\n" * 3000
    with pytest.raises(UsageError, match=r"list.txt:3001: not a UTF-8 text list; save it as UTF-8"):
        read_list(written(tmp_path, content))


def test_lists_that_cannot_be_read(tmp_path):
    for path, message in ((tmp_path / "none.txt", "no such list"), (tmp_path, "is a folder; name a file")):
        with pytest.raises(UsageError, match=message):
            read_list(path)
    with pytest.raises(UsageError, match="the root is not a folder"):
        read_list(written(tmp_path, b"a.jpg\t0\n"), root=tmp_path / "nowhere")


def test_a_name_that_begins_with_dots_stays_inside(tmp_path):
    assert list(read_list(written(tmp_path, b"..hidden/a.jpg\t0\n")).paths) == ["..hidden/a.jpg"]


def test_missing_images_and_labels_without_a_class(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "there.png")
    index = read_list(written(tmp_path, b"there.png\t0\nmissing.png\t7\ngone.png\t1\n"))
    with pytest.raises(
        UsageError, match=r"list.txt:2: no image at .*missing.png \(2 of 3 images are missing\)"
    ):
        require_images(index)
    with pytest.raises(UsageError, match=r"list.txt:2: label 7 is outside 0..4; give --num-classes 8"):
        require_labels(index, num_classes=5)
    require_labels(index, num_classes=8)


def indexed(root, output, **options):
    return write_lists(read_source(root, ignore_lists=True, **options), output)


@pytest.fixture
def tree(tmp_path):
    """zebra before ant in order of creation; a name with a space; a file that is no image."""
    for name in ("zebra", "ant"):
        (tmp_path / "images" / name).mkdir(parents=True)
        for number in (2, 1):
            Image.new("RGB", (4, 4)).save(tmp_path / "images" / name / f"an image {number}.png")
        (tmp_path / "images" / name / "notes.txt").write_text("no image")
    (tmp_path / "images" / "empty").mkdir()
    return tmp_path / "images"


def test_classes_are_sorted_and_paths_relative_where_images_lie_below(tree):
    lists = indexed(tree, tree)
    assert list(lists) == ["all"]
    assert list(lists["all"].paths) == [
        "ant/an image 1.png", "ant/an image 2.png", "zebra/an image 1.png", "zebra/an image 2.png"
    ]  # fmt: skip
    assert lists["all"].labels.tolist() == [0, 0, 1, 1]
    assert json.loads((tree / "classes.json").read_text()) == {"0": "ant", "1": "zebra"}


def test_lists_elsewhere_name_images_absolutely(tree, tmp_path):
    index = indexed(tree, tmp_path / "lists")["all"]
    require_images(index)
    assert index.paths[0].startswith(str(tmp_path))


def test_classes_in_a_given_order(tree):
    assert indexed(tree, tree, classes=["zebra", "ant"])["all"].labels.tolist() == [0, 0, 1, 1]
    assert json.loads((tree / "classes.json").read_text()) == {"0": "zebra", "1": "ant"}
    with pytest.raises(UsageError, match=r"folders \['ant'\] are not among the classes"):
        indexed(tree, tree, classes=["zebra"])


def test_a_tree_that_is_split_gives_a_list_for_each_part(tmp_path):
    for part, name in (("train", "ant"), ("train", "bee"), ("val", "bee")):
        (tmp_path / part / name).mkdir(parents=True)
        Image.new("RGB", (4, 4)).save(tmp_path / part / name / "1.png")
    lists = indexed(tmp_path, tmp_path)
    assert {name: index.labels.tolist() for name, index in lists.items()} == {"train": [0, 1], "valid": [1]}


def test_folders_that_are_not_there_or_hold_nothing(tmp_path):
    with pytest.raises(UsageError, match="no such file or folder"):
        indexed(tmp_path / "nowhere", tmp_path)
    with pytest.raises(UsageError, match="no class folders with images"):
        indexed(tmp_path, tmp_path)


def test_the_real_flowers(flowers_list):
    index = read_list(flowers_list)
    assert len(index) == 500
    assert np.bincount(index.labels).tolist() == [100] * 5
    require_images(index)
