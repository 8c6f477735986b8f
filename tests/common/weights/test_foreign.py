"""Weights that others saved: read without running anything, or refused with the reason."""

import collections
import io
import json
import os
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from common.cli import UsageError
from common.weights.external import ForeignWeights, read_foreign
from common.weights.map_lines import read_map
from common.weights.name_map import fit
from common.weights.torch_file import BFLOAT16, Storage, Tensor

LENET5 = {
    "c1.weight": (6, 1, 5, 5),
    "c1.bias": (6,),
    "c3.weight": (16, 6, 5, 5),
    "c3.bias": (16,),
    "c5.weight": (120, 16, 5, 5),
    "c5.bias": (120,),
    "f6.weight": (84, 120),
    "f6.bias": (84,),
    "output.weight": (10, 84),
    "output.bias": (10,),
}
# The names that each file has for LeNet-5's layers, in order
NAMES = {
    "torch/nix07_lenet5_mnist.pth": ("layer1.0", "layer2.0", "layer3.0", "layer4.0", "output"),
    "torch/erosten_lenet5_mnist.pth": (
        "features.0",
        "features.3",
        "features.6",
        "classifier.0",
        "classifier.2",
    ),
    "paddle/azurice_lenet_mnist.pdparams": ("conv1", "conv2", "linear1", "linear2", "linear3"),
}


