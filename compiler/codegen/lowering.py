"""Lowers a `Network` to the classes of its module (`Lowered`). All decisions about the generated text are made here."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from types import MappingProxyType

from resnetc.compiler.codegen import functional
from resnetc.compiler.codegen.anti_unification import Writer
from resnetc.compiler.codegen.argument_vectors import Number, numbers_of, shared_numbers
from resnetc.compiler.codegen.chains import with_loops
from resnetc.compiler.codegen.class_arguments import OpenEnd, open_ends
from resnetc.compiler.codegen.class_differences import Differences, list_attributes
from resnetc.compiler.codegen.containers import containers, in_sequence, in_text_order, unique_attribute
from resnetc.compiler.codegen.derived_arguments import deciding_names, definitions
from resnetc.compiler.codegen.docstrings import (
    block_text,
    find_unused_slots,
    network_text,
    policy_text,
    told_conditions,
)
from resnetc.compiler.codegen.forward import Forward
from resnetc.compiler.codegen.functional import StepOperation, changes_nothing, pooled
from resnetc.compiler.codegen.grouping import in_place, stateful, taken
from resnetc.compiler.codegen.initialization import initial_values, write_gain
from resnetc.compiler.codegen.lowered import Class, Function, Lowered, used_helpers
from resnetc.compiler.codegen.naming import Names, class_name, comment_lines, documentation, name_wires
from resnetc.compiler.codegen.operands import Operands
from resnetc.compiler.codegen.optional_modules import inputs_of, join_groups, wire_instead
from resnetc.compiler.codegen.python_layout import Call, Code, Conditional, format_lines
from resnetc.compiler.codegen.shape_comments import Comments
from resnetc.compiler.codegen.shared_texts import SharedTexts
from resnetc.compiler.codegen.signature import Signature
from resnetc.compiler.codegen.torch_modules import forms_in_sequence, gain, gain_parameter
from resnetc.compiler.codegen.user_classes import UserClasses
from resnetc.compiler.expansion.dataflow_builder import keeps_state
from resnetc.compiler.ir.network import ExpandedBlock, Leaf, Module, Network, Sequence, Step
from resnetc.compiler.ir.paths import Path
from resnetc.compiler.syntax import tree as syntax
from resnetc.grammar.forms import FUNCTIONAL

Key = Hashable  # what occurrences have in common that are written as one class or function


def lower(network: Network, own: frozenset[str], texts: SharedTexts | None = None) -> Lowered:
    """`own` are the names that every generated module uses itself; `texts` is what other networks write too."""
    return Lowering(network, own, texts or SharedTexts()).lower_network()


class Lowering:
    """Groups the occurrences of every block and policy, and writes one class or function for each group."""

    def __init__(self, network: Network, own: frozenset[str], texts: SharedTexts) -> None:
        self.network, self.texts = network, texts
        self.names = Names(own)
        self.templates: dict[Key, list[ExpandedBlock]] = {}
        self.sequences: dict[Key, list[Sequence]] = {}
        self.group_of: dict[int, Key] = {}
        self.helpers: dict[tuple[str, int], None] = {}
        self.classes: dict[Key, tuple[Class, Signature]] = {}
        self.functions: dict[Key, tuple[Function, Signature] | None] = {}
        self.differences = Differences()
        self.codes: dict[int, Code] = {}
        self.user_classes = UserClasses(self.names)
        self.writer = Writer(self.write_block_calls, self.write_policy_calls, self.user_classes.name_of, texts)
        self.collect(network.root)
        self.originals: dict[Key, list[ExpandedBlock]] = {}  # of those in `templates`, as they were expanded
        for key, pairs in join_groups(self.templates).items():
            self.templates[key] = [template for template, _ in pairs]
            self.originals[key] = [original for _, original in pairs]
            self.group_of |= {id(original): key for original in self.originals[key]}

    def lower_network(self) -> Lowered:
        main = self.write_network_class()
        functions = [f[0] for f in self.functions.values() if f is not None]
        classes = [c for c, _ in self.classes.values()]
        return Lowered(
            helpers=tuple(used_helpers(list(self.helpers), functions, [*classes, main])),
            functions=tuple(functions),
            classes=(*classes, main),
            initial=tuple(initial_values(self.network.root)),
            imports=self.user_classes.imports,
            externs=self.user_classes.targets,
        )

    # -- collecting ---------------------------------------------------------------------------------------------------

    def collect(self, template: ExpandedBlock) -> None:
        """All distinct templates and sequences below one, in the order of the network."""
        for step in template.steps:
            if not isinstance(step.operation, str) and in_place(step.operation) is None:
                self.collect_module(step.operation)

    def collect_module(self, module: Module) -> None:
        if id(module) in self.group_of:
            return
        match module:
            case Leaf():
                self.collect_leaf(module)
                return
            case Sequence(children):
                for leaf, constructor, helper in forms_in_sequence(module):
                    self.writer.forms[id(leaf)] = constructor
                    self.helpers[helper] = None
                for _, child in children:
                    self.collect_module(child)
                key: Key = (module.origin, tuple(k for k, _ in children), module.shape_in.rank)
                self.sequences.setdefault(key, []).append(module)
            case ExpandedBlock():
                self.collect(module)
                key = self.texts.first_like(module)
                self.templates.setdefault(key, []).append(module)
        self.group_of[id(module)] = key

    def collect_leaf(self, leaf: Leaf) -> None:
        if leaf.external is not None:
            self.user_classes.add(leaf.external)
        elif (used := self.texts.leaf(leaf).helper) is not None:
            self.helpers[used] = None

    # -- calls --------------------------------------------------------------------------------------------------------

    def write_block_calls(self, modules: list[Module]) -> list[Code]:
        return [self.write_block_call(m) for m in modules if isinstance(m, ExpandedBlock)]

    def write_block_call(self, template: ExpandedBlock) -> Code:
        if id(template) not in self.codes:
            key = self.group_of[id(template)]
            if key not in self.classes:
                self.write_block_class(key)
            definition, signature = self.classes[key]
            for i, other in enumerate(self.originals[key]):
                self.codes[id(other)] = signature.call(definition.name, i)
        return self.codes[id(template)]

    def write_policy_calls(self, sequences: list[Sequence]) -> list[Code] | None:
        """Calls of the function that a policy became; None where its steps are written in place."""
        out: list[Code] = []
        for sequence in sequences:
            if not isinstance(sequence.origin, syntax.Policy):
                return None
            key = self.group_of[id(sequence)]
            if key not in self.functions:
                self.functions[key] = None
                self.functions[key] = self.write_policy_function(key)
            definition = self.functions[key]
            if definition is None:
                return None
            function, signature = definition
            if id(sequence) not in self.codes:
                for i, other in enumerate(self.sequences[key]):
                    self.codes[id(other)] = signature.call(function.name, i)
            out.append(self.codes[id(sequence)])
        return out

    def write_policy_function(self, key: Key) -> tuple[Function, Signature] | None:
        group = self.sequences[key]
        policy = group[0].origin
        assert isinstance(policy, syntax.Policy)
        occurrences = [numbers_of(sequence.parameters) for sequence in group]
        kinds = {p.name.id: p.type.id for p in policy.parameters}
        numbers = shared_numbers(occurrences, kinds)
        channels = [s.shape_in.channels for s in group]
        signature = Signature(numbers, channels, self.names, deciding_names(policy))
        signature.value(channels, "int", "in", "")
        code = self.writer.write_children(group, signature, "")
        if code is None or not signature.arguments:
            return None
        signature.settle(definitions(policy))
        name = self.names.definition(policy.name.id)
        self.writer.names[name] = signature.parameters
        text = policy_text(policy, group, {n: v for n, _, v in numbers}, {a.name for a in signature.arguments})
        doc = documentation(text, f"The modules of `{policy.name.id}`.", 4)
        body = (*(f"    {text}" for text in signature.locals), *format_lines("return ", code, 4))
        return Function(name, doc, signature.declarations, body), signature

    # -- classes ------------------------------------------------------------------------------------------------------

    def write_block_class(self, key: Key) -> None:
        group = self.templates[key]
        first = group[0]
        block = first.definition
        assert isinstance(block, syntax.Block)
        numbers = shared_numbers(
            [numbers_of((number.name, number.value) for number in template.numbers) for template in group],
            {number.name: number.type for number in first.numbers},
        )
        signature = Signature(numbers, [t.shape_in.channels for t in group], self.names)
        fields, forward = self.write_class_body(group, signature)
        name = self.names.definition(class_name(block.name.id, block.doc))
        signature.settle(definitions(block))
        self.writer.names[name] = signature.parameters
        comments = Comments(group, signature)
        stored = list_attributes(fields)
        own = {a.name for a in signature.arguments} | set(stored)
        vectors = {n: v for n, _, v in numbers}
        conditions = told_conditions(block, vectors)
        doc = self.differences.describe(block, name, stored, group[0], conditions)
        doc = doc or block_text(block, vectors, own, find_unused_slots(group))
        definition = Class(
            name=name,
            doc=documentation(doc, f"The block `{block.name.id}`.", 4),
            parameters=signature.declarations,
            fields=(*(f"        {text}" for text in signature.locals), *fields),
            forward=tuple(forward),
            comment=comments.shape(0),
        )
        self.classes[key] = (definition, signature)

    def write_network_class(self) -> Class:
        root = self.network.root
        signature = Signature([], [root.shape_in.channels], self.names)
        symbols = self.network.input.symbols
        stages = {s.name: root.steps[s.step].outputs[0] for s in self.network.stages}
        results = stages if self.network.features else None
        ends = {end: self.names.variable(end.name, set()) for end in open_ends(self.network)}
        fields, forward = self.write_class_body([root], signature, symbols, results, ends)
        name = class_name(self.network.name, self.network.comments)
        return Class(
            name=self.names.definition(name),
            doc=documentation(
                network_text(self.network, {end.name for end in ends}), f"The network `{self.network.name}`.", 4
            ),
            parameters=tuple((argument, f"int = {end.value}") for end, argument in ends.items()),
            fields=tuple(fields),
            forward=tuple(forward),
            comment=Comments([root], signature, symbols, named={end.wire: name for end, name in ends.items()}).shape(0),
            returns="dict[str, Tensor]" if self.network.features else "Tensor",
        )

    def write_class_body(
        self,
        group: list[ExpandedBlock],
        signature: Signature,
        symbols: tuple[str | None, ...] | None = None,
        results: dict[str, int] | None = None,
        ends: Mapping[OpenEnd, str] = MappingProxyType({}),
    ) -> tuple[list[str], list[str]]:
        """The lines of `__init__` and of `forward` that a group of equal dataflow programs shares."""
        # Both are written in one pass over the steps, for each decides about the other: a module without state that
        # stands at two places is one attribute, so the second place calls the first one's name; a step that changes
        # nothing in any occurrence is an alias, so who reads it reads what it reads. Keys come first: a path with state
        # is an attribute of exactly that name, in the order of registration, whatever `forward` would have liked; what
        # has no state takes the names that are left.
        first = group[0]
        stored: dict[Path, Code] = {}
        gains: dict[Path, tuple[str, Number]] = {}
        access: dict[int, str] = {}
        placed: list[int] = []  # steps whose modules are stored under their own paths
        stateless: dict[Code, str] = {}
        alias: dict[int, int] = {}
        owned = {stage.step for stage in self.network.stages} if symbols is not None else set()
        keeping = stateful(group) | {path for number in owned for path, _ in first.steps[number].stores}
        labels = (path for step in first.steps if step.base is None for path, _ in step.stores if path)
        attributes = {path[0] for path in (*keeping, *labels)}
        operands = Operands(signature, attributes)
        plan: list[tuple[int, Step, list[StepOperation]]] = []
        instead = [wire_instead(group, number) for number in range(len(first.steps))]
        remarks: dict[int, list[str]] = {}
        remark = ""
        for number, step in enumerate(first.steps):
            column = [t.steps[number].operation for t in group]
            remark = f"{remark} {step.remark}".strip() if step.remark else remark
            if changes_nothing(column[0]) and all(changes_nothing(m) for m in column):
                alias[step.outputs[0]] = alias.get(step.inputs[0], step.inputs[0])
                continue
            plan.append((number, step, column))
            if remark:
                remarks[step.outputs[0]], remark = comment_lines(remark), ""
            signature.reads_input = first.reads_input(step.inputs[0])
            operands.add(number, column)
            if step.members:
                stored |= {path: self.write_module(block) for path, block in step.stores}
                continue
            modules = [m for m in column if not isinstance(m, str)]
            if not modules or all([isinstance(m, Leaf) and m.primitive.name in FUNCTIONAL for m in modules]):
                continue
            if instead[number] is not None:
                code = self.write_optional_field(step, number, group, signature)
            elif number in owned and isinstance(step.operation, Sequence):
                code = self.write_stage(step.operation)
            else:
                code = self.write_field(step, modules, signature)
            for end in (end for end in ends if end.step == number):
                code = end.inserted(code, ends[end])
            own = step.base is None and stored.get(step.path, code) == code
            if (
                number in owned
                or any([keeps_state(m) for m in modules])
                or (own and not taken(step.path, keeping | (stored.keys() - {step.path})))
            ):
                stored[step.path] = code
                attributes.add(step.path[0])
                placed.append(number)
                if isinstance(modules[0], Leaf) and (initial := gain(modules[0])) is not None:
                    gains[step.path] = (gain_parameter(modules[0]), initial)
                continue
            if code not in stateless:
                stateless[code] = unique_attribute(step.base or str(step.path[0]), attributes)
                stored[(stateless[code],)] = code
            access[number] = f"self.{stateless[code]}"
        order = [p for p in first.order if p in stored] + [p for p in stored if p not in first.order]
        stages = [step.members for _, step, _ in plan if step.members]
        stored_modules = containers(
            {p: stored[p] for p in in_text_order(order, first, stored)}, keeping, stages, self.writer.names
        )
        fields, reach = stored_modules.lines, stored_modules.reach
        fields[:0] = operands.fields
        fields += [write_gain(path, name, value, reach) for path, (name, value) in gains.items()]
        access |= {number: reach[first.steps[number].path] for number in placed}
        access |= {number: stored_modules.stages[step.members] for number, step, _ in plan if step.members}
        output = alias.get(first.output, first.output)
        lines_of = [(step, column, inputs_of(step, instead[number], alias)) for number, step, column in plan]
        vectors = pooled(lines_of, {output, *(results or {}).values()})
        comments = Comments(
            group=group,
            signature=signature,
            symbols=symbols,
            vectors=vectors,
            named={end.wire: name for end, name in ends.items()},
        )
        ops = [
            functional.loop(inputs, step.outputs, access[number])
            if step.members in stored_modules.parts
            else functional.operation(step, column, inputs, access.get(number), first, vectors, operands.text(number))
            for (number, _, _), (step, column, inputs) in zip(plan, lines_of, strict=True)
        ]
        marked = {output, *(results or {}).values(), *(ref for ref in remarks)}
        ops = with_loops(ops, stored, marked, comments.shape)
        names = name_wires(first, alias)
        for number, step, _ in plan:
            if instead[number] is not None:
                names.setdefault(step.outputs[0], step.slot or str(step.path[0]))
        names.pop(0, None)
        names.update({ref: self.names.result(stage) for stage, ref in (results or {}).items()})
        lines = Forward(
            operations=ops,
            output=output,
            names=names,
            shape=comments.shape,
            reuse_input=symbols is not None,
            results=results,
            remarks=remarks,
        ).write()
        return fields, [text for ln in lines for text in ln.text]

    def write_field(self, step: Step, modules: list[Module], signature: Signature) -> Code:
        """The constructor of a step's module; where occurrences differ in kind, an argument that holds it."""
        place = step.base or next(str(part) for part in reversed(step.path) if isinstance(part, str))
        if isinstance(step.operation, Sequence) and len(modules) == 1 and step.operation.origin is None:
            return self.write_chain(step.operation, signature, place)
        code = self.writer.anti_unify(
            modules, signature, place if step.base is None or step.slot else str(step.path[-1])
        )
        if code is not None:
            return code
        if step.base is not None and (code := self.write_choice(step.base, modules, signature)) is not None:
            return code
        occurrences = [self.writer.write_occurrence(m) for m in modules]
        return signature.named(occurrences, "module", place, "").name

    def write_optional_field(self, step: Step, number: int, group: list[ExpandedBlock], signature: Signature) -> Code:
        """An argument that holds a step's module, or None for the occurrences that go without it."""
        present = group[0].steps[number].inputs
        codes: list[Code] = []
        for template in group:
            module = template.steps[number]
            assert not isinstance(module.operation, str)
            codes.append("None" if module.inputs != present else self.writer.write_occurrence(module.operation))
        return signature.named(codes, "module", step.base or str(step.path[0]), "").name

    def write_choice(self, attribute: str, modules: list[Module], signature: Signature) -> Code | None:
        """One of two modules without state, where a number tells them apart."""
        if any(keeps_state(m) for m in modules):
            return None
        arguments = list(signature.arguments)
        code = self.writer.write_conditional(modules, signature, attribute)
        if not isinstance(code, Conditional):
            signature.arguments[:] = arguments
            return None
        return code

    def write_chain(self, sequence: Sequence, signature: Signature, place: str) -> Code:
        """The steps of a labelled chain: those with labels of their own one by one."""
        if all(key.isdigit() for key, _ in sequence.children):
            return self.write_stage(sequence)
        code = self.writer.write_children([sequence], signature, place)
        assert code is not None
        return code

    def write_stage(self, sequence: Sequence) -> Call:
        """`nn.Sequential` with runs of equal blocks written once."""
        return in_sequence([(key, self.write_module(child)) for key, child in sequence.children], self.writer.names)

    def write_module(self, module: Module) -> Code:
        """A module of a sequence, all its numbers literal."""
        if id(module) not in self.codes:
            self.codes[id(module)] = self.writer.write_occurrence(module)
        return self.codes[id(module)]
