"""What people give as weights: other kinds of file, numbers and nesting. Read right, or refused by name."""

import argparse
import collections
import datetime
import io
import json
import os
import pathlib
import pickle
import signal
import struct
import zipfile

import numpy as np
import pytest

from common import restricted_pickle
from common.cli import UsageError
from common.weights import lookalikes, safetensors_file
from common.weights.external import ForeignWeights, read_foreign
from common.weights.name_map import fit

WEIGHTS = {"a.weight": np.arange(6, dtype=np.float32).reshape(2, 3), "a.bias": np.ones(2, np.float32)}
SHAPES = {"a.weight": (2, 3), "a.bias": (2,)}


@pytest.fixture
def written(tmp_path):
    """A file of a name with a content: bytes, or what is pickled as paddle would."""

    def write(content, name="weights.pdparams"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else pickle.dumps(content, protocol=2))
        return path

    return write


@pytest.fixture
def saved(torch_backend, tmp_path):
    """A state dict, or what holds one, as torch saves it."""
    import torch

    def save(value, name="weights.pth"):
        torch.save(value, tmp_path / name)
        return tmp_path / name

    return save


def tensors(prefix=""):
    import torch

    return {f"{prefix}{name}": torch.from_numpy(array) for name, array in WEIGHTS.items()}


def same(found):
    return found.keys() == WEIGHTS.keys() and all(
        np.array_equal(found[name], WEIGHTS[name]) for name in WEIGHTS
    )


# Kinds of file


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.pth", b"", "is empty"),
        ("x.pth", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        ("x.pth", b"\n<!DOCTYPE html><html></html>", "HTML page"),
        ("x.h5", b"\x89HDF\r\n\x1a\n" + bytes(100), "HDF5"),
        ("x.npy", b"\x93NUMPY\x01\x00v\x00{'descr': '<f4'}", "one NumPy array"),
        ("x.json", b'{"base_code":{"magic":"pir"}}', "inference format"),
        ("x.pdiparams", bytes(20) + b"\x08\x05", "which has no names"),
        ("x.onnx", b"\x08\x0a\x12\x07pytorch", "an ONNX model"),
        ("x.pdmodel", b"\x0a\x8a\x1d\x08", "inference format"),
        ("__model__", b"\x0a\x8a\x1d\x08", "older inference format"),
        ("x.pth", bytes(257) + b"ustar\x0000", "tar archive"),
        ("x.pth", b"\x1f\x8b\x08" + bytes(20), "packed with gzip"),
        ("x.pth", b"PK\x03\x04" + bytes(200), "ends too early"),
        ("x.safetensors", struct.pack("<Q", 500) + b'{"a"', "ends too early"),
        ("x.pdparams", pickle.dumps({"a": np.ones(50)}, 2)[:-40], "ends too early"),
        ("x.pdparams", pickle.dumps({"a": np.ones(50)}, 4)[:-40], "ends too early"),
        ("x.engine", b"ftrt" + bytes(40), "a TensorRT engine"),
        ("x.nb", b"\x01\x00\x00\x00v2.1", "a Paddle Lite model"),
        ("x.msgpack", b"\x81\xa6params\x81", "as Flax writes"),
        ("x.bin", b"hello, world", "not a readable file of weights"),
    ],
)
def test_a_file_that_is_no_weights_is_named(written, name, content, said):
    with pytest.raises(UsageError, match=said) as refusal:
        read_foreign(written(content, name))
    assert len(str(refusal.value)) < 400


def test_a_torchscript_program_and_a_foreign_archive_are_named(written):
    for entries, said in (
        (("m/data.pkl", "m/constants.pkl", "m/code/x.py"), "TorchScript"),
        (("weights.npy",), "NumPy's .npz"),
        (("inner.pth",), "unpack it first"),
        (("m/archive_format", "m/models/model.json", "m/data/x.pt"), "torch.export's .pt2; save its weights"),
    ):
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w") as archive:
            for name in entries:
                archive.writestr(name, b"x")
        with pytest.raises(UsageError, match=said):
            read_foreign(written(target.getvalue(), "x.pt"))


def test_only_regular_files_are_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.pth")
    for path, said in ((tmp_path / "pipe.pth", "no regular file"), (tmp_path, "is a folder")):
        with pytest.raises(UsageError, match=said):
            read_foreign(path)
        with pytest.raises(UsageError, match=said):
            safetensors_file.load(path)


# Numbers in another dress


