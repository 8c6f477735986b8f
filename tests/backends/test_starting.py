"""Commands start on the backend that is meant, and read the data that are meant."""

import os
import shutil
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from backends import launch
from backends.predict import main as predict
from backends.train import _how_to_go_on
from backends.training.loop import _timed
from backends.training.splits import as_trained, class_names, divided, fingerprint, read_data
from common.cli import UnavailableError, UsageError
from common.training import recipes
from common.training.metrics import RunningMean
from tests.support.commands import ended
from tests.support.paths import ROOT


def open_data(recipe, path, *, strict=False):
    return divided(recipe, read_data(recipe, path, strict=strict))


@pytest.fixture
def tree(tmp_path):
    """Classes of 12 and 8 images."""
    for name, count in (("ants", 12), ("bees", 8)):
        (tmp_path / "tree" / name).mkdir(parents=True)
        for number in range(count):
            Image.new("RGB", (8, 8), (number, count, 0)).save(tmp_path / "tree" / name / f"{number:02}.png")
    return tmp_path / "tree"


def test_a_command_starts_again_in_the_backends_own_interpreter(tmp_path):
    """Under the same process number, and once: launchers wait for it."""
    wrapper, trace = tmp_path / "python", tmp_path / "trace"
    wrapper.write_text(f'#!/bin/sh\necho $$ >> {trace}\nexec {sys.executable} "$@"\n')
    wrapper.chmod(0o755)
    command = [sys.executable, "-m", "backends.evaluate", "--backend", "torch", "--data", "digits"]
    command += ["--checkpoint", "/nowhere.pth"]
    environment = {**os.environ, "TORCH_PYTHON": str(wrapper)}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert err.count(b"\n") == 1
    assert trace.read_text().split() == [str(process.pid)]


def test_an_interpreter_that_is_not_there_is_named(capsys, monkeypatch):
    monkeypatch.setenv("PADDLE_PYTHON", "/nowhere/python")
    arguments = ["--backend", "paddle", "--checkpoint", "x.pth", "x.png"]
    code, _, err = ended(predict, arguments, capsys)
    assert (code, len(err)) == (3, 1)
    assert "PADDLE_PYTHON: there is no program /nowhere/python" in err[0]


def test_a_framework_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "backends.torch", None)
    with pytest.raises(UnavailableError, match=r"torch cannot be imported by .*TORCH_PYTHON"):
        launch.start("torch", device="cpu")


def test_a_tenth_of_each_class_is_for_validation(tree):
    parts = open_data(recipes.find("flowers"), tree)
    assert {part: np.bincount(index.labels).tolist() for part, index in parts.items()} == {
        "train": [11, 8],
        "valid": [1],
    }
    assert class_names(parts) == ("ants", "bees")


def test_a_limit_takes_the_first_and_leaves_no_class_out(tree):
    recipe = recipes.find("flowers").changed(limit=6, valid_fraction=0.0)
    assert open_data(recipe, tree)["train"].labels.tolist() == [0, 0, 0, 1, 1, 1]
    digits = open_data(recipes.find("digits"), None)["train"]
    limited = open_data(recipes.find("digits").changed(limit=100), None)["train"]
    assert limited.labels.tolist() == digits.labels[:100].tolist()


def test_the_fingerprint_tells_other_data_apart(tree):
    recipe = recipes.find("flowers")
    before = fingerprint(open_data(recipe, tree))
    assert fingerprint(open_data(recipe, tree)) == before
    (tree / "bees" / "07.png").rename(tree / "ants" / "99.png")
    assert fingerprint(open_data(recipe, tree)) != before


def test_data_are_needed():
    with pytest.raises(UsageError, match="--data PATH"):
        open_data(recipes.find("signs"), None)


def test_a_limit_holds_for_the_other_splits_in_proportion():
    recipe = recipes.find("digits")
    whole = {name: len(index) for name, index in open_data(recipe, None).items()}
    assert whole == {"train": 1266, "valid": 176, "test": 355}
    sizes = {name: len(index) for name, index in open_data(recipe.changed(limit=100), None).items()}
    assert sizes == {"train": 100, "valid": 14, "test": 28}
    assert {name: len(index) for name, index in open_data(recipe.changed(limit=5000), None).items()} == whole


