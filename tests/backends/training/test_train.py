"""backends.train: a run's folder, going on here and in the other framework, and what is refused."""

import json
from pkgutil import resolve_name

import numpy as np
import pytest
from PIL import Image

from backends import train
from common.weights import checkpoint
from tests.support.commands import ended
from tests.support.training import history, trained, weights

pytestmark = pytest.mark.usefixtures("one_thread")
FILES = {
    "best.safetensors",
    "last.safetensors",
    "class_indices.json",
    "history.json",
    "curves.png",
    "recipe.json",
    "test.json",
}
FP64 = ["--precision", "fp64"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A folder for a run that several tests look at."""
    return tmp_path_factory.mktemp("runs") / "run"


@pytest.fixture
def finished(run, capsys, torch_backend):
    if not run.exists():
        assert trained(capsys, "torch", run)[0] == 0
    return run


def test_a_run_leaves_what_is_promised(finished):
    assert {path.name for path in finished.iterdir()} == FILES
    keys = {"epoch", "train_loss", "train_accuracy", "valid_loss", "valid_accuracy", "learning_rate"}
    rows = history(finished)
    assert [row["epoch"] for row in rows] == [1, 2]
    assert all(set(row) == keys | {"images_per_second"} for row in rows)
    assert rows[1]["train_loss"] < rows[0]["train_loss"]
    assert json.loads((finished / "class_indices.json").read_text()) == {str(i): str(i) for i in range(10)}
    recipe = json.loads((finished / "recipe.json").read_text())
    assert (recipe["name"], recipe["epochs"], recipe["published"]) == ("digits", 2, False)
    with Image.open(finished / "curves.png") as picture:
        assert picture.width > 1000
    assert 0 <= json.loads((finished / "test.json").read_text())["top1_error"] < 1


def test_the_rate_is_that_of_training_alone(capsys, tmp_path, monkeypatch, torch_backend):
    """Drawing, saving and validating take their time, and no image is trained on meanwhile."""
    clock = Clock()
    monkeypatch.setattr("time.perf_counter", clock)
    for name in (
        "backends.training.display.Curves.update",
        "backends.training.loop.Loop._save",
        "backends.training.scores.Validation.row",
    ):
        monkeypatch.setattr(name, clock.making_slow(resolve_name(name)))
    assert trained(capsys, "torch", tmp_path / "run", "--save-every", "2")[0] == 0
    speeds = [row["images_per_second"] for row in history(tmp_path / "run")]
    assert min(speeds) > 96 / Clock.SECONDS
    assert clock.slow >= 6


class Clock:
    """Stands nearly still, except in what is made slow."""

    SECONDS = 1000

    def __init__(self):
        self.now, self.slow = 0.0, 0

    def __call__(self):
        self.now += 1e-6
        return self.now

    def making_slow(self, function):
        def slow(*arguments):
            self.now += self.SECONDS
            self.slow += 1
            return function(*arguments)

        return slow


def test_anyone_can_load_the_weights(finished):
    """Plain names in a plain safetensors file; the best ones without moments."""
    assert weights(finished, "best.safetensors")["f6.weight"].shape == (84, 120)
    assert not any(name.startswith("optimizer") for name in weights(finished, "best.safetensors"))
    assert "optimizer/c1.weight/exp_avg" in weights(finished)


def test_the_same_run_gives_the_same_bytes(finished, capsys, tmp_path):
    trained(capsys, "torch", tmp_path / "again", "--workers", "3")
    for name in ("last.safetensors", "best.safetensors"):
        assert (finished / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
    trained(capsys, "torch", tmp_path / "other", "--seed", "1")
    assert (finished / name).read_bytes() != (tmp_path / "other" / name).read_bytes()


def test_both_frameworks_take_the_same_path(capsys, tmp_path, torch_backend, paddle_backend):
    for name in ("torch", "paddle"):
        assert trained(capsys, name, tmp_path / name, *FP64)[0] == 0
    for ours, theirs in zip(*(history(tmp_path / name) for name in ("torch", "paddle")), strict=True):
        for key in ("train_loss", "valid_loss", "train_accuracy", "valid_accuracy", "learning_rate"):
            assert ours[key] == pytest.approx(theirs[key], rel=1e-10), key
    ours, theirs = (weights(tmp_path / name) for name in ("torch", "paddle"))
    assert all(np.linalg.norm(ours[n] - theirs[n]) <= 1e-9 * np.linalg.norm(ours[n]) for n in ours)


@pytest.mark.parametrize(("first", "second"), [("torch", "paddle"), ("paddle", "torch")])
def test_a_run_goes_on_in_the_other_framework(capsys, tmp_path, torch_backend, paddle_backend, first, second):
    schedule = ["--schedule", "constant", *FP64]  # a cosine would know that there are four epochs
    trained(capsys, first, tmp_path / "whole", *schedule, "--epochs", "4")
    trained(capsys, first, tmp_path / "moved", *schedule)
    assert trained(capsys, second, tmp_path / "moved", "--epochs", "4", "--resume")[0] == 0
    whole, moved = history(tmp_path / "whole"), history(tmp_path / "moved")
    assert whole[3]["train_loss"] == pytest.approx(moved[3]["train_loss"], rel=1e-10)
    assert whole[1]["train_loss"] != pytest.approx(whole[3]["train_loss"], rel=1e-3)


def test_a_run_that_is_not_resumed_is_not_overwritten(finished, capsys):
    before = (finished / "last.safetensors").read_bytes()
    code, _, err = trained(capsys, "torch", finished)
    assert (code, len(err)) == (2, 1)
    assert "--resume" in err[0]
    assert (finished / "last.safetensors").read_bytes() == before


def test_a_finished_run_that_is_resumed_changes_nothing(finished, capsys):
    before = (finished / "last.safetensors").read_bytes()
    assert trained(capsys, "torch", finished, "--resume")[0] == 0
    assert (finished / "last.safetensors").read_bytes() == before


def test_flags_that_nothing_is_trained_with_are_refused_and_not_recorded(finished, capsys):
    before = (finished / "recipe.json").read_bytes()
    code, _, err = trained(capsys, "torch", finished, "--resume", "--epochs", "1", "--learning-rate", "0.5")
    assert (code, len(err)) == (2, 1)
    assert "has 2 epochs already" in err[0]
    assert (finished / "recipe.json").read_bytes() == before


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--optimizer", "sgd"], "began with optimizer adam"),
        (["--batch-size", "8"], "began with batch_size 16"),
        (["--activation", "relu"], "began with activation tanh"),
        (["--seed", "3"], "began with seed 0"),
        (["--shared-masks"], "began with shared_masks False"),
        (["--valid-fraction", "0.2"], "began with valid_fraction 0.1"),
        (["--freeze-features"], "began with freeze_features False"),
        (["--recipe", "mnist", "--data", "digits"], "a run of recipe digits"),
    ],
)
def test_resuming_another_run_is_refused(finished, capsys, flags, message):
    code, _, err = trained(capsys, "torch", finished, "--resume", *flags)
    assert (code, len(err)) == (2, 1)
    assert message in err[0]


def test_two_processes_do_not_write_in_one_folder(finished, capsys):
    from common.training.run_folder import RunFolder

    with RunFolder(finished).claimed():
        code, _, err = trained(capsys, "torch", finished, "--resume")
    assert (code, len(err)) == (2, 1)
    assert "another run writes there" in err[0]


def test_a_loss_that_is_no_number_ends_the_run_and_keeps_the_last_state(capsys, tmp_path, torch_backend):
    folder, relu = tmp_path / "run", ["--activation", "relu"]
    trained(capsys, "torch", folder, *relu)
    before = (folder / "last.safetensors").read_bytes()
    more = ["--resume", "--epochs", "9", "--learning-rate", "1e30"]
    code, _, err = trained(capsys, "torch", folder, *relu, *more)
    assert code == 1
    assert "epoch 3, batch 2 (step 13" in err[-1] or "epoch 3, batch 1 (step 12" in err[-1]
    assert "--learning-rate" in err[-1]
    assert (folder / "last.safetensors").read_bytes() == before


def test_early_stopping_waits_so_many_epochs(capsys, tmp_path, torch_backend):
    flags = ["--epochs", "9", "--patience", "2", "--learning-rate", "1e-12"]  # the first epoch stays best
    assert trained(capsys, "torch", tmp_path / "run", *flags)[0] == 0
    rows = history(tmp_path / "run")
    best = max(rows, key=lambda row: (row["valid_accuracy"], -row["valid_loss"]))
    assert len(rows) - best["epoch"] == 2
    assert len(rows) < 9


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--recipe", "flowers"], "needs --data"),
        (["--recipe", "mnist", "--data", "/nowhere"], "/nowhere"),
        (["--recipe", "hymenoptera", "--head", "append", "--data", "TREE"], "without --weights FILE"),
        (["--recipe", "digits", "--map", "names.json"], "without --weights FILE"),
        (["--recipe", "digits", "--freeze-features"], "without --weights FILE"),
        (["--recipe", "digits", "--momentum", "0.5"], "without --optimizer momentum"),
        (["--recipe", "digits", "--schedule", "constant", "--gamma", "0.5"], "without a --schedule"),
        (["--recipe", "digits", "--dropout", "0.5"], "which lenet5 lacks"),
        (["--recipe", "digits", "--lighting", "0.1"], "RGB"),
        (["--recipe", "flowers", "--activation", "relu", "--data", "TREE"], "an option of lenet5"),
        (["--recipe", "digits", "--weights", "/nowhere.pth"], "no such file"),
        (["--recipe", "digits", "--learning-rate", "0"], "above 0"),
        (["--recipe", "digits", "--dropout", "1"], "below 1"),
        (["--recipe", "digits", "--device", "tpu"], "unknown device"),
    ],
)
def test_wrong_requests_are_one_line(capsys, tmp_path, torch_backend, arguments, message):
    for label in ("a", "b"):
        folder = tmp_path / "tree" / label
        folder.mkdir(parents=True)
        for number in range(10):
            Image.new("RGB", (8, 8)).save(folder / f"{number}.png")
    arguments = [str(tmp_path / "tree") if word == "TREE" else word for word in arguments]
    arguments = ["--backend", "torch", "--output", str(tmp_path / "run"), *arguments]
    code, _, err = ended(train.main, arguments, capsys)
    assert (code, len(err)) == (2, 1), err
    assert message in err[0]


def test_what_the_machine_lacks_is_exit_code_3(capsys, tmp_path, backend):
    name = backend.__name__.rpartition(".")[2]
    for flags in (["--device", "gpu"], ["--precision", "fp16"], ["--precision", "tf32"]):
        code, _, err = trained(capsys, name, tmp_path / "run", *flags)
        assert (code, len(err)) == (3, 1), err


def test_weights_to_begin_with(finished, capsys, tmp_path):
    """With equal classes the whole model goes on; a new head is drawn where they are replaced."""
    base = checkpoint.read(finished / "best.safetensors").weights
    for head, kept in ((None, True), ("replace", False)):
        folder = tmp_path / str(head)
        flags = ["--weights", str(finished), "--learning-rate", "1e-30", "--optimizer", "sgd"]
        trained(capsys, "torch", folder, *flags, *(["--head", head] if head else []))
        begun = weights(folder, "best.safetensors")
        for name, array in base.items():
            same = begun[name].tobytes() == array.tobytes()
            assert same == (kept or not name.startswith("output")), name


def test_an_image_that_cannot_be_decoded_is_reported_once_or_refused(capsys, tmp_path, torch_backend):
    rng = np.random.default_rng(0)
    for label in ("a", "b"):
        (tmp_path / "tree" / label).mkdir(parents=True)
        for number in range(20):
            pixels = rng.integers(256, size=(32, 32), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "tree" / label / f"{number}.png")
    (tmp_path / "tree" / "a" / "3.png").write_text("no image")
    data = ["--data", str(tmp_path / "tree"), "--epochs", "1"]
    assert trained(capsys, "torch", tmp_path / "run", *data)[0] == 0
    code, _, err = trained(capsys, "torch", tmp_path / "strict", *data, "--strict")
    assert (code, len(err)) == (2, 1)
    assert "3.png" in err[0]
