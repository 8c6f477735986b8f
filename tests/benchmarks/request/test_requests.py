"""Wrong requests: one line on stderr that names the thing and the remedy, and exit code 2."""

import subprocess
import sys

import pytest

from benchmarks import compare, run
from benchmarks.parity import __main__ as parity
from common.dataset import __main__ as dataset
from tests.support.commands import ended
from tests.support.paths import ROOT

WRONG_REQUESTS = [
    (["--model", "nope"], "unknown model 'nope'; choose one of alexnet"),
    ([], "give --model NAME"),
    (["--model", "lenet5", "--batch-size", "0"], "expected a whole number from 1, got '0'"),
    (["--model", "lenet5", "--batch-size", "-1"], "expected a whole number from 1, got '-1'"),
    (["--model", "lenet5", "--batch-size", "8,x"], "expected a whole number from 1, got 'x'"),
    (["--model", "lenet5", "--threads", "0"], "expected a whole number from 1, got '0'"),
    (
        ["--model", "lenet5", "--phase", "infer,sleep"],
        "unknown 'sleep'; choose among infer,train,data,startup",
    ),
    (["--model", "lenet5", "--device", "tpu"], "unknown device 'tpu'; choose auto, cpu, gpu or gpu:N"),
    (["--model", "lenet5", "--min-seconds", "nan"], "expected a number of seconds"),
    (["--model", "lenet5", "--input-shape", "3,28,28"], "lenet5: an image of 3x28x28"),
    (["--model", "lenet5", "--input-shape", "4,32,32"], "expected C,H,W with 1 or 3 channels"),
    (["--model", "lenet5", "--data", "/no/list.txt"], "/no/list.txt: no such list"),
    (["--model", "lenet5", "--data", "/"], "/: is a folder; name a file"),
    (["--model", "lenet5", "--root", "/"], "give that too"),
    (["--model", "lenet5", "--json", "/no/folder/x.json"], "the folder /no/folder does not exist"),
    (["--model", "lenet5", "--beside", "-1"], "expected a whole number from 0, got '-1'"),
    (
        ["--model", "lenet5", "--beside", "1", "--phase", "startup"],
        "--phase startup does not go with --beside",
    ),
    (["--model", "lenet5", "--beside", "0,2", "--processes", "2"], "--processes does not go with --beside"),
    (["--model", "lenet5", "--mod", "x"], "unrecognized arguments: --mod x"),
]


def _words(value):
    return (value if isinstance(value, str) else " ".join(value))[:40]


@pytest.mark.parametrize(("arguments", "message"), WRONG_REQUESTS, ids=_words)
@pytest.mark.parametrize("main", [run.main, compare.main], ids=["run", "compare"])
def test_wrong_requests_are_one_line_and_exit_code_2(main, arguments, message, capsys):
    backend = ["--backend", "torch"] if main is run.main else []
    code, out, errors = ended(main, backend + arguments, capsys)
    assert (code, out, len(errors)) == (2, "", 1), errors
    assert message in errors[0]


@pytest.mark.parametrize(
    ("main", "arguments", "message"),
    [
        (run.main, ["--backend", "jax", "--model", "lenet5"], "invalid choice: 'jax'"),
        (compare.main, ["--model", "lenet5", "--rounds", "1"], "needs at least 4 rounds"),
        (parity.main, ["--torch", "m:c"], "--torch and --paddle go together"),
        (parity.main, [], "give --model NAME, or --torch"),
        (
            parity.main,
            ["--model", "lenet5", "--torch", "m:c", "--paddle", "m:d"],
            "--model cannot be combined with --torch and --paddle",
        ),
        (
            parity.main,
            ["--torch", "m:c", "--paddle", "m:d"],
            "needs --input-shape C,H,W (or --input) and --num-classes N",
        ),
        (parity.main, ["--model", "lenet5", "--map", "x"], "--map belongs to --torch and --paddle"),
        (
            parity.main,
            ["--model", "lenet5", "--torch-loss", "m:c"],
            "--torch-loss and --paddle-loss go together",
        ),
        (parity.main, ["--model", "lenet5", "--optimizer", "lion"], "unknown 'lion'"),
        (parity.main, ["--model", "lenet5", "--plot", "/no/such/x.png"], "does not exist"),
        (parity.main, ["--model", "nope"], "unknown model"),
    ],
)
def test_wrong_requests_of_one_command(main, arguments, message, capsys):
    code, _, errors = ended(main, arguments, capsys)
    assert (code, len(errors)) == (2, 1), errors
    assert message in errors[0]


def test_a_list_with_a_missing_file_ends_before_anything_starts(tmp_path, capsys):
    (tmp_path / "list.txt").write_text("missing.jpg\t0\n")
    arguments = ["--backend", "torch", "--model", "lenet5", "--data", str(tmp_path / "list.txt")]
    code, _, errors = ended(run.main, arguments, capsys)
    assert (code, len(errors)) == (2, 1)
    assert "list.txt:1: no image at" in errors[0]


def test_a_table_that_is_cut_off_is_no_error(torch_backend):
    command = f"{sys.executable} -m benchmarks.run --help | true"
    done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_index_makes_lists(tmp_path, capsys):
    from PIL import Image

    for name in ("ant", "bee"):
        (tmp_path / name).mkdir()
        Image.new("RGB", (4, 4)).save(tmp_path / name / "1.png")
    code, out, errors = ended(
        dataset.main, ["index", str(tmp_path), "--output", str(tmp_path / "lists")], capsys
    )
    assert (code, errors) == (0, [])
    assert out == f"{tmp_path}/lists/all.txt: 2 images, 2 classes\n"
    code, _, errors = ended(dataset.main, ["index", "/no/folder", "--output", str(tmp_path)], capsys)
    assert (code, len(errors)) == (2, 1)
