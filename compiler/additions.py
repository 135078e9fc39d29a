"""`+` and `*` of two values: their shape, and whom to blame where the channels do not fit."""

from __future__ import annotations

from resnetc.compiler import shapes, syntax
from resnetc.compiler.diagnostics import Diagnostic, Edit, Fault, Label
from resnetc.compiler.ir import Condition, Leaf, Shape, Step
from resnetc.compiler.scope import Scope
from resnetc.compiler.sizes import constant, is_constant, slope, step
from resnetc.compiler.values import Tensor, describe, normal_size
from resnetc.compiler.written import shipped


def combined(op: str, left: Tensor, right: Tensor, expr: syntax.Binary, scope: Scope) -> Shape:
    """The shape of `left op right`. Sizes that are not one function become a condition, judged once all is known."""
    a, b = left.shape, right.shape
    if a.rank != b.rank:
        raise Fault(shapes.ranks_differ(f"`{op}`", a, b, expr.span))
    if a.channels != b.channels and not (op == "*" and 1 in (a.channels, b.channels)):
        raise Fault(channels_differ(op, left, right, expr, scope))
    one = constant(1)
    sizes = []
    for i, (f, g) in enumerate(zip(a.sizes, b.sizes, strict=True)):
        if f != g and not (op == "*" and one in (f, g)):
            scope.demands.append(Condition("equal", i, f, g, expr.span, f"`{op}`", len(scope.steps)))
        sizes.append(g if op == "*" and f == one else f)
    return Shape(max(a.channels, b.channels), tuple(sizes))


def called(tensor: Tensor, expr: syntax.Expr, scope: Scope) -> str:
    """How a side of an addition is called: by its name, or by its text where that is short."""
    name = scope.wires[tensor.ref].name
    return name or (expr.span.text if len(expr.span.text) <= 30 else "this side")


def producer(ref: int, scope: Scope) -> Step | None:
    """The step that a value owes its channels to: norms and activations only pass them on."""
    last = None
    while (number := scope.wires[ref].step) is not None:
        step = scope.steps[number]
        last = last or step
        if isinstance(step.operation, str):
            return step
        quiet = isinstance(step.operation, Leaf) and step.operation.primitive.rule in ("same", "groups", "pool", "blur")
        if not quiet:
            return step
        ref = step.inputs[0]
    return last


def channels_differ(op: str, left: Tensor, right: Tensor, expr: syntax.Binary, scope: Scope) -> Diagnostic:
    labels = []
    for side, text in ((left, expr.left), (right, expr.right)):
        step = producer(side.ref, scope)
        name, channels = called(side, text, scope), side.shape.channels
        if step is not None:
            labels.append(Label(step.span, f"`{name}` has {channels} channels from here"))
    help, fix = remedy(left, right, expr, scope)
    return Diagnostic(
        "E0301",
        f"`{op}` needs equal shapes: {shapes.show_shape(left.shape)} and {shapes.show_shape(right.shape)}",
        Label(expr.span, f"channels differ: {left.shape.channels} and {right.shape.channels}"),
        tuple(labels),
        helps=(help,),
        fix=() if shipped(expr.span) else fix,
    )


def remedy(left: Tensor, right: Tensor, expr: syntax.Binary, scope: Scope) -> tuple[str, tuple[Edit, ...]]:
    """What to write: where one side is a slot's call with a name for its channels, the name that fits instead."""
    for side, other, text in ((right, left, expr.left), (left, right, expr.right)):
        step = producer(side.ref, scope)
        if step is None or step.slot is None:
            continue
        have, need = side.shape.channels, other.shape.channels
        names = [n for n, type, v in scope.numbers if type == "int" and v == need and n != "here"]
        wrong = [n for n, type, v in scope.numbers if type == "int" and v == have]
        written = step.span.text
        if names and "(" in written:
            for name in wrong:
                head, _, tail = written.partition("(")
                arguments = [a.strip() for a in tail.rstrip(")").split(",")]
                if name in arguments:
                    arguments[arguments.index(name)] = names[-1]
                    whose = called(other, text, scope)
                    said = f"{head}({', '.join(arguments)})"
                    return f"give the {step.slot} the channels of `{whose}`: `{said}`", (Edit(step.span, said),)
    (low, text), (high, _) = sorted(((left, expr.left), (right, expr.right)), key=lambda side: side[0].shape.channels)
    need, name = max(left.shape.channels, right.shape.channels), called(low, text, scope)
    if name == "this side":
        return "make both sides equally wide, for instance with a projection on the narrower one", ()
    width = next((n for n, type, v in scope.numbers if type == "int" and v == need and n != "here"), str(need))
    stride = lacking(low.shape, high.shape)
    if stride is None:
        wider = f"({name} |> conv({width}, kernel=1))"
        return f"make both sides equally wide: write `{wider}` in place of `{name}`", (Edit(text.span, wider),)
    count = next((n for n, type, v in scope.numbers if type == "size" and v == stride), describe(stride))
    led = f"({name} |> shortcut({width}, {count}))"
    return f"let `{name}` follow in width and stride: write `{led}` in its place", (Edit(text.span, led),)


def lacking(low: Shape, high: Shape) -> int | tuple[int, ...] | None:
    """The stride that makes the sizes of `low` those of `high`; None where they are equal, or no stride does."""
    pairs = list(zip(low.sizes, high.sizes, strict=True))
    if low.sizes == high.sizes or any(is_constant(f) or not slope(g) for f, g in pairs):
        return None
    ratios = [slope(f) / slope(g) for f, g in pairs]
    if any(r < 1 or r.denominator != 1 for r in ratios):
        return None
    strides = tuple(int(r) for r in ratios)
    if any(step(f, s, 0) != g for (f, g), s in zip(pairs, strides, strict=True)):
        return None
    return normal_size(strides)
