"""Weights of one's own pair from one framework's file to the other's, with proof on the spot."""

import os
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backends import convert as front
from backends import evaluate, predict
from backends.user_code import resolve
from benchmarks import convert
from benchmarks.measure import conversion
from common.weights import safetensors_file
from common.weights.external import read_foreign
from tests.support.commands import LocalWorker, ended

pytestmark = pytest.mark.usefixtures("local")
MODULE = """
def net():
    from torch import nn
    first = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)
    return nn.Sequential(*first, nn.Flatten(), nn.Linear(144, 144), nn.Linear(144, 5))


def twin():
    from paddle import nn
    first = nn.Sequential(nn.Conv2D(3, 4, 3), nn.BatchNorm2D(4))
    return nn.Sequential(first, nn.Flatten(), nn.Linear(144, 144), nn.Linear(144, 5))


def deeper():
    from paddle import nn
    return nn.Sequential(twin(), nn.Tanh())
"""


@pytest.fixture
def pair(tmp_path, monkeypatch):
    @contextmanager
    def both_sides(*_, **__):
        yield LocalWorker("torch"), LocalWorker("paddle")

    monkeypatch.setattr(conversion, "both_sides", both_sides)
    name = f"converted_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    return ["--torch", f"{name}:net", "--paddle", f"{name}:twin", "--input-shape", "3,8,8"]


@pytest.fixture
def weights(pair, tmp_path):
    """A file of torch's model after it has learned: nothing in it is constant."""
    import torch

    model = resolve(pair[1], folder=str(tmp_path))()
    with torch.no_grad():
        for tensor in model.state_dict().values():
            if tensor.is_floating_point():
                tensor.copy_(torch.rand(tensor.shape) + 0.5)
    torch.save(model.state_dict(), tmp_path / "mine.pth")
    return model.state_dict()


def test_there_and_back_nothing_has_changed(pair, weights, tmp_path, capsys):
    import torch

    code, out, errors = ended(convert.main, ["mine.pth", "mine.pdparams", *pair], capsys)
    assert (code, errors) == (0, []), errors
    assert "mine.pth (torch) -> mine.pdparams: 10 arrays, equal on both sides" in out
    theirs = read_foreign(tmp_path / "mine.pdparams").arrays
    assert np.array_equal(theirs["2.weight"], weights["3.weight"].numpy().T)  # square
    assert np.array_equal(theirs["0.1._variance"], weights["1.running_var"].numpy())
    assert ended(convert.main, ["mine.pdparams", "back.pth", *pair], capsys)[0] == 0
    back = torch.load(tmp_path / "back.pth", weights_only=True)
    kept = [name for name in weights if not name.endswith("num_batches_tracked")]
    assert all(torch.equal(back[name], weights[name]) for name in kept)
    assert ended(convert.main, ["mine.pdparams", "neutral.safetensors", *pair], capsys)[0] == 0
    neutral = safetensors_file.load(tmp_path / "neutral.safetensors")
    assert neutral.keys() == set(kept)
    assert np.array_equal(neutral["3.weight"], weights["3.weight"].numpy())


def test_what_is_not_proven_is_not_written(pair, weights, tmp_path, capsys):
    def lossy(backend):
        def save_weights(model, path):
            arrays = backend.get_weights(model)
            backend.set_weights(model, arrays | {"2.weight": arrays["2.weight"].T})
            backend.save_weights(model, path)

        return {"save_weights": save_weights}

    LocalWorker.planted["paddle"] = lossy
    code, _, errors = ended(convert.main, ["mine.pth", "mine.pdparams", *pair], capsys)
    assert (code, len(errors)) == (1, 1)
    assert "1 of 10 tensors differ once both files are read, 3.weight first; nothing was written" in errors[0]
    LocalWorker.planted.clear()
    others = [*pair[:3], pair[3].replace(":twin", ":deeper"), *pair[4:]]
    code, _, errors = ended(convert.main, ["mine.pth", "mine.pdparams", *others], capsys)
    assert code == 1
    assert "with equal weights the logits are" in errors[0]
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix != ".py" and path.is_file()) == [
        "mine.pth"
    ]


def test_the_front_door_hands_over(monkeypatch, pair):
    def execute(program, command):
        raise SystemExit(command[1:])

    monkeypatch.setattr(os, "execv", execute)
    with pytest.raises(SystemExit) as end:
        front.main(["mine.pth", "mine.pdparams", *pair])
    flag, launcher, module, *arguments = end.value.code
    assert (flag, module) == ("-P", "benchmarks.convert")
    assert Path(launcher).is_file()
    assert arguments == ["mine.pth", "mine.pdparams", *pair]


def test_a_model_of_ones_own_judges_images(pair, weights, tmp_path, capsys):
    import torch

    for label, name in enumerate(("dark", "light")):
        (tmp_path / "images" / name).mkdir(parents=True)
        for number in range(3):
            pixels = np.full((8, 8, 3), 200 * label + number, np.uint8)
            Image.fromarray(pixels).save(tmp_path / "images" / name / f"{number}.png")
    own = [
        "--backend",
        "torch",
        *pair[:2],
        "--num-classes",
        "5",
        "--resize",
        "8,8",
        "--checkpoint",
        "mine.pth",
    ]
    code, out, errors = ended(predict.main, [*own, "--top", "1", "images/dark"], capsys)
    assert (code, len(out.splitlines())) == (0, 6), errors
    lines = [
        f"images/{name}/{n}.png\t{label}" for label, name in enumerate(("dark", "light")) for n in range(3)
    ]
    (tmp_path / "list.txt").write_text("\n".join(lines) + "\n")  # names of a tree are not the model's numbers
    code, out, errors = ended(evaluate.main, [*own, "--data", "list.txt"], capsys)
    assert (code, "6 images" in out) == (0, True), errors
    torch.save({name: (array * 9).to(torch.int8) for name, array in weights.items()}, tmp_path / "int8.pth")
    code, _, errors = ended(predict.main, [*own[:-1], "int8.pth", "images/dark"], capsys)
    assert (code, "holds int8 numbers; quantised weights mean nothing" in errors[-1]) == (2, True)
    torch.save({name: array * float("nan") for name, array in weights.items()}, tmp_path / "nan.pth")
    code, _, errors = ended(predict.main, [*own[:-1], "nan.pth", "images/dark"], capsys)
    assert (code, "that are NaN or infinite" in errors[-1]) == (2, True)
    code, _, errors = ended(predict.main, [*own[:4], "--checkpoint", "mine.pth", "images/dark"], capsys)
    assert (code, "needs --num-classes N and --resize" in errors[0]) == (2, True)
    other = ["--backend", "paddle", *own[2:]]
    code, _, errors = ended(predict.main, [*other, "images/dark"], capsys)
    assert (code, "--paddle MODULE:CALLABLE is missing" in errors[0]) == (2, True)
