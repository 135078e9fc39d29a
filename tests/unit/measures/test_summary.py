"""The figures of networks: against the paper, against published counts, and against what torch keeps."""

import re
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

import resnetc
from resnetc.compiler.diagnostics.diagnostic import Sink
from resnetc.compiler.expansion.application import make_tensor_evaluator
from resnetc.compiler.expansion.expander import expand
from resnetc.compiler.expansion.instances import Setting, list_requests
from resnetc.compiler.ir.network import Network
from resnetc.compiler.loader.loader import Loader
from resnetc.compiler.measures import costs, receptive_field, summary
from resnetc.compiler.measures.summary import Measures, list_state_dict_keys
from resnetc.compiler.source import Source
from resnetc.compiler.syntax import tree as syntax
from resnetc.compiler.syntax.parser import parse_expression
from resnetc.testing import assert_activations_agree

SPECS = Path(__file__).parents[3] / "specs"
OPTIONS = {"A": None, "B": "shortcuts.project", "C": "shortcuts.project_all", "plain": "none"}


def networks(text: str, **settings: str) -> list[Network]:
    """The networks of a spec, a file's name or a text, under `--set`."""
    sink = Sink()
    loader = Loader(sink)
    spec = loader.link(Source("test", text), None) if "\n" in text else loader.load(SPECS / f"{text}.resnet")
    made = [Setting(k, v, parse_expression(Source("--set", v), sink)) for k, v in settings.items()]
    assert sink.diagnostics == []
    homes = {i: s for s in loader.loaded.values() for i in s.tree.items if isinstance(i, syntax.Slot)}
    found = list_requests(spec, made, make_tensor_evaluator(loader.prelude, homes), loader.prelude)
    return [expand(request, loader.prelude, homes) for request in found]


def network(text: str, **settings: str) -> Network:
    (made,) = networks(text, **settings)
    return made


def measured(text: str, **settings: str) -> Measures:
    return summary.measure(network(text, **settings))


def model(stem: str, *lines: str, sizes: str = "H, W] = [4, 16, 16]") -> str:
    """The text of a network with the given stem, and stages or a head."""
    uses = "".join(f"use std.{name}\n" for name in ("blocks", "drops", "filters", "gates", "shortcuts"))
    rest = lines if any(line.startswith("head") for line in lines) else (*lines, "head = identity")
    body = "\n".join(f"  {line}" for line in (f"input [4, {sizes}", f"stem = {stem}", *rest))
    return f"edition 1\n{uses}\nmodel net() {{\n{body}\n}}\n"


# -- published figures ------------------------------------------------------------------------------------------------

# Parameters, buffers, multiply-adds at 224, weighted layers, receptive field.
IMAGENET = {
    "plain18": (11_515_688, 7_825, 1_794_805_760, 18, 435),
    "plain34": (21_623_848, 15_265, 3_644_493_824, 34, 899),
    "resnet18": (11_689_512, 9_620, 1_814_073_344, 18, 435),
    "resnet34": (21_797_672, 17_060, 3_663_761_408, 34, 899),
    "resnet50": (25_557_032, 53_173, 4_089_184_256, 50, 427),
    "resnet50_v1": (25_557_032, 53_173, 3_857_973_248, 50, 483),
    "resnet50d": (25_576_264, 53_303, 4_328_824_832, 52, 431),
    "resnet101": (44_549_160, 105_448, 7_801_405_440, 101, 971),
    "resnet152": (60_192_808, 151_579, 11_513_626_624, 152, 1451),
    "resnext50_32x4d": (25_028_904, 68_277, 4_230_479_872, 50, 427),
    "seresnet50": (28_088_024, 53_173, 4_091_699_200, 50, None),
}


@pytest.mark.parametrize("name", IMAGENET)
def test_imagenet(name):
    m = measured(f"imagenet/{name}")
    found = (m.parameters, m.buffers, m.count_multiply_adds((224, 224)), m.weighted_layers, m.receptive_field)
    assert found == IMAGENET[name]
    assert m.compute_output((224, 224)) == (1000,)


