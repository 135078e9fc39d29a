"""Warnings about the arguments of operations."""

from __future__ import annotations

from collections.abc import Iterator

from resnetc.compiler.checked_network import CheckedNetwork
from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Edit, Label
from resnetc.compiler.ir.network import ExpandedBlock, Leaf, Module, Sequence
from resnetc.compiler.remedies.call_text import is_shipped, parse_arguments, shorten
from resnetc.compiler.sizes import evaluate

POOLS = ("max_pool", "avg_pool")
MIN_CHANNELS = 8  # below that a second number is a kernel


def find_torch_order(checked: CheckedNetwork) -> Iterator[Diagnostic]:
    """`conv(3, 16, 3)` where 3 channels arrive: channels in, channels out, kernel, as `nn.Conv2d` takes them."""
    for leaf in leaves(checked.network.root):
        if leaf.primitive.state != "conv" or is_shipped(leaf.span):
            continue
        arguments = parse_arguments(leaf.span.text)
        numbers = [value for name, value in arguments if not name]
        if len(numbers) < 2 or leaf.argument("channels") != leaf.shape_in.channels:
            continue
        kernel, stride = leaf.argument("kernel"), leaf.argument("stride")
        if not isinstance(kernel, int) or kernel < MIN_CHANNELS or (kernel % 2 and kernel < 2 * MIN_CHANNELS):
            continue
        if len(numbers) > 2 and not (isinstance(stride, int) and stride < kernel):
            continue
        callee = leaf.span.text.partition("(")[0].strip()
        others = [f"{name}={value}" for name, value in arguments if name]
        size = f"kernel={numbers[2]}" if len(numbers) > 2 else "kernel=3"
        suggestion = f"{callee}({', '.join([numbers[1], size, *others])})"
        yield Diagnostic(
            "W0603",
            f"`{shorten(leaf.span.text)}` is a kernel of {kernel}x{kernel} and {leaf.shape_in.channels} channels",
            Label(leaf.span, f"{leaf.shape_in.channels} channels arrive and leave, with a kernel of {kernel}"),
            helps=(f"the channels that arrive are known; write `{suggestion}`",),
            fix=(Edit(leaf.span, suggestion),),
        )


def find_even_windows(checked: CheckedNetwork) -> Iterator[Diagnostic]:
    """`max_pool(2)`: the stride is 1 here, and the kernel in torch."""
    for leaf in leaves(checked.network.root):
        if leaf.primitive.name not in POOLS or is_shipped(leaf.span):
            continue
        kernel, stride = (leaf.argument(name) for name in ("kernel", "stride"))
        sizes = [size for size in (kernel if isinstance(kernel, tuple) else (kernel,)) if isinstance(size, int)]
        if stride not in (1, (1,) * len(sizes)) or all(size % 2 for size in sizes):
            continue
        declared = checked.network.input.sizes
        if all(evaluate(size, n) == 1 for size, n in zip(leaf.shape_out.sizes, declared, strict=False)):
            continue  # a pool over the whole map
        arguments = parse_arguments(leaf.span.text)
        callee = leaf.span.text.partition("(")[0].strip()
        suggestion = None
        if arguments and not any(name == "stride" for name, _ in arguments):
            written = [f"{name}={value}" if name else value for name, value in arguments]
            size = next((value for name, value in arguments if name in ("", "kernel")), None)
            suggestion = f"{callee}({', '.join([*written, f'stride={size}'])})" if size else None
        yield Diagnostic(
            "W0604",
            f"`{shorten(leaf.span.text)}` has an even window and a stride of 1",
            Label(leaf.span, "the map becomes one position smaller, not half as large"),
            helps=(
                f"write `{suggestion}`: a stride that is not given is 1"
                if suggestion
                else "give it a stride, or an odd window",
            ),
            fix=(Edit(leaf.span, suggestion),) if suggestion else (),
        )


def leaves(part: Module) -> Iterator[Leaf]:
    """Every operation of a network or a part of it, those of equal blocks once."""
    visited: set[int] = set()
    pending: list[Module] = [part]
    while pending:
        module = pending.pop()
        if id(module) in visited:
            continue
        visited.add(id(module))
        match module:
            case Leaf():
                yield module
            case Sequence(children):
                pending += [child for _, child in reversed(children)]
            case ExpandedBlock(steps=steps):
                pending += [step.operation for step in reversed(steps) if not isinstance(step.operation, str)]
