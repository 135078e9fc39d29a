"""Expands, proves and measures other models that a claim mentions."""

from __future__ import annotations

from resnetc.compiler.claims.facts import Facts, collect_facts
from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Fault, Label
from resnetc.compiler.evaluation.evaluator import Evaluator
from resnetc.compiler.evaluation.values import ModelValue, Value
from resnetc.compiler.expansion.expander import expand
from resnetc.compiler.expansion.request import Request
from resnetc.compiler.measures import summary
from resnetc.compiler.proof import prove
from resnetc.compiler.source import Span

MAX_MODELS = 100


class OtherModels:
    """The other models of one network's claims, each measured once."""

    def __init__(self, evaluator: Evaluator, inputs: tuple[Value, ...]) -> None:
        self.evaluator, self.inputs = evaluator, inputs
        self.by_model: dict[object, Facts] = {}

    def find_facts(self, value: ModelValue, span: Span) -> Facts:
        """What is known of a model with its arguments; its input has the sizes of the model that claims."""
        key = (value.item, value.arguments, value.bindings, value.instances)
        if key not in self.by_model:
            if len(self.by_model) == MAX_MODELS:
                raise Fault(too_many_models(span))
            self.by_model[key] = self.collect_facts(value, span)
        return self.by_model[key]

    def collect_facts(self, value: ModelValue, span: Span) -> Facts:
        """Expands, proves and measures a model; a `Fault` says why a claim cannot compare with it."""
        item = value.instances[-1].item if value.instances else value.item
        name = item.name.id
        try:
            network = expand(
                Request(name=name, item=name, model=value, arguments={}), self.evaluator.prelude, self.evaluator.homes
            )
        except Fault as fault:
            raise Fault(not_compiled(name, span, fault.diagnostic)) from None
        accepted, refused = prove.prove(network)
        if refused:
            raise Fault(not_compiled(name, span, refused[0]))
        # Of an input with other axes only the figures are comparable; `has_other_axes` keeps the rest away.
        apart = len(network.input.sizes) != len(self.inputs)
        inputs = network.input.sizes if apart else self.inputs
        return collect_facts(name, network, accepted, summary.measure(network), inputs, apart)


def not_compiled(name: str, span: Span, why: Diagnostic) -> Diagnostic:
    same = why.primary.span.source is span.source
    return Diagnostic(
        code="E0404",
        message=f"cannot compare with `{name}`: {why.message}",
        primary=Label(span, "this model does not compile"),
        labels=(Label(why.primary.span, why.primary.text),) if same else (),
        notes=why.notes if same else (f"at {why.primary.span}", *why.notes),
        helps=(f"pass arguments with which `{name}` compiles, or fix that model",),
    )


def too_many_models(span: Span) -> Diagnostic:
    return Diagnostic(
        "E0407",
        f"the claims of a model can refer to at most {MAX_MODELS} other models",
        Label(span, "one more"),
        helps=("compare with fewer models, or move some claims into those models",),
    )
