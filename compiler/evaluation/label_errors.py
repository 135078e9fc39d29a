"""Words the faults of labels."""

from __future__ import annotations

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Edit, Label
from resnetc.compiler.source import Span


def two_labels(span: Span, label: str) -> Diagnostic:
    return Diagnostic(
        "E0226",
        f"this layer already has a label, so it cannot also be `{label}`",
        Label(span, "second label"),
        helps=("keep one of the two labels",),
    )


def not_a_label(span: Span) -> Diagnostic:
    of_stage = span.source.text[: span.start].rstrip().endswith("stage")
    numbered = of_stage and span.text.isdigit()
    help = f"write `stage layer{span.text} = ...`" if numbered else "write it like `fc`, `head.fc` or `convs[i]`"
    if of_stage and span.text.startswith('"'):
        help = f"write a name before the string of a stage: `stage layer1 {span.text} = ...`"
    elif of_stage and "-" in span.text:
        help = (
            'only the string of a stage may contain a `-`, after a name: `stage layer1 "trunk.layer-1.block-#" = ...`'
        )
    elif "#" in span.text:
        help = "only the strings of stages and slots may contain `#`; a label names one layer"
    fix = (Edit(span, f"layer{span.text}"),) if numbered else ()
    return bad_label("a label must be an attribute path", Label(span, "not a path"), help, fix)


def label_in_quotes(path: str, span: Span) -> Diagnostic:
    """Quotes around a path that has no reserved word in it."""
    help = f"write it without quotes: `{path}`"
    return bad_label("a label must be an attribute path", Label(span, "in quotes"), help, (Edit(span, path),))


def bad_label(message: str, place: Label, help: str, fix: tuple[Edit, ...]) -> Diagnostic:
    return Diagnostic("E0227", message, place, helps=(help,), fix=fix)
