"""The words of other libraries: each has one answer, by its meaning, and following it leads to no other fault."""

import re
from collections import Counter

import pytest

from resnetc.compiler.vocabulary import layers, parameters
from resnetc.compiler.vocabulary.answers import find_layer, find_parameter, simplify
from resnetc.grammar.primitives import PRIMITIVES, Primitive
from tests.support import diagnose

NET = """edition 1
{uses}
block unit(width: int) {{
  {body}
}}

model net(classes: int = 10) {{
  input [3, H, W] = [3, 32, 32]
  stem = conv(32, kernel=3)
  stage layer1 = 2 of {block}
  head = {head}
}}
"""


def net(
    body: str = "out = in", block: str = "unit(32)", head: str = "global_avg_pool |> linear(10)", uses: str = ""
) -> str:
    return NET.format(body=body, block=block, head=head, uses=uses)


EXACT = {
    "Conv2d": "`Conv2d` is written `conv(64, kernel=3)` here: input channels are inferred",
    "Conv2D": "`Conv2D` is written `conv(64, kernel=3)` here: input channels are inferred",
    "BatchNormalization": "`BatchNormalization` is written `norm` here: input channels are inferred",
    "Dense": "`Dense` is written `linear(10)` here: input channels are inferred",
    "GlobalAveragePooling2D": "`GlobalAveragePooling2D` is written `global_avg_pool` here",
    "AdaptiveAvgPool2d": "`AdaptiveAvgPool2d` is written `global_avg_pool` here",
    "avgpool": "`avgpool` is written `global_avg_pool` here",
    "gap": "`gap` is written `global_avg_pool` here",
    "MaxPool2d": "`MaxPool2d` is written `max_pool(3, stride=2)` here: without `stride` it is 1",
    "SiLU": "`SiLU` is written `silu` here",
    "swish": "`swish` is written `silu` here",
    "EvoNorm2dS0": "`EvoNorm2dS0` is written `evo_norm_s0` here",
    "Hardsigmoid": "`Hardsigmoid` is written `hard_sigmoid` here",
    "Flatten": "`Flatten` is written `flatten` here",
    "zero_pad": "`zero_pad` is written `constant_pad(1)` here",
    "depthwise": "`depthwise` is written `conv(in.channels, kernel=3, groups=in.channels)` here",
    "cat": "`cat` is written `[a, b] |> concat` here",
    "add": "`add` is written `a + b` here",
    "DropPath": (
        "write `blocks.basic(64, drop=drops.linear_depth(0.1))`, "
        "with `use std.blocks` and `use std.drops` below the edition"
    ),
    "SqueezeExcite": (
        "write `blocks.basic(64, attention=gates.se)`, with `use std.blocks` and `use std.gates` below the edition"
    ),
    "MBConv": "write `inverted.residual(64)`, with `use std.inverted` below the edition",
    "BottleneckCSP": (
        "write `csp.partial(64, 3, blocks.basic)`, with `use std.blocks` and `use std.csp` below the edition"
    ),
    "RepVGGBlock": "write `repvgg.trained(64)`, with `use std.repvgg` below the edition",
    "BasicBlock": "write `blocks.basic(64)`, with `use std.blocks` below the edition",
    "upsample": "edition 1 has no operation that makes a map larger",
    "interpolate": "edition 1 has no operation that makes a map larger",
    "ConvTranspose2d": "edition 1 has no transposed convolution",
    "deconv": "edition 1 has no transposed convolution",
    "GlobalMaxPool2D": "`GlobalMaxPool2D` is written `global_max_pool` here",
    "celu": (
        "edition 1 has no `celu`; its activations are `relu`, `silu`, `gelu`, `leaky_relu`, `prelu`, `elu`, `mish`, "
        "`hard_silu`, `clip`, `tanh`, `sigmoid` and `hard_sigmoid`"
    ),
    "PReLU": "`PReLU` is written `prelu(shared=true)` here",
    "RMSNorm": "`RMSNorm` is written `rms_norm` here: input channels are inferred",
    "InstanceNorm2d": "`InstanceNorm2d` is written `instance_norm` here: input channels are inferred",
    "GRN": "`GRN` is written `global_response_norm` here: input channels are inferred",
    "EvoNorm2dS0a": "`EvoNorm2dS0a` is written `evo_norm_s0(32, eps=1e-3)` here",
    "ScaledStdConv2d": (
        "`ScaledStdConv2d` is written `std_conv(64, kernel=3, scaled=true, bias=true)` here: "
        "input channels are inferred"
    ),
    "Tanh": "`Tanh` is written `tanh` here",
    "ELU": "`ELU` is written `elu` here",
    "Mish": "`Mish` is written `mish` here",
    "Hardswish": "`Hardswish` is written `hard_silu` here",
    "hswish": "`hswish` is written `hard_silu` here",
    "relu6": "`relu6` is written `clip(0, 6)` here",
    "ReLU6": "`ReLU6` is written `clip(0, 6)` here",
    "Hardtanh": "`Hardtanh` is written `clip(-1, 1)` here",
    "LayerNorm": "`LayerNorm` is written `layer_norm` here: input channels are inferred",
    "lrn": (
        "edition 1 has no `lrn`; its norms are `batch_norm`, `group_norm`, `evo_norm_s0`, `response_norm`, "
        "`layer_norm`, `rms_norm` and `instance_norm`"
    ),
    "MultiheadAttention": (
        "edition 1 has no attention over positions; write it as a Python class, and apply it with `extern`; "
        "the slot `attention` takes gates, such as `gates.se` of `std.gates`"
    ),
    "einsum": "edition 1 has no product of matrices; write it as a Python class, and apply it with `extern`",
    "deformable_conv": (
        "edition 1 has no convolution at learned offsets; write it as a Python class, and apply it with `extern`"
    ),
    "self_attention": (
        "edition 1 has no attention over positions; write it as a Python class, and apply it with `extern`; "
        "the slot `attention` takes gates, such as `gates.se` of `std.gates`"
    ),
}


