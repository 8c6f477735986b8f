"""Downloads that go on where a cut connection left them, and that take no more bytes than were published.

``Resuming`` is a downloader for pooch, which checks the checksum and keeps what has the right one.
https://www.fatiando.org/pooch/latest/downloaders.html; ranges: RFC 9110, sections 13.1.5 and 14.
"""

import json
import re
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import requests
import urllib3

from common.cli import UnavailableError
from common.files import write_text
from common.terminal import progress

if TYPE_CHECKING:
    from tqdm import tqdm


class Pace(NamedTuple):
    """So many bytes in so many seconds."""

    bytes: int
    seconds: float


TRIES = 5  # in a row, without a mebibyte of progress
FIRST_WAIT_SECONDS = 1.0
PROGRESS = 1 << 20
CHUNK = 1 << 16
TIMEOUT_SECONDS = (10, 30)  # to connect, and between two pieces
SLOWEST = Pace(bytes=1 << 18, seconds=60.0)  # less is not waited for: at that pace flowers takes half a day
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})  # statuses that another try may mend
_CUT = (requests.RequestException, urllib3.exceptions.HTTPError, ConnectionError, TimeoutError)


class _Passing(Exception):
    """A failure that another try may mend."""


class Resuming:
    """Downloads a file of ``size`` bytes, in pieces if need be.

    What has come is kept in ``partial``.
    """

    def __init__(self, partial: Path, *, size: int) -> None:
        self.partial, self.size = partial, size
        self.notes = partial.with_name(partial.name + ".json")  # which version of the file this is part of
        self.resumed = False

    def __call__(self, url: str, output_file: str, _pooch: object) -> None:
        """Download ``url`` to ``output_file``. Raises UnavailableError if that cannot be done."""
        failures, most = 0, self._have()  # most: so that losing ground and gaining it again is no progress
        self.resumed = most > 0
        what = self.partial.stem
        with progress(total=self.size, done=most, unit="bytes", scaled=True, what=what) as bar:
            while self._have() != self.size:
                try:
                    self._attempt(url, bar)
                except (_Passing, *_CUT) as error:
                    failures = 0 if self._have() >= most + PROGRESS else failures + 1
                    most = max(most, self._have())
                    if failures == TRIES:
                        raise UnavailableError(self._given_up(url, error)) from None
                    time.sleep(FIRST_WAIT_SECONDS * 2 ** max(failures - 1, 0))
        self.partial.replace(output_file)
        self.forget()

    def forget(self) -> None:
        """Start anew next time."""
        self.partial.unlink(missing_ok=True)
        self.notes.unlink(missing_ok=True)

    def _attempt(self, url: str, bar: "tqdm[Any]") -> None:
        """Ask for what is still missing, and take what comes."""
        have = self._have()
        if have > self.size:
            self.forget()
            raise _Passing(f"had {have:,} bytes of {self.size:,}")
        with requests.get(
            url, headers=self._headers(url, have), timeout=TIMEOUT_SECONDS, stream=True
        ) as reply:
            start = self._start(reply, have)
            self.resumed = start > 0
            if start == 0:
                self._note(url, reply)
            with self.partial.open("r+b" if start else "wb") as file:
                file.seek(start)
                bar.n = start
                self._take(reply, file, bar)
        if self._have() < self.size:
            raise _Passing(f"the connection ended after {self._have():,} bytes of {self.size:,}")

    def _headers(self, url: str, have: int) -> dict[str, str]:
        headers = {"Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
            noted = self._noted()
            if noted.get("url") == url and noted.get("validator"):
                headers["If-Range"] = noted["validator"]
        return headers

    def _start(self, reply: requests.Response, have: int) -> int:
        """The position in the file at which a reply's content starts."""
        if reply.status_code == 416 and have:  # there is no such rest: this is part of another version
            self.forget()
            raise _Passing("the server has another version of the file")
        if reply.status_code in PASSING:
            raise _Passing(f"the server answered {reply.status_code} {reply.reason}")
        if reply.status_code not in (200, 206):
            raise UnavailableError(f"{reply.url}: the server answered {reply.status_code} {reply.reason}")
        start = have if reply.status_code == 206 else 0
        length = reply.headers.get("Content-Length")
        _require_published_size(reply.url, length and start + int(length), self.size)
        expected = f"bytes {start}-{self.size - 1}/{self.size}"
        if reply.status_code == 206 and reply.headers.get("Content-Range") != expected:
            self.forget()
            raise _Passing(f"the server answered {reply.headers.get('Content-Range')!r}, not {expected!r}")
        return start

    def _take(self, reply: requests.Response, file: IO[bytes], bar: "tqdm[Any]") -> None:
        # Never decoded: a Content-Encoding could expand a reply to any size. What is there is taken at once:
        # a byte a second keeps every timeout of the connection, and would fill a chunk in hours.
        since, counted = time.monotonic(), 0
        while chunk := reply.raw.read1(CHUNK, decode_content=False):
            counted += len(chunk)
            if time.monotonic() - since > SLOWEST.seconds:
                if counted < SLOWEST.bytes:
                    raise _Passing(f"{counted:,} bytes came in {SLOWEST.seconds:g} seconds")
                since, counted = time.monotonic(), 0
            _require_published_size(reply.url, max(file.tell() + len(chunk), self.size), self.size)
            file.write(chunk)
            bar.update(len(chunk))

    def _note(self, url: str, reply: requests.Response) -> None:
        tag = reply.headers.get("ETag", "")
        strong = tag if not tag.startswith("W/") else ""  # a weak one does not promise equal bytes
        noted = {"url": url, "validator": strong or reply.headers.get("Last-Modified", "")}
        self.partial.unlink(missing_ok=True)  # what it held is not what the note will say
        write_text(self.notes, json.dumps(noted))

    def _noted(self) -> dict[str, str]:
        try:
            noted: dict[str, str] = json.loads(self.notes.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return noted

    def _have(self) -> int:
        return self.partial.stat().st_size if self.partial.exists() else 0

    def _given_up(self, url: str, error: Exception) -> str:
        reason = f"the connection failed ({_cause(error)})" if isinstance(error, _CUT) else str(error)
        kept = f"{self._have():,} of {self.size:,} bytes are kept"
        return f"{url}: {reason}; {kept}, so run it again, or name a copy with --mirror"


def _cause(error: Exception) -> str:
    """The system's word where there is one: requests and urllib3 wrap it in a paragraph."""
    found = re.search(r"\[Errno -?\d+\] ([^'\")\]]+)", str(error))
    return found[1] if found else type(error).__name__


def _require_published_size(url: str, size: int | str | None, published: int) -> None:
    """Refuse at once what is longer than it should be, or says that it will have another length."""
    if size and size != published:
        raise UnavailableError(f"{url}: {size:,} bytes instead of the {published:,} published; not taken")
