"""The syntax tree: what a file says, before names are resolved. The last field of every node but `File` is its span."""

from __future__ import annotations

from fractions import Fraction

from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.source import Source, Span

# -- expressions ------------------------------------------------------------------------------------------------------


@record
class Number:
    """An exact number: `3`, `25_557_032`, `1e-5`."""

    value: int | Fraction
    span: Span


@record
class String:
    """Text between double quotes; there are no escapes."""

    value: str
    span: Span


@record
class Name:
    """A name, or one of the words that stand for a value: `in`, `stem`, `head`."""

    id: str
    span: Span


@record
class List:
    """`[a, b, c]`."""

    items: tuple[Expr, ...]
    span: Span


@record
class Attribute:
    """`value.name`."""

    value: Expr
    name: Name
    span: Span


@record
class Index:
    """`value[index]`."""

    value: Expr
    index: Expr
    span: Span


@record
class Argument:
    """One argument of a call: `64`, or `stride=2`."""

    name: Name | None
    value: Expr
    span: Span


@record
class Call:
    """`callee(arguments)`."""

    callee: Expr
    arguments: tuple[Argument, ...]
    span: Span


@record
class Negate:
    """`-value`."""

    value: Expr
    span: Span


@record
class Binary:
    """`left op right` for `+ - * / %`, `and`, `or` and the six comparisons."""

    op: str
    left: Expr
    right: Expr
    op_span: Span
    span: Span


@record
class Pipe:
    """`a |> b |> c`: a layer made of layers, or a tensor sent through layers."""

    steps: tuple[Expr, ...]
    span: Span


@record
class Labelled:
    """`path: value`: the label is an attribute path such as `fc`, `head.fc`, `convs[i]`."""

    path: Expr
    value: Expr
    span: Span


@record
class Choice:
    """`(value when condition otherwise other)`: only the chosen side is expanded."""

    value: Expr
    condition: Expr
    other: Expr
    span: Span


Expr = Number | String | Name | List | Attribute | Index | Call | Negate | Binary | Pipe | Labelled | Choice

# -- statements -------------------------------------------------------------------------------------------------------


@record
class Let:
    """`let name = value`, or `let name[index] = value` inside `each`."""

    name: Name
    index: Expr | None
    value: Expr
    span: Span


@record
class Require:
    """`require condition otherwise "text"`: blames the caller."""

    condition: Expr
    text: str
    span: Span


@record
class SetSlot:
    """`set slot = value`."""

    name: Name
    value: Expr
    span: Span


@record
class Each:
    """`each name in list { ... }`; without a body at the head of a model."""

    name: Name
    values: Expr
    body: tuple[Statement, ...]
    span: Span


@record
class Expect:
    """`expect claim when condition otherwise "text"`: blames the model."""

    claim: Expr
    condition: Expr | None
    text: str | None
    span: Span


@record
class EachClaim:
    """`each name in list { expect ... }`: claims made for every element."""

    name: Name
    values: Expr
    claims: tuple[AnyClaim, ...]
    span: Span


AnyClaim = Expect | EachClaim
Statement = Let | Require | SetSlot | Each

# -- items ------------------------------------------------------------------------------------------------------------


@record
class Parameter:
    """`first stride: size = 1`."""

    name: Name
    type: Name
    default: Expr | None
    first: bool
    span: Span


@record
class Case:
    """`when condition => value`; the condition of `otherwise` is None."""

    condition: Expr | None
    value: Expr
    span: Span


@record
class Block:
    """A dataflow program from `in` to `out`."""

    name: Name
    parameters: tuple[Parameter, ...]
    body: tuple[Statement, ...]
    out: Expr
    doc: str
    span: Span


@record
class Policy:
    """A decision table that ends in a layer."""

    name: Name
    parameters: tuple[Parameter, ...]
    body: tuple[Statement, ...]
    cases: tuple[Case, ...]
    doc: str
    span: Span


@record
class Slot:
    """A role with its signature, the attribute it is stored under, and its default."""

    name: Name
    parameters: tuple[Parameter, ...]
    attribute: str
    default: Expr
    doc: str
    span: Span


@record
class Input:
    """`input [3, H, W] = [3, 224, 224] when H % 32 == 0`."""

    shape: Expr
    declared: Expr
    condition: Expr | None
    span: Span


@record
class Repeat:
    """`count of block`, or `each name in values of block`."""

    count: Expr | None
    name: Name | None
    values: Expr | None
    block: Expr
    span: Span


@record
class Stage:
    """`stage layer1 = 3 of block(64), 2 of other(64)`; in `stage s1 "b#" = ...` the string names the blocks."""

    path: Expr
    pattern: String | None
    groups: tuple[Repeat, ...]
    span: Span


@record
class Model:
    """A network, or with parameters a family of them."""

    name: Name
    parameters: tuple[Parameter, ...]
    each: Each | None
    body: tuple[Statement, ...]
    input: Input
    stem: Expr
    stages: tuple[Stage, ...]
    head: Expr
    expects: tuple[AnyClaim, ...]
    doc: str
    span: Span


@record
class Instance:
    """`model resnet50 = resnet(blocks.bottleneck, [3, 4, 6, 3]) { input ... expect ... }`."""

    name: Name
    value: Expr
    input: Input | None
    expects: tuple[AnyClaim, ...]
    doc: str
    span: Span


@record
class Extern:
    """An operation that is a class of the user's own Python module, `"module:Class"`, and what is said of it."""

    name: Name
    parameters: tuple[Parameter, ...]
    shape_in: Expr
    shape_out: Expr
    target: String
    condition: Expr | None
    expects: tuple[Expect, ...]
    doc: str
    span: Span


Item = Block | Policy | Slot | Model | Instance | Extern


@record
class Use:
    """`use std.blocks`: the last part of the path is the name it has here."""

    path: tuple[str, ...]
    span: Span


@record
class File:
    """One `.resnet` file. `broken` are the names of items that did not parse: references to them stay silent."""

    source: Source
    uses: tuple[Use, ...]
    items: tuple[Item, ...]
    broken: frozenset[str]
    span: Span
    words: int = 0
