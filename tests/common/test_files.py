"""Outputs are whole or absent; links stay, devices and pipes are written through, the rest is refused."""

import os
import select
import stat
import threading

import pytest

from common import files
from common.cli import UnavailableError, UsageError
from common.files import replacing, require_folder, require_writable, write_text


def test_a_link_stays_and_the_file_that_it_names_is_replaced(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "real.json").write_text("old")
    link, chain, dangling = tmp_path / "link.json", tmp_path / "chain.json", tmp_path / "dangling.json"
    link.symlink_to("there/real.json")
    chain.symlink_to(link)
    dangling.symlink_to("there/new.json")
    for path, target in ((link, "real.json"), (chain, "real.json"), (dangling, "new.json")):
        require_writable(path)
        write_text(path, path.name)
        assert path.is_symlink()
        assert (tmp_path / "there" / target).read_text() == path.name
    assert not list(tmp_path.rglob("*.part"))


def test_a_link_into_nowhere_and_one_to_itself_are_refused(tmp_path):
    (tmp_path / "lost").symlink_to("nowhere/x.json")
    (tmp_path / "loop").symlink_to("loop")
    for name, message in (("lost", "does not exist"), ("loop", "cannot be written")):
        with pytest.raises(UsageError, match=message):
            require_writable(tmp_path / name)


def test_a_pipe_is_written_through(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    require_writable(pipe)
    with pytest.raises(UsageError, match="nobody reads this pipe"):
        write_text(pipe, "lost")
    handle = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    writer = threading.Thread(target=write_text, args=(pipe, "x" * 200_000))
    writer.start()
    select.select([handle], [], [])  # before there is a writer, reading would end at once
    os.set_blocking(handle, True)
    with os.fdopen(handle) as file:
        assert file.read() == "x" * 200_000
    writer.join()
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def device(folder, number):
    """A node of our own like /dev/null (3) or /dev/full (7)."""
    path = folder / "device"
    try:
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, number))
        path.open("wb").close()
    except OSError as error:
        pytest.skip(f"no device can be made or opened here ({error}); run as root to test it")
    return path


def test_a_device_is_written_through_and_stays(tmp_path):
    path = device(tmp_path, 3)
    require_writable(path)
    write_text(path, "gone")
    assert stat.S_ISCHR(path.stat().st_mode)


def test_a_full_device_is_one_line(tmp_path):
    with pytest.raises(UnavailableError, match=r"device: cannot be written \(No space left"):
        write_text(device(tmp_path, 7), "x")


def test_a_full_disk_leaves_what_was_there(tmp_path):
    path = tmp_path / "result.json"
    path.write_text("old")
    with pytest.raises(UnavailableError, match="No space left"), replacing(path):
        raise OSError(files.errno.ENOSPC, os.strerror(files.errno.ENOSPC))
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_sockets_folders_and_places_that_take_nothing_are_refused(tmp_path):
    import socket

    with socket.socket(socket.AF_UNIX) as end:
        end.bind(str(tmp_path / "socket"))
        with pytest.raises(UsageError, match="no regular file"):
            require_writable(tmp_path / "socket")
    for path, message in (
        (tmp_path, "is a folder"),
        (tmp_path / "none" / "x", "does not exist"),
        (files.Path("/proc/x.json"), "cannot be written"),  # not even root may
    ):
        with pytest.raises(UsageError, match=message):
            require_writable(path)
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "folder", files.Path("/proc/folder")):
        with pytest.raises(UsageError, match="this folder cannot be made"):
            require_folder(path)


def test_the_longest_name_and_one_that_is_no_text(tmp_path):
    for name in ("x" * files.NAME_BYTES, "龙" * 85, os.fsdecode(b"\xc3(\xff.txt")):
        write_text(tmp_path / name, "content")
        assert (tmp_path / name).read_text() == "content"


def test_a_name_that_is_no_text_comes_back_from_json(tmp_path):
    import json

    name = os.fsdecode(b"\xc1\xfa.jpg")
    write_text(tmp_path / "x.json", json.dumps([name], ensure_ascii=False))
    assert json.loads((tmp_path / "x.json").read_text(encoding="utf-8")) == [name]
