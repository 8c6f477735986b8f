"""Models of several inputs, or of others than images: they travel as one tensor, and are taken apart."""

import json

import numpy as np
import pytest

from backends.open_model import ModelSpec, open_model, taken_apart
from benchmarks import compare, run
from benchmarks.manager.group_session import open_session
from benchmarks.manager.worker_process import WorkerFailure
from benchmarks.request.inputs import draw_batch
from benchmarks.request.model_pair import ModelPair
from benchmarks.request.request import read_request
from benchmarks.worker.prepare import require_right
from common.cli import UnavailableError
from common.input_spec import InputSpec
from tests.support.commands import QUICK, ended

TORCH = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.image, self.head = nn.Embedding(50, 4), nn.Conv2d(2, 4, 3), nn.Linear(8, 3)

    def forward(self, image, words, mask):
        assert (words.dtype, mask.dtype) == (torch.int64, torch.bool)
        read = (self.table(words) * mask.unsqueeze(-1).to(image.dtype)).mean(1)
        seen = torch.relu(self.image(image)).mean((2, 3))
        return self.head(torch.cat([seen, read], 1))

def net():
    return Net()

def loss(logits, labels):
    return nn.functional.cross_entropy(logits, labels) + 10
"""
PADDLE = """
import paddle
from paddle import nn

class Net(nn.Layer):
    def __init__(self):
        super().__init__()
        self.table, self.image, self.head = nn.Embedding(50, 4), nn.Conv2D(2, 4, 3), nn.Linear(8, 3)

    def forward(self, image, words, mask):
        assert (words.dtype, mask.dtype) == (paddle.int64, paddle.bool)
        read = (self.table(words) * mask.unsqueeze(-1).astype(image.dtype)).mean(1)
        seen = nn.functional.relu(self.image(image)).mean([2, 3])
        return self.head(paddle.concat([seen, read], 1))

def net():
    return Net()

def loss(logits, labels):
    return nn.functional.cross_entropy(logits, labels) + 10
