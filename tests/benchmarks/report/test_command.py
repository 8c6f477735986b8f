"""The command on the page asks for what was asked for."""

import json
import shlex

import pytest

from benchmarks import compare
from benchmarks.measure.resume import request_facts
from benchmarks.report.command import command_of, suite_command_of
from benchmarks.request.case import Case, read_case
from benchmarks.request.request import read_request
from benchmarks.results.schema import CompareReport
from benchmarks.results.sentences import CUT_OFF
from common.runtime.devices import available_cores
from tests.support.reports import result

SERVE = "--phase serve --latency-limit 50ms@p99 --serve-batch 4 --serve-threads 2"


def asked(line):
    """The request of a line of flags, and what a result file keeps of it."""
    options = compare._parse(shlex.split(line))
    request = read_request(options)
    more = {name: getattr(options, name) for name in ("rounds", "pairs", "precise", "margin", "skip_parity")}
    return request, json.loads(json.dumps(request_facts(request, **more)))


def reported(line):
    request, facts = asked(line)
    price = {"cost_per_million_images": request.price_per_hour / 3.6} if request.price_per_hour else {}
    about = {"model": request.model, "num_classes": request.num_classes, "input_shape": request.input_shape}
    rows = [
        result(name, 1000.0, **vars(case), **about, **price)
        for case in request.cases
        for name in ("torch", "paddle")
    ]
    environment = {"cores": available_cores()}
    return CompareReport(
        environment=environment, results=rows, parity=None, comparisons=[], best=[], request=facts
    )


def test_the_command_of_a_run_that_was_cut_off_asks_for_what_it_lacks_too():
    line = "--model lenet5 --engine eager,deploy --batch-size 1,8 --layout NCHW,NHWC --phase infer"
    whole = reported(line)
    lacking = [row.case for row in whole.results[2:] if row.backend == "torch"]
    missing = [CUT_OFF.format(case=case, done=0, asked=6) for case in lacking]
    cut = whole.model_copy(update={"results": whole.results[:2], "missing": missing})
    assert cut.results[0].engine == "eager" and "deploy" in " ".join(command_of(cut))
    assert command_of(cut) == command_of(whole)
    served = reported("--model alexnet --phase infer,serve --latency-limit 50ms@p99")
    missing = [CUT_OFF.format(case=served.results[-1].case, done=0, asked=6)]
    cut = served.model_copy(update={"results": served.results[:2], "missing": missing})
    assert command_of(cut) == command_of(served)


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({}, "infer eager fp32 batch 8"),
        ({"layout": "NHWC", "beside": 2}, "infer eager fp32 NHWC batch 8 beside 2"),
        ({"processes": 2}, "infer eager fp32 batch 8 x 2 processes"),
    ],
)
def test_a_case_is_read_from_its_words(more, text):
    case = Case(phase="infer", engine="eager", precision="fp32", batch_size=8, threads=0, **more)
    assert str(case) == text and read_case(text) == case
    assert read_case(f"{text} ") is None


@pytest.mark.parametrize(
    "line",
    [
        "--model alexnet",
        "--model torchvision:resnet18 --batch-size 1 --engine eager,deploy --layers",
        "--model torchvision:inception_v3 --num-classes 7",
        "--model lenet5 --sweep --phase infer --threads 1 --margin 2.5 --seed 3",
        "--model lenet5 --precision fp32,bf16 --layout NHWC --min-seconds 0.5 --skip-parity",
        "--model lenet5 --reference onnxruntime --price-per-hour 1.2",
        "--model lenet5 --settings tuned --engine eager,deploy --max-error 0.01",
        "--model lenet5 --settings tuned",
        "--model lenet5 --phase infer --beside 0,2",
        "--model lenet5 --processes 1,2 --threads 1 --device cpu",
        "--model alexnet --phase infer --engine deploy --precision fp32,int8 --calibrate /a/list.txt "
        "--mean 0 --std 1,1,0.5",
        f"--model alexnet {SERVE}",
        "--model alexnet --phase soak --shapes 224,256 --steps 900 --memory-limit 2048MiB",
    ],
)
def test_the_command_of_a_report_asks_for_the_same(line):
    report = reported(line)
    first, *flags = command_of(report)
    assert first == "python -m benchmarks.compare"
    again, facts = asked(" ".join(flags))
    before, _ = asked(line)
    assert facts == report.request
    assert (again.cases, again.candidates) == (before.cases, before.candidates)
    assert (again.reference, again.price_per_hour) == (before.reference, before.price_per_hour)


def test_inputs_output_and_losses_of_ones_own_pair_are_named(tmp_path, monkeypatch):
    (tmp_path / "mine_said.py").write_text("def net(): ...\ndef twin(): ...\ndef loss(logits, labels): ...\n")
    monkeypatch.chdir(tmp_path)
    line = "--torch mine_said:net --paddle mine_said:twin --num-classes 3 --output 0 --input 'a=7:int64<50'"
    losses = "--torch-loss mine_said:loss --paddle-loss mine_said:loss"
    test_the_command_of_a_report_asks_for_the_same(f"{line} --input b=2,2:float32 {losses}")


def test_defaults_are_not_repeated():
    assert command_of(reported("--model alexnet")) == ["python -m benchmarks.compare", "--model alexnet"]


def test_a_file_that_does_not_say_what_was_asked_has_no_command():
    report = reported("--model alexnet")
    report.request = None
    assert command_of(report) == []
    report.results = []
    assert command_of(report) == []


def test_a_suite_names_its_networks():
    found = {name: reported(f"--model torchvision:{name} --phase infer") for name in ("resnet18", "vgg16")}
    first, which, *flags = suite_command_of(found)
    assert (first, which) == ("python -m benchmarks.suite", "torchvision --only resnet18,vgg16")
    assert flags == ["--phase infer", "--rounds 24", "--pairs 6"]
    own = {"small": reported("--model lenet5 --rounds 9 --pairs 2")}
    assert suite_command_of(own) == ["python -m benchmarks.suite", "PAIRS.toml"]
