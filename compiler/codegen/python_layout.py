"""Lays out pieces of Python text: on one line if they fit, else with one argument per line.

Every line has at most `WIDTH` columns, or is broken with a trailing comma, so that formatters with any wider setting
leave it unchanged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from fractions import Fraction

from resnetc.compiler.fast_dataclass import record

WIDTH = 88


@record(eq=True)
class Call:
    """`function(arguments)`; an argument may have a keyword, and is not written where it is that keyword's default."""

    function: str
    arguments: tuple[tuple[str | None, Code], ...] = ()
    defaults: tuple[tuple[str, str], ...] = ()
    _line: str = field(default_factory=str, init=False, repr=False, compare=False)

    @property
    def line(self) -> str:
        """The call on one line, which is asked again for each call around it that does not fit."""
        if not self._line:
            parts = [f"{k}={line(c)}" if k else line(c) for k, c in self.written]
            object.__setattr__(self, "_line", f"{self.function}({', '.join(parts)})")
        return self._line

    @property
    def written(self) -> Sequence[tuple[str | None, Code]]:
        if not self.defaults:
            return self.arguments
        return [(keyword, code) for keyword, code in self.arguments if (keyword, code) not in self.defaults]


@record(eq=True)
class Repeat:
    """`*(element for _ in range(count))`, or over values: `*(element for name in (values))`."""

    element: Call
    count: int
    name: str = "_"
    values: tuple[str, ...] = ()


@record(eq=True)
class NumberedRun:
    """`*((f"b{i}", element) for i in range(1, 4))`: a run of modules that are called by a name and their numbers."""

    name: str
    start: int
    run: Repeat

    @property
    def number(self) -> str:
        return "n" if self.run.name == "i" else "i"

    @property
    def loop(self) -> tuple[str, str, str]:
        """`for i in range(1, 4)` in three parts, of which the second may be long."""
        count, values, start = self.run.count, self.run.values, self.start
        if not values:
            return f"for {self.number} in range(", f"{f'{start}, ' if start else ''}{start + count}", ")"
        opening = f"for {self.number}, {self.run.name} in enumerate("
        return opening, f"({', '.join(values)})", f", {start})" if start else ")"


@record(eq=True)
class Conditional:
    """`value if condition else other`."""

    value: Code
    condition: str
    other: Code


@record(eq=True)
class DictLiteral:
    """`{"conv": value}`."""

    entries: tuple[tuple[str, Code], ...]


@record(eq=True)
class ListLiteral:
    """`[a, b]`."""

    items: tuple[Code, ...]


@record(eq=True)
class Pair:
    """`("conv", value)`."""

    key: str
    value: Code


Code = str | Call | Repeat | NumberedRun | Conditional | ListLiteral | DictLiteral | Pair


def line(code: Code) -> str:
    """A piece on one line."""
    if isinstance(code, str):
        return code
    if isinstance(code, Call):
        return code.line
    match code:
        case Repeat(element, count, name, values):
            over = f"({', '.join(values)})" if values else f"range({count})"
            return f"*({line(element)} for {name} in {over})"
        case NumberedRun(name, _, run):
            return f'*((f"{name}{{{code.number}}}", {line(run.element)}) {"".join(code.loop)})'
        case Conditional(value, condition, other):
            return f"{line(value)} if {condition} else {line(other)}"
        case DictLiteral(entries):
            pairs = ", ".join(f'"{k}": {line(c)}' for k, c in entries)
            return f"{{{pairs}}}"
        case ListLiteral(items):
            return f"[{', '.join(line(c) for c in items)}]"
        case Pair(key, value):
            return f'("{key}", {line(value)})'


def named(entries: list[tuple[str, Code]]) -> Call:
    """`nn.Sequential(OrderedDict([("conv", ...)]))`: a sequence whose modules have names of their own."""
    return ordered([Pair(key, code) for key, code in entries])


def ordered(pairs: list[Code]) -> Call:
    return Call("nn.Sequential", ((None, Call("OrderedDict", ((None, ListLiteral(tuple(pairs))),))),))


