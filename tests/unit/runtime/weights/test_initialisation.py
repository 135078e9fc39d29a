"""Weights of torchvision's and timm's names, in their wrappers, for other channels and classes: what a network starts
from, and what is said."""

import re
from functools import cache
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from resnetc.runtime.errors import RunError
from resnetc.runtime.run import checkpoint
from resnetc.runtime.weights.adaptation import adapt_channels
from resnetc.runtime.weights.initialisation import Initialisation, read_initialisation
from resnetc.runtime.weights.source import find_weight_file
from tests.oracle.fingerprint import read_records, state_dict_sha256
from tests.support import compile_network, import_module

State = dict[str, Tensor]


@cache
def built(spec: str, model: str | None = None, **settings: int) -> nn.Module:
    """A network whose weights are all one number: faster than random ones."""
    network = on_meta(spec, model, **settings).to_empty(device="cpu")
    for value in network.state_dict().values():
        value.fill_(7)
    return network


def on_meta(spec: str, model: str | None = None, **settings: int) -> nn.Module:
    with torch.device("meta"):
        network: nn.Module = import_module(compile_network(spec, model, **settings)[1]).build()
        return network


@cache
def library_state(spec: str, record: str) -> State:
    """A state dict with the names and shapes of a library's network, whose digest the records have; small in a file,
    because every tensor but the first is one number."""
    torch.manual_seed(1)
    network = on_meta(spec)
    assert state_dict_sha256(network) == read_records()[record]["sd_sha256"]
    own = network.state_dict()
    state = {k: torch.tensor(number, dtype=v.dtype).expand(v.shape) for number, (k, v) in enumerate(own.items())}
    return state | {"conv1.weight": torch.randn(own["conv1.weight"].shape)}


def initial(network: nn.Module, path: Path, channels: int = 3, classes: int = 10) -> Initialisation:
    """Read a file, and start the network from it."""
    start = read_initialisation(find_weight_file(path), network, "net", channels, tuple(map(str, range(classes))))
    start.apply(network)
    return start


def trunk_is(network: nn.Module, state: State, but: tuple[str, ...]) -> bool:
    own = network.state_dict()
    return all(torch.equal(own[name], value) for name, value in state.items() if not name.startswith(but))


def test_torchvision_to_one_channel_and_other_classes(tmp_path: Path) -> None:
    state = library_state("imagenet/resnet18", "tv/resnet18")
    torch.save(state, tmp_path / "resnet18.pth")
    network = built("imagenet/resnet18", classes=10, channels=1)
    head = network.fc.weight.detach().fill_(1.5).clone()
    start = initial(network, tmp_path / "resnet18.pth", channels=1)
    assert start.record["report"] == [
        "100 of 102 tensors of `net`",
        "conv1.weight: 3 channels in the file, 1 here: their sum",
        "fc.weight, fc.bias: left out: 1000 classes in the file, 10 here",
    ]
    assert trunk_is(network, state, ("conv1", "fc"))
    assert torch.equal(network.fc.weight, head)
    grey = torch.randn(2, 1, 32, 32)
    before = torch.nn.functional.conv2d(grey.expand(-1, 3, -1, -1), state["conv1.weight"], stride=2, padding=3)
    torch.testing.assert_close(network.conv1(grey), before, atol=1e-4, rtol=1e-4)


def test_timm_to_four_channels_from_an_average_in_a_wrapper(tmp_path: Path) -> None:
    state = library_state("imagenet/seresnet50", "timm/seresnet50")
    plain = {f"module.{name}": value + 1 for name, value in state.items() if value.is_floating_point()}
    average = {f"module.{name}": value for name, value in state.items()} | {"n_averaged": torch.tensor(7)}
    torch.save({"epoch": 3, "model": plain, "optimizer": {"state": {}}, "model_ema": average}, tmp_path / "c.pth")
    network = built("imagenet/seresnet50", classes=5, channels=4)
    start = initial(network, tmp_path / "c.pth", channels=4, classes=5)
    assert start.record["report"] == [
        "329 of 331 tensors of `net`, in `model_ema`, averaged weights, without `module.` before their names",
        "conv1.weight: 3 channels in the file, 4 here: repeated and scaled",
        "fc.weight, fc.bias: left out: 1000 classes in the file, 5 here",
    ]
    assert trunk_is(network, state, ("conv1", "fc"))
    weight = state["conv1.weight"]
    assert torch.equal(network.conv1.weight, torch.cat([weight, weight[:, :1]], 1) * 0.75)


