"""The shipped zoo: torchvision's and timm's residual nets under their own names, each equal to its record."""

from functools import cache

import pytest
import torch
from torch import nn

from resnetc.compiler.checked_network import CheckedNetwork
from resnetc.compiler.driver.session import Session
from tests.oracle.records import RECORDS, compare_form, compare_outputs
from tests.oracle.zoo_nets import KINDS, LIBRARIES, NAMES, SPECS
from tests.support import SHIPPED, import_module

# Those that have a record and are shipped.
RECORDED = [net for net in RECORDS if net in SPECS]

# Half of the kinds in every run, the others in the slow tests.
FEW_KINDS = [pytest.param(net, marks=pytest.mark.slow if number % 2 else ()) for number, net in enumerate(KINDS)]

# Of every file one of each kind and each third net; the others wait for the slow tests, as `make records` compares all.
QUICK = {*KINDS, *(net for spec in NAMES for net in [n for n in RECORDED if SPECS[n] == spec][::3])}


@cache
def zoo() -> dict[str, tuple[Session, CheckedNetwork]]:
    """Every net of the zoo by its library and name, expanded once for the tests of a process."""
    out = {}
    for spec in NAMES:
        session = Session(shared=SHIPPED)
        session.add(f"zoo/{spec}")
        for checked in session.compile_networks():
            out[f"{LIBRARIES[spec.split('/')[0]]}/{checked.network.name}"] = session, checked
        assert not session.sink.diagnostics
    return out


@cache
def source_of(net: str) -> str:
    session, checked = zoo()[net]
    return session.render(checked)


def built(net: str, device: str = "cpu") -> nn.Module:
    module = import_module(source_of(net))
    with torch.device(device):
        model: nn.Module = module.build()
        return model


def test_the_zoo_is_the_family_and_costs_little_work() -> None:
    assert sorted(zoo()) == sorted(SPECS)
    assert (
        max(session.file_cost for session, _ in zoo().values()) < 1_000_000
    )  # of the 20 million that one file may cost


def test_every_net_has_the_common_parameters() -> None:
    for net, (_, checked) in zoo().items():
        assert {"classes", "channels"} <= dict(checked.network.parameters).keys(), net


@pytest.mark.parametrize("net", [pytest.param(net, marks=() if net in QUICK else pytest.mark.slow) for net in RECORDED])
def test_parameters_keys_order_multiply_adds_and_sizes(net: str) -> None:
    assert compare_form(net, zoo()[net][1], built(net, "meta")) == {}


@pytest.mark.parametrize("net", FEW_KINDS)
def test_outputs_of_one_net_of_each_kind(net: str) -> None:
    compare_outputs(net, lambda: built(net))


@pytest.mark.slow
@pytest.mark.parametrize("net", [n for n in RECORDED if RECORDS[n]["fingerprint"] and n not in KINDS])
def test_outputs_of_every_recorded_net(net: str) -> None:
    compare_outputs(net, lambda: built(net))


@pytest.mark.parametrize(
    ("net", "key", "gain"),
    [
        ("timm/resnet18", "layer1.0.bn2", 0),
        ("timm/test_resnet", "layer3.0.bn3", 0),
        ("timm/res2net50d", "layer1.0.bn3", 0),
        ("timm/resnest14d", "layer1.0.bn3", 0),
        ("timm/skresnet18", "layer1.0.conv2.bn", 1),
        ("timm/ecaresnet50d_pruned", "layer1.0.bn3", 1),
        ("timm/legacy_seresnet18", "layer1.0.bn2", 1),
        ("tv/resnet18", "layer1.0.bn2", 1),
    ],
)
def test_the_last_norm_of_a_block_starts_where_the_reference_has_it(net: str, key: str, gain: int) -> None:
    assert set(built(net).get_submodule(key).weight.tolist()) == {gain}
