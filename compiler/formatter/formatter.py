"""Formats a text: the syntax tree determines the layout; tokens and comments are kept.

The language has one layout. The author decides three things in it: where the rows of a pipe end, because a row such as
`conv |> norm |> act` groups its steps; which statements an empty line separates; and, by a trailing comma, that a list
has one element per line although it would fit on one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Sink
from resnetc.compiler.formatter.document import (
    STEP,
    Align,
    Comma,
    Group,
    Layout,
    Line,
    Nest,
    Notes,
    Pipe,
    Row,
    Step,
    format_lines,
)
from resnetc.compiler.formatter.levels import COMPARISON, LABEL, PIPE, POSTFIX, SIGN, get_level
from resnetc.compiler.formatter.trivia import Gap, Tokens
from resnetc.compiler.source import Source
from resnetc.compiler.syntax import tree as syntax
from resnetc.compiler.syntax.parser import parse

Write = Callable[[int], None]  # writes one part of a body at a column


class Unparsed(Exception):
    """The text is not one of the language; `diagnostics` say why."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        super().__init__(diagnostics[0].message)
        self.diagnostics = tuple(diagnostics)


def format(source: Source) -> str:
    """The canonical text of a source: the same tree, the same comments, the one layout. Raises `Unparsed`."""
    sink = Sink()
    tree = parse(source, sink)
    if sink.failed:
        raise Unparsed(sink.diagnostics)
    return Formatter(source).file(tree)