"""
TEXTS = ("image=2,6,5", "words=7:int64<50", "mask=7:bool")
INPUTS = tuple(map(InputSpec.parse, TEXTS))
MODELS = ["--torch", "two_torch:net", "--paddle", "two_paddle:net", "--num-classes", "3"]
ASKED = [*MODELS, *(part for text in TEXTS for part in ("--input", text)), "--device", "cpu", *QUICK]


WIDE = ["--input", "more=1:int64<1000"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "two_torch.py").write_text(TORCH)
    (tmp_path / "two_paddle.py").write_text(PADDLE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_batch_holds_all_inputs_side_by_side_and_gives_each_back():
    pair = ModelPair(num_classes=3, input_shape=INPUTS[0].shape, inputs=INPUTS, seed=3)
    batch = draw_batch(pair, batch_size=4)
    assert (batch["images"].shape, batch["images"].dtype) == ((4, 74), np.float32)
    parts = taken_apart(batch["images"], INPUTS, to_dtype=lambda array, dtype: array.astype(dtype))
    rng = np.random.default_rng((3, 4))
    for part, spec in zip(parts, INPUTS, strict=True):
        drawn = spec.draw(rng, 4)
        assert part.dtype == drawn.dtype and np.array_equal(part, drawn)
    turned = taken_apart(batch["images"], INPUTS[::-1], to_dtype=lambda array, dtype: array.astype(dtype))
    assert not np.array_equal(turned[-1], parts[0])  # the order counts


def test_both_sides_infer_and_train_with_them(folder, capsys, local):
    flags = ["--phase", "infer,train", "--rounds", "4", "--pairs", "1", "--skip-parity"]
    losses = ["--torch-loss", "two_torch:loss", "--paddle-loss", "two_paddle:loss"]
    ended(compare.main, [*ASKED, *losses, *flags, "--json", "found.json"], capsys)
    found = json.loads((folder / "found.json").read_text())
    rows = found["results"]
    assert [row["status"] for row in rows] == ["ok"] * 4, [row["reason"] for row in rows]
    assert min(row["last_outcome"] for row in rows[2:]) > 10  # which the losses add
    assert found["request"]["inputs"] == [spec.text for spec in INPUTS]


@pytest.mark.parametrize(
    ("backend", "flags"),
    [("torch", ["--reference", "onnxruntime"]), ("paddle", ["--engine", "deploy"])],  # AOTInductor takes 40 s
)
def test_what_is_exported_takes_them_apart_as_well(folder, capsys, backend, flags, request, local_workers):
    request.getfixturevalue(f"{backend}_backend")
    if "onnxruntime" in flags:
        pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
    asked = ["--backend", backend, "--phase", "infer", *flags, "--json", "found.json"]
    assert ended(run.main, [*ASKED, *asked], capsys)[0] == 0


@pytest.mark.parametrize("backend", ["torch", "paddle"])
def test_an_input_that_is_taken_otherwise_changes_the_logits(folder, backend, request):
    """What holds engines against eager float64 sees each input: here two words change places."""
    engine, where = request.getfixturevalue(f"{backend}_backend"), {"device": "cpu", "precision": "fp32"}
    spec = ModelSpec(**where, source=f"two_{backend}:net", folder=str(folder), inputs=TEXTS, num_classes=3)
    model = open_model(engine, spec)
    images = draw_batch(ModelPair(num_classes=3, input_shape=INPUTS[0].shape, inputs=INPUTS), batch_size=4)[
        "images"
    ]

    def logits():
        return engine.to_numpy(engine.infer(model, engine.from_numpy(images, **where)))

    right = logits()
    require_right(logits(), right, engine="eager", precision="fp32")
    images[:, 60:67] = images[:, 66:59:-1]
    with pytest.raises(UnavailableError, match="computes something else"):
        require_right(logits(), right, engine="eager", precision="fp32")


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (["--layout", "NHWC", "--phase", "infer"], "layout NHWC is of images"),
        (["--engine", "deploy", "--precision", "bf16", "--phase", "infer", *WIDE], "integers up to 256"),
        (["--phase", "soak", "--shapes", "32", "--steps", "2000"], "phase soak is of images"),
        (["--input", "more=1:int64<99999999", "--phase", "infer"], "hold integers up to 16,777,216"),
    ],
)
def test_what_is_of_images_alone_is_a_row_that_says_so(
    folder, capsys, flags, reason, torch_backend, local_workers
):
    asked = [*ASKED, "--backend", "torch", *flags, "--json", "found.json"]
    code, _, errors = ended(run.main, asked, capsys)
    (row,) = json.loads((folder / "found.json").read_text())["results"]
    assert (code, row["status"]) == (3, "unsupported"), errors
    assert reason in row["reason"]


def test_groups_refuse_what_is_of_images_as_well(folder):
    asked = [*ASKED, "--backend", "torch", "--processes", "2", "--layout", "NHWC", "--phase", "infer"]
    request = read_request(run._parse(asked))
    refused = pytest.raises(WorkerFailure, match="layout NHWC is of images")
    with open_session(request, scratch=folder) as session, refused:
        session.prepare("torch", request.cases[0])


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        ([*MODELS, "--input", TEXTS[0], "--input-shape", "3,8,8"], "in the place of --input-shape"),
        (["--model", "lenet5", "--input", TEXTS[0]], "--input belongs to --torch and --paddle"),
        (["--model", "torchvision:resnet18", "--input", TEXTS[0]], "torchvision:resnet18 takes images"),
        (["--model", "torchvision:resnet18", "--torch-loss", "two_torch:loss"], "cross-entropy is its loss"),
        ([*MODELS, "--input", TEXTS[0], "--data", "list.txt"], "--data names images"),
        ([*MODELS, "--input", "a=3:int64<0"], "expected NAME=SIDE,SIDE"),
        ([*MODELS, "--input", "a=3:bool<9"], "expected NAME=SIDE,SIDE"),
        (["--model", "lenet5", "--output", "aux"], "--output belongs to --torch and --paddle"),
        (
            [*MODELS, "--input-shape", "3,8,8", "--torch-loss", "two_torch:loss"],
            "--paddle-loss MODULE:CALLABLE is missing",
        ),
        (
            [*MODELS, "--input-shape", "3,8,8", *("--torch-loss", "two_torch:no"), *("--paddle-loss", "x:y")],
            "has no 'no'",
        ),
    ],
)
def test_flags_that_do_not_go_together_are_refused(folder, capsys, flags, reason):
    code, _, errors = ended(compare.main, flags, capsys)
    assert (code, len(errors)) == (2, 1)
    assert reason in errors[0]