def test_one_class_is_refused(tree):
    shutil.rmtree(tree / "bees")
    with pytest.raises(UsageError, match="all training images are of one class"):
        read_data(recipes.find("flowers"), tree, strict=False)


def test_missing_images(tree):
    recipe, path = recipes.find("flowers"), tree / "all.txt"
    path.write_text("ants/00.png\t0\nbees/00.png\t1\nbees/gone.png\t1\n")
    assert len(read_data(recipe, path, strict=False)["all"]) == 3
    with pytest.raises(UsageError, match=r"all.txt:3: no image at .*gone.png \(1 of 3"):
        read_data(recipe, path, strict=True)
    path.write_text("x/00.png\t0\ny/00.png\t1\n")
    with pytest.raises(UsageError, match="2 of 2 images are missing"):
        read_data(recipe, path, strict=False)


def test_other_data_than_the_runs_are_told(tree, caplog):
    recipe = recipes.find("flowers")
    splits = read_data(recipe, tree, strict=False)
    run = {"recipe": recipe.to_json(), "data": fingerprint(divided(recipe, splits))}
    assert list(as_trained(splits, run)) == ["all", "train", "valid"]
    assert not caplog.records
    (tree / "bees" / "07.png").unlink()
    with caplog.at_level("WARNING"):
        assert list(as_trained(read_data(recipe, tree, strict=False), run)) == ["all"]
    assert "not the data of the run as they were (train 19, valid 1 images then, train 18" in caplog.text


def test_a_gpu_that_is_not_there_is_one_line_at_once(tmp_path, monkeypatch):
    for name in ("RANK", "PADDLE_TRAINER_ID"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UnavailableError, match="has no GPU, so 'gpu:1' cannot be had; choose --device cpu"):
        launch.require_device("gpu:1", devices=tmp_path)
    launch.require_device("auto", devices=tmp_path)
    (tmp_path / "nvidia0").touch()
    launch.require_device("gpu", devices=tmp_path)
    with pytest.raises(UsageError, match="unknown device"):
        launch.require_device("cuda")


def test_copies_land_in_one_split(tree, caplog, monkeypatch):
    """A photograph that was saved twice would be learnt, and then asked for."""
    for number in range(8):
        shutil.copy(tree / "bees" / f"{number:02}.png", tree / "bees" / f"again {number}.png")
    recipe = recipes.find("flowers").changed(valid_fraction=0.5)
    with caplog.at_level("WARNING"):
        parts = open_data(recipe, tree)
    assert {name: np.bincount(index.labels).tolist() for name, index in parts.items()} == {
        "train": [6, 4],
        "valid": [6, 4],
    }
    assert "8 images are copies of others and are left out, 0 of them with another label" in caplog.text
    monkeypatch.setattr("backends.training.splits.MOST_BYTES", 10)
    with caplog.at_level("WARNING"):
        assert len(open_data(recipe, tree)["train"]) == 14
    assert "may be copies of each other" in caplog.text


def test_an_interrupted_run_says_how_to_go_on(tmp_path):
    options = SimpleNamespace(output=tmp_path / "run")
    for epoch, saved in ((0, "no epoch is complete yet"), (3, "epochs 1 to 3 are saved")):
        said = _how_to_go_on(SimpleNamespace(epoch=epoch), options)
        assert said == f"{saved}; the same command with --resume goes on in {tmp_path}/run"


def test_the_time_that_batches_are_waited_for_is_summed_up(monkeypatch):
    clock = iter(range(100))
    monkeypatch.setattr("backends.training.loop.time.perf_counter", lambda: next(clock))
    waited = RunningMean()
    assert list(_timed(iter("abc"), waited)) == ["a", "b", "c"]
    assert waited.total == 4  # a second for each, and for learning that there are no more
