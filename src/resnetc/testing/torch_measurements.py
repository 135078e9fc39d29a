"""Measures the real module with torch alone; the compiler's figures are compared with these."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import lcm
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils.flop_counter import FlopCounterMode

from resnetc.compiler.evaluation.values import normal
from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.ir.network import Network
from resnetc.compiler.measures.summary import Measures
from resnetc.compiler.proof.accepted_sizes import Accepted, intersect_with_declared
from resnetc.compiler.shapes.arguments import get_size_on_axis
from resnetc.testing.inputs import Sizes, device_for
from resnetc.testing.receptive_field_probe import field_along
from resnetc.testing.replay import hold
from resnetc.testing.torch_module import (
    PRODUCTS,
    Run,
    count_saved_bytes,
    image,
    module_of,
    modules_of,
    run_enough,
    running,
    tensors,
)
from resnetc.testing.user_modules import claimed_multiply_adds, is_inside, user_paths

ROOM = 64  # positions beside the predicted receptive field, for a larger one to show
LAYERS = {"conv1d", "conv2d", "conv3d", "linear"}


@record(eq=True)
class Counted:
    """Multiply-adds of one image: of layers with parameters, and of fixed filters besides."""

    layers: int
    filters: int


class Depth(TorchFunctionMode):
    """Counts, for every value, the weighted layers on the longest way to it; a gate's do not count."""

    def __init__(self, image: torch.Tensor) -> None:
        super().__init__()
        self.depths: dict[int, tuple[torch.Tensor, int]] = {id(image): (image, 0)}
        self.learned: dict[int, torch.Tensor] = {}
        self.within_users = 0  # modules of the user's own that are running: their layers do not count

    def enter(self, module: nn.Module, arguments: Any) -> None:
        self.within_users += 1

    def leave(self, module: nn.Module, arguments: tuple[Any, ...], out: Any) -> None:
        """A module of the user's own is one layer."""
        self.within_users -= 1
        depth = max((self.depths[id(t)][1] for t in tensors(arguments) if id(t) in self.depths), default=0)
        for output in tensors(out):
            self.depths[id(output)] = (output, depth + 1)

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        name, inputs = getattr(func, "__name__", ""), list(tensors((args, kwargs)))
        weighted = any(isinstance(t, nn.Parameter) or id(t) in self.learned for t in inputs)
        flowing = [t for t in inputs if id(t) in self.depths]
        if name in PRODUCTS and isinstance(out, torch.Tensor):
            flowing = [t for t in flowing if t.shape == out.shape] or flowing
        for output in tensors(out):
            if flowing:
                depth = max(self.depths[id(t)][1] for t in flowing) + (
                    weighted and name in LAYERS and not self.within_users
                )
                self.depths.setdefault(id(output), (output, depth))
            elif weighted:
                self.learned[id(output)] = output
        return out


def stride_along(stride: int | tuple[int, ...], axis: int) -> int:
    """A stage's stride along an axis of the input; 1 along one that its map does not have, as a vector has none."""
    return 1 if isinstance(stride, tuple) and axis >= len(stride) else get_size_on_axis(stride, axis)


