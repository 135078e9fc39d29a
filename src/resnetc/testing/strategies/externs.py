"""Draws an `extern` with a Python module that does what it says, and declarations that lie about that module."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import strategies as st

from resnetc.compiler.fast_dataclass import record

SYMBOLS = ("", "L", "HW", "DHW")  # of the axes, by how many there are
MIN_SIZE = 12  # size of the declared input

CLASS = """
import torch
from torch import nn


class Own(nn.Module):
    def __init__(self, channels, bias=True):
        super().__init__()
        self.inner = nn.{layer}
        self.register_buffer("table", torch.zeros({buffers}))

    def forward(self, x):
        for size, period, rest in zip(x.shape[2:], {periods}, {rests}):
            if size % period != rest:
                raise ValueError(f"{{size}} % {{period}}")
        return self.inner(x)
"""


@record
class DrawnExtern:
    """A spec with one `extern`, the code of its module, and by what each is wrong in, specs that lie about that."""

    spec: str
    code: str
    sizes: tuple[tuple[int, ...], ...]  # that the network takes
    lies: Mapping[str, str]

    def __repr__(self) -> str:
        """What a failure needs: the spec that is true, and its module."""
        return f"{self.spec}\n{self.code}"


@record
class Axis:
    """What a drawn convolution does along one axis, and which sizes its module takes there."""

    symbol: str
    kernel: int
    stride: int
    padding: int
    period: int
    rest: int

    @property
    def size(self) -> str:
        return f"floor(({self.symbol} + {2 * self.padding} - {self.kernel}) / {self.stride}) + 1"

    @property
    def condition(self) -> str:
        return f"{self.symbol} % {self.period} == {self.rest}"

    @property
    def least(self) -> int:
        return next(n for n in range(MIN_SIZE, MIN_SIZE + self.period) if n % self.period == self.rest)


@st.composite
def axes(draw: st.DrawFn, symbol: str) -> Axis:
    kernel, period = draw(st.integers(1, 4)), draw(st.integers(1, 5))
    return Axis(
        symbol=symbol,
        kernel=kernel,
        stride=draw(st.integers(1, 3)),
        padding=draw(st.integers(0, kernel // 2)),
        period=period,
        rest=draw(st.integers(0, period - 1)),
    )


@st.composite
def externs(draw: st.DrawFn, module: str) -> DrawnExtern:
    """An `extern` of a convolution of some axes, or of a matrix product, whose module `module` is to be called."""
    rank = draw(st.integers(0, 3))
    own = [draw(axes(symbol)) for symbol in SYMBOLS[rank]]
    channels, factor, buffers = draw(st.integers(1, 5)), draw(st.integers(1, 3)), draw(st.integers(0, 3))
    bias = draw(st.booleans())
    kernels, strides, paddings = ([getattr(a, name) for a in own] for name in ("kernel", "stride", "padding"))
    layer = f"Conv{rank}d(channels, {factor} * channels, {kernels}, {strides}, {paddings}, bias=bias)"
    if not rank:
        layer = f"Linear(channels, {factor} * channels, bias=bias)"
    code = CLASS.format(layer=layer, buffers=buffers, periods=[a.period for a in own], rests=[a.rest for a in own])

    weight = " * ".join([f"{factor} * C * C", *map(str, kernels)])
    parts = {
        "arguments": f"channels: int = in.channels, bias: bool = {str(bias).lower()}",
        "channels": f"{factor} * C",
        "sizes": ", ".join(a.size for a in own),
        "when": " and ".join(a.condition for a in own if a.period > 1),
        "parameters": f"{weight} + ({factor} * C when bias otherwise 0)",
        "buffers": str(buffers),
        "multiply_adds": " * ".join([weight, *(f"({a.size})" for a in own)]),
        "window": f"[{', '.join(map(str, kernels))}]",
    }
    wrong = {
        "arguments": parts["arguments"] + ", more: int = 1",
        "channels": parts["channels"] + " + 1",
        "sizes": parts["sizes"] + " + 1",
        "when": "",
        "parameters": parts["parameters"] + " + 1",
        "buffers": parts["buffers"] + " + 1",
        "multiply_adds": parts["multiply_adds"] + " + C",
        "window": f"[{', '.join(str(k + 1) for k in kernels)}]",
    }
    lies = {
        part: write(module, channels, own, parts | {part: text})
        for part, text in wrong.items()
        if parts[part] != text and (rank or part not in ("sizes", "window"))
    }
    least = tuple(a.least for a in own)
    more = tuple(n + a.period * a.stride for n, a in zip(least, own, strict=True))
    return DrawnExtern(write(module, channels, own, parts), code, (least, more) if rank else ((1,),), lies)


def write(module: str, channels: int, own: list[Axis], parts: Mapping[str, str]) -> str:
    """The spec of a network of the one operation."""
    symbols = [a.symbol for a in own]
    when = f" when {parts['when']}" if parts["when"] else ""
    takes, gives = ", ".join(["C", *symbols]), ", ".join(filter(None, [parts["channels"], parts["sizes"]]))
    claims = [f"{name} == {parts[name]}" for name in ("parameters", "buffers", "multiply_adds")]
    claims += [f"window == {parts['window']}"] if own else []
    sizes = ", ".join(str(a.least) for a in own) or "1"
    parted = [a.condition for a in own if a.period > 1]
    conditions = " and ".join([*parted, *(f"{a.symbol} >= {a.least}" for a in own)])
    return "\n".join(
        [
            "edition 1",
            f'extern own({parts["arguments"]}) [{takes}] => [{gives}] = "{module}:Own"{when} {{',
            *(f"  expect {claim}" for claim in claims),
            "}",
            "model net() {",
            f"  input [{channels}, {', '.join(symbols) or '1'}] = [{channels}, {sizes}]"
            + (f" when {conditions}" if own else ""),
            f"  stem = {'identity' if own else 'flatten'}",
            f"  head = own |> {'global_avg_pool |> ' if own else ''}linear(3)",
            "}",
            "",
        ]
    )
