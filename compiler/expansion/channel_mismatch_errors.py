"""The message about a sum or product whose sides have different channels."""

from __future__ import annotations

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Label, Suggestion
from resnetc.compiler.evaluation.values import Tensor
from resnetc.compiler.ir.dataflow import Dataflow
from resnetc.compiler.remedies.call_text import is_shipped
from resnetc.compiler.remedies.channel_suggestions import find_producer, name_side, suggest_remedies
from resnetc.compiler.shapes.format_shapes import show_shape
from resnetc.compiler.syntax import tree as syntax


def channels_differ(op: str, left: Tensor, right: Tensor, expr: syntax.Binary, dataflow: Dataflow) -> Diagnostic:
    labels = []
    for side, text in ((left, expr.left), (right, expr.right)):
        step = find_producer(side.ref, dataflow)
        name, channels = name_side(side, text, dataflow), side.shape.channels
        if step is not None:
            labels.append(Label(step.span, f"`{name}` has {channels} channels from here"))
    likeliest, *alternatives = suggest_remedies(op, left, right, expr, dataflow)
    if is_shipped(expr.span):
        likeliest, alternatives = Suggestion(likeliest.help), []
    return Diagnostic(
        code="E0301",
        message=f"`{op}` needs equal shapes: {show_shape(left.shape)} and {show_shape(right.shape)}",
        primary=Label(expr.span, f"channels differ: {left.shape.channels} and {right.shape.channels}"),
        labels=tuple(labels),
        helps=(likeliest.help,),
        fix=likeliest.edits,
        alternatives=tuple(alternatives),
    )
