"""Generated modules go through torch's tracers; `forward` computes no axes, for they are known when it is written."""

import ast
import warnings

import pytest
import torch
from torch import Tensor, nn

import resnetc
from resnetc.testing import assert_network_agrees, trials

OPERATIONS = {
    "drop_path": "drop_path(0.5)",
    "pad_channels": "pad_channels(12)",
    "evo_norm_s0": "evo_norm_s0(groups=4)",
    "response_norm": "response_norm",
    "blur_pool": "blur_pool(kernel=3, stride=2)",
    "subsample": "subsample(2)",
    "regroup": "regroup(2, parts=2)",
    "std_conv": "std_conv(8, kernel=3)",
    "split, softmax and sum": "gate",
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


def net(operation: str, rank: int) -> str:
    gate = "block gate() {\n  let w = in |> split(2) |> softmax\n  out = w |> sum\n}\n"
    block = f"block unit() {{ out = in |> conv(8, kernel=3) |> {operation} }}\n"
    model = f"model net() {{\n  input {SIZES[rank]}\n  stem = unit\n  head = identity\n}}\n"
    return f"edition 1\n{gate}{block}{model}"


def module_of(source: str) -> nn.Module:
    names: dict[str, object] = {"__name__": "net"}
    exec(source, names)
    model = names["build"]()  # type: ignore[operator]
    assert isinstance(model, nn.Module)
    return model.eval()


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
    assert_traces(module_of(trial.source), torch.randn(2, 8, *trial.network.input.sizes))
    torch.compiler.reset()


@pytest.mark.parametrize(("name", "settings"), NETS, ids=[name for name, _ in NETS])
def test_no_forward_of_a_shipped_network_computes_axes(name: str, settings: dict[str, int]) -> None:
    compiled = resnetc.compile(name, **settings)
    assert computed_axes(compiled.source) == []
    torch.fx.symbolic_trace(module_of(compiled.source))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "settings"), NETS, ids=[name for name, _ in NETS])
def test_a_network_of_each_kind_goes_through_the_tracers(name: str, settings: dict[str, int]) -> None:
    compiled = resnetc.compile(name, **settings)
    declared = compiled.network.input
    assert_traces(module_of(compiled.source), torch.randn(2, declared.channels, *declared.sizes))
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


def test_int8_by_fx_takes_a_network_that_pads_channels() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls this way deprecated
        from torch.ao.quantization import get_default_qconfig_mapping
        from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx

        image = torch.randn(2, 3, 16, 16)
        prepared = prepare_fx(
            resnetc.load("cifar/resnet", depth=8).eval(), get_default_qconfig_mapping("x86"), (image,)
        )
        prepared(image)
        assert convert_fx(prepared)(image).shape == (2, 10)
