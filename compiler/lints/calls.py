"""Warnings about the arguments of operations."""

from __future__ import annotations

import re
from collections.abc import Iterator

from resnetc.compiler.checked_network import CheckedNetwork
from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Edit, Label
from resnetc.compiler.evaluation.call_arguments import parse_arguments
from resnetc.compiler.ir.network import list_leaves
from resnetc.compiler.remedies.call_text import format_call, list_stated_parameters, shorten
from resnetc.compiler.sizes import evaluate

POOLS = ("max_pool", "avg_pool")
MIN_CHANNELS = 8  # below that a second number is a kernel


def find_torch_order(checked: CheckedNetwork) -> Iterator[Diagnostic]:
    """`conv(3, 16, 3)` where 3 channels arrive: channels in, channels out, kernel, as `nn.Conv2d` takes them."""
    for leaf in list_leaves(checked.network.root):
        if leaf.primitive.state != "conv" or leaf.get_argument("channels") != leaf.shape_in.channels:
            continue
        kernel, stride = leaf.get_argument("kernel"), leaf.get_argument("stride")
        if not isinstance(kernel, int) or kernel < MIN_CHANNELS or (kernel % 2 and kernel < 2 * MIN_CHANNELS):
            continue
        arguments = parse_arguments(leaf.span.text)  # the text comes last: few convolutions get here
        numbers = [value for name, value in arguments if not name]
        if len(numbers) < 2:
            continue
        if len(numbers) > 2 and not (isinstance(stride, int) and stride < kernel):
            continue
        size = numbers[2] if len(numbers) > 2 else "3"
        others = [(name, value) for name, value in arguments if name]
        suggestion = format_call(leaf.span.text, [("", numbers[1]), ("kernel", size), *others])
        yield Diagnostic(
            "W0603",
            f"`{shorten(leaf.span.text)}` has a {kernel}x{kernel} kernel and {leaf.shape_in.channels} output channels",
            Label(leaf.span, f"{leaf.shape_in.channels} input and output channels, a kernel of {kernel}"),
            helps=(f"input channels are inferred; write `{suggestion}`",),
            fix=(Edit(leaf.span, suggestion),),
        )


def find_even_windows(checked: CheckedNetwork) -> Iterator[Diagnostic]:
    """`max_pool(2)`: the stride is 1 here, and the kernel in torch. A 1 that is written is meant."""
    for leaf in list_leaves(checked.network.root):
        if leaf.primitive.name not in POOLS:
            continue
        kernel, stride = (leaf.get_argument(name) for name in ("kernel", "stride"))
        sizes = [size for size in (kernel if isinstance(kernel, tuple) else (kernel,)) if isinstance(size, int)]
        if stride not in (1, (1,) * len(sizes)) or all(size % 2 for size in sizes):
            continue
        declared = checked.network.input.sizes
        pairs = zip(leaf.shape_in.sizes, leaf.shape_out.sizes, declared, strict=False)
        before_after = [(evaluate(before, n), evaluate(after, n)) for before, after, n in pairs]
        if all(after == 1 for _, after in before_after):
            continue  # a pool over the whole map
        arguments = parse_arguments(leaf.span.text)
        size = next((value for name, value in arguments if name in ("", "kernel")), None)
        stated = list_stated_parameters(leaf).get("stride")
        if stated is not None and re.fullmatch(r"[\[\]1, ]+", stated):
            continue
        suggestion = format_call(leaf.span.text, [*arguments, ("stride", size)]) if size and stated is None else None
        change = max((before - after for before, after in before_after), key=abs)
        how_many = "one position" if abs(change) == 1 else f"{abs(change)} positions"
        yield Diagnostic(
            "W0604",
            f"`{shorten(leaf.span.text)}` has an even window and a stride of 1",
            Label(leaf.span, f"the map becomes {how_many} {'smaller' if change > 0 else 'larger'}, not half as large"),
            helps=(
                f"write `{suggestion}`: the default stride is 1"
                if suggestion
                else f"use an odd window, or another stride{f': `{stated}` is 1 here' if stated else ''}",
            ),
            fix=(Edit(leaf.span, suggestion),) if suggestion else (),
        )
