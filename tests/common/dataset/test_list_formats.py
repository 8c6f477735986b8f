"""Lists as other tools write them: refused with the command that converts them, which then gives the same."""

import json
import logging

import pytest

from common.cli import UsageError
from common.dataset import __main__ as dataset
from common.dataset import read_list, read_source
from common.dataset.lists import parse_line

NUMBERS, NAMES = [0, 1, 1], {"0": "cat", "1": "sea dog"}
CASES = [
    ("a/1.jpg 0\nb c/2.jpg 1\n3.png 1\n", "path-label", NUMBERS, None),
    ("a/1.jpg,0\nb c/2.jpg, 1\n3.png;1\n", "path-label", NUMBERS, None),
    ("a/1.jpg\tcat\nb c/2.jpg\tsea dog\n3.png\tsea dog\n", "path-label", NUMBERS, NAMES),
    ("a/1.jpg cat\nb c/2.jpg sea dog\n3.png sea dog\n", "path-label", NUMBERS, NAMES),
    ("0 a/1.jpg\n1 b c/2.jpg\n1 3.png\n", "label-path", NUMBERS, None),
    ("0\ta/1.jpg\n1\tb c/2.jpg\n1\t3.png\n", "label-path", NUMBERS, None),
    ("cat\ta/1.jpg\nsea dog\tb c/2.jpg\nsea dog\t3.png\n", "label-path", NUMBERS, NAMES),
    ("filename,label\na/1.jpg,0\nb c/2.jpg,1\n3.png,1\n", "csv", NUMBERS, None),
    ('id;class;path\n7;cat;"a/1.jpg"\n8;sea dog;b c/2.jpg\n9;sea dog;3.png\n', "csv", NUMBERS, NAMES),
    ("a/1.jpg 1\nb c/2.jpg 5\n3.png 5\n", "path-label", NUMBERS, {"0": "1", "1": "5"}),
]


@pytest.mark.parametrize(("text", "form", "labels", "names"), CASES)
def test_a_foreign_list_is_refused_with_the_remedy_that_converts_it(tmp_path, text, form, labels, names):
    path = tmp_path / "list.txt"
    path.write_text(text)
    with pytest.raises(UsageError) as error:
        read_list(path)
    assert f"python -m common.dataset index {path} --format {form} --output DIR" in str(error.value)
    assert dataset.main(["index", str(path), "--format", form, "--output", str(tmp_path)]) == 0
    index = read_list(tmp_path / "all.txt")
    assert list(index.paths) == ["a/1.jpg", "b c/2.jpg", "3.png"]
    assert index.labels.tolist() == labels
    classes = tmp_path / "classes.json"
    assert (json.loads(classes.read_text()) if classes.exists() else None) == names


def test_one_numbering_for_all_lists_of_a_folder(tmp_path):
    (tmp_path / "train.txt").write_text("1.jpg dog\n2.jpg ape\n")
    (tmp_path / "val.txt").write_text("3.jpg dog\n")
    splits = read_source(tmp_path, form="path-label")
    assert {name: index.labels.tolist() for name, index in splits.items()} == {"train": [1, 0], "valid": [1]}
    assert splits["valid"].classes == ("ape", "dog")
    given = read_source(tmp_path, form="path-label", classes=["dog", "ape"])
    assert given["train"].labels.tolist() == [0, 1]
    with pytest.raises(UsageError, match="the labels ape are not among the classes dog, fox"):
        read_source(tmp_path, form="path-label", classes=["dog", "fox"])


def test_a_list_of_the_same_split_under_another_name_is_not_joined(tmp_path):
    """Else val.txt and valid.txt would both be there, and neither could be read."""
    (tmp_path / "train.txt").write_text("1.jpg dog\n2.jpg ape\n")
    (tmp_path / "val.txt").write_text("3.jpg dog\n")
    arguments = ["index", str(tmp_path), "--format", "path-label", "--output"]
    with pytest.raises(UsageError, match=r"val.txt: is a list of valid, too; name another --output"):
        dataset.main([*arguments, str(tmp_path)])
    assert (tmp_path / "train.txt").read_text() == "1.jpg dog\n2.jpg ape\n"
    assert dataset.main([*arguments, str(tmp_path / "lists")]) == 0
    assert read_list(tmp_path / "lists" / "valid.txt").labels.tolist() == [1]


