"""Static checks of names: what is said, where, and that one fault is one message."""

import ast
import builtins
import keyword
import re
import subprocess
import sys
from pathlib import Path

import pytest

from resnetc.compiler import names
from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Sink, find_similar
from resnetc.compiler.loader.loader import LIBRARY, Loader
from resnetc.compiler.names import reserved
from resnetc.compiler.names.cycles import find_ancestors, find_cycles
from resnetc.compiler.source import Source
from resnetc.compiler.syntax.parser import RESERVED
from resnetc.grammar.primitives import FUNCTIONS, PRIMITIVES
from tests.support import format_position, replace_once

ROOT = Path(__file__).parents[3]
SPECS = sorted(LIBRARY.rglob("*.resnet"))
LOADER = Loader(Sink())

MODEL = """\
edition 1
use std.blocks
use std.gates

model net(classes: int = 10) {
  set attention = gates.se
  input [3, H, W] = [3, 32, 32]
  stem = conv(64, kernel=3) |> norm |> act
  stage layer1 = 2 of blocks.basic(64, stride=2)
  head = global_avg_pool |> fc: linear(classes)
  expect layer1.shape == [64, ceil(H / 2), ceil(W / 2)] when classes == 10
}
"""


def checked(text: str) -> tuple[list[Diagnostic], frozenset[str]]:
    """The faults of a text, and the names of its items that cannot be expanded."""
    LOADER.sink = Sink()
    spec = LOADER.link(Source("t.resnet", text), None)
    bad = names.check(spec, LOADER.prelude, LOADER.sink)
    return LOADER.sink.diagnostics, bad


def shown(text: str) -> list[tuple[str, ...]]:
    return [(d.code, format_position(d.primary.span), d.message, *d.helps[:1]) for d in checked(text)[0]]


def block(body: str = "", out: str = "in", parameters: str = "") -> str:
    return f"edition 1\nblock b({parameters}) {{\n  {body}\n  out = {out}\n}}\n"


# -- what is right ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.relative_to(LIBRARY).as_posix())
def test_shipped_specs_have_no_fault(path):
    sink = Sink()
    loader = Loader(sink)
    assert names.check(loader.load(path), loader.prelude, sink) == frozenset()
    assert sink.diagnostics == []


RIGHT = {
    "elements of an indexed let before and behind their loop": block(
        "each i in range(2) {\n let x[i] = (in when i == 0 otherwise y[i - 1])\n let y[i] = x[i] |> act\n }", "y |> sum"
    ),
    "loops one after the other": block("each i in [1] { let a[i] = i }\n each i in [2] { let b0[i] = i }"),
    "labels that are names elsewhere": block(out="in |> norm: norm |> conv: act |> stem.fc: act |> head: act"),
    "labels with indices": block("each i in [0] { let y[i] = in |> convs[i].norm: act }", "y |> sum"),
    "a slot of the file in a call": block(out="in |> c(mine=act)")
    + 'slot mine() "x" = relu\nblock c() { out = in |> mine }',
    "a decorated slot": block("set conv = quiet")
    + "policy quiet(channels: int) { otherwise => conv(channels, kernel=3) }",
    "a slot bound where it is its own default": 'edition 1\nslot s() "s" = b\nblock b() { set s = relu out = in |> s }',
    "an instance with claims of its own": MODEL
    + "model two = net(classes=2) { input [3, H, W] = [3, 8, 8] when H % 2 == 0 expect parameters == classes + H }",
    "an instance of an instance": MODEL
    + "model two = net(classes=2)\nmodel three = two(norm=group_norm) { expect H > 3 }",
    "a path as a stage": replace_once(MODEL, "stage layer1", "stage stages[0].blocks").replace(
        "layer1.shape", "stages[0].blocks.shape"
    ),
    "an extern": 'edition 1\nextern attend(heads: int) [C, H, W] => [heads * C, H, W] = "ops:Attend"',
    "an `each` over a parameter": replace_once(MODEL, "set att", "each classes in [10, 100]\n set att"),
    "a model's parameter like a primitive": replace_once(
        MODEL, "classes: int = 10", "classes: int = 10, dropout: number = 0"
    )
    + "model two = net(dropout=1 / 2, act=identity |> dropout(0.1)) { expect dropout > 0 }",
    "`in` and earlier parameters in defaults": block(parameters="a: int = in.channels, b0: int = 2 * a"),
}


