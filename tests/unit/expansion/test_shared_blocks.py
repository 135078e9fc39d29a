"""Networks of one run share blocks where nothing that these depend on tells them apart."""

from __future__ import annotations

import pytest

from resnetc.compiler.checked_network import CheckedNetwork
from resnetc.compiler.driver.session import Session
from resnetc.compiler.ir.network import Module, Sequence, list_leaves

TEXT = """edition 1

block unit(width: int, stride: int = 1) {
  out = in |> conv(width, kernel=3, stride=stride) |> norm
}

model net(classes: int = 10) {
  input [3, H, W] = [3, 32, 32]
  stem = conv(8, kernel=3) |> act
  stage s = 2 of unit(16)
  head = global_avg_pool |> linear(classes)
}
"""


def compile_text(text: str) -> dict[str, CheckedNetwork]:
    session = Session()
    session.add_text(text)
    networks = session.compile_networks()
    assert not session.sink.failed, [d.message for d in session.sink.diagnostics]
    return {checked.network.name: checked for checked in networks}


def blocks(checked: CheckedNetwork) -> list[Module]:
    """The blocks of the first stage."""
    stage = checked.network.root.steps[checked.network.stages[0].step].operation
    assert isinstance(stage, Sequence)
    return [block for _, block in stage.children]


@pytest.mark.parametrize(
    ("call", "shared"),
    [
        ("net", True),
        ("net(classes=20)", True),
        ("net(act=silu)", True),  # which the block does not look up
        ("net(norm=group_norm(groups=8))", False),
        ("net(norm=batch_norm)", False),  # the same layer, but its operations come from elsewhere
    ],
)
def test_a_block_is_shared_where_what_it_looks_up_is_bound_alike(call: str, shared: bool) -> None:
    both = compile_text(f"{TEXT}\nmodel other = {call}\n")
    pairs = zip(blocks(both["net"]), blocks(both["other"]), strict=True)
    assert [a is b for a, b in pairs] == [shared, shared]


def test_a_block_that_asks_where_it_stands_is_shared_at_the_same_place_alone() -> None:
    text = """edition 1

block unit(width: int) {
  out = in |> conv(width + here.position, kernel=3)
}

model net(count: int = 2) {
  input [3, H, W] = [3, 32, 32]
  stem = conv(8, kernel=3)
  stage s = count of unit(8)
  head = global_avg_pool |> linear(10)
}

model other = net(count=3)
"""
    both = compile_text(text)
    pairs = zip(blocks(both["net"]), blocks(both["other"]), strict=False)
    assert [a is b for a, b in pairs] == [True, True]
    widths = [block.outputs[0].channels for block in blocks(both["other"])]
    assert widths == [8, 9, 10]


def test_a_borrowed_block_counts_the_channels_of_the_input_as_its_own_does() -> None:
    """A parameter stays an argument of the class only where no number follows from it."""
    text = """edition 1

block unit(width: int) {
  out = in |> conv(width * in.channels, kernel=3)
}

model net(channels: int = 3) {
  input [channels, H, W] = [channels, 32, 32]
  stem = begin: unit(8)
  stage s = 1 of unit(2)
  head = global_avg_pool |> linear(10)
}

model other = net
"""
    assert [checked.network.counts_channels for checked in compile_text(text).values()] == [True, True]


@pytest.mark.parametrize("call", ["net", "net(act=silu)"])
def test_a_borrowed_block_is_charged_for(call: str) -> None:
    """Limits hold for a network as they do for one that is compiled alone."""
    costs = []
    for wanted in (None, "other"):
        session = Session()
        session.add_text(f"{TEXT}\nmodel other = {call}\n")
        session.compile_networks(wanted)
        costs.append(session.total_cost)
    together, alone = costs
    assert together == 2 * alone


@pytest.mark.parametrize("other", ["", "\nmodel other = net\n"])
def test_a_block_that_asks_where_it_stands_is_refused_outside_of_stages(other: str) -> None:
    """Also where an equal one stands in a stage, of this network or of another one."""
    text = """edition 1

block unit(width: int) {
  out = in |> conv(width + here.position, kernel=1)
}

model net() {
  input [3, H, W] = [3, 32, 32]
  stem = conv(8, kernel=3)
  stage s = 1 of unit(8)
  head = unit(8)
}
"""
    session = Session()
    session.add_text(text + other)
    assert session.compile_networks() == []
    (fault,) = session.sink.diagnostics
    assert "`here`" in fault.message and fault.primary.span.text == "here"


# -- arguments, which are completed once for equal calls --------------------------------------------------------------


def test_what_a_parameter_of_a_block_stores_follows_from_the_channels_at_its_place() -> None:
    text = """edition 1

block unit(width: int) {
  out = in |> conv(width, kernel=1) |> gamma: scale(init=0.5)
}

model net() {
  input [3, H, W] = [3, 32, 32]
  stem = conv(8, kernel=3)
  stage s = 1 of unit(16)
  stage t = 1 of unit(24)
  head = global_avg_pool |> linear(10)
}
"""
    leaves = list_leaves(compile_text(text)["net"].network.root)
    assert [leaf.get_argument("shape") for leaf in leaves if leaf.is_parameter] == [(16,), (24,)]


def test_a_kernel_for_two_axes_is_refused_at_a_map_of_one_although_another_network_takes_it() -> None:
    session = Session()
    session.add_text(
        """edition 1

block unit() {
  out = in |> conv(8, kernel=[3, 1])
}

model image() {
  input [3, H, W] = [3, 32, 32]
  stem = conv(8, kernel=3)
  stage s = 1 of unit
  head = global_avg_pool |> linear(10)
}

model wave() {
  input [3, L] = [3, 32]
  stem = conv(8, kernel=3)
  stage s = 1 of unit
  head = global_avg_pool |> linear(10)
}
"""
    )
    assert [checked.network.name for checked in session.compile_networks()] == ["image"]
    (fault,) = session.sink.diagnostics
    assert fault.message == "`kernel` of `plain_conv` has 2 values for a map with 1 axes"
