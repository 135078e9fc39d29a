"""Measures the receptive field of a real module: which input positions reach one position of the last map before
pooling.

The module runs with every operation replaced by one that lets each position through and cancels none: windows become
sums with the module's own kernel, stride, padding and dilation, and position-wise operations become the identity. Then
the gradient of one position is nonzero exactly where that position sees the input.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from resnetc.testing.torch_module import DIFFERENCES, tensors

# By the names that torch gives its functions.
CONVOLUTIONS = {"conv1d", "conv2d", "conv3d"}
POOLS: dict[str, Callable[..., Any]] = {
    "max_pool1d": F.avg_pool1d,
    "max_pool2d": F.avg_pool2d,
    "max_pool3d": F.avg_pool3d,
}
APART = {
    "batch_norm",
    "group_norm",
    "layer_norm",
    "prelu",
    "relu",
    "silu",
    "gelu",
    "leaky_relu",
    "elu",
    "mish",
    "hardswish",
    "hardtanh",
    "tanh",
    "sigmoid",
    "hardsigmoid",
    "dropout",
}
WITH_NUMBER = {"mul", "__mul__", "__rmul__", "div", "__truediv__", "neg", "__neg__"}
MOVED = {
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "pad",
    "cat",
    "split",
    "chunk",
    "unflatten",
    "transpose",
    "permute",
    "flatten",
}
ADDED = {"add", "add_", "__add__", "__radd__", "__iadd__", "sum", "__getitem__", "contiguous", "clone"}
BEHIND = {"mean", "__get__", "size", "dim"}


class Unknown(Exception):
    """An operation mixes positions otherwise than by windows, or is none of the known ones."""


class Reach(TorchFunctionMode):
    """Runs the replacements for whatever comes from the input."""

    def __init__(self, image: Tensor) -> None:
        super().__init__()
        self.flowing: dict[int, Tensor] = {id(image): image}
        self.pooled: Tensor | None = None  # the first map that is pooled over all its positions

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if not any(id(t) in self.flowing for t in tensors((args, kwargs))):
            return func(*args, **kwargs)
        name = getattr(func, "__name__", "")
        out = self.replaced(name, func, args, kwargs)
        for output in tensors(out):
            if id(output) not in self.flowing:
                self.flowing[id(output)] = output
                if output.requires_grad:
                    output.register_hook(strong)  # type: ignore[no-untyped-call]  # no types in torch
        return out

    def replaced(self, name: str, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if name in CONVOLUTIONS:
            x, weight = args[:2]
            ones = torch.full_like(weight, 1 / weight[0].numel(), dtype=x.dtype)
            return func(x, ones, None, *args[3:], **{k: v for k, v in kwargs.items() if k != "bias"})
        if name in POOLS:
            kernel, stride, padding = args[1], kwargs.get("stride"), kwargs.get("padding", 0)
            stride, padding = args[2] if len(args) > 2 else stride, args[3] if len(args) > 3 else padding
            return POOLS[name](args[0], kernel, stride, padding, ceil_mode=bool(kwargs.get("ceil_mode")))
        if name in APART:
            return args[0].clone()
        operands = [a for a in args if isinstance(a, Tensor) and id(a) in self.flowing]
        if name in DIFFERENCES:  # a difference of equal values would hide what both see
            return sum(operands)
        if name in WITH_NUMBER and len(operands) == 1:  # a factor is a number, or learned
            return operands[0].clone()
        if name == "linear":
            return func(args[0].to(args[1].dtype), *args[1:], **kwargs)
        if name in ("mean", "amax") or (name == "sum" and len(args) > 1):
            if args[1] != 1 and self.pooled is None:  # over the positions, not the channels
                self.pooled = args[0]
            return args[0].mean(*args[1:], **kwargs)
        if name in MOVED | ADDED | BEHIND:
            return func(*args, **kwargs)
        raise Unknown(name)  # a product, for instance: behind a gate every position sees the whole input


def strong(grad: Tensor) -> Tensor:
    """No position is seen too weakly to be noticed: a thousand windows would leave a number that is no longer one."""
    return (grad != 0).to(grad)


def field_along(module: nn.Module, shape: tuple[int, ...], axis: int) -> int | None:
    """Positions of an input of this shape (no batch) that one in the middle of the last map sees along an axis."""
    x = torch.ones((1, *shape), dtype=torch.float64, requires_grad=True)
    watch = Reach(x)
    try:
        with watch:
            out = module(x)
    except Unknown:
        return None
    out = watch.pooled if watch.pooled is not None else [*tensors(out)][-1]
    if out.ndim != x.ndim:
        return None
    middle = out.select(axis + 2, out.shape[axis + 2] // 2).sum()
    (grad,) = torch.autograd.grad(middle, x)
    positions = grad.transpose(0, axis + 2).flatten(1).ne(0).any(dim=1).nonzero()
    return int(positions.max() - positions.min()) + 1