# He et al. 2015, Table 6, exactly: parameters under options A (and of the plain net), B, C; multiply-adds under A, B.
TABLE_6 = {
    20: (269_722, 272_474, 283_962, 40_551_040, 40_813_184),
    32: (464_154, 466_906, 489_594, 68_862_592, 69_124_736),
    44: (658_586, 661_338, 695_226, 97_174_144, 97_436_288),
    56: (853_018, 855_770, 900_858, 125_485_696, 125_747_840),
    110: (1_727_962, 1_730_714, 1_826_202, 252_887_680, 253_149_824),
    1202: (19_421_274, 19_424_026, 20_538_714, 2_829_238_912, 2_829_501_056),
}


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("depth", TABLE_6)
def test_table_6(depth, option):
    value = OPTIONS[option]
    settings = {"depth": str(depth)} | ({"shortcut": value} if value else {})
    m = measured("cifar/resnet", **settings)
    a, b, c, cost_a, cost_b = TABLE_6[depth]
    assert m.parameters == {"A": a, "B": b, "C": c, "plain": a}[option]
    assert m.weighted_layers == depth
    if option != "C":
        assert m.count_multiply_adds((32, 32)) == (cost_b if option == "B" else cost_a)


def test_the_polynomial_of_resnet50():
    terms = measured("imagenet/resnet50").list_terms()
    assert [n for _, n in terms] == [9_408, 245_760, 1_310_720, 7_471_104, 14_417_920, 2_048_000]
    assert [len(key) for key, _ in terms] == [2, 2, 2, 2, 2, 0]
    assert measured("imagenet/resnet50").count_multiply_adds((225, 224)) > 4_200_000_000


def test_equal_blocks_are_measured_once(monkeypatch):
    calls: dict[str, int] = {}

    def counted(home, name):
        real = getattr(home, name)

        def call(*arguments):
            calls[name] = calls.get(name, 0) + 1
            return real(*arguments)

        monkeypatch.setattr(home, name, call)

    counted(summary, "list_state_entries")
    counted(costs, "analyze_leaf")
    counted(receptive_field, "trace_leaf")
    counted(costs, "count_elements")
    seen = []
    for depth in ("56", "1202"):
        calls.clear()
        measured("cifar/resnet", depth=depth).count_activation_bytes((32, 32))
        seen.append(dict(calls))
    assert seen[0] == seen[1]
    assert len(seen[0]) == 4


# -- stages -----------------------------------------------------------------------------------------------------------


def test_stages():
    m = measured("imagenet/resnet50")
    assert [(s.name, s.blocks, s.stride) for s in m.stages] == [
        ("layer1", 3, 4),
        ("layer2", 4, 8),
        ("layer3", 6, 16),
        ("layer4", 3, 32),
    ]
    assert m.stages[3].compute_shape((225, 224)) == (2048, 8, 7)
    assert m.stages[3].symbolic == ("2048", "ceil(H / 32)", "ceil(W / 32)")
    rows = m.list_rows((224, 224))
    assert [r.name for r in rows] == ["stem", "layer1", "layer2", "layer3", "layer4", "head"]
    assert sum(r.parameters for r in rows) == m.parameters
    assert sum(r.multiply_adds for r in rows) == m.count_multiply_adds((224, 224))
    assert rows[-1].symbolic == ("1000",)


def test_strides_of_axes_that_differ_and_of_a_fixed_axis():
    text = model(
        "conv(8, kernel=[3, 7, 7], stride=[2, 4, 2])",
        "stage stages[0].blocks = 2 of blocks.basic(8, stride=[2, 1, 1])",
        sizes="T, 32, W] = [4, 16, 32, 32]",
    )
    m = measured(text)
    assert (m.stages[0].name, m.stages[0].stride) == ("stages[0].blocks", (4, 4, 2))
    assert m.stages[0].symbolic == ("8", "ceil(T / 4)", "8", "ceil(W / 2)")
    assert m.stages[0].compute_shape((17, 32, 32)) == (8, 5, 8, 16)


