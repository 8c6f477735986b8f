"""Which backends the tests need, and where the data folder lies.

TEST_BACKENDS=torch,paddle names the backends that must be there: one that then cannot be imported
fails the suite. Tests of an unnamed one are skipped. PARITY_DATA names the folder of real images.
"""

import gc
import os
from pathlib import Path

import numpy as np
import pytest

import backends
from common.download import resumable
from tests.support.commands import LocalWorker
from tests.support.faulty_server import Served, serving
from tests.support.served_photos import ARCHIVE, published
from tests.support.sides import LocalSide

REQUIRED = tuple(name for name in os.environ.get("TEST_BACKENDS", "").split(",") if name)


def pytest_configure(config):
    unknown = set(REQUIRED) - set(backends.NAMES)
    if unknown:
        raise pytest.UsageError(f"TEST_BACKENDS names {sorted(unknown)}; choose among {backends.NAMES}")
    for name in REQUIRED:
        try:
            backends.load(name)
        except ImportError as error:
            raise pytest.UsageError(
                f"TEST_BACKENDS asks for {name}, which fails to import: {error}"
            ) from error


def load(name):
    """The backend, or a skipped test with the sentence that says how to run it."""
    try:
        return backends.load(name)
    except ImportError as error:
        pytest.skip(f"{name} is not installed ({error}); run `make test` for the whole suite")


@pytest.fixture(scope="session")
def torch_backend():
    return load("torch")


@pytest.fixture(scope="session")
def paddle_backend():
    return load("paddle")


@pytest.fixture(params=backends.NAMES)
def backend(request):
    return load(request.param)


@pytest.fixture
def sides(torch_backend, paddle_backend):
    """Both backends, in this process, able to do a worker's tasks."""
    return LocalSide("torch", torch_backend), LocalSide("paddle", paddle_backend)


@pytest.fixture(scope="session")
def data_folder():
    if not os.environ.get("PARITY_DATA"):
        pytest.skip("set PARITY_DATA to the folder of real data sets to run this test")
    return Path(os.environ["PARITY_DATA"])


@pytest.fixture(scope="session")
def flowers_list(data_folder, tmp_path_factory):
    """A list of the 500 real flower photographs."""
    from common.dataset import read_source, write_lists

    folder = tmp_path_factory.mktemp("flowers")
    write_lists(read_source(data_folder / "flower_photos"), folder)
    return folder / "all.txt"


@pytest.fixture
def local_workers(monkeypatch):
    """Commands with workers inside this process, where faults can be planted."""
    monkeypatch.setattr("benchmarks.manager.session.Worker", LocalWorker)
    monkeypatch.setattr("benchmarks.measure.interleave.BLOCK_SECONDS", 0)
    monkeypatch.setattr("benchmarks.measure.tuning.TRIAL_SECONDS", 0)
    monkeypatch.setattr("benchmarks.analysis.disturbance.is_disturbed", lambda *_, **__: False)
    monkeypatch.setattr("benchmarks.worker.profiling.SIZES", {"cpu": 64, "gpu": 64})
    monkeypatch.setattr("benchmarks.worker.profiling.PEAK_SECONDS", 0)
    monkeypatch.setattr("benchmarks.worker.profiling.STREAM_SECONDS", 0)
    monkeypatch.setattr("benchmarks.worker.profiling.STREAMED", {"cpu": 64, "gpu": 64})
    monkeypatch.setattr("benchmarks.measure.diagnostics.GLANCE_SECONDS", 0)
    monkeypatch.setattr("benchmarks.worker.profiling.LAYER_SECONDS", 0)
    monkeypatch.setattr(LocalWorker, "planted", {})
    monkeypatch.setattr(LocalWorker, "failing", {})
    gc.freeze()  # as a worker does: else each collection looks at half a million objects of the frameworks
    yield LocalWorker
    gc.unfreeze()


@pytest.fixture
def local(torch_backend, paddle_backend, local_workers):
    """The same, where both frameworks are needed."""
    return local_workers


@pytest.fixture
def served(monkeypatch):
    """The flowers' archive as published, on a server of ours."""
    monkeypatch.setattr(resumable, "FIRST_WAIT_SECONDS", 0)
    monkeypatch.setattr(resumable, "PROGRESS", 1000)
    monkeypatch.setenv("NO_PROXY", "*")
    published(monkeypatch, "flowers", [ARCHIVE])
    return Served(ARCHIVE)


@pytest.fixture
def mirror(served):
    with serving({"flower_photos.tgz": served}) as address:
        yield address


@pytest.fixture
def one_thread(torch_backend, paddle_backend):
    """Small models gain nothing from more, and on a busy machine each operation waits for them."""
    backends_here = (torch_backend, paddle_backend)
    before = [backend.read_settings("cpu").threads for backend in backends_here]
    for backend in backends_here:
        backend.equalise(threads=1, device="cpu")
    yield
    for backend, threads in zip(backends_here, before, strict=True):
        backend.equalise(threads=threads, device="cpu")


@pytest.fixture
def index(tmp_path):
    """Seven images of random noise, of several modes and sizes."""
    from PIL import Image

    from common.dataset import read_list

    rng = np.random.default_rng(0)
    lines = []
    for number, mode in enumerate(["RGB", "L", "RGBA", "P", "CMYK", "RGB", "LA"]):
        pixels = rng.integers(256, size=(30 + number, 50 - number, 3), dtype=np.uint8)
        image = Image.fromarray(pixels).convert(mode)
        name = f"{number}.tif" if mode in ("CMYK", "LA") else f"{number}.png"
        image.save(tmp_path / name)
        lines.append(f"{name}\t{number % 3}\n")
    (tmp_path / "list.txt").write_text("".join(lines))
    return read_list(tmp_path / "list.txt")