@dataclass(frozen=True)
class Measured:
    """The figures of a module, each counted when it is first asked for; on `meta` where numbers would take long."""

    network: Network
    accepted: Accepted
    predicted: Measures  # decides what would take long, and which inputs show a stride
    source: str

    def device(self, sizes: Sizes, batch: int = 1) -> str:
        return device_for(self.predicted, sizes, batch)

    def module(self, sizes: Sizes) -> nn.Module:
        return module_of(self.source, self.device(sizes))

    @cached_property
    def least(self) -> Sizes:
        """The least promised sizes."""
        declared = enumerate(self.network.input.sizes)
        return tuple(intersect_with_declared(self.network, self.accepted, axis).min or n for axis, n in declared)

    @cached_property
    def parameters(self) -> int:
        return sum(p.numel() for p in self.module(self.network.input.sizes).parameters())

    @cached_property
    def buffers(self) -> int:
        """Elements of the state dict that are no parameters."""
        module = self.module(self.network.input.sizes)
        names = {name for name, _ in module.named_parameters()}
        state: dict[str, torch.Tensor] = module.state_dict()
        return sum(value.numel() for key, value in state.items() if key not in names)

    @cached_property
    def weighted_layers(self) -> int:
        """On the longest way from the input to the output, or to the deepest of the maps that are given."""
        sizes = self.network.input.sizes
        x = image(self.network, sizes, 1, self.device(sizes))
        watch = Depth(x)
        module = self.module(sizes)
        hooks = [
            hook
            for path in user_paths(self.network.root)
            for part in [module.get_submodule(path)]
            for hook in (part.register_forward_pre_hook(watch.enter), part.register_forward_hook(watch.leave))
        ]
        try:
            with torch.no_grad(), watch:
                out = module(x)
        finally:
            for hook in hooks:
                hook.remove()
        return max(watch.depths[id(t)][1] for t in tensors(out))

    @cached_property
    def receptive_field(self) -> int | tuple[int, ...] | None:
        """Of the last map before it is pooled; None where it cannot be told from a run, as behind a gate."""
        predicted, declared = self.predicted.receptive_field, self.network.input
        if predicted is None or self.device(declared.sizes, 0) != "cpu" or None in declared.symbols:
            return None
        fields: list[int | None] = []
        for axis, fitting in enumerate(self.accepted.axes):
            sizes = [*self.least]
            sizes[axis] = fitting.next_from(2 * get_size_on_axis(predicted, axis) + ROOM) or sizes[axis]
            fields.append(field_along(module_of(self.source), (declared.channels, *sizes), axis))
        known_fields = tuple(n for n in fields if n is not None)
        return (
            (known_fields[0] if len(set(known_fields)) == 1 else known_fields)
            if len(known_fields) == len(fields)
            else None
        )

    @cached_property
    def blocks(self) -> tuple[int, ...]:
        """Of every stage, as it is stored."""
        module = self.module(self.network.input.sizes)
        stored = [modules_of(stage, self.network, module) for stage in self.network.stages]
        blocks = (
            (s, self.network.root.steps[stage.step]) for s, stage in zip(stored, self.network.stages, strict=True)
        )
        return tuple(len(s) if step.members or not isinstance(s[0], nn.Sequential) else len(s[0]) for s, step in blocks)

    def run(self, sizes: Sizes) -> Run:
        """The shapes of stages and output, or why the module refuses the size."""
        return run_enough(self.source, self.network, sizes, 1, self.device(sizes))

    @cached_property
    def strides(self) -> tuple[tuple[int | Fraction | None, ...], ...]:
        """Of every stage along every axis of the input: by how much that grows for one more position of the map.

        None along an axis that the model fixes, and where the map has one size whatever the input.
        """
        columns = [self.growth(axis) for axis in range(len(self.network.input.sizes))]
        return tuple(zip(*columns, strict=True))

    def growth(self, axis: int) -> list[int | Fraction | None]:
        """The strides of all stages along one axis, from two inputs that both maps take as they repeat."""
        declared, fitting = self.network.input, self.accepted.axes[axis]
        start = fitting.next_from(fitting.onset)
        if declared.symbols[axis] is None or start is None:
            return [None] * len(self.network.stages)
        least = self.least
        more = lcm(fitting.period, *(stride_along(stage.stride, axis) for stage in self.predicted.stages))
        low, high = (self.run((*least[:axis], n, *least[axis + 1 :])) for n in (start, start + more))
        refusal = low.refusal or high.refusal
        hold(not refusal, f"{self.network.name} does not run at {start} or {start + more}: {refusal}")
        grown = [
            after[axis + 1] - before[axis + 1] if axis + 1 < len(after) else 0
            for before, after in zip(low.stages, high.stages, strict=True)
        ]
        return [normal(Fraction(more, n)) if n else None for n in grown]

    def activation_bytes(self, sizes: Sizes, precision: str = "float32") -> int:
        """What autograd keeps of one image more while training. On `meta`, for no number matters."""
        dtype = getattr(torch, precision)
        module = module_of(self.source, "meta").to(dtype).train()
        try:
            with running(self.network, sizes):
                two, three = (
                    count_saved_bytes(module, image(self.network, sizes, n, "meta").to(dtype)) for n in (2, 3)
                )
        finally:
            module.float().eval()
        return three - two

    @cached_property
    def counts(self) -> dict[Sizes, Counted]:
        return {}

    def multiply_adds(self, sizes: Sizes) -> Counted:
        """What torch's own counter finds for one image, told apart by whether a module has parameters of its own."""
        if sizes not in self.counts:
            module, x = self.module(sizes), image(self.network, sizes, 2, self.device(sizes))
            with torch.no_grad(), FlopCounterMode(display=False) as counter, running(self.network, sizes):
                module(x)
            flops, prefix = counter.get_flop_counts(), type(module).__name__
            own = user_paths(self.network.root)
            filters = sum(
                sum(flops.get(f"{prefix}.{name}", {}).values())
                for name, part in module.named_modules()
                if name and not any(part.children()) and not any(True for _ in part.parameters())
                if name not in own and not is_inside(name, own)
            )
            users = sum(sum(flops.get(f"{prefix}.{path}", {}).values()) for path in own)
            layers = (counter.get_total_flops() - filters - users) // 4
            self.counts[sizes] = Counted(layers + claimed_multiply_adds(self.network.root, sizes), filters // 4)
        return self.counts[sizes]