def format_lines(prefix: str, code: Code, indent: int, suffix: str = "") -> list[str]:
    """`prefix` + code + `suffix` as lines at an indentation."""
    pad = " " * indent
    whole = f"{pad}{prefix}{line(code)}{suffix}"
    if len(whole) <= WIDTH and not must_break(code):
        return [whole]
    match code:
        case Call(function) if written := code.written:
            inner = [ln for k, c in written for ln in format_lines(f"{k}=" if k else "", c, indent + 4, ",")]
            return [f"{pad}{prefix}{function}(", *inner, f"{pad}){suffix}"]
        case Repeat(element, count, name, values):
            over = f"({', '.join(values)})" if values else f"range({count})"
            tail = f"{pad}    for {name} in {over}"
            tails = (
                [tail]
                if len(tail) <= WIDTH
                else [f"{pad}    for {name} in ("] + [f"{pad}        {v}," for v in values] + [f"{pad}    )"]
            )
            return [f"{pad}{prefix}*(", *broken(element, indent + 4), *tails, f"{pad}){suffix}"]
        case NumberedRun(name, _, run):
            pair = f'(f"{name}{{{code.number}}}", {line(run.element)})'
            tail = f"{pad}    {''.join(code.loop)}"
            return [
                f"{pad}{prefix}*(",
                *(
                    [f"{pad}    {pair}"]
                    if len(pair) + indent + 4 <= WIDTH
                    else [
                        f"{pad}    (",
                        f'{pad}        f"{name}{{{code.number}}}",',
                        *format_lines("", run.element, indent + 8, ","),
                        f"{pad}    )",
                    ]
                ),
                *([tail] if len(tail) <= WIDTH else numbered_values(code, indent + 4)),
                f"{pad}){suffix}",
            ]
        case DictLiteral(entries):
            inner = [ln for k, c in entries for ln in format_lines(f'"{k}": ', c, indent + 4, ",")]
            return [f"{pad}{prefix}{{", *inner, f"{pad}}}{suffix}"]
        case ListLiteral(items):
            inner = [ln for c in items for ln in format_lines("", c, indent + 4, ",")]
            return [f"{pad}{prefix}[", *inner, f"{pad}]{suffix}"]
        case Pair(key, value):
            inner = [f'{pad}    "{key}",', *format_lines("", value, indent + 4, ",")]
            return [f"{pad}{prefix}(", *inner, f"{pad}){suffix}"]
        case Conditional(value, _, other) if is_breakable(value) or is_breakable(other):
            if prefix.endswith(" = "):
                return [f"{pad}{prefix}(", *conditional_lines("", code, indent + 4, ""), f"{pad}){suffix}"]
            return conditional_lines(prefix, code, indent, suffix)
    return [whole]


def is_breakable(code: Code) -> bool:
    return isinstance(code, Call) and bool(code.written)


def conditional_lines(prefix: str, code: Conditional, indent: int, suffix: str) -> list[str]:
    """A conditional on three or more lines; the last call stands one argument a line, its comma keeping it so."""
    pad, broken_side = " " * indent, code.other if is_breakable(code.other) else code.value

    def side(opening: str, value: Code, ending: str) -> list[str]:
        if isinstance(value, Call) and value is broken_side:
            first, *rest, last = broken(value, indent)
            return [f"{pad}{opening}{first.lstrip()}", *rest, last + ending]
        return format_lines(opening, value, indent, ending)

    return [*side(prefix, code.value, ""), f"{pad}if {code.condition}", *side("else ", code.other, suffix)]


def numbered_values(code: NumberedRun, indent: int) -> list[str]:
    """The loop over values that do not fit on its line."""
    pad, opening = " " * indent, code.loop[0]
    values = [f"{pad}        {value}," for value in code.run.values]
    start = [f"{pad}    {code.start},"] if code.start else []
    return [pad + opening, f"{pad}    (", *values, f"{pad}    ),", *start, f"{pad})"]


def broken(call: Call, indent: int) -> list[str]:
    """A call with one argument a line, its trailing comma keeping it so."""
    pad = " " * indent
    inner = [ln for k, c in call.written for ln in format_lines(f"{k}=" if k else "", c, indent + 4, ",")]
    return [f"{pad}{call.function}(", *inner, f"{pad})"]


def must_break(code: Code) -> bool:
    """A sequence of more than one module stands one a line, however short."""
    if not isinstance(code, Call) or code.function != "nn.Sequential":
        return False
    inside = [c for _, c in code.arguments]
    return any(isinstance(c, Repeat) for c in inside) or (
        len(inside) > 1
        and any(isinstance(c, Conditional) or (isinstance(c, Call) and c.function[0].isupper()) for c in inside)
    )


def literal(value: object) -> str:
    """A number, flag or tuple as Python writes it."""
    if type(value) is Fraction:
        return repr(float(value)).replace("e-0", "e-")
    if isinstance(value, tuple):
        return f"({', '.join(literal(v) for v in value)}{',' if len(value) == 1 else ''})"
    return repr(value)