# -- receptive fields and weighted layers -----------------------------------------------------------------------------

FIELDS = {
    "conv(8, kernel=3, stride=2) |> conv(8, kernel=5)": 11,
    "conv(8, kernel=3, dilation=2) |> max_pool(2, stride=2)": 6,
    "conv(8, kernel=[3, 5])": (3, 5),
    "constant_pad(2) |> subsample(2) |> conv(8, kernel=3)": 5,
    "a: blur_pool(3) |> b: blur_pool(4)": 9,
    "conv(8, kernel=3) |> global_avg_pool |> linear(5)": 3,
    "conv(8, kernel=3) |> global_avg_pool |> conv(8, kernel=1)": 3,
    "conv(8, kernel=3) |> gates.se |> conv(8, kernel=3)": None,
    "conv(8, kernel=3) |> gates.eca |> global_avg_pool": None,
    "identity": 1,
}


@pytest.mark.parametrize("stem", FIELDS)
def test_receptive_field(stem):
    assert measured(model(stem)).receptive_field == FIELDS[stem]


# Behind the stem's convolutions, its pool, and each stage; the last is what the whole net reports.
STAGE_FIELDS = {
    "imagenet/resnet18": (7, 11, 43, 99, 211, 435),
    "imagenet/resnet34": (7, 11, 59, 179, 547, 899),
    "imagenet/resnet50": (7, 11, 35, 91, 267, 427),
    "imagenet/resnet50_v1": (7, 11, 35, 99, 291, 483),
    "imagenet/resnet101": (7, 11, 35, 91, 811, 971),
    "imagenet/resnet152": (7, 11, 35, 155, 1291, 1451),
    "imagenet/resnet50d": (11, 15, 39, 95, 271, 431),
}


DEEP = """
block unpooled() {
  out = in |> conv(32, kernel=3, stride=2) |> conv(32, kernel=3) |> conv(64, kernel=3)
}
"""


@pytest.mark.parametrize("name", STAGE_FIELDS)
def test_receptive_fields_of_stages(name):
    lines = (SPECS / f"{name}.resnet").read_text().splitlines()
    stages = [i for i, line in enumerate(lines) if line.startswith("  stage ")]
    claims = [i for i, line in enumerate(lines) if line.startswith("  expect ")]
    fields = []
    for cut in range(len(stages) + 1):
        kept = [line for i, line in enumerate(lines) if i not in [*stages[cut:], *claims]]
        kept = [re.sub(r"head = .*", "head = identity", line) for line in kept]
        if not cut:  # nothing is left that applies it
            kept = [line for line in kept if not line.startswith("  set shortcut ")]
        fields.append(measured("\n".join(kept) + "\n").receptive_field)
        if not cut:
            stem = (
                "\n".join(kept)
                .replace(" |> max_pool(3, stride=2)", "")
                .replace("use std.stems", f"use std.stems\n{DEEP}")
            )
            fields.insert(0, measured(stem.replace("stems.deep", "unpooled") + "\n").receptive_field)
    assert tuple(fields) == STAGE_FIELDS[name]


