"""Formulas of the operations with weights that torch has no module for, stated apart from the generated classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from resnetc.compiler.shapes.arguments import list_sizes

Arguments = dict[str, Any]
State = dict[str, Tensor]


def by_channel(vector: Tensor, x: Tensor) -> Tensor:
    """Numbers of channels as a factor or addend of a map."""
    return vector.reshape(-1, *[1] * (x.ndim - 2))


def convolved(x: Tensor, weight: Tensor, a: Arguments, state: State) -> Tensor:
    function = (F.conv1d, F.conv2d, F.conv3d)[x.ndim - 3]
    stride, padding, dilation = (list_sizes(a[name], x.ndim - 2) for name in ("stride", "padding", "dilation"))
    return function(x, weight, state.get("bias"), stride, padding, dilation, a["groups"])


def std_conv(x: Tensor, a: Arguments, state: State) -> Tensor:
    """Each filter less its mean, over its deviation; scaled by gain and gamma over the root of its elements."""
    weight = state["weight"]
    axes = tuple(range(1, weight.ndim))
    centred = weight - weight.mean(axes, keepdim=True)
    filters = centred / (centred.square().mean(axes, keepdim=True) + float(a["eps"])).sqrt()
    if a["scaled"]:
        filters = filters * state["gain"] * (float(a["gamma"]) / weight[0].numel() ** 0.5)
    return convolved(x, filters, a, state)


def evo_norm_s0(x: Tensor, a: Arguments, state: State) -> Tensor:
    groups = x.reshape(x.shape[0], a["groups"], -1)
    centred = groups - groups.mean(2, keepdim=True)
    deviation = (centred.square().mean(2, keepdim=True) + float(a["eps"])).sqrt()
    gated = x / (1 + (-by_channel(state["v"], x) * x).exp())
    spread = deviation.expand_as(groups).reshape(x.shape)
    return gated / spread * by_channel(state["weight"], x) + by_channel(state["bias"], x)


def response_norm(x: Tensor, a: Arguments, state: State) -> Tensor:
    square = (x * x).flatten(2).mean(2)
    root = (square + float(a["eps"])).sqrt()
    out = x / root.reshape(*root.shape, *[1] * (x.ndim - 2))
    out = out * by_channel(state["weight"], x) + by_channel(state["bias"], x)
    return torch.where(out > by_channel(state["tau"], x), out, by_channel(state["tau"], x).expand_as(out))


def linear(x: Tensor, a: Arguments, state: State) -> Tensor:
    """Of a map: the features of a position are sums over the channels of that position."""
    out = torch.einsum("nc...,fc->nf...", x, state["weight"])
    return out + by_channel(state["bias"], out) if a["bias"] else out


def layer_norm(x: Tensor, a: Arguments, state: State) -> Tensor:
    centred = x - x.mean(1, keepdim=True)
    out = centred / (centred.square().mean(1, keepdim=True) + float(a["eps"])).sqrt()
    return out * by_channel(state["weight"], x) + by_channel(state["bias"], x)


def rms_norm(x: Tensor, a: Arguments, state: State) -> Tensor:
    return x / ((x * x).mean(1, keepdim=True) + float(a["eps"])).sqrt() * by_channel(state["weight"], x)


def instance_norm(x: Tensor, a: Arguments, state: State) -> Tensor:
    rows = x.flatten(2)
    centred = rows - rows.mean(2, keepdim=True)
    out = (centred / (centred.square().mean(2, keepdim=True) + float(a["eps"])).sqrt()).reshape(x.shape)
    return out * by_channel(state["weight"], x) + by_channel(state["bias"], x) if a["affine"] else out


def global_response_norm(x: Tensor, a: Arguments, state: State) -> Tensor:
    norms = x.flatten(2).square().sum(2).sqrt()
    ratio = norms / (norms.mean(1, keepdim=True) + float(a["eps"]))
    share = by_channel(state["weight"], x) * ratio.reshape(*ratio.shape, *[1] * (x.ndim - 2))
    return x * (1 + share) + by_channel(state["bias"], x)


def prelu(x: Tensor, a: Arguments, state: State) -> Tensor:
    return torch.where(x > 0, x, by_channel(state["weight"], x) * x)


FORMULAS: dict[str, Callable[[Tensor, Arguments, State], Tensor]] = {
    "std_conv": std_conv,
    "evo_norm_s0": evo_norm_s0,
    "response_norm": response_norm,
    "linear": linear,
    "layer_norm": layer_norm,
    "rms_norm": rms_norm,
    "instance_norm": instance_norm,
    "global_response_norm": global_response_norm,
    "prelu": prelu,
}
"""By primitive: the output for an input, the arguments and what the state dict has for it."""
