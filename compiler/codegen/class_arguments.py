"""Parameters of a model that stay arguments of its class: usually the channels of the input and the classes.

A parameter qualifies if only the first or the last layer depends on it: the model's text mentions it only there (apart
from claims), and no number of the network is computed from the channels of the input.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from resnetc.compiler.codegen.python_layout import Call, Code
from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.ir.network import Leaf, Module, Network, Sequence
from resnetc.compiler.syntax import tree as syntax
from resnetc.compiler.syntax.reads import read_names


class Place(NamedTuple):
    """An argument: its position in the constructor of a step, and the wire that has as many channels."""

    step: int
    position: int
    wire: int


@record(eq=True)
class OpenEnd:
    """A parameter with its value here: which argument of the constructor of which step it is, and of which wire."""

    name: str
    value: int
    step: int
    position: int
    wire: int

    def inserted(self, code: Code, name: str) -> Code:
        """The constructor of the step, or the sequence that it begins, with the argument in place of its number."""
        assert isinstance(code, Call)
        arguments = list(code.arguments)
        index = 0 if code.function == "nn.Sequential" else self.position
        keyword, old = arguments[index]
        arguments[index] = keyword, self.inserted(old, name) if code.function == "nn.Sequential" else name
        return Call(code.function, tuple(arguments), code.defaults)


def open_ends(network: Network) -> list[OpenEnd]:
    """The parameters that stay arguments, in their order."""
    model = network.root.definition
    assert isinstance(model, syntax.Model)
    shape = model.input.shape
    channels = shape.items[0] if isinstance(shape, syntax.List) else None
    ends = []
    for name, value in network.parameters:
        if isinstance(value, bool) or not isinstance(value, int):
            continue
        places = [mention for mention in read_mentions(model) if mention.id == name]
        if len(places) != 1:
            continue
        (place,) = places
        end = find_first_layer(network) if place is channels else find_last_layer(network, place)
        if end is not None:
            ends.append(OpenEnd(name=name, value=value, step=end.step, position=end.position, wire=end.wire))
    return ends


def find_first_layer(network: Network) -> Place | None:
    """The convolution that alone reads the input."""
    readers = [i for i, step in enumerate(network.root.steps) if 0 in step.inputs]
    if len(readers) != 1 or network.counts_channels or network.root.output == 0:
        return None
    step = network.root.steps[readers[0]]
    first = beginning(step.operation) if not isinstance(step.operation, str) and not step.members else None
    plain = first is not None and first.primitive.state == "conv" and dict(first.arguments)["groups"] == 1
    return Place(step=readers[0], position=0, wire=0) if plain else None


def find_last_layer(network: Network, place: syntax.Name) -> Place | None:
    """The `linear` that makes the output and has a parameter as its features."""
    for i, step in enumerate(network.root.steps):
        leaf = step.operation
        if step.outputs == (network.root.output,) and isinstance(leaf, Leaf) and leaf.primitive.name == "linear":
            inside = leaf.span.source is place.span.source and leaf.span.start < place.span.start < leaf.span.end
            alone = inside and leaf.span.text.removeprefix("linear").strip("( )") in (place.id, f"features={place.id}")
            return Place(step=i, position=1, wire=network.root.output) if alone else None
    return None


def beginning(module: Module) -> Leaf | None:
    """The first layer of a module that is one, or of a sequence of unlike modules that have no names."""
    if not isinstance(module, Sequence):
        return module if isinstance(module, Leaf) else None
    kinds = [m.primitive if isinstance(m, Leaf) else None for _, m in module.children[:2]]
    plain = module.origin is None and all(key.isdigit() for key, _ in module.children)
    return beginning(module.children[0][1]) if plain and len(set(kinds)) == 2 else None


@lru_cache(maxsize=1)  # the networks of a file are often of one model, and each has several parameters
def read_mentions(model: syntax.Model) -> tuple[syntax.Name, ...]:
    """Where a model mentions parameters: all but their declarations, the example of the input, and what it claims."""
    declared = model.input.declared
    sizes = declared.items[1:] if isinstance(declared, syntax.List) else declared
    defaults = tuple(parameter.default for parameter in model.parameters)
    texts = (defaults, model.each, model.body, model.input.shape, sizes, model.input.condition)
    return tuple(read_names(texts, model.stem, model.stages, model.head))