def test_arrays_of_numpy_that_torch_saved_are_read(tmp_path, torch_backend):
    import torch

    torch.save({"model": {**WEIGHTS, "note": "x"}}, tmp_path / "numpy.pth")
    found = read_foreign(tmp_path / "numpy.pth")
    assert all(np.array_equal(found.arrays[name], WEIGHTS[name]) for name in WEIGHTS)


def bfloat16_bits(array):
    return (array.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)


def test_bfloat16_of_paddle_is_read(written):
    bits = {name: bfloat16_bits(array) for name, array in WEIGHTS.items()}
    assert same(read_foreign(written(bits)).arrays)


def safetensors_bytes(dtype, shape, data):
    header = json.dumps({"a": {"dtype": dtype, "shape": shape, "data_offsets": [0, len(data)]}}).encode()
    return struct.pack("<Q", len(header)) + header + data


def test_bfloat16_of_safetensors_is_read(written):
    bits = bfloat16_bits(WEIGHTS["a.weight"])
    path = written(safetensors_bytes("BF16", [2, 3], bits.tobytes()), "x.safetensors")
    assert np.array_equal(read_foreign(path).arrays["a"], WEIGHTS["a.weight"])


def test_fp8_of_safetensors_is_refused_by_name(written):
    path = written(safetensors_bytes("F8_E4M3", [6], bytes(6)), "x.safetensors")
    with pytest.raises(UsageError, match="a is of type F8_E4M3"):
        read_foreign(path)


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")
@pytest.mark.parametrize("kind", ["float8_e4m3fn", "quantised"])
def test_numbers_that_numpy_has_not_are_refused_by_name(saved, kind):
    import torch

    if kind == "quantised":
        value = torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8)
    else:
        value = torch.ones(3).to(torch.float8_e4m3fn)
    with pytest.raises(UsageError, match=rf"a.weight is .*{kind}.*export them as float32"):
        read_foreign(saved({"a.weight": value}))


def test_uint16_of_torch_stays_a_number(saved):
    import torch

    path = saved({"n": torch.tensor([1, 65535], dtype=torch.uint16)})
    assert read_foreign(path).arrays["n"].tolist() == [1, 65535]


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.bool_])
def test_bare_integers_are_no_weights(dtype):
    arrays = {name: array.astype(dtype) for name, array in WEIGHTS.items()}
    with pytest.raises(UsageError, match=f"a.weight holds {np.dtype(dtype)} numbers"):
        fit(ForeignWeights(source="x", framework=None, arrays=arrays), SHAPES)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_is_refused_with_the_tensors_name(value):
    arrays = {name: array.copy() for name, array in WEIGHTS.items()}
    arrays["a.bias"][1] = value
    with pytest.raises(UsageError, match=r"a.bias holds 1 of 2 numbers that are NaN or infinite"):
        fit(ForeignWeights(source="x", framework=None, arrays=arrays), SHAPES)


# Nesting and prefixes


def beside():
    """What training scripts save with their weights."""
    import torch

    return {
        "args": argparse.Namespace(lr=0.1, output=pathlib.PosixPath("/tmp/x")),
        "when": datetime.datetime(2024, 1, 2),
        "best_acc1": torch.tensor(71.5),
        "history": collections.defaultdict(list, {"loss": [1.0]}),
        "optimizer": {"state": {0: {"exp_avg": torch.ones(3)}}, "param_groups": [{"lr": 0.1}]},
        "epoch": 3,
        "seen": {1, 2},
    }


@pytest.mark.parametrize(
    "wrapper", ["state_dict", "model", "net", "ema_state_dict", "model_ema", "state_dict_ema", "surprise"]
)
def test_weights_beside_other_things_are_found_and_the_rest_is_told(saved, wrapper):
    found = read_foreign(saved(beside() | {wrapper: collections.OrderedDict(tensors())}))
    assert same(found.arrays)
    (note,) = found.notes
    assert note.startswith(f"its weights are read from '{wrapper}'; not read: args (argparse.Namespace)")


def test_deeper_nesting_is_followed(saved):
    found = read_foreign(saved({"checkpoint": {"model": tensors(), "step": 1}}))
    assert same(found.arrays)
    assert "read from 'checkpoint.model'; not read: step" in found.notes[0]


def test_the_usual_name_wins_over_an_average_which_is_told(saved):
    other = {name: value + 1 for name, value in tensors().items()}
    found = read_foreign(saved({"model_ema": other, "state_dict": tensors()}))
    assert same(found.arrays)
    assert "not read: model_ema" in found.notes[0]