@pytest.mark.parametrize("word", EXACT)
def test_a_word_is_answered_by_its_meaning(word: str):
    answer = find_layer(word)
    assert answer is not None
    assert answer.help == EXACT[word]


# -- the tables -------------------------------------------------------------------------------------------------------

WORDS = sorted(
    {
        word
        for row in (*layers.WRITTEN.values(), *layers.CALLED_WITH_BLOCKS.values(), *layers.ADVICE.values())
        for word in row
    }
    | {word for row in layers.LACKING for word in (*row.primitives, *row.words)}
)
NAMES = [word for word in WORDS if word not in PRIMITIVES]


def test_every_word_has_one_answer():
    rows = (
        *layers.WRITTEN.values(),
        *layers.CALLED_WITH_BLOCKS.values(),
        *layers.ADVICE.values(),
        *({*row.primitives, *row.words} for row in layers.LACKING),
    )
    counts = Counter(word for row in rows for word in set(row))
    assert [word for word, count in counts.items() if count > 1] == []
    assert all(find_layer(word) for word in WORDS)


def test_letters_never_go_before_meaning():
    """Where the name is not known, each word has the answer of the table, and no name of similar letters."""
    words = [word for word in NAMES if word not in ("act", "conv", "norm")]
    for start in range(0, len(words), 40):
        part = words[start : start + 40]
        blocks = "".join(f"block b{i}() {{\n  out = in |> {word}\n}}\n" for i, word in enumerate(part))
        unknown = {fault.primary.span.text: fault for fault in diagnose(net(uses=blocks)) if fault.code == "E0201"}
        for word in part:
            if word in unknown:  # not what the language itself has
                answer = find_layer(word)
                assert answer is not None
                assert unknown[word].helps == (answer.help,), word
        assert len(unknown) > 0.8 * len(part)