WINDOWS = st.builds(
    lambda kind, kernel, stride, padding, dilation: (
        (
            f"plain_conv(4, kernel={kernel}, stride={stride}, padding={padding}, dilation={dilation})",
            lambda x: F.conv1d(x, torch.ones(4, 4, kernel).double(), None, stride, padding, dilation),
        )
        if kind == "conv"
        else (
            f"avg_pool({kernel}, stride={stride}, padding={min(padding, kernel // 2)})",
            lambda x: F.avg_pool1d(x, kernel, stride, min(padding, kernel // 2)),
        )
    ),
    st.sampled_from(["conv", "pool"]),
    st.integers(1, 4),
    st.integers(1, 3),
    st.integers(0, 3),
    st.integers(1, 3),
)


@settings(max_examples=40)
@given(st.lists(WINDOWS, min_size=1, max_size=4), st.integers(0, 2))
def test_a_receptive_field_is_where_gradients_are(chain, branch):
    """Of a position in the middle, far from the borders; a second branch with a wider window widens the field."""
    x = torch.ones(1, 4, 801, dtype=torch.float64, requires_grad=True)
    out = x
    for _, function in chain:
        out = function(out)
    text, wide = " |> ".join(f"l{i}: {layer}" for i, (layer, _) in enumerate(chain)), 2 * branch + 1
    unit = f"block unit() {{\n  let way = in |> {text}\n  out = way + (way |> w: plain_conv(4, kernel={wide}))\n}}\n"
    out = out + F.conv1d(out, torch.ones(4, 4, wide).double(), None, 1, branch)
    out[0, :, out.shape[-1] // 2].sum().backward()
    seen = x.grad.abs().sum((0, 1)).nonzero()
    made = model("unit", sizes="N] = [4, 801]").replace("model net", f"{unit}\nmodel net")
    assert measured(made).receptive_field == int(seen.max() - seen.min()) + 1


def test_receptive_field_against_gradients():
    """With positive weights everything that a position sees has a gradient."""
    net = nn.Sequential(
        nn.Conv2d(4, 3, 7, 2, 3), nn.AvgPool2d(3, 2, 1), nn.Conv2d(3, 3, 3, 1, 2, 2), nn.Conv2d(3, 3, 3, 2, 1)
    ).double()
    for parameter in net.parameters():
        nn.init.constant_(parameter, 0.1)
    x = torch.ones(1, 4, 128, 128, dtype=torch.float64, requires_grad=True)
    net(x)[0, :, 8, 8].sum().backward()
    rows = x.grad.abs().sum((0, 1, 3)).nonzero()
    stem = "conv(3, kernel=7, stride=2) |> avg_pool(3, stride=2)"
    tail = "conv(3, kernel=3, dilation=2) |> conv(3, kernel=3, stride=2)"
    assert measured(model(f"{stem} |> {tail}")).receptive_field == int(rows.max() - rows.min()) + 1


def test_a_broadcast_factor_does_not_count():
    """The two convolutions of a gate are on a way to the output, but on a factor that is repeated."""
    assert measured(model("conv(16, kernel=3) |> gates.se")).weighted_layers == 1


# -- the state dict ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["imagenet/resnet50", "imagenet/resnet50d", "imagenet/seresnet50", "digits"])
def test_keys_hold_the_parameters_and_buffers(name):
    net = network(name)
    m = summary.measure(net)
    keys = list_state_dict_keys(net)
    assert len(dict(keys)) == len(keys)
    assert sum(torch.Size(shape).numel() for _, shape in keys) == m.parameters + m.buffers


def test_order_of_keys():
    norm = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
    keys = list_state_dict_keys(network("imagenet/resnet50"))
    assert len(keys) == 320
    assert [k for k, _ in keys[:12]] == [
        "conv1.weight",
        *(f"bn1.{n}" for n in norm),
        "layer1.0.conv1.weight",
        *(f"layer1.0.bn1.{n}" for n in norm),
    ]
    assert [k for k, _ in keys if "downsample" in k][:2] == [
        "layer1.0.downsample.0.weight",
        "layer1.0.downsample.1.weight",
    ]
    assert keys[-2:] == [("fc.weight", (1000, 2048)), ("fc.bias", (1000,))]


def test_a_container_is_registered_at_its_first_mention():
    text = model(
        "head.a: conv(8, kernel=3) |> conv(8, kernel=1, groups=2)",
        "stage stages[0].blocks = 1 of plain_conv(8, kernel=[1, 3])",
        "head = head.b: conv(8, kernel=1) |> head.fc.c: plain_conv(4, kernel=1, bias=true)",
    )
    assert list_state_dict_keys(network(text)) == [
        ("head.a.weight", (8, 4, 3, 3)),
        ("head.b.weight", (8, 8, 1, 1)),
        ("head.fc.c.weight", (4, 8, 1, 1)),
        ("head.fc.c.bias", (4,)),
        ("conv1.weight", (8, 4, 1, 1)),
        ("stages.0.blocks.0.weight", (8, 8, 1, 3)),
    ]


STATES = {
    "batch_norm": [("weight", True), ("bias", True), ("running_mean", False), ("running_var", False)],
    "group_norm(2)": [("weight", True), ("bias", True)],
    "evo_norm_s0(2)": [("weight", True), ("bias", True), ("v", True)],
    "response_norm": [("weight", True), ("bias", True), ("tau", True)],
    "layer_norm": [("weight", True), ("bias", True)],
    "rms_norm": [("weight", True)],
    "instance_norm": [],
    "instance_norm(affine=true)": [("weight", True), ("bias", True)],
    "global_response_norm": [("weight", True), ("bias", True)],
    "prelu": [("weight", True)],
    "blur_pool(3)": [],
}


@pytest.mark.parametrize("layer", STATES)
def test_state(layer):
    stored = summary.list_state_entries(network(model(layer)).root.steps[0].operation)
    vectors = [(name, parameter) for name, shape, parameter in stored if shape == (4,)]
    assert vectors == STATES[layer]
    assert stored[len(vectors) :] == ([("num_batches_tracked", (), False)] if layer == "batch_norm" else [])


# -- fixed filters ----------------------------------------------------------------------------------------------------


def test_fixed_filters_are_counted_apart():
    m = measured(model("conv(8, kernel=3) |> blur_pool(3)"))
    assert m.count_multiply_adds((16, 16)) == 8 * 4 * 9 * 256
    assert m.count_all_multiply_adds((16, 16)) - m.count_multiply_adds((16, 16)) == 8 * 9 * 64


# -- activations ------------------------------------------------------------------------------------------------------


def kept(module: nn.Module, *shape: int) -> int:
    """Bytes that autograd keeps for one image more: parameters, and what every batch has once, drop out."""
    found = []
    for batch in (2, 3):
        memory: dict[int, int] = {}
        alive = []

        def pack(tensor: Tensor, memory=memory, alive=alive) -> Tensor:
            alive.append(tensor)
            memory[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            alive.append(module(torch.randn(batch, *shape)))
        found.append(sum(memory.values()))
    return found[1] - found[0]


class Call(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


def blurred(x: Tensor) -> Tensor:
    return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), torch.ones(8, 1, 3, 3), stride=2, groups=8)


# Every operation behind a convolution and before one, so that views and shared maps show.
OPERATIONS = {
    "batch_norm": nn.BatchNorm2d(8),
    "group_norm(4)": nn.GroupNorm(4, 8),
    "relu": nn.ReLU(),
    "silu": nn.SiLU(),
    "gelu": nn.GELU(),
    "leaky_relu": nn.LeakyReLU(),
    "elu": nn.ELU(),
    "elu(1 / 2)": nn.ELU(0.5),
    "mish": nn.Mish(),
    "hard_silu": nn.Hardswish(),
    "clip(0, 6)": nn.ReLU6(),
    "clip(-1, 2)": nn.Hardtanh(-1.0, 2.0),
    "tanh": nn.Tanh(),
    "sigmoid": nn.Sigmoid(),
    "hard_sigmoid": nn.Hardsigmoid(),
    "max_pool(3, stride=2)": nn.MaxPool2d(3, 2, 1),
    "avg_pool(3, stride=2)": nn.AvgPool2d(3, 2, 1),
    "global_avg_pool": Call(lambda x: x.mean((2, 3), keepdim=True)),
    "global_max_pool": Call(lambda x: x.amax((2, 3), keepdim=True)),
    "global_sum_pool": Call(lambda x: x.sum((2, 3), keepdim=True)),
    "position_softmax": Call(lambda x: x.flatten(2).softmax(2).view_as(x)),
    "channel_mean": Call(lambda x: x.mean(1, keepdim=True)),
    "channel_max": Call(lambda x: x.amax(1, keepdim=True)),
    "blur_pool(3)": Call(blurred),
    "constant_pad(1)": nn.ConstantPad2d(1, 0.0),
    "pad_channels(12)": Call(lambda x: F.pad(x, (0, 0, 0, 0, 0, 4))),
    "pad_channels(12, before=2)": Call(lambda x: F.pad(x, (0, 0, 0, 0, 2, 2))),
    "pad_channels(12, before=1)": Call(lambda x: F.pad(x, (0, 0, 0, 0, 1, 3))),
    "subsample(2)": Call(lambda x: x[:, :, ::2, ::2].clone()),
    "space_to_depth(2)": Call(
        lambda x: torch.cat([x[:, :, ::2, ::2], x[:, :, ::2, 1::2], x[:, :, 1::2, ::2], x[:, :, 1::2, 1::2]], dim=1)
    ),
    "space_to_depth(1)": Call(lambda x: x.clone()),
    "regroup(2, 2)": Call(lambda x: x.unflatten(1, (2, 2, -1)).transpose(1, 2).flatten(1, 3)),
    "dropout(1 / 2)": nn.Dropout(),
    "dropout(0)": nn.Dropout(0.0),
    "identity": nn.Identity(),
}


@pytest.mark.parametrize("layer", OPERATIONS)
def test_what_an_operation_keeps(layer):
    channels = {"pad": 12, "cha": 1}.get(layer[:3], 32 if layer == "space_to_depth(2)" else 8)
    module = nn.Sequential(nn.Conv2d(4, 8, 3, padding=1), OPERATIONS[layer], nn.Conv2d(channels, 4, 1))
    even = "H, W] = [4, 16, 16] when H % 2 == 0 and W % 2 == 0"
    text = model(f"conv(8, kernel=3) |> {layer} |> conv(4, kernel=1)", **({"sizes": even} if channels == 32 else {}))
    height = 14 if channels == 32 else 15
    assert measured(text).count_activation_bytes((height, 16)) == kept(module, 4, height, 16)


class Block(nn.Module):
    """A basic block with a gate, as a person would write it."""

    def __init__(self, inner: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inner, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.act = nn.ReLU()
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.fc1 = nn.Conv2d(width, 8, 1)
        self.fc2 = nn.Conv2d(8, width, 1)
        self.downsample: nn.Module = nn.Identity()
        if stride > 1 or inner != width:
            self.downsample = nn.Sequential(nn.Conv2d(inner, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        main = self.bn2(self.conv2(self.act(self.bn1(self.conv1(x)))))
        gate = self.fc2(F.relu(self.fc1(main.mean((2, 3), keepdim=True)))).sigmoid()
        return self.act(main * gate + self.downsample(x))


class Checkpointed(nn.Module):
    def __init__(self, block: Block) -> None:
        super().__init__()
        self.block = block

    def forward(self, x: Tensor) -> Tensor:
        return checkpoint(self.block, x, use_reentrant=True)


STEM = (nn.Conv2d(4, 16, 7, 2, 3, bias=False), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
HEAD = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))
RESIDUAL = model(
    "conv(16, kernel=7, stride=2) |> norm |> act |> max_pool(3, stride=2)",
    "stage layer1 = 2 of blocks.basic(16, attention=gates.se)",
    "stage layer2 = 2 of blocks.basic(32, stride=2, attention=gates.se)",
    "head = global_avg_pool |> fc: linear(10)",
)


def test_activations_of_a_residual_network():
    blocks = [Block(16, 16, 1), Block(16, 16, 1), Block(16, 32, 2), Block(32, 32, 1)]
    m = measured(RESIDUAL)
    assert m.parameters == sum(p.numel() for p in nn.Sequential(*STEM, *blocks, *HEAD).parameters())
    assert m.count_activation_bytes((60, 64)) == kept(nn.Sequential(*STEM, *blocks, *HEAD), 4, 60, 64)


def test_activations_with_checkpointed_blocks():
    """Outside of blocks as with torch's checkpoints; then the largest block, without its input (known by then)."""
    blocks = [Block(16, 16, 1), Block(16, 16, 1), Block(16, 32, 2), Block(32, 32, 1)]
    outside = kept(nn.Sequential(*STEM, *map(Checkpointed, blocks), *HEAD), 4, 60, 64)
    image = 4 * 16 * 15 * 16
    inside = kept(blocks[0], 16, 15, 16) - image
    assert measured(RESIDUAL).count_checkpointed_activation_bytes((60, 64)) == outside + inside


def test_a_list_is_one_memory_and_its_parts_are_views():
    text = model("conv(8, kernel=3) |> pair |> conv(4, kernel=1)").replace(
        "model net",
        """block pair() {
  let parts = in |> split(2)
  let weights = parts |> softmax
  let weighted = parts * weights
  out = weighted |> sum
}

model net""",
    )

    def pair(x: Tensor) -> Tensor:
        parts = x.chunk(2, dim=1)
        weights = torch.stack(parts).softmax(dim=0)
        return parts[0] * weights[0] + parts[1] * weights[1]

    module = nn.Sequential(nn.Conv2d(4, 8, 3, padding=1), Call(pair), nn.Conv2d(4, 4, 1))
    assert measured(text).count_activation_bytes((16, 16)) == kept(module, 4, 16, 16)


def test_nothing_is_kept_before_the_first_parameters():
    """Nobody asks for the gradient of the input."""
    module = nn.Sequential(nn.MaxPool2d(2), nn.ReLU(), nn.Conv2d(4, 4, 1))
    m = measured(model("max_pool(2, stride=2, padding=0) |> relu |> conv(4, kernel=1)"))
    assert m.count_activation_bytes((16, 16)) == kept(module, 4, 16, 16)


@pytest.mark.parametrize(
    "layer",
    [
        "batch_norm",
        "group_norm(2)",
        "evo_norm_s0(2)",
        "response_norm",
        "layer_norm",
        "rms_norm",
        "instance_norm",
        "instance_norm(affine=true)",
        "batch_norm(affine=false)",
        "global_response_norm",
        "prelu",
        "linear(4)",
        "plain_conv(4, kernel=3)",
        "std_conv(4, kernel=3)",
        "std_conv(4, kernel=3, scaled=true)",
    ],
)
def test_what_an_operation_keeps_of_the_image_itself(layer, tmp_path):
    """Whose gradient nobody asks for: what only that gradient needs is not kept."""
    spec = tmp_path / "net.resnet"
    spec.write_text(model(f"{layer} |> plain_conv(4, kernel=1)"))
    assert_activations_agree(resnetc.compile(str(spec)), (5, 4))


NORMS = ("batch_norm", "group_norm(4)", "evo_norm_s0(2)", "response_norm", "layer_norm", "rms_norm")
NORMS += ("instance_norm", "global_response_norm", "prelu")
PARTS = {
    "half": "(in |> split(2))[1]",
    "whole": "(in |> split(1))[0]",
    "half of a half": "((in |> split(2))[0] |> split(2))[1]",
    "half, unchanged": "(in |> split(2))[1] |> identity |> regroup(1, 2) |> dropout(0)",
    "choice": "([in, in |> relu] |> softmax)[1]",
    "every second": "in |> subsample(2)",
    "every second line": "in |> subsample([2, 1])",
    "every second of a half": "(in |> split(2))[0] |> subsample(2)",
}


@pytest.mark.parametrize("part", PARTS)
def test_what_a_norm_keeps_of_a_part_of_a_map(part, tmp_path):
    """It may read a copy without gaps; another reader of the part keeps the whole map. Also of one position."""
    spec = tmp_path / "net.resnet"
    for stem, norm, other in product(("identity", "conv(16, kernel=3) |> act"), NORMS, ("", " + (part |> silu)")):
        block = f"block unit() {{\n  let part = {PARTS[part]}\n  out = (part |> {norm}){other}\n}}\n\n"
        text = model(stem, "stage layer1 = 1 of unit", "head = global_avg_pool |> linear(3)")
        spec.write_text(text.replace("model", f"{block}model").replace("[4,", "[16,"))
        compiled = resnetc.compile(str(spec))
        for sizes in ((5, 7), (1, 1)):
            assert_activations_agree(compiled, sizes)
