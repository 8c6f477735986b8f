"""The training loops of the articles and ours train the same model on the same images."""

import numpy as np
import pytest
from PIL import Image

from benchmarks.selfcheck import training_loops
from benchmarks.selfcheck.article_loops import ArticleTasks
from benchmarks.selfcheck.training_loops import ALONE, LOOPS
from tests.support.commands import ended

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def photos(tmp_path):
    rng = np.random.default_rng(0)
    for label in ("a", "b"):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for number in range(3):
            pixels = rng.integers(256, size=(40, 50, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / label / f"{number}.jpg")
    return tmp_path / "photos"


class Here:
    """A worker in this process."""

    def __init__(self, name, **_):
        import backends

        self.tasks = ArticleTasks(name, backends.load(name))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def ask(self, task, **arguments):
        if arguments.get("loop") == "theirs":  # its workers would be forked from the tests' process
            arguments["loop"] = ALONE
        return getattr(self.tasks, task)(**arguments)


@pytest.mark.parametrize("name", ["torch", "paddle"])
def test_all_loops_are_timed(name, photos, capsys, monkeypatch, request):
    request.getfixturevalue(f"{name}_backend")
    monkeypatch.setattr("benchmarks.manager.worker_process.Worker", Here)
    arguments = ["--backend", name, "--data", str(photos), "--batch-size", "4", "--threads", "1"]
    code, out, _ = ended(training_loops.main, [*arguments, "--rounds", "2"], capsys)
    assert code == 0
    assert f"{name} lenet5: 6 images an epoch" in out
    assert all(f"  {loop}: median" in out for loop in LOOPS)
    assert "of 2 epochs" in out
    assert "ours by theirs" in out


def test_a_missing_folder_is_one_line(tmp_path, capsys):
    arguments = ["--backend", "torch", "--data", str(tmp_path / "none")]
    code, _, err = ended(training_loops.main, arguments, capsys)
    assert (code, len(err)) == (2, 1)
    assert "one folder per class" in err[0]