BODIES = {  # how the replacement of a word is used, where it is no layer of a map
    "linear(10)": "out = in |> global_avg_pool |> {}",
    "flatten": "out = in |> global_avg_pool |> {}",
    "reshape([in.channels, 1, 1])": "out = in |> global_avg_pool |> {}",
    "[a, b] |> concat": "let a = in |> norm\n  let b = in |> act\n  out = {}",
    "[a, b] |> sum": "let a = in |> norm\n  let b = in |> act\n  out = {}",
    "a + b": "let a = in |> norm\n  let b = in |> act\n  out = {}",
    "a * b": "let a = in |> norm\n  let b = in |> act\n  out = {}",
    "a - b": "let a = in |> norm\n  let b = in |> act\n  out = {}",
    "([a, b] |> sum) / 2": "let a = in |> norm\n  let b = in |> act\n  out = {}",
    "in / 3": "out = {}",
    "-in": "out = {}",
    "1 + in": "out = {}",
    "split(2)": "let parts = in |> {}\n  out = parts[0]",
    "split([8, 24])": "let parts = in |> {}\n  out = parts[0]",
    "nearest(x, 8)": "let x = 12\n  let y = {}\n  out = in",
    "floor(a / b)": "let a = 12\n  let b = 8\n  let y = {}\n  out = in",
}


@pytest.mark.parametrize("code", layers.WRITTEN)
def test_what_a_word_is_written_as_checks(code: str):
    body = BODIES.get(code, "out = in |> {}").format(code)
    head = "linear(10)" if code == "flatten" or code.startswith("linear") else "global_avg_pool |> linear(10)"
    text = net(body, block="unit(32)", head=head).replace("2 of", "1 of")
    if "space_to_depth" in code:
        text = text.replace("= [3, 32, 32]", "= [3, 32, 32] when H % 2 == 0 and W % 2 == 0")
    faults = diagnose(text)
    assert [fault.message for fault in faults] == []


@pytest.mark.parametrize("code", layers.CALLED_WITH_BLOCKS)
def test_a_block_of_the_library_checks_as_it_is_written(code: str):
    uses = "\n".join(f"use std.{file}" for file in sorted(set(re.findall(r"([a-z]+)\.[a-z]", code))))
    width = re.sub(r"\(64", "(32", code)
    assert diagnose(net(block=width, uses=uses)) == []


def test_nearly_every_layer_of_torch_is_answered():
    from torch import nn

    layer_names = [name for name, item in vars(nn).items() if isinstance(item, type) and issubclass(item, nn.Module)]
    unanswered = [name for name in layer_names if find_layer(name) is None]
    assert len(layer_names) > 100
    assert len(unanswered) < 0.1 * len(layer_names), unanswered


INSTEAD = {
    "cross_entropy": "out = in",
    "Mlp": "out = in |> conv(256, kernel=1) |> act |> conv(64, kernel=1)",
    "glu": "let p = in |> split(2)\n  out = p[0] * (p[1] |> sigmoid)",
    "channel_dropout": "out = in |> dropout(0.5)",
    "slice": "let parts = in |> split(2)\n  out = parts[0]",
    "Sequential": "out = in |> conv(64, kernel=3) |> norm |> act",
}


@pytest.mark.parametrize("word", INSTEAD)
def test_what_is_written_instead_checks(word: str):
    answer = find_layer(word)
    assert answer is not None
    for code in re.findall(r"`([^`]*)`", answer.help)[-1:]:
        assert code.split("(")[0].split(" ")[0] in INSTEAD[word]
    assert diagnose(net(INSTEAD[word]).replace("2 of", "1 of")) == []


# -- what the primitives lack -----------------------------------------------------------------------------------------


def plant(monkeypatch: pytest.MonkeyPatch, name: str, attribute: str = "new") -> None:
    monkeypatch.setitem(PRIMITIVES, name, Primitive(name, (), attribute, "same"))


@pytest.mark.parametrize("row", layers.LACKING, ids=lambda row: row.primitives[0])
def test_what_is_lacking_is_there_once_it_is_a_primitive(row: layers.MissingFeature, monkeypatch: pytest.MonkeyPatch):
    word = row.words[-1]
    before = find_layer(word)
    assert before is not None and before.help.startswith("edition 1 has no ")
    plant(monkeypatch, row.primitives[-1])
    after = find_layer(word)
    assert after is not None and after.help == f"`{word}` is written `{row.primitives[-1]}` here"
    assert after.name == row.primitives[-1]


