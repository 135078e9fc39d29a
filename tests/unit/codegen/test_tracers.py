"""Generated modules go through torch's tracers; `forward` computes no axes, for they are known when it is written."""

import ast
import itertools
import json
import pickle
import sys
import types
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import resnetc
from resnetc.testing import assert_network_agrees, trials
from tests.support import build

OPERATIONS = {
    "drop_path": "drop_path(0.5)",
    "pad_channels": "pad_channels(12)",
    "pad_channels on both sides": "pad_channels(12, before=2)",
    "pad_channels around": "pad_channels(12, before=3)",
    "global_max_pool": "a: (global_max_pool |> relu)",
    "global_sum_pool": "a: (global_sum_pool |> relu)",
    "position_softmax": "position_softmax",
    "channel_mean": "channel_mean |> a: (channel_mean |> relu)",
    "channel_max": "channel_max |> a: (channel_max |> relu)",
    "evo_norm_s0": "evo_norm_s0(groups=4)",
    "response_norm": "response_norm",
    "blur_pool": "blur_pool(kernel=3, stride=2)",
    "subsample": "subsample(2)",
    "regroup": "regroup(2, parts=2)",
    "std_conv": "std_conv(8, kernel=3)",
    "space_to_depth": "space_to_depth(2)",
    "scaled_std_conv": "std_conv(8, kernel=3, scaled=true)",
    "map_layer_norm": "layer_norm",
    "map_linear": "linear(5)",
    "rms_norm": "rms_norm",
    "instance_norm": "instance_norm",
    "global_response_norm": "global_response_norm",
    "prelu": "prelu",
    "split, softmax and sum": "gate",
    "split in unequal parts": "swap",
    "reshape": "norm |> reshape([4, 8, 8])",
}
SIZES = {1: "[8, 16] = [8, 16]", 2: "[8, 4, 8] = [8, 4, 8]", 3: "[8, 4, 4, 4] = [8, 4, 4, 4]"}
NETS = [
    ("cifar/resnet", {"depth": 8}),
    ("cifar/preact", {"depth": 20}),
    ("imagenet/resnet18", {}),
    ("imagenet/seresnet50", {}),
    ("resnest14d", {}),
    ("skresnet18", {}),
    ("res2net50_14w_8s", {}),
    ("resnetaa50", {}),
    ("resnetv2_50x1_bit", {}),
    ("r3d_18", {}),
]

INDEX = json.loads((Path(resnetc.__file__).parent / "specs" / "networks.json").read_text(encoding="utf-8"))
EVERY_NETWORK = [(network["spec"], network["name"]) for network in INDEX["networks"]]


def net(operation: str, rank: int) -> str:
    gate = "block gate() {\n  let w = in |> split(2) |> softmax\n  out = w |> sum\n}\n"
    gate += "block swap() {\n  let p = in |> split([3, 5])\n  out = [p[1], p[0]] |> concat\n}\n"
    block = f"block unit() {{ out = in |> conv(8, kernel=3) |> {operation} }}\n"
    model = f"model net() {{\n  input {SIZES[rank]}\n  stem = unit\n  head = identity\n}}\n"
    return f"edition 1\n{gate}{block}{model}"


NUMBERS = itertools.count()


