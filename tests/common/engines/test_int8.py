"""int8: calibrated on real images, read back from what ran, with its price."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from benchmarks import compare, run
from benchmarks.report.quantization import quantization_lines
from benchmarks.request.images import require_data, write_calibration
from benchmarks.request.request import read_request
from benchmarks.results.row_parts import Quantization
from benchmarks.worker.prepare import JobBuilder, require_dtype, require_right
from common.cli import UnavailableError, UsageError
from common.engines import int8, onnx_int8
from common.engines.engine import Operation
from common.engines.int8 import CALIBRATING, HELD_OUT, full_batches, int8_share, save_images, top1_agreement
from common.engines.kinds import Wanted, require_possible
from common.engines.onnx_runtime import OnnxModel
from common.weights import safetensors_file
from tests.support.commands import QUICK, ended
from tests.support.reports import result

PLAIN = {"precision": "int8", "device": "cpu", "layout": "NCHW", "training": False}
RAN = [
    Operation("convolution", "uint8"),
    Operation("QuantizeLinear", "float32"),
    Operation("conv", "float32"),
]


@pytest.mark.parametrize(
    ("engine", "changed", "reason"),
    [
        ("eager", {}, "choose --engine deploy"),
        ("compiled", {}, "choose --engine deploy"),
        ("deploy", {"device": "gpu:0"}, "for the CPU and NCHW"),
        ("onnxruntime", {"layout": "NHWC"}, "in NCHW"),
        ("deploy", {"training": True}, "do not train"),
    ],
)
def test_int8_is_refused_where_it_cannot_be_had(engine, changed, reason):
    with pytest.raises(UnavailableError, match=reason):
        require_possible(engine, Wanted(**PLAIN | changed))


def test_int8_is_deployed_on_a_cpu():
    for engine in ("deploy", "onnxruntime"):
        require_possible(engine, Wanted(**PLAIN))


def test_a_quantised_engine_that_is_really_float32_is_refused():
    with pytest.raises(UnavailableError, match="asked for int8, the deploy engine computed in float32"):
        require_dtype([Operation("convolution", "float32")], engine="deploy", precision="int8")
    with pytest.raises(UnavailableError, match="really computes in int8 cannot be verified"):
        require_dtype([Operation("QuantizeLinear", "float32")], engine="deploy", precision="int8")
    with pytest.raises(UnavailableError, match="asked for fp32, the deploy engine computed in uint8"):
        require_dtype(RAN[:1], engine="deploy", precision="fp32")
    assert require_dtype(RAN, engine="deploy", precision="int8") == "int8"
    assert int8_share(RAN) == (1, 2)


def test_what_lost_more_than_it_kept_is_refused():
    exact = np.random.default_rng(0).standard_normal((8, 10))
    with pytest.raises(UnavailableError, match="from eager float32"):
        require_right(0 * exact, exact, engine="deploy", precision="int8")
    assert require_right(1.1 * exact, exact, engine="deploy", precision="int8") == pytest.approx(0.1)


def test_images_come_in_full_batches_and_no_image_is_in_both_parts(tmp_path):
    images = np.arange(7, dtype=np.float32).reshape(7, 1, 1, 1)
    save_images(tmp_path / "images", images)
    calibrating = np.concatenate(full_batches(tmp_path / "images", CALIBRATING, size=3)).ravel()
    held_out = np.concatenate(full_batches(tmp_path / "images", HELD_OUT, size=3)).ravel()
    assert calibrating.tolist() == [0, 2, 4, 6, 0, 2]
    assert held_out.tolist() == [1, 3, 5]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--precision", "int8"], "name them with --calibrate"),
        (["--calibrate", "list.txt"], "--calibrate is for --precision int8"),
        (["--precision", "int8", "--calibrate", "list.txt", "--phase", "train"], "--phase train does not go"),
        (["--mean", "0.5"], "--mean is of the images of --calibrate"),
        (["--precision", "int8", "--std", "0.5"], "--std is of the images of --calibrate"),
    ],
)
def test_int8_and_its_images_go_together(capsys, flags, words):
    code, _, errors = ended(
        run.main, ["--backend", "torch", "--model", "lenet5", "--phase", "infer", *flags], capsys
    )
    assert code == 2
    assert words in errors[-1]


def request(images, *flags):
    shape = ["--input-shape", "3,32,32", "--num-classes", "10"]
    asked = ["--model", "lenet5", "--phase", "infer", "--precision", "int8", "--engine", "deploy"]
    return read_request(compare._parse([*asked, "--calibrate", str(images), *shape, *flags]))


def test_images_are_normalised_as_the_network_expects(tmp_path):
    """A network that takes 0 to 1 would be calibrated on four times that range by ImageNet's numbers."""
    (tmp_path / "list.txt").write_text("".join(f"{place}.png\t{place}\n" for place in range(2)))
    for place in range(2):
        Image.new("RGB", (8, 8), (255, 51, 0)).save(tmp_path / f"{place}.png")
    found = {}
    for name, flags in (("default", []), ("own", ["--mean", "0", "--std", "1,1,0.5"])):
        write_calibration(request(tmp_path / "list.txt", *flags), tmp_path / name)
        found[name] = safetensors_file.load(tmp_path / name)[CALIBRATING][0, :, 0, 0].tolist()
    assert found["own"] == pytest.approx([1.0, 0.2, 0.0])
    assert found["default"] == pytest.approx([(1 - 0.485) / 0.229, (0.2 - 0.456) / 0.224, -0.406 / 0.225])


