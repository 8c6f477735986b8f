"""Weights pass from one framework to the other through safetensors, and only if they fit."""

import numpy as np
import pytest

from common.cli import UsageError
from common.weights import initialization, safetensors_file
from common.weights.layout import transpose


def lenet5(backend, precision="fp32"):
    model = backend.build("lenet5", num_classes=10, channels=1, precision=precision, device="cpu")
    return model, backend.parameter_shapes(model)


@pytest.mark.parametrize("precision", ["fp32", "fp64"])
def test_weights_survive_the_way_to_the_other_framework_and_back(
    torch_backend, paddle_backend, tmp_path, precision
):
    model, shapes = lenet5(torch_backend, precision)
    weights = initialization.draw_scaled(shapes, seed=0)
    torch_backend.set_weights(model, weights)
    carried = torch_backend.get_weights(model)
    for backend in (paddle_backend, torch_backend):
        safetensors_file.save(tmp_path / "weights", carried)
        other, _ = lenet5(backend, precision)
        backend.set_weights(other, safetensors_file.load(tmp_path / "weights"))
        carried = backend.get_weights(other)
    for name, array in carried.items():
        assert array.dtype == {"fp32": np.float32, "fp64": np.float64}[precision]
        assert np.array_equal(array, weights[name]), name


def test_linear_weights_lie_transposed_in_paddle_alone(torch_backend, paddle_backend):
    for backend, shape in ((torch_backend, [84, 120]), (paddle_backend, [120, 84])):
        model, shapes = lenet5(backend)
        assert list(model.f6.weight.shape) == shape
        assert shapes["f6.weight"] == (84, 120)


@pytest.mark.parametrize("shape", [(1, 5), (64, 3), (130, 70)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_matrix_is_turned_over_into_memory_of_its_own(shape, dtype):
    matrix = np.arange(np.prod(shape), dtype=dtype).reshape(shape)
    turned = transpose(matrix)
    assert np.array_equal(turned, matrix.T)
    assert (turned.flags.c_contiguous, turned.dtype, turned.base) == (True, dtype, None)


def test_a_transposed_view_is_written_as_it_reads(tmp_path):
    """safetensors writes memory as it lies: without the copy in tensor_file this comes back scrambled."""
    from safetensors.numpy import load_file, save_file

    array = np.arange(12, dtype=np.float32).reshape(3, 4).T
    safetensors_file.save(tmp_path / "ours", {"x": array})
    assert np.array_equal(safetensors_file.load(tmp_path / "ours")["x"], array)
    save_file({"x": array}, tmp_path / "bare")
    assert not np.array_equal(load_file(tmp_path / "bare")["x"], array)


def test_numbers_without_axes_keep_their_shape(tmp_path):
    safetensors_file.save(tmp_path / "x", {"x": np.array(3.0)})
    assert safetensors_file.load(tmp_path / "x")["x"].shape == ()


def test_what_does_not_fit_is_listed_and_nothing_changes(backend):
    model, shapes = lenet5(backend)
    before = backend.get_weights(model)
    wrong = initialization.draw_scaled(shapes, seed=1)
    del wrong["c1.bias"]
    wrong |= {"f6.weight": wrong["f6.weight"].T, "f7.weight": np.zeros(3)}
    with pytest.raises(ValueError, match="do not fit") as error:
        backend.set_weights(model, wrong)
    for part in (
        "missing c1.bias (6,)",
        "surplus f7.weight (3,)",
        "f6.weight is (120, 84), expected (84, 120)",
    ):
        assert part in str(error.value)
    after = backend.get_weights(model)
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_gradients_go_in_and_out_in_the_neutral_layout(backend):
    model, shapes = lenet5(backend)
    assert not any(gradient.any() for gradient in backend.get_gradients(model).values())
    gradients = initialization.draw_scaled(shapes, seed=2)
    backend.set_gradients(model, gradients)
    read = backend.get_gradients(model)
    assert all(np.array_equal(read[name], gradients[name]) for name in gradients)
    with pytest.raises(ValueError, match="missing"):
        backend.set_gradients(model, {})


def test_arrays_that_are_handed_out_are_copies(backend):
    model, _ = lenet5(backend)
    backend.get_weights(model)["c1.bias"][:] = 99
    assert not (backend.get_weights(model)["c1.bias"] == 99).any()


@pytest.mark.parametrize(
    ("content", "message"), [(None, "no such file"), (b"garbage", "not a readable safetensors")]
)
def test_unreadable_files_are_named(tmp_path, content, message):
    path = tmp_path / "weights.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=message):
        safetensors_file.load(path)


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "x.safetensors"
    safetensors_file.save(path, {"x": np.ones(2)})
    with pytest.raises(Exception, match="dtype"):
        safetensors_file.save(path, {"x": np.array(["text"])})
    assert np.array_equal(safetensors_file.load(path)["x"], np.ones(2))
    assert [file.name for file in tmp_path.iterdir()] == ["x.safetensors"]
