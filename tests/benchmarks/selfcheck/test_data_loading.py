"""Measuring the loading of images: phase data, both loaders, and the comparison of ways to load."""

import json

import numpy as np
import pytest

import backends
from benchmarks import compare, run
from benchmarks.request.job import ImageSource
from benchmarks.selfcheck import data_loading
from benchmarks.selfcheck.loading_tasks import LoadingTasks
from benchmarks.worker.feed import Feed
from common.transforms import preprocessing
from tests.support.commands import QUICK, ended

MODEL = ["--model", "lenet5", "--device", "cpu", "--input-shape", "3,32,32"]


@pytest.fixture
def list_file(index):
    return index.source


@pytest.mark.parametrize("loader", ["common", "native"])
@pytest.mark.parametrize("augment", [[], ["--augment"]])
def test_phase_data_reads_and_builds_no_model(
    local, list_file, tmp_path, capsys, monkeypatch, loader, augment
):
    monkeypatch.setitem(local.planted, "torch", lambda backend: {"build": None})
    target = tmp_path / "result.json"
    arguments = ["--backend", "torch", *MODEL, *QUICK, "--phase", "data", "--data", str(list_file)]
    more = ["--loader", loader, "--batch-size", "3", "--json", str(target), *augment]
    assert ended(run.main, [*arguments, *more], capsys)[0] == 0
    (row,) = json.loads(target.read_text())["results"]
    assert row["phase"] == "data"
    assert row["loader"] == loader
    assert row["parameters"] is row["forward_seconds"] is None
    assert row["settings"]["augment"] == bool(augment)
    assert row["images_per_second"] == pytest.approx(3 / np.median(row["step_seconds"]))


def feed(name, index, *, loader, augment=False, batch_size=3):
    source = ImageSource(
        list=str(index.source), root=None, input_shape=(3, 32, 32), loader=loader, augment=augment
    )
    backend = backends.load(name)
    return Feed(backend=backend, source=source, batch_size=batch_size, device="cpu", precision="fp32")


def arrays(backend, batches, count):
    return [
        tuple(backend.to_numpy(tensor) for tensor in batch)
        for batch, _ in zip(batches, range(count), strict=False)
    ]


def test_the_native_loaders_give_the_common_loaders_bits(backend, index):
    name = backend.__name__.rpartition(".")[2]
    ours = arrays(backend, feed(name, index, loader="common").endless(), 2)
    theirs = arrays(backend, feed(name, index, loader="native").endless(), 2)
    for (our_images, our_labels), (their_images, their_labels) in zip(ours, theirs, strict=True):
        assert np.array_equal(our_images, their_images)
        assert np.array_equal(our_labels, their_labels)


def test_native_training_transforms_draw(backend, index):
    name = backend.__name__.rpartition(".")[2]
    first, second = (
        arrays(backend, feed(name, index, loader="native", augment=True, batch_size=7).endless(), 1)[0]
        for _ in range(2)
    )
    assert first[0].shape == (7, 3, 32, 32)
    assert sorted(first[1]) == sorted(second[1]) == sorted(index.labels)
    assert not np.array_equal(first[0], second[0])


def test_a_pass_begins_with_nothing_read_ahead(index):
    """Else what was read between two turns would be counted for nothing."""
    one = feed("torch", index, loader="common", batch_size=2)
    assert one.batches_per_pass == 3
    for batches in (next(one.passes()), next(one.passes())):
        assert [labels.tolist() for _, labels in batches] == [[0, 1], [2, 0], [1, 2]]


def test_a_list_too_short_for_a_batch_is_reported(local, list_file, capsys):
    arguments = ["--backend", "torch", *MODEL, *QUICK, "--phase", "data", "--data", str(list_file)]
    code, _, errors = ended(run.main, [*arguments, "--batch-size", "8"], capsys)
    assert code == 2
    assert "7 images do not fill a batch of 8; give a smaller --batch-size" in errors[0]


def test_comparing_the_loading_needs_no_parity(local, list_file, tmp_path, capsys):
    target = tmp_path / "result.json"
    arguments = [*MODEL, *QUICK, "--phase", "data", "--data", str(list_file), "--rounds", "4"]
    code, _, _ = ended(compare.main, [*arguments, "--batch-size", "3", "--json", str(target)], capsys)
    report = json.loads(target.read_text())
    assert code == 0
    assert report["parity"] is None
    assert report["comparisons"][0]["ratio"] > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--phase", "data"], "--phase data reads images; name them with --data LIST.txt"),
        (["--loader", "native"], "give that too"),
        (["--augment"], "give that too"),
    ],
)
def test_reading_without_a_list_is_refused(local, capsys, arguments, message):
    code, _, errors = ended(run.main, ["--backend", "torch", *MODEL, *arguments], capsys)
    assert code == 2
    assert message in errors[0]


@pytest.fixture
def loading_tasks(index):
    tasks = LoadingTasks("torch", backends.load("torch"))
    data = {"list": str(index.source), "root": None, "input_shape": [3, 32, 32], "workers": 1}
    data |= {"augment": False, "seed": 0}
    assert tasks.open_ways(data, batch_size=3, threads=2) == [
        "limit",
        "common",
        "native, 0 workers",
        "native, 1 workers",
    ]
    return tasks


def test_each_way_reads_the_list_once(loading_tasks):
    assert [loading_tasks.ways[way]() for way in ("limit", "common", "native, 0 workers")] == [7, 7, 6]
    assert loading_tasks.images_per_second("limit") > 0


def test_a_difference_of_the_last_bits_is_seen(loading_tasks, monkeypatch):
    assert loading_tasks.largest_difference() == 0
    monkeypatch.setattr(preprocessing, "IMAGENET_STD", (0.229, 0.224, 0.2250001))
    for one in loading_tasks.feeds.values():
        one.__dict__.pop("_loader", None)
        one.__dict__.pop("_preprocessing", None)
    assert loading_tasks.largest_difference() > 0


def test_ratios_are_taken_within_a_round():
    assert data_loading._ratio([10, 40, 90], [10, 20, 30]) == 2