@pytest.mark.parametrize("case", RIGHT)
def test_right_texts_have_no_fault(case):
    assert shown(RIGHT[case]) == []


# -- what is wrong ----------------------------------------------------------------------------------------------------

DEFINE = "define `{}` with `let`, as a parameter or as a block, or `use` the file that defines it"
BEHIND = "a name can only be used after its definition, and a name defined in a loop only inside it"
CLAIMED = "only `expect` can mention `{}`: the structure of a network does not depend on the input size"
MEASURED = (
    "only `expect` can mention `{}`: it is known only once the network is built; "
    "`require` checks what the caller passes"
)
FREE = "choose another name for the {}"
TAKE_OUT = "break the cycle: a definition cannot refer to itself, not even through others"
WRONG = {
    "a misspelt slot": (
        replace_once(MODEL, "|> norm", "|> nrm"),
        ("E0201", "8:32", "`nrm` is not defined here", "a similar name exists: `norm`"),
    ),
    "a name of nothing": (
        replace_once(MODEL, "|> norm", "|> zz"),
        ("E0201", "8:32", "`zz` is not defined here", DEFINE.format("zz")),
    ),
    "a block without its file": (
        replace_once(MODEL, "blocks.basic", "basic"),
        ("E0201", "9:23", "`basic` is not defined here", "write `blocks.basic`"),
    ),
    "a misspelt block without its file": (
        replace_once(MODEL, "blocks.basic", "bottlenec"),
        (
            "E0201",
            "9:23",
            "`bottlenec` is not defined here",
            "a similar name exists: `blocks.bottleneck`",
        ),
    ),
    "a file without its use": (
        replace_once(MODEL, "use std.gates\n", ""),
        ("E0201", "5:19", "`gates` is not defined here", "add `use std.gates` below the edition"),
    ),
    "`in` in a model": (
        replace_once(MODEL, "stem = conv", "stem = in |> conv"),
        (
            *("E0201", "8:10", "`in` is not defined here"),
            "`in` is the input of a block or a policy; a model passes its input to `stem`",
        ),
    ),
    "a size in the structure": (
        replace_once(MODEL, "conv(64", "conv(H"),
        ("E0201", "8:15", "`H` is not defined here", CLAIMED.format("H")),
    ),
    "a measure in the structure": (
        replace_once(MODEL, "conv(64", "conv(parameters"),
        ("E0201", "8:15", "`parameters` is not defined here", MEASURED.format("parameters")),
    ),
    "a stage that does not exist": (
        replace_once(MODEL, "expect layer1", "expect layer2"),
        ("E0201", "11:10", "`layer2` is not defined here", "a similar name exists: `layer1`"),
    ),
    "a misspelt measure": (
        replace_once(MODEL, "expect layer1.shape == [64, ceil(H / 2), ceil(W / 2)]", "expect weigthed_layers == 7"),
        (
            "E0201",
            "11:10",
            "`weigthed_layers` is not defined here",
            "a similar name exists: `weighted_layers`",
        ),
    ),
    "a name in the index of a label": (
        block(out="in |> convs[k]: act"),
        ("E0201", "4:21", "`k` is not defined here", DEFINE.format("k")),
    ),
    "a value before its let": (
        block("let a = c\n  let c = 1"),
        (
            "E0201",
            "3:11",
            "`c` is not defined here",
            "a name can only be used after its definition, and a name defined in a loop only inside it",
        ),
    ),
    "a value outside of its loop": (
        block("each i in [1] { let a = i }", "in |> conv(a, kernel=1)"),
        (
            "E0201",
            "4:20",
            "`a` is not defined here",
            "a name can only be used after its definition, and a name defined in a loop only inside it",
        ),
    ),
    "an `each` over no parameter": (
        replace_once(MODEL, "set att", "each clases in [10, 100]\n  set att"),
        ("E0201", "6:8", "`clases` is not defined here", "a similar parameter exists: `classes`"),
    ),
    "a misspelt block": (
        replace_once(MODEL, "blocks.basic", "blocks.basik"),
        (
            "E0202",
            "9:30",
            "no block, policy or model named `basik` in `blocks`",
            "a similar one exists: `basic`",
        ),
    ),
    "a misspelt parameter of a block": (
        replace_once(MODEL, "stride=2", "strides=2"),
        ("E0203", "9:40", "`basic` has no parameter `strides`", "`strides` is called `stride` here"),
    ),
    "a misspelt slot of a call": (
        replace_once(MODEL, "stride=2", "atention=none"),
        ("E0203", "9:40", "`basic` has no parameter `atention`", "a similar parameter exists: `attention`"),
    ),
    "a parameter that a primitive does not have": (
        replace_once(MODEL, "linear(classes)", "linear(features=classes, biass=true)"),
        ("E0203", "10:58", "`linear` has no parameter `biass`", "a similar parameter exists: `bias`"),
    ),
    "a slot where a slot is called": (
        replace_once(MODEL, "kernel=3)", "kernel=3, norm=none)"),
        ("E0203", "8:29", "`conv` has no parameter `norm`", "chain it after the layer: `conv(64, kernel=3) |> norm`"),
    ),
    "a misspelt parameter of an instance of an instance": (
        MODEL + "model two = net(classes=2)\nmodel three = two(clases=3)\n",
        ("E0203", "14:19", "`net` has no parameter `clases`", "a similar parameter exists: `classes`"),
    ),
    "a named argument of a function": (
        block("let a = max(1, least=2)"),
        ("E0203", "3:18", "`max` has no parameter `least`", "remove `least=...`, or use one of its parameters"),
    ),
    "a label that is no path": (
        block(out="in |> act(): act"),
        ("E0227", "4:15", "a label must be an attribute path", "write it like `fc`, `head.fc` or `convs[i]`"),
    ),
    "a `first` parameter without default": (
        block(parameters="first stride: size"),
        (
            *("E0234", "2:9", "a `first` parameter needs a default: `stride` has none for the blocks after the first"),
            "write `first stride: size = ...`",
        ),
    ),
    "a misspelt slot of `set`": (
        replace_once(MODEL, "set attention", "set atention"),
        (
            "E0239",
            "6:7",
            "`set` binds a slot, but `atention` is not one",
            "a similar slot exists: `attention`",
        ),
    ),
    "an unknown type": (
        block(parameters="a: integer"),
        ("E0241", "2:12", "unknown type `integer`", "`integer` is called `int` here"),
    ),
    "a misspelt type": (
        block(parameters="a: nmber"),
        ("E0241", "2:12", "unknown type `nmber`", "a similar type exists: `number`"),
    ),
    "two parameters of one name": (
        block(parameters="a: int, a: size"),
        ("E0242", "2:17", "`b` has two parameters named `a`", "remove or rename one of the two parameters"),
    ),
    "two definitions of one name": (
        block() + "policy b() { otherwise => act }\n",
        ("E0243", "6:8", "this file defines `b` twice", "remove or rename one of the two definitions"),
    ),
    "a parameter like a slot": (
        block(parameters="norm: layer"),
        (
            "E0244",
            "2:9",
            "the parameter `norm` would shadow the slot `norm`",
            FREE.format("parameter"),
        ),
    ),
    "a value like a primitive": (
        block("let relu = 1"),
        (
            "E0244",
            "3:7",
            "the value `relu` would shadow the primitive `relu`",
            FREE.format("value"),
        ),
    ),
    "a block's parameter like a primitive": (
        block(parameters="dropout: number"),
        ("E0244", "2:9", "the parameter `dropout` would shadow the primitive `dropout`", FREE.format("parameter")),
    ),
    "a model's value like a primitive": (
        replace_once(MODEL, "set attention", "let dropout = 1\n  set attention"),
        ("E0244", "6:7", "the value `dropout` would shadow the primitive `dropout`", FREE.format("value")),
    ),
    "a model's parameter like a function": (
        replace_once(MODEL, "classes: int", "len: int, classes: int"),
        ("E0244", "5:11", "the parameter `len` would shadow the function `len`", FREE.format("parameter")),
    ),
    "a value like a parameter": (
        block("let a = 1", parameters="a: int"),
        (
            "E0244",
            "3:7",
            "the value `a` would shadow the parameter `a`",
            FREE.format("value"),
        ),
    ),
    "a loop variable like a value": (
        block("let i = 1 each i in [1] {}"),
        (
            *("E0244", "3:18", "the loop variable `i` would shadow the value `i`"),
            FREE.format("loop variable"),
        ),
    ),
    "a value like an indexed one": (
        block("each i in [1] { let a[i] = i } let a = 1"),
        (
            "E0244",
            "3:38",
            "the value `a` would shadow the value `a`",
            FREE.format("value") + ", or continue the pipe that `a` already names",
        ),
    ),
    "a parameter like an item": (
        block(parameters="b: int"),
        (
            "E0244",
            "2:9",
            "the parameter `b` would shadow the block `b`",
            FREE.format("parameter"),
        ),
    ),
    "a value like a used file": (
        replace_once(MODEL, "set att", "let gates = 1\n  set att"),
        (
            "E0244",
            "6:7",
            "the value `gates` would shadow the used file `gates`",
            FREE.format("value"),
        ),
    ),
    "a parameter like a measure": (
        replace_once(MODEL, "net(classes", "net(buffers: int = 1, classes"),
        (
            "E0244",
            "5:11",
            "the parameter `buffers` would shadow the measure `buffers`",
            FREE.format("parameter"),
        ),
    ),
    "a size like a slot": (
        replace_once(MODEL, "[3, H, W] =", "[3, act, W] =").replace("H / 2", "W / 2"),
        (
            "E0244",
            "7:13",
            "the size `act` would shadow the slot `act`",
            FREE.format("size"),
        ),
    ),
    "an item like a function": (
        "edition 1\npolicy ceil() { otherwise => act }\n",
        (
            "E0244",
            "2:8",
            "the policy `ceil` would shadow the function `ceil`",
            FREE.format("policy"),
        ),
    ),
    "an item like a used file": (
        replace_once(MODEL, "net(classes", "gates(classes").replace("  set attention = gates.se\n", ""),
        (
            "E0244",
            "5:7",
            "the model `gates` would shadow the used file `gates`",
            FREE.format("model"),
        ),
    ),
    "a file used twice": (
        replace_once(MODEL, "use std.gates\n", "use std.gates\nuse std.gates\n"),
        (
            "E0244",
            "4:5",
            "the used file `gates` would shadow the used file `gates`",
            "remove the line, or rename a file: a used file is named after the last part of its path",
        ),
    ),
    "a block of itself": (
        block(out="in |> b"),
        (
            "E0245",
            "4:15",
            "`b` refers to itself",
            TAKE_OUT,
        ),
    ),
    "a circle of blocks": (
        block(out="in |> c") + "block c(x0: layer = d) { out = in |> x0 }\nblock d() { out = in |> act |> b }\n",
        (
            *("E0245", "7:32", "definitions refer to each other in a cycle"),
            TAKE_OUT,
        ),
    ),
    "a slot within its own default": (
        'edition 1\nslot s() "s" = p\npolicy p() { otherwise => s |> relu }\n',
        (
            *("E0245", "3:27", "definitions refer to each other in a cycle"),
            TAKE_OUT,
        ),
    ),
    "an instance of itself": (
        "edition 1\nmodel a = a(1)\n",
        (
            "E0245",
            "2:11",
            "`a` refers to itself",
            TAKE_OUT,
        ),
    ),
    "a keyword of Python": (
        block("let lambda = 1"),
        (
            "E0246",
            "3:7",
            "`lambda` is a Python keyword or constant, so this value cannot have that name",
            "rename it, for instance to `lambda_`",
        ),
    ),
    "an attribute of modules as a label": (
        block(out="in |> train: act"),
        (
            "E0246",
            "4:15",
            "`train` is an attribute of PyTorch modules, so this label cannot have that name",
            "rename it, for instance to `train_`",
        ),
    ),
    "an attribute of modules within a stage": (
        replace_once(MODEL, "stage layer1", "stage layer1.forward"),
        (
            "E0246",
            "9:16",
            "`forward` is an attribute of PyTorch modules, so this stage cannot have that name",
            "rename it, for instance to `forward_`",
        ),
    ),
    "an attribute of modules as a slot's": (
        'edition 1\nslot s() "half" = act\n',
        (
            "E0246",
            "2:10",
            "`half` is an attribute of PyTorch modules, so this attribute cannot have that name",
            "rename it, for instance to `half_`",
        ),
    ),
    "a name of generated code": (
        block(parameters="self: int"),
        (
            "E0246",
            "2:9",
            "`self` is a name that generated code uses itself, so this parameter cannot have that name",
            "rename it, for instance to `self_`",
        ),
    ),
    "a model like a module": (
        "edition 1\nblock typing() { out = in }\n",
        (
            "E0246",
            "2:7",
            "`typing` is a name that a generated module uses itself, so this block cannot have that name",
            "rename it, for instance to `typing_block`",
        ),
    ),
    "a name of Python whose usual remedy is taken": (
        block("let lambda_ = 1 let lambda = 2"),
        (
            "E0246",
            "3:23",
            "`lambda` is a Python keyword or constant, so this value cannot have that name",
            "rename it, for instance to `lambda_2`",
        ),
    ),
    "a model of which a class would have a name of Python": (
        MODEL.replace("model net", "model None"),
        (
            "E0246",
            "5:7",
            "`None` is a Python keyword or constant, so this model cannot have that name",
            "rename it, for instance to `None_net`",
        ),
    ),
    "a line before a word of Python": (
        block("let _class = 1"),
        ("E0246", "3:7", "a name must start with a letter", "write `class_`"),
    ),
    "a line before a primitive": (
        block("let _relu = 1"),
        ("E0246", "3:7", "a name must start with a letter", "write `relu_`"),
    ),
    "a name that opens with a line": (
        block("let __class__ = 1"),
        ("E0246", "3:7", "a name must start with a letter", "write `class__`"),
    ),
    "a long name": (
        block(f"let {'a' * 65} = 1"),
        ("E0246", "3:7", "a name has at most 64 characters, not 65", "shorten it"),
    ),
    "a slot stored under what is no name": (
        'edition 1\nslot s() "a; import os" = act\n',
        (
            *("E0247", "2:10", 'the attribute of a slot must be a name, and "a; import os" is not one'),
            'write for instance "norm", "norm#" for a numbered name, or "" to use the names inside the bound layer',
        ),
    ),
    "an input without one of its numbers": (
        replace_once(MODEL, "[3, H, W] =", "[3, H] ="),
        (
            *("E0322", "7:3", "an input names its channels and one to three axes, and declares a size for each"),
            "write one number for each name, such as `input [3, H, W] = [3, 224, 224]` for images",
        ),
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_one_fault_is_one_message(case):
    text, expected = WRONG[case]
    assert shown(text) == [expected]


def test_what_can_be_called_is_said():
    (fault,) = checked(replace_once(MODEL, "blocks.basic(64", "zz(64"))[0]
    assert fault.notes == ("this file defines `net`", "it uses `blocks` and `gates`")


def test_a_circle_is_drawn():
    (fault,) = checked(WRONG["a circle of blocks"][0])[0]
    assert fault.notes == ("b -> c -> d -> b",)
    assert [(format_position(label.span), label.text) for label in (*fault.labels, fault.primary)] == [
        ("4:15", "`b` refers to `c`"),
        ("6:21", "`c` refers to `d`"),
        ("7:32", "`d` refers to `b`"),
    ]


def test_both_meanings_of_a_name_are_shown():
    (fault,) = checked(block(parameters="norm: layer"))[0]
    assert [(label.span.source.name, label.text) for label in (fault.primary, *fault.labels)] == [
        ("t.resnet", "this parameter"),
        ("std/prelude.resnet", "the slot"),
    ]


def test_a_fault_that_repeats_is_reported_once_and_put_right_everywhere():
    text = block(out="in |> " + " |> ".join(["nrm"] * 6))
    (fault,) = checked(text)[0]
    assert [format_position(label.span) for label in (fault.primary, *fault.labels)] == ["4:15", "4:22", "4:29", "4:36"]
    assert fault.notes == ("and in 2 more places",)
    for edit in reversed(fault.fix):
        text = text[: edit.span.start] + edit.replacement + text[edit.span.end :]
    assert checked(text) == ([], frozenset())


def test_several_faults_come_in_the_order_of_the_text():
    text = (
        replace_once(MODEL, "|> norm", "|> nrm").replace("stride=2", "strid=2").replace("expect layer1", "expect layr1")
    )
    assert [(fault[0], fault[1]) for fault in shown(text)] == [("E0201", "8:32"), ("E0203", "9:40"), ("E0201", "11:10")]


# -- what is silent ---------------------------------------------------------------------------------------------------


def test_what_is_reported_elsewhere_is_not_reported_again():
    text = "edition 1\nuse std.zz\nblock a( { out = in }\nblock b() { out = in |> a() |> zz.c(x0=1) }\n"
    faults, bad = checked(text)
    assert [d.code for d in faults] == ["E0101", "E0505"]
    assert bad == {"b"}


def test_slots_that_did_not_parse_are_missed_nowhere():
    blocks = "block a() { set s = none out = in |> s }\nblock b() { out = in |> a(s=none) }\n"
    text = f'edition 1\nslot s( "s" = act\n{blocks}'
    faults, bad = checked(text)
    assert [d.code for d in faults] == ["E0101"]
    assert bad == {"a", "b"}


def test_an_item_that_lost_its_name_may_be_any_that_is_not_found():
    text = "edition 1\nblock () { out = in }\nblock b() { set s = none out = in |> a() |> act(s=none) }\n"
    faults, bad = checked(text)
    assert [d.message for d in faults] == ["expected a name, found `(`"]
    assert bad == {"b"}


def test_faults_reach_what_mentions_them():
    blocks = "".join(f"block {name}() {{ out = in |> {used} }}\n" for name, used in ("az", "ba", "cb", ("d", "act")))
    faults, bad = checked(f"edition 1\n{blocks}")
    assert [d.code for d in faults] == ["E0201"]
    assert bad == {"a", "b", "c"}


def test_faults_reach_across_files(tmp_path):
    (tmp_path / "lib.resnet").write_text(
        "edition 1\nblock a() { out = in |> zz }\nblock b( { out = in }\nblock c() { out = in }"
    )
    user = tmp_path / "user.resnet"
    user.write_text("edition 1\nuse lib\n" + "".join(f"block u{n}() {{ out = in |> lib.{n} }}\n" for n in "abcd"))
    sink = Sink()
    loader = Loader(sink)
    spec = loader.load(user)
    bad = {}
    for file in reversed(spec.list_used_files()):
        bad[file] = names.check(file, loader.prelude, sink, bad)
    assert [d.message for d in sink.diagnostics] == [
        "expected `)`, `first` or a name, found `{`",
        "`zz` is not defined here",
        "no block, policy or model named `d` in `lib`",
    ]
    assert bad[spec] == {"ua", "ub", "ud"}


def test_many_faults_are_not_all_written_out():
    lets = "".join(f"  let x{i} = zz{i}\n" for i in range(1_000))
    assert len(checked(block(lets))[0]) == 50


# -- reserved names ---------------------------------------------------------------------------------------------------

KINDS = {
    "label": block(out="in |> @: act"),
    "stage": replace_once(MODEL, "stage layer1", "stage layer0.@").replace("layer1", "layer0"),
    "attribute": 'edition 1\nslot s() "@" = act\n',
    "path": replace_once(MODEL, "stage layer1", 'stage layer1 "a.@"'),
    "parameter": block(parameters="@: int"),
    "value": block("let @ = 1"),
    "loop variable": block("each @ in [1] {}"),
    "block": "edition 1\nblock @() { out = in }\n",
    "policy": "edition 1\npolicy @() { otherwise => act }\n",
    "model": replace_once(MODEL, "model net", "model @"),
    "extern": 'edition 1\nextern @() [C, H] => [C, H] = "a:B"\n',
    "slot": 'edition 1\nslot @() "s" = act\n',
}


@pytest.mark.parametrize("kind", KINDS)
def test_reserved_names_are_refused_and_others_are_not(kind):
    assert KINDS.keys() == reserved.FOR.keys()
    given = {*PRIMITIVES, *FUNCTIONS}
    for name in sorted(reserved.FOR[kind] - RESERVED):
        code = "E0244" if name in given and kind not in ROWS["a label"] else "E0246"
        assert [d.code for d in checked(KINDS[kind].replace("@", name))[0]] == [code], name
        assert checked(KINDS[kind].replace("@", f"{name}_1"))[0] == [], name


TABLE = re.compile(r"\| the name of \| cannot be \|\n\| --- \| --- \|\n((?:\|.*\n)+)\n(.*)")
ROWS = {
    "a label": ("label", "stage", "attribute", "path"),
    "a parameter": ("parameter", "value", "loop variable"),
    "a block": ("block", "policy", "extern"),
    "a model": ("model",),
    "a slot": ("slot",),
    "a size": (),
}


def test_the_reference_says_which_names_are_refused_for_which_words():
    """Each word that it names is refused for the kinds of the rows that speak of it, and for no others."""
    rows, free = TABLE.search((ROOT / "docs" / "language.md").read_text(encoding="utf-8")).groups()
    told: dict[str, tuple[str, str]] = {}
    for row in rows.splitlines():
        names_of, is_not = row.strip("| ").split(" | ")
        told[names_of.partition(",")[0]] = (names_of, is_not)
    assert told.keys() == ROWS.keys()
    said = {
        "Python keyword": ("class", "match"),
        "attribute of PyTorch modules": ("forward", "train"),
        "generated code needs": ("self", "nn", "len"),
        "at the top": ("build", "tensor"),
        "module that torch imports": ("random", "copy"),
    }
    for row, kinds in ROWS.items():
        text = told[row][1].replace(
            "any of these", "a Python keyword, an attribute of PyTorch modules, generated code needs"
        )
        for group, words in said.items():
            for kind in kinds:
                assert {word in reserved.FOR[kind] for word in words} == {group in text}, (kind, group)
    assert all(f"`{word}`" in rows for words in said.values() for word in words)
    assert "a model `forward`" in free and "a stage `self`" in free


def test_a_model_is_no_module_that_torch_imports():
    """Its file would be found first by what runs in its folder. The modules are those of this Python and torch."""
    program = "import sys, torch, torch._dynamo; print(*{n.partition('.')[0] for n in sys.modules})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    standard = {name for name in done.stdout.split() if name in sys.stdlib_module_names and not name.startswith("_")}
    assert len(standard) > 80
    assert standard | {"numpy", "torch", "resnetc"} <= reserved.FOR["model"]
    model = MODEL.replace("model net", "model random")
    (fault,), _ = checked(model)
    assert (
        fault.message
        == "`random` is a Python module that a file of this name would shadow, so this model cannot have that name"
    )


def test_names_of_the_library_stay_free():
    for name in (
        "slice",
        "x",
        "scale",
        "ratio",
        "base",
        "filter",
        "input_size",
        "weight",
        "stages",
        "features",
        "size",
    ):
        assert checked(block(f"let {name} = 1"))[0] == []


def test_words_of_python_are_complete():
    assert {*keyword.kwlist, *keyword.softkwlist} - {"_"} <= reserved.PYTHON


def test_attributes_of_modules_are_those_of_the_installed_torch():
    nn = pytest.importorskip("torch").nn
    containers = (nn.Module(), nn.Sequential(), nn.ModuleList(), nn.ModuleDict())
    assert {name for module in containers for name in dir(module) if not name.startswith("_")} == reserved.MODULE


def test_builtins_that_generated_modules_use_are_reserved():
    used = {
        node.id
        for path in (ROOT / "generated").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Name)
        and (node.id in vars(builtins) or node.id in ("self", "nn", "torch", "Tensor", "F"))
    }
    assert used <= reserved.VARIABLE


# -- circles ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("graph", "found"),
    [
        ({}, []),
        ({"a": ["b", "c"], "b": ["c"], "c": []}, []),
        ({"a": ["a"]}, [["a"]]),
        ({"a": ["b"], "b": ["c"], "c": ["b"]}, [["b", "c"]]),
        ({"a": ["b"], "b": ["a", "c"], "c": ["d"], "d": ["c"]}, [["c", "d"], ["a", "b"]]),
        ({"a": ["b", "c"], "b": ["a"], "c": ["a"]}, [["a", "b"]]),
    ],
)
def test_circles_without_a_name_in_common(graph, found):
    assert sorted(find_cycles(graph)) == sorted(found)


