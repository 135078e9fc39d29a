"""A binding has an effect or is refused: in all places that bind slots, and nowhere without need."""

import re

import pytest

import resnetc
from resnetc import CompileError
from resnetc.cli.main import main
from resnetc.compiler.driver.session import Session
from resnetc.compiler.loader.loader import list_shipped
from resnetc.compiler.syntax import tree as syntax
from tests.support import list_faults

UNIT = """edition 1
use std.blocks
use std.drops
use std.shortcuts

block unit(width: int, first stride: size = 1) {
  let main = in |> conv(width, kernel=3, stride=stride) |> norm |> relu
  out = main + (in |> shortcut(width, stride))
}
policy own(width: int = 8) { otherwise => entry |> conv(width, kernel=1) }
policy rarely() {
  when in.channels == 77 => drop
  otherwise => identity
}
"""
MODEL = """
model net(unit: layer = unit, {parameters}features: bool = false) {{
  {statements}
  input [3, H, W] = [3, 32, 32]
  stem = {stem}
  stage layer1 = 2 of {block}
  head = {head}
}}
"""


def spec(
    statements: str = "",
    stem: str = "conv(8, kernel=3)",
    block: str = "unit(8)",
    head: str = "global_avg_pool |> fc: linear(10)",
    behind: str = "",
    parameters: str = "",
) -> str:
    model = MODEL.format(statements=statements, stem=stem, block=block, head=head, parameters=parameters)
    return UNIT.replace("block unit(", "block plain(") + model.replace("= unit,", "= plain,") + behind


def in_vain(slot: str, where: str = "net") -> list[str]:
    return [f"E0252 `{slot}` is bound, but nothing in `{where}` applies it"]


@pytest.mark.parametrize(
    "slot, layer",
    [
        ("entry", "identity"),
        ("drop", "drop_path(0.1)"),
        ("act", "silu"),
        ("attention", "none"),
        ("stem_pool", "identity"),
    ],
)
def test_nothing_binds_what_nothing_applies(slot: str, layer: str) -> None:
    assert list_faults(spec()) == []
    assert list_faults(spec(), **{slot: layer}) == in_vain(slot)
    assert list_faults(spec(f"set {slot} = {layer}")) == in_vain(slot)
    assert list_faults(spec(behind=f"model other = net({slot}={layer})")) == in_vain(slot, "other")
    assert list_faults(spec(block=f"unit(8, {slot}={layer})")) == in_vain(slot, "plain")
    with pytest.raises(CompileError, match=f"`{slot}` is bound, but nothing in `net` applies it"):
        resnetc.compile(text=spec(), **{slot: layer})


def test_load_refuses_it_too() -> None:
    with pytest.raises(CompileError, match="the slots `conv`, `norm` and `shortcut`"):
        resnetc.load(text=spec(), act="silu")


def test_the_command_line_writes_nothing(tmp_path, capsys) -> None:
    (tmp_path / "net.resnet").write_text(spec())
    out = tmp_path / "out"
    assert main(["compile", str(tmp_path / "net.resnet"), "--set", "act=silu", "-o", str(out)]) == 1
    assert "written here without `act`" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize("slot", ["conv", "norm", "shortcut"])
def test_equal_blocks_apply_what_the_first_of_them_applies(slot: str) -> None:
    layer = {"conv": "plain_conv(bias=true)", "norm": "identity", "shortcut": "none"}[slot]
    text = spec(block=f"unit(8), 3 of unit(8, {slot}={layer}), 1 of unit(8, {slot}={layer})")
    assert list_faults(text) == []
    assert list_faults(text, **{slot: layer}) == []


