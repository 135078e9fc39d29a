"""Optimizer and averaging: which parameters decay, and the updates against formulas."""

import pytest
import torch
from torch import nn

from resnetc.runtime.model.ema import ExponentialMovingAverage
from resnetc.runtime.optim import optimizer
from resnetc.runtime.recipe.recipe import Recipe


def network() -> nn.Sequential:
    """A convolution with bias, a norm, a linear layer without bias."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(2, 3, bias=False))


@pytest.mark.parametrize("kind", ["sgd", "adamw", "muon", "lamb"])
def test_norms_and_biases_are_free_of_weight_decay(kind: str) -> None:
    model = network()
    for both, free in ((False, {"0.bias", "1.weight", "1.bias"}), (True, set())):
        built = optimizer.build_optimizer(model, Recipe(optimizer=kind, weight_decay=0.01, decay_norms=both))
        decay = {id(p): group["weight_decay"] for group in built.param_groups for p in group["params"]}
        assert {name for name, p in model.named_parameters() if decay[id(p)] == 0} == free
        assert all(decay[id(p)] in (0, 0.01) for p in model.parameters())


class Scaled(nn.Module):
    """Factors and addends of every shape beside a filter of one position for each channel."""

    def __init__(self) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(4))
        self.layer_scale = nn.Parameter(torch.ones(4, 1, 1))
        self.gain = nn.Parameter(torch.tensor(0.0))
        self.beta = nn.Parameter(torch.zeros(1, 1, 1))
        self.depthwise = nn.Conv2d(4, 4, 1, groups=4)
        self.only = nn.Linear(1, 4)
        self.table = nn.Parameter(torch.ones(1, 4, 4))


def test_a_parameter_decays_by_what_it_is_and_not_by_its_axes() -> None:
    model = Scaled()
    built = optimizer.build_optimizer(model, Recipe(weight_decay=0.01))
    decay = {id(p): group["weight_decay"] for group in built.param_groups for p in group["params"]}
    decayed = {name for name, parameter in model.named_parameters() if decay[id(parameter)]}
    assert decayed == {"depthwise.weight", "only.weight", "table"}


class ScaledFilter(nn.Conv2d):
    """A convolution with a gain of as many axes as its filter."""

    def __init__(self) -> None:
        super().__init__(2, 4, 1)
        self.gain = nn.Parameter(torch.ones(4, 1, 1, 1))


def test_only_matrices_and_filters_decay_whatever_axes_the_others_have() -> None:
    factors = nn.ParameterDict({"scale": torch.ones(4, 1, 1), "table": torch.ones(4, 3)})
    narrow = nn.Conv1d(1, 1, 3, bias=False)
    model = nn.ModuleDict({"scaled": ScaledFilter(), "narrow": narrow, "act": nn.PReLU(4), "factors": factors})
    built = optimizer.build_optimizer(model, Recipe(weight_decay=0.01))
    decay = {id(p): group["weight_decay"] for group in built.param_groups for p in group["params"]}
    decayed = {name for name, p in model.named_parameters() if decay[id(p)]}
    assert decayed == {"scaled.weight", "narrow.weight", "factors.table"}


def test_frozen_parameters_are_left_out() -> None:
    model = network()
    model[0].requires_grad_(False)
    built = optimizer.build_optimizer(model, Recipe())
    assert sum(len(group["params"]) for group in built.param_groups) == 3


def test_sgd_is_nesterovs() -> None:
    weight = nn.Parameter(torch.tensor([[1.0, -2.0]]))
    model = nn.Module()
    model.weight = weight
    built = optimizer.build_optimizer(model, Recipe(learning_rate=0.1, momentum=0.9, weight_decay=0.01))
    expected, velocity = weight.detach().clone(), torch.zeros(1, 2)
    for step in range(4):
        weight.grad = torch.tensor([[0.5, step - 1.0]])
        gradient = weight.grad + 0.01 * expected
        velocity = 0.9 * velocity + gradient
        expected = expected - 0.1 * (gradient + 0.9 * velocity)
        built.step()
    torch.testing.assert_close(weight.detach(), expected)


@pytest.mark.parametrize("kind", ["sgd", "adamw", "muon", "lamb"])
def test_memory_is_restored_into_a_new_optimizer(kind: str) -> None:
    recipe = Recipe(optimizer=kind, learning_rate=0.01)
    models = [network(), network()]
    for model in models:
        model[0].to(memory_format=torch.channels_last)
    first = optimizer.build_optimizer(models[0], recipe)

    def step(model: nn.Module, built: torch.optim.Optimizer) -> None:
        torch.manual_seed(5)
        built.zero_grad()
        model(torch.randn(4, 1, 3, 3)).square().sum().backward()
        built.step()

    step(models[0], first)
    saved = {name: tensor.clone() for name, tensor in optimizer.state_tensors(first, models[0]).items()}
    assert saved
    models[1].load_state_dict(models[0].state_dict())
    second = optimizer.build_optimizer(models[1], recipe)
    optimizer.restore_state(second, models[1], saved)
    step(models[0], first)
    step(models[1], second)
    for one, other in zip(models[0].parameters(), models[1].parameters(), strict=True):
        assert torch.equal(one, other)


def test_the_average_follows_weights_and_statistics() -> None:
    model = network()
    average = ExponentialMovingAverage(model, 0.5)
    start, first = model[3].weight.detach().clone(), model[1].running_mean.clone()
    with torch.no_grad():
        model[3].weight.add_(1)
        model[1].running_mean.add_(2)
        model[1].num_batches_tracked.add_(3)
    average.update(1)  # the warm-up's decay: (1 + 1) / (10 + 1)
    torch.testing.assert_close(average.model[3].weight, start + 9 / 11)
    torch.testing.assert_close(average.model[1].running_mean, first + 2 * 9 / 11)
    assert int(average.model[1].num_batches_tracked) == 3
    average.update(100)  # 101/110 is above 0.5
    torch.testing.assert_close(average.model[3].weight, start + 9 / 11 + 0.5 * 2 / 11)


def test_no_average_is_the_model_itself() -> None:
    model = network()
    average = ExponentialMovingAverage(model, 0.0)
    assert average.model is model
    before = model[3].weight.detach().clone()
    average.update(1)
    assert torch.equal(model[3].weight, before)
