"""The shipped zoo: torchvision's and timm's residual nets under their own names, each equal to its record."""

import hashlib
import json
from functools import cache

import pytest
import torch
from torch import nn

from resnetc.compiler.checked_network import CheckedNetwork
from resnetc.compiler.driver.session import Session
from tests.oracle.fingerprint import FACTS, check, state_dict_sha256
from tests.oracle.rounding import check_to_rounding
from tests.support import import_module

LIBRARIES = {"torchvision": "tv", "timm": "timm"}

# Every net of the family, by the file that it stands in.
NAMES = {
    "torchvision/resnet": """
        resnet18 resnet34 resnet50 resnet101 resnet152 resnext50_32x4d resnext101_32x8d resnext101_64x4d
        wide_resnet50_2 wide_resnet101_2
    """,
    "torchvision/video": "r3d_18 mc3_18 r2plus1d_18",
    "timm/resnet": """
        resnet10t resnet14t resnet18 resnet18d resnet34 resnet34d resnet26 resnet26t resnet26d resnet50 resnet50c
        resnet50d resnet50s resnet50t resnet101 resnet101c resnet101d resnet101s resnet152 resnet152c resnet152d
        resnet152s resnet200 resnet200d wide_resnet50_2 wide_resnet101_2 resnet50_gn resnext50_32x4d resnext50d_32x4d
        resnext101_32x4d resnext101_32x8d resnext101_32x16d resnext101_32x32d resnext101_64x4d ecaresnet26t
        ecaresnet50d ecaresnet50d_pruned ecaresnet50t ecaresnetlight ecaresnet101d ecaresnet101d_pruned ecaresnet200d
        ecaresnet269d ecaresnext26t_32x4d ecaresnext50t_32x4d seresnet18 seresnet34 seresnet50 seresnet50t seresnet101
        seresnet152 seresnet152d seresnet200d seresnet269d seresnext26d_32x4d seresnext26t_32x4d seresnext50_32x4d
        seresnext101_32x4d seresnext101_32x8d seresnext101d_32x8d seresnext101_64x4d senet154 resnetblur18 resnetblur50
        resnetblur50d resnetblur101d resnetaa34d resnetaa50 resnetaa50d resnetaa101d seresnetaa50d
        seresnextaa101d_32x8d seresnextaa201d_32x8d resnetrs50 resnetrs101 resnetrs152 resnetrs200 resnetrs270
        resnetrs350 resnetrs420 test_resnet
    """,
    "timm/resnetv2": """
        resnetv2_50x1_bit resnetv2_50x3_bit resnetv2_101x1_bit resnetv2_101x3_bit resnetv2_152x2_bit
        resnetv2_152x4_bit resnetv2_18 resnetv2_18d resnetv2_34 resnetv2_34d resnetv2_50 resnetv2_50d resnetv2_50t
        resnetv2_101 resnetv2_101d resnetv2_152 resnetv2_152d resnetv2_50d_gn resnetv2_50d_evos resnetv2_50d_frn
    """,
    "timm/sknet": "skresnet18 skresnet34 skresnet50 skresnet50d skresnext50_32x4d",
    "timm/res2net": """
        res2net50_26w_4s res2net101_26w_4s res2net50_26w_6s res2net50_26w_8s res2net50_48w_2s res2net50_14w_8s
        res2next50 res2net50d res2net101d
    """,
    "timm/resnest": """
        resnest14d resnest26d resnest50d resnest101e resnest200e resnest269e resnest50d_4s2x40d resnest50d_1s4x24d
    """,
    "timm/senet": """
        legacy_seresnet18 legacy_seresnet34 legacy_seresnet50 legacy_seresnet101 legacy_seresnet152 legacy_senet154
        legacy_seresnext26_32x4d legacy_seresnext50_32x4d legacy_seresnext101_32x4d
    """,
}

# One net of each kind: the outputs that every run compares.
KINDS = """
    timm/ecaresnet26t timm/resnetaa50 timm/resnetblur50 timm/resnetrs101 timm/resnetv2_50 timm/resnetv2_50d_evos
    timm/resnetv2_50x1_bit timm/skresnet18 timm/res2net50_14w_8s timm/resnest14d timm/legacy_seresnet18 timm/senet154
    timm/ecaresnet101d_pruned timm/test_resnet tv/mc3_18 tv/r2plus1d_18
""".split()

# Nets that magnify rounding: two float32 executions of one module differ by more than 1e-5 of the standard deviation.
SENSITIVE = {"timm/resnetv2_50x1_bit", "timm/resnetv2_50d_frn"}

RECORDS = {record["id"]: record for record in json.loads(FACTS.read_text())}
SPECS = {f"{LIBRARIES[spec.split('/')[0]]}/{net}": spec for spec, nets in NAMES.items() for net in nets.split()}


@cache
def zoo() -> dict[str, tuple[Session, CheckedNetwork]]:
    """Every net of the zoo by its library and name, expanded once for the tests of a process."""
    out = {}
    for spec in NAMES:
        session = Session()
        session.add(f"zoo/{spec}")
        for checked in session.networks():
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
    assert len(SPECS) == 145
    assert sorted(zoo()) == sorted(SPECS)
    assert max(session.spent for session, _ in zoo().values()) < 1_000_000  # of the 20 million that one file may cost


def test_every_net_has_the_common_parameters() -> None:
    for net, (_, checked) in zoo().items():
        assert {"classes", "channels"} <= dict(checked.network.parameters).keys(), net


@pytest.mark.parametrize("net", RECORDS)
def test_parameters_keys_order_and_multiply_adds(net: str) -> None:
    record, checked, model = RECORDS[net], zoo()[net][1], built(net, "meta")
    assert sum(p.numel() for p in model.parameters()) == record["params"] == checked.measures.parameters
    assert state_dict_sha256(model) == record["sd_sha256"]
    order = hashlib.sha256("\n".join(name for name, _ in model.named_parameters()).encode()).hexdigest()
    assert order == record["param_order_sha256"]
    declared = checked.network.input
    assert [declared.channels, *declared.sizes] == record["input_size"]
    assert checked.measures.multiply_adds(declared.sizes) == record["macs"]


@pytest.mark.parametrize("net", RECORDS)
def test_sizes_that_the_reference_refuses_are_not_accepted(net: str) -> None:
    axes = zoo()[net][1].accepted.axes
    for size, outputs in (RECORDS[net]["fingerprint"] or {}).items():
        accepted = all(int(n) in axis for n, axis in zip(size.split("x")[2:], axes, strict=True))
        assert accepted == (not isinstance(outputs, str)), f"{net} at {size}"


def agree(net: str) -> None:
    """Raises where a net computes something else than its record."""
    if net in SENSITIVE:
        check_to_rounding(built(net), net)
    else:
        assert check(built(net), net)


@pytest.mark.parametrize("net", KINDS)
def test_outputs_of_one_net_of_each_kind(net: str) -> None:
    agree(net)


@pytest.mark.slow
@pytest.mark.parametrize("net", [n for n, r in RECORDS.items() if r["fingerprint"] and n not in KINDS])
def test_outputs_of_every_recorded_net(net: str) -> None:
    agree(net)


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