@pytest.mark.parametrize(
    "text",
    [
        spec("set act = silu", head="(none when features otherwise act |> global_avg_pool)"),
        spec("set drop = drop_path(0.1)", stem="conv(8, kernel=3) |> rarely"),
        spec("set entry = own", stem="entry"),
        spec("set conv = plain_conv\n  set conv = plain_conv(bias=true)"),
        spec("let f = act\n  set act = silu", stem="conv(8, kernel=3) |> f"),
        spec("set norm = identity", behind="model other = net(norm=group_norm(groups=4))"),
        spec(behind="model a = net(blocks.basic, act=silu)\nmodel b = a(unit=plain)"),
        spec("set act = silu", parameters="late: layer = blocks.basic, "),
        spec(block="unit(8), 1 of blocks.basic(8, shortcut=shortcuts.project(norm=identity))"),
        spec("set shortcut = shortcuts.pad"),
        spec("set attention = drop\n  set drop = drop_path(0.1)", block="blocks.basic(8)"),
    ],
)
def test_what_other_arguments_would_apply_is_no_fault(text: str) -> None:
    assert list_faults(text) == []
    assert list_faults(text, features="true") == []


def test_a_setting_asks_for_this_network() -> None:
    text = spec(head="(none when features otherwise act |> global_avg_pool)")
    assert list_faults(text, act="silu") == []
    assert list_faults(text, act="silu", features="true") == in_vain("act")


def test_what_a_choice_compares_has_an_effect() -> None:
    text = spec(stem="(conv(8, kernel=3) when antialias == identity otherwise conv(8, kernel=5))")
    assert list_faults(text, antialias="blur_pool") == []


def test_a_seal_overrules_without_fault() -> None:
    text = spec("set norm = identity", block="unit(8, norm=group_norm(groups=2), shortcut=shortcuts.pad)")
    assert list_faults(text, norm="batch_norm", shortcut="none") == []


def test_layers_from_outside_decide_what_a_model_binds_in_vain() -> None:
    assert list_faults(spec("set act = silu", block="unit(8)"), unit="blocks.basic") == []
    family = spec("set act = silu").replace("unit: layer = plain,", "unit: layer,")
    assert list_faults(family, unit="blocks.basic") == list_faults(family, unit="plain") == []


def test_a_loop_comes_round_again() -> None:
    loop = """block looped(width: int) {
  let x[0] = in |> conv(width, kernel=1)
  each i in [0, 1] {
    let x[i + 1] = x[i] |> act
    set act = silu
    FURTHER
  }
  out = x[2]
}
"""
    assert list_faults(spec(block="looped(8)", behind=loop.replace("FURTHER", ""))) == []
    said = list_faults(spec(block="looped(8)", behind=loop.replace("FURTHER", "set norm = identity")))
    assert said == ["E0252 `norm` is bound, but nothing after it in `looped` applies it"]


# -- stems of shipped networks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list_shipped())
def test_every_shipped_model_applies_its_stem_through_the_slot(name: str) -> None:
    session = Session()
    session.add(name)
    models = [item for item in session.entries[0].spec.tree.items if isinstance(item, syntax.Model)]
    assert [m.name.id for m in models if not re.search(r"\bentry\b", m.stem.span.text)] == []


@pytest.mark.parametrize(
    "name", ["imagenet/resnet18", "imagenet/plain34", "imagenet/resnet50d", "zoo/torchvision/resnet"]
)
def test_a_shipped_network_takes_another_stem(name: str) -> None:
    model = {"model": "resnet18"} if name.startswith("zoo") else {}
    plain = resnetc.compile(name, **model)
    small = resnetc.compile(name, **model, entry="conv(64, kernel=3) |> norm |> act")
    stem = small.network.root.steps[0].operation
    assert dict(stem.arguments)["kernel"] == 3 and stem.inputs[0].channels == 3
    for network, at in ((plain, 32), (small, 8)):
        assert f"ceil(H / {at}), ceil(W / {at})]" in network.summary()


def test_stems_of_one_convolution_are_exchanged_as_well() -> None:
    for name, settings in (("cifar/resnet", {"depth": 20}), ("cifar/wrn", {"depth": 16}), ("digits", {})):
        made = resnetc.compile(name, **settings, entry="conv(16, kernel=5) |> norm |> act")
        assert dict(made.network.root.steps[0].operation.arguments)["kernel"] == 5
