"""The words of the faults that static checks find: one function a code."""

from __future__ import annotations

from dataclasses import replace

from resnetc.compiler import faults, syntax
from resnetc.compiler.diagnostics import Diagnostic, Edit, Label, similar
from resnetc.compiler.modules import SpecFile, shipped
from resnetc.compiler.names.lookup import Definition, FileNames
from resnetc.compiler.source import Span
from resnetc.grammar.primitives import TYPES

SHOWN = 3
OUT_OF_PLACE = {
    "in": "`in` is the tensor that reaches a block or a policy; a model sends its input through `stem`",
    "stem": "`stem` is a part of a model and may label a layer; it is no value",
    "head": "`head` is a part of a model and may label a layer; it is no value",
}


def again(spans: list[Span]) -> tuple[Label, ...]:
    """The same fault further down."""
    return tuple(Label(span, "here too") for span in spans[1 : SHOWN + 1])


def unknown_name(name: str, spans: list[Span], called: bool, file: FileNames, inside: list[str]) -> Diagnostic:
    """A name that nothing has, with the first remedy that fits; `inside` are the names that its item alone knows."""
    plain = faults.unknown_name(name, spans[0], [*inside, *file.visible()])
    elsewhere = {
        item: f"{alias}.{item}"
        for alias, used in file.files().items()
        for item, what in used.names.items()
        if not isinstance(what, SpecFile)
    }
    helps, fix, notes = plain.helps, plain.fix, plain.notes
    if name in OUT_OF_PLACE:
        helps, fix = (OUT_OF_PLACE[name],), ()
    elif name in elsewhere:
        helps, fix = (f"write `{elsewhere[name]}`",), (Edit(spans[0], elsewhere[name]),)
    elif shipped(f"std/{name}") is not None:
        helps, fix = (f"write `use std.{name}` below the edition",), ()
    elif not fix and (near := similar(name, elsewhere)):
        helps, fix = (f"a name with a similar name exists: `{elsewhere[near]}`",), (Edit(spans[0], elsewhere[near]),)
    if called and not fix:
        own = [n for n, what in file.spec.names.items() if not isinstance(what, SpecFile)]
        used = list(file.files())
        notes += (f"this file defines {faults.names(own)}",) if own else ()
        notes += (f"it uses {faults.names(used)}",) if used else ()
    return replace(plain, helps=helps, fix=fix, notes=notes, labels=again(spans))


def not_known_yet(name: str, spans: list[Span], first: Span) -> Diagnostic:
    """A name of the item itself, mentioned where it is not known."""
    return replace(
        faults.unknown_name(name, spans[0], []),
        labels=(Label(first, "defined here"), *again(spans)),
        helps=("a name is known behind its definition, and what a loop defines only inside the loop",),
    )


def not_in_file(name: str, spans: list[Span], file: SpecFile) -> Diagnostic:
    items = [n for n, item in file.names.items() if not isinstance(item, SpecFile)]
    return replace(faults.not_in_file(name, spans[0], file.name, items), labels=again(spans))


def unknown_type(type: syntax.Name) -> Diagnostic:
    return Diagnostic(
        "E0241",
        f"there is no type `{type.id}`",
        Label(type.span, "not a type"),
        notes=(f"the types are {faults.names(TYPES)}",),
        helps=faults.nearby(type.id, TYPES, "a type"),
        fix=faults.replaced(type.id, TYPES, type.span),
    )


def parameter_twice(of: str, name: syntax.Name, first: Span) -> Diagnostic:
    return Diagnostic(
        "E0242",
        f"`{of}` has two parameters `{name.id}`",
        Label(name.span, "second one"),
        (Label(first, "first one"),),
        helps=("remove or rename one of the two parameters",),
    )


def defined_twice(name: str, span: Span, first: Span) -> Diagnostic:
    return Diagnostic(
        "E0243",
        f"this file defines `{name}` twice",
        Label(span, "second definition"),
        (Label(first, "first definition"),),
        helps=("remove or rename one of the two definitions",),
    )


def hidden(kind: str, name: str, span: Span, other: Definition) -> Diagnostic:
    return Diagnostic(
        "E0244",
        f"the {kind} `{name}` would hide the {other.kind} `{name}`",
        Label(span, f"this {kind}"),
        (Label(other.span, f"the {other.kind}"),) if other.span is not None else (),
        helps=(f"give the {kind} a name that is free; no name has two meanings",),
    )


def circle(mentions: list[tuple[str, Span]]) -> Diagnostic:
    """`mentions` are the names on the circle, each with the place where it mentions the next."""
    names = [name for name, _ in mentions]
    drawn = " -> ".join([*names, names[0]])
    pairs = zip(mentions[:-1], names[1:], strict=True)
    rest = [Label(span, f"`{name}` mentions `{after}`") for (name, span), after in pairs]
    last, span = mentions[-1]
    return Diagnostic(
        "E0245",
        "definitions mention each other in a circle" if len(names) > 1 else f"`{last}` mentions itself",
        Label(span, f"`{last}` mentions `{names[0]}`"),
        tuple(rest),
        notes=(drawn,),
        helps=("take one mention out: a definition is made of others, never of itself",),
    )
