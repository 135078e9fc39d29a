"""The words of faults in names, values and parameters: one function a code."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from resnetc.compiler import syntax
from resnetc.compiler.diagnostics import Diagnostic, Edit, Label, similar
from resnetc.compiler.source import Span
from resnetc.compiler.values import LAYERS, Absent, Value, describe, kind


def nearby(name: str, candidates: Iterable[str], what: str) -> tuple[str, ...]:
    near = similar(name, candidates)
    return (f"{what} with a similar name exists: `{near}`",) if near else ()


def replaced(name: str, candidates: Iterable[str], span: Span) -> tuple[Edit, ...]:
    near = similar(name, candidates)
    return (Edit(span, near),) if near else ()


def names(candidates: Iterable[str]) -> str:
    listed = [f"`{c}`" for c in candidates]
    return listed[0] if len(listed) == 1 else f"{', '.join(listed[:-1])} and {listed[-1]}" if listed else "nothing"


def signature(item: Any) -> str:
    """`bottleneck(width: int, stride: size = 1)`."""
    parts = [
        f"{p.name.id}: {p.type.id}" + (f" = {p.default.span.text}" if p.default is not None else "")
        for p in item.parameters
    ]
    return f"{item.name.id}({', '.join(parts)})"


def unknown_name(name: str, span: Span, visible: list[str]) -> Diagnostic:
    return Diagnostic(
        "E0201",
        f"no name `{name}` is known here",
        Label(span, "not found"),
        helps=nearby(name, visible, "a name") or ("names come from this file, its `use` lines, and the prelude",),
        fix=replaced(name, visible, span),
    )


def not_in_file(name: str, span: Span, file: str, items: list[str]) -> Diagnostic:
    return Diagnostic(
        "E0202",
        f"no block, policy or model named `{name}` in `{file}`",
        Label(span, "not found"),
        notes=(f"`{file}` defines {names(items)}",),
        helps=nearby(name, items, "one"),
        fix=replaced(name, items, span),
    )


def unknown_parameter(of: str, name: str, span: Span, parameters: list[str], slots: list[str]) -> Diagnostic:
    both = [*parameters, *slots]
    return Diagnostic(
        "E0203",
        f"`{of}` has no parameter `{name}`",
        Label(span, "unknown parameter"),
        notes=(f"its parameters are {names(parameters)}" if parameters else "it takes no arguments",),
        helps=nearby(name, both, "a parameter"),
        fix=replaced(name, both, span),
    )


def too_many_arguments(of: str, span: Span, parameters: list[str]) -> Diagnostic:
    return Diagnostic(
        "E0204",
        f"`{of}` takes at most {len(parameters)} arguments by position",
        Label(span, "one too many"),
        notes=(f"its parameters are {names(parameters)}" if parameters else "it takes no arguments",),
    )


def given_twice(of: str, name: str, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0205",
        f"`{of}` gets its parameter `{name}` twice",
        Label(span, "second time"),
        helps=("remove one of the two",),
    )


def missing_argument(of: str, name: str, span: Span, item: Any) -> Diagnostic:
    where = (Label(item.name.span, "defined here"),) if hasattr(item, "span") else ()
    text = signature(item) if hasattr(item, "span") else of
    return Diagnostic(
        "E0206",
        f"`{of}` needs a value for its parameter `{name}`",
        Label(span, f"`{name}` is missing"),
        where,
        notes=(text,) if text != of else (),
        helps=(f"write `{name}=...` in the call",),
    )


def wrong_type(span: Span, of: str, name: str, type: str, value: Value) -> Diagnostic:
    wants = {
        "int": "a whole number",
        "number": "a number",
        "bool": "`true` or `false`",
        "string": "a text",
        "size": "a whole number or a list of them, one an axis",
        "list": "a list",
        "layer": "a layer",
        "tensor": "a tensor",
    }
    shown = f"{kind(value)}: {describe(value)}" if not isinstance(value, Absent) else "`none`"
    helps = (
        ("`none` is an absent branch; `identity` is the layer that does nothing",) if isinstance(value, Absent) else ()
    )
    return Diagnostic(
        "E0207",
        f"`{name}` of `{of}` is {wants.get(type, type)}, not {kind(value)}",
        Label(span, shown),
        helps=helps or (f"`{name}: {type}` takes {wants.get(type, type)}",),
    )


def not_an_integer(span: Span, worked: str, value: Value) -> Diagnostic:
    shown = describe(value)
    text = f"`{worked} = {shown}` is not an integer" if worked and worked != shown else f"`{shown}` is not an integer"
    return Diagnostic(
        "E0208",
        text,
        Label(span, "a whole number is needed here"),
        helps=("division is exact; write `floor(...)` or `ceil(...)` where rounding is meant",),
    )


def not_a_flag(span: Span, value: Value) -> Diagnostic:
    return Diagnostic(
        "E0209",
        f"a condition is true or false, not {kind(value)}",
        Label(span, describe(value)),
        helps=("compare it with something: `== 1`",),
    )


def not_a_layer(value: Value, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0210",
        f"`|>` chains layers, and this is {kind(value)}",
        Label(span, describe(value)),
        helps=("a tensor can only be the first step of a pipe",) if kind(value) == "a tensor" else (),
    )


def not_callable(value: Value, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0211",
        f"{kind(value)} cannot be called",
        Label(span, describe(value)),
        helps=("a chain takes no arguments: make it a policy with parameters",) if isinstance(value, LAYERS) else (),
    )


def no_field(what: str, name: str, span: Span, fields: list[str]) -> Diagnostic:
    return Diagnostic(
        "E0212",
        f"{what} has no field `{name}`",
        Label(span, "unknown field"),
        notes=(f"its fields are {names(fields)}",),
        helps=nearby(name, fields, "a field"),
        fix=replaced(name, fields, span),
    )


def no_fields(value: Value, name: str, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0213",
        f"{kind(value)} has no fields, so no `{name}`",
        Label(span, describe(value)),
        helps=("`in`, `here`, a used file and, in `expect`, a stage have fields",),
    )


def not_a_list(value: Value, span: Span) -> Diagnostic:
    return Diagnostic("E0214", f"only a list has elements, and this is {kind(value)}", Label(span, describe(value)))


def no_element(name: str, index: int, indices: list[int], span: Span) -> Diagnostic:
    has = f"its elements are {indices[0]} to {indices[-1]}" if indices else "it is empty"
    return Diagnostic("E0215", f"`{name}` has no element {index}", Label(span, "outside the list"), notes=(has,))


def missing_elements(span: Span, indices: list[int]) -> Diagnostic:
    return Diagnostic(
        "E0216",
        f"`{span.text}` is not complete: it has the elements {', '.join(map(str, indices))}",
        Label(span, "used as a whole list"),
        helps=("let `each` run over `range(n)`, so that the elements are 0, 1, 2, ...",),
    )


def here_outside(span: Span) -> Diagnostic:
    return Diagnostic(
        "E0217",
        "`here` is known only inside the blocks of a stage",
        Label(span, "no block around this"),
        helps=("use it in a policy or a block",),
    )


def extern_here(span: Span) -> Diagnostic:
    return Diagnostic(
        "E0218",
        "an `extern` operation cannot be expanded by this compiler yet",
        Label(span, "used here"),
        helps=("write the operation as a block of primitives",),
    )


def not_a_model(item: syntax.Instance, value: Value) -> Diagnostic:
    return Diagnostic(
        "E0219",
        f"`model {item.name.id} = ...` names a model with its arguments, and this is {kind(value)}",
        Label(item.value.span, describe(value)),
        helps=(f"write `model {item.name.id} = family(...)` with a model's name",),
    )


def two_labels(span: Span, label: str) -> Diagnostic:
    return Diagnostic(
        "E0226", f"this layer has a label already, so it cannot be `{label}` too", Label(span, "second label")
    )


def not_a_label(span: Span) -> Diagnostic:
    return Diagnostic(
        "E0227",
        "a label is an attribute path",
        Label(span, "not a path"),
        helps=("write it like `fc`, `head.fc` or `convs[i]`",),
    )


def binding_incomplete(slot: syntax.Slot, layer: Value, missing: list[str], span: Span) -> Diagnostic:
    return Diagnostic(
        "E0228",
        f"`{describe(layer)}` cannot be the slot `{slot.name.id}`: nothing passes {names(missing)} to it",
        Label(span, "bound here"),
        (Label(slot.name.span, "the slot is declared here"),),
        notes=(f"the slot passes {signature(slot)}",),
        helps=(f"give {names(missing)} in the binding, or bind a policy with the slot's parameters",),
    )


def not_applicable(value: Value, span: Span) -> Diagnostic:
    return Diagnostic("E0229", f"only a layer can be applied, and this is {kind(value)}", Label(span, describe(value)))


def absent_value(span: Span, where: str) -> Diagnostic:
    return Diagnostic(
        "E0230",
        f"{where} is absent (`none`)",
        Label(span, "nothing arrives here"),
        helps=("write `identity` where a layer should do nothing",),
    )


def duplicate_path(path: str, span: Span, first: Span) -> Diagnostic:
    return Diagnostic(
        "E0231",
        f"two layers would be stored as `{path}`",
        Label(span, "second one"),
        (Label(first, "first one"),),
        helps=(f"label one of them: `other_{path.rpartition('.')[2]}: ...`",),
    )


def dotted_in_sequence(path: str, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0232",
        f"inside a labelled chain a label is one name, not `{path}`",
        Label(span, "nested label"),
        helps=("write the inner chain in parentheses with a label of its own",),
    )


def wrong_source(span: Span) -> Diagnostic:
    return Diagnostic(
        "E0233",
        "a policy that starts at another tensor cannot stand inside a chain",
        Label(span, "starts at a tensor argument"),
        helps=("apply it on its own: `let side = in |> slot(...)`",),
    )


def first_without_default(parameter: syntax.Parameter) -> Diagnostic:
    return Diagnostic(
        "E0234",
        f"a `first` parameter needs a default: `{parameter.name.id}` has none for the blocks after the first",
        Label(parameter.span, "no default"),
        helps=(f"write `first {parameter.name.id}: {parameter.type.id} = ...`",),
    )


def list_applied(name: str, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0235",
        f"`{name}` takes one tensor, and a list arrives",
        Label(span, "a list of tensors"),
        helps=("`sum`, `concat` and `softmax` take a list; `x[i]` is one of its elements",),
    )


def list_needed(name: str, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0236",
        f"`{name}` takes a list of tensors, and one tensor arrives",
        Label(span, "a single tensor"),
        helps=("`split(n)` makes a list, and so does `[a, b]`",),
    )


def not_a_tensor(span: Span, value: Value, where: str) -> Diagnostic:
    return Diagnostic(
        "E0237",
        f"{where} must be one tensor, and this is {kind(value)}",
        Label(span, describe(value)),
        helps=("apply the layer: `in |> layer`",) if isinstance(value, LAYERS) else (),
    )


def set_twice(name: str, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0238", f"`{name}` has a value already", Label(span, "second value"), helps=("every `let` names a new value",)
    )


def not_a_slot(name: str, span: Span, slots: list[str]) -> Diagnostic:
    return Diagnostic(
        "E0239",
        f"`set` binds a slot, and `{name}` is none",
        Label(span, "not a slot"),
        notes=(f"the slots are {names(slots)}",),
        helps=nearby(name, slots, "a slot"),
        fix=replaced(name, slots, span),
    )
