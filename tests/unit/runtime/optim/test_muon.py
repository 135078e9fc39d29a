"""Muon: its steps are those of the published code, of torch's for matrices, and of its formulas; AdamW's elsewhere."""

import math

import pytest
import torch
from torch import Tensor, nn

from resnetc.runtime.optim import optimizer
from resnetc.runtime.optim.muon import Muon, iterate_newton_schulz
from resnetc.runtime.recipe.recipe import Recipe

# Recorded with Keller Jordan's muon_update before its factor, in bfloat16, from the gradients of `gradient`.
RECORDED = [
    [0.31641, 0.42969, 0.14453, -0.26758, -0.4375, -0.19531, -0.41016, -0.01758, 0.41406, 0.44531, 0.08594, -0.36719],
    [0.36719, -0.03223, -0.39844, -0.39844, -0.03711, 0.36719, 0.21094, 0.42969, 0.26172, -0.14844, -0.41406, -0.30859],
    [-0.40625, -0.28906, 0.10742, 0.38281, 0.32812, -0.04688, 0.11914, -0.28125, -0.4375, -0.17969, 0.21875, 0.42969],
]


def gradient(step: int, kind: torch.dtype = torch.float32) -> Tensor:
    """That of a filter [2, 2, 1, 3]."""
    return torch.sin(torch.arange(12, dtype=kind).view(2, 2, 1, 3) + 2 * step)


def orthogonal(matrix: Tensor) -> Tensor:
    """The published iteration, for one matrix, as it is written."""
    x = matrix / matrix.norm()
    if len(matrix) > matrix.size(1):
        x = x.T
    for _ in range(5):
        a = x @ x.T
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return x.T if len(matrix) > matrix.size(1) else x


def test_its_steps_are_recorded_ones_of_the_published_code() -> None:
    weight = nn.Parameter(torch.linspace(-0.5, 0.7, 12).view(2, 2, 1, 3))
    built = Muon([{"params": [weight], "is_matrix": True}], 0.1)
    for step, recorded in enumerate(RECORDED):
        before = weight.detach().clone()
        weight.grad = gradient(step)
        built.step()
        change = (before - weight.detach()).flatten() / 0.1 / (0.2 * math.sqrt(6))
        torch.testing.assert_close(change, torch.tensor(recorded), rtol=0, atol=0.05)  # theirs in bfloat16


def test_its_steps_are_its_formulas() -> None:
    weight = nn.Parameter(torch.linspace(-0.5, 0.7, 12, dtype=torch.float64).view(2, 2, 1, 3))
    tall = nn.Parameter(torch.linspace(1, 2, 8, dtype=torch.float64).view(4, 2))
    expected = [weight.detach().clone(), tall.detach().clone()]
    buffers = [torch.zeros_like(p) for p in expected]
    built = Muon([{"params": [weight, tall], "is_matrix": True, "weight_decay": 0.1}], 0.05, momentum=0.8)
    for step in range(4):
        weight.grad = gradient(step, torch.float64)
        tall.grad = gradient(step + 7, torch.float64).flatten()[:8].view(4, 2)
        for number, own in enumerate((weight.grad, tall.grad)):
            buffers[number] = 0.8 * buffers[number] + 0.2 * own
            direction = 0.2 * own + 0.8 * buffers[number]
            rows, columns = len(own), own[0].numel()
            update = 0.2 * max(rows, columns) ** 0.5 * orthogonal(direction.reshape(rows, columns)).view(own.shape)
            expected[number] = expected[number] * (1 - 0.05 * 0.1) - 0.05 * update
        built.step()
    torch.testing.assert_close(weight.detach(), expected[0])
    torch.testing.assert_close(tall.detach(), expected[1])


def test_matrices_are_trained_as_by_torch_s_own() -> None:
    torch.manual_seed(0)
    start = torch.randn(6, 4)
    mine, theirs = nn.Parameter(start.clone()), nn.Parameter(start.clone())
    built = Muon([{"params": [mine], "is_matrix": True, "weight_decay": 0.1}], 0.01)
    own = torch.optim.Muon([theirs], lr=0.01, weight_decay=0.1, momentum=0.95, adjust_lr_fn="match_rms_adamw")
    for _ in range(3):
        mine.grad = torch.randn(6, 4)
        theirs.grad = mine.grad.clone()
        built.step()
        own.step()
    torch.testing.assert_close(mine, theirs, rtol=0, atol=3e-4)  # theirs is computed in bfloat16


def test_singular_values_end_near_one() -> None:
    torch.manual_seed(0)
    matrices = torch.randn(5, 20, 12)
    values = torch.linalg.svdvals(iterate_newton_schulz(matrices))
    assert 0.6 < float(values.min()) and float(values.max()) < 1.25
    torch.testing.assert_close(iterate_newton_schulz(matrices.mT), iterate_newton_schulz(matrices).mT)
    assert torch.equal(iterate_newton_schulz(torch.zeros(1, 2, 3)), torch.zeros(1, 2, 3))


class Net(nn.Module):
    """A stem, a stage of one block, a head."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4))
        self.layer1 = nn.Sequential(nn.Sequential(nn.Conv2d(4, 4, 3, padding=1, groups=4), nn.BatchNorm2d(4)))
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.head(self.layer1(self.stem(x)))
        return result


@pytest.mark.parametrize("recipe", [Recipe(optimizer="muon", nesterov=False), Recipe(optimizer="muon")])
def test_norms_biases_and_the_head_are_trained_as_by_adamw(recipe: Recipe) -> None:
    torch.manual_seed(0)
    model, other = Net(), Net()
    other.load_state_dict(model.state_dict())
    built = optimizer.build_optimizer(model, recipe)
    matrices = {id(p) for group in built.param_groups if group["is_matrix"] for p in group["params"]}
    assert {n for n, p in model.named_parameters() if id(p) in matrices} == {"stem.0.weight", "layer1.0.0.weight"}
    adamw = optimizer.build_optimizer(other, Recipe(optimizer="adamw"))
    for step in range(3):
        for mine, theirs in zip(model.parameters(), other.parameters(), strict=True):
            torch.manual_seed(step)
            mine.grad = torch.randn(mine.shape)
            theirs.grad = mine.grad.clone()
        built.step()
        adamw.step()
    for (name, mine), theirs in zip(model.named_parameters(), other.parameters(), strict=True):
        assert torch.equal(mine, theirs) == (id(mine) not in matrices), name


def test_the_rate_may_be_a_tensor_and_nothing_is_read_back() -> None:
    weights = [nn.Parameter(torch.linspace(-1, 1, 12).view(2, 2, 1, 3)) for _ in range(2)]
    for weight, lr in zip(weights, (0.1, torch.tensor(0.1)), strict=True):
        built = Muon([{"params": [weight], "is_matrix": True, "weight_decay": 0.1, "lr": lr}], 0.1)
        weight.grad = gradient(1)
        built.step()
    torch.testing.assert_close(weights[0], weights[1])
    meta = nn.Parameter(torch.empty(3, 2, device="meta"))  # refuses everything that would wait for a device
    meta.grad = torch.empty(3, 2, device="meta")
    unread = Muon([{"params": [meta], "is_matrix": True, "lr": torch.empty((), device="meta")}], 0.1)
    unread.step()
    unread.step()
