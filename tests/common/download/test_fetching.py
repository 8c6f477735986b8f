"""Fetching: the data are there, complete and as published, or they are not; whenever it is killed."""

import fcntl
import json
import re
import shlex
import signal
import subprocess
import sys
import tarfile

import pytest

from common.cli import UnavailableError, UsageError
from common.dataset import __main__ as dataset
from common.download import fetching
from common.download.catalogue import DATA_SETS
from common.download.fetching import NOTE, fetch
from tests.support.commands import ended
from tests.support.faulty_server import Served, serving
from tests.support.hostile_archives import special, tar_of
from tests.support.paths import ROOT
from tests.support.served_photos import ARCHIVE, published, ranges, whole


def test_a_data_set_is_fetched_once_and_says_how_to_go_on(served, mirror, tmp_path, capsys):
    arguments = ["fetch", "flowers", "--output", str(tmp_path / "my data"), "--mirror", mirror + "/"]
    code, out, errors = ended(dataset.main, arguments, capsys)
    assert (code, errors) == (0, [])
    assert out.splitlines()[0] == f"{tmp_path}/my data/flower_photos: 80 files, fetched"
    assert whole(tmp_path / "my data")
    assert [path.name for path in (tmp_path / "my data").iterdir()] == ["flower_photos"]
    note = json.loads((tmp_path / "my data" / "flower_photos" / NOTE).read_text())
    assert note["from"][0]["url"] == f"{mirror}/flower_photos.tgz"
    assert "complete already" in ended(dataset.main, arguments, capsys)[1]
    assert ranges(served) == [None]


def test_the_command_that_is_shown_makes_lists(served, mirror, tmp_path, capsys):
    _, out, _ = ended(
        dataset.main, ["fetch", "flowers", "--output", str(tmp_path / "my data"), "--mirror", mirror], capsys
    )
    words = shlex.split(out.splitlines()[1].partition(": ")[2])
    assert words[:3] == ["python", "-m", "common.dataset"]
    assert dataset.main(words[3:]) == 0
    assert (tmp_path / "my data" / "flowers_lists" / "train.txt").read_text().count("\n") == 72


def test_several_files_become_a_folder(served, monkeypatch, tmp_path):
    contents = [bytes([number]) * 9 for number in range(4)]
    published(monkeypatch, "mnist", contents)
    files = {
        file.name: Served(content) for file, content in zip(DATA_SETS["mnist"].files, contents, strict=True)
    }
    with serving(files) as mirror:
        assert fetch("mnist", tmp_path, mirror=mirror) == (tmp_path / "mnist", True)
    assert {path.name for path in (tmp_path / "mnist").iterdir()} == {*files, NOTE}
    assert (tmp_path / "mnist" / "t10k-labels-idx1-ubyte.gz").read_bytes() == contents[3]


def test_more_than_was_published_already_here_is_thrown_away(served, mirror, tmp_path):
    workshop = tmp_path / ".flower_photos.fetching"
    workshop.mkdir()
    (workshop / "flower_photos.tgz.part").write_bytes(ARCHIVE + b"more")
    (workshop / "tmp_of_a_killed_call").write_bytes(b"")
    (workshop / "fresh").mkdir()
    fetch("flowers", tmp_path, mirror=mirror)
    assert whole(tmp_path)


def test_a_hostile_archive_leaves_nothing(served, monkeypatch, tmp_path):
    content = tar_of(("flower_photos/a.jpg", b"a"), special(tarfile.SYMTYPE))
    published(monkeypatch, "flowers", [content])
    with serving({"flower_photos.tgz": Served(content)}) as mirror, pytest.raises(UnavailableError) as error:
        fetch("flowers", tmp_path, mirror=mirror)
    assert "flower_photos.tgz: the archive holds 'photos/special', which is a link" in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_an_archive_without_its_folder_is_refused(served, monkeypatch, tmp_path):
    content = tar_of(("other/a.jpg", b"a"))
    published(monkeypatch, "flowers", [content])
    with serving({"flower_photos.tgz": Served(content)}) as mirror, pytest.raises(UnavailableError) as error:
        fetch("flowers", tmp_path, mirror=mirror)
    assert "holds no folder flower_photos" in str(error.value)


def test_a_folder_that_is_not_ours_is_left_alone(served, tmp_path):
    (tmp_path / "flower_photos").mkdir()
    with pytest.raises(UsageError, match="not from here; move it away"):
        fetch("flowers", tmp_path)