def small() -> tuple[nn.Module, State]:
    """CIFAR's ResNet-8 and other weights for it."""
    torch.manual_seed(0)
    network = built("cifar/resnet", depth=8)
    state = {
        name: torch.randn(value.shape) if value.is_floating_point() else torch.tensor(3)
        for name, value in network.state_dict().items()
    }
    return network, state


WRAPPED = {
    "alone": lambda state: state,
    "DistributedDataParallel": lambda state: {f"module.{k}": v for k, v in state.items()},
    "compiled": lambda state: {f"_orig_mod.{k}": v for k, v in state.items()},
    "compiled in DistributedDataParallel": lambda state: {f"module._orig_mod.{k}": v for k, v in state.items()},
    "its blocks compiled": lambda state: {re.sub(r"(layer\d\.\d)", r"\1._orig_mod", k): v for k, v in state.items()},
    "Lightning": lambda state: {
        "state_dict": {f"model.{k}": v for k, v in state.items()} | {"criterion.weight": torch.ones(10)},
        "pytorch-lightning_version": "2.0",
    },
    "Lightning, net": lambda state: {"state_dict": {f"net.{k}": v for k, v in state.items()}},
    "Lightning with an average": lambda state: {
        "state_dict": {f"model.{k}": v + 1 for k, v in state.items()}
        | {f"ema_model.module.{k}": v for k, v in state.items()}
    },
    "timm": lambda state: {"state_dict": {k: v + 1 for k, v in state.items()}, "state_dict_ema": state, "arch": "x"},
    "nested": lambda state: {"a": {"b": {"model": state}}},
    "parameters": lambda state: {
        k: nn.Parameter(v) if v.is_floating_point() else v for k, v in state.items() if "num_batches" not in k
    },
    "other names": lambda state: {k.replace("fc.", "linear."): v for k, v in state.items()},
    "half": lambda state: {k: v.to(torch.float16).to(v.dtype) for k, v in state.items()},
}


@pytest.mark.parametrize("wrapper", WRAPPED)
@pytest.mark.parametrize("zipped", [True, False])
def test_wrappers_are_seen_through(tmp_path: Path, wrapper: str, zipped: bool) -> None:
    network, state = small()
    expected = {k: v.half().float() for k, v in state.items() if v.is_floating_point()} if wrapper == "half" else state
    content = WRAPPED[wrapper](state)
    if wrapper == "half":
        content = {k: v.half() if v.is_floating_point() else v for k, v in content.items()}
    torch.save(content, tmp_path / "w.pth", _use_new_zipfile_serialization=zipped)
    start = initial(network, tmp_path / "w.pth")
    own = network.state_dict()
    counted = [name for name in expected if wrapper != "parameters" or "num_batches" not in name]
    assert [name for name in counted if not torch.equal(own[name], expected[name])] == []
    assert start.record["tensors"] == sum("num_batches" not in name for name in own)
    unused = {"Lightning": "1 of the file not used: criterion.weight", "Lightning with an average": "37 of"}
    assert [line[: len(unused.get(wrapper, ""))] for line in start.record["report"][1:]] == list(
        filter(None, [unused.get(wrapper)])
    )


def test_a_run_is_a_source_by_its_best_weights_or_its_last(tmp_path: Path) -> None:
    network, state = small()
    run = tmp_path / "run"
    run.mkdir()
    others = {name: value + 1 for name, value in state.items()}
    parts = {f"model/{k}": v for k, v in others.items()} | {f"average/{k}": v for k, v in state.items()}
    checkpoint.save(run / "last.ckpt", parts | {"loss_sum": torch.zeros(())}, {})
    start = initial(network, run)
    assert start.record["file"] == str(run / "last.ckpt")
    assert "in `average`, averaged weights" in start.report
    assert trunk_is(network, state, ())
    checkpoint.save(run / "best.safetensors", others, {})
    assert initial(network, run).record["file"] == str(run / "best.safetensors")
    assert trunk_is(network, others, ())