def test_two_state_dicts_of_no_usual_name_are_refused(saved):
    with pytest.raises(UsageError, match=r"several state dicts \(generator, discriminator\)"):
        read_foreign(saved({"generator": tensors(), "discriminator": tensors()}))


@pytest.mark.parametrize(
    "prefix",
    ["module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module.", "_layers.", "module.module."],
)
def test_prefixes_of_wrappers_are_taken_off(saved, prefix):
    assert same(read_foreign(saved(tensors(prefix))).arrays)


def test_the_count_of_an_averaged_model_is_no_weight(saved):
    import torch

    averaged = {"n_averaged": torch.tensor(5), **tensors("module.")}
    assert same(read_foreign(saved({"model": averaged})).arrays)


def test_a_prefix_before_every_name_of_the_model_is_no_difference():
    for prefix in ("net.", "backbone.body."):
        arrays = {f"{prefix}{name}": array for name, array in WEIGHTS.items()}
        assert same(fit(ForeignWeights(source="x", framework=None, arrays=arrays), SHAPES))
    arrays["other.bias"] = np.ones(2)
    with pytest.raises(UsageError, match="does not fit"):
        fit(ForeignWeights(source="x", framework=None, arrays=arrays), SHAPES)


def test_nested_weights_of_paddle_are_found(written):
    named = {name: (f"p_{name}", array) for name, array in WEIGHTS.items()}
    content = {"model": collections.OrderedDict(named), "epoch": 3, "args": argparse.Namespace(a=1)}
    found = read_foreign(written(content))
    assert same(found.arrays)
    assert "args (argparse.Namespace)" in found.notes[0]


# Files that mean harm


def bomb_of_keys():
    """Tuples in tuples: 2^60 leaves to hash, in some 300 bytes."""
    steps = b"".join(b"0h\x00h\x00\x86q\x00" for _ in range(60))
    return b"\x80\x02}" + b")q\x00" + steps


@pytest.fixture
def alarm():
    """A test that hashes for ever is ended, and fails."""
    signal.signal(signal.SIGALRM, lambda *_: pytest.fail("it takes for ever"))
    signal.alarm(10)
    yield
    signal.alarm(0)


@pytest.mark.parametrize(
    "use",
    [
        b"K\x01s.",  # SETITEM
        b"0(h\x00K\x01d.",  # DICT
        b"0(h\x00K\x01u.",  # SETITEMS
        b"0(h\x00\x91.",  # FROZENSET
        b"0\x8f(h\x00\x90.",  # ADDITEMS
        b"0ccollections\nOrderedDict\n]]h\x00aK\x01aa\x85R.",  # OrderedDict([[key, 1]])
        b"0cnumpy\ndtype\nh\x00\x85R.",  # the name of a type
        b"0c_codecs\nencode\nh\x00\x85R.",
        b"0h\x00Q.",  # a reference to a storage
    ],
)
def test_a_key_that_takes_for_ever_to_hash_is_refused_at_once(alarm, use):
    data = bomb_of_keys() + use
    for allowed in (True, False):
        unpickler = restricted_pickle.RestrictedUnpickler(
            io.BytesIO(data), names_allowed=allowed, encoding="latin1"
        )
        try:
            content = unpickler.load()
        except (UsageError, ValueError, pickle.UnpicklingError):
            continue
        assert not isinstance(content, dict) or not content  # made, and nothing in it was hashed


def test_bytes_that_are_made_are_counted(alarm):
    """A megabyte of text is turned into bytes ten thousand times, for six bytes each."""
    once = b"c_codecs\nencode\nq\x010X" + struct.pack("<I", 1 << 20) + b"a" * (1 << 20) + b"q\x020"
    data = b"\x80\x02" + once + b"]" + b"h\x01h\x02\x85Ra" * 10_000 + b"."
    with pytest.raises(ValueError, match="asks for far more"):
        restricted_pickle.RestrictedUnpickler(io.BytesIO(data), encoding="latin1").load()


def test_one_array_under_many_names_is_counted_for_each(saved, written):
    import torch

    one = torch.ones(1 << 20)
    with pytest.raises(UsageError, match="asks for far more"):
        read_foreign(saved({f"a{number}": one[: -1 - number] for number in range(200)}))
    array = np.ones(1 << 18)
    found = read_foreign(written({f"a{number}": array for number in range(1000)}))
    assert len({each.ctypes.data for each in found.arrays.values()}) == 1  # the same memory


def test_what_a_file_claims_is_held_against_its_size(written):
    for claim in (b"\x80\x05\x96" + struct.pack("<Q", 1 << 40), b"\x80\x04\x8e" + struct.pack("<Q", 1 << 40)):
        with pytest.raises(UsageError):
            read_foreign(written(claim))


