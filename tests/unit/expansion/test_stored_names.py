"""Under which names modules are stored where one name stands for several steps: keys, their order, who shares what."""

import pytest

from resnetc.compiler.measures.summary import list_state_dict_keys
from resnetc.testing import SpecRefused, Trial, assert_network_agrees, trials

ODD = "policy odd() { when in.channels > 3 => norm otherwise => relu }\n"
SWAPPED = """policy low() { when in.channels > 3 => sigmoid otherwise => relu }
block unit(width: int) { out = in |> drop |> conv(width, kernel=1) |> drop }
"""
TWICE = "block unit(width: int) { out = in |> drop |> conv(width, kernel=1) |> drop }\n"


def model(*lines: str, channels: int = 4) -> str:
    body = "\n  ".join([*lines[:-1], f"input [{channels}, H] = [{channels}, 8]", lines[-1]])
    return f"model net() {{\n  {body}\n}}\n"


def block(out: str, *, before: str = "") -> str:
    """A model whose stem is one block of this output."""
    return f"{before}block unit() {{ out = {out} }}\n" + model("stem = unit head = identity")


# text, and what its keys begin with, in their order
STORED = {
    "the name of a step without keys is free for a later one": (
        ODD + TWICE + model("set drop = odd", "stem = conv(3, kernel=1) stage layer1 = 1 of unit(4) head = identity"),
        ["conv1", "layer1.0.conv1", "layer1.0.drop_path"],
    ),
    "a later step without keys leaves it to the first": (
        ODD + TWICE + model("set drop = odd", "stem = identity stage layer1 = 1 of unit(3) head = identity"),
        ["layer1.0.drop_path", "layer1.0.conv1"],
    ),
    "one block in which now the first, now the last step has the name": (
        ODD
        + TWICE
        + model("set drop = odd", "stem = identity stage layer1 = 1 of unit(3), 1 of unit(4) head = identity"),
        ["layer1.0.drop_path", "layer1.0.conv1", "layer1.1.conv1", "layer1.1.drop_path"],
    ),
    "the same for a block without a label": (
        ODD
        + "block inner() { out = in |> odd }\n"
        + "block unit(width: int) { out = in |> inner |> conv(width, kernel=1) |> inner }\n"
        + model("stem = identity stage layer1 = 1 of unit(2), 1 of unit(8), 1 of unit(3) head = identity"),
        ["layer1.0.inner.odd", "layer1.0.conv1", "layer1.1.conv1", "layer1.1.inner.odd", "layer1.2.inner.odd"]
        + ["layer1.2.conv1"],
    ),
    "a label that `let` binds keeps its place": (
        "policy late() { when in.channels > 4 => norm otherwise => relu }\n"
        + block("in |> conv(4, kernel=1)").replace(
            "out = in |> conv(4, kernel=1)",
            "let a = lab: late out = in |> conv(4, kernel=1) |> a |> conv(8, kernel=1) |> a",
        ),
        ["unit.lab", "unit.conv1", "unit.conv2"],
    ),
    "a container stands where its first keys do": (
        block("in |> box.a: relu |> conv(8, kernel=1) |> box.b: norm"),
        ["unit.conv1", "unit.box.b"],
    ),
    "a list of steps without keys too": (
        block("in |> xs[0]: relu |> conv(8, kernel=1) |> xs[1]: norm |> xs[2]: relu"),
        ["unit.conv1", "unit.xs.1"],
    ),
    "an element that has no module leaves its index free": (
        block("in |> xs[0]: identity |> conv(8, kernel=1) |> xs[1]: norm"),
        ["unit.conv1", "unit.xs.1"],
    ),
    "an element that nothing needs too": (
        block("b").replace("out = b", "let a = in |> xs[0]: norm let b = in |> xs[1]: norm out = b"),
        ["unit.xs.1"],
    ),
    "elements in the order of their keys": (
        block("in |> xs[0].a: relu |> xs[1].b: conv(4, kernel=1) |> xs[0].b: conv(4, kernel=3) |> xs[1].c: norm"),
        ["unit.xs.1.b", "unit.xs.1.c", "unit.xs.0.b"],
    ),
    "a list in a container": (
        block("in |> box.xs[0]: norm |> conv(8, kernel=1) |> box.xs[1]: norm |> a.b.c: norm"),
        ["unit.box.xs.0", "unit.box.xs.1", "unit.conv1", "unit.a.b.c"],
    ),
    "one block whose container comes first or second": (
        "policy late() { when in.channels > 4 => norm otherwise => identity }\n"
        "block unit(width: int) { out = in |> box.a: late |> conv(width, kernel=1) |> box.b: late }\n"
        + model("stem = unit(3) |> u2: unit(8) |> u3: unit(8) |> u4: unit(4) head = identity"),
        ["unit.conv1", "u2.conv1", "u2.box.b", "u3.box.a", "u3.box.b", "u3.conv1", "u4.box.a", "u4.conv1"],
    ),
    "a label below one without keys": (
        block("in |> a: relu |> conv(8, kernel=1) |> a.b: norm"),
        ["unit.conv1", "unit.a.b"],
    ),
    "labels without keys, one above the other": (
        block("in |> a.b: relu |> conv(8, kernel=1) |> a: sigmoid"),
        ["unit.conv1"],
    ),
    "the other way round": (block("in |> a: relu |> conv(8, kernel=1) |> a.b: sigmoid"), ["unit.conv1"]),
    "a label without keys like an attribute": (
        block("in |> act: sigmoid |> conv(8, kernel=1) |> relu"),
        ["unit.conv1"],
    ),
    "a label without keys like the name of a kind": (
        block("in |> conv1: relu |> conv(8, kernel=1) |> bn1: sigmoid |> norm"),
        ["unit.conv1", "unit.bn1"],
    ),
    "parameters before all modules, in the order of the text": (
        block("in |> conv(8, kernel=1) |> gamma: scale |> norm |> shift |> beta: shift(shape=[]) |> scale"),
        ["unit.gamma", "unit.shift1", "unit.beta", "unit.scale1", "unit.conv1", "unit.bn1"],
    ),
    "a parameter whose label `let` names": (
        block("in |> conv(8, kernel=1) |> one: scale |> late").replace("out =", "let late = last: scale out ="),
        ["unit.last", "unit.one", "unit.conv1"],
    ),
    "parameters of the model before those of its parts": (
        model("stem = conv(4, kernel=1) |> scale stage layer1 = 1 of norm head = gamma: scale |> norm"),
        ["scale1", "gamma", "conv1", "layer1.0", "bn1"],
    ),
    "a slot of one parameter": (
        'slot ls() "ls" = scale(init=1e-6)\n' + block("in |> conv(8, kernel=1) |> ls |> drop"),
        ["unit.ls", "unit.conv1"],
    ),
    "one block in which two steps without keys change places": (
        SWAPPED + model("set drop = low", "stem = identity stage layer1 = 1 of unit(3), 1 of unit(4) head = identity"),
        ["layer1.0.conv1", "layer1.1.conv1"],
    ),
}


