"""Frozen parts: which, and that they stay as they are in weights, statistics and mode."""

import copy
import pickle
from pathlib import Path

import pytest
import torch
from torch import nn

from resnetc.runtime.errors import RunError
from resnetc.runtime.model import loader
from resnetc.runtime.model.freezing import freeze
from resnetc.runtime.optim import optimizer
from resnetc.runtime.recipe.recipe import Recipe


@pytest.fixture
def network(source: str) -> nn.Module:
    torch.manual_seed(0)
    return loader.build_network(source, Path("small.py"))


def frozen_keys(model: nn.Module, *patterns: str) -> set[str]:
    return set(freeze(model, patterns))


@pytest.mark.parametrize(
    ("pattern", "prefixes"),
    [
        ("stem", ("conv1.", "bn1.")),
        ("stage1", ("layer1.",)),
        ("stage3", ("layer3.",)),
        ("layer2", ("layer2.",)),
        ("layer2.0.bn1", ("layer2.0.bn1.",)),
        ("conv1", ("conv1.",)),
        ("head", ("fc.",)),
        ("layer?.0.conv1.*", ("layer1.0.conv1.", "layer2.0.conv1.", "layer3.0.conv1.")),
        ("fc.bias", ("fc.bias",)),
    ],
)
def test_a_pattern_names_a_part(network: nn.Module, pattern: str, prefixes: tuple[str, ...]) -> None:
    keys = {key for key in network.state_dict() if key.startswith(prefixes)}
    assert frozen_keys(network, pattern) == keys
    trained = {name for name, parameter in network.named_parameters() if parameter.requires_grad}
    assert trained == {name for name, _ in network.named_parameters()} - keys


def test_norms_are_all_norms(network: nn.Module) -> None:
    expected = {
        f"{name}.{key}"
        for name, module in network.named_modules()
        if isinstance(module, nn.BatchNorm2d)
        for key in module.state_dict()
    }
    assert frozen_keys(network, "norms") == expected


def modes(model: nn.Module) -> dict[str, bool]:
    return {name: module.training for name, module in model.named_modules() if isinstance(module, nn.BatchNorm2d)}


def test_a_frozen_norm_stays_in_evaluation_mode_whatever_is_called(network: nn.Module) -> None:
    freeze(network, ["stem", "layer2.0.bn2", "layer3.0.bn1.weight"])
    frozen = {"bn1", "layer2.0.bn2"}  # of layer3.0.bn1 the statistics still follow the data
    for model in (network, copy.deepcopy(network)):
        for _ in range(2):
            assert model.train() is model
            assert {name for name, training in modes(model).items() if not training} == frozen
            model.layer2.train(True)
            model.bn1.train()
            assert {name for name, training in modes(model).items() if not training} == frozen
            model.eval()
            assert not any(modes(model).values())
    before = copy.deepcopy(network.state_dict())
    network.train()(torch.randn(4, 1, 8, 8))
    moved = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    assert {name.rpartition(".")[0] for name in moved} == modes(network).keys() - frozen


def test_a_copy_of_a_frozen_network_has_norms_of_its_own(network: nn.Module) -> None:
    freeze(network, ["norms"])
    twin = copy.deepcopy(network)
    assert twin.bn1.train.norm is twin.bn1
    again = pickle.loads(pickle.dumps(network))
    assert not any(modes(again.train()).values())


def test_norms_without_weights_are_frozen_with_their_part() -> None:
    model = nn.Sequential(nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2, affine=False)), nn.Linear(2, 2))
    bare = nn.Sequential(nn.BatchNorm2d(2, affine=False, track_running_stats=False), nn.Linear(2, 2))
    assert set(freeze(model, ["0"])) >= {"0.0.weight", "0.1.running_mean"}
    freeze(bare, ["norms"])
    for network in (model, bare):
        network.train()
        norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
        assert not any(norm.training for norm in norms)


def test_what_is_frozen_has_no_memory_in_the_optimizer(network: nn.Module) -> None:
    keys = freeze(network, ["stem", "stage2"])
    built = optimizer.build_optimizer(network, Recipe())
    network.train()(torch.randn(4, 1, 8, 8)).sum().backward()
    built.step()
    names = {name.rpartition("/")[0] for name in optimizer.state_tensors(built, network)}
    assert names == {name for name, _ in network.named_parameters()} - set(keys)


@pytest.mark.parametrize("pattern", ["stege", "layer9", "*.bn7.*", "", "norm", "."])
def test_an_unknown_pattern_is_refused_with_the_names_there_are(network: nn.Module, pattern: str) -> None:
    with pytest.raises(RunError) as caught:
        freeze(network, ["stem", pattern])
    assert str(caught.value) == (
        f"the network has no part `{pattern}`; there are `norms`, `stem`, `stage1`, `stage2`, `stage3`, "
        "`head`; by their own names `conv1`, `bn1`, `layer1`, `layer2`, `layer3`, `fc`; or a pattern such as `*.bn1.*`"
    )
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_a_network_of_which_all_is_frozen_is_refused(network: nn.Module) -> None:
    with pytest.raises(RunError, match="^`\\*` would freeze the whole network: nothing is left to train"):
        freeze(network, ["*"])


def test_rates_of_parts(network: nn.Module) -> None:
    built = optimizer.build_optimizer(network, Recipe(learning_rate=0.1, head_lr_ratio=10, layer_decay=0.5))
    optimizer.set_learning_rate(built, 0.1)
    rates = {id(parameter): group["lr"] for group in built.param_groups for parameter in group["params"]}
    by_name = {name: rates[id(parameter)] for name, parameter in network.named_parameters()}
    expected = {"fc": 1.0, "layer3": 0.05, "layer2": 0.025, "layer1": 0.0125, "conv1": 0.00625, "bn1": 0.00625}
    assert by_name == {name: pytest.approx(expected[name.partition(".")[0]]) for name in by_name}
    plain = optimizer.build_optimizer(network, Recipe())
    assert [len(group["params"]) for group in plain.param_groups] == [10, 19]
