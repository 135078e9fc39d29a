"""What `--set` does to every net of the zoo: classes, channels, norm, activation, drops, dilation, features."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import resnetc
from resnetc.compiler.checked_network import CheckedNetwork
from resnetc.compiler.codegen.fingerprint import digests
from resnetc.compiler.driver.session import Session
from resnetc.compiler.ir.network import Leaf, Module, Sequence
from resnetc.compiler.measures.summary import list_state_dict_keys
from tests.oracle.fingerprint import fill_
from tests.oracle.test_zoo import zoo
from tests.oracle.zoo_nets import LIBRARIES, NAMES, SPECS
from tests.support import SHIPPED

VIDEO = "torchvision/video"  # its stem has no pool
# The strides of nets that have another number of stages than four.
FIVE_STAGES = {
    net: [4, 8, 16, 32, 32] if "gernet" in net else [2, 4, 8, 16, 32]
    for net in SPECS
    if "gernet" in net or "darknet" in net and "cs3" not in net
}
WITHOUT_CLASSES = {net for net in SPECS if "clip_gap" in net}  # their outputs are the means
WITHOUT_NORM = {"torchvision/squeezenet", "timm/nfnet"}
# The shortcut that projects for its stride alone: where the block dilates instead, the reference has none either.
PROJECTS_A_STRIDE = {"timm/xception71": "blocks.4.shortcut."}
ONE = {"classes": "10", "channels": "1"}


def with_settings(specs: list[str], **settings: str) -> dict[str, CheckedNetwork]:
    """Every net of some specs with these settings."""
    out = {}
    for spec in specs:
        session = Session(shared=SHIPPED)
        session.add(f"zoo/{spec}")
        for checked in session.compile_networks(None, list(settings.items())):
            out[f"{LIBRARIES[spec.split('/')[0]]}/{checked.network.model}"] = checked
        assert not session.sink.diagnostics, session.sink.diagnostics[0]
    assert sorted(out) == sorted(net for net, spec in SPECS.items() if spec in specs)
    return out


@pytest.fixture(scope="module")
def plain() -> dict[str, CheckedNetwork]:
    return {net: checked for net, (_, checked) in zoo().items()}


def strides(checked: CheckedNetwork) -> list[int]:
    """The strides of the stages, in space."""
    return [s.stride[-1] if isinstance(s.stride, tuple) else s.stride for s in checked.measures.stages]


def leaves(module: Module, seen: set[int] | None = None) -> Iterator[str]:
    """The primitives of a network, those of equal modules once."""
    seen = set() if seen is None else seen
    if id(module) in seen:
        return
    seen.add(id(module))
    if isinstance(module, Leaf):
        yield module.primitive.name
    elif isinstance(module, Sequence):
        for _, child in module.children:
            yield from leaves(child, seen)
    else:
        for step in module.steps:
            if not isinstance(step.operation, str):
                yield from leaves(step.operation, seen)


def test_nets_that_refuse_sizes_in_between_say_so_at_their_input(plain: dict[str, CheckedNetwork]) -> None:
    """Averages and pools that drop the last row of an odd map: only multiples of 32 are promised, as recorded."""
    holes = {net for net, checked in plain.items() if any(axis.period > 1 for axis in checked.accepted.axes)}
    partial = ("resnetaa", "resnextaa", "/dla", "clip_gap", "resnet50_mlp", "tresnet")
    assert holes == {net for net in SPECS if any(name in net for name in partial)}
    for net in holes:
        promised = plain[net].network.input.conditions
        assert {condition.axis for condition in promised} == {0, 1}, net
        for axis, accepted in enumerate(plain[net].accepted.axes):
            step, least = (4, 20) if "tresnet" in net else (32, 32)  # cells of 4x4 positions
            sizes = [condition.sizes for condition in promised if condition.axis == axis]
            assert [n for n in range(1, 400) if all(n in s for s in sizes)] == list(range(least, 400, step)), net
            assert all(n in accepted for n in range(least, 400, step)), net


def can_dilate(plain: dict[str, CheckedNetwork]) -> set[str]:
    """The specs whose references take an output stride; the others have 32 and nothing else."""
    return {SPECS[net] for net, checked in plain.items() if "output_stride" in dict(checked.network.parameters)}


@pytest.mark.parametrize("halvings", [1, 2])
def test_output_strides(halvings: int, plain: dict[str, CheckedNetwork]) -> None:
    """The stages have the strides that were asked for; what dilates, activates or drops has no keys."""
    more = {"act": "silu", "drop": "drops.linear_depth(0.1)", "dropout": "0.25"} if halvings == 1 else {}
    flat = [spec for spec in NAMES if spec != VIDEO and spec in can_dilate(plain)]
    nets = with_settings(flat, output_stride=str(32 >> halvings), **more)
    nets |= with_settings([VIDEO], output_stride=str(16 >> halvings), **more)
    for net, checked in nets.items():
        last = 16 if SPECS[net] == VIDEO else 32
        assert strides(plain[net]) == FIVE_STAGES.get(net, [last // 8, last // 4, last // 2, last]), net
        assert strides(checked) == [min(s, last >> halvings) for s in strides(plain[net])], net
        if halvings == 2 and net in PROJECTS_A_STRIDE:
            remaining = [
                key for key in list_state_dict_keys(plain[net].network) if not key[0].startswith(PROJECTS_A_STRIDE[net])
            ]
            assert remaining == list_state_dict_keys(checked.network) != list_state_dict_keys(plain[net].network), net
            continue
        assert digests(checked.network)[0] == digests(plain[net].network)[0], net
        assert checked.measures.parameters == plain[net].measures.parameters, net
        if more:
            used = set(leaves(checked.network.root))
            assert {"silu", "drop_path", "dropout"} <= used, net


def test_classes_channels_and_norm(plain: dict[str, CheckedNetwork]) -> None:
    """Group norm has the parameters of batch norm; a net that is its own activation stays without one."""
    nets = with_settings([spec for spec in NAMES if spec not in WITHOUT_NORM], norm="group_norm(groups=1)", **ONE)
    nets |= with_settings([*WITHOUT_NORM], **ONE)
    for net, checked in nets.items():
        (out,) = checked.network.root.outputs
        assert (checked.network.root.shape_in.channels, out.channels) == (1, 10), net
        assert not {"batch_norm", "evo_norm_s0", "response_norm"} & set(leaves(checked.network.root)), net
        assert checked.measures.parameters < plain[net].measures.parameters or net in WITHOUT_CLASSES, net


def test_features_are_the_stages_without_the_head(plain: dict[str, CheckedNetwork]) -> None:
    for net, checked in with_settings([*NAMES], features="true").items():
        whole, root = plain[net].network, checked.network.root
        assert checked.network.features, net
        assert [(s.name, s.out) for s in checked.measures.stages] == [
            (s.name, s.out) for s in plain[net].measures.stages
        ]
        keys = [step.path for step in root.steps]
        assert keys == [step.path for step in whole.root.steps][: len(keys)], net
        assert checked.measures.parameters < plain[net].measures.parameters or net in WITHOUT_CLASSES, net


def built(net: str, **settings: Any) -> nn.Module:
    spec, model = SPECS[net], net.split("/")[1]
    return fill_(resnetc.load(f"zoo/{spec}", model=model, **settings))


@pytest.mark.parametrize(
    ("net", "size", "stride", "settings"),
    [
        ("tv/resnet18", (75, 89), 8, {}),
        ("timm/resnet26", (75, 89), 8, {"shortcut": "shortcuts.project(kernel=3)"}),
        ("timm/resnetv2_18", (75, 89), 8, {}),
        ("timm/legacy_seresnet18", (75, 89), 8, {"attention": "identity"}),
        ("timm/legacy_seresnet50", (75, 89), 8, {"attention": "identity"}),
        ("tv/mc3_18", (3, 43, 57), 4, {}),
        ("tv/r2plus1d_18", (9, 43, 57), 4, {}),
        # Filters and averages do not dilate: a second dilated stage computes something else, in the reference too.
        ("timm/resnetblur18", (75, 89), 16, {}),
        ("timm/resnet14t", (64, 96), 16, {}),
        ("timm/test_resnet", (64, 96), 16, {}),
        ("timm/resnetv2_18d", (64, 96), 16, {}),
        ("timm/res2net50_48w_2s", (75, 89), 16, {}),
    ],
)
@torch.no_grad()
def test_a_dilated_net_has_the_strided_one_in_between(
    net: str, size: tuple[int, ...], stride: int, settings: Any
) -> None:
    """In a stage that dilates, every second position (every fourth at twice the dilation) is the strided stage."""
    x = torch.rand((1, 3, *size), generator=torch.Generator().manual_seed(0))
    whole = built(net, features=True, **settings)(x)
    dilated = built(net, features=True, output_stride=stride, **settings)(x)
    steps = (1, 1, 1, 2) if stride == 16 else (1, 1, 2, 4)
    for step, (name, strided) in zip(steps, whole.items(), strict=True):
        torch.testing.assert_close(
            dilated[name][..., ::step, ::step], strided, rtol=1e-4, atol=1e-4 * float(strided.std())
        )


@torch.no_grad()
def test_the_average_of_a_dilated_shortcut() -> None:
    """The 2x2 mean of a shortcut in D nets, as the reference takes it: zeros behind the map count."""
    layer4 = resnetc.load("zoo/timm/resnet", model="resnet18d", output_stride=16).get_submodule("layer4")
    pool = layer4.get_submodule("0.downsample.0")
    x = torch.rand(1, 4, 5, 7)
    assert torch.equal(pool(x), F.avg_pool2d(F.pad(x, (0, 1, 0, 1)), 2, 1))
    assert [m.dilation for m in layer4.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3)] == [
        (1, 1),
        (2, 2),
        (2, 2),
        (2, 2),
    ]


@torch.no_grad()
@pytest.mark.parametrize(
    "net", ["timm/skresnet18", "timm/resnest14d", "timm/resnetv2_50d_evos", "timm/legacy_seresnet18"]
)
def test_real_modules_with_every_option(net: str) -> None:
    """Three classes from one channel, another activation, drops while training; maps of stride 8 as features."""
    options = {"channels": 1, "act": "silu", "drop": "drops.linear_depth(0.5)", "output_stride": 8}
    model = resnetc.load(f"zoo/{SPECS[net]}", model=net.split("/")[1], classes=3, dropout=0.5, **options)
    x = torch.rand(2, 1, 64, 64)
    assert model.eval()(x).shape == (2, 3)
    assert torch.equal(model(x), model(x))
    model.train()
    assert not torch.equal(model(x), model(x))
    maps = resnetc.load(f"zoo/{SPECS[net]}", model=net.split("/")[1], features=True, **options).eval()(x)
    assert [tuple(m.shape[2:]) for m in maps.values()] == [(16, 16), (8, 8), (8, 8), (8, 8)]
