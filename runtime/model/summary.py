"""The stages of a network with their shapes and costs, measured by sending images through it."""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor, nn

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
Hook = Callable[[nn.Module, object, object], None]


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of blocks, or the layers between two stages.

    `shape` is its output for one image, without the batch; `kind` the class of its blocks, or of its layers.
    """

    name: str
    kind: str
    blocks: int
    shape: tuple[int, ...]
    parameters: int
    multiply_adds: int


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network at one input shape (channels, height, width). Multiply-adds are those of convolutions and linear
    layers."""

    input: tuple[int, ...]
    stages: tuple[Stage, ...]
    parameters: int
    multiply_adds: int


def list_blocks(module: nn.Module) -> list[nn.Module]:
    """The blocks of a stage, that is of an `nn.Sequential` of modules that have parts themselves; else none."""
    children = list(module.children()) if isinstance(module, nn.Sequential) else []
    return children if children and all(any(child.children()) for child in children) else []


def summarize(model: nn.Module, shape: tuple[int, ...]) -> Architecture:
    """Send black images of `shape` through the model, in `eval` mode, and record what each stage does with one of
    them.

    Stages are listed in the order in which they run; the layers between two stages are one row. The mode of the model
    is restored.
    """
    costs: dict[str, int] = {}
    shapes: dict[str, tuple[int, ...]] = {}
    children = dict(model.named_children())

    def count(top: str) -> Hook:
        def hook(module: nn.Module, _: object, output: object) -> None:
            if not isinstance(output, Tensor):
                return
            if isinstance(module, _CONVOLUTIONS):
                window = module.in_channels // module.groups * prod(module.kernel_size)
                costs[top] = costs.get(top, 0) + output[0].numel() * window
            elif isinstance(module, nn.Linear):
                costs[top] = costs.get(top, 0) + output[0].numel() * module.in_features

        return hook

    def note(name: str) -> Hook:
        def hook(module: nn.Module, _: object, output: object) -> None:
            if isinstance(output, Tensor):
                shapes.setdefault(name, tuple(output.shape[1:]))

        return hook

    hooks = []
    for name, child in children.items():
        hooks.append(child.register_forward_hook(note(name)))
        hooks += [part.register_forward_hook(count(name)) for part in child.modules()]
    device = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    training = model.training
    try:
        with torch.no_grad():
            model.eval()(torch.zeros(2, *shape, device=device))  # a group norm may refuse one alone
    finally:
        model.train(training)
        for handle in hooks:
            handle.remove()

    rows: list[list[str]] = []  # names of children that make one row
    for name in shapes:
        if list_blocks(children[name]) or not rows or list_blocks(children[rows[-1][-1]]):
            rows.append([])
        rows[-1].append(name)
    stages = tuple(_summarize_stage(row, children, shapes, costs) for row in rows)
    return Architecture(shape, stages, sum(p.numel() for p in model.parameters()), sum(costs.values()))


def _summarize_stage(
    names: list[str], children: dict[str, nn.Module], shapes: dict[str, tuple[int, ...]], costs: dict[str, int]
) -> Stage:
    modules = [children[name] for name in names]
    blocks = list_blocks(modules[0])
    kinds = dict.fromkeys(type(part).__name__ for part in blocks or modules)
    return Stage(
        name=", ".join(names),
        kind=", ".join(kinds),
        blocks=len(blocks),
        shape=shapes[names[-1]],
        parameters=sum(parameter.numel() for module in modules for parameter in module.parameters()),
        multiply_adds=sum(costs.get(name, 0) for name in names),
    )
