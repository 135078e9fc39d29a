"""What an `extern` says, checked by its text alone: the import name, parameters, shapes and figures it claims."""

from __future__ import annotations

import re
from collections.abc import Iterator

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Edit, Label
from resnetc.compiler.names.reserved import MAX_LENGTH, PYTHON
from resnetc.compiler.source import Span
from resnetc.compiler.syntax import tree as syntax

FIGURES = ("parameters", "buffers", "multiply_adds", "window")
"""What an `extern` may claim of its class."""

PASSED = ("bool", "int", "number", "size", "string")
"""The types of parameters that a constructor in Python can be called with."""

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
MAX_PARTS = 8  # of a dotted name
MAX_AXES = 3


def split_target(target: str) -> tuple[str, str]:
    """The module and the class of `"module:Class"`."""
    module, _, name = target.partition(":")
    return module, name


def find_faults(extern: syntax.Extern) -> Iterator[Diagnostic]:
    """What is wrong with a declaration, whatever its names stand for."""
    if (why := refuse_target(extern.target.value)) is not None:
        yield not_an_import_name(extern.target, *why)
    for parameter in extern.parameters:
        if parameter.type.id in ("layer", "list", "tensor"):
            yield not_passed(extern, parameter)
    for shape, other in ((extern.shape_in, extern.shape_out), (extern.shape_out, extern.shape_in)):
        if (fault := refuse_shape(shape, other, shape is extern.shape_in)) is not None:
            yield fault
    claims: dict[str, syntax.Expect] = {}
    for expect in extern.expects:
        figure = find_claimed_figure(expect)
        if figure is None:
            yield not_a_figure(expect)
        elif figure in claims:
            yield claimed_twice(figure, expect, claims[figure])
        else:
            claims[figure] = expect


def find_claimed_figure(expect: syntax.Expect) -> str | None:
    """The figure that a claim gives a value to; None for another claim."""
    claim = expect.claim
    if expect.condition is not None or expect.text is not None:
        return None
    if not (isinstance(claim, syntax.Binary) and claim.op == "==" and isinstance(claim.left, syntax.Name)):
        return None
    return claim.left.id if claim.left.id in FIGURES else None


def get_claimed_value(expect: syntax.Expect) -> syntax.Expr:
    """What a claim says that its figure is."""
    return expect.claim.right if isinstance(expect.claim, syntax.Binary) else expect.claim


# -- the import name --------------------------------------------------------------------------------------------------


def refuse_target(text: str) -> tuple[str, str | None] | None:
    """Why a text is not `module:Class`, and what may be meant; None where it is."""
    if text.count(":") != 1:
        module, _, name = text.replace("/", ".").removesuffix(".py").rpartition(".")
        near = f"{module}:{name}"
        why = "there is no `:` between the module and the class" if ":" not in text else "there are several `:`"
        return why, near if ":" not in text and refuse_target(near) is None else None
    module, name = split_target(text)
    if module.startswith("."):
        near = f"{module.lstrip('.')}:{name}"
        return "a module is named from the top, without a dot before it", near if refuse_target(near) is None else None
    for what, dotted in (("module", module), ("class", name)):
        if not dotted:
            return f"the {what} is missing", None
        parts = dotted.split(".")
        if len(parts) > MAX_PARTS:
            return f"the {what} has more than {MAX_PARTS} parts", None
        for part in parts:
            if (reason := refuse_part(part)) is not None:
                return reason, None
    return None


def refuse_part(part: str) -> str | None:
    """Why a text cannot be one name of a dotted one."""
    shown = part if part.isascii() and part.isprintable() and len(part) <= MAX_LENGTH else ""
    if not NAME.fullmatch(part):
        return f"`{shown}` is not a Python name" if shown else "its parts are ASCII names with dots between them"
    if len(part) > MAX_LENGTH:
        return f"a name has at most {MAX_LENGTH} characters, not {len(part)}"
    if part in PYTHON:
        return f"`{part}` is a Python keyword"
    if part.startswith("__"):
        return f"`{part}` begins with two underscores, which Python reserves"
    return None


