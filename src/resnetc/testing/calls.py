"""Checks how often each module runs in one forward pass: once for each step of the network."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

import torch
from torch import nn

from resnetc.api import Compiled
from resnetc.compiler.codegen.torch_modules import POOLED, module_name
from resnetc.compiler.expansion.dataflow_builder import keeps_state
from resnetc.compiler.ir.network import ExpandedBlock, Leaf, Module, Network, Sequence
from resnetc.grammar.forms import FUNCTIONAL
from resnetc.testing.inputs import Sizes
from resnetc.testing.replay import hold, replayable
from resnetc.testing.torch_module import image, module_of, place, running
from resnetc.testing.trial import Trial, parts
from resnetc.testing.user_modules import is_inside, user_paths

UNCOUNTED = (nn.Sequential, nn.ModuleList, nn.ModuleDict, nn.Identity)  # unless a step is stored as one
BLOCK = "a block"


@dataclass(slots=True)
class Calls:
    """Calls in one pass: of modules with keys by their paths, of all others by their kind, for those may be shared."""

    stored: Counter[str] = field(default_factory=Counter)
    shared: Counter[str] = field(default_factory=Counter)


@replayable
def assert_calls_agree(compiled: Compiled | Trial, sizes: Sizes, device: str = "cpu") -> None:
    """At an accepted size each module must run exactly as often in one pass as the network has steps for it."""
    network, _, _, source = parts(compiled)
    predicted, kinds = Calls(), {POOLED}
    predict(network.root, "", True, predicted, kinds)
    calls = counted(module_of(source, device), network, sizes, device, kinds)
    where = place(network, sizes)
    for path, b in predicted.stored.items():
        a = calls.stored[path]
        hold(a == b, f"{where}: `{path}` runs {times(a)} in one forward pass, predicted {times(b)}")
    for kind in predicted.shared.keys() | calls.shared.keys():
        a, b = calls.shared[kind], predicted.shared[kind]
        hold(a == b, f"{where}: {kind} without keys runs {times(a)} in one forward pass, predicted {times(b)}")


def times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def predict(module: Module, path: str, alone: bool, calls: Calls, kinds: set[str]) -> None:
    """Counts one use of a module, and of all inside of it. Outside of a sequence some primitives are no modules."""
    if isinstance(module, Leaf):
        name = module.primitive.name
        if module.external is not None:
            calls.stored[path] += 1
            return
        if name == "identity" or module.is_parameter or (alone and name in FUNCTIONAL):
            return
        kinds.add(module_name(module))
    if path and keeps_state(module):
        calls.stored[path] += 1
    elif path and not isinstance(module, Sequence):
        calls.shared[BLOCK if isinstance(module, ExpandedBlock) else module_name(module)] += 1
    inside = f"{path}." if path else ""
    match module:
        case Sequence(children):
            for key, child in children:
                predict(child, f"{inside}{key}", False, calls, kinds)
        case ExpandedBlock(_, steps):
            for step in steps:
                for place, part in step.stores:
                    predict(part, inside + ".".join(map(str, place)), not step.members, calls, kinds)


def counted(module: nn.Module, network: Network, sizes: Sizes, device: str, kinds: set[str]) -> Calls:
    """What a forward pass of the real module calls."""
    calls = Calls()
    names: dict[nn.Module, list[str]] = {}
    for name, part in module.named_modules(remove_duplicate=False):
        if name:
            names.setdefault(part, []).append(name)
    own = user_paths(network.root)
    keyed = {key[: i.start()] for key in module.state_dict() for i in re.finditer(r"\.", key)}

    def note(part: nn.Module) -> None:
        if names[part][0] in own:
            calls.stored.update(names[part])
        elif is_inside(names[part][0], own):
            return
        elif names[part][0] in keyed:
            calls.stored.update(names[part])
        elif not isinstance(part, UNCOUNTED):
            name = type(part).__name__.replace("SubsampleView", "Subsample")  # as what follows decides
            ours = type(part).__module__ == type(module).__module__
            calls.shared[(name if name in kinds else BLOCK) if ours else f"nn.{name}"] += 1

    hooks = [part.register_forward_pre_hook(lambda part, inputs: note(part)) for part in names]
    try:
        with torch.no_grad(), running(network, sizes):
            module(image(network, sizes, 2, device))
    finally:
        for hook in hooks:
            hook.remove()
    return calls
