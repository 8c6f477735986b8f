"""The command from end to end: exit codes, the JSON, the picture, the map, and workers that die."""

import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from benchmarks.parity.sides.pair import Pair, chunks
from benchmarks.request.model_pair import ModelPair
from common.cli import UnavailableError
from tests.support.paths import ROOT

PAIR = ["--input-shape", "3,12,12", "--num-classes", "5"]


def command(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.parity", *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def sides(name):
    return [
        part for side in ("torch", "paddle") for part in (f"--{side}", f"tests.pairs.catalogue:{side}.{name}")
    ]


def last_line(text):
    return text.strip().splitlines()[-1]


@pytest.mark.usefixtures("torch_backend", "paddle_backend")
class TestCommand:
    def test_lenet5_passes_and_writes_what_the_interface_says(self, tmp_path):
        process = command("--model", "lenet5", "--json", tmp_path / "x.json", "--plot", tmp_path / "x.png")
        out, err = process.communicate()
        assert process.returncode == 0, err
        report = json.loads((tmp_path / "x.json").read_text())
        assert report["schema_version"] == 1
        assert (report["verdict"], report["first_divergence"]) == ("pass", None)
        stages = {stage["stage"]: stage for stage in report["stages"]}
        assert {
            "parameters",
            "repeat",
            "forward",
            "loss",
            "gradients",
            "optimizer",
            "train-mode",
        } <= stages.keys()
        for stage in report["stages"]:
            assert {"dtype", "verdict", "tolerance", "tensors"} <= stage.keys()
            assert all(
                {"name", "shape", "relative_l2", "max_abs"} <= tensor.keys() for tensor in stage["tensors"]
            )
        assert {"cpu", "backends"} <= report["environment"].keys()
        assert report["evidence"]["peak_memory_bytes"]["paddle"] > 0
        assert (tmp_path / "x.png").read_bytes()[:4] == b"\x89PNG"
        assert "Noise floor" in out

    def test_a_fault_ends_with_1_and_teaches(self):
        process = command(*sides("lrn_alpha"), *PAIR)
        out, err = process.communicate()
        assert process.returncode == 1
        assert "first in stage 'forward' at logits, layer norm1" in last_line(err)
        assert "layer: norm1 (LocalResponseNorm)" in out
        assert "alpha: these layers average over the window" in out
        assert "would let this stage pass" in out

    def test_unequal_sizes_end_with_1_and_name_both_lines(self, tmp_path):
        process = command(*sides("sizes_of_other_classes"), *PAIR, "--json", tmp_path / "x.json")
        out, err = process.communicate()
        assert process.returncode == 1
        both = (
            "torch's classifier.weight (5, 144) of Linear does not fit paddle's out.weight (6, 144) of Linear"
        )
        assert both in last_line(err)
        assert both in out
        report = json.loads((tmp_path / "x.json").read_text())
        first = report["first_divergence"]
        assert (report["verdict"], first["stage"], first["layer"]) == ("fail", "parameters", "classifier")

    def test_a_pair_that_needs_a_map_ends_with_2_and_the_one_that_is_proposed_will_do(self, tmp_path):
        process = command(*sides("map_stack"), *PAIR, "--json", tmp_path / "x.json")
        out, err = process.communicate()
        assert process.returncode == 2
        assert "middle.attention.qkv.weight (24, 8)" in last_line(err)
        assert " -> middle.attention.q_proj.weight" in out
        report = json.loads((tmp_path / "x.json").read_text())
        assert report["verdict"] == "cannot-compare"
        proposed = report["pairing"]["map"]
        assert f'"conv1.weight": "{proposed["conv1.weight"]}"' in out
        (tmp_path / "map.json").write_text(json.dumps(proposed))
        more = ["--map", tmp_path / "map.json", "--optimizer", "sgd"]
        process = command(*sides("map_stack"), *PAIR, *more)
        out, err = process.communicate()
        assert process.returncode == 0, err
        assert "Paired by the map: 12 of 12." in out
        assert '["middle.attention.q_proj.weight", "middle.attention.k_proj.weight"' in out

    def test_a_module_in_the_users_own_folder(self, tmp_path):
        for side, words in (("torch", "from torch import nn"), ("paddle", "from paddle import nn")):
            (tmp_path / f"my_{side}.py").write_text(
                f"{words}\n\n\ndef net():\n    return nn.Sequential(nn.Flatten(), nn.Linear(432, 5))\n"
            )
        arguments = ["--torch", "my_torch:net", "--paddle", "my_paddle:net", *PAIR, "--optimizer", "sgd"]
        process = subprocess.run(
            [sys.executable, "-m", "benchmarks.parity", *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert process.returncode == 0, process.stderr
        missing = command("--torch", "nowhere:net", "--paddle", "nowhere:net", *PAIR)
        _, err = missing.communicate()
        assert missing.returncode == 2
        assert "nowhere:net: no module 'nowhere' in " in last_line(err)
        assert "give the command in the folder that holds it" in last_line(err)

    @pytest.mark.parametrize("backend", ["torch", "paddle"])
    def test_a_worker_killed_in_the_middle_ends_with_3_and_loses_no_stage(self, tmp_path, backend):
        process = command(
            "--model", "lenet5", "--json", tmp_path / "x.json", env={**os.environ, "TMPDIR": str(tmp_path)}
        )
        worker = _worker_of(process, backend)
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob("side-by-side-*/parity/eval-torch/*")) and time.monotonic() < deadline:
            time.sleep(0.02)
        worker.send_signal(signal.SIGKILL)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 3, err
        assert "the worker was killed by SIGKILL" in last_line(err)
        report = json.loads((tmp_path / "x.json").read_text())
        assert (report["verdict"], report["stages"][0]["verdict"]) == ("incomplete", "pass")
        assert report["first_divergence"]["name"] == f"an exception on {backend}"
        assert not list(tmp_path.glob("side-by-side-*"))


def _worker_of(process, backend):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for child in psutil.Process(process.pid).children():
            arguments = child.cmdline()
            if "benchmarks.worker" in arguments and backend in arguments:
                return child
        time.sleep(0.05)
    raise AssertionError("no worker was started")


def test_too_little_space_is_reported_before_anything_runs(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 2**30})())
    subject = ModelPair(model="alexnet", num_classes=1000, input_shape=(3, 224, 224))
    with Pair(None, None, subject=subject, scratch=tmp_path) as pair:
        pair.described = {"torch": {"parameters": [{"shape": [61_100_840]}]}}
        with pytest.raises(UnavailableError, match=r"1.7 GiB are needed .* 1.0 GiB are free; set TMPDIR"):
            pair.require_space()


def test_parts_hold_what_fits():
    assert chunks("abcd", [5, 5, 20, 1], limit=10) == [["a", "b"], ["c"], ["d"]]
