"""Builds the syntax tree from Lark's, and reports what the grammar allows but the language does not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from lark import Token

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Edit, Fault, Label
from resnetc.compiler.source import Source, Span
from resnetc.compiler.syntax import tree as syntax
from resnetc.compiler.syntax.parse_tree import Child, as_token, as_tree, children, rule_of

MAX_DEPTH = 64
MAX_DIGITS = 18
CLAIMS = ("expect", "each_claim")


class Builder:
    """Builds the syntax tree of one source. Recursion is bounded by `MAX_DEPTH`; faults are raised, one an item."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.depth = 0

    # -- spans and leaves ---------------------------------------------------------------------------------------------

    def span(self, node: Child) -> Span:
        if isinstance(node, Token):
            return Span(self.source, node.start_pos or 0, node.end_pos or 0)
        meta = as_tree(node).meta
        return Span(self.source, meta.start_pos, meta.end_pos)

    def name(self, token: Child) -> syntax.Name:
        return syntax.Name(str(as_token(token)), self.span(token))

    def text(self, token: Child) -> str:
        return str(as_token(token))[1:-1]

    # -- a file -------------------------------------------------------------------------------------------------------

    def edition(self, node: Child) -> None:
        if str(children(node)[0]) != "1":
            raise Fault(unknown_edition(self.span(children(node)[0])))

    def use(self, node: Child) -> syntax.Use:
        (path,) = children(node)
        return syntax.Use(tuple(str(part) for part in children(path)), self.span(path))

    def item(self, node: Child) -> syntax.Item:
        docs = [c for c in children(node) if isinstance(c, Token) and c.type == "DOC"]
        doc = "\n".join(str(d)[3:].strip() for d in docs).strip()
        build: Callable[[Sequence[Child], str, Span], syntax.Item] = getattr(self, f"item_{rule_of(node)}")
        rest = children(node)[len(docs) :]
        first = rest[0]
        start = Span(self.source, self.keyword_start(node, docs, as_token(first)), self.span(node).end)
        return build(rest, doc, start)

    def keyword_start(self, node: Child, docs: list[Token], first: Token) -> int:
        """The tree has no keyword: it stands between the last `///` line and the name."""
        low = docs[-1].end_pos if docs else self.span(node).start
        assert low is not None and first.start_pos is not None
        return self.source.text.rfind("model" if rule_of(node) == "instance" else rule_of(node), low, first.start_pos)

    def item_block(self, rest: Sequence[Child], doc: str, span: Span) -> syntax.Item:
        name, params, *body, out = rest
        return syntax.Block(
            self.name(name),
            self.params(params),
            body=self.statements(body),
            out=self.layer(children(out)[0]),
            doc=doc,
            span=span,
        )

    def item_policy(self, rest: Sequence[Child], doc: str, span: Span) -> syntax.Item:
        name, params, *rows = rest
        body = [r for r in rows if rule_of(r) in ("let", "require")]
        cases = tuple(self.case(r) for r in rows if rule_of(r) in ("case", "otherwise"))
        return syntax.Policy(
            self.name(name), self.params(params), body=self.statements(body), cases=cases, doc=doc, span=span
        )

    def case(self, node: Child) -> syntax.Case:
        *condition, value = children(node)
        return syntax.Case(self.expr(condition[0]) if condition else None, self.layer(value), self.span(node))

    def item_slot(self, rest: Sequence[Child], doc: str, span: Span) -> syntax.Item:
        name, params, attribute, default = rest
        return syntax.Slot(
            self.name(name),
            self.params(params),
            attribute=self.text(attribute),
            default=self.layer(default),
            doc=doc,
            span=span,
        )

    def item_model(self, rest: Sequence[Child], doc: str, span: Span) -> syntax.Item:
        name, params, *parts = rest
        by = {rule: [p for p in parts if rule_of(p) == rule] for rule in ("each_of", "input", "stem", "stage", "head")}
        expects = [p for p in parts if rule_of(p) in CLAIMS]
        body = [p for p in parts if rule_of(p) in ("let", "require", "set")]
        each = None
        if by["each_of"]:
            (node,) = by["each_of"]
            loop, values = children(node)
            each = syntax.Each(self.name(loop), self.expr(values), (), self.span(node))
        return syntax.Model(
            self.name(name),
            self.params(params),
            each=each,
            body=self.statements(body),
            input=self.input(by["input"][0]),
            stem=self.layer(children(by["stem"][0])[0]),
            stages=tuple(self.stage(s) for s in by["stage"]),
            head=self.layer(children(by["head"][0])[0]),
            expects=tuple(self.claim(e) for e in expects),
            doc=doc,
            span=span,
        )

    def item_instance(self, rest: Sequence[Child], doc: str, span: Span) -> syntax.Item:
        name, value, *parts = [r for r in rest if r is not None]
        inputs = [p for p in parts if rule_of(p) == "input"]
        return syntax.Instance(
            self.name(name),
            self.expr(value),
            input=self.input(inputs[0]) if inputs else None,
            expects=tuple(self.claim(p) for p in parts if rule_of(p) in CLAIMS),
            doc=doc,
            span=span,
        )

    def item_extern(self, rest: Sequence[Child], doc: str, span: Span) -> syntax.Item:
        name, params, shape_in, shape_out, target, condition, *expects = rest
        return syntax.Extern(
            self.name(name),
            self.params(params),
            shape_in=self.expr(shape_in),
            shape_out=self.expr(shape_out),
            target=syntax.String(self.text(target), self.span(target)),
            condition=self.expr(condition) if condition is not None else None,
            expects=tuple(self.expect(claim) for claim in expects if claim is not None),
            doc=doc,
            span=span,
        )

    def params(self, node: Child) -> tuple[syntax.Parameter, ...]:
        return tuple(
            syntax.Parameter(
                self.name(name),
                self.name(kind),
                default=self.expr(default) if default is not None else None,
                first=first is not None,
                span=self.span(param),
            )
            for param in children(node)
            if param is not None
            for first, name, kind, default in [children(param)]
        )

    # -- statements ---------------------------------------------------------------------------------------------------

    def statements(self, nodes: Sequence[Child]) -> tuple[syntax.Statement, ...]:
        return tuple(self.statement(n) for n in nodes)

    def statement(self, node: Child) -> syntax.Statement:
        span, parts = self.span(node), children(node)
        match rule_of(node):
            case "let":
                index = self.expr(parts[1]) if parts[1] is not None else None
                return syntax.Let(self.name(parts[0]), index, self.expr(parts[2]), span)
            case "require":
                return syntax.Require(self.expr(parts[0]), self.text(parts[1]), span)
            case "set":
                return syntax.SetSlot(self.name(parts[0]), self.expr(parts[1]), span)
            case _:
                self.enter(span)
                each = syntax.Each(self.name(parts[0]), self.expr(parts[1]), self.statements(parts[2:]), span)
                self.depth -= 1
                return each

    def input(self, node: Child) -> syntax.Input:
        shape, declared, condition = children(node)
        return syntax.Input(
            self.expr(shape),
            self.expr(declared),
            self.expr(condition) if condition is not None else None,
            self.span(node),
        )

    def stage(self, node: Child) -> syntax.Stage:
        path, pattern, *groups = children(node)
        stored = syntax.String(self.text(pattern), self.span(pattern)) if pattern is not None else None
        return syntax.Stage(self.expr(path), stored, tuple(self.repeat(g) for g in groups), self.span(node))

    def repeat(self, node: Child) -> syntax.Repeat:
        span = self.span(node)
        if rule_of(node) == "times":
            count, block = children(node)
            return syntax.Repeat(self.expr(count), None, values=None, block=self.layer(block), span=span)
        name, values, block = children(node)
        return syntax.Repeat(None, self.name(name), values=self.expr(values), block=self.layer(block), span=span)

    def claim(self, node: Child) -> syntax.AnyClaim:
        if rule_of(node) == "expect":
            return self.expect(node)
        name, values, *claims = children(node)
        span = self.span(node)
        self.enter(span)
        inner = tuple(self.claim(claim) for claim in claims)
        each = syntax.EachClaim(self.name(name), self.expr(values), inner, span)
        self.depth -= 1
        return each

    def expect(self, node: Child) -> syntax.Expect:
        claim, condition, text = children(node)
        return syntax.Expect(
            self.expr(claim),
            self.expr(condition) if condition is not None else None,
            self.text(text) if text is not None else None,
            self.span(node),
        )

    # -- expressions --------------------------------------------------------------------------------------------------

    def enter(self, span: Span) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Fault(too_deep(span))

    def expr(self, node: Child) -> syntax.Expr:
        span = self.span(node)
        self.enter(span)
        build: Callable[[Sequence[Child], Span], syntax.Expr] = getattr(self, f"expr_{rule_of(node)}")
        expr = build(children(node), span)
        self.depth -= 1
        return expr

    def layer(self, node: Child) -> syntax.Expr:
        """An expression where a layer or a tensor must stand: whatever it is, a comparison is neither."""
        if rule_of(node) == "compare":
            raise Fault(comparison(self.span(children(node)[1])))
        return self.expr(node)

    def deepened(self, node: Child, links: int) -> syntax.Expr:
        """The innermost operand of a chain: it stands as many levels down as the chain has links."""
        self.depth += links
        inner = self.expr(node)
        self.depth -= links
        return inner

    def expr_integer(self, parts: Sequence[Child], span: Span) -> syntax.Expr:
        digits = str(parts[0]).replace("_", "")
        if len(digits) > MAX_DIGITS:
            raise Fault(too_many_digits(span))
        return syntax.Number(int(digits), span)

    def expr_decimal(self, parts: Sequence[Child], span: Span) -> syntax.Expr:
        mantissa, _, exponent = str(parts[0]).lower().partition("e")
        if (
            sum(character.isdigit() for character in mantissa) > MAX_DIGITS
            or abs(int(exponent or "0") if len(exponent) < 4 else MAX_DIGITS + 1) > MAX_DIGITS
        ):
            raise Fault(too_many_digits(span))
        value = Fraction(str(parts[0]))
        return syntax.Number(int(value) if value.denominator == 1 else value, span)

    def expr_string(self, parts: Sequence[Child], span: Span) -> syntax.Expr:
        return syntax.String(self.text(parts[0]), span)

    def expr_name(self, parts: Sequence[Child], span: Span) -> syntax.Expr:
        return syntax.Name(str(parts[0]), span)

    def expr_in_(self, parts: Sequence[Child], span: Span) -> syntax.Expr:
        return syntax.Name("in", span)

    def expr_stem_(self, parts: Sequence[Child], span: Span) -> syntax.Expr:
        return syntax.Name("stem", span)

    def expr_head_(self, parts: Sequence[Child], span: Span) -> syntax.Expr:
        return syntax.Name("head", span)

    def expr_group(self, parts: Sequence[Child], span: Span) -> syntax.Expr:
        return self.expr(parts[0])

    def expr_list(self, parts: Sequence[Child], span: Span) -> syntax.Expr:
        return syntax.List(tuple(self.expr(p) for p in parts if p is not None), span)

    def expr_choice(self, parts: Sequence[Child], span: Span) -> syntax.Expr:
        value, condition, other = (self.expr(p) for p in parts)
        return syntax.Choice(value, condition, other, span)

    def expr_negate(self, parts: Sequence[Child], span: Span) -> syntax.Expr:
        return syntax.Negate(self.expr(parts[1]), span)

    def expr_label(self, parts: Sequence[Child], span: Span) -> syntax.Expr:
        return syntax.Labelled(self.expr(parts[0]), self.expr(parts[1]), span)

    def expr_pipe(self, parts: Sequence[Child], span: Span) -> syntax.Expr:
        return syntax.Pipe(tuple(self.layer(p) for p in parts), span)

    def expr_postfix(self, parts: Sequence[Child], span: Span) -> syntax.Expr:
        value = self.deepened(parts[0], len(parts) - 1)
        for trailer in parts[1:]:
            reach = Span(self.source, span.start, self.span(trailer).end)
            match rule_of(trailer):
                case "attribute":
                    value = syntax.Attribute(value, self.name(children(trailer)[0]), reach)
                case "index":
                    value = syntax.Index(value, self.expr(children(trailer)[0]), reach)
                case _:
                    arguments = tuple(self.argument(a) for a in children(trailer) if a is not None)
                    value = syntax.Call(value, arguments, reach)
        return value

    def argument(self, node: Child) -> syntax.Argument:
        if rule_of(node) == "named":
            name, value = children(node)
            return syntax.Argument(self.name(name), self.expr(value), self.span(node))
        if rule_of(node) == "label":
            raise Fault(colon_in_call(self.span(node), self.span(children(node)[0]), self.span(children(node)[1])))
        return syntax.Argument(None, self.expr(node), self.span(node))

    def chain(self, parts: Sequence[Child], ops: list[str] | None) -> syntax.Expr:
        """A flat left-associative chain: operands and operator tokens alternate, or stand between for `and`, `or`."""
        step = 1 if ops else 2
        left = self.deepened(parts[0], len(parts) // step)
        for i in range(1, len(parts), step):
            right = self.expr(parts[i + step - 1])
            between = Span(self.source, left.span.end, right.span.start)
            op_span = between if ops else self.span(parts[i])
            op = ops[0] if ops else str(parts[i])
            reach = Span(self.source, self.span(parts[0]).start, self.span(parts[i + step - 1]).end)
            left = syntax.Binary(op, left, right=right, op_span=op_span, span=reach)
        return left

    def expr_binary(self, parts: Sequence[Child], span: Span) -> syntax.Expr:
        return self.chain(parts, None)

    expr_compare = expr_binary

    def expr_and_(self, parts: Sequence[Child], span: Span) -> syntax.Expr:
        return self.chain(parts, ["and"])

    def expr_or_(self, parts: Sequence[Child], span: Span) -> syntax.Expr:
        return self.chain(parts, ["or"])


def unknown_edition(span: Span) -> Diagnostic:
    return Diagnostic(
        "E0106",
        f"this compiler does not support edition {span.text} of the language",
        Label(span, "unknown edition"),
        helps=("start the spec with `edition 1`",),
        fix=(Edit(span, "1"),),
    )


def too_deep(span: Span) -> Diagnostic:
    return Diagnostic(
        "E0105",
        f"this expression is nested more than {MAX_DEPTH} levels deep",
        Label(span, "nested too deeply"),
        helps=("name the inner parts with `let`",),
    )


def too_many_digits(span: Span) -> Diagnostic:
    return Diagnostic(
        "E0107",
        f"a number has at most {MAX_DIGITS} digits",
        Label(span, "too long"),
        helps=(f"write a number below 10^{MAX_DIGITS}, with at most {MAX_DIGITS} digits in total",),
    )


def colon_in_call(span: Span, name: Span, value: Span) -> Diagnostic:
    return Diagnostic(
        "E0108",
        "a named argument is written with `=`, not with `:`",
        Label(span, "this is a label"),
        helps=(f"write `{name.text}={value.text}`",),
        fix=(Edit(span, f"{name.text}={value.text}"),),
    )


def comparison(span: Span) -> Diagnostic:
    chained = span.text == ">"
    return Diagnostic(
        "E0113",
        f"`{span.text}` compares, and a comparison is not a layer",
        Label(span, "a layer or a tensor is needed here"),
        helps=(
            "write `|>` between layers" if chained else "a comparison can only follow `when`, `require` or `expect`",
        ),
        fix=(Edit(span, "|>"),) if chained else (),
    )
