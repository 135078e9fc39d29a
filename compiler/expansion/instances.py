"""Which networks a spec defines: models, families with `each`, instances, and what `--set` makes of them."""

from __future__ import annotations

import re
from itertools import product

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Fault, Label, find_similar
from resnetc.compiler.evaluation.errors import names
from resnetc.compiler.evaluation.evaluator import Evaluator
from resnetc.compiler.evaluation.frame import Frame
from resnetc.compiler.evaluation.parameters import as_layer, check_binding
from resnetc.compiler.evaluation.slot_environment import Slots
from resnetc.compiler.evaluation.values import Absent, Bound, ModelValue, Value, describe
from resnetc.compiler.expansion import application_errors
from resnetc.compiler.expansion.request import Request
from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.loader.loader import SpecFile
from resnetc.compiler.source import Span
from resnetc.compiler.syntax import tree as syntax
from resnetc.terminal import message

MAX_NETWORKS = 1000


class UsageError(Exception):
    """The command line asks for something that is not there; ends in status 2."""

    def __init__(self, said: str) -> None:
        super().__init__(message(said))


@record
class Setting:
    """One `--set NAME=VALUE`: the text as typed and its expression."""

    name: str
    text: str
    expr: syntax.Expr


def list_requests(spec: SpecFile, settings: list[Setting], evaluator: Evaluator, library: SpecFile) -> list[Request]:
    """The networks of a file, in its order. A model that needs arguments and has no `each` is only a family."""
    out: list[Request] = []
    for item in spec.tree.items:
        if not isinstance(item, (syntax.Model, syntax.Instance)):
            continue
        value = evaluator.value_of_item(item, spec, item.name.span)
        assert isinstance(value, ModelValue)
        out.extend(expand_family(item, value, settings, evaluator, library))
    return out


def expand_family(
    item: syntax.Model | syntax.Instance,
    value: ModelValue,
    settings: list[Setting],
    evaluator: Evaluator,
    library: SpecFile,
) -> list[Request]:
    """The networks of one model or instance: the product of its open `each` and of lists given by `--set`."""
    model, span = value.item, item.name.span
    frame = Frame(value.spec, Slots({}), fallback=library)
    parameters = {p.name.id: p for p in model.parameters}
    choices: dict[str, list[tuple[Value, Span, str]]] = {}
    if model.each is not None and model.each.name.id not in dict(value.arguments):
        listed = evaluator.evaluate(model.each.values, frame)
        if not isinstance(listed, tuple) or not listed:
            raise Fault(application_errors.no_values(model.each.values.span))
        spans = model.each.values.items if isinstance(model.each.values, syntax.List) else ()
        place = [e.span for e in spans] if len(spans) == len(listed) else [model.each.values.span] * len(listed)
        choices[model.each.name.id] = [
            (v, s, f"_{model.each.name.id}{name_suffix(v)}") for v, s in zip(listed, place, strict=True)
        ]
    seals: list[Bound] = []
    suffixes: list[str] = []
    for setting in settings:
        slot = None if setting.name in parameters else evaluator.slot_named(setting.name, frame, value.spec)
        value_set = evaluator.evaluate(setting.expr, frame)
        if slot is not None:
            layer = as_layer(value_set, setting.expr.span)
            check_binding(slot, layer, setting.expr.span)
            seals.append(Bound(slot, layer, setting.expr.span))
            if layer != find_current_binding(slot, value, evaluator):
                suffixes.append(f"_{setting.name}_{to_identifier(setting.text)}")
        elif setting.name in parameters:
            many = (
                value_set
                if isinstance(value_set, tuple) and parameters[setting.name].type.id != "list"
                else (value_set,)
            )
            default = parameters[setting.name].default
            usual = evaluator.evaluate(default, frame) if default is not None else None
            suffix = setting.name in choices
            choices[setting.name] = [
                (
                    v,
                    setting.expr.span,
                    f"_{setting.name}{name_suffix(v)}"
                    if suffix or v != usual or isinstance(v, bool) != isinstance(usual, bool)
                    else "",
                )
                for v in many
            ]
    needed = [p.name.id for p in model.parameters if p.default is None]
    missing = [n for n in needed if n not in choices and n not in dict(value.arguments)]
    if missing:
        if isinstance(item, syntax.Instance):
            raise Fault(instance_incomplete(item, missing))
        return []
    ordered = [n for n in parameters if n in choices]
    count = 1
    for n in ordered:
        count *= len(choices[n])
    if count > MAX_NETWORKS:
        raise Fault(too_many_networks(span, count))
    out = []
    for combination in product(*(choices[n] for n in ordered)):
        name = item.name.id + "".join(suffix for _, _, suffix in combination) + "".join(suffixes)
        arguments = {n: (v, s) for n, (v, s, _) in zip(ordered, combination, strict=True)}
        out.append(Request(name=name, item=item.name.id, model=value, arguments=arguments, seals=tuple(seals)))
    return out


def find_current_binding(slot: syntax.Slot, value: ModelValue, evaluator: Evaluator) -> Value:
    """What a slot is bound to in a model as its file has it."""
    for bound in reversed(value.bindings):
        if bound.slot is slot:
            return bound.value
    frame = Frame(value.spec, Slots({}))
    for statement in value.item.body:
        if isinstance(statement, syntax.SetSlot) and evaluator.slot_named(statement.name.id, frame, value.spec) is slot:
            try:
                return evaluator.evaluate(statement.value, frame)
            except Fault:
                return None
    return evaluator.default(slot)


def to_identifier(text: str) -> str:
    """Other characters than letters and digits become `_`."""
    return re.sub(r"[^A-Za-z0-9]", "_", text.strip())


def name_suffix(value: Value) -> str:
    """A value in a name; a number is written as such."""
    return to_identifier("none" if isinstance(value, Absent) else describe(value))


def describe_unknown_setting(name: str, specs: list[SpecFile], evaluator: Evaluator) -> str:
    """The message for a `--set` whose name is neither a parameter nor a slot of any model."""
    parameters = dict.fromkeys(
        p.name.id
        for spec in specs
        for item in spec.tree.items
        if isinstance(item, syntax.Model)
        for p in item.parameters
    )
    slots = {n for spec in specs for n in evaluator.slot_names(Frame(spec, Slots({})), spec)}
    from resnetc.compiler.vocabulary.answers import find_setting

    near = find_similar(name, parameters.keys() | slots)
    answer = find_setting(name, parameters.keys() | slots)
    tail = answer.help if answer else f"a similar one exists: `{near}`" if near else ""
    return (
        f"no model here has a parameter or slot `{name}`{'; ' if tail else ''}{tail}\n"
        f"parameters: {', '.join(parameters) or 'none'}\nslots: {', '.join(sorted(slots))}"
    )


def instance_incomplete(item: syntax.Instance, missing: list[str]) -> Diagnostic:
    return Diagnostic(
        "E0240",
        f"`{item.name.id}` sets no value for {names(missing)} of its model",
        Label(item.value.span, "incomplete"),
        helps=(f"pass a value in the parentheses: `{missing[0]}=...`",),
    )


def too_many_networks(span: Span, count: int, where: str = "this family") -> Diagnostic:
    return Diagnostic(
        "E0327",
        f"{where} has {count:,} networks",
        Label(span, "too many at once"),
        notes=(f"a file can define at most {MAX_NETWORKS:,} networks",),
        helps=("shorten the lists of `each` or `--set`",),
    )
