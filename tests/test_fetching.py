"""Fetching from a server that misbehaves: the data are complete and as published, or absent."""

import fcntl
import hashlib
import json
import random
import re
import shlex
import signal
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

from common import dataset, downloading, fetching
from common.cli import UnavailableError, UsageError
from common.fetching import NOTE, fetch
from common.published import DATA_SETS
from tests.commands import ended
from tests.faulty_server import Served, serving
from tests.hostile_archives import special, tar_of
from tests.mutation import without_each

ROOT = Path(__file__).parent.parent
NAMES = [f"flower_photos/{name}/{number}.jpg" for name in ("daisy", "rose") for number in range(40)]
PHOTOS = {name: random.Random(name).randbytes(1000) for name in NAMES}
ARCHIVE = tar_of(*PHOTOS.items())


def published(monkeypatch, name, contents):
    """Let the data set's files be these, with their sizes and checksums."""
    files = [
        replace(file, size=len(content), checksum="sha256:" + hashlib.sha256(content).hexdigest())
        for file, content in zip(DATA_SETS[name].files, contents, strict=True)
    ]
    changed = {**DATA_SETS, name: replace(DATA_SETS[name], files=files)}
    monkeypatch.setattr(fetching, "DATA_SETS", MappingProxyType(changed))


@pytest.fixture
def served(monkeypatch):
    """The flowers' archive as published, on a server of ours."""
    monkeypatch.setattr(downloading, "FIRST_WAIT_SECONDS", 0)
    monkeypatch.setattr(downloading, "PROGRESS", 1000)
    monkeypatch.setenv("NO_PROXY", "*")
    published(monkeypatch, "flowers", [ARCHIVE])
    return Served(ARCHIVE)


@pytest.fixture
def mirror(served):
    with serving({"flower_photos.tgz": served}) as address:
        yield address


def whole(folder):
    """Whether the data are there, all of them, and nothing else."""
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return found == {*PHOTOS, f"flower_photos/{NOTE}"}


def ranges(served):
    return [asked for asked, _ in served.requests]


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


def test_a_cut_connection_is_resumed_where_it_was_cut(served, mirror, tmp_path):
    served.cuts = [20_000, 10_000, 0, 5_000]
    fetch("flowers", tmp_path, mirror=mirror)
    assert whole(tmp_path)
    assert ranges(served) == [None, "bytes=20000-", "bytes=30000-", "bytes=30000-", "bytes=35000-"]
    assert {condition for _, condition in served.requests[1:]} == {'"first"'}


def test_cuts_without_end_are_given_up_and_a_later_call_goes_on(served, mirror, tmp_path):
    served.cuts = [9000, *[10] * 5]
    with pytest.raises(UnavailableError, match=r"flower_photos.tgz: .*9,0\d0 of .* bytes are kept"):
        fetch("flowers", tmp_path, mirror=mirror)
    assert not (tmp_path / "flower_photos").exists()
    served.requests.clear()
    fetch("flowers", tmp_path, mirror=mirror)
    assert whole(tmp_path)
    assert re.fullmatch(r"bytes=90\d0-", ranges(served)[0])


def test_cuts_with_progress_are_not_given_up(served, mirror, tmp_path):
    served.cuts = [2000] * 12
    fetch("flowers", tmp_path, mirror=mirror)
    assert whole(tmp_path)


@pytest.mark.parametrize("length", [True, False])
def test_a_server_that_ignores_ranges_sends_everything_again(served, mirror, tmp_path, length):
    served.cuts, served.ranges, served.length = [20_000], False, length
    fetch("flowers", tmp_path, mirror=mirror)
    assert whole(tmp_path)


def test_a_file_that_changed_meanwhile_is_fetched_from_its_start(served, mirror, tmp_path):
    served.content, served.etag, served.cuts = b"old" * 10_000, '"old"', [9_000] + [0] * 5
    served.claimed_length = len(ARCHIVE)
    with pytest.raises(UnavailableError):
        fetch("flowers", tmp_path, mirror=mirror)
    served.content, served.etag, served.cuts, served.claimed_length = ARCHIVE, '"new"', [], None
    served.requests.clear()
    fetch("flowers", tmp_path, mirror=mirror)
    assert whole(tmp_path)
    assert served.requests == [("bytes=9000-", '"old"')]


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_two_versions_joined_are_noticed_and_fetched_again(served, mirror, tmp_path, etag):
    """Without a strong validator the server cannot tell; the checksum can."""
    workshop = tmp_path / ".flower_photos.fetching"
    workshop.mkdir()
    (workshop / "flower_photos.tgz.part").write_bytes(b"other" * 1000)
    served.etag = etag
    fetch("flowers", tmp_path, mirror=mirror)
    assert whole(tmp_path)
    assert served.requests == [("bytes=5000-", None), (None, None)]


@pytest.mark.parametrize("answer", ["bytes 0-9/10", "bytes 1-5/90", "nonsense"])
def test_another_part_than_was_asked_for_is_not_taken(served, mirror, tmp_path, answer):
    served.cuts, served.content_range = [20_000], answer
    fetch("flowers", tmp_path, mirror=mirror)
    assert whole(tmp_path)
    assert ranges(served) == [None, "bytes=20000-", None]


