"""LAMB: its steps are those of the published code, and of its formulas written out."""

import torch
from torch import Tensor, nn

from resnetc.runtime.optim.lamb import Lamb

# Recorded with timm 1.0's Lamb (max_grad_norm=None) from the start and the gradients of `toy`.
RECORDED = [
    [-0.4999592, -0.3949553, -0.2858732, -0.1767912, -0.0595531, 0.049529],
    [-0.5044379, -0.3997109, -0.2860752, -0.1728726, -0.0541165, 0.0503304],
    [-0.5055177, -0.3958412, -0.2802893, -0.1703743, -0.0569842, 0.0447795],
]
RECORDED_BIAS = [[0.09, -0.21], [0.0805552, -0.2107658], [0.0758947, -0.2058498]]


def toy(kind: torch.dtype = torch.float32) -> tuple[nn.Parameter, nn.Parameter]:
    """A filter and a bias."""
    weight = nn.Parameter(torch.linspace(-0.5, 0.7, 12, dtype=kind).view(2, 2, 1, 3))
    return weight, nn.Parameter(torch.tensor([0.1, -0.2], dtype=kind))


def put_gradients(weight: nn.Parameter, bias: nn.Parameter, step: int) -> None:
    weight.grad = torch.sin(torch.arange(12, dtype=weight.dtype).view(2, 2, 1, 3) + 2 * step)
    bias.grad = torch.cos(torch.arange(2, dtype=bias.dtype) + step)


def build(weight: nn.Parameter, bias: nn.Parameter, lr: float | Tensor = 0.01) -> Lamb:
    groups = [{"params": [weight], "weight_decay": 0.02}, {"params": [bias], "weight_decay": 0.0}]
    built = Lamb(groups, 0.01, (0.9, 0.99), 1e-6)
    for group in built.param_groups:
        group["lr"] = lr
    return built


def test_its_steps_are_recorded_ones_of_the_published_code() -> None:
    weight, bias = toy()
    built = build(weight, bias)
    for step, (weights, biases) in enumerate(zip(RECORDED, RECORDED_BIAS, strict=True)):
        put_gradients(weight, bias, step)
        built.step()
        torch.testing.assert_close(weight.detach().flatten()[:6], torch.tensor(weights), rtol=0, atol=2e-7)
        torch.testing.assert_close(bias.detach(), torch.tensor(biases), rtol=0, atol=2e-7)


def test_its_steps_are_the_formulas_of_the_paper() -> None:
    weight, bias = toy(torch.float64)
    expected = [weight.detach().clone(), bias.detach().clone()]
    mean, square = [torch.zeros_like(p) for p in expected], [torch.zeros_like(p) for p in expected]
    built = build(weight, bias)
    for step in range(6):
        put_gradients(weight, bias, step)
        for number, gradient in enumerate((weight.grad, bias.grad)):
            assert gradient is not None
            mean[number] = 0.9 * mean[number] + 0.1 * gradient
            square[number] = 0.99 * square[number] + 0.01 * gradient**2
            update = mean[number] / (1 - 0.9 ** (step + 1))
            update = update / ((square[number] / (1 - 0.99 ** (step + 1))) ** 0.5 + 1e-6)
            if number == 0:
                update = update + 0.02 * expected[0]
                update = update * expected[0].square().sum().sqrt() / update.square().sum().sqrt()
            expected[number] = expected[number] - 0.01 * update
        built.step()
    torch.testing.assert_close(weight.detach(), expected[0], rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(bias.detach(), expected[1], rtol=1e-6, atol=1e-7)


def test_a_weight_or_an_update_of_zero_has_no_ratio() -> None:
    weight = nn.Parameter(torch.zeros(2, 2))
    built = Lamb([{"params": [weight], "weight_decay": 0.1}], 0.5)
    weight.grad = torch.zeros(2, 2)
    built.step()
    assert torch.equal(weight, torch.zeros(2, 2))
    weight.grad = torch.ones(2, 2)
    built.step()
    assert bool(weight.isfinite().all()) and bool((weight < 0).all())


def test_the_rate_may_be_a_tensor_and_nothing_is_read_back() -> None:
    weight, bias = toy()
    other_weight, other_bias = toy()
    number, tensor = build(weight, bias), build(other_weight, other_bias, torch.tensor(0.01))
    for step in range(2):
        put_gradients(weight, bias, step)
        put_gradients(other_weight, other_bias, step)
        number.step()
        tensor.step()
    torch.testing.assert_close(weight, other_weight, rtol=0, atol=1e-7)
    torch.testing.assert_close(bias, other_bias, rtol=0, atol=1e-7)
    meta = nn.Parameter(torch.empty(3, 2, device="meta"))  # refuses everything that would wait for a device
    meta.grad = torch.empty(3, 2, device="meta")
    unread = Lamb([{"params": [meta], "weight_decay": 0.1, "lr": torch.empty((), device="meta")}], 0.1)
    unread.step()
    unread.step()
