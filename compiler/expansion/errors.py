"""Messages about bindings without effect."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Label
from resnetc.compiler.evaluation.errors import names
from resnetc.compiler.evaluation.reachable_slots import written
from resnetc.compiler.evaluation.values import Bound
from resnetc.compiler.ir.network import ExpandedBlock, Module, Network, Sequence
from resnetc.compiler.remedies.call_text import is_shipped, shorten
from resnetc.compiler.source import Span
from resnetc.compiler.syntax import tree as syntax
from resnetc.grammar.primitives import PRIMITIVES

MAX_STEM = 80  # of a stem that a help repeats


def find_sets(statement: syntax.Statement) -> Iterator[syntax.SetSlot]:
    """The `set` of a statement, or those in its loops."""
    pending = [statement]
    while pending:
        match pending.pop(0):
            case syntax.SetSlot() as statement_set:
                yield statement_set
            case syntax.Each(_, _, body):
                pending[:0] = body


def in_network(
    slot: syntax.Slot, span: Span, network: Network, model: syntax.Model, applied: Iterable[syntax.Slot]
) -> Diagnostic:
    """Of `--set`, an instance, or `set` in a model."""
    name, definitions_inside = slot.name.id, list_stage_definitions(network)
    labels: tuple[Label, ...] = ()
    remedy = f"remove it, or apply `{name}` in a block of this network"
    if not slot.attribute:  # its steps become the model's own
        text = " ".join(model.stem.span.text.split())
        layer = text if len(text) <= MAX_STEM else "..."
        labels = (Label(model.stem.span, "the stem is written here"),)
        own = model.span.source is span.source and model.span.start <= span.start < model.span.end
        remedy = f"write `stem = {name}`" if own else f"write `set {name} = {layer}` and `stem = {name}` there"
    elif (place := find_written_primitive(slot, (model, *definitions_inside))) is not None:
        labels = (Label(place, f"written here without `{name}`"),)
        remedy = suggest_slot_call(slot, place)
    elif network.stages and definitions_inside:
        block, stage = definitions_inside[0].name, network.stages[0].name
        labels = (Label(block.span, f"stage `{stage}` consists of this"),)
        if not is_shipped(block.span):
            remedy = f"remove it, or apply it in `{block.id}`: `|> {format_slot_call(slot)}`"
    return without_effect(
        name, span, f"in `{network.model}`", labels, f"`{network.model}` applies {list_slots(applied)}", remedy
    )


def of_a_keyword(
    bound: Bound, item: syntax.Block | syntax.Policy | syntax.Extern, applied: Iterable[syntax.Slot]
) -> Diagnostic:
    """Of a keyword in the call of a block or policy."""
    name = bound.slot.name.id
    place = find_written_primitive(bound.slot, (item,))
    label = Label(place, f"written here without `{name}`") if place else Label(item.name.span, "defined here")
    remedy = f"remove it here; `set {name} = ...` before `input` binds it for all parts of a model"
    if place and not is_shipped(place):
        remedy = suggest_slot_call(bound.slot, place)
    note = f"`{item.name.id}` applies {list_slots(applied)}"
    return without_effect(name, bound.span, f"in `{item.name.id}`", (label,), note, remedy)


def of_a_statement(slot: syntax.Slot, span: Span, block: syntax.Block, applied: Iterable[syntax.Slot]) -> Diagnostic:
    """Of `set` in a block."""
    name, applied_slots = slot.name.id, list(applied)
    place = None if slot in applied_slots else find_written_primitive(slot, (block,))
    remedy = f"move it up, before the layers that apply `{name}`" if slot in applied_slots else "remove it"
    labels: tuple[Label, ...] = ()
    if place:
        labels, remedy = (Label(place, f"written here without `{name}`"),), suggest_slot_call(slot, place)
    note = f"`{block.name.id}` applies {list_slots(applied_slots)}"
    return without_effect(name, span, f"after it in `{block.name.id}`", labels, note, remedy)


def without_effect(slot: str, span: Span, where: str, labels: tuple[Label, ...], note: str, remedy: str) -> Diagnostic:
    return Diagnostic(
        code="E0252",
        message=f"`{slot}` is bound, but nothing {where} applies it",
        primary=Label(span, "has no effect"),
        labels=labels,
        notes=(note,),
        helps=(remedy,),
    )


def list_slots(slots: Iterable[syntax.Slot]) -> str:
    places = sorted(set(slots), key=lambda slot: (slot.span.source.name, slot.span.start))
    ids = [slot.name.id for slot in places]
    return f"the slots {names(ids)}" if len(ids) > 1 else f"the slot {names(ids)}" if ids else "no slots"


def suggest_slot_call(slot: syntax.Slot, place: Span) -> str:
    return f"replace `{shorten(place.text)}` with `{format_slot_call(slot)}`"


def format_slot_call(slot: syntax.Slot) -> str:
    """How a slot is applied, with the parameters that it needs."""
    needed = [p.name.id for p in slot.parameters if p.default is None]
    return f"{slot.name.id}({', '.join(needed)})" if needed else slot.name.id


def find_written_primitive(slot: syntax.Slot, texts: Iterable[syntax.Item]) -> Span | None:
    """Where texts mention the primitive that a slot stands for if nothing is bound to it."""
    default = slot.default.callee if isinstance(slot.default, syntax.Call) else slot.default
    if not isinstance(default, syntax.Name) or default.id not in PRIMITIVES or default.id == "identity":
        return None
    return next(written(default.id, texts), None)


def list_stage_definitions(network: Network) -> list[syntax.Block | syntax.Model]:
    """The blocks that the stages are made of and those inside of them, in the order of the network."""
    out: dict[syntax.Block | syntax.Model, None] = {}
    pending: list[Module] = [m for s in network.stages if not isinstance(m := get_operation(network, s.step), str)]
    visited: set[int] = set()
    while pending:
        module = pending.pop(0)
        if id(module) in visited:
            continue
        visited.add(id(module))
        if isinstance(module, Sequence):
            pending += [child for _, child in module.children]
        elif isinstance(module, ExpandedBlock):
            out[module.definition] = None
            pending += [step.operation for step in module.steps if not isinstance(step.operation, str)]
    return list(out)


def get_operation(network: Network, step: int) -> Module | str:
    return network.root.steps[step].operation
