"""Error recovery: parses a faulty text, reports several errors, and keeps every item that is whole."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from lark import Token

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, find_similar
from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.source import Source
from resnetc.compiler.syntax import errors
from resnetc.compiler.syntax.error_context import (
    BRACKETS,
    ITEM_OPENERS,
    STATEMENT_OPENERS,
    VALUES,
    Place,
    opens_line,
)
from resnetc.compiler.syntax.foreign_statements import list_openings
from resnetc.compiler.syntax.item_tokens import name_of, split_header, split_items
from resnetc.compiler.syntax.lalr_automaton import END, Automaton, State
from resnetc.compiler.syntax.lalr_parser import LalrParser
from resnetc.compiler.syntax.lalr_tables import spelling
from resnetc.compiler.syntax.lexer import tokens
from resnetc.compiler.syntax.limits import Limits
from resnetc.compiler.syntax.parse_tree import Node, ParsedParts, children

MAX_FAULTS = 20
MAX_RECOVERIES = 100
MAX_LOOKAHEAD = 200  # tokens that a repair is tried on, at most
MAX_LOOKBACK = 12  # tokens before a fault that may be what is wrong
MIN_PROGRESS = 3  # tokens behind a fault that a repair must lead to, or all that are left
ENDINGS = {"NAME", "INT", "FLOAT", "STRING", "RPAR", "RSQB", "RBRACE", "LBRACE"}  # behind these a statement may open
WHOLE = {  # what an item or a stage cannot do without, at its shortest
    "EACH": ["INT", "OF", "NAME"],
    "INPUT": ["INPUT", "NAME", "ASSIGN", "NAME"],
    "STEM": ["STEM", "ASSIGN", "NAME"],
    "HEAD": ["HEAD", "ASSIGN", "NAME"],
    "OUT": ["OUT", "ASSIGN", "NAME"],
    "OTHERWISE": ["OTHERWISE", "ARROW", "NAME"],
    "ASSIGN": ["ASSIGN", "NAME"],
}
RESTS = [rest.split() for rest in ("", "NAME", "ASSIGN NAME", "NAME ASSIGN NAME", "OF NAME", "INT OF NAME")]
REASON = ["OTHERWISE", "STRING"]  # of a requirement
ANYWHERE = {"LET", "REQUIRE", "SET", "OUT", "INPUT", "STAGE", "EXPECT"}  # these open one anywhere in a line
FIRM = STATEMENT_OPENERS | {"RBRACE"}  # where these begin a line they are what they seem
FOLLOW = {  # what may stand behind a piece
    "edition": ITEM_OPENERS | {"USE"},
    "use": ITEM_OPENERS | {"USE"},
    "item": ITEM_OPENERS,
    "expr": frozenset({END}),
}


@record(eq=True)
class Step:
    """The parser before a token: its states, and the brackets that are open, with the height of the stack at each."""

    at: int
    stack: list[State]
    opened: list[tuple[int, Token]]


@record(eq=True)
class Repair:
    """Goes back to a step, reads some terminals that are not there, and then the tokens from `then` on."""

    before: Step
    inserted: list[str]
    then: int


class Recovery:
    """Reads a text piece by piece: the edition, each `use`, each item; after a fault it goes on within the piece."""

    def __init__(self, source: Source, report: Callable[[Diagnostic], None]) -> None:
        self.source = source
        self.parts = ParsedParts()
        self.faults = self.recoveries = 0
        self._report = report
        self._blamed: set[int] = set()  # lines with a fault: what else is wrong there follows from it

    def blames(self, token: Token) -> bool:
        return self.source.find_position(token.start_pos or 0).line in self._blamed

    def report(self, fault: Diagnostic, lexical: bool = False) -> bool:
        """Passes a fault on, of syntax only where its line has none; returns whether more are wanted."""
        line = self.source.find_position(fault.primary.span.start).line
        if (lexical or line not in self._blamed) and self.faults < MAX_FAULTS:
            self.faults += 1
            self._report(fault)
        self._blamed.add(line)
        return self.faults < MAX_FAULTS

    def read(self) -> ParsedParts:
        everything = tokens(self.source, lambda fault: self.report(fault, lexical=True))
        self.parts.words = len(everything)
        header, *items = split_items(self.source, everything)
        if not self.header(header):
            self.parts.lost |= self.files(everything)
        for chunk in items:
            tree = self.piece("item", chunk)
            if tree is not None:
                self.parts.items.append(tree)
            else:
                self.parts.lost.add(name_of(chunk))
        return self.parts

    def header(self, tokens: list[Token]) -> bool:
        """The edition and the `use` lines; whether all of them could be read."""
        first, *rest = split_header(tokens)
        before = self.faults
        if first and (first[0].type == "EDITION" or find_similar(first[0].value, ["edition"])):
            self.parts.edition = self.piece("edition", first)
        else:
            self.report(errors.no_edition(self.source))
        trees = [self.piece("use", piece) for piece in rest]
        self.parts.uses += [tree for tree in trees if tree is not None]
        return self.faults == before and None not in trees

    def piece(self, start: str, tokens: list[Token]) -> Node | None:
        """The tree of a piece that is whole, where the text is not beyond all hope."""
        return FragmentParser(self, start, tokens).read() if self.recoveries <= MAX_RECOVERIES else None

    def files(self, tokens: list[Token]) -> set[str]:
        """What a text takes for files, by the dot behind it: they are not missed where their `use` was lost."""
        pairs = zip(tokens, tokens[1:], strict=False)
        dotted = {str(token) for token, after in pairs if token.type == "NAME" and after.type == "DOT"}
        return dotted - {str(children(children(use)[0])[-1]) for use in self.parts.uses}


class FragmentParser:
    """A part of a text with a rule of its own: read by the states of the parser, and made a tree if it is whole."""

    def __init__(self, recovery: Recovery, start: str, tokens: list[Token]) -> None:
        self.recovery, self.start, self.tokens = recovery, start, tokens
        self.machine = Automaton(start)
        self.opened: list[tuple[int, Token]] = []
        self.trail: deque[Step] = deque(maxlen=MAX_LOOKBACK)
        self.broken = self.lost = False

    def read(self) -> Node | None:
        """The tree of the piece, or None after its faults are reported."""
        limits = Limits(self.recovery.source)
        i = 0
        while i < len(self.tokens):
            token = self.tokens[i]
            self.trail.append(self.here(i))
            if self.machine.read(token.type):
                self.brackets(token)
                i += 1
                if (fault := limits.passed(token, len(self.machine.stack))) is not None:
                    self.recovery.report(fault)
                    return None
                continue
            self.trail.pop()
            i = self.blamed(i)
            token, expected = self.tokens[i], self.machine.accepts()
            if END in expected and (self.start != "item" or expected == {END} or self.opens_line(token)):
                self.stray(i, expected)
                break
            self.broken = True
            self.recovery.recoveries += 1
            follows = self.follows(i, expected)
            more = follows or self.recovery.report(errors.refused(token, self.place(i, expected)))
            if not more or self.recovery.recoveries > MAX_RECOVERIES:
                return None
            i = self.recover(i)
            self.trail.clear()
        return self.finish()

    def follows(self, i: int, expected: set[str]) -> bool:
        """Whether a statement opens where the one before it is not whole, and has a fault that is reported."""
        incomplete = i > 0 and self.opens_statement(i) and not (expected - VALUES) & FIRM
        return incomplete and self.recovery.blames(self.tokens[i - 1])

    def blamed(self, i: int) -> int:
        """The token at fault where one is refused: `stem` and `head` may be read as labels before their `=` is seen."""
        if i and self.tokens[i].type == "ASSIGN" and self.tokens[i - 1].type in ("STEM", "HEAD") and self.trail:
            if self.opens_line(self.tokens[i - 1]):
                self.machine.stack[:] = self.trail.pop().stack
                return i - 1
        return i

    def finish(self) -> Node | None:
        if not self.lost and not self.machine.reach([END]):
            self.unfinished()
        if self.broken:
            return None
        machine = LalrParser(self.start)
        for token in self.tokens:
            machine.feed(token)
        return machine.finish()

    def unfinished(self) -> None:
        self.broken = True
        self.recovery.recoveries += 1
        place = self.place(len(self.tokens), self.machine.accepts())
        if self.start == "expr":
            end = len(self.recovery.source.text)
            fault = errors.refused(Token(END, "", start_pos=end, end_pos=end), place)
        else:
            words = [str(t) for t in self.tokens if t.type != "DOC"]
            what = f"the {words[0]} `{words[1]}`" if self.start == "item" and words[1:] else f"this `{words[0]}`"
            fault = errors.unfinished(what, self.tokens[-1], place)
        self.recovery.report(fault)

    def opens_line(self, token: Token) -> bool:
        return opens_line(self.recovery.source, token)

    def brackets(self, token: Token) -> None:
        if token.type in BRACKETS:
            self.opened.append((len(self.machine.stack), token))
        elif token.type in BRACKETS.values() and self.opened:
            self.opened.pop()

    def place(self, i: int, expected: set[str]) -> Place:
        opened = self.opened[-1][1] if self.opened else None
        kind = next((t.type.lower() for t in self.tokens if t.type != "DOC"), "")
        before = self.tokens[i - 1] if i else None
        after = [t.type for t in self.tokens[i + 1 : i + 1 + MIN_PROGRESS]]
        named = self.machine.reach(["NAME", *after]) > len(after)
        if i < len(self.tokens) and self.opens_line(self.tokens[i]):
            named = named and after[:1] == ["COLON"]
        statement = next((t.type for t in reversed(self.tokens[:i]) if t.type in STATEMENT_OPENERS), "")
        here = [self.tokens[i].type] if i < len(self.tokens) else []
        could = [t for t in expected if t.isupper() and spelling(t) is not None]
        return Place(
            self.recovery.source,
            frozenset(expected),
            before=before,
            opened=opened,
            kind=kind,
            statement=statement,
            named=named,
            after=tuple(after),
            around=frozenset(token.type for _, token in self.opened),
            inserted=frozenset(t for t in could if self.leads_on([t, *here, *after])),
            replaced=frozenset(
                t for t in could if here and self.leads_on([t, "ASSIGN", *after] if t == "OUT" else [t, *after])
            ),
            removable=bool(here and after) and self.leads_on(after),
        )

    def leads_on(self, terminals: list[str]) -> bool:
        return self.machine.reach(terminals) == len(terminals)

    def stray(self, i: int, expected: set[str]) -> None:
        """What follows a piece that is whole, and opens none."""
        blamed = next((at for at in range(i, len(self.tokens)) if self.tokens[at].type != "DOC"), i)
        follow = FOLLOW[self.start]
        place = self.place(blamed, set(follow if self.opens_line(self.tokens[i]) else (expected - {END}) | follow))
        self.recovery.report(errors.refused(self.tokens[blamed], place))
        self.recovery.parts.lost.update(str(t) for t in self.tokens[i:] if t.type == "NAME")
        self.broken |= self.start == "expr" or (self.start == "use" and not self.opens_line(self.tokens[i]))
        del self.tokens[i:]

    # -- going on -----------------------------------------------------------------------------------------------------

    def recover(self, i: int) -> int:
        """Reads on as if something were too much, wrong or missing here or shortly before; returns where.

        The repair that leads furthest is taken, up to the statement after the next; else a later statement is found.
        """
        ends = i + 1 < len(self.tokens) and self.opens_statement(i + 1)
        listed = self.tokens[i].type == "COMMA" and not ends
        if listed and "PIPE" in (could := self.machine.accepts()) and "RPAR" not in could:
            self.machine.read("PIPE")  # a chain as other languages list it, which may go on
            return i + 1
        # A repair is judged by how far the parser gets with it, not by how small it is: a missing `(` and a stray `)`
        # are both one token, and only what follows tells them apart. Each is tried on the parser's states alone,
        # without building a tree, so that hundreds can be tried. It has to lead past MIN_PROGRESS tokens, or the next
        # fault would be one that the repair itself made. It is not tried beyond the second statement: another fault
        # behind it would make every repair look equally bad. One token more or less comes first. Only if none of these
        # leads on is the text up to a statement given up, as that would always "succeed" and hide what is wrong in
        # between.
        stop = self.horizon(i)
        types = [t.type for t in self.tokens[:stop]] + ([END] if stop == len(self.tokens) else [])
        behind_input = self.tokens[i - 1].type == "INPUT"  # then nothing of the statement can be read
        for repairs in (self.token_repairs(i), self.statement_repairs(i, stop))[:: -1 if behind_input else 1]:
            best, reached = None, 0
            for repair in repairs:
                way = [*repair.inserted, *types[repair.then :]]
                end = len(types) - len(way) + self.machine.reach(way, repair.before.stack)
                if end > reached:
                    best, reached = repair, end
                if reached == len(types):
                    break  # none leads further
            if best is not None and reached >= min(max(i, best.then) + MIN_PROGRESS, len(types)):
                return self.follow(best)
        return self.resume(i)

    def follow(self, repair: Repair) -> int:
        self.machine.stack[:], self.opened = repair.before.stack, repair.before.opened
        for terminal in repair.inserted:
            self.machine.read(terminal)
            self.brackets(Token(terminal, "", start_pos=self.tokens[repair.before.at].start_pos))
        return repair.then

    def horizon(self, i: int) -> int:
        """Where the second statement behind a token opens, if that is near."""
        opened = 0
        for at in range(i + 1, min(i + MAX_LOOKAHEAD, len(self.tokens))):
            opened += self.opens_statement(at)
            if opened == 2:
                return at + 1
        return min(i + MAX_LOOKAHEAD, len(self.tokens))

    def token_repairs(self, i: int) -> Iterator[Repair]:
        """One token less, another, or one more, the nearest first; or a part more. What opens a statement does so."""
        # The parser notices a fault at the first token that cannot follow; what is wrong often stands before it, as a
        # bracket that was closed too early does. Hence the trail. Of repairs that lead equally far the first is taken,
        # so the order is that of likelihood: here before there, a token too many before one mistaken for another, and
        # that before one that is missing.
        for step in (self.here(i), *reversed(self.trail)):
            token = self.tokens[step.at]
            terminals = self.terminals(step)
            if terminals == ["COLON"]:
                yield Repair(step, ["COLON", "NAME"], step.at)
            if token.type == "NAME" and self.opens_line(token):
                for opening, length in list_openings(self.tokens[step.at : step.at + 4], terminals):
                    yield Repair(step, opening, step.at + length)
            if token.type not in FIRM or not self.opens_line(token):
                yield Repair(step, [], step.at + 1)
                if step.at == i and [t.type for t in self.tokens[i : i + 2]] == ["NAME", "DOT"]:
                    yield Repair(step, [], step.at + 2)  # `self.`
                yield from (Repair(step, [terminal], step.at + 1) for terminal in terminals)
            yield from (Repair(step, [terminal], step.at) for terminal in terminals)
            yield from (Repair(step, WHOLE[terminal], step.at) for terminal in terminals if terminal in WHOLE)
            if "OTHERWISE" in terminals:
                yield Repair(step, REASON, step.at)

    def statement_repairs(self, i: int, stop: int) -> Iterator[Repair]:
        """All less up to the next statement, or the one behind it, once the one that is open has what it needs."""
        step = self.here(i)
        for at in range(i + 1, stop):
            if self.opens_statement(at):
                yield from (Repair(step, rest, at) for rest in RESTS)

    def here(self, i: int) -> Step:
        return Step(i, list(self.machine.stack), list(self.opened))

    def terminals(self, step: Step) -> list[str]:
        return sorted(t for t in self.machine.states[step.stack[-1]] if t.isupper() and t != END)

    def resume(self, i: int) -> int:
        """Unwinds to the next statement that fits what is open."""
        # No small repair leads on, so something larger is lost: a line, or an opening that nobody will find. The
        # statements behind it are likely to be whole, and whoever wrote them wants to know what is wrong in them too.
        # The nearest statement wins, and for it the innermost open rule that takes it: a `let` continues the block
        # that is open rather than the file around it. Two tokens must fit, as a keyword alone fits nearly anywhere.
        stack, states = self.machine.stack, self.machine.states
        for at in range(i, len(self.tokens)):
            if not self.opens_statement(at):
                continue
            terminals = [t.type for t in self.tokens[at : at + 2]]
            for height in range(len(stack), 0, -1):
                fits = terminals[0] in states[stack[height - 1]]
                if fits and self.machine.reach(terminals, stack[:height]) == len(terminals):
                    del stack[height:]
                    self.opened = [(h, t) for h, t in self.opened if h <= height]
                    return at
        self.lost = True
        return len(self.tokens)

    def opens_statement(self, i: int) -> bool:
        token = self.tokens[i]
        if self.opens_line(token):
            return token.type in FIRM
        return token.type in ANYWHERE and i > 0 and self.tokens[i - 1].type in ENDINGS
