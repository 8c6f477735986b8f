"""Small training runs inside this process."""

import json

from backends import evaluate, predict, train
from common.weights import safetensors_file
from tests.support.commands import ended

SMALL = ["--recipe", "digits", "--limit", "96", "--batch-size", "16", "--epochs", "2", "--threads", "1"]


def trained(capsys, backend, folder, *more):
    """Train on 96 digits for two epochs; returns (exit code, stdout, lines of stderr)."""
    return ended(train.main, ["--backend", backend, "--output", str(folder), *SMALL, *more], capsys)


def evaluated(capsys, backend, checkpoint, *more):
    arguments = ["--backend", backend, "--checkpoint", str(checkpoint), "--threads", "1", *more]
    return ended(evaluate.main, arguments, capsys)


def predicted(capsys, backend, checkpoint, *more):
    arguments = ["--backend", backend, "--checkpoint", str(checkpoint), "--threads", "1", *more]
    return ended(predict.main, arguments, capsys)


def history(folder):
    return json.loads((folder / "history.json").read_text())


def weights(folder, name="last.safetensors"):
    return safetensors_file.load(folder / name)