def test_torchvisions_published_densenets_have_other_names(tmp_path: Path) -> None:
    network = built("zoo/torchvision/densenet", "densenet121", classes=10)
    published = {
        re.sub(r"(denselayer\d+\.(?:norm|conv))([12])", r"\1.\2", name): torch.full_like(value, 0.5)
        for name, value in network.state_dict().items()
        if "num_batches" not in name
    }
    assert any(".norm.1." in name for name in published)
    torch.save(published, tmp_path / "densenet121.pth", _use_new_zipfile_serialization=False)
    start = initial(network, tmp_path / "densenet121.pth")
    assert start.record["report"] == ["606 of 606 tensors of `net`, by the names of torchvision's published DenseNets"]
    assert all(bool((value == 0.5).all()) for name, value in network.state_dict().items() if "num_batches" not in name)


def test_the_authors_convnext_has_other_names_and_shapes(tmp_path: Path) -> None:
    network = built("zoo/timm/convnext", "convnextv2_atto", classes=10)
    published = {}
    for name, value in network.state_dict().items():
        other = re.sub(r"^stem\.", "downsample_layers.0.", name)
        other = re.sub(r"stages\.(\d)\.downsample\.", r"downsample_layers.\1.", other)
        other = other.replace(".blocks.", ".").replace("conv_dw", "dwconv").replace("mlp.fc", "pwconv")
        other = other.replace("mlp.grn.bias", "grn.beta").replace("mlp.grn.weight", "grn.gamma")
        other = other.replace("head.norm.", "norm.").replace("head.fc.", "head.")
        if "grn" in other:
            value = value.reshape(1, 1, 1, -1)
        elif "pwconv" in other and value.ndim > 1:
            value = value.flatten(1)
        published[other] = torch.full_like(value, 0.25)
    torch.save({"model": published}, tmp_path / "convnextv2.pt")
    start = initial(network, tmp_path / "convnextv2.pt")
    assert start.report.endswith("in `model`, by the names of the authors' ConvNeXts")
    assert all(bool((value == 0.25).all()) for value in network.state_dict().values())


@pytest.mark.parametrize(
    ("spec", "model", "weights"),
    [
        ("zoo/timm/byobnet", "repvgg_a0", ["stem.conv_kxk.conv.weight", "stem.conv_1x1.conv.weight"]),
        ("zoo/timm/tresnet", "tresnet_m", ["body.conv1.conv.weight"]),
        ("zoo/torchvision/video", "r3d_18", ["stem.0.weight"]),
        ("zoo/timm/resnet", "resnet18d", ["conv1.0.weight"]),
    ],
)
@pytest.mark.parametrize("channels", [1, 4])
def test_every_convolution_of_the_image_is_adapted(
    tmp_path: Path, spec: str, model: str, weights: list[str], channels: int
) -> None:
    """Also behind space-to-depth, whose channels are there position by position, and with three axes."""
    values = on_meta(spec, model).state_dict()
    stem = {
        k: torch.randn(v.shape) if k in weights else torch.zeros((), dtype=v.dtype).expand(v.shape)
        for k, v in values.items()
    }
    torch.save(stem, tmp_path / "w.pth")
    network = on_meta(spec, model, channels=channels)
    start = read_initialisation(tmp_path / "w.pth", network, "net", channels, ("",) * 1000)
    adapted = [line for line in start.record["report"] if "channels in the file" in line]
    assert [line.partition(":")[0] for line in adapted] == weights
    for name in weights:
        ours, theirs = (
            weight.unflatten(1, (-1, n)) for weight, n in ((start.tensors[name], channels), (stem[name], 3))
        )
        first = theirs.sum(2) if channels == 1 else theirs[:, :, 0] * 0.75
        torch.testing.assert_close(ours[:, :, 0], first)
        torch.testing.assert_close(ours[:, :, -1], first)  # of four channels the last is the first again
    assert {name: value.shape for name, value in start.tensors.items()} == {
        name: value.shape for name, value in network.state_dict().items()
    }


@pytest.mark.parametrize(("inputs", "channels"), [(3, 1), (3, 3), (3, 6), (1, 3), (4, 1), (2, 12)])
def test_images_of_equal_channels_give_what_they_gave(inputs: int, channels: int) -> None:
    weight = torch.randn(4, inputs, 3, 3, dtype=torch.float64)
    torch.testing.assert_close(adapt_channels(weight, channels).sum(1), weight.sum(1).float())


