"""On a real GPU, where there is one: what a simulated one cannot show. Skipped elsewhere."""

import json
import time
from itertools import islice

import numpy as np
import pynvml
import pytest

from benchmarks import run
from benchmarks.worker.steps import DeviceTimeline
from benchmarks.worker.timing import time_steps
from common.cli import UnavailableError
from common.loader.loader import Loader
from common.transforms.preprocessing import evaluation_preprocessing
from tests.support.commands import ended
from tests.support.loading import SHAPE

MODELS = {"lenet5": (1, 32), "alexnet": (3, 224), "alexnet_lrn": (3, 224), "alexnet_2012": (3, 227)}
CLASSES, BATCH, FREE_AGAIN, GIB = 10, 2, 1 << 20, 1 << 30
LARGE = 8192  # of square matrices: a product takes a GPU milliseconds, its launch microseconds
LENET = ["--model", "lenet5", "--device", "gpu", "--min-seconds", "0.2", "--warmup", "2"]


@pytest.fixture
def gpu(backend):
    """The first GPU's name."""
    try:
        return backend.find_device("gpu")
    except UnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture
def product(backend, gpu):
    """Multiplies large matrices in float32."""
    backend.equalise(threads=1, device=gpu)
    matrix = np.random.default_rng(0).standard_normal((LARGE, LARGE))
    multiply = backend.matrix_product(matrix, device=gpu, precision="fp32")
    multiply()
    backend.synchronize(gpu)
    return multiply


def waited(backend, gpu, work):
    start = time.perf_counter()
    work()
    backend.synchronize(gpu)
    return time.perf_counter() - start


def test_launching_does_not_wait_and_synchronize_does(backend, gpu, product):
    start = time.perf_counter()
    product()
    launched = time.perf_counter() - start
    backend.synchronize(gpu)
    done = time.perf_counter() - start
    assert launched < done / 4


def test_events_agree_with_a_clock_that_waits(backend, gpu, product):
    parts = {"one": product, "two": lambda: (product(), product())}
    seconds = time_steps(parts, DeviceTimeline(backend, gpu), min_steps=5, min_seconds=0)
    ours = np.median(np.sum(list(seconds.values()), axis=0))
    clock = np.median([waited(backend, gpu, lambda: [part() for part in parts.values()]) for _ in range(5)])
    assert ours == pytest.approx(clock, rel=0.1)
    assert np.median(seconds["two"]) == pytest.approx(2 * np.median(seconds["one"]), rel=0.2)


def test_tf32_is_switched_off_and_on(backend, gpu):
    matrix = np.random.default_rng(0).standard_normal((512, 512))
    exact, errors = matrix.astype(np.float32).astype(np.float64) @ matrix.astype(np.float32), {}
    for tf32 in (False, True):
        backend.equalise(threads=1, device=gpu, tf32=tf32)
        settings = backend.read_settings(gpu)
        assert (settings.tf32_matmul, settings.tf32_convolution) == (tf32, tf32)
        got = backend.to_numpy(backend.matrix_product(matrix, device=gpu, precision="fp32")())
        errors[tf32] = np.linalg.norm(got - exact) / np.linalg.norm(exact)
    assert errors[False] < 1e-6
    assert 1e-5 < errors[True] < 1e-2


def test_memory_is_counted_and_given_back(backend, gpu):
    backend.reset_peak_memory(gpu)
    before = backend.peak_memory_bytes(gpu)
    if before is None:
        pytest.skip("this framework's peak cannot be reset")
    array = np.ones((256, FREE_AGAIN), np.float32)
    tensor = backend.from_numpy(array, device=gpu, precision="fp32")
    del tensor
    assert backend.peak_memory_bytes(gpu) - before == pytest.approx(array.nbytes, rel=0.01)
    backend.reset_peak_memory(gpu)
    assert backend.peak_memory_bytes(gpu) < before + FREE_AGAIN


