"""Random claims against brute force: every verdict, and both counterexamples, on the numbers of compiled networks."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from itertools import product
from math import ceil, floor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resnetc.compiler.checked_network import CheckedNetwork
from resnetc.compiler.driver.session import Session

LARGEST = 20  # on each axis: the sizes that are looked at one by one


HEAD = """
  head = global_avg_pool |> fc: linear(10)
"""
STRIDED = """
model net() {
  input [3, H, W] = [3, 9, 12]
  stem = conv(4, kernel=3, stride=2) |> norm |> act
  stage layer1 = 1 of blocks.basic(4)
  stage layer2 = 2 of blocks.basic(6, stride=2)
"""
POOLED = """
block pooled(width: int) {
  out = (in |> conv(width, kernel=3, stride=2)) + (in |> avg_pool(2, stride=2) |> conv(width, kernel=1))
}
model net() {
  input [3, H, W] = [3, 16, 8] when H % 4 == 0 and W % 2 == 0 and W >= 4
  stem = conv(4, kernel=3)
  stage layer1 = 1 of pooled(4)
  stage layer2 = 1 of conv(6, kernel=3)
"""
UNPADDED = """
model net() {
  input [3, H, W] = [3, 17, 11] when H >= 6
  stem = plain_conv(4, kernel=5, padding=0) |> max_pool(3, stride=2, padding=0, ceil=true)
  stage layer1 = 1 of conv(4, kernel=1)
  stage layer2 = 1 of (subsample([3, 2]) |> constant_pad([1, 0]) |> conv(6, kernel=3))
"""
NETS = {"strided": STRIDED, "pooled": POOLED, "unpadded": UNPADDED}


@cache
def compiled(net: str) -> CheckedNetwork:
    (checked,) = session(net, "").compile_networks()
    return checked


def session(net: str, claim: str) -> Session:
    made = Session()
    made.add("-", f"edition 1\nuse std.blocks\n{NETS[net]}{HEAD}{claim}\n}}".encode())
    return made


# -- the claims -------------------------------------------------------------------------------------------------------

OWN = {"H": ("H", "layer1.shape[1]", "layer2.shape[1]"), "W": ("W", "layer1.shape[2]", "layer2.shape[2]")}


@st.composite
def one_axis(draw: st.DrawFn, symbol: str, depth: int = 2) -> str:
    """A number that depends on one size, or on none."""
    kind = draw(st.sampled_from(("size", "size", "number", "sum", "times", "over", "rest", "rounded", "chosen")))
    if depth == 0 or kind == "size":
        return draw(st.sampled_from(OWN[symbol]))
    if kind == "number":
        return str(draw(st.integers(0, 30)))
    inner = draw(one_axis(symbol, depth - 1))
    k = draw(st.integers(1, 6))
    match kind:
        case "sum":
            return f"({inner} {draw(st.sampled_from('+-'))} {draw(one_axis(symbol, depth - 1))})"
        case "times":
            return f"({inner} * {k})"
        case "over":
            return f"({inner} / {k})"
        case "rest":
            return f"({inner} % {k})"
        case "rounded":
            return f"{draw(st.sampled_from(('ceil', 'floor')))}({inner} / {k})"
    return f"{draw(st.sampled_from(('min', 'max')))}({inner}, {draw(one_axis(symbol, depth - 1))})"


@st.composite
def two_axes(draw: st.DrawFn) -> str:
    """A number that depends on both sizes."""
    kind = draw(st.sampled_from(("product", "sum", "cost", "cost", "more")))
    match kind:
        case "product":
            return f"{draw(one_axis('H', 1))} * {draw(one_axis('W', 1))}"
        case "sum":
            return f"({draw(one_axis('H'))} {draw(st.sampled_from('+-'))} {draw(one_axis('W'))})"
        case "cost":
            return draw(st.sampled_from(("multiply_adds(H, W)", "activation_bytes(H, W)")))
    factor = draw(st.integers(1, 3))
    return f"({draw(two_axes())} - {factor} * {draw(two_axes())})"


@st.composite
def comparisons(draw: st.DrawFn, net: str) -> str:
    op = draw(st.sampled_from(("==", "!=", "<", "<=", ">", ">=")))
    if draw(st.booleans()):
        symbol = draw(st.sampled_from("HW"))
        return f"{draw(one_axis(symbol))} {op} {draw(one_axis(symbol))}"
    left = draw(two_axes())
    kind = draw(st.sampled_from(("value", "area", "other")))
    if kind == "other":
        return f"{left} {op} {draw(two_axes())}"
    # A bound near the value somewhere: far from all values every verdict is easy.
    point = draw(st.tuples(st.integers(6, LARGEST), st.integers(6, LARGEST)))
    value = evaluated(net, left)(point)
    off = draw(st.integers(-3, 3))
    if kind == "value":
        return f"{left} {op} {floor(value) + off}"
    return f"{left} {op} {floor(value / (point[0] * point[1]))} * H * W + {off + 3}"


@st.composite
def claims(draw: st.DrawFn, net: str) -> tuple[str, str]:
    """A claim and its condition, `true` where there is none."""
    parts = [draw(comparisons(net)) for _ in range(draw(st.sampled_from((1, 1, 1, 2))))]
    claim = f" {draw(st.sampled_from(('and', 'or')))} ".join(parts)
    conditions = ("true", "true", "H <= 14", "H <= 15 and W <= 13", "H % 3 == 1", "W >= 9", "W == 12", "H >= W")
    return claim, draw(st.sampled_from(conditions))


# -- the numbers ------------------------------------------------------------------------------------------------------


@cache
def numbers(net: str, sizes: tuple[int, int]) -> dict[str, Any]:
    """What the names of a claim are at given sizes."""
    measures = compiled(net).measures
    shapes = {f"{stage.name}_shape": [Fraction(n) for n in stage.compute_shape(sizes)] for stage in measures.stages}
    return {
        **shapes,
        **{"H": Fraction(sizes[0]), "W": Fraction(sizes[1]), "Fraction": Fraction},
        **{"ceil": lambda x: Fraction(ceil(x)), "floor": lambda x: Fraction(floor(x)), "min": min, "max": max},
        "multiply_adds": lambda h, w: Fraction(measures.count_multiply_adds((int(h), int(w)))),
        "activation_bytes": lambda h, w: Fraction(measures.count_activation_bytes((int(h), int(w)))),
        "true": True,
    }


def evaluated(net: str, text: str) -> Callable[[tuple[int, int]], Any]:
    """A text of the language as Python has it: its operators mean the same of fractions."""
    python = re.sub(r"(layer\d)\.shape", r"\1_shape", text)
    python = re.sub(r"(?<![\w\[])(\d+)(?!\w)", r"Fraction(\1)", python)
    code = compile(python, "claim", "eval")
    return lambda sizes: eval(code, {"__builtins__": {}}, numbers(net, sizes))


def meant(net: str, condition: str) -> Callable[[tuple[int, int]], bool]:
    """Whether a claim speaks of some sizes: accepted ones that the input and its condition allow."""
    checked, holds = compiled(net), evaluated(net, condition)
    said = [(c.axis, c.sizes) for c in checked.network.input.conditions]

    def speaks(sizes: tuple[int, int]) -> bool:
        fits = all(n in axis for n, axis in zip(sizes, checked.accepted.axes, strict=True))
        return fits and all(sizes[axis] in allowed for axis, allowed in said) and holds(sizes)

    return speaks


def greatest(gaps: tuple[int, ...]) -> tuple[int, int]:
    return max(gaps, default=0), sum(gaps)


def check(net: str, claim: str, condition: str) -> str:
    """Compares the verdict of a claim with brute force; returns it."""
    text = f"expect {claim}" + (f" when {condition}" if condition != "true" else "")
    (network,) = session(net, text).compile_networks(include_refuted=True)
    (contract,) = network.contracts
    holds, speaks = evaluated(net, claim), meant(net, condition)
    sizes = [pair for pair in product(range(1, LARGEST + 1), repeat=2) if speaks(pair)]
    broken = [pair for pair in sizes if not holds(pair)]
    if contract.verdict == "undecided":  # whether two products are ever equal may stay open, and nothing else
        assert "!=" in claim or "==" in claim, contract.fault
        assert not broken
        return "undecided"
    if contract.verdict != "false":
        assert not broken, f"{text}: {contract.verdict}, and false at {broken[0]}"
        assert contract.verdict != "void" or not sizes
        return contract.verdict
    assert contract.fault is not None
    if written := re.search("^write `(.*)`", contract.fault.helps[0]):  # the remedy is in the language, and holds
        (other,) = session(net, text.replace(claim, written[1], 1)).compile_networks(include_refuted=True)
        assert other.contracts[0].verdict in ("proved", "checked", "void"), f"{text}: {written[1]}"
    points = [{"HW"[axis]: n for axis, n in point.items()} for point in contract.counterexamples]
    if not points:  # numbers that do not depend on the sizes
        assert broken or not sizes
        return "false"
    declared = dict(zip("HW", network.network.input.sizes, strict=True))
    for i, point in enumerate(points):
        origin = declared if i else {"H": 0, "W": 0}
        # On an axis that is not shown any size that the claim speaks of will do.
        ranges = [[point[s]] if s in point else range(1, LARGEST + 1) for s in "HW"]
        assert any(speaks(pair) and not holds(pair) for pair in product(*ranges)), f"{text}: it holds at {point}"
        if " and " not in claim:
            distance = greatest(tuple(abs(point[s] - origin[s]) for s in point))
            gaps = [greatest(tuple(abs(dict(zip("HW", p, strict=True))[s] - origin[s]) for s in point)) for p in broken]
            assert not gaps or distance <= min(gaps), f"{text}: {point} is not the nearest to {origin}"
    return "false"


@pytest.mark.parametrize("net", NETS)
@settings(max_examples=60)
@given(st.data())
def test_a_verdict_is_that_of_brute_force(net: str, data: st.DataObject) -> None:
    claim, condition = data.draw(claims(net))
    check(net, claim, condition)


@pytest.mark.parametrize("net", NETS)
@settings(max_examples=40)
@given(st.data())
def test_accepts_and_refuses_are_those_of_brute_force(net: str, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(("accepts", "refuses")))
    # A remainder so small that some size below 35 has it, and any that the network's strides need besides.
    conditions = ("H % {m} == {r}", "H >= {k}", "W < {k}", "H >= {k} and W % 2 == {r}", "H * W < {k}", "H + W >= {k}")
    text = data.draw(st.sampled_from(conditions))
    draw = {"k": st.integers(1, 30), "m": st.integers(1, 8), "r": st.integers(0, 3)}
    condition = text.format(**{letter: data.draw(values) for letter, values in draw.items()})
    (network,) = session(net, f"expect {name}({condition})").compile_networks(include_refuted=True)
    (contract,) = network.contracts
    holds = evaluated(net, condition)
    axes = network.accepted.axes
    asked = [pair for pair in product(range(1, 35), repeat=2) if holds(pair)]
    taken = [all(n in axis for n, axis in zip(pair, axes, strict=True)) for pair in asked]
    assert (contract.verdict == "proved") == all(fits == (name == "accepts") for fits in taken), condition
