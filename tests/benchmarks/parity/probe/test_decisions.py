"""Decisions of ReLU and max-pool: those of a plane of another size are taken where they can be."""

import numpy as np
import pytest

from benchmarks.parity.probe.decisions import compare_all, decided, fitting
from benchmarks.parity.tensors.tensor_folder import TensorFolder

FRAME = np.arange(36.0).reshape(1, 1, 6, 6)
INNER = -np.arange(16.0).reshape(1, 1, 4, 4)


def test_a_border_is_cut_off_or_taken_from_the_frame():
    assert fitting(FRAME, FRAME) is FRAME
    assert np.array_equal(fitting(FRAME, INNER), FRAME[:, :, 1:-1, 1:-1])
    fitted = fitting(INNER, FRAME)
    assert np.array_equal(fitted[:, :, 1:-1, 1:-1], INNER)
    assert np.array_equal(fitted[:, :, 0], FRAME[:, :, 0])
    wide = np.zeros((1, 1, 8, 4))  # larger in one direction, smaller in the other
    assert np.array_equal(fitting(wide, FRAME)[:, :, :, 0], FRAME[:, :, :, 0])


@pytest.mark.parametrize("shape", [(1, 1, 5, 6), (1, 2, 6, 6), (2, 1, 6, 6), (1, 36), (1, 1, 6, 5)])
def test_what_differs_by_no_even_border_has_no_fit(shape):
    assert fitting(np.zeros(shape), FRAME) is None


@pytest.fixture
def model(torch_backend):
    import torch

    return torch.nn.Sequential(torch.nn.MaxPool2d(2, 2), torch.nn.ReLU())


def run(model, x, folder, calls):
    import torch

    with decided(model, {"folder": str(folder.path), "calls": calls}):
        return model(torch.tensor(x)).numpy()


def test_a_pool_and_a_relu_decide_as_on_a_larger_plane(model, tmp_path):
    rng = np.random.default_rng(0)
    x, other = rng.standard_normal((2, 1, 1, 4, 4))
    folder = TensorFolder(tmp_path)
    folder.add("layers/pool/input0", np.pad(other, ((0, 0), (0, 0), (1, 1), (1, 1))))
    folder.add("layers/relu/input0", -np.ones((1, 1, 4, 4)))
    assert not run(model, x, folder, {"1": "relu"}).any()
    by_other = run(model, x, folder, {"0": "pool"})
    assert not np.array_equal(by_other, run(model, x, folder, {}))
    same = TensorFolder(tmp_path / "same")
    same.add("layers/pool/input0", other)
    assert np.array_equal(by_other, run(model, x, same, {"0": "pool"}))


def test_a_plane_that_does_not_fit_leaves_the_decision_and_is_not_counted(model, tmp_path):
    x = np.random.default_rng(0).standard_normal((1, 1, 4, 4))
    folder = TensorFolder(tmp_path)
    folder.add("layers/0/input0", x)
    folder.add("layers/pool/input0", np.zeros((1, 1, 5, 4)))
    assert np.array_equal(run(model, x, folder, {"0": "pool"}), run(model, x, folder, {}))
    assert compare_all(model, folder, folder, {"0": "pool"}) == []
    assert compare_all(model, folder, folder, {"0": "0"})[0]["flipped"] == 0
