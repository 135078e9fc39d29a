"""Runs the expanded network step by step: the reference for the generated module, whatever that shares or renames.

The wiring is independent of the generated text, and so are the operations that `forward` writes itself. A primitive
with a module of its own is run as the generator writes it, unless its formula is stated here; nothing needs to be
added for one that is added later.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from resnetc.compiler.codegen.functional import functional
from resnetc.compiler.codegen.python_layout import Call, line, literal
from resnetc.compiler.codegen.torch_modules import columns, module_name
from resnetc.compiler.expansion.dataflow_builder import keeps_state
from resnetc.compiler.ir.network import ExpandedBlock, Leaf, Module, Network, Sequence
from resnetc.compiler.ir.shape import Shape
from resnetc.compiler.measures.summary import evaluate_shape
from resnetc.grammar.forms import FUNCTIONAL
from resnetc.testing.replay import hold
from resnetc.testing.user_modules import make_module
from resnetc.testing.weighted_formulas import FORMULAS

Outputs = Tensor | dict[str, Tensor]


def regrouped(x: Tensor, groups: int, parts: int) -> Tensor:
    """Channels as groups x parts x rest become parts x groups x rest."""
    order = torch.arange(x.shape[1]).reshape(groups, parts, -1).transpose(0, 1).reshape(-1)
    return x[:, order]


def filled(x: Tensor, arguments: dict[str, Any]) -> Tensor:
    """A map of the number of an operator."""
    return torch.full_like(x, float(arguments["number"]))


def cut(x: Tensor, parts: int | tuple[int, ...]) -> list[Tensor]:
    """The channels in as many equal parts, or in parts of these sizes."""
    sizes = [x.shape[1] // parts] * parts if isinstance(parts, int) else [*parts]
    return [x[:, sum(sizes[:i]) : sum(sizes[: i + 1])] for i in range(len(sizes))]


def gathered(x: Tensor, factor: int | tuple[int, ...]) -> Tensor:
    """Every n-th position from each of the first ones on, as further channels."""
    factors = factor if isinstance(factor, tuple) else (factor,) * (x.ndim - 2)
    cells = [x]
    for axis, factor in enumerate(factors):
        cells = [cell[(slice(None),) * (axis + 2) + (slice(i, None, factor),)] for cell in cells for i in range(factor)]
    return torch.cat(cells, dim=1)


def ones(x: Tensor) -> tuple[int, ...]:
    """The sizes of a map of one position."""
    return (1,) * (x.ndim - 2)


def padded(x: Tensor, before: int, channels: int) -> Tensor:
    """A map between channels of zeros."""
    out = x.new_zeros(x.shape[0], channels, *x.shape[2:])
    out[:, before : before + x.shape[1]] = x
    return out


STATED: dict[str, Callable[[list[Tensor], dict[str, Any]], list[Tensor]]] = {
    "global_avg_pool": lambda xs, a: [xs[0].mean(tuple(range(2, xs[0].ndim)), keepdim=True)],
    "global_max_pool": lambda xs, a: [xs[0].flatten(2).max(dim=2).values.reshape(*xs[0].shape[:2], *ones(xs[0]))],
    "global_sum_pool": lambda xs, a: [xs[0].reshape(*xs[0].shape[:2], -1, *ones(xs[0])).sum(dim=2)],
    "position_softmax": lambda xs, a: [
        (xs[0] - xs[0].flatten(2).logsumexp(2).reshape(*xs[0].shape[:2], *ones(xs[0]))).exp()
    ],
    "channel_mean": lambda xs, a: [xs[0].sum(dim=1, keepdim=True) / xs[0].shape[1]],
    "channel_max": lambda xs, a: [xs[0].sort(dim=1).values[:, -1:]],
    "pad_channels": lambda xs, a: [padded(xs[0], a["before"], a["channels"])],
    "flatten": lambda xs, a: [xs[0].reshape(xs[0].shape[0], -1)],
    "reshape": lambda xs, a: [xs[0].reshape(xs[0].shape[0], *a["shape"])],
    "regroup": lambda xs, a: [regrouped(xs[0], a["groups"], a["parts"])],
    "space_to_depth": lambda xs, a: [gathered(xs[0], a["factor"])],
    "split": lambda xs, a: cut(xs[0], a["parts"]),
    "concat": lambda xs, a: [torch.cat(xs, dim=1)],
    "sum": lambda xs, a: [torch.stack(xs).sum(dim=0)],
    "softmax": lambda xs, a: [*torch.stack(xs).softmax(dim=0)],
    "elu": lambda xs, a: [xs[0].clamp(min=0) + float(a["alpha"]) * xs[0].clamp(max=0).expm1()],
    "mish": lambda xs, a: [xs[0] * xs[0].exp().log1p().tanh()],
    "hard_silu": lambda xs, a: [xs[0] * (xs[0] / 6 + 0.5).clamp(0, 1)],
    "clip": lambda xs, a: [xs[0].clamp(float(a["low"]), float(a["high"]))],
    "+": lambda xs, a: [torch.add(xs[0], filled(xs[0], a))],
    "-": lambda xs, a: [torch.sub(*((filled(xs[0], a), xs[0]) if a["side"] == "left" else (xs[0], filled(xs[0], a))))],
    "*": lambda xs, a: [torch.mul(xs[0], filled(xs[0], a))],
    "/": lambda xs, a: [torch.div(xs[0], filled(xs[0], a))],
    "negate": lambda xs, a: [torch.zeros_like(xs[0]) - xs[0]],
    "tanh": lambda xs, a: [1 - 2 / ((2 * xs[0]).exp() + 1)],
}


class Reference:
    """A network with the values of a state dict. `text` is its generated module, for the classes that torch lacks.

    `watch` is told of every primitive that is no text of `forward`, with its path and what reaches it.
    """

    def __init__(self, network: Network, text: str, state: dict[str, Tensor], training: bool = False) -> None:
        self.network, self.state, self.training = network, state, training
        self.watch: Callable[[Leaf, str, Tensor], None] = lambda leaf, prefix, operand: None
        self.sizes: tuple[int, ...] = network.input.sizes  # of the batch that is computed
        self.names: dict[str, Any] = {"__name__": "network"}
        exec(compile(text, "network.py", "exec"), self.names)
        for name in [name for name in self.names if name.startswith("SubsampleView")]:  # the same values, not copied
            self.names.setdefault(name.replace("View", ""), self.names[name])

    @torch.no_grad()
    def __call__(self, image: Tensor) -> Outputs:
        """The output for a batch; `AssertionError` at a value of another shape than predicted.

        In evaluation mode, or with those modules `training` that keep state; none of them learns or remembers.
        """
        self.sizes = tuple(image.shape[2:])
        root = self.network.root
        values = self.values(root, "", image)
        if self.network.features:
            return {stage.name: values[root.steps[stage.step].outputs[0]] for stage in self.network.stages}
        return values[root.output]

    def values(self, block: ExpandedBlock, prefix: str, image: Tensor) -> dict[int, Tensor]:
        """The values of all wires of a block."""
        values = {0: image}
        for step in block.steps:
            operands = [values[ref] for ref in step.inputs]
            if step.operation == "+":
                results = [operands[0] + operands[1]]
            elif step.operation == "-":
                results = [operands[0] + -1 * operands[1]]
            elif step.operation == "*":
                results = [operands[0] * operands[1]]
            elif not step.path:  # an operator with one tensor
                assert isinstance(step.operation, Leaf)
                results = self.primitive(step.operation, prefix, operands)
            else:
                results = operands
                for path, module in step.stores:
                    results = self.applied(module, prefix + "".join(f"{part}." for part in path), results)
            for ref, value in zip(step.outputs, results, strict=True):
                values[ref] = self.shaped(value, block.wires[ref].shape, step.span)
        return values

    def applied(self, module: Module, prefix: str, operands: list[Tensor]) -> list[Tensor]:
        match module:
            case ExpandedBlock():
                return [self.values(module, prefix, operands[0])[module.output]]
            case Sequence(children):
                for name, child in children:
                    operands = self.applied(child, f"{prefix}{name}.", operands)
                    self.shaped(operands[0], child.outputs[0], child.span)
                return operands
            case Leaf():
                return self.primitive(module, prefix, operands)

    def primitive(self, leaf: Leaf, prefix: str, operands: list[Tensor]) -> list[Tensor]:
        if leaf.is_parameter:
            stored = self.state[prefix.removesuffix(".")]
            (x,) = operands
            shape = [-1, *[1] * (x.ndim - 2)] if stored.numel() == x.shape[1] else [1] * (x.ndim - 1)
            spread = stored.reshape(shape).expand_as(x)
            return [x.mul(spread) if leaf.primitive.name == "scale" else x.add(spread)]
        if leaf.primitive.name in STATED:
            return STATED[leaf.primitive.name](operands, dict(leaf.arguments))
        if leaf.primitive.name in FUNCTIONAL:
            names = [f"value{i}" for i in range(len(operands))]
            text = functional([leaf], tuple(range(len(operands))), tuple(range(len(leaf.outputs)))).text(names)
            values = eval(text, {**self.names, "torch": torch}, dict(zip(names, operands, strict=True)))
            return [values] if len(leaf.outputs) == 1 else [values[i] for i in range(len(leaf.outputs))]
        if leaf.external is not None:
            return self.external(leaf, prefix, operands)
        own = {key.removeprefix(prefix): value for key, value in self.state.items() if key.startswith(prefix)}
        if leaf.primitive.name in FORMULAS and (leaf.primitive.name != "linear" or leaf.shape_out.rank):
            return [FORMULAS[leaf.primitive.name](operands[0], dict(leaf.arguments), own)]
        arguments = tuple((column.keyword, literal(column.value)) for column in columns(leaf))
        alone: nn.Module = eval(line(Call(module_name(leaf), arguments)), dict(self.names))
        alone = alone.to(operands[0].dtype).train(self.training and keeps_state(leaf))
        self.watch(leaf, prefix, operands[0])
        if keeps_state(leaf):
            alone.load_state_dict(own, strict=True)
        operand = operands[0].flatten(1) if leaf.primitive.name == "linear" else operands[0]
        value = alone(operand)
        assert isinstance(value, Tensor)
        return [value]

    def external(self, leaf: Leaf, prefix: str, operands: list[Tensor]) -> list[Tensor]:
        """A class of the user's own, made from the declaration and not from the generated text."""
        alone = make_module(leaf).to(operands[0].dtype).train(self.training)
        for part in alone.modules():
            if not part.state_dict():
                part.eval()
        own = {key.removeprefix(prefix): value for key, value in self.state.items() if key.startswith(prefix)}
        alone.load_state_dict(own, strict=True)
        value = alone(operands[0])
        assert isinstance(value, Tensor)
        return [value]

    def shaped(self, value: Tensor, shape: Shape, place: object) -> Tensor:
        predicted = evaluate_shape(shape, self.sizes)
        hold(tuple(value.shape[1:]) == predicted, f"{place}: a value of {tuple(value.shape[1:])}, not {predicted}")
        return value
