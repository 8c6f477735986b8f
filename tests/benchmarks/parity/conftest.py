"""Two workers, one of each framework, that live for all comparisons of a process."""

import pytest

from benchmarks.manager.worker_process import Worker


@pytest.fixture(scope="session")
def workers_scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("pairs")


@pytest.fixture(scope="session")
def workers(torch_backend, paddle_backend, workers_scratch):
    settings = {"scratch": workers_scratch, "threads": 1, "timeout": 60}
    with Worker("torch", **settings) as ours, Worker("paddle", **settings) as theirs:
        yield ours, theirs