@pytest.mark.parametrize(("inputs", "channels"), [(3, 2), (3, 4), (3, 7), (4, 3), (13, 5)])
def test_other_numbers_of_channels_are_the_files_in_turn(inputs: int, channels: int) -> None:
    weight = torch.randn(4, inputs, 3)
    adapted = adapt_channels(weight, channels)
    assert adapted.shape == (4, channels, 3)
    for channel in range(channels):
        torch.testing.assert_close(adapted[:, channel], weight[:, channel % inputs] * inputs / channels)


def test_a_file_of_another_network_is_refused_with_what_it_has(tmp_path: Path) -> None:
    torch.save(library_state("imagenet/resnet18", "tv/resnet18"), tmp_path / "resnet18.pth")
    network = on_meta("imagenet/seresnet50", classes=10)
    with pytest.raises(RunError) as caught:
        read_initialisation(tmp_path / "resnet18.pth", network, "seresnet50", 3, ("",) * 10)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path}/resnet18.pth: weights of another network: ")
    assert "of 331 tensors of `seresnet50`" in message
    assert "layer1.0.conv1.weight [64, 64, 3, 3], here [64, 64, 1, 1]" in message
    assert "not in the file: layer1.0.conv3.weight" in message


def test_a_file_without_a_head_is_that_of_the_same_network(tmp_path: Path) -> None:
    """Also where the head has most of the weights."""
    network = built("cifar/resnet", depth=8, classes=5000)
    state = {name: value + 1 for name, value in network.state_dict().items() if not name.startswith("fc.")}
    assert sum(value.numel() for value in state.values()) < network.fc.weight.numel()
    torch.save(state, tmp_path / "w.pth")
    start = initial(network, tmp_path / "w.pth", classes=5000)
    assert start.record["report"] == ["35 of 37 tensors of `net`", "2 not in the file: fc.weight, fc.bias"]


def test_what_does_not_fit_is_left_as_it_was_and_said(tmp_path: Path) -> None:
    network, state = small()
    untouched = {name: value.clone() for name, value in network.state_dict().items()}
    other = dict(state)
    other["layer2.0.conv1.weight"] = torch.zeros(32, 16, 5, 5)
    other["bn1.weight"] = torch.ones(16, dtype=torch.int32)
    del other["layer1.0.bn1.bias"]
    save_file(other | {"aux.weight": torch.zeros(3)}, tmp_path / "w.safetensors")
    start = initial(network, tmp_path / "w.safetensors")
    assert start.record["report"][1:] == [
        "1 of another shape, left out: layer2.0.conv1.weight [32, 16, 5, 5], here [32, 16, 3, 3]",
        "1 of another dtype, left out: bn1.weight",
        "1 not in the file: layer1.0.bn1.bias",
        "1 of the file not used: aux.weight",
    ]
    own = network.state_dict()
    for name in ("layer2.0.conv1.weight", "bn1.weight", "layer1.0.bn1.bias"):
        assert torch.equal(own[name], untouched[name])


def test_a_head_for_as_many_classes_is_taken(tmp_path: Path) -> None:
    network, state = small()
    torch.save(state, tmp_path / "w.pth")
    count = sum("num_batches" not in name for name in state)
    assert initial(network, tmp_path / "w.pth").record["report"] == [f"{count} of {count} tensors of `net`"]
    assert torch.equal(network.fc.weight, state["fc.weight"])


def test_the_head_of_a_run_is_taken_for_the_same_classes_alone(tmp_path: Path) -> None:
    network, state = small()
    named = [str(number) for number in range(10)]
    checkpoint.save(tmp_path / "same", state, {"preprocessing": {"classes": named}})
    checkpoint.save(tmp_path / "others", state, {"preprocessing": {"classes": [*named[:9], "ten"]}})
    checkpoint.save(tmp_path / "strange", state, {"preprocessing": {"classes": 3}})
    for name, line in (
        ("same", []),
        ("others", ["fc.weight, fc.bias: left out: other classes in the file, 10 here"]),
        ("strange", []),
    ):
        assert initial(network, tmp_path / name).record["report"][1:] == line


def test_weights_keep_the_networks_memory_layout(tmp_path: Path) -> None:
    network, state = small()
    network.to(memory_format=torch.channels_last)
    torch.save(state, tmp_path / "w.pth")
    initial(network, tmp_path / "w.pth")
    assert network.get_parameter("layer2.0.conv1.weight").is_contiguous(memory_format=torch.channels_last)