def test_a_new_activation_is_listed_and_a_new_operation_of_any_name_answers_it(monkeypatch: pytest.MonkeyPatch):
    plant(monkeypatch, "selu", "act#")
    plant(monkeypatch, "snake_wave")
    (selu, celu, wave) = (find_layer(word) for word in ("SELU", "CELU", "SnakeWave2d"))
    assert selu is not None and selu.help == "`SELU` is written `selu` here"
    assert celu is not None and " and `selu`" in celu.help
    assert wave is not None and wave.help == "`SnakeWave2d` is written `snake_wave` here"


def test_a_planted_primitive_changes_what_is_said_of_a_spec(monkeypatch: pytest.MonkeyPatch):
    text = net("out = in |> nn.Upsample(2)")
    (before,) = diagnose(text)
    assert before.helps == ("edition 1 has no operation that makes a map larger",)
    plant(monkeypatch, "resize")
    (after,) = diagnose(text)
    assert after.helps == ("`Upsample` is written `resize` here",)


# -- parameters -------------------------------------------------------------------------------------------------------

CALLS = (
    ("in |> conv({}=32, kernel=3)", "channels"),
    ("in |> conv(32, {}=3)", "kernel"),
    ("in |> conv(32, kernel=3, {}=1)", "stride"),
    ("in |> plain_conv(32, kernel=3, {}=1)", "padding"),
    ("in |> conv(32, kernel=3, {}=1)", "dilation"),
    ("in |> conv(32, kernel=3, {}=1)", "groups"),
    ("in |> plain_conv(32, kernel=3, {}=true)", "bias"),
    ("in |> dropout({}=0.5)", "rate"),
    ("in |> batch_norm({}=0.001)", "eps"),
    ("in |> std_conv(32, kernel=3, scaled=true, {}=0)", "gain"),
    ("in |> leaky_relu({}=0.2)", "slope"),
    ("in |> clip({}=0, high=6)", "low"),
    ("in |> clip(0, {}=6)", "high"),
    ("in |> max_pool(3, stride=2, {}=true)", "ceil"),
    ("in |> avg_pool(3, stride=2, {}=true)", "count_padding"),
    ("in |> constant_pad({}=1)", "amount"),
    ("in |> constant_pad(1, {}=1)", "value"),
    ("in |> global_avg_pool |> linear({}=32)", "features"),
)


@pytest.mark.parametrize("call, name", CALLS, ids=[name for _, name in CALLS])
def test_a_parameter_of_another_library_is_renamed(call: str, name: str):
    head = "linear(10)" if "linear" in call else "global_avg_pool |> linear(10)"
    for word in parameters.PARAMETERS[name].split():
        text = net(f"out = {call.format(word)}", head=head).replace("2 of", "1 of")
        (fault,) = diagnose(text)
        assert fault.helps == (f"`{word}` is called `{name}` here",)
        (edit,) = fault.fix
        assert diagnose(text[: edit.span.start] + edit.replacement + text[edit.span.end :]) == []


@pytest.mark.parametrize("advice", parameters.NEEDLESS)
def test_a_parameter_without_counterpart_is_answered(advice: str):
    for word in parameters.NEEDLESS[advice].split():
        answer = find_parameter(word, ("channels", "kernel"))
        assert answer is not None and answer.help.startswith(
            ("remove it", "chain it", "label", "a width", "resnetc", "no weights")
        )


def test_the_plain_form_of_a_word_has_no_axes_and_no_capitals():
    words = ("MaxPool2d", "max_pool2d", "MaxPool2D", "max_pool_2d", "Conv2DTranspose", "resnet50d", "EvoNorm2dS0")
    plain = ("maxpool", "maxpool", "maxpool", "maxpool", "convtranspose", "resnet50d", "evonorms0")
    assert tuple(map(simplify, words)) == plain


SETTINGS = {
    ("act", "celu"): EXACT["celu"],
    ("act", "swish"): EXACT["swish"],
    ("act", "nn.SiLU()"): EXACT["SiLU"],
    ("norm", "lrn"): EXACT["lrn"],
}


@pytest.mark.parametrize("slot, value", SETTINGS)
def test_what_set_gives_a_slot_is_answered_alike(slot: str, value: str):
    (fault,) = diagnose(net(), **{slot: value})
    assert fault.helps == (SETTINGS[slot, value],)
