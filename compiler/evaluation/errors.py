"""Messages about names, values and parameters: one function per message."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from fractions import Fraction
from typing import TypeAlias

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Edit, Label, Suggestion, find_similar
from resnetc.compiler.evaluation.call_arguments import pass_argument
from resnetc.compiler.evaluation.call_suggestions import (
    describe_application,
    describe_extra_argument,
    describe_foreign_value,
    fix_foreign_value,
    instead_of_primitive,
    read_channels,
    rename_parameter,
    without_arriving_channels,
)
from resnetc.compiler.evaluation.name_suggestions import rename, renamings
from resnetc.compiler.evaluation.values import LAYERS, Absent, Tensor, Value, describe, is_number, kind
from resnetc.compiler.source import Span
from resnetc.compiler.syntax import tree as syntax
from resnetc.compiler.syntax.foreign_idioms import answer_name
from resnetc.grammar.primitives import PRIMITIVES, Parameter, Primitive

PRIMITIVES_OF_LISTS = frozenset(name for name, row in PRIMITIVES.items() if row.rule in ("concat", "sum", "list_same"))


def nearby(name: str, candidates: Iterable[str], what: str) -> tuple[str, ...]:
    near = find_similar(name, candidates)
    return (f"a similar {what} exists: `{near}`",) if near else ()


def replaced(name: str, candidates: Iterable[str], span: Span) -> tuple[Edit, ...]:
    near = find_similar(name, candidates)
    return (Edit(span, near),) if near else ()


def names(candidates: Iterable[str]) -> str:
    listed = [f"`{c}`" for c in candidates]
    return listed[0] if len(listed) == 1 else f"{', '.join(listed[:-1])} and {listed[-1]}" if listed else "nothing"


Parameterized: TypeAlias = syntax.Block | syntax.Policy | syntax.Slot | syntax.Model | syntax.Extern


def signature(item: Parameterized) -> str:
    """`bottleneck(width: int, stride: size = 1)`."""
    parts = [
        f"{'first ' * p.first}{p.name.id}: {p.type.id}" + (f" = {p.default.span.text}" if p.default is not None else "")
        for p in item.parameters
    ]
    return f"{item.name.id}({', '.join(parts)})"


def unknown_name(name: str, span: Span, visible: list[str], locals: Iterable[str] = ()) -> Diagnostic:
    """`locals` are the names that its item alone knows: a similar one goes before the words of other libraries."""
    own = list(locals)
    near = own if find_similar(name, own) else visible
    answer = None if near is own else answer_name(name, span)
    return Diagnostic(
        "E0201",
        f"`{name}` is not defined here",
        Label(span, "not found"),
        helps=(answer.help,) if answer else nearby(name, near, "name") or (define_it(name),),
        fix=rename(answer, span) if answer else replaced(name, near, span),
        alternatives=renamings(answer, span) if answer else (),
    )


def define_it(name: str) -> str:
    """The help for a name that is like none that exists."""
    return f"define `{name}` with `let`, as a parameter or as a block, or `use` the file that defines it"


def not_in_file(name: str, span: Span, file: str, items: list[str]) -> Diagnostic:
    from resnetc.compiler.vocabulary.answers import find_item

    item = find_item(name, file, items)
    return Diagnostic(
        "E0202",
        f"no block, policy or model named `{name}` in `{file}`",
        Label(span, "not found"),
        notes=(f"`{file}` defines {names(items)}",),
        helps=(f"`{name}` is called `{item}` here",)
        if item
        else nearby(name, items, "one") or (f"use a name that `{file}` defines, or define `{name}` in it",),
        fix=(Edit(span, item),) if item else replaced(name, items, span),
    )


def unknown_parameter(of: str, name: str, span: Span, parameters: list[str], slots: list[str]) -> Diagnostic:
    from resnetc.compiler.vocabulary.answers import find_parameter

    both = [*parameters, *slots]
    answer = find_parameter(name, both)
    help = f"remove `{name}=...`, or use one of its parameters"
    return Diagnostic(
        "E0203",
        f"`{of}` has no parameter `{name}`",
        Label(span, "unknown parameter"),
        notes=(f"its parameters are {names(parameters)}" if parameters else "it takes no arguments",),
        helps=(answer.help,) if answer else nearby(name, both, "parameter") or (help,),
        fix=(rename_parameter(answer, span) if answer else replaced(name, both, span)),
    )


def too_many_arguments(of: str, span: Span, parameters: list[str]) -> Diagnostic:
    is_number = span.text.replace(".", "").isdigit() or span.text.startswith(('"', "["))
    applied = None if is_number or parameters or of in PRIMITIVES_OF_LISTS else describe_application(span, of)
    return Diagnostic(
        "E0204",
        f"`{of}` takes at most {len(parameters)} positional argument{'s' * (len(parameters) != 1)}"
        if parameters
        else f"`{of}` takes no arguments",
        Label(span, "one too many"),
        notes=(f"its parameters are {names(parameters)}",) if parameters else (),
        helps=(applied.help if applied else describe_extra_argument(of, parameters),),
        fix=applied.edits if applied else (),
    )


def given_twice(of: str, name: str, span: Span, positional: Sequence[syntax.Argument]) -> Diagnostic:
    """`positional` are the arguments of the call that have no name."""
    suggestion = without_arriving_channels(of, positional)
    return Diagnostic(
        "E0205",
        f"`{of}` gets two values for its parameter `{name}`",
        Label(span, "second value for this parameter"),
        helps=(suggestion.help if suggestion else f"keep only one value for `{name}`",),
        fix=suggestion.edits if suggestion else (),
    )


def missing_argument(
    of: str, name: str, span: Span, item: Parameterized | Primitive, scope: Container[str]
) -> Diagnostic:
    """`scope` has the names that mean something where the call stands: a value of the same name may be meant."""
    where = () if isinstance(item, Primitive) else (Label(item.name.span, "defined here"),)
    text = of if isinstance(item, Primitive) else signature(item)
    order = [parameter.name if isinstance(parameter, Parameter) else parameter.name.id for parameter in item.parameters]
    call = pass_argument(span.text, name, order) if name in scope else None
    in_words = f"write `{name}=...` in the call"
    return Diagnostic(
        code="E0206",
        message=f"`{of}` needs a value for its parameter `{name}`",
        primary=Label(span, f"`{name}` is missing"),
        labels=where,
        notes=(text,) if text != of else (),
        helps=(f"pass `{name}` on: write `{' '.join(call.split())}`" if call else in_words,),
        fix=(Edit(span, call),) if call else (),
        alternatives=(Suggestion(in_words),) if call else (),
    )


def wrong_type(span: Span, of: str, name: str, type: str, value: Value) -> Diagnostic:
    wants = {
        "int": "an integer",
        "number": "a number",
        "bool": "`true` or `false`",
        "string": "a string",
        "size": "an integer or a list of integers, one per axis",
        "int or list": "an integer or a list of integers",
        "list": "a list",
        "layer": "a layer",
        "tensor": "a tensor",
    }
    shown = f"{kind(value)}: {describe(value)}" if not isinstance(value, Absent) else "`none`"
    applied = describe_application(span, of) if isinstance(value, Tensor) else None
    in_words = describe_foreign_value(span, of, name, value) or f"give `{name}` {wants.get(type, type)}"
    return Diagnostic(
        "E0207",
        f"`{name}` of `{of}` must be {wants.get(type, type)}, not {kind(value)}",
        Label(span, shown),
        helps=(applied.help if applied else in_words,),
        fix=applied.edits if applied else fix_foreign_value(span, of, name, value),
    )


def not_an_integer(span: Span, substituted: str, value: Value) -> Diagnostic:
    shown = describe(value)
    equation = f"{substituted} = {shown}" if substituted and substituted != shown else shown
    return Diagnostic(
        "E0208",
        f"`{equation}` is not an integer",
        Label(span, "an integer is needed here"),
        helps=(
            "division is exact; write `floor(...)` or `ceil(...)` to round"
            if isinstance(value, Fraction)
            else f"write an integer instead of {kind(value)}",
        ),
    )


def not_a_flag(span: Span, value: Value) -> Diagnostic:
    return Diagnostic(
        "E0209",
        f"a condition must be true or false, not {kind(value)}",
        Label(span, describe(value)),
        helps=(f"compare it with a value, such as `{span.text} {'> 0' if is_number(value) else '== ...'}`",),
    )


def not_a_layer(value: Value, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0210",
        f"expected a layer, found {kind(value)}",
        Label(span, describe(value)),
        helps=instead_of_primitive(span.text)
        or (
            "a tensor can only be the first step of a pipe: `x |> layer`"
            if isinstance(value, Tensor)
            else "chain them with `|>`: a list of layers is not a layer, and a chain has one output"
            if isinstance(value, tuple) and value and all(isinstance(step, LAYERS) for step in value)
            else "write a primitive, a slot, a block or a policy, with its arguments if it has any",
        ),
    )


def not_callable(value: Value, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0211",
        f"{'a chain of layers' if isinstance(value, LAYERS) else kind(value)} cannot be called",
        Label(span, describe(value)),
        helps=instead_of_primitive(span.text)
        or (
            "a chain takes no arguments: make it a policy with parameters"
            if isinstance(value, LAYERS)
            else "remove the parentheses: only layers, models and functions take arguments",
        ),
    )


def no_field(what: str, name: str, span: Span, fields: list[str]) -> Diagnostic:
    from resnetc.compiler.vocabulary.answers import Answer, find_field

    answer = find_field(name, fields)
    if (channels := read_channels(name, fields, span)) is not None:
        answer, span = Answer(f"`{channels.text}` is called `channels` here", "channels"), channels
    helps = nearby(name, fields, "field") or ("write one of its fields after the dot",)
    return Diagnostic(
        "E0212",
        f"{what} has no field `{name}`",
        Label(span, "unknown field"),
        notes=(f"its fields are {names(fields)}",),
        helps=(answer.help,) if answer else helps,
        fix=((Edit(span, answer.name),) if answer.name else ()) if answer else replaced(name, fields, span),
    )


def no_fields(value: Value, name: str, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0213",
        f"cannot read `{name}`: {kind(value)} has no fields",
        Label(span, describe(value)),
        helps=("only tensors, `here`, used files and, in `expect`, stages and `output` have fields",),
    )


def not_a_list(value: Value, span: Span) -> Diagnostic:
    return Diagnostic(
        "E0214",
        "expected a list with elements, found an empty list"
        if value == ()
        else f"expected a list, found {kind(value)}",
        Label(span, describe(value)),
        helps=(
            "take channels with `split`: `let parts = in |> split([8, 24])`, or `split(2)`, then `parts[0]`"
            if isinstance(value, Tensor)
            else "write a list, such as `[64, 128, 256]` or `range(3)`",
        ),
    )


def no_element(name: str, index: int, indices: list[int], span: Span) -> Diagnostic:
    has = f"its indices are {indices[0]} to {indices[-1]}" if indices else "it is empty"
    return Diagnostic(
        "E0215",
        f"`{name}` has no element {index}",
        Label(span, "outside the list"),
        notes=(has,),
        helps=(
            f"indices start at 0: the last element is `{name}[{indices[-1]}]`"
            if indices
            else f"define an element of `{name}` before reading one",
        ),
    )


def missing_elements(span: Span, indices: list[int]) -> Diagnostic:
    return Diagnostic(
        "E0216",
        f"`{span.text}` is incomplete: it has only the elements {', '.join(map(str, indices))}",
        Label(span, "used as a whole list"),
        helps=("iterate over `range(n)` in `each`, so that the elements are 0, 1, 2, ...",),
    )


def here_outside(span: Span) -> Diagnostic:
    return Diagnostic(
        "E0217",
        "`here` is only defined inside the blocks of a stage",
        Label(span, "not inside a block of a stage"),
        helps=("use it in a block that a stage repeats, or in a policy of such a block",),
    )


def not_a_model(item: syntax.Instance, value: Value) -> Diagnostic:
    return Diagnostic(
        "E0219",
        f"`model {item.name.id} = ...` needs a model with arguments, not {kind(value)}",
        Label(item.value.span, describe(value)),
        helps=(f"write `model {item.name.id} = family(...)` with a model's name",),
    )


def binding_incomplete(slot: syntax.Slot, layer: Value, missing: list[str], span: Span) -> Diagnostic:
    return Diagnostic(
        code="E0228",
        message=f"`{describe(layer)}` cannot be bound to the slot `{slot.name.id}`: "
        f"the slot does not pass {names(missing)}",
        primary=Label(span, "bound here"),
        labels=(Label(slot.name.span, "the slot is declared here"),),
        notes=(f"the slot passes {signature(slot)}",),
        helps=(f"pass {names(missing)} in the binding, or bind a policy with the slot's parameters",),
    )


def first_without_default(parameter: syntax.Parameter) -> Diagnostic:
    return Diagnostic(
        "E0234",
        f"a `first` parameter needs a default: `{parameter.name.id}` has none for the blocks after the first",
        Label(parameter.span, "no default"),
        helps=(f"write `first {parameter.name.id}: {parameter.type.id} = ...`",),
    )


def nested_too_deep(span: Span, limit: int) -> Diagnostic:
    return Diagnostic(
        "E0251",
        f"definitions are nested more than {limit} levels deep",
        Label(span, "one level too many"),
        notes=("each use of a block, a policy, a slot or an instance is one level",),
        helps=("inline some of these definitions into those that use them",),
    )


def too_much_work(span: Span, limit: int) -> Diagnostic:
    return Diagnostic(
        "E0329",
        f"the loops and policies of this network execute more than {limit:,} statements",
        Label(span, "the limit is reached here"),
        helps=("iterate over shorter lists in `each`, and nest fewer policies",),
    )


def not_a_slot(name: str, span: Span, slots: list[str]) -> Diagnostic:
    from resnetc.compiler.vocabulary.answers import find_slot

    answer = find_slot(name, slots)
    help = f"name a value with `let {name} = ...`, or declare a new slot with `slot {name}(...)`"
    return Diagnostic(
        "E0239",
        f"`set` binds a slot, but `{name}` is not one",
        Label(span, "not a slot"),
        notes=(f"the slots are {names(slots)}",),
        helps=(answer.help,) if answer else nearby(name, slots, "slot") or (help,),
        fix=(Edit(span, answer.name),) if answer else replaced(name, slots, span),
    )
