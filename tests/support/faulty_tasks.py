"""Tasks that go wrong in every way that a worker can, and some that look into it."""

import os
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from benchmarks.worker.tasks import Tasks


class FaultyTasks(Tasks):
    def answer(self):
        return 42

    def leave_files(self):
        return tempfile.mkdtemp(prefix="left-")

    def crash(self):
        import ctypes

        ctypes.string_at(0)  # a segmentation fault

    def leave(self, code):
        os._exit(code)

    def kill(self, signal_name):
        os.kill(os.getpid(), getattr(signal, signal_name))

    def hang(self):
        time.sleep(3600)

    def fail(self):
        raise ValueError("something is\nwrong here")

    def chatter(self):
        """Write on stdout and stderr, from Python and from below it."""
        print("hello from Python")
        print('{"id": 1, "result": 0}')
        os.write(1, b"\xff\xfe garbage from C\n" * 10_000)
        os.write(2, b"a warning\n")
        return 42

    def babble(self):
        """Write nonsense on the channel itself."""
        channel = int(sys.argv[sys.argv.index("--channel") + 1])
        os.write(channel, b"this is no JSON\n")
        time.sleep(3600)

    def grab_memory(self):
        """Put arrays on the device until no more fit into one gigabyte above what is in use."""
        self._allow_one_more_gigabyte()
        array, tensors = np.zeros((64, 1 << 20), np.float32), []
        while True:
            tensors.append(self.backend.from_numpy(array, device="cpu", precision="fp32"))

    def abort_for_memory(self):
        """Give an array that is larger than all memory; paddle aborts over it in C++."""
        self._allow_one_more_gigabyte()
        array = np.broadcast_to(np.float32(0), (20 << 18, 1024))
        self.backend.from_numpy(array, device="cpu", precision="fp32")

    def _allow_one_more_gigabyte(self):
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + (1 << 30)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

    def spin(self, seconds):
        """Keep a thread busy after the answer."""

        def burn():
            end = time.perf_counter() + seconds
            while time.perf_counter() < end:
                pass

        threading.Thread(target=burn, daemon=True).start()

    def environment(self):
        return dict(os.environ)

    def process_group(self):
        return os.getpgid(0)

    def start_child(self):
        import subprocess

        return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"]).pid
