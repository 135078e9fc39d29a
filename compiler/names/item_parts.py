"""The parts of an item as its text lists them, before any name is resolved."""

from __future__ import annotations

import re
from collections.abc import Iterator

from resnetc.compiler.diagnostics.diagnostic import Diagnostic
from resnetc.compiler.evaluation import label_errors
from resnetc.compiler.ir.path_patterns import read_path, read_pattern
from resnetc.compiler.ir.paths import show_path
from resnetc.compiler.names import reserved
from resnetc.compiler.names.reserved import NameKind
from resnetc.compiler.source import Span
from resnetc.compiler.syntax import tree as syntax
from resnetc.compiler.syntax.error_context import RESERVED
from resnetc.grammar.primitives import FUNCTIONS, PRIMITIVES, Primitive

ATTRIBUTE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:#0?)?")


def find_indexed_lets(body: tuple[syntax.Statement, ...]) -> Iterator[syntax.Let]:
    """The `let name[index]` of a loop and of the loops inside it."""
    for statement in body:
        if isinstance(statement, syntax.Let) and statement.index is not None:
            yield statement
        elif isinstance(statement, syntax.Each):
            yield from find_indexed_lets(statement.body)


def get_first_name(path: syntax.Expr) -> str:
    """The first name of a stage's path: `stages` of `stages[0].blocks`."""
    while isinstance(path, (syntax.Attribute, syntax.Index)):
        path = path.value
    return path.id if isinstance(path, syntax.Name) else ""


def find_default_primitive(target: object) -> Primitive | None:
    """The primitive that a slot stands for where nothing is bound, if it is one."""
    default = target.default if isinstance(target, syntax.Slot) else None
    return PRIMITIVES.get(default.id) if isinstance(default, syntax.Name) else None


def check_attribute(slot: syntax.Slot) -> Diagnostic | None:
    """The fault of a slot's attribute, None where generated code can have it."""
    name = ATTRIBUTE.fullmatch(slot.attribute)
    if name is not None:
        check = reserved.check_numbered if "#" in slot.attribute else reserved.check_name
        return check(name[1], "attribute", find_attribute_span(slot))
    return reserved.not_an_attribute(slot.attribute, find_attribute_span(slot)) if slot.attribute else None


def check_pattern(pattern: syntax.String | None) -> Diagnostic | None:
    """The fault of a stage's string: that it is no path, or has a name that generated code cannot have."""
    if pattern is None or not pattern.value:
        return None
    path = read_pattern(pattern.value)
    if path is None:
        return reserved.not_a_path(pattern.value, pattern.span)
    first = (*(path.container or ()), path.last)[0]
    if path.container is not None and "-" in str(first):
        return reserved.no_attribute(str(first), pattern.span)
    faults = [reserved.check_name(name, "path", pattern.span) for name in path.names]
    if path.start is not None and isinstance(path.last, str) and path.last:
        faults.append(reserved.check_numbered(path.last, "path", pattern.span))
    return next((fault for fault in faults if fault is not None), None)


def check_label(label: syntax.Expr, kind: NameKind) -> Diagnostic | None:
    """The fault of a label that is no path as written: text in quotes is one where a path needs it."""
    path = read_path(label.value) if isinstance(label, syntax.String) and kind == "label" else None
    if path is None or not isinstance(label, syntax.String):
        return label_errors.not_a_label(label.span)
    names = [part for part in path if isinstance(part, str)]
    faults = (reserved.check_name(name, "label", label.span) for name in names)
    if (fault := next((fault for fault in faults if fault is not None), None)) is not None:
        return fault
    if "-" in str(path[0]) or isinstance(path[0], int):
        return reserved.no_attribute(str(path[0]), label.span)
    if RESERVED.isdisjoint(names[path[0] in ("stem", "head") :]) and not any("-" in name for name in names):
        return label_errors.label_in_quotes(show_path(path), label.span)
    return None


def find_attribute_span(slot: syntax.Slot) -> Span:
    """The text between a slot's parameters and its default."""
    source, behind = slot.span.source, (slot.parameters[-1].span if slot.parameters else slot.name.span).end
    from resnetc.compiler.syntax.foreign_characters import QUOTES  # where something is wrong alone

    quoted = re.compile(rf'["{"".join(QUOTES)}]{re.escape(slot.attribute)}.').search(source.text, behind)
    return Span(source, *quoted.span()) if quoted is not None else slot.name.span


def find_signature(target: object) -> tuple[str, list[str]] | None:
    """The name and the parameters of what a call calls, None where it takes no named argument."""
    match target:
        case str() if target in FUNCTIONS:
            return target, ["keep"] if target == "nearest" else []
        case Primitive():
            return target.name, [p.name for p in target.parameters]
        case syntax.Slot() | syntax.Block() | syntax.Policy() | syntax.Model() | syntax.Extern():
            return target.name.id, [p.name.id for p in target.parameters]
    return None
