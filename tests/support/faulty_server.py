"""A web server on this machine that serves files as a script tells it: cut, wrong, slow to resume."""

import re
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Served:
    """One file, and what is wrong with how it is served; ``requests`` records (range, if-range) asked for."""

    def __init__(self, content, *, etag='"first"'):
        self.content, self.etag = content, etag
        self.cuts = []  # bytes after which the next replies break off
        self.statuses = []  # statuses of the next replies
        self.ranges = True
        self.drips = False  # a byte at a time, without an end
        self.length = True
        self.claimed_length = None
        self.content_range = None
        self.requests = []


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    def do_GET(self):
        served = self.server.files.get(self.path.rpartition("/")[2])
        if served is None:
            self.send_error(404)
            return
        asked, condition = self.headers.get("Range"), self.headers.get("If-Range")
        served.requests.append((asked, condition))
        if served.statuses:
            self.send_error(served.statuses.pop(0))
            return
        start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked and served.ranges else 0
        if condition not in (None, served.etag):
            start = 0
        if start >= len(served.content) > 0:
            self.send_error(416)
            return
        self._reply(served, start)

    def _reply(self, served, start):
        total = len(served.content)
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", served.content_range or f"bytes {start}-{total - 1}/{total}")
        if served.etag:
            self.send_header("ETag", served.etag)
        if served.length:
            self.send_header("Content-Length", str(served.claimed_length or total - start))
        self.end_headers()
        rest = served.content[start:]
        if served.drips:
            self._drip(rest)
            return
        self.wfile.write(rest[: served.cuts.pop(0)] if served.cuts else rest)

    def _drip(self, rest):
        try:
            for byte in rest:
                self.wfile.write(bytes([byte]))
                time.sleep(0.005)
        except OSError:
            pass

    def log_message(self, *_):
        pass


@contextmanager
def serving(files):
    """Serve ``files``, by name; gives the address of their folder."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.files = files
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/copies"
        finally:
            server.shutdown()
            thread.join()
