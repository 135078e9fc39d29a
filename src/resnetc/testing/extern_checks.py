"""Holds the class of an `extern` against its declaration: constructor, shapes, `when`, and each figure it claims."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from math import prod

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.ir.network import External, Leaf
from resnetc.compiler.measures.costs import evaluate_cost
from resnetc.compiler.sizes import ALL, SizeSet, evaluate, show_set, slope
from resnetc.testing.replay import hold
from resnetc.testing.torch_module import said
from resnetc.testing.user_modules import import_class, passed_arguments

Sizes = tuple[int, ...]

MAX_TRIED = 12  # sizes inside of `when`
MAX_COUNTED = 4  # of these, those at which multiply-adds are counted
MAX_OUTSIDE = 6  # sizes outside of it
MAX_NUMBERS = 2**21  # of an input
MAX_POSITIONS = 3  # of a result, whose windows are looked at
STARTS = (1, 8, 15, 30)  # near which sizes are tried
BATCH = 2


@record(eq=True)
class Answer:
    """What came of one declaration: what was seen, and how often; what it says that is not so."""

    detail: str
    examples: int
    failure: str | None


@dataclass(frozen=True)
class Checked:
    """One `extern` with its arguments and channels, and a module of its class."""

    leaf: Leaf
    external: External
    module: nn.Module

    @property
    def call(self) -> str:
        """`Attend(dim=16, heads=4)`."""
        arguments = ", ".join(f"{name}={value!r}" for name, value in passed_arguments(self.leaf).items())
        return f"{self.external.name}({arguments})"

    @property
    def accepted(self) -> tuple[SizeSet, ...]:
        """The sizes of each axis that the declaration takes."""
        sets = {c.axis: c.other for c in self.external.conditions if isinstance(c.other, SizeSet)}
        return tuple(sets.get(axis, ALL) for axis in range(self.leaf.shape_in.rank))

    def image(self, sizes: Sizes, dtype: torch.dtype = torch.float32) -> Tensor:
        generator = torch.Generator().manual_seed(0)
        return torch.randn((BATCH, self.leaf.shape_in.channels, *sizes), generator=generator, dtype=dtype)

    def result(self, sizes: Sizes) -> Sizes:
        """The shape that is declared for the result."""
        out = (evaluate(fn, sizes[axis] if axis < len(sizes) else 1) for axis, fn in enumerate(self.external.sizes))
        return (self.leaf.shape_out.channels, *out)

    def fits(self, sizes: Sizes) -> bool:
        return prod(sizes) * self.leaf.shape_in.channels * BATCH <= MAX_NUMBERS

    def inside(self) -> list[Sizes]:
        """Sizes that the declaration takes, the least first, of unequal axes too."""
        members = [sorted({n for start in STARTS for n in first(axis, start)}) for axis in self.accepted]
        if not members:
            return [()]
        if not all(members):
            return []
        tried_sizes: dict[Sizes, None] = {tuple(row[0] for row in members): None}
        for shift in range(3):
            rows = [islice(cycle(row), shift * axis, shift * axis + MAX_TRIED) for axis, row in enumerate(members)]
            tried_sizes |= dict.fromkeys(sizes for sizes in zip(*rows, strict=True) if self.fits(sizes))
        return list(tried_sizes)[:MAX_TRIED]

    def outside(self) -> list[Sizes]:
        """Sizes that it does not take on one axis."""
        least = [axis.min or 1 for axis in self.accepted]
        tried_sizes = []
        for axis, sizes in enumerate(self.accepted):
            tried_sizes += [(*least[:axis], n, *least[axis + 1 :]) for n in first(~sizes, 1)]
        return [sizes for sizes in tried_sizes if self.fits(sizes)][:MAX_OUTSIDE]


def first(sizes: SizeSet, start: int) -> list[int]:
    """Two members from a size on."""
    one = sizes.next_from(start)
    two = sizes.next_from(one + 1) if one is not None else None
    return [n for n in (one, two) if n is not None]


def check(leaf: Leaf) -> Answer:
    """What a class does that its declaration does not say, the first such thing; `RunError` where there is no class."""
    external = leaf.external
    assert external is not None
    import_class(leaf)
    details: list[str] = []
    examples = 0
    try:
        checked = Checked(leaf, external, construct(leaf, external))
        for part, count in steps(checked):
            examples += count
            details.append(part)
    except AssertionError as lie:
        return Answer("", examples, f"{lie} ({external.definition.name.span})")
    return Answer("; ".join(details), examples, None)


def steps(checked: Checked) -> Iterator[tuple[str, int]]:
    """Each check with what it saw; the first that fails raises."""
    yield f"`{checked.call}`", 0
    yield check_state(checked), 0
    yield check_shapes(checked)
    external = checked.external
    if external.multiply_adds is not None:
        yield check_multiply_adds(checked), 0
    if external.window is not None:
        yield check_window(checked), 0


def construct(leaf: Leaf, external: External) -> nn.Module:
    """A module of the class, made as the generated code makes it."""
    module_class = import_class(leaf)
    arguments = passed_arguments(leaf)
    name = external.name
    try:
        inspect.signature(module_class).bind(**arguments)
    except TypeError as fault:
        declared = ", ".join(f"`{argument}`" for argument in arguments) or "nothing"
        raise AssertionError(
            f"`{name}{inspect.signature(module_class)}` cannot be called with {declared}, "
            f"as `{leaf.primitive.name}` says:"
            f" {fault}"
        ) from None
    except ValueError:
        pass  # a constructor that does not tell its parameters
    call = f"{name}({', '.join(f'{k}={v!r}' for k, v in arguments.items())})"
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return module_class(**arguments).eval()
    except Exception as fault:
        raise AssertionError(f"`{call}` raises {type(fault).__name__}: {said(fault)}") from None


def check_state(checked: Checked) -> str:
    """The numbers of elements that are claimed."""
    names = {name for name, _ in checked.module.named_parameters()}
    state: dict[str, Tensor] = checked.module.state_dict()
    figures = {
        "parameters": sum(p.numel() for p in checked.module.parameters()),
        "buffers": sum(v.numel() for k, v in state.items() if k not in names and isinstance(v, Tensor)),
    }
    figures_shown = []
    for figure, measured in figures.items():
        claimed: int | None = getattr(checked.external, figure)
        hold(
            claimed in (None, measured),
            f"`{checked.call}` has {measured:,} {figure}, not the claimed {claimed or 0:,}",
        )
        figures_shown.append(f"{measured:,} {figure}{'' if claimed is None else ' as claimed'}")
    return ", ".join(figures_shown)


@torch.no_grad()
def check_shapes(checked: Checked) -> tuple[str, int]:
    """Runs at every size that it takes, with the declared result; what it does at other sizes is its own affair."""
    inside, outside = checked.inside(), checked.outside()
    taken = " and ".join(
        show_set(axis, f"size {number}") for number, axis in enumerate(checked.accepted, 1) if axis != ALL
    )
    for sizes in inside:
        at = f"`{checked.call}` of {shown((checked.leaf.shape_in.channels, *sizes))}"
        try:
            out = checked.module(checked.image(sizes))
        except Exception as fault:
            allowed = f", which `when` allows ({taken})" if taken else ", and no `when` excludes it"
            raise AssertionError(f"{at} raises {type(fault).__name__}: {said(fault)}{allowed}") from None
        hold(isinstance(out, Tensor), f"{at} gives {type(out).__name__}, not a tensor")
        measured, wanted = tuple(out.shape[1:]), checked.result(sizes)
        hold(
            out.shape[0] == BATCH and measured == wanted,
            f"{at} gives {shown(measured)}, not the declared {shown(wanted)}",
        )
    refused = sum(not runs(checked, sizes) for sizes in outside)
    beyond = f", and rejects {refused} of {len(outside)} outside" if outside else ""
    return f"the declared shapes at {len(inside)} sizes{' inside `when`' if taken else ''}{beyond}", len(inside)


def runs(checked: Checked, sizes: Sizes) -> bool:
    try:
        checked.module(checked.image(sizes))
    except Exception:
        return False
    return True


@torch.no_grad()
def check_multiply_adds(checked: Checked) -> str:
    """What torch counts for one image: attention is taken apart into its products, which the counter knows."""
    cost, sizes_tried = checked.external.multiply_adds, checked.inside()[-MAX_COUNTED:]
    assert cost is not None
    for sizes in sizes_tried:
        measured, wanted = count_multiply_adds(checked.module, checked.image(sizes)), evaluate_cost(cost, sizes)
        at = shown((checked.leaf.shape_in.channels, *sizes))
        hold(
            measured == wanted,
            f"`{checked.call}` of {at} takes {measured:,} multiply-adds, not the claimed {wanted:,}",
        )
    return f"multiply-adds as claimed at {len(sizes_tried)} sizes"


def count_multiply_adds(module: nn.Module, x: Tensor) -> int:
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
            module(x)
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
    return int(counter.get_total_flops()) // (2 * len(x))


def check_window(checked: Checked) -> str:
    """Which positions of its input a position of the result sees: those that its gradient reaches, for any weights."""
    window = checked.external.window
    assert window is not None
    wide = [axis.next_from(2 * k + 8) or axis.max or k for axis, k in zip(checked.accepted, window, strict=True)]
    module, sizes = checked.module.double(), tuple(wide)
    state = {key: value.clone() for key, value in module.state_dict().items()}
    try:
        generator = torch.Generator().manual_seed(1)
        for parameter in module.parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
        measured = tuple(seen_along(checked, module, sizes, axis) for axis in range(len(sizes)))
    finally:
        module.load_state_dict(state)
        module.float()
    at = shown((checked.leaf.shape_in.channels, *sizes))
    hold(
        measured == window,
        f"a position of `{checked.call}` of {at} sees a window of {shown(measured)}, not the claimed {shown(window)}",
    )
    return f"a window of {shown(window)}"


def seen_along(checked: Checked, module: nn.Module, sizes: Sizes, axis: int) -> int:
    """The positions along an axis that one in the middle of the result sees."""
    low, high = [], []
    step = slope(checked.external.sizes[axis])
    x = checked.image(sizes, torch.float64).requires_grad_()
    out = module(x)
    middle = out.shape[axis + 2] // 2
    for position in range(middle, min(middle + MAX_POSITIONS, out.shape[axis + 2])):
        (gradient,) = torch.autograd.grad(out.select(axis + 2, position).square().sum(), x, retain_graph=True)
        reached = gradient.transpose(0, axis + 2).flatten(1).ne(0).any(dim=1).nonzero()
        if len(reached):
            start = int(position / step) if step else 0
            low.append(int(reached.min()) - start)
            high.append(int(reached.max()) - start)
    return max(high) - min(low) + 1 if low else 0


def shown(shape: Sizes) -> str:
    return "x".join(map(str, shape))