def test_a_table_with_a_column_of_splits(tmp_path, caplog):
    path = tmp_path / "all.csv"
    path.write_text("width,path,subset,label\n5,1.jpg,train,a\n5,2.jpg,Validation,b\n5,3.jpg,train,b\n")
    with caplog.at_level(logging.WARNING):
        splits = read_source(path, form="csv")
    assert {name: list(index.paths) for name, index in splits.items()} == {
        "train": ["1.jpg", "3.jpg"],
        "valid": ["2.jpg"],
    }
    assert "columns that are not read: width" in caplog.text


@pytest.mark.parametrize(
    ("form", "text", "message"),
    [
        ("csv", "image,label\na.jpg,1,2\n", ":2: 2 cells with path and label expected"),
        ("csv", "image,label\n\n\na.jpg,1\nb.jpg\n", ":5: 2 cells with path and label expected, got 'b.jpg'"),
        ("csv", 'image,label\n"a.jpg,0\n' + "b.jpg,1\n" * 20000, ":2: 2 cells with path and label expected"),
        ("csv", "image,score\na.jpg,1\n", ":1: needs a header with a column of paths"),
        ("csv", "image,label,split\na.jpg,1,other\n", "'other' is none of train, valid and test"),
        ("path-label", "a.jpg\n", ":1: not in the format path-label: 'a.jpg'"),
        ("label-path", "../../a.jpg 1\n", "not in|climbs"),
        ("path-label", "../a.jpg 1\n", ":1: '../a.jpg' climbs out of the root"),
        ("csv", "", "needs a header"),
        ("path-label", "\n", "the list is empty"),
    ],
)
def test_what_cannot_be_converted(tmp_path, form, text, message):
    (tmp_path / "list.txt").write_text(text)
    if form == "label-path":
        (tmp_path / "list.txt").write_text("1 ../../a.jpg\n")
    with pytest.raises(UsageError, match=message):
        read_source(tmp_path / "list.txt", form=form)


@pytest.mark.parametrize("text", ["a.jpg\t99999999", "a.jpg\t100000", "a.jpg\t" + "9" * 5000])
def test_a_label_that_would_take_gigabytes_is_refused(text):
    with pytest.raises(UsageError, match="a whole number from 0 to 99,999") as error:
        parse_line(text)
    assert len(str(error.value)) < 300
    assert parse_line("a.jpg\t99999") == ("a.jpg", 99999)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("花/1.jpg\t0\n".encode("gbk"), "iconv -f GB18030 -t UTF-8 list.txt"),
        ("a.jpg\t0\n".encode("utf-16"), "iconv -f UTF-16 -t UTF-8"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "it is no text at all"),
        (b"x" * 200_000, "longer than 100,000 bytes"),
    ],
)
def test_lists_in_other_encodings(tmp_path, content, message):
    (tmp_path / "list.txt").write_bytes(content)
    with pytest.raises(UsageError, match=message):
        read_list(tmp_path / "list.txt")


def test_control_characters_of_a_line_never_reach_the_terminal(tmp_path, capsys):
    (tmp_path / "train.txt").write_text("\x1b[2J\x1b]0;owned\x07.jpg\t0\nx\x1b[31m\n")
    assert dataset.main(["check", str(tmp_path / "train.txt"), "--json", str(tmp_path / "bad.json")]) == 1
    out, err = capsys.readouterr()
    assert "\x1b" not in out + err
    assert "\x07" not in out + err
    assert r"\x1b[2J" in out
    assert json.loads((tmp_path / "bad.json").read_text())[0]["path"] == "\x1b[2J\x1b]0;owned\x07.jpg"