def test_numbers_of_channels_that_are_not_there_are_refused_before_anything_is_measured(flowers_list):
    with pytest.raises(UsageError, match=r"--mean: 2 numbers for 3 channels; give one, or one for each"):
        require_data(request(flowers_list, "--mean", "0,1"))


def test_the_processor_says_whether_bytes_overflow(tmp_path, monkeypatch):
    facts = tmp_path / "cpuinfo"
    monkeypatch.setattr(int8, "CPU_FACTS", facts)
    assert not int8.has_vnni()
    facts.write_text("flags : avx2 avx512_vnni")
    assert int8.has_vnni()


def network(path):
    """Write a convolution, a ReLU, a mean and a linear layer, of an opset that knows no scale per channel."""
    onnx = pytest.importorskip("onnx", reason="the extra onnx is not installed")
    pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(0)
    weights = {"w": rng.standard_normal((16, 3, 3, 3)), "v": rng.standard_normal((16, 10))}
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("GlobalAveragePool", ["b"], ["c"]),
        helper.make_node("Flatten", ["c"], ["d"]),
        helper.make_node("MatMul", ["d", "v"], ["y"]),
    ]
    ends = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [8, 3, 8, 8])]
    ends += [helper.make_tensor_value_info("y", TensorProto.FLOAT, [8, 10])]
    constants = [numpy_helper.from_array(array.astype(np.float32), name) for name, array in weights.items()]
    graph = helper.make_graph(nodes, "network", ends[:1], ends[1:], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6)
    onnx.save(model, str(path))


def test_calibrating_on_wrongly_scaled_images_shows_in_the_agreement(tmp_path):
    rng = np.random.default_rng(1)
    colors = 3 * rng.standard_normal((8, 3, 1, 1), dtype=np.float32)
    images = colors + rng.standard_normal((8, 3, 8, 8), dtype=np.float32)
    agreement = {}
    for name, scale in (("right", 1.0), ("wrong", 255.0)):
        path = tmp_path / f"{name}.onnx"
        network(path)
        exact = OnnxModel(path, threads=1).run(images)
        onnx_int8.quantize(path, [images * scale])
        quantised = OnnxModel(path, threads=1)
        agreement[name] = top1_agreement(quantised.run(images), exact)
        assert int8_share(quantised.operations(images))[0] >= 1
    assert agreement["right"] >= 7 / 8
    assert agreement["wrong"] <= 5 / 8


def test_a_row_in_int8_has_its_price():
    price = Quantization(
        images=64, relative_l2=0.02, top1_agreement=0.975, classes=5, int8_operations=20, operations=21
    )
    (_, line) = quantization_lines([result("torch", 10.0, quantization=price, deployed_bytes=2**21)])
    assert "same class as float32 for 97.5% of 64 images (float32 names 5 classes)" in line
    assert "20 of 21 convolutions and matrix products in int8; 2.00 MiB on disk" in line
    assert quantization_lines([result("torch", 10.0)]) == []


def test_what_a_backend_exports_runs_in_int8_and_what_it_cannot_quantise_says_why(
    local, tmp_path, capsys, flowers_list
):
    """paddle's earlier programs have no sigmoid method where the flags of the process are the new ones."""
    pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
    target = tmp_path / "result.json"
    flags = ["--model", "lenet5", "--phase", "infer", "--device", "cpu", "--engine", "deploy", *QUICK]
    flags += ["--precision", "int8", "--calibrate", str(flowers_list), "--reference", "onnxruntime"]
    ended(run.main, ["--backend", "paddle", *flags, "--json", str(target)], capsys)
    own, neutral = json.loads(target.read_text())["results"]
    assert (own["status"], neutral["status"]) == ("unsupported", "ok")
    assert own["reason"].startswith("the model cannot be had in int8: ")
    assert neutral["settings"]["activation_dtype"] == "int8"
    assert neutral["deployed_bytes"] < 200_000  # the ONNX file alone: 62,006 parameters
    price = neutral["quantization"]
    assert price["int8_operations"] == price["operations"] > 0
    assert 0 < price["relative_l2"] == neutral["error"] < 0.5


def test_every_image_judges_once_though_the_last_batch_is_filled_up(tmp_path):
    """Else images of a short list would count twice in the agreement."""
    save_images(tmp_path / "images", np.arange(6, dtype=np.float32).reshape(6, 1, 1, 1))
    builder = JobBuilder.__new__(JobBuilder)
    builder.spec = SimpleNamespace(calibration=str(tmp_path / "images"), device="cpu")
    builder.batch = (np.zeros((2, 1, 1, 1)), None)
    builder.backend = SimpleNamespace(from_numpy=lambda array, **_: array, to_numpy=lambda array: array)
    assert builder._held_out_logits(lambda batch: batch).ravel().tolist() == [1, 3, 5]
