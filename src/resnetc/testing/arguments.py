"""Checks the arguments of assertions: a network, sizes of its axes, a number of images."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from operator import index
from typing import Any

from resnetc.api import Compiled
from resnetc.compiler.ir.network import Network
from resnetc.testing.inputs import Sizes
from resnetc.testing.trial import Trial


def compiled_network(argument: Any) -> Network:
    """The network of an assertion's first argument. Raises TypeError for anything else."""
    if not isinstance(argument, (Compiled, Trial)):
        raise TypeError(f"a network comes from `trials(text)` or `resnetc.compile`, not {type(argument).__name__}")
    return argument.network


def one_size(network: Network, size: Any) -> Sizes:
    """Sizes, one for each axis of the network's input. Raises TypeError or ValueError where they cannot be these."""
    declared = network.input
    axes = [symbol or f"one of {size}" for symbol, size in zip(declared.symbols, declared.sizes, strict=True)]
    has = f"{len(axes)} axes, {', '.join(axes[:-1])} and {axes[-1]}" if axes[1:] else f"1 axis, {axes[0]}"
    wanted = f"{network.name} has {has}: sizes are like {declared.sizes}, not {size!r}"
    try:
        sizes = tuple(map(index, size))
    except TypeError:
        raise TypeError(wanted) from None
    if len(sizes) != len(axes):
        raise ValueError(wanted)
    where = f"{network.name} at {'x'.join(map(str, sizes))}"
    if min(sizes) < 1:
        raise ValueError(f"{where}: a size must be at least 1")
    for axis, (symbol, fixed) in enumerate(zip(declared.symbols, declared.sizes, strict=True)):
        if symbol is None and sizes[axis] != fixed:
            raise ValueError(f"{where}: the model fixes axis {axis + 1} to {fixed}")
    return sizes


def several_sizes(network: Network, argument: Any) -> list[Sizes]:
    """The same, of any number of sizes; a single one is a mistake that is told apart."""
    listed = list(argument) if isinstance(argument, Iterable) and not isinstance(argument, str) else [0]
    if any(isinstance(sizes, int) for sizes in listed):
        declared = network.input
        more = tuple(n + 1 if symbol else n for n, symbol in zip(declared.sizes, declared.symbols, strict=True))
        like = [declared.sizes, more]
        raise TypeError(f"several sizes of {network.name} are like {like}, not {argument!r}")
    return [one_size(network, sizes) for sizes in listed]


def images(count: Any) -> int:
    """The number of images in a batch. Raises ValueError for none."""
    if not isinstance(count, int) or count < 1:
        raise ValueError(f"a batch must have at least 1 image, not {count!r}")
    return count


@contextmanager
def call_of(name: str) -> Iterator[None]:
    """An error of the arguments says what was called."""
    try:
        yield
    except (TypeError, ValueError) as wrong:
        raise type(wrong)(f"{name}: {wrong}") from None


def checked(arguments: dict[str, Any]) -> None:
    """What an assertion was given, by name; sizes become a tuple. Raises TypeError or ValueError."""
    network = compiled_network(arguments["compiled"])
    if "sizes" in arguments:
        arguments["sizes"] = one_size(network, arguments["sizes"])
    if "batch" in arguments:
        images(arguments["batch"])