def not_an_import_name(target: syntax.String, why: str, near: str | None) -> Diagnostic:
    return Diagnostic(
        "E0260",
        f"`extern` needs the import name of a class, `module:Class`: {why}",
        Label(target.span, "not `module:Class`"),
        helps=(
            f'write `"{near}"`'
            if near
            else 'write a module, a colon and a class, such as `"mylayers:Attend"` for `class Attend` in mylayers.py',
        ),
        fix=(Edit(target.span, f'"{near}"'),) if near else (),
    )


# -- parameters and shapes --------------------------------------------------------------------------------------------

ONE_MAP = "an `extern` has one input and one output map: join several with `concat` before it, or `split` after it"


def not_passed(extern: syntax.Extern, parameter: syntax.Parameter) -> Diagnostic:
    """A parameter of a type that no constructor is called with."""
    type = parameter.type.id
    help = f"pass numbers, booleans and strings: the types are {', '.join(f'`{name}`' for name in PASSED)}"
    if type == "tensor":
        help = "join both tensors with `concat` before it: an `extern` takes one map"
    elif type == "layer":
        help = "apply the layer before or after it: `in |> layer |> " + extern.name.id + "`"
    return Diagnostic(
        "E0261",
        f"`{extern.name.id}` cannot have a parameter of type `{type}`: its constructor takes numbers and strings",
        Label(parameter.type.span, "cannot be passed to it"),
        helps=(help,),
    )


def refuse_shape(shape: syntax.Expr, other: syntax.Expr, is_input: bool) -> Diagnostic | None:
    """The fault of one side of `[C, H, W] => [C, H, W]`."""
    if not isinstance(shape, syntax.List):
        return not_a_shape(shape.span, "is not a list", "write the channels and then each size, such as `[C, H, W]`")
    inner = next((item for item in shape.items if isinstance(item, syntax.List)), None)
    if inner is not None:
        return not_a_shape(inner.span, "contains a list", ONE_MAP)
    if not 1 <= len(shape.items) <= MAX_AXES + 1:
        return not_a_shape(
            shape.span,
            f"has {len(shape.items)} entries",
            f"write the channels and up to {MAX_AXES} sizes: `[C]` is a vector, `[C, H, W]` an image",
        )
    if is_input:
        names: set[str] = set()
        for item in shape.items:
            if isinstance(item, syntax.Name) and item.id in names:
                return not_a_shape(item.span, f"has `{item.id}` twice", "give each entry its own name")
            names |= {item.id} if isinstance(item, syntax.Name) else set()
    return None


def not_a_shape(span: Span, why: str, help: str) -> Diagnostic:
    return Diagnostic(
        "E0262", f"the shape of an `extern` {why}", Label(span, "not the shape of one map"), helps=(help,)
    )


# -- claims -----------------------------------------------------------------------------------------------------------


def not_a_figure(expect: syntax.Expect) -> Diagnostic:
    """A claim that is not of the form `parameters == value`."""
    claim = expect.claim
    span = claim.span
    if expect.condition is not None:
        span = expect.condition.span
        help = "remove the condition: write a value that depends on parameters, `(a when c otherwise b)`"
    elif expect.text is not None:
        span, help = expect.span, "remove the text after `otherwise`: `resnetc test` reports what the class does"
    elif isinstance(claim, syntax.Binary) and isinstance(claim.left, syntax.Name) and claim.left.id in FIGURES:
        help = f"write its value: `expect {claim.left.id} == ...`"
    else:
        help = f"write `expect NAME == ...`, where NAME is one of {', '.join(f'`{name}`' for name in FIGURES)}"
    return misclaimed("a claim of an `extern` defines one of its figures, without a condition", span, help)


def claimed_twice(figure: str, expect: syntax.Expect, first: syntax.Expect) -> Diagnostic:
    label = Label(first.span, "first claim")
    return misclaimed(f"`{figure}` is claimed twice", expect.span, "remove one of the two claims", (label,))


def misclaimed(message: str, span: Span, help: str, labels: tuple[Label, ...] = ()) -> Diagnostic:
    return Diagnostic(
        code="E0263",
        message=message,
        primary=Label(span, "does not define a figure" if not labels else "second claim"),
        labels=labels,
        helps=(help,),
    )