@pytest.mark.parametrize("name", list(MODELS))
def test_a_model_computes_what_it_does_on_the_cpu(backend, gpu, name):
    """Logits, loss, gradients, and weights after an update, float64."""
    channels, size = MODELS[name]
    rng = np.random.default_rng(1)
    images = rng.standard_normal((BATCH, channels, size, size))
    weights, seen = None, {}
    for device in ("cpu", gpu):
        backend.equalise(threads=2, device=device)
        model = backend.build(name, num_classes=CLASSES, channels=channels, precision="fp64", device=device)
        weights = weights or backend.get_weights(model)
        backend.set_weights(model, weights)
        backend.set_training(model, False)
        optimizer = backend.make_optimizer(model, "adam", learning_rate=1e-3, epsilon=1e-3)
        batch = (
            backend.from_numpy(array, device=device, precision="fp64") for array in (images, np.array([3, 7]))
        )
        logits, loss = backend.compute_loss(model, *batch)
        backend.backward(loss)
        gradients = backend.get_gradients(model)
        backend.update(optimizer)
        seen[device] = {
            "logits": backend.to_numpy(logits),
            "loss": backend.to_numpy(loss),
            **{f"gradient/{key}": value for key, value in gradients.items()},
            **{f"weight/{key}": value for key, value in backend.get_weights(model).items()},
        }
    for key, expected in seen["cpu"].items():
        error = np.linalg.norm(seen[gpu][key] - expected) / np.linalg.norm(expected)
        assert error < 1e-12, key


def test_batches_arrive_whole_and_with_the_bits_of_the_cpu(backend, gpu, index):
    """While the device is busy: copied ahead, scaled there, and not overwritten too early."""
    loader = {"index": index, "preprocessing": evaluation_preprocessing(SHAPE), "batch_size": 2, "workers": 2}
    bytes_alone = Loader(**loader, as_bytes=True).endless()
    where = {"device": gpu, "precision": "fp32", "preprocessing": loader["preprocessing"]}
    busy = backend.matrix_product(np.ones((LARGE, LARGE)), device=gpu, precision="fp32")
    arrived = []
    for images, labels in islice(backend.feed(bytes_alone, **where), 12):
        busy()
        arrived.append((images + 0, labels + 0))
    for (images, labels), (expected, numbers) in zip(arrived, Loader(**loader).endless(), strict=False):
        assert np.array_equal(backend.to_numpy(images), expected)
        assert np.array_equal(backend.to_numpy(labels), numbers)


def rows(arguments, backend, tmp_path, capsys):
    """Exit code and rows of a command."""
    name, target = backend.__name__.rpartition(".")[2], tmp_path / "result.json"
    code, *_ = ended(run.main, ["--backend", name, *arguments, "--json", str(target)], capsys)
    return code, json.loads(target.read_text())["results"]


@pytest.mark.parametrize("phase", ["infer", "train"])
def test_precisions_are_those_that_ran(backend, gpu, local_workers, tmp_path, capsys, phase):
    asked = {
        "fp32": "float32", "tf32": "float32", "fp64": "float64", "bf16": "bfloat16", "fp16": "float16"
    }  # fmt: skip
    _, results = rows([*LENET, "--phase", phase, "--precision", ",".join(asked)], backend, tmp_path, capsys)
    for row in results:
        assert (row["status"], row["device"]) == ("ok", gpu), row["reason"]
        assert row["settings"]["activation_dtype"] == asked[row["precision"]]
        assert row["settings"]["tf32_matmul"] == (row["precision"] == "tf32")


def test_layers_are_reported_with_the_kernels_that_ran(backend, gpu, local_workers, tmp_path, capsys):
    if backend.__name__.endswith("paddle"):
        pytest.skip("paddle does not report it")
    precisions = ["--phase", "infer", "--precision", "fp32,bf16", "--layers"]
    _, results = rows([*LENET, *precisions], backend, tmp_path, capsys)
    for row in results:
        kernels = {layer["type"]: layer["kernel"] for layer in row["layers"]}
        assert not kernels["Conv2d"].startswith("aten")
        assert not kernels["Linear"].startswith("aten")
    assert results[0]["layers"][0]["kernel"] != results[1]["layers"][0]["kernel"]


def free_bytes():
    pynvml.nvmlInit()
    return pynvml.nvmlDeviceGetMemoryInfo(pynvml.nvmlDeviceGetHandleByIndex(0)).free


def test_a_batch_that_does_not_fit_is_a_row_and_the_next_one_runs(backend, gpu, tmp_path, capsys):
    """Most of the memory is held by this process, and the worker is another one."""
    held = []
    while free_bytes() > 4 * GIB:
        held.append(backend.from_numpy(np.zeros(GIB, np.uint8), device=gpu, precision="fp32"))
    sweep = [*LENET, "--phase", "train", "--batch-size", "65536,4"]
    _, (large, small) = rows(sweep, backend, tmp_path, capsys)
    assert (large["status"], small["status"]) == ("out-of-memory", "ok"), (large["reason"], small["reason"])
    assert large["images_per_second"] is None
