"""Warnings about operations that undo or repeat the one before them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from resnetc.compiler.checked_network import CheckedNetwork
from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Edit, Label
from resnetc.compiler.ir.network import Leaf
from resnetc.compiler.lints.argument_edits import append_argument, drop_argument
from resnetc.compiler.lints.neighbours import Neighbours
from resnetc.compiler.remedies.call_text import is_primitive_call, is_shipped, list_stated_parameters, shorten
from resnetc.compiler.source import Span, SpanKey
from resnetc.compiler.syntax import tree as syntax
from resnetc.grammar.primitives import ACTIVATIONS, NORM, Primitive

PIPE = re.compile(r"\s*\|>\s*")
BOTH = ("affine_v", "affine_tau")  # what norms keep that end with an activation


def find_neighbours(checked: CheckedNetwork) -> Iterator[Diagnostic]:
    """Biases that a norm subtracts; norms and activations behind others."""
    neighbours = Neighbours(checked.network)
    yield from find_cancelled_biases(checked, neighbours)
    yield from find_repetitions(neighbours)


# -- biases -----------------------------------------------------------------------------------------------------------


def find_cancelled_biases(checked: CheckedNetwork, neighbours: Neighbours) -> Iterator[Diagnostic]:
    """Biases whose only readers, wherever their text occurs, are norms that subtract the mean of each channel."""
    bindings = dict(find_bindings(checked))
    places: dict[SpanKey, tuple[Span, list[Leaf]]] = {}
    for leaf in neighbours.leaves:
        if leaf.primitive.state in ("conv", "linear") and leaf.get_argument("bias"):
            place = find_bias(leaf, bindings)
            places.setdefault(place.key, (place, []))[1].append(leaf)
    for span, group in places.values():
        readers = [neighbours.list_sole_readers(leaf) for leaf in group]
        if is_shipped(span) or not all(norms and all(map(centres_channels, norms)) for norms in readers):
            continue
        norm = readers[0][0]
        edit = drop_argument(span, "bias=true")
        if edit is None and is_primitive_call(group[0]) and "bias" not in list_stated_parameters(group[0]):
            edit = append_argument(span, "bias=false")
        yield Diagnostic(
            "W0605",
            f"the bias of `{shorten(span.text)}` has no effect: a norm follows",
            Label(span, "has a bias for each channel"),
            labels=() if is_shipped(norm.span) else (Label(norm.span, "subtracts the mean of each channel"),),
            helps=(describe_removal(edit, span, norm),),
            fix=(edit,) if edit is not None else (),
        )


def find_bindings(checked: CheckedNetwork) -> Iterator[tuple[str, Span]]:
    """What the model, and then the instances of it, bind to slots with a bias."""
    for statement in checked.network.root.definition.body:
        if isinstance(statement, syntax.SetSlot) and "bias" in statement.value.span.text:
            yield statement.name.id, statement.value.span
    for bound in checked.origin.request.model.bindings:
        if "bias" in bound.span.text:
            yield bound.slot.name.id, bound.span


def find_bias(leaf: Leaf, bindings: dict[str, Span]) -> Span:
    """Where the bias of an operation is written: in its call, or in what the model binds its slot to."""
    if is_primitive_call(leaf) or "bias" in list_stated_parameters(leaf):
        return leaf.span
    return bindings.get(leaf.span.text.partition("(")[0].strip(), leaf.span)


def describe_removal(edit: Edit | None, call: Span, norm: Leaf) -> str:
    if edit is not None and edit.replacement:
        return f"write `bias=false`{': the norm has its own' if norm.has_parameters else ''}"
    if "bias" not in call.text:
        return f"remove the bias from the layer that `{call.text.partition('(')[0].strip()}` is bound to"
    return f"remove the bias{': the norm has its own' if norm.has_parameters else ''}"


def centres_channels(norm: Leaf) -> bool:
    """Whether a norm subtracts the mean of each channel alone; that of a group leaves what its channels differ in."""
    if norm.primitive.name == "group_norm":
        return norm.get_argument("groups") == norm.shape_in.channels
    return norm.primitive.name in ("batch_norm", "instance_norm")


# -- repetitions ------------------------------------------------------------------------------------------------------


def find_repetitions(neighbours: Neighbours) -> Iterator[Diagnostic]:
    """Norms that alone read a norm, and activations that alone read an activation."""
    for first, second in neighbours.list_pairs():
        kind = find_repeated_kind(first.primitive, second.primitive)
        if kind is None:
            continue
        place, other = (first, second) if is_shipped(second.span) else (second, first)
        if is_shipped(place.span):
            continue
        edit = drop_second(first, second)
        both = next((p.name for p in (first.primitive, second.primitive) if p.state in BOTH), None)
        yield Diagnostic(
            "W0606",
            f"two {kind}s in a row: `{first.primitive.name}` and then `{second.primitive.name}`",
            Label(place.span, f"reads another {kind}" if place is second else f"is read by another {kind}"),
            labels=() if is_shipped(other.span) else (Label(other.span, f"the {kind} before it"),),
            notes=(f"`{both}` is a norm and an activation in one",) if both else (),
            helps=(f"remove the second `{shorten(second.span.text)}`" if edit else f"remove one of the {kind}s",),
            fix=(edit,) if edit is not None else (),
        )


def find_repeated_kind(first: Primitive, second: Primitive) -> str | None:
    """`norm` or `activation`: what one operation ends with and the next begins with, if that is the same."""
    if first.state in BOTH or first.attribute in ACTIVATIONS:
        return "activation" if second.attribute in ACTIVATIONS else None
    return "norm" if first.attribute == second.attribute == NORM else None


def drop_second(first: Leaf, second: Leaf) -> Edit | None:
    """Takes out the second of two equal operations that stand next to each other in one text."""
    a, b = first.span, second.span
    if a.source is not b.source or a.text != b.text or a.end > b.start:
        return None
    if PIPE.fullmatch(a.source.text, a.end, b.start) is None:
        return None
    return Edit(Span(a.source, a.end, b.end), "")