class Formatter:
    """Walks the tree and reads the tokens on the way. Recursion is as deep as the builder lets a tree be."""

    def __init__(self, source: Source) -> None:
        self.tokens = Tokens(source)
        self.lines: list[str] = []

    # -- lines --------------------------------------------------------------------------------------------------------

    def begin_line(self, at: int, first: bool = False, last: bool = False, apart: bool = False) -> None:
        """What stands before the next line: comments, and the author's empty lines, at least one to set items `apart`.

        No empty line opens a body (`first`) or ends it (`last`).
        """
        self.write_trailing_comment()
        gap = self.tokens.take_gap()
        blanks = [*(note.blank for note in gap.notes), gap.blank]
        if apart and not any(blanks):
            blanks[0] = True
        if first:
            blanks[0] = False
        if last:
            blanks[-1] = False
        for blank, note in zip(blanks, [*gap.notes, None], strict=True):
            if blank and self.lines[-1]:
                self.lines.append("")
            if note is not None:
                self.lines.append(" " * at + note.text)

    def write_trailing_comment(self) -> None:
        """The comment behind the line that was written last."""
        if self.lines and (note := self.tokens.take_trailing_comment()) is not None:
            self.lines[-1] += " " + note

    def write(self, layout: Layout, at: int) -> None:
        self.lines += format_lines(layout, at)

    def write_body(self, parts: Sequence[Write], at: int) -> None:
        """The parts between `{`, which ends the last line, and `}`."""
        for i, part in enumerate(parts):
            self.begin_line(at + STEP, first=not i)
            part(at + STEP)
        if parts or self.tokens.waiting:
            self.begin_line(at + STEP, first=not parts, last=True)
            self.write(self.tokens.read("}"), at)
        else:
            self.lines[-1] += self.tokens.read("}")

    # -- a file -------------------------------------------------------------------------------------------------------

    def file(self, tree: syntax.File) -> str:
        self.begin_line(0, first=True)
        self.write(Row(self.word("edition"), self.tokens.read()), 0)
        self.uses(tree.uses)
        before: syntax.Item | None = None
        for item in tree.items:
            self.item(item, apart=not (is_short(item) and is_short(before)))
            before = item
        self.begin_line(0, last=True)
        assert not self.tokens.next, self.tokens.next
        return "\n".join(self.lines).rstrip("\n") + "\n"  # a `use` left out may leave an empty line

    def uses(self, uses: Sequence[syntax.Use]) -> None:
        """Sorted, each once, with the comments behind them; a comment on a line of its own opens a new group."""
        group: list[tuple[tuple[str, ...], str, list[str]]] = []
        paths: set[tuple[str, ...]] = set()
        self.write_trailing_comment()
        for use in uses:
            if self.tokens.waiting:
                self.write_group(group, paths)
                self.begin_line(0)
            path = [self.tokens.read("use"), " ", self.tokens.read()]
            while self.tokens.next == ".":
                path += [self.tokens.read("."), self.tokens.read()]
            behind = self.tokens.take_trailing_comment()
            group.append((use.path, "".join(path), [] if behind is None else [behind]))
        self.write_group(group, paths)

    def write_group(self, group: list[tuple[tuple[str, ...], str, list[str]]], paths: set[tuple[str, ...]]) -> None:
        for path, text, behind in sorted(group, key=lambda use: (use[0], not use[2])):
            self.lines += behind if path in paths else [" ".join([text, *behind])]
            paths.add(path)
        group.clear()

    def item(self, item: syntax.Item, apart: bool) -> None:
        self.begin_line(0, apart=apart)
        while self.tokens.next.startswith("///"):
            self.lines.append(self.tokens.read().rstrip())
            self.lines += [note.text for note in self.tokens.take_gap().notes]
        match item:
            case syntax.Block():
                self.write_head("block", item.parameters)
                self.write_body([*self.statements(item.body), partial(self.write_part, "out", item.out)], 0)
            case syntax.Policy():
                self.write_head("policy", item.parameters)
                self.write_body([*self.statements(item.body), *(partial(self.case, case) for case in item.cases)], 0)
            case syntax.Model():
                self.write_head("model", item.parameters)
                self.write_body(self.model(item), 0)
            case syntax.Slot():
                slot = Row(self.word("slot"), self.tokens.read(), self.parameters(item.parameters), " ")
                self.write(Row(slot, self.tokens.read(), self.equals(), self.hang(self.layer(item.default))), 0)
            case syntax.Instance():
                self.instance(item)
            case syntax.Extern():
                self.extern(item)

    def write_head(self, word: str, parameters: Sequence[syntax.Parameter]) -> None:
        row = Row(self.word(word), self.tokens.read(), self.parameters(parameters), " ", self.tokens.read("{"))
        self.write(row, 0)

    def instance(self, item: syntax.Instance) -> None:
        named = Row(self.word("model"), self.tokens.read(), self.equals(), self.hang(self.expr(item.value)))
        self.write_claimed(named, item)

    def extern(self, item: syntax.Extern) -> None:
        extern = Row(self.word("extern"), self.tokens.read(), self.parameters(item.parameters), " ")
        shapes = Row(self.expr(item.shape_in), self.equals("=>"), self.expr(item.shape_out))
        row = Row(extern, shapes, self.equals(), self.tokens.read())
        self.write_claimed(Group(Row(row, Nest(self.when(item.condition)))), item)

    def write_claimed(self, row: Layout, item: syntax.Instance | syntax.Extern) -> None:
        """An item of one statement, with the claims behind it if it has any."""
        if self.tokens.next != "{":
            self.write(row, 0)
            return
        self.write(Row(row, " ", self.tokens.read("{")), 0)
        inputs = [partial(self.input, item.input)] if isinstance(item, syntax.Instance) and item.input else []
        self.write_body([*inputs, *(partial(self.claim, claim) for claim in item.expects)], 0)

    def model(self, item: syntax.Model) -> list[Write]:
        return [
            *([partial(self.each, item.each)] if item.each else []),
            *self.statements(item.body),
            partial(self.input, item.input),
            partial(self.write_part, "stem", item.stem),
            *(partial(self.stage, stage) for stage in item.stages),
            partial(self.write_part, "head", item.head),
            *(partial(self.claim, claim) for claim in item.expects),
        ]

    def parameters(self, parameters: Sequence[syntax.Parameter]) -> Layout:
        return self.enclose("(", [partial(self.parameter, p) for p in parameters], ")")

    def parameter(self, parameter: syntax.Parameter) -> Layout:
        first = self.word("first") if parameter.first else ""
        typed = Row(first, self.tokens.read(), self.tokens.read(":"), " ", self.tokens.read())
        return typed if parameter.default is None else Row(typed, self.equals(), self.expr(parameter.default))

    # -- statements ---------------------------------------------------------------------------------------------------

    def statements(self, statements: Sequence[syntax.Statement]) -> list[Write]:
        return [partial(self.statement, s) for s in statements]

    def statement(self, statement: syntax.Statement, at: int) -> None:
        match statement:
            case syntax.Let():
                name: Layout = Row(self.word("let"), self.tokens.read())
                if statement.index is not None:
                    name = Row(name, self.tokens.read("["), self.expr(statement.index), self.tokens.read("]"))
                self.write(Row(name, self.equals(), self.hang(self.expr(statement.value))), at)
            case syntax.SetSlot():
                name = Row(self.word("set"), self.tokens.read())
                self.write(Row(name, self.equals(), self.hang(self.layer(statement.value))), at)
            case syntax.Require():
                claim = Row(self.word("require"), self.expr(statement.condition))
                self.write(
                    Group(Row(claim, Nest(Row(self.line(), self.word("otherwise"), self.tokens.read())))),
                    at,
                )
            case syntax.Each():
                self.each(statement, at)
                self.lines[-1] += " " + self.tokens.read("{")
                self.write_body(self.statements(statement.body), at)

    def claim(self, claim: syntax.AnyClaim, at: int) -> None:
        if isinstance(claim, syntax.Expect):
            self.expect(claim, at)
            return
        self.each(claim, at)
        self.lines[-1] += " " + self.tokens.read("{")
        self.write_body([partial(self.claim, inner) for inner in claim.claims], at)

    def each(self, each: syntax.Each | syntax.EachClaim, at: int) -> None:
        self.write(Row(self.word("each"), self.tokens.read(), " ", self.word("in"), self.expr(each.values)), at)

    def write_part(self, word: str, value: syntax.Expr, at: int) -> None:
        """`out`, `stem`, `head`."""
        self.write(Row(self.tokens.read(word), self.equals(), self.hang(self.layer(value))), at)

    def case(self, case: syntax.Case, at: int) -> None:
        word: Layout = self.tokens.read("when", "otherwise")
        if case.condition is not None:
            word = Row(word, " ", self.expr(case.condition))
        self.write(Row(word, self.equals("=>"), self.hang(self.layer(case.value))), at)

    def input(self, input: syntax.Input, at: int) -> None:
        shapes = Row(self.word("input"), self.expr(input.shape), self.equals(), self.expr(input.declared))
        self.write(Group(Row(shapes, Nest(self.when(input.condition)))), at)

    def stage(self, stage: syntax.Stage, at: int) -> None:
        named = Row(self.word("stage"), self.expr(stage.path))
        path = Row(named, Row(" ", self.tokens.read()) if stage.pattern else "", self.equals())
        groups: list[Layout] = [self.repeat(stage.groups[0])]
        for group in stage.groups[1:]:
            groups += [self.tokens.read(","), self.line(), self.repeat(group)]
        self.write(Row(path, Group(Align(Row(*groups))) if len(groups) > 1 else groups[0]), at)

    def expect(self, expect: syntax.Expect, at: int) -> None:
        claim = Row(self.word("expect"), self.expr(expect.claim))
        conditions = self.when(expect.condition)
        if expect.text is not None:
            conditions = Row(conditions, self.line(), self.word("otherwise"), self.tokens.read())
        self.write(Group(Row(claim, Nest(conditions))), at)

    def repeat(self, repeat: syntax.Repeat) -> Layout:
        if repeat.count is not None:
            count = self.expr(repeat.count)
        else:
            assert repeat.values is not None
            count = Row(self.word("each"), self.tokens.read(), " ", self.word("in"), self.expr(repeat.values))
        return Group(Row(count, Nest(Row(self.line(), self.word("of"), self.layer(repeat.block)))))

    def when(self, condition: syntax.Expr | None) -> Layout:
        return Row() if condition is None else Row(self.line(), self.word("when"), self.expr(condition))

    # -- expressions --------------------------------------------------------------------------------------------------

    def word(self, word: str) -> Layout:
        return self.tokens.read(word) + " "

    def equals(self, sign: str = "=") -> Layout:
        return f" {self.tokens.read(sign)} "

    def line(self) -> Layout:
        """A place where a line may end, and does behind a comment."""
        return Row(Notes(self.tokens.take_gap().notes), Line())

    def expr(self, node: syntax.Expr, level: int = PIPE, keep_parentheses: bool = False) -> Layout:
        """An expression where the grammar asks for a level; or with the parentheses it has (`keep_parentheses`)."""
        count = self.tokens.skip_parentheses(node.span.end)
        inner = self.format_inside(node)
        for _ in range(count):
            self.tokens.read(")")
        return Row("(", inner, ")") if get_level(node) < level or (keep_parentheses and count) else inner

    def layer(self, node: syntax.Expr) -> Layout:
        """An expression where a layer stands: a comparison there needs its parentheses."""
        compares = isinstance(node, syntax.Binary) and get_level(node) == COMPARISON
        return self.expr(node, keep_parentheses=compares)

    def hang(self, value: Layout) -> Layout:
        """What stands behind the `=` or `=>` of a statement."""
        if isinstance(value, Pipe):
            value.hangs = True
        return value

    def format_inside(self, node: syntax.Expr) -> Layout:
        match node:
            case syntax.List():
                return self.enclose("[", [partial(self.expr, item) for item in node.items], "]", is_table(node))
            case syntax.Attribute():
                return Row(self.expr(node.value, POSTFIX), self.tokens.read("."), self.tokens.read())
            case syntax.Index():
                value = self.expr(node.value, POSTFIX)
                return Row(value, self.tokens.read("["), self.expr(node.index), self.tokens.read("]"))
            case syntax.Call():
                callee = self.expr(node.callee, POSTFIX)
                return Row(callee, self.enclose("(", [partial(self.argument, a) for a in node.arguments], ")"))
            case syntax.Negate():
                return Row(self.tokens.read("-"), self.expr(node.value, SIGN))
            case syntax.Binary():
                return Group(Align(Row(*self.list_operands(node))))
            case syntax.Pipe():
                return self.pipe(node)
            case syntax.Labelled():
                return Row(self.expr(node.path, POSTFIX), self.tokens.read(":"), " ", self.expr(node.value, POSTFIX))
            case syntax.Choice():
                return self.choice(node)
            case _:
                return self.tokens.read()

    def choice(self, node: syntax.Choice) -> Layout:
        opened, notes = self.tokens.read("("), Notes(self.tokens.take_gap().notes)
        chosen = Group(Row(self.expr(node.value), self.when(node.condition)))
        other = Row(self.line(), self.word("otherwise"), self.expr(node.other))
        sides = Row(notes, Line(""), chosen, other, Notes(self.tokens.take_gap().notes))
        return Group(Row(opened, Nest(sides), Line(""), self.tokens.read(")")))

    def list_operands(self, node: syntax.Binary) -> list[Layout]:
        """Operands of one level with their operators: what `a + b - c` is made of."""
        level = get_level(node)
        if isinstance(node.left, syntax.Binary) and get_level(node.left) == level != COMPARISON:
            count = self.tokens.skip_parentheses(node.left.span.end)
            out = self.list_operands(node.left)
            for _ in range(count):
                self.tokens.read(")")
        else:
            out = [self.expr(node.left, level + 1)]
        return [*out, self.line(), self.word(node.op), self.expr(node.right, level + 1)]

    def pipe(self, node: syntax.Pipe) -> Layout:
        """A comment before `|>` ends a row, as a line that its author ended."""
        steps = [Step(self.step(node.steps[0]), False)]
        for step in node.steps[1:]:
            breaks = self.tokens.broken
            gap = self.tokens.take_gap() if breaks or len(steps) > 1 else Gap((), False)
            self.tokens.read("|>")
            steps.append(Step(self.step(step), breaks or bool(gap.notes), gap.notes))
        first = node.steps[0]
        return Pipe(tuple(steps), named=not isinstance(first, syntax.Call | syntax.Labelled | syntax.Choice))

    def step(self, node: syntax.Expr) -> Layout:
        """The author decides about parentheses around arithmetic: `(main + side) |> act` reads well with them."""
        return self.expr(node, LABEL, keep_parentheses=isinstance(node, syntax.Binary))

    def argument(self, argument: syntax.Argument) -> Layout:
        if argument.name is not None:
            return Row(self.tokens.read(), self.tokens.read("="), self.expr(argument.value))
        return self.expr(argument.value, keep_parentheses=isinstance(argument.value, syntax.Labelled))

    def enclose(self, opening: str, parts: Sequence[Callable[[], Layout]], closing: str, table: bool = False) -> Layout:
        """A list between brackets: on one line, or an element a line, or (`table`) as many as a line takes."""
        opened, inner = self.tokens.read(opening), list[Layout]()
        for i, part in enumerate(parts):
            element = Row(Notes(self.tokens.take_gap().notes), Line(" " if i else ""), part())
            more = self.tokens.skip(",")
            comma: Layout = "," if i < len(parts) - 1 else Comma(None if more else 0)
            inner += [Group(element) if table and i else element, comma]
        notes = self.tokens.take_gap().notes
        if not parts and not notes:
            return opened + self.tokens.read(closing)
        return Group(Row(opened, Nest(Row(*inner, Notes(notes))), Line(""), self.tokens.read(closing)))


def is_short(item: syntax.Item | None) -> bool:
    """Whether an item may follow another such item without an empty line."""
    claims = isinstance(item, syntax.Extern) and item.expects
    return isinstance(item, syntax.Slot | syntax.Instance | syntax.Extern) and not claims


def is_table(node: syntax.List) -> bool:
    """Whether a list holds numbers only, or short lists of numbers."""
    rows = [item.items if isinstance(item, syntax.List) else (item,) for item in node.items]
    return all(isinstance(number, syntax.Number) for row in rows for number in row)
