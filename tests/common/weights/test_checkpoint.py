"""Checkpoints of ours: damage to them is seen, and what was assumed stays an assumption."""

import json
import math

import numpy as np
import pytest

from common.cli import UsageError
from common.json_text import json_text, write_json
from common.transforms.data_config import DataConfig
from common.weights import checkpoint, safetensors_file
from common.weights.checkpoint import Checkpoint, ModelConfig

IMAGES = DataConfig(channels=1, resize=(32, 32), mean=(0.5,), std=(0.5,))
SUBJECT = ModelConfig(model="lenet5", num_classes=10, channels=1, preparation=IMAGES)


@pytest.fixture
def written(tmp_path):
    """A checkpoint with moments and a run."""
    path = tmp_path / "last.safetensors"
    arrays = {"a": np.arange(1000, dtype=np.float32), "n": np.array(3.0), "none": np.zeros((0, 2))}
    Checkpoint(subject=SUBJECT, weights=arrays, moments={"a/exp_avg": np.ones(1000)}, run={"epoch": 1}).write(
        path
    )
    return path


def test_a_checkpoint_comes_back(written):
    found = checkpoint.read(written)
    assert found.subject == SUBJECT
    assert (found.weights["n"], found.weights["none"].shape, found.run) == (3, (0, 2), {"epoch": 1})


@pytest.mark.parametrize("place", [-1, -5000, -8100, -12000])
def test_a_flipped_bit_is_seen(written, place):
    data = bytearray(written.read_bytes())
    data[place] ^= 4
    written.write_bytes(data)
    with pytest.raises(UsageError, match="is damaged"):
        checkpoint.read(written)


def test_an_altered_description_is_seen(written):
    data = written.read_bytes()
    assert data.count(b"0.5") == 2
    written.write_bytes(data.replace(b"0.5", b"0.4", 1))
    with pytest.raises(UsageError, match="is damaged"):
        checkpoint.read(written)


def altered(path, change):
    """The same arrays with another description, and its own digest or none."""
    facts = json.loads(safetensors_file.read_note(path))
    change(facts)
    safetensors_file.save(path, safetensors_file.load(path), note=json.dumps(facts))


def test_one_without_a_digest_is_read_and_told(written, caplog):
    altered(written, lambda facts: facts.pop("digest"))
    assert checkpoint.read(written).run == {"epoch": 1}
    assert "without a digest" in caplog.text


@pytest.mark.parametrize("subject", [None, [], {"model": "lenet5"}, {"classes": 3}])
def test_a_description_that_cannot_be_read_is_one_line(written, subject):
    altered(written, lambda facts: (facts.pop("digest"), facts.update(subject=subject)))
    with pytest.raises(UsageError, match="description cannot be read"):
        checkpoint.read(written)


def test_json_has_no_nan(tmp_path):
    write_json(tmp_path / "x.json", {"a": [math.nan, (math.inf, 1.5)], "b": -math.inf, "龙": "NaN"})
    found = json.loads((tmp_path / "x.json").read_text(), parse_constant=pytest.fail)
    assert found == {"a": [None, [None, 1.5]], "b": None, "龙": "NaN"}
    assert json_text(float("nan")) == "null"
