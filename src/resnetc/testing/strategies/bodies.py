"""Draws the statements of a block: chains, splits, loops, gates, concatenations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from hypothesis import strategies as st

from resnetc.compiler.expansion.leaves import LIST_RULES
from resnetc.compiler.ir.shape import Shape
from resnetc.grammar.forms import PARAMETERS
from resnetc.grammar.primitives import PRIMITIVES
from resnetc.testing.strategies.primitives import (
    LISTING_RULES,
    Flow,
    Operation,
    Term,
    Wish,
    literal,
    open_map,
    operations,
    rows,
    shape_keeping,
    takes_map,
)

CONDITIONS = ("stride == 1", "in.channels == width", "norm == batch_norm", "true", "in.rank > 1 or width < 5")
GATES = ("sigmoid", "hard_sigmoid", "relu |> sigmoid")
POOLS = tuple(row.name for row in rows(lambda row: row.rule == "global"))
OVER_CHANNELS = tuple(row.name for row in rows(lambda row: row.rule == "over_channels"))
# What a convolution has, and the signature of the slot has not.
CONV_SLOT = frozenset({"padding", "bias", "eps", "kaiming", "std", "scaled", "gamma", "gain"})


@dataclass
class Draft:
    """A file while it is drawn: the files it uses, its items, and the names it has given."""

    draw: st.DrawFn
    rank: int
    uses: set[str] = field(default_factory=set)
    items: list[str] = field(default_factory=list)
    names: dict[str, int] = field(default_factory=dict)
    threshold: int = 0  # where more channels than that arrive, `drop` has weights; 0 where nothing is known
    narrow: bool = False  # maps of one channel may arrive anywhere, and no slot holds `std_conv`, which refuses them

    def fresh(self, word: str) -> str:
        self.names[word] = self.names.get(word, 0) + 1
        return f"{word}{self.names[word]}"

    def one(self, *options: str) -> str:
        return self.draw(st.sampled_from(options))

    def number(self, least: int, most: int) -> int:
        return self.draw(st.integers(least, most))

    @property
    def least(self) -> int:
        return 1 if self.narrow else 2

    def flag(self, tenths: int = 5) -> bool:
        """True in about so many of ten cases; a shrunk example has False."""
        return self.draw(st.integers(0, 9)) >= 10 - tenths

    @property
    def text(self) -> str:
        uses = "".join(f"use std.{name}\n" for name in sorted(self.uses))
        return f"edition 1\n{uses}\n" + "\n\n".join(self.items) + "\n"


@dataclass
class Body:
    """The statements of one scope. `shapes` are those of `in` in each occurrence, `terms` its numbers by their type."""

    draft: Draft
    shapes: tuple[Shape, ...]
    inner: Callable[[Body, Flow], Flow]  # calls a block that is drawn for this place
    terms: tuple[tuple[str, Term], ...] = ()
    sizes: str = "kept"
    staged: bool = True  # inside a stage, where a shortcut policy may ask `here`
    depth: int = 0
    conditions: tuple[str, ...] = ("true",)
    lines: list[str] = field(default_factory=list)
    stored: set[str] = field(default_factory=set)
    dropped: tuple[bool, ...] = ()  # in which occurrences an unlabelled `drop` has had weights
    count: int = 0
    loop: str = ""  # the variable of the loop that is being written

    @property
    def uses(self) -> int:
        return len(self.shapes)

    @property
    def input(self) -> Flow:
        return Flow("in", self.shapes)

    # -- names --------------------------------------------------------------------------------------------------------

    def local(self) -> str:
        self.count += 1
        return f"v{self.count}"

    def label(self) -> str:
        """A new attribute path: a name, one in a container (alone or with others), or an element of a list."""
        self.count += 1
        if self.loop:
            return self.draft.one(f"row{self.count}[{self.loop}]", f"rows[{self.loop}].m{self.count}")
        own = (f"m{self.count}", f"box{self.count}.inner", f"row{self.count}[0]")
        quoted = (f'"box{self.count}.out"', f'"box.in-{self.count}"', f'"rows.0.m-{self.count}"')
        return self.draft.one(*own, f"box.m{self.count}", f"rows[0].m{self.count}", *quoted)

    def labelled(self, text: str, attribute: str) -> str:
        """A step under its own name, or a label where that name is taken or chance wants one; of a parameter a name."""
        if attribute in (PRIMITIVES[name].attribute for name in PARAMETERS):
            self.count += 1
            return f"p{self.count}: {text}" if self.draft.flag() else text
        if ("#" not in attribute and attribute in self.stored) or self.draft.flag(1):
            return f"{self.label()}: {text}"
        self.stored.add(attribute)
        return text

    def named(self, flow: Flow) -> Flow:
        """The value behind a `let`, or in parentheses where it is used once."""
        if flow.text == "in" or flow.text.isalnum():
            return flow
        name = self.local()
        self.lines.append(f"let {name} = {flow.text}")
        return Flow(name, flow.shapes)

    # -- steps --------------------------------------------------------------------------------------------------------

    def wish(self, stride: Term | None = None) -> Wish:
        """Sizes are kept, or only where no stride is, or nowhere."""
        keeping = self.sizes == "kept" or (self.sizes == "strides are free" and stride is None)
        fixed = (("stride", stride or literal(1, self.uses)),) if stride or keeping or self.draft.flag(9) else ()
        return Wish(keeping, fixed, terms=self.terms)

    def piped(self, flow: Flow, operation: Operation, text: str) -> Flow:
        text = self.labelled(text, operation.primitive.attribute)
        return Flow(f"{flow.text} |> {text}", tuple(shape for (shape,) in operation.outputs))

    def primitive(self, flow: Flow, stride: Term | None = None) -> Flow:
        """Any primitive that takes a map and leaves one."""
        among = rows(lambda row: takes_map(row) and (stride is None or any(p.name == "stride" for p in row.parameters)))
        operation = operations(self.draft.draw, among, flow.shapes, self.wish(stride))
        if operation is None or any(not shape.rank or shape.channels > 24 for (shape,) in operation.outputs):
            return flow if stride is None else self.conv(flow, None, stride)
        if not self.open(operation.outputs):
            return flow
        return self.piped(flow, operation, operation.text)

    def open(self, outputs: Sequence[tuple[Shape, ...]]) -> bool:
        """Whether the outputs are still maps whose sizes follow the input's."""
        return all(shape == open_map(shape.channels, self.draft.rank) for (shape,) in outputs)

    def conv(self, flow: Flow, channels: Term | None, stride: Term | None = None) -> Flow:
        """The slot `conv`, or a plain convolution."""
        wish = self.wish(stride)
        fixed = (*wish.fixed, *([("channels", channels)] if channels else []))
        plain = Wish(wish.keeping, fixed, terms=wish.terms)
        if self.draft.flag(7):
            row = PRIMITIVES[
                "plain_conv" if self.draft.narrow else "std_conv"
            ]  # what the slot may hold at most refuses
            operation = operations(self.draft.draw, (row,), flow.shapes, replace(plain, without=CONV_SLOT))
            if operation is not None:
                return self.piped(flow, operation, operation.text.replace(row.name, "conv", 1))
        operation = operations(self.draft.draw, (PRIMITIVES["plain_conv"],), flow.shapes, plain)
        assert operation is not None
        return self.piped(flow, operation, operation.text)

    def quiet(self, flow: Flow) -> Flow:
        """A slot or primitive that keeps the shape, or a choice of two."""
        keeping = shape_keeping(self.draft.rank)
        if self.draft.threshold and self.draft.flag():
            return Flow(f"{flow.text} |> {self.drop(flow)}", flow.shapes)
        dropped = () if self.draft.threshold else ("drop",)
        kind = self.draft.one("norm", "act", *("primitive",) * 3, "choice", *dropped, "attention", "policy")
        if kind == "choice":
            sides = [self.draft.one("norm", "act", *keeping) for _ in range(2)]
            text = f"({sides[0]} when {self.draft.one(*self.conditions)} otherwise {sides[1]})"
            return Flow(f"{flow.text} |> {text}", flow.shapes)
        if kind == "primitive":
            text = self.draft.one(*keeping)
            return Flow(f"{flow.text} |> {self.labelled(text, 'quiet#')}", flow.shapes)
        if kind == "policy":
            text = self.draft.one("norm", "act")
            label = f"{self.label()}: " if self.draft.flag(3) else ""
            return Flow(f"{flow.text} |> {label}({text} |> {self.draft.one('act', *keeping)})", flow.shapes)
        attribute = {"drop": "drop_path", "attention": "se"}.get(kind, f"{kind}#")
        return Flow(f"{flow.text} |> {self.labelled(kind, attribute)}", flow.shapes)

    def drop(self, flow: Flow) -> str:
        """The slot without a label, whose name stands for several steps: at most one of them has weights."""
        before = self.dropped or (False,) * self.uses
        now = tuple(channels > self.draft.threshold for channels in flow.channels)
        if any(a and b for a, b in zip(before, now, strict=True)):
            return f"{self.label()}: drop"
        self.dropped = tuple(a or b for a, b in zip(before, now, strict=True))
        return "drop"

    def chain(self, flow: Flow, length: int, channels: Term | None = None, stride: Term | None = None) -> Flow:
        """Several steps; `stride` goes to one of them, the last convolution gives the channels."""
        at = self.draft.number(0, length) if stride else -1
        for i in range(length):
            if i == at:
                flow = self.primitive(flow, stride)
            elif self.depth < 2 and self.draft.flag(1):
                flow = self.inner(self, flow)
            else:
                flow = self.draft.draw(st.sampled_from((self.quiet, self.primitive, self.primitive)))(flow)
        if at == length:
            return self.conv(flow, channels, stride)
        return self.conv(flow, channels) if channels and flow.channels != channels.values else flow

    # -- statements ---------------------------------------------------------------------------------------------------

    def gate(self, flow: Flow) -> Flow:
        """`x * gate`: the gate has one position, and the channels of `x` or one; or one channel at every position."""
        flow = self.named(flow)
        if self.draft.flag(3):
            spots = f"{flow.text} |> {self.draft.one(*OVER_CHANNELS)} |> {self.label()}: plain_conv(1, kernel=3)"
            return Flow(f"{flow.text} * ({spots} |> {self.draft.one(*GATES)})", flow.shapes)
        channels = self.draft.one(f"{flow.text}.channels", "1")
        name = self.local()
        gate = f"{flow.text} |> {self.draft.one(*POOLS)} |> {self.label()}: plain_conv({channels}, kernel=1, bias=true)"
        if self.draft.flag(3):
            gate += f" |> reshape([{', '.join([channels, *('1',) * self.draft.rank])}])"
        self.lines.append(f"let {name} = {gate} |> {self.draft.one(*GATES)}")
        return Flow(self.draft.one(f"{flow.text} * {name}", f"{name} * {flow.text}"), flow.shapes)

    def parts(self, flow: Flow) -> Flow:
        """A list: split, changed in a loop, put together."""
        count, width = self.draft.number(1, 3), self.draft.number(1, 3)
        whole, part, loop, index = self.local(), literal(width, self.uses), self.local(), self.local()
        equal = count == 1 or self.draft.flag(6)
        channels, sizes = (literal(count * width, self.uses), literal(count, self.uses)) if equal else self.cut(count)
        flow = self.conv(flow, channels)
        makers = rows(lambda row: row.rule == "split")
        split = operations(self.draft.draw, makers, flow.shapes, Wish(fixed=(("parts", sizes),)))
        assert split is not None
        self.lines.append(f"let {whole} = {flow.text} |> {split.text}")
        shape = open_map(width if equal else 1, self.draft.rank)  # what fits one channel fits every part
        element = Flow(f"{whole}[{index}]", (shape,) * self.uses)
        if equal and self.draft.flag():
            element = Flow(
                f"({element.text} when {index} == 0 otherwise {loop}[{index} - 1] + {element.text})", element.shapes
            )
        outer, self.sizes = self.sizes, "kept" if element.text.startswith("(") else self.sizes
        self.loop = index
        convolved = not equal or self.draft.flag(7)
        changed = self.conv(element, part) if convolved else Flow(f"{element.text} |> act", element.shapes)
        if self.draft.flag(3):
            changed = Flow(f"{changed.text} |> {self.label()}: norm", changed.shapes)
        self.loop, self.sizes = "", outer
        self.lines.append(f"each {index} in range({count}) {{ let {loop}[{index}] = {changed.text} }}")
        return self.gathered(whole if equal else "", loop, count, changed.shapes)

    def cut(self, count: int) -> tuple[Term, Term]:
        """A number of channels, and their parts: the last has what the others, of the least size, leave."""
        least, before = self.draft.least, self.draft.least * (count - 1)
        wide = [term for kind, term in self.terms if kind == "int" and min(term.values) >= before + least]
        channels = self.draft.draw(st.sampled_from([literal(before + least + 1, self.uses), *wide]))
        sizes = tuple((*(least,) * (count - 1), total - before) for total in channels.values)
        return channels, Term(f"[{f'{least}, ' * (count - 1)}{channels.text} - {before}]", sizes)

    def gathered(self, whole: str, loop: str, count: int, shapes: tuple[Shape, ...]) -> Flow:
        """A list put together: as it is, weighed by a softmax across it, or added to the list `whole` it came from."""
        kind = self.draft.one(
            "plain", "softmax", "softmax", "scaled", *(("added", "product", "taken") if whole else ())
        )
        text = loop
        if kind == "softmax":
            width, name = shapes[0].channels, self.local()
            takers = [row.name for row in rows(lambda row: row.rule == "list_same")]
            pooled = f"{loop} |> sum |> global_avg_pool |> {self.label()}: plain_conv({count * width}, kernel=1)"
            self.lines.append(f"let {name} = {pooled} |> split({count}) |> {self.draft.one(*takers)}")
            text = f"({loop} * {name})"
        elif kind == "scaled":
            text = f"({loop} / {count + 1})"
        elif kind != "plain":
            text = f"({whole} {dict(added='+', product='*', taken='-')[kind]} {loop})"
        takers = [row.name for row in rows(lambda row: row.rule in LIST_RULES and row.rule not in LISTING_RULES)]
        taker = self.draft.one(*takers)
        times = count if taker == "concat" else 1
        return Flow(f"{text} |> {taker}", tuple(open_map(s.channels * times, s.rank) for s in shapes))

    def branches(self, flow: Flow) -> Flow:
        """Two or three chains from one value, joined."""
        flow = self.named(flow)
        same = self.draft.flag(6)
        channels = self.draft.draw(
            st.sampled_from([t for kind, t in self.terms if kind == "int"] or [literal(2, self.uses)])
        )
        operands = []
        for _ in range(self.draft.number(2, 3)):
            one = self.chain(flow, self.draft.number(0, 2), channels if same else None)
            operands.append(self.named(one))
        if same and self.draft.flag(7):
            op = self.draft.one(" + ", " + ", " - ", " * ")
            return Flow(op.join(f.text for f in operands), operands[0].shapes)
        widths = [sum(column) for column in zip(*(f.channels for f in operands), strict=True)]
        texts = ", ".join(f.text for f in operands)
        return Flow(f"[{texts}] |> concat", tuple(open_map(w, self.draft.rank) for w in widths))

    def numbered(self, flow: Flow) -> Flow:
        """An operator with a number on one of its sides."""
        flow = self.named(flow)
        x, number = flow.text, self.draft.one("0.2", "3", "1 / 3", "1e-3", "in.channels")
        forms = (f"{number} * {x}", f"{x} * {number}", f"{x} / ({number})", f"-{x}")
        sums = (f"{number} + {x}", f"{x} - {number}", f"{number} - {x}")
        return Flow(f"({self.draft.one(*forms, *sums)})", flow.shapes)

    def middle(self, flow: Flow) -> Flow:
        """One statement more or none."""
        statements = (self.primitive, self.gate, self.parts, self.branches, self.numbered)
        kind = self.draft.draw(st.sampled_from((None, *statements)))
        return flow if kind is None else self.named(kind(flow))