def beginnings(trial: Trial) -> list[str]:
    """The keys, without the name of a parameter in its module."""
    inside = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    keys = (key.rpartition(".") for key, _ in list_state_dict_keys(trial.network))
    return list(dict.fromkeys(module if name in inside else f"{module}{dot}{name}" for module, dot, name in keys))


@pytest.mark.parametrize("case", STORED)
def test_keys_are_in_the_order_of_the_text_and_each_step_has_its_own(case: str) -> None:
    text, keys = STORED[case]
    (trial,) = trials("edition 1\n" + text)
    assert beginnings(trial) == keys
    assert assert_network_agrees(trial, [(8,), (3,)]) == 2


REFUSED = {
    "a label twice in a chain": (
        model("stem = x: (a: conv(4, kernel=1) |> a: norm) head = identity"),
        "two layers would be stored as `a`",
    ),
    "also where the first has no keys": (
        model("stem = x: (a: relu |> a: norm) head = identity"),
        "two layers would be stored as `a`",
    ),
    "a layer inside a layer": (
        block("in |> a: norm |> conv(8, kernel=1) |> a.b: norm"),
        "`a.b` would be stored inside another layer, `a`",
    ),
    "a layer around one": (
        block("in |> a[0]: norm |> conv(8, kernel=1) |> a: norm"),
        "`a[0]` would be stored inside another layer, `a`",
    ),
    "a list with a name in it": (
        block("in |> a[0]: norm |> conv(8, kernel=1) |> a.b: norm"),
        "`a.b` cannot be stored next to `a[0]`: a list has only numbered elements",
    ),
    "a stage inside a stage": (
        model("stem = identity stage a = 1 of relu stage a.b = 1 of relu head = identity"),
        "`a.b` would be stored inside another layer, `a`",
    ),
    "a stage called like a layer": (
        model("stem = a: conv(4, kernel=1) stage a = 1 of relu head = identity"),
        "two layers would be stored as `a`",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_two_layers_in_one_place_are_refused(case: str) -> None:
    text, message = REFUSED[case]
    with pytest.raises(SpecRefused) as caught:
        trials("edition 1\n" + text)
    assert [(d.code, d.message) for d in caught.value.diagnostics] == [("E0231", message)]