def test_names_that_run_programs_are_refused_and_others_are_told(written):
    for function, named in ((os.system, "posix.system"), (eval, "builtins.eval")):
        content = pickle.dumps({"a": WEIGHTS["a.weight"], "b": Call(function, "true")}, 2)
        with pytest.raises(
            UsageError, match=f"names .*{named.rpartition('.')[2]}, and loading that could run"
        ):
            read_foreign(written(content))
    found = read_foreign(written({**WEIGHTS, "b": Call(collections.Counter, "x")}))
    assert "not read: b (collections.Counter)" in found.notes[0]


class Call:
    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


def test_records_cannot_be_altered_from_within_a_file():
    """BUILD sets attributes of whatever stands on the stack: of ours nothing but a record's state."""
    data = b"\x80\x02cnumpy\nndarray\n}X\x05\x00\x00\x00arrayK\x01sb."
    restricted_pickle.RestrictedUnpickler(io.BytesIO(data), encoding="latin1").load()
    assert callable(restricted_pickle.ArrayRecord.array)


# Networks that look like ours


def test_paddles_own_lenet_and_alexnet_are_recognised():
    shapes = [*lookalikes.PADDLE_LENET]
    arrays = {f"{number}.weight": np.zeros(shape, np.float32) for number, shape in enumerate(shapes)}
    wanted = {name: (6, 1, 5, 5) if number == 0 else shapes[number] for number, name in enumerate(arrays)}
    foreign = ForeignWeights(source="x", framework=None, arrays=arrays)
    for names in (None, {f"{number}.weight": f"{number}.weight" for number in range(1, 5)}):
        with pytest.raises(UsageError, match=r"paddle.vision.models.LeNet's.*--torch MODULE:CALLABLE"):
            fit(foreign, wanted, names=names)
    assert lookalikes.known_network(wanted) is None  # LeNet-5
    assert "paddle.vision.models.alexnet" in lookalikes.known_network(
        dict.fromkeys(lookalikes.PADDLE_ALEXNET, (1,))
    )


def test_long_refusals_are_cut():
    shapes = {f"layer{number}.weight": (3, 3) for number in range(500)}
    arrays = {f"other{number}": np.zeros((2, 2), np.float32) for number in range(700)}
    with pytest.raises(UsageError) as refusal:
        fit(ForeignWeights(source="x", framework=None, arrays=arrays), shapes)
    assert len(str(refusal.value)) < 1200
    assert "and 488 more" in str(refusal.value)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_entry_that_an_archive_has_twice_is_refused(saved, tmp_path):
    with zipfile.ZipFile(saved(tensors())) as good, zipfile.ZipFile(tmp_path / "two.pth", "w") as two:
        entries = [(name, good.read(name)) for name in good.namelist()]
        for name, data in [
            *entries,
            next((name, bytes(len(data))) for name, data in entries if "/data/" in name),
        ]:
            two.writestr(name, data)
    with pytest.raises(UsageError, match="two entries of one name"):
        read_foreign(tmp_path / "two.pth")


def test_the_older_format_is_known_whatever_its_protocol(torch_backend, tmp_path):
    import torch

    for protocol in (2, 3, 4, 5):
        path = tmp_path / f"{protocol}.pth"
        torch.save(tensors(), path, pickle_protocol=protocol, _use_new_zipfile_serialization=False)
        assert same(read_foreign(path).arrays)


@pytest.mark.parametrize("prefix", ["module.", "module._orig_mod.", "_layers."])
def test_prefixes_in_safetensors_are_taken_off_too(tmp_path, prefix):
    safetensors_file.save(tmp_path / "a.safetensors", {f"{prefix}{name}": WEIGHTS[name] for name in WEIGHTS})
    assert same(read_foreign(tmp_path / "a.safetensors").arrays)


def test_safetensors_without_a_name_or_with_shared_bytes_are_refused(tmp_path, written):
    safetensors_file.save(tmp_path / "none.safetensors", {})
    with pytest.raises(UsageError, match=r"none.safetensors: holds no weights"):
        read_foreign(tmp_path / "none.safetensors")
    entry = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    header = json.dumps({"a": entry, "b": entry}).encode()
    path = written(struct.pack("<Q", len(header)) + header + bytes(8), "overlap.safetensors")
    with pytest.raises(UsageError, match=r"invalid offset.*; copy or download it again"):
        read_foreign(path)
