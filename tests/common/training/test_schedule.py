"""Learning rates by step: as the frameworks' own schedulers have them, and computed once for both."""

import numpy as np
import pytest

from common.training.schedule import Schedule

BASE = 0.1


def rates(count, **values):
    schedule = Schedule(**{"name": "constant", "base": BASE, "epochs": 10, "steps_per_epoch": 4} | values)
    return [schedule.rate(step) for step in range(count)]


def reference(torch_backend, make, count):
    import torch

    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], BASE)
    scheduler = make(torch.optim.lr_scheduler, optimizer)
    values = []
    for _ in range(count):
        values.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return values


def test_a_constant_rate_is_the_base():
    assert rates(40) == [float(np.float32(BASE))] * 40


def test_cosine_is_torchs_annealing_by_step(torch_backend):
    expected = reference(torch_backend, lambda s, o: s.CosineAnnealingLR(o, T_max=40), 40)
    assert np.allclose(rates(40, name="cosine"), expected, rtol=1e-6)
    assert rates(40, name="cosine")[-1] < 0.002 * BASE  # to 0 with the last step


def test_a_cosine_with_a_period_rises_again(torch_backend):
    expected = reference(torch_backend, lambda s, o: s.CosineAnnealingLR(o, T_max=12), 40)
    assert np.allclose(rates(40, name="cosine", period=3), expected, rtol=1e-5, atol=1e-9)


def test_step_is_torchs(torch_backend):
    expected = reference(torch_backend, lambda s, o: s.StepLR(o, step_size=8, gamma=0.5), 40)
    assert np.allclose(rates(40, name="step", period=2, gamma=0.5), expected, rtol=1e-6)


@pytest.mark.parametrize("name", ["constant", "cosine"])
def test_warm_up_rises_in_a_straight_line_to_the_base(name):
    values = rates(40, name=name, warmup_epochs=1.5)
    assert np.allclose(values[:7], [BASE * (step + 1) / 7 for step in range(7)])
    assert values[6] == max(values)


def test_a_cosine_after_a_warm_up_still_ends_at_zero():
    assert rates(41, name="cosine", warmup_epochs=2)[40] == pytest.approx(0, abs=1e-9)


def test_rates_are_what_paddle_keeps():
    assert all(rate == float(np.float32(rate)) for rate in rates(40, name="cosine"))


def test_both_frameworks_take_the_step_that_was_set(backend):
    model = backend.build("lenet5", num_classes=10, channels=1, precision="fp64", device="cpu")
    optimizer = backend.make_optimizer(model, "sgd", learning_rate=1.0)
    for rate in rates(3, name="cosine", steps_per_epoch=1):
        before = backend.get_weights(model)
        shapes = backend.parameter_shapes(model)
        backend.set_gradients(model, {name: np.ones(shape) for name, shape in shapes.items()})
        backend.set_learning_rate(optimizer, rate)
        backend.update(optimizer)
        moved = before["c1.bias"] - backend.get_weights(model)["c1.bias"]
        assert np.allclose(moved, rate, rtol=1e-12)