def test_more_than_was_published_already_here_is_thrown_away(served, mirror, tmp_path):
    workshop = tmp_path / ".flower_photos.fetching"
    workshop.mkdir()
    (workshop / "flower_photos.tgz.part").write_bytes(ARCHIVE + b"more")
    (workshop / "tmp_of_a_killed_call").write_bytes(b"")
    (workshop / "fresh").mkdir()
    fetch("flowers", tmp_path, mirror=mirror)
    assert whole(tmp_path)


def test_wrong_bytes_are_thrown_away(served, mirror, tmp_path):
    served.content = ARCHIVE[:-1] + b"?"
    with pytest.raises(UnavailableError, match="whose sha256 is not the published one"):
        fetch("flowers", tmp_path, mirror=mirror)
    assert not (tmp_path / "flower_photos").exists()
    served.content = ARCHIVE
    fetch("flowers", tmp_path, mirror=mirror)
    assert whole(tmp_path)


@pytest.mark.parametrize("length", [True, False])
def test_a_file_that_is_too_long_is_not_taken(served, mirror, tmp_path, length):
    served.content, served.length = ARCHIVE + b"more" * 100_000, length
    with pytest.raises(UnavailableError, match=r"instead of the .* published; not taken"):
        fetch("flowers", tmp_path, mirror=mirror)
    kept = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
    assert kept <= len(ARCHIVE) + 100
    assert len(served.requests) == 1


def test_a_file_that_is_too_short_is_not_taken(served, mirror, tmp_path):
    served.content = b"<html>please log in</html>"
    with pytest.raises(UnavailableError, match="26 bytes instead of the"):
        fetch("flowers", tmp_path, mirror=mirror)


def test_passing_errors_are_tried_again(served, mirror, tmp_path):
    served.statuses = [503, 500, 429]
    fetch("flowers", tmp_path, mirror=mirror)
    assert whole(tmp_path)


@pytest.mark.parametrize(("status", "tries"), [(404, 1), (403, 1), (500, downloading.TRIES)])
def test_lasting_errors_are_one_line_and_exit_code_3(served, mirror, tmp_path, capsys, status, tries):
    served.statuses = [status] * 9
    arguments = ["fetch", "flowers", "--output", str(tmp_path), "--mirror", mirror]
    code, _, errors = ended(dataset.main, arguments, capsys)
    assert (code, len(errors), len(served.requests)) == (3, 1, tries)
    assert f"{mirror}/flower_photos.tgz: the server answered {status}" in errors[0]


def test_no_server_at_all_is_one_line(served, tmp_path):
    with pytest.raises(UnavailableError, match=r"the connection failed \(Connection refused\); 0 of"):
        fetch("flowers", tmp_path, mirror="http://127.0.0.1:9")


def test_a_hostile_archive_leaves_nothing(served, monkeypatch, tmp_path):
    content = tar_of(("flower_photos/a.jpg", b"a"), special(tarfile.SYMTYPE))
    published(monkeypatch, "flowers", [content])
    with serving({"flower_photos.tgz": Served(content)}) as mirror, pytest.raises(UnavailableError) as error:
        fetch("flowers", tmp_path, mirror=mirror)
    assert "flower_photos.tgz: the archive holds 'photos/special', which is a link" in str(error.value)
    assert not [path for path in tmp_path.rglob("*") if path.suffix in (".tgz", ".jpg", ".part")]


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


def test_lost_files_are_told_and_others_are_welcome(served, mirror, tmp_path):
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
    "unpacking": ("common.archives._write", "kill_after(5, common.archives._write)"),
    "putting in place": ("pathlib.Path.rename", "lambda *_: kill()"),
    "clearing up": ("shutil.rmtree", "kill_after(1, shutil.rmtree)"),
}
PROGRAM = """
import itertools, json, os, pathlib, shutil, sys, time
from dataclasses import replace
import common.archives, common.fetching
from common.published import DATA_SETS
size, checksum, mirror, output = json.loads(sys.argv[1])
def kill():
    os.kill(os.getpid(), 9)
def kill_after(times, function):
    calls = itertools.count()
    return lambda *given, **named: function(*given, **named) if next(calls) < times else kill()
file = replace(DATA_SETS["flowers"].files[0], size=size, checksum=checksum)
common.fetching.DATA_SETS = {"flowers": replace(DATA_SETS["flowers"], files=[file])}
%s = %s
common.fetching.fetch("flowers", pathlib.Path(output), mirror=mirror)
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


GUARDS = {
    "_require_published_size(reply.url, length and start + int(length), self.size)": (
        test_a_file_that_is_too_short_is_not_taken,
        {},
    ),
    "_require_published_size(reply.url, max(file.tell() + len(chunk), self.size), self.size)": (
        test_a_file_that_is_too_long_is_not_taken,
        {"length": False},
    ),
    "self._note(url, reply)": (test_a_cut_connection_is_resumed_where_it_was_cut, {}),
    "file.seek(start)": (test_a_cut_connection_is_resumed_where_it_was_cut, {}),
}


@pytest.mark.parametrize("guard", GUARDS)
def test_each_guard_of_a_download_is_needed(guard, served, mirror, tmp_path, monkeypatch):
    ((_, mutated),) = without_each(Path(downloading.__file__), guard)
    mutated.FIRST_WAIT_SECONDS, mutated.PROGRESS = 0, 1000
    monkeypatch.setattr(downloading, "Resuming", mutated.Resuming)
    test, arguments = GUARDS[guard]
    with pytest.raises((AssertionError, pytest.fail.Exception, UnavailableError)):
        test(served, mirror, tmp_path, **arguments)