class Bomb:
    """Leaves a file behind if it is ever unpickled."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return os.mkdir, (str(self.trace),)


@pytest.fixture
def saved(torch_backend, tmp_path):
    import torch

    def save(value, name="weights.pth", **options):
        torch.save(value, tmp_path / name, **options)
        return tmp_path / name

    return save


def tensors(**values):
    import torch

    return {name: torch.tensor(value) for name, value in values.items()}


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16", "int64", "uint8", "bool"])
def test_torch_files_are_read_as_torch_reads_them(saved, zipped, dtype):
    import torch

    whole = (torch.arange(24).reshape(4, 6) % 5).to(getattr(torch, dtype))
    state = {"a": whole, "view": whole[1:3, ::2], "turned": whole.T, "number": whole[2, 3]}
    path = saved(collections.OrderedDict(state), _use_new_zipfile_serialization=zipped)
    arrays = read_foreign(path).arrays
    for name, tensor in state.items():
        expected = tensor.float() if dtype == "bfloat16" else tensor
        assert np.array_equal(arrays[name], expected.numpy()), name
        assert arrays[name].flags["C_CONTIGUOUS"]


@pytest.mark.parametrize("wrapper", ["state_dict", "model", "model_state_dict"])
def test_a_training_checkpoint_is_unwrapped(saved, wrapper):
    state = {f"module.{name}": value for name, value in tensors(a=[1.0], b=[2.0]).items()}
    path = saved(
        {"epoch": 3, wrapper: state, "best": 0.5, "optimizer": {"state": {}, "groups": [{"lr": 1.0}]}}
    )
    assert {name: array.tolist() for name, array in read_foreign(path).arrays.items()} == {"a": [1], "b": [2]}


def test_parameters_are_read_like_tensors(saved):
    import torch

    path = saved({"a": torch.nn.Parameter(torch.ones(3))})
    assert read_foreign(path).arrays["a"].tolist() == [1, 1, 1]


def test_a_pickled_module_is_refused_and_says_how_to_export(saved):
    import torch

    with pytest.raises(UsageError, match=r"torch.save\(model.state_dict\(\)"):
        read_foreign(saved(torch.nn.Linear(2, 2)))


@pytest.mark.parametrize("zipped", [True, False])
def test_nothing_in_a_torch_file_is_run(saved, tmp_path, zipped):
    trace = tmp_path / "trace"
    path = saved({"a": Bomb(trace)}, _use_new_zipfile_serialization=zipped)
    with pytest.raises(UsageError, match="could run any code"):
        read_foreign(path)
    assert not trace.exists()
    pickle.loads(pickle.dumps(Bomb(trace)))
    assert trace.exists()  # it would have gone off


def test_nothing_in_a_paddle_file_is_run(tmp_path):
    trace = tmp_path / "trace"
    path = tmp_path / "weights.pdparams"
    path.write_bytes(pickle.dumps({"a": Bomb(trace)}))
    with pytest.raises(UsageError, match=r"could run any code"):
        read_foreign(path)
    assert not trace.exists()


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_paddle_files_are_read_as_paddle_reads_them(paddle_backend, tmp_path, protocol):
    import paddle

    layer = paddle.nn.Sequential(paddle.nn.Conv2D(1, 2, 3), paddle.nn.Linear(3, 2))
    path = tmp_path / "weights.pdparams"
    paddle.save(layer.state_dict(), str(path), protocol=protocol)
    weights = read_foreign(path)
    for name, tensor in layer.state_dict().items():
        assert np.array_equal(weights.arrays[name], tensor.numpy()), name
    assert weights.neutral()["1.weight"].shape == (2, 3)
    assert weights.neutral()["0.weight"].shape == (2, 1, 3, 3)


def test_an_optimizers_file_is_refused(data_folder):
    with pytest.raises(UsageError, match="no weights; give the"):
        read_foreign(data_folder / "checkpoints/paddle/heydavid_lenet_mnist.pdopt")


@pytest.mark.parametrize(
    ("shape", "strides", "offset"),
    [
        ((5,), (1,), 0),
        ((2, 2), (4, 1), 0),
        ((4,), (1,), 1),
        ((10**9,), (0,), 0),
        ((2,), (-1,), 1),
        ((-1,), (1,), 0),
    ],
)
def test_a_tensor_that_reaches_beyond_its_storage_is_refused(shape, strides, offset):
    tensor = Tensor(Storage("0", "f4", 4), offset, shape, strides)
    with pytest.raises(ValueError, match="tensor"):
        tensor.array(bytes(16), byteorder="little")


def test_bytes_of_big_endian_machines_are_turned():
    data = np.array([1.5, -2], ">f4").tobytes()
    tensor = Tensor(Storage("0", "f4", 2), 0, (2,), (1,))
    assert tensor.array(data, byteorder="big").tolist() == [1.5, -2]
    half = Tensor(Storage("0", BFLOAT16, 1), 0, (), ())
    assert half.array(struct.pack(">H", 0x3FC0), byteorder="big") == 1.5


def test_a_compressed_entry_is_refused(saved, tmp_path):
    """It could hold any number of bytes in a small file."""
    path, packed = saved(tensors(a=[0.0] * 100)), tmp_path / "packed.pth"
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.namelist():
            target.writestr(entry, source.read(entry))
    with pytest.raises(UsageError, match="compressed"):
        read_foreign(packed)


@pytest.mark.parametrize("kind", ["pth", "legacy", "pdparams"])
def test_damaged_files_are_one_line(saved, paddle_backend, tmp_path, kind):
    import paddle

    path = tmp_path / f"weights.{kind}"
    if kind == "pdparams":
        paddle.save(paddle.nn.Linear(30, 20).state_dict(), str(path))
    else:
        path = saved(tensors(a=[1.0] * 200), path.name, _use_new_zipfile_serialization=kind == "pth")
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    for size in rng.integers(1, len(whole), size=60):
        damaged = bytearray(whole[:size] if size % 2 else whole)
        damaged[int(rng.integers(len(damaged)))] ^= int(rng.integers(1, 256))
        path.write_bytes(damaged)
        try:
            read_foreign(path)  # many flips change a number and nothing else
        except UsageError as error:
            assert "\n" not in str(error)


@pytest.mark.parametrize("file", NAMES)
def test_other_peoples_files_fit_with_the_map_that_is_proposed(data_folder, tmp_path, file):
    weights = read_foreign(data_folder / "checkpoints" / file)
    with pytest.raises(UsageError, match="order and shapes fit") as refusal:
        fit(weights, LENET5)
    names = json.loads(str(refusal.value).rpartition("--map: ")[2])
    expected = [f"{layer}.{part}" for layer in NAMES[file] for part in ("weight", "bias")]
    assert list(names.values()) == expected
    (tmp_path / "map.json").write_text(json.dumps(names))
    arrays = fit(weights, LENET5, names=read_map(tmp_path / "map.json"))
    assert {name: array.shape for name, array in arrays.items()} == LENET5
    third = weights.neutral()[f"{NAMES[file][2]}.weight"]
    assert np.array_equal(arrays["c5.weight"].reshape(120, 400), third.reshape(120, 400))


@pytest.mark.parametrize(
    ("file", "reasons"),
    [
        (
            "torch/wangdx1221_lenet5_mnist.pth",
            ["a whole object, model.LeNet", "torch.save(model.state_dict()"],
        ),
        ("torch/wangxinya_lenet_mnist.pth", ["conv1.weight (10, 1, 5, 5)", "fc2.bias (10,)", "c5.weight"]),
        (
            "paddle/heydavid_lenet_mnist.pdparams",
            ["features.0.weight (6, 1, 3, 3) for c1.weight (6, 1, 5, 5)"],
        ),
        ("torch/xiaoyihan_lenet5_cifar10_gpu.pth", ["model.0.weight (6, 3, 5, 5) for c1.weight"]),
    ],
)
def test_what_does_not_fit_is_refused_with_all_that_does_not(data_folder, file, reasons):
    with pytest.raises(UsageError) as refusal:
        fit(read_foreign(data_folder / "checkpoints" / file), LENET5)
    assert all(reason in str(refusal.value) for reason in reasons)
    assert "--map: {" not in str(refusal.value)


def weights(arrays, framework="torch"):
    return ForeignWeights(source=Path("x.pth"), framework=framework, arrays=arrays)


def test_a_square_linear_weight_of_paddle_is_turned():
    square = np.arange(4.0).reshape(2, 2)
    for framework, expected in (("torch", square), ("paddle", square.T), (None, square)):
        fitted = fit(weights({"f.weight": square}, framework), {"f.weight": (2, 2)})
        assert np.array_equal(fitted["f.weight"], expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"c1.weight": "nothing"}', "names nothing, which the file has not"),
        ('{"c9.weight": "a"}', "names c9.weight, which the model has not"),
        ("[1]", "expected {"),
        ("{", "not readable as JSON"),
    ],
)
def test_a_wrong_map_is_one_line(tmp_path, text, message):
    path = tmp_path / "map.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=message):
        fit(weights({"a": np.zeros(1)}), {"c1.weight": (1,)}, names=read_map(path))


def test_all_wrong_shapes_are_listed():
    arrays = {"a.weight": np.zeros((2, 3)), "b.weight": np.zeros((4, 4)), "c.bias": np.zeros(5)}
    with pytest.raises(UsageError) as refusal:
        fit(weights(arrays), {"a.weight": (3, 2), "b.weight": (4, 5), "c.bias": (5,)})
    assert all(part in str(refusal.value) for part in ("a.weight is (2, 3)", "b.weight is (4, 4)"))
    assert "c.bias" not in str(refusal.value)


def test_a_text_file_is_refused(tmp_path):
    path = tmp_path / "weights.pth"
    path.write_text("hello")
    with pytest.raises(UsageError, match="not a readable"):
        read_foreign(path)
    with pytest.raises(UsageError, match="no such file"):
        read_foreign(tmp_path / "absent.pth")


def test_huge_numbers_in_a_file_ask_for_no_memory(tmp_path):
    """A legacy file that says that its storage has 2^60 numbers."""
    file = io.BytesIO()
    for value in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}, {}, ["0"]):
        pickle.dump(value, file, protocol=2)
    (tmp_path / "x.pth").write_bytes(file.getvalue() + struct.pack("<q", 2**60))
    with pytest.raises(UsageError, match="ends before its numbers"):
        read_foreign(tmp_path / "x.pth")
