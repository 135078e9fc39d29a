"""Resolves the names of one item, in the order of its text."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable
from functools import partial

from resnetc.compiler.diagnostics.diagnostic import Diagnostic
from resnetc.compiler.evaluation import errors
from resnetc.compiler.loader.loader import SpecFile
from resnetc.compiler.names import errors as names_errors
from resnetc.compiler.names import input_axes, reserved
from resnetc.compiler.names.error_groups import MAX_FAULTS, GroupedFaults
from resnetc.compiler.names.item_parts import (
    check_attribute,
    check_label,
    check_pattern,
    find_default_primitive,
    find_indexed_lets,
    find_signature,
    get_first_name,
)
from resnetc.compiler.names.local_names import LocalNames
from resnetc.compiler.names.symbols import NAMELESS, Definition, FileNames, Resolution
from resnetc.compiler.source import Span
from resnetc.compiler.syntax import tree as syntax
from resnetc.compiler.syntax.foreign_idioms import group_by_wanted
from resnetc.grammar.primitives import TYPES

MEASURES = (
    *("accepts", "activation_bytes", "buffers", "multiply_adds", "output", "parameters"),
    *("receptive_field", "refuses", "weighted_layers"),
)

HIDDEN_BY: dict[type, tuple[str, ...]] = {syntax.Model: ("primitive",), syntax.Extern: ("primitive", "slot")}
"""What the parameters of an item may hide: the exceptions to one name, one meaning."""


class ItemNames:
    """Looks up the names of one item. Recursion is as deep as the builder lets expressions and loops be."""

    def __init__(self, file: FileNames, item: syntax.Item, repeats: GroupedFaults) -> None:
        self.file, self.item, self.repeats = file, item, repeats
        self.mentions: dict[str, Span] = {}  # items of the same file
        self.claimed: dict[str, Span] = {}  # those that only its claims mention: they are no part of it
        body = item.body if isinstance(item, (syntax.Block, syntax.Model)) else ()
        # Slots that the item binds itself: their defaults have no part in it.
        self.rebound_slots = {s.name.id for s in body if isinstance(s, syntax.SetSlot)}
        self.has_error = False  # it is at fault, or mentions what is
        self.locals = LocalNames()
        self.others: frozenset[str] = frozenset()  # known without a definition: `in`; sizes, stages, measures in claims
        self.vague = False  # the names of sizes are not certain
        self.unknown: dict[str, list[Span]] = {}
        self.claim_scope: names_errors.ClaimScope | None = None  # what a claim may speak of, inside of one
        self.beside: dict[str, tuple[list[str], names_errors.ClaimScope | None]] = {}  # of unknown names, at first
        self.callees: set[str] = set()

    def check(self) -> None:
        """Reports the faults of the item."""
        match self.item:
            case syntax.Block(_, parameters, body, out):
                self.others = frozenset({"in"})
                self.parameters(parameters)
                self.statements(body)
                self.resolve(out)
            case syntax.Policy(_, parameters, body, cases):
                self.others = frozenset({"in"})
                self.parameters(parameters)
                self.statements(body)
                for case in cases:
                    self.resolve(case.condition)
                    self.resolve(case.value)
            case syntax.Slot() as slot:
                self.slot(slot)
            case syntax.Model() as model:
                self.model(model)
            case syntax.Instance() as instance:
                self.instance(instance)
            case syntax.Extern() as extern:
                self.extern(extern)
        for name, spans in self.unknown.items():
            if not name.isascii():  # the parser has reported the foreign letter
                self.has_error = True
            elif name in self.locals.spans:
                make = partial(names_errors.not_known_yet, name, self.locals.spans[name])
                self.report_repeated((name, self.item), make, *spans)
            elif name in self.others or name in MEASURES:
                make = partial(names_errors.known_only_to_claims, name, name in MEASURES)
                self.report_repeated((name, self.item), make, *spans)
            else:
                beside, claim_scope = self.beside.get(name, ([], None))
                make = partial(names_errors.unknown_name, name, name in self.callees, self.file, beside, claim_scope)
                for wanted, places in group_by_wanted(name, spans).items():
                    self.report_repeated((name, wanted), make, *places)

    def report(self, fault: Diagnostic | None) -> None:
        if fault is not None:
            self.has_error = True
            self.repeats.report(fault)

    def report_repeated(self, cause: Hashable, make: Callable[[Span], Diagnostic], *spans: Span) -> None:
        """Reports a fault that may show in several places, and is one all the same."""
        self.has_error = True
        self.repeats.add(cause, make, spans)

    # -- items --------------------------------------------------------------------------------------------------------

    def slot(self, slot: syntax.Slot) -> None:
        self.resolve(slot.default)
        self.others = frozenset({"in"})
        self.parameters(slot.parameters)
        self.report(check_attribute(slot))

    def model(self, model: syntax.Model) -> None:
        if model.each is not None:
            names = [p.name.id for p in model.parameters]
            if model.each.name.id not in names:
                make = partial(names_errors.no_such_parameter, model.each.name.id, names)
                self.report_repeated((model, "each"), make, model.each.name.span)
            self.resolve(model.each.values)
        self.parameters(model.parameters)
        self.statements(model.body)
        sizes = self.input(model.input)
        self.resolve(model.stem)
        for stage in model.stages:
            self.label(stage.path, "stage")
            self.report(check_pattern(stage.pattern))
            for group in stage.groups:
                self.group(group)
        self.resolve(model.head)
        self.resolve_claims(model.expects, model, sizes)

    def group(self, group: syntax.Repeat) -> None:
        self.resolve(group.count)
        self.resolve(group.values)
        outer = self.locals.count
        if group.name is not None:
            self.bind(group.name, "loop variable")
        self.resolve(group.block)
        self.locals.forget_since(outer)

    def instance(self, instance: syntax.Instance) -> None:
        """Its input and claims speak of its model, in the words of its own file."""
        self.resolve(instance.value)
        family = self.file.find_family(instance, self.file.spec)
        if family is None:
            return
        model, declared = family
        for parameter in model.parameters:
            self.locals.inherit(parameter.name, "parameter")
        for statement in model.body:
            if isinstance(statement, syntax.Let):
                self.locals.inherit(statement.name, "value")
        sizes = self.input(instance.input) if instance.input is not None else self.list_symbols(declared.shape)
        self.resolve_claims(instance.expects, model, sizes)

    def extern(self, extern: syntax.Extern) -> None:
        """The names of its shape are those of what it gets: its result, its condition and its claims speak of these."""
        from resnetc.compiler.names import extern_declarations  # few specs have one

        for fault in extern_declarations.find_faults(extern):
            self.report(fault)
            self.vague = self.vague or fault.code == "E0262"
        self.others = frozenset({"in"})
        self.parameters(extern.parameters)
        self.others = frozenset({"in", *self.resolve_sizes(extern.shape_in, 0)})
        self.claim_scope = names_errors.ClaimScope(self.list_symbols(extern.shape_in))
        values = (extern_declarations.get_claimed_value(expect) for expect in extern.expects)
        for part in (extern.shape_out, extern.condition, *values):
            self.resolve(part)

    # -- inputs and claims --------------------------------------------------------------------------------------------

    def input(self, input: syntax.Input) -> list[str]:
        """The symbols that an input gives to its sizes."""
        if (fault := input_axes.find_fault(input, self.locals, self.file)) is not None:
            self.report(fault)
            self.vague = True
        sizes = self.resolve_sizes(input.shape)
        self.resolve(input.declared)
        self.others, self.claim_scope = frozenset(sizes), names_errors.ClaimScope(sizes)
        self.resolve(input.condition)
        self.others, self.claim_scope = frozenset(), None
        return sizes

    def resolve_sizes(self, shape: syntax.Expr, first: int = 1) -> list[str]:
        """The symbols in a shape, from its axis `first` on; all else in it is looked up."""
        symbols = self.list_symbols(shape, first)
        for axis in shape.items if isinstance(shape, syntax.List) else (shape,):
            if not (isinstance(axis, syntax.Name) and axis.id in symbols):
                self.resolve(axis)
            elif (other := self.file.find_definition(axis.id)) is not None:
                self.report(names_errors.shadowed("size", axis.id, axis.span, other))
        return symbols

    def list_symbols(self, shape: syntax.Expr, first: int = 1) -> list[str]:
        axes = shape.items[first:] if isinstance(shape, syntax.List) else ()
        return [axis.id for axis in axes if isinstance(axis, syntax.Name) and axis.id not in self.locals]

    def resolve_claims(self, expects: tuple[syntax.AnyClaim, ...], model: syntax.Model, sizes: list[str]) -> None:
        self.others = frozenset([*MEASURES, *sizes, *(get_first_name(stage.path) for stage in model.stages)])
        self.claim_scope = names_errors.ClaimScope(sizes, [stage.path.span.text for stage in model.stages])
        mentions, self.mentions = self.mentions, {}
        for claim in expects:
            self.claim(claim)
        self.mentions, self.claimed = mentions, self.mentions

    def claim(self, claim: syntax.AnyClaim) -> None:
        if isinstance(claim, syntax.Expect):
            self.resolve(claim.claim)
            self.resolve(claim.condition)
            return
        self.resolve(claim.values)
        outer = self.locals.count
        if claim.name.id in self.others:
            other = Definition("name of claims", None)
            self.report(names_errors.shadowed("loop variable", claim.name.id, claim.name.span, other))
        self.bind(claim.name, "loop variable")
        for inner in claim.claims:
            self.claim(inner)
        self.locals.forget_since(outer)

    # -- statements ---------------------------------------------------------------------------------------------------

    def parameters(self, parameters: tuple[syntax.Parameter, ...]) -> None:
        for parameter in parameters:
            name, type = parameter.name, parameter.type
            if type.id not in TYPES:
                self.report_repeated(("type", type.id), partial(names_errors.unknown_type, type.id), type.span)
            if parameter.first and parameter.default is None:
                self.report(errors.first_without_default(parameter))
            self.resolve(parameter.default)
            if (first := self.locals.get(name.id)) is not None and first.span is not None:
                self.report(names_errors.parameter_twice(self.item.name.id, name, first.span))
            else:
                self.bind(name, "parameter")

    def statements(self, body: tuple[syntax.Statement, ...]) -> None:
        for statement in body:
            match statement:
                case syntax.Let(_, index, value):
                    self.resolve(index)
                    self.resolve(value)
                    self.let(statement)
                case syntax.Require(condition):
                    self.resolve(condition)
                case syntax.SetSlot(name, value):
                    self.set_slot(name)
                    self.resolve(value)
                case syntax.Each(name, values, inner):
                    self.each(name, values, inner)

    def let(self, let: syntax.Let) -> None:
        """The first `let` of an indexed name makes it known, the others give it more elements."""
        if let.index is None or not self.locals.is_indexed(let.name.id):
            self.bind(let.name, "value")
        if let.index is not None:
            self.locals.mark_indexed(let.name.id)

    def each(self, name: syntax.Name, values: syntax.Expr, body: tuple[syntax.Statement, ...]) -> None:
        """Elements of an indexed `let` are known in their whole loop, and after it; all else ends with the loop."""
        self.resolve(values)
        outer = self.locals.count
        self.bind(name, "loop variable")
        for let in find_indexed_lets(body):
            self.let(let)
        self.statements(body)
        self.locals.forget_since(outer)

    def set_slot(self, name: syntax.Name) -> None:
        slots = self.file.list_slots()
        if name.id in slots:
            return
        if self.file.may_be_lost(name.id):
            self.has_error = True
        else:
            self.report_repeated(("set", name.id), partial(names_errors.not_a_slot, name.id, slots), name.span)

    def is_in_use(self, name: str) -> bool:
        """Whether a name is one of the file, the language or its claims."""
        return name in MEASURES or self.file.find_definition(name) is not None

    def bind(self, name: syntax.Name, kind: reserved.NameKind) -> None:
        """Makes a name known from here on; it must be free, and free in generated code."""
        other = self.locals.get(name.id) or self.file.find_definition(name.id)
        if other is not None and kind == "parameter" and other.kind in HIDDEN_BY.get(type(self.item), ()):
            other = None  # users set these by the field's names, or by those of a class in Python
        if other is None and name.id in MEASURES and isinstance(self.item, syntax.Model):
            other = Definition("measure", None)
        if other is not None:
            self.report(names_errors.shadowed(kind, name.id, name.span, other))
        else:
            self.report(reserved.check_name(name.id, kind, name.span, self.is_in_use))
        self.locals.bind(name, kind)

    # -- expressions --------------------------------------------------------------------------------------------------

    def resolve(self, expr: syntax.Expr | None) -> Resolution | None:
        """Looks up the names in an expression; what it stands for, where the text alone says so."""
        match expr:
            case syntax.Name():
                return self.name(expr)
            case syntax.Attribute(value, name):
                resolution = self.name(value, dotted=True) if isinstance(value, syntax.Name) else self.resolve(value)
                file = resolution.target if resolution is not None else None
                return self.resolve_in_file(file, name) if isinstance(file, SpecFile) else None
            case syntax.Call(callee, arguments):
                return self.call(callee, arguments)
            case syntax.Labelled(path, value):
                self.label(path, "label")
                return self.resolve(value)
            case syntax.List(parts) | syntax.Pipe(parts):
                for part in parts:
                    self.resolve(part)
            case syntax.Index(left, right) | syntax.Binary(_, left, right):
                self.resolve(left)
                self.resolve(right)
            case syntax.Choice(value, condition, other):
                for part in (value, condition, other):
                    self.resolve(part)
            case syntax.Negate(value):
                self.resolve(value)
        return None

    def name(self, name: syntax.Name, dotted: bool = False) -> Resolution | None:
        """A name; before a dot it may be that of a file which was not found, a fault that is reported already."""
        if name.id in self.locals or name.id in self.others:
            return None
        if name.id in self.file.silent:
            self.has_error = True
            return None
        resolution = self.file.find(name.id)
        if resolution is None and (self.vague or (dotted and self.file.lost) or self.file.may_be_lost(name.id)):
            self.has_error = True
        elif resolution is None:
            if name.id not in self.unknown and len(self.unknown) < MAX_FAULTS:
                self.beside[name.id] = [*self.locals, *self.others], self.claim_scope
            self.unknown.setdefault(name.id, []).append(name.span)
        elif resolution.spec is self.file.spec and name.id not in self.rebound_slots:
            self.mentions.setdefault(name.id, name.span)
        return resolution

    def resolve_in_file(self, file: SpecFile, name: syntax.Name) -> Resolution | None:
        """`file.name`."""
        item = file.names.get(name.id)
        if name.id in self.file.faulty_names.get(file, ()):
            self.has_error = True
        if item is not None and not isinstance(item, SpecFile):
            return Resolution(item, file)
        if name.id in file.tree.broken or NAMELESS in file.tree.broken:
            self.has_error = True
        else:
            self.report_repeated((file, name.id), partial(names_errors.not_in_file, name.id, file), name.span)
        return None

    def call(self, callee: syntax.Expr, arguments: tuple[syntax.Argument, ...]) -> Resolution | None:
        """A call of a layer or a model is that layer or model, with some of its arguments."""
        resolution = self.resolve(callee)
        if isinstance(callee, syntax.Name):
            self.callees.add(callee.id)
        for argument in arguments:
            self.resolve(argument.value)
        if resolution is not None:
            self.check_keywords(resolution, arguments)
        return None if resolution is None or isinstance(resolution.target, str) else resolution

    def check_keywords(self, resolution: Resolution, arguments: tuple[syntax.Argument, ...]) -> None:
        """Named arguments are parameters of what is called, or slots that the call binds inside it."""
        target, spec = resolution.target, resolution.spec
        if isinstance(target, syntax.Instance) and spec is not None and (owner := self.file.find_family(target, spec)):
            target = owner[0]
        slots: Collection[str] = ()
        if (signature := find_signature(target)) is None:
            return
        of, parameters = signature
        if isinstance(target, (syntax.Block, syntax.Policy, syntax.Model)):
            slots = self.file.list_slots(spec)
        for name in (a.name for a in arguments):
            if name is None or name.id in parameters or name.id in slots:
                continue
            if self.file.may_be_lost(name.id, spec):
                self.has_error = True
            else:
                default = find_default_primitive(target)
                make = partial(names_errors.unknown_parameter, of, name.id, parameters, slots, default)
                self.report_repeated((of, name.id), make, name.span)

    def label(self, path: syntax.Expr, kind: reserved.NameKind) -> None:
        """The parts of a label, or of a stage's path, become attributes; an index in it is an expression."""
        match path:
            case syntax.Name(name, span):
                self.report(reserved.check_name(name, kind, span))
            case syntax.Attribute(value, part):
                self.label(value, kind)
                self.report(reserved.check_name(part.id, kind, part.span))
            case syntax.Index(value, index):
                self.label(value, kind)
                self.resolve(index)
            case _:
                self.report(check_label(path, kind))