def test_lost_files_are_reported_and_others_are_welcome(served, mirror, tmp_path):
    folder, _ = fetch("flowers", tmp_path, mirror=mirror)
    (folder / "train.txt").write_text("of the user")
    assert fetch("flowers", tmp_path) == (folder, False)
    (folder / "daisy" / "7.jpg").unlink()
    (folder / "daisy" / "8.jpg").write_bytes(b"")
    with pytest.raises(UsageError, match=r"2 of 80 files are missing or changed, the first daisy/7.jpg"):
        fetch("flowers", tmp_path)
    (folder / NOTE).write_text("{")
    with pytest.raises(UsageError, match="is damaged"):
        fetch("flowers", tmp_path)


def test_requests_that_are_wrong(served, monkeypatch, tmp_path, capsys):
    for mirror in ("ftp://host/x", "/a/folder", "http://"):
        with pytest.raises(UsageError, match="expected the address of a folder"):
            fetch("flowers", tmp_path, mirror=mirror)
    assert ended(dataset.main, ["fetch", "imagenet", "--output", str(tmp_path)], capsys)[0] == 2
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        fetch("flowers", tmp_path / "file" / "below")
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 100}))
    with pytest.raises(UsageError, match="100 bytes are free"):
        fetch("flowers", tmp_path)


def test_two_calls_at_once_do_not_disturb_each_other(served, mirror, tmp_path):
    workshop = tmp_path / ".flower_photos.fetching"
    workshop.mkdir()
    with (workshop / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(UsageError, match="another process is fetching"):
            fetch("flowers", tmp_path, mirror=mirror)
    fetch("flowers", tmp_path, mirror=mirror)
    assert whole(tmp_path)
    assert not workshop.exists()


KILLED_AT = {
    "downloading": ("time.sleep", "lambda _: kill()"),
    "unpacking": ("common.download.archives._write", "kill_after(5, common.download.archives._write)"),
    "putting in place": ("pathlib.Path.rename", "lambda *_: kill()"),
    "clearing up": ("shutil.rmtree", "kill_after(1, shutil.rmtree)"),
}
PROGRAM = """
import itertools, json, os, pathlib, shutil, sys, time
from dataclasses import replace
import common.download.archives, common.download.fetching
from common.download.catalogue import DATA_SETS
size, checksum, mirror, output = json.loads(sys.argv[1])
def kill():
    os.kill(os.getpid(), 9)
def kill_after(times, function):
    calls = itertools.count()
    return lambda *given, **named: function(*given, **named) if next(calls) < times else kill()
file = replace(DATA_SETS["flowers"].files[0], size=size, checksum=checksum)
common.download.fetching.DATA_SETS = {"flowers": replace(DATA_SETS["flowers"], files=[file])}
%s = %s
common.download.fetching.fetch("flowers", pathlib.Path(output), mirror=mirror)
"""


@pytest.mark.parametrize("moment", KILLED_AT)
def test_a_call_that_is_killed_leaves_what_the_next_can_use(served, mirror, tmp_path, moment):
    served.cuts = [9000] if moment == "downloading" else []
    file = fetching.DATA_SETS["flowers"].files[0]
    given = json.dumps([file.size, file.checksum, mirror, str(tmp_path)])
    code = PROGRAM % KILLED_AT[moment]
    done = subprocess.run([sys.executable, "-c", code, given], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert (tmp_path / "flower_photos").exists() == (moment == "clearing up")
    fetch("flowers", tmp_path, mirror=mirror)
    assert whole(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["flower_photos"]
    assert ranges(served) == ([None, "bytes=9000-"] if moment == "downloading" else [None])


def test_every_published_file_has_a_checksum_with_its_source():
    for data_set in DATA_SETS.values():
        assert data_set.packed == (len(data_set.files) == 1)
        for file in data_set.files:
            assert re.fullmatch(r"sha256:[0-9a-f]{64}|md5:[0-9a-f]{32}", file.checksum)
            assert file.url.startswith("https://")
            assert file.source
            assert file.size > 4000


def test_checksums_are_torchvisions():
    datasets = pytest.importorskip("torchvision.datasets")
    mnist = [(file.name, file.checksum) for file in DATA_SETS["mnist"].files]
    assert mnist == [(name, f"md5:{digest}") for name, digest in datasets.MNIST.resources]
    assert DATA_SETS["mnist"].files[0].url.startswith(datasets.MNIST.mirrors[0])
    (cifar,) = DATA_SETS["cifar10"].files
    assert (cifar.url, cifar.checksum) == (datasets.CIFAR10.url, f"md5:{datasets.CIFAR10.tgz_md5}")