def test_a_long_way_is_no_circle():
    way = {str(i): [str(i + 1)] for i in range(20_000)}
    assert find_cycles(way) == []
    assert find_cycles({**way, "20000": ["0"]}) == [[str(i) for i in range(20_001)]]
    assert len(find_ancestors(["20000"], way)) == 20_001


@pytest.mark.parametrize(
    ("name", "candidates", "meant"),
    [
        ("layer5", ["layer1", "layer2", "layer3", "layer4"], "layer4"),
        ("layer12", ["layer1", "layer2", "layer10", "layer11"], "layer11"),
        ("layer0", ["layer1", "layer2"], "layer1"),
        ("resnet51", ["resnet18", "resnet50", "resnet152"], "resnet50"),
        ("resnet5", ["resnet18", "resnet50", "resnet152"], "resnet50"),
        ("stages[2].blocks", ["stages[0].blocks", "stages[1].blocks"], "stages[1].blocks"),
        ("layer", ["layer1", "layer2"], "layer1"),
        ("Layer2", ["layer1", "layer2"], "layer2"),
        ("conv", ["conv2", "convs"], "conv2"),
        ("x9", ["x8", "y9"], None),
    ],
)
def test_the_name_that_was_meant(name: str, candidates: list[str], meant: str | None) -> None:
    assert find_similar(name, candidates) == find_similar(name, candidates[::-1]) == meant
