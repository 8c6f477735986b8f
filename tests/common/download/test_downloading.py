"""Downloads from a server that misbehaves are resumed, started anew or given up, never taken for others."""

import re
from pathlib import Path

import pytest

from common.cli import UnavailableError
from common.dataset import __main__ as dataset
from common.download import resumable
from common.download.fetching import fetch
from tests.support.commands import ended
from tests.support.mutation import without_each
from tests.support.served_photos import ARCHIVE, ranges, whole


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


def test_gaining_and_losing_the_same_bytes_is_given_up(served, mirror, tmp_path):
    served.cuts, served.content_range = [2000] * 50, "nonsense"
    with pytest.raises(UnavailableError):
        fetch("flowers", tmp_path, mirror=mirror)
    assert len(served.requests) < 10


def test_a_download_of_a_byte_at_a_time_is_given_up(served, mirror, tmp_path, monkeypatch):
    """Every read is answered in time, and the whole would take days."""
    served.drips = True
    monkeypatch.setattr(resumable, "SLOWEST", resumable.Pace(bytes=1 << 20, seconds=0.05))
    with pytest.raises(UnavailableError, match=r"bytes came in 0\.05 seconds; .* bytes are kept"):
        fetch("flowers", tmp_path, mirror=mirror)
    assert len(served.requests) == resumable.TRIES


def test_wrong_bytes_are_thrown_away(served, mirror, tmp_path):
    served.content = ARCHIVE[:-1] + b"?"
    with pytest.raises(UnavailableError, match="whose sha256 is not the published one"):
        fetch("flowers", tmp_path, mirror=mirror)
    assert list(tmp_path.iterdir()) == []
    workshop = tmp_path / ".flower_photos.fetching"
    workshop.mkdir()
    (workshop / "flower_photos.tgz").write_bytes(served.content)  # as a failing disk might leave it
    with pytest.raises(UnavailableError, match="whose sha256 is not the published one"):
        fetch("flowers", tmp_path, mirror=mirror)
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


@pytest.mark.parametrize(("status", "tries"), [(404, 1), (403, 1), (500, resumable.TRIES)])
def test_lasting_errors_are_one_line_and_exit_code_3(served, mirror, tmp_path, capsys, status, tries):
    served.statuses = [status] * 9
    arguments = ["fetch", "flowers", "--output", str(tmp_path), "--mirror", mirror]
    code, _, errors = ended(dataset.main, arguments, capsys)
    assert (code, len(errors), len(served.requests)) == (3, 1, tries)
    assert f"{mirror}/flower_photos.tgz: the server answered {status}" in errors[0]


def test_no_server_at_all_is_one_line(served, tmp_path):
    with pytest.raises(UnavailableError, match=r"the connection failed \(Connection refused\); 0 of"):
        fetch("flowers", tmp_path, mirror="http://127.0.0.1:9")


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
    ((_, mutated),) = without_each(Path(resumable.__file__), guard)
    mutated.FIRST_WAIT_SECONDS, mutated.PROGRESS = 0, 1000
    monkeypatch.setattr(resumable, "Resuming", mutated.Resuming)
    test, arguments = GUARDS[guard]
    with pytest.raises((AssertionError, pytest.fail.Exception, UnavailableError)):
        test(served, mirror, tmp_path, **arguments)