@pytest.fixture
def imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], nn.Module]:
    """Write a module and import it, as users do: scripting reads the file, pickling finds the class."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(source: str) -> nn.Module:
        name = f"traced_{next(NUMBERS)}"
        (tmp_path / f"{name}.py").write_text(source, encoding="utf-8")
        module: types.ModuleType = __import__(name)
        monkeypatch.delitem(sys.modules, name, raising=False)
        monkeypatch.setitem(sys.modules, name, module)
        model = module.build()
        assert isinstance(model, nn.Module)
        return model.eval()

    return make


def computed_axes(source: str) -> list[str]:
    """Where a `forward` asks a value for its number of axes, or repeats a tuple."""
    forwards = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.FunctionDef) and n.name == "forward"]
    inside = [node for forward in forwards for node in ast.walk(forward)]
    asked = [n for n in inside if isinstance(n, ast.Attribute) and n.attr in ("ndim", "dim")]
    repeated = [n for n in inside if isinstance(n, ast.BinOp) and isinstance(n.left, ast.Tuple)]
    return [ast.unparse(node) for node in (*asked, *repeated)]


def assert_traces(model: nn.Module, image: Tensor) -> None:
    with torch.no_grad():
        expected = model(image)
        for traced in (
            torch.fx.symbolic_trace(model),
            torch.compile(model, fullgraph=True, backend="eager"),
            torch.export.export(model, (image,)).module(),
        ):
            torch.testing.assert_close(traced(image), expected)


@pytest.mark.parametrize("rank", SIZES)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_goes_through_the_tracers(operation: str, rank: int) -> None:
    if operation == "reshape" and rank != 2:
        pytest.skip("the shape is that of two axes")
    (trial,) = trials(net(OPERATIONS[operation], rank))
    assert computed_axes(trial.source) == []
    assert_traces(build(trial.source).eval(), torch.randn(2, 8, *trial.network.input.sizes))
    torch.compiler.reset()


@pytest.mark.parametrize(("name", "settings"), NETS, ids=[name for name, _ in NETS])
def test_no_forward_of_a_shipped_network_computes_axes(name: str, settings: dict[str, int]) -> None:
    compiled = resnetc.compile(name, **settings)
    assert computed_axes(compiled.source) == []
    torch.fx.symbolic_trace(build(compiled.source).eval())


@pytest.mark.slow
@pytest.mark.parametrize(("name", "settings"), NETS, ids=[name for name, _ in NETS])
def test_a_network_of_each_kind_goes_through_the_tracers(name: str, settings: dict[str, int]) -> None:
    compiled = resnetc.compile(name, **settings)
    declared = compiled.network.input
    assert_traces(build(compiled.source).eval(), torch.randn(2, declared.channels, *declared.sizes))
    torch.compiler.reset()


MIXED = """edition 1
block unit() {
  let a = in |> drop_path(0.5) |> pad_channels(16) |> evo_norm_s0(groups=4) |> response_norm
             |> blur_pool(kernel=3, stride=2) |> subsample(2) |> regroup(2, parts=2)
  let b = a |> reshape([32, 2]) |> drop_path(0.5) |> pad_channels(40) |> evo_norm_s0(groups=4) |> response_norm
            |> blur_pool(kernel=3) |> subsample(2) |> regroup(2, parts=2)
  out = b |> flatten |> drop_path(0.5) |> pad_channels(50) |> evo_norm_s0(groups=5)
}
model net() {
  input [8, 8, 8] = [8, 8, 8]
  stem = unit
  head = linear(10)
}
"""


def test_maps_of_several_ranks_have_a_class_for_each() -> None:
    (trial,) = trials(MIXED)
    assert_network_agrees(trial, [(8, 8)])
    defined = [node.name for node in ast.parse(trial.source).body if isinstance(node, ast.ClassDef)]
    assert len(defined) == len(set(defined))
    assert {"DropPath0d", "DropPath1d", "DropPath2d", "BlurPool1d", "BlurPool2d"} <= set(defined)


def script(model: nn.Module, image: Tensor) -> None:
    expected = model(image)
    torch.testing.assert_close(torch.jit.script(model)(image), expected)


def quantize(model: nn.Module, image: Tensor) -> None:
    from torch.ao.quantization import get_default_qconfig_mapping
    from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx

    expected = model(image)
    prepared = prepare_fx(model, get_default_qconfig_mapping("x86"), (image,))
    prepared(image)
    assert convert_fx(prepared)(image).shape == expected.shape


def quantize_while_training(model: nn.Module, image: Tensor) -> None:
    from torch.ao.quantization import get_default_qat_qconfig_mapping
    from torch.ao.quantization.quantize_fx import convert_fx, prepare_qat_fx

    expected = model(image)
    for module in model.modules():  # torch divides by these weights, and a norm that ends a branch may start at 0
        if isinstance(module, nn.BatchNorm2d):
            nn.init.ones_(module.weight)
    prepared = prepare_qat_fx(model.train(), get_default_qat_qconfig_mapping("x86"), (image,))
    prepared(image).sum().backward()
    assert convert_fx(prepared.eval())(image).shape == expected.shape


# What torch calls deprecated, and why an operation does not go through it: torch's own words.
DEPRECATED = {"jit.script": script, "FX int8": quantize, "FX int8 while training": quantize_while_training}
OBSERVES_TENSORS_ALONE = {
    "FX int8": "'tuple' object has no attribute 'numel'",
    "FX int8 while training": "must be Tensor, not tuple",
}
NO_CONVOLUTION_WITHOUT_BIAS = dict.fromkeys(("FX int8", "FX int8 while training"), "missing value for argument 'bias'")
REASONS: dict[str, dict[str, str]] = {
    "split, softmax and sum": OBSERVES_TENSORS_ALONE,
    "resnest14d": OBSERVES_TENSORS_ALONE,
    "skresnet18": OBSERVES_TENSORS_ALONE,
    "blur_pool": NO_CONVOLUTION_WITHOUT_BIAS,
    "map_linear": dict.fromkeys(("FX int8", "FX int8 while training"), "missing value for argument 'stride'"),
}


def assert_goes(way: str, name: str, model: nn.Module, image: Tensor) -> None:
    reason = REASONS.get(name, {}).get(way)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls these ways deprecated
        if reason is None:
            DEPRECATED[way](model, image)
            return
        with pytest.raises((RuntimeError, AttributeError, TypeError)) as raised:
            DEPRECATED[way](model, image)
    assert reason in str(raised.value)


@pytest.mark.parametrize("way", DEPRECATED)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_deprecated_ways_take_every_operation_but_those_that_torch_refuses(
    imported: Callable[[str], nn.Module], operation: str, way: str
) -> None:
    (trial,) = trials(net(OPERATIONS[operation], 2))
    image = torch.randn(2, 8, *trial.network.input.sizes)
    assert_goes(way, operation, imported(trial.source), image)


@pytest.mark.slow
@pytest.mark.parametrize("way", DEPRECATED)
@pytest.mark.parametrize(("name", "settings"), NETS, ids=[name for name, _ in NETS])
def test_deprecated_ways_take_a_network_of_each_kind(
    imported: Callable[[str], nn.Module], name: str, settings: dict[str, int], way: str
) -> None:
    compiled = resnetc.compile(name, **settings)
    declared = compiled.network.input
    sizes = [min(size, 64) for size in declared.sizes]
    assert_goes(way, name, imported(compiled.source), torch.randn(2, declared.channels, *sizes))


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_module_with_every_operation_is_pickled(imported: Callable[[str], nn.Module], operation: str) -> None:
    (trial,) = trials(net(OPERATIONS[operation], 2))
    model = imported(trial.source)
    image = torch.randn(2, 8, *trial.network.input.sizes)
    torch.testing.assert_close(pickle.loads(pickle.dumps(model))(image), model(image))


def test_a_padding_constant_is_written_as_the_float_that_it_is() -> None:
    """`nn.ConstantPad2d(1, 0)` runs, and scripting refuses its integer."""
    (trial,) = trials(net("constant_pad(1)", 2))
    assert "nn.ConstantPad2d(1, 0.0)" in trial.source


@pytest.mark.slow
@pytest.mark.parametrize(("spec", "name"), EVERY_NETWORK, ids=[name for _, name in EVERY_NETWORK])
def test_every_shipped_network_goes_through_the_tracers(spec: str, name: str) -> None:
    """On the meta device: how a tracer walks through a module does not depend on its values."""
    compiled = resnetc.compile(spec, model=name)
    declared = compiled.network.input
    with torch.device("meta"):
        model = build(compiled.source).eval()
        image = torch.empty(2, declared.channels, *declared.sizes)
    expected = model(image).shape
    assert torch.fx.symbolic_trace(model)(image).shape == expected
    assert torch.compile(model, fullgraph=True, backend="eager")(image).shape == expected
    assert torch.export.export(model, (image,)).module()(image).shape == expected
    torch.compiler.reset()
