"""Expands a model with all its parameters to an `ir.Network`: stem, stages, head, shapes, conditions on sizes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Fault, Label
from resnetc.compiler.evaluation.frame import Frame
from resnetc.compiler.evaluation.values import (
    Absent,
    DefinedLayer,
    Layer,
    Tensor,
    Value,
    describe,
)
from resnetc.compiler.expansion import application_errors, input_declaration
from resnetc.compiler.expansion.application import Applier
from resnetc.compiler.expansion.block_paths import check_stage_name, find_block_paths
from resnetc.compiler.expansion.dataflow_builder import Scope
from resnetc.compiler.expansion.interpreter import Interpreter
from resnetc.compiler.expansion.leaves import require_tensor
from resnetc.compiler.expansion.request import Request
from resnetc.compiler.expansion.scores import require_pooled_scores
from resnetc.compiler.expansion.shared_blocks import SharedBlocks
from resnetc.compiler.expansion.stages import BlockGroup, Stages, drop_first_values
from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.ir.network import Leaf, Module, Network, Sequence, Stage, StatedClaim
from resnetc.compiler.ir.paths import Path, show_path
from resnetc.compiler.ir.shape import Shape
from resnetc.compiler.loader.loader import SpecFile
from resnetc.compiler.remedies.call_text import is_shipped
from resnetc.compiler.sizes import constant, identity
from resnetc.compiler.source import Span
from resnetc.compiler.syntax import tree as syntax

MAX_CLAIMS = 1_000


@record
class NetworkDeclaration:
    """What holds for a network although another text may have made it: its name, its input, its claims."""

    item: syntax.Model | syntax.Instance
    input: syntax.Input
    expects: tuple[syntax.AnyClaim, ...]
    input_frame: Frame
    claim_frame: Frame
    binding_count: int  # how many bindings the claims were made with


def expand(request: Request, prelude: SpecFile, homes: Mapping[syntax.Slot, SpecFile]) -> Network:
    """`Request` -> `ir.Network`; raises the first `Fault` of the network."""
    return Expander(request, prelude, homes).build_network()


class Expander:
    """Expands one network, of blocks that others may share."""

    def __init__(
        self,
        request: Request,
        prelude: SpecFile,
        homes: Mapping[syntax.Slot, SpecFile],
        shared: SharedBlocks | None = None,
    ) -> None:
        self.request = request
        self.interpreter = Interpreter(prelude, homes, request.arguments_span, shared)
        self.evaluator = self.interpreter.evaluator
        self.applier = Applier(self.interpreter)
        self.blocks = 0  # of all stages

    @property
    def cost(self) -> int:
        """What the expansion took: statements, blocks (also those that equal others), fifty for an operation."""
        return self.evaluator.work.done + self.blocks + 50 * self.interpreter.leaves.nodes

    def build_network(self) -> Network:
        request = self.request
        value = request.model
        model = value.item
        frame = self.interpreter.frames.build_model_frame(request)
        declaration = find_declaration(request, frame)
        docs = [*(instance.item.doc for instance in reversed(value.instances)), model.doc]
        declared = input_declaration.declare_input(declaration.input, self.evaluator, declaration.input_frame)
        sizes = tuple(identity() if s else constant(n) for s, n in zip(declared.symbols, declared.sizes, strict=True))
        scope = Scope(Shape(declared.channels, sizes))
        claim_frame = replace(declaration.claim_frame, locals=dict(frame.locals))
        frame.scope = scope
        current = self.require_part_tensor(self.apply_part(model.stem, scope.input, frame, "stem"), model.stem.span)
        stages: list[Stage] = []
        named: dict[Path, syntax.Stage] = {}
        plan = Stages(self.evaluator, model, frame)
        self.blocks = plan.total
        for stage, groups in plan.stages:
            path = self.evaluator.path(stage.path, frame)
            check_stage_name(stage, path, named)
            named[path] = stage
            paths = find_block_paths(stage, path, sum(group.count for group in groups), scope)
            module = self.build_stage(stage, path, paths.names, plan, groups, current, frame)
            current = scope.place_stage(path, paths.members, module, current, stage)
            name = show_path(path)
            stages.append(
                Stage(name=name, path=path, step=len(scope.steps) - 1, blocks=len(module.children), span=stage.span)
            )
        before = len(scope.steps)
        ended = self.apply_part(model.head, current, frame, "head")
        features = isinstance(ended, Absent)
        if features and not stages:
            raise Fault(application_errors.absent_value(model.head.span, "the head of a model without stages"))
        out = current if features else self.require_part_tensor(ended, model.head.span)
        require_pooled_scores(scope.steps[before:], out)
        self.evaluator.reads = set()
        root = self.applier.finish_block(model, scope, out)
        if scope.places is not None:
            stages = [replace(stage, step=scope.places[stage.step]) for stage in stages]
        rebound = [bound.slot for bound in value.bindings[declaration.binding_count :]] + [
            seal.slot for seal in request.seals
        ]
        network = Network(
            name=request.name,
            model=declaration.item.name.id,
            root=root,
            stages=tuple(stages),
            input=declared,
            expects=tuple(self.list_claims(declaration.expects, claim_frame)),
            parameters=tuple((p.name.id, frame.locals[p.name.id]) for p in model.parameters),
            doc=next(doc for doc in docs if doc or doc is model.doc),
            comments="\n".join(docs),
            overridden_bindings=tuple(self.interpreter.bindings.overridden_bindings),
            features=features,
            rebound_slots=tuple(dict.fromkeys(slot.name.id for slot in rebound)),
            counts_channels=id(scope.input.shape) in self.evaluator.counted,
        )
        self.interpreter.effects.check_network(request, network, frame)
        for external in self.interpreter.leaves.externs:
            if external.module.partition(".")[0] == network.name:
                from resnetc.compiler.expansion import extern_errors  # few specs have one

                raise Fault(extern_errors.module_of_network(external.definition, network.name))
        return network

    def list_claims(self, claims: tuple[syntax.AnyClaim, ...], frame: Frame) -> Iterator[StatedClaim]:
        for number, (claim, around) in enumerate(self.unroll_claims(claims, frame)):
            if number == MAX_CLAIMS:
                raise Fault(too_many_claims(claim.span))
            yield StatedClaim(claim, around)

    def unroll_claims(self, claims: tuple[syntax.AnyClaim, ...], frame: Frame) -> Iterator[tuple[syntax.Expect, Frame]]:
        """Every claim with what it sees; those of an `each` once for each element."""
        for claim in claims:
            if isinstance(claim, syntax.Expect):
                yield claim, frame
                continue
            values = self.evaluator.evaluate(claim.values, frame)
            if not isinstance(values, tuple) or not values:
                raise Fault(application_errors.no_values(claim.values.span))
            for value in values:
                name = claim.name.id
                locals, rounds = {**frame.locals, name: value}, (*frame.rounds, name)
                yield from self.unroll_claims(claim.claims, replace(frame, locals=locals, rounds=rounds))

    # -- stem, stages, head -------------------------------------------------------------------------------------------

    def apply_part(self, expr: syntax.Expr, tensor: Tensor, frame: Frame, part: str) -> Value:
        try:
            layer = self.evaluator.layer(expr, frame)
            return self.applier.apply(layer, tensor, frame, expr.span)
        except Fault as fault:
            raise Fault(add_location(fault.diagnostic, f"in the {part} ({expr.span})", expr.span)) from None

    def require_part_tensor(self, value: Value, span: Span) -> Tensor:
        if isinstance(value, Absent):
            raise Fault(application_errors.absent_value(span, "this part of the model"))
        return require_tensor(value, span)

    def build_stage(
        self,
        stage: syntax.Stage,
        path: Path,
        names: tuple[str, ...],
        plan: Stages,
        groups: list[BlockGroup],
        source: Tensor,
        frame: Frame,
    ) -> Sequence:
        """The blocks of a stage, one after the other, under their names."""
        inner = Frame(
            spec=frame.spec, slots=frame.slots, locals=dict(frame.locals), here=None, scope=frame.scope, axes=frame.axes
        )
        children: list[tuple[str, Module]] = []
        current = source
        for index, layer in enumerate(plan.iterate_blocks(groups, inner)):
            try:
                module, start = self.applier.build_module(
                    layer if index == 0 else drop_first_values(layer), current, inner
                )
            except Fault as fault:
                block = f"block {index + 1} of {len(names)} of stage `{show_path(path)}`"
                where = f"in {block} ({stage.span}){show_arguments(layer)}"
                raise Fault(add_location(fault.diagnostic, where, stage.span)) from None
            if isinstance(module, Absent):
                raise Fault(application_errors.absent_value(stage.span, "this stage"))
            if isinstance(module, Leaf) and module.is_parameter:
                raise Fault(application_errors.parameter_outside_block(module.primitive.name, stage.span))
            if start is not current:
                raise Fault(application_errors.wrong_source(stage.span))
            children.append((names[index], module))
            current = Tensor(-1, module.outputs[0])
        return Sequence(
            children=tuple(children),
            shape_in=source.shape,
            shape_out=current.shape,
            origin=None,
            parameters=(),
            span=stage.span,
        )


def find_declaration(request: Request, frame: Frame) -> NetworkDeclaration:
    """Whose name, input and `expect` hold: of the outermost instance that states them anew, else the model's.

    A claim is made for the slots that its own text binds: those bound further out are `rebound` to it.
    """
    value = request.model
    model: syntax.Model | syntax.Instance = value.item
    declaration = NetworkDeclaration(
        item=model,
        input=value.item.input,
        expects=value.item.expects,
        input_frame=frame,
        claim_frame=frame,
        binding_count=0,
    )
    for instance in value.instances:
        item, own = instance.item, Frame(instance.spec, frame.slots, frame.locals, axes=frame.axes)
        declaration = replace(declaration, item=item)
        if item.input is not None:
            declaration = replace(declaration, input=item.input, input_frame=own)
        if item.expects:
            declaration = replace(declaration, expects=item.expects, claim_frame=own, binding_count=instance.bound)
    return declaration


def show_arguments(layer: Layer) -> str:
    """`, width = 64`: the numbers a block was called with."""
    if not isinstance(layer, DefinedLayer):
        return ""
    return "".join(f", {n} = {describe(v)}" for n, v in layer.arguments if isinstance(v, (int, tuple)))


def add_location(diagnostic: Diagnostic, where: str, span: Span) -> Diagnostic:
    """A fault with the place of the model it was found at, unless it is that place.

    What the library cannot make of its arguments is for the model to mend.
    """
    primary, notes = diagnostic.primary, (*diagnostic.notes, where)
    if primary.span.source is span.source:
        inside = span.start <= primary.span.start and primary.span.end <= span.end
        return diagnostic if inside else replace(diagnostic, notes=notes)
    call_site = Label(span, "used here")
    if is_shipped(primary.span):
        return replace(diagnostic, primary=call_site, labels=(primary, *diagnostic.labels), notes=notes, fix=())
    return replace(diagnostic, labels=(*diagnostic.labels, call_site), notes=notes)


def too_many_claims(span: Span) -> Diagnostic:
    return Diagnostic(
        "E0409",
        f"a model can make at most {MAX_CLAIMS:,} claims",
        Label(span, "one more"),
        helps=("iterate over a shorter list in `each`",),
    )
