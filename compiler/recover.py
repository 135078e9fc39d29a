"""The second reading of a text that does not parse: several faults a run, and what is whole whatever its neighbours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from lark import Token, Tree

from resnetc.compiler import misread
from resnetc.compiler.automaton import END, Automaton
from resnetc.compiler.diagnostics import Diagnostic, similar
from resnetc.compiler.misread import BRACKETS, ITEM_OPENERS, STATEMENT_OPENERS, Place, opens_line
from resnetc.compiler.scan import tokens
from resnetc.compiler.source import Source
from resnetc.compiler.tables import parser

MAX_FAULTS = 20
MAX_MENDS = 100
REACH = 8  # tokens that a repair is tried on
ENOUGH = 3  # so many must follow from it, or all that are left
ENDINGS = {"NAME", "INT", "FLOAT", "STRING", "RPAR", "RSQB", "RBRACE", "LBRACE"}  # behind these a statement may open
ANYWHERE = {"LET", "REQUIRE", "SET", "OUT", "INPUT", "STAGE", "EXPECT"}  # these open one on any place of a line

Node = Tree[Token]


@dataclass(slots=True)
class Reading:
    """What could be read: the trees of the edition, of `use` lines and of items; and names that were lost."""

    edition: Node | None = None
    uses: list[Node] = field(default_factory=list)
    items: list[Node] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)


class Recovery:
    """Reads a text piece by piece: the edition, each `use`, each item; after a fault it goes on within the piece."""

    def __init__(self, source: Source, report: Callable[[Diagnostic], None]) -> None:
        self.source = source
        self.reading = Reading()
        self.faults = self.mends = 0
        self._report = report
        self._blamed: set[int] = set()  # lines with a fault: what else is wrong there follows from it

    def report(self, fault: Diagnostic) -> bool:
        """Passes a fault on unless its line has one; returns whether more are wanted."""
        line = self.source.position(fault.primary.span.start).line
        if line not in self._blamed and self.faults < MAX_FAULTS:
            self.faults += 1
            self._report(fault)
        self._blamed.add(line)
        return self.faults < MAX_FAULTS

    def read(self) -> Reading:
        everything = list(tokens(self.source, self.report))
        header, *items = self.chunks(everything)
        if not self.header(header):
            self.reading.lost |= self.files(everything)
        for chunk in items:
            tree = Piece(self, "item", chunk).read()
            if tree is not None:
                self.reading.items.append(tree)
            else:
                self.reading.lost.update(named(chunk)[1:])
        return self.reading

    def header(self, tokens: list[Token]) -> bool:
        """The edition and the `use` lines; whether all of them could be read."""
        first, *rest = split(tokens)
        before = self.faults
        if first and (first[0].type == "EDITION" or similar(first[0].value, ["edition"])):
            self.reading.edition = Piece(self, "edition", first).read()
        else:
            self.report(misread.no_edition(self.source))
        trees = [Piece(self, "use", piece).read() for piece in rest]
        self.reading.uses += [tree for tree in trees if tree is not None]
        return self.faults == before

    def files(self, tokens: list[Token]) -> set[str]:
        """What a text takes for files, by the dot behind it: they are not missed where their `use` was lost."""
        pairs = zip(tokens, tokens[1:], strict=False)
        dotted = {str(token) for token, after in pairs if token.type == "NAME" and after.type == "DOT"}
        return dotted - {str(use.children[0].children[-1]) for use in self.reading.uses}

    def chunks(self, tokens: list[Token]) -> list[list[Token]]:
        """The header, then item by item, each with the `///` lines above it."""
        out: list[list[Token]] = [[]]
        depth = {"LBRACE": 0, "LPAR": 0, "LSQB": 0}
        closes = {closer: opener for opener, closer in BRACKETS.items()}
        for i, token in enumerate(tokens):
            if self.opens_item(tokens, i, depth):
                docs = len(out[-1])
                while docs and out[-1][docs - 1].type == "DOC":
                    docs -= 1
                out.append(out[-1][docs:])
                del out[-2][docs:]
                depth = dict.fromkeys(depth, 0)
            out[-1].append(token)
            if token.type in depth:
                depth[token.type] += 1
            elif token.type in closes and depth[closes[token.type]]:
                depth[closes[token.type]] -= 1
        return out

    def opens_item(self, tokens: list[Token], i: int, depth: dict[str, int]) -> bool:
        """Whether an item opens here: within brackets its keyword may be meant as a name; at the margin it never is."""
        token = tokens[i]
        margin = not token.start_pos or self.source.text[token.start_pos - 1] == "\n"
        if token.type in ITEM_OPENERS:
            inside = depth["LPAR"] or depth["LSQB"]
            return margin or (not inside and (not depth["LBRACE"] or opens_line(self.source, token)))
        after = [t.type for t in tokens[i + 1 : i + 3]]
        misspelt = token.type == "NAME" and after in (["NAME", "LPAR"], ["NAME", "ASSIGN"])
        return margin and misspelt and similar(token.value, misread.ITEMS) is not None


class Piece:
    """A part of a text that has a rule of its own, read by the states of the parser alone until it is known to be whole."""

    def __init__(self, recovery: Recovery, start: str, tokens: list[Token]) -> None:
        self.recovery, self.start, self.tokens = recovery, start, tokens
        self.machine = Automaton(start)
        self.opened: list[tuple[int, Token]] = []  # brackets, with the height of the stack
        self.broken = False

    def read(self) -> Node | None:
        """The tree of the piece, or None after its faults are reported."""
        limits = misread.Limits(self.recovery.source)
        i = 0
        while i < len(self.tokens):
            token = self.tokens[i]
            if self.machine.read(token.type):
                self.brackets(token)
                i += 1
                if (fault := limits.passed(token, len(self.machine.stack))) is not None:
                    self.recovery.report(fault)
                    return None
                continue
            expected = self.machine.accepts()
            if END in expected and (self.start != "item" or expected == {END} or self.opens_line(token)):
                self.stray(i, expected)
                break
            if not self.recovery.report(misread.refused(token, self.place(i, expected))):
                return None
            self.broken = True
            self.recovery.mends += 1
            if self.recovery.mends > MAX_MENDS:
                return None
            i = self.mend(i, expected)
        return self.finish()

    def finish(self) -> Node | None:
        if not self.machine.reach([END]) and self.tokens:
            words = [str(t) for t in self.tokens if t.type != "DOC"]
            what = f"the {words[0]} `{words[1]}`" if self.start == "item" and words[1:] else f"this `{words[0]}`"
            place = self.place(len(self.tokens), self.machine.accepts())
            self.recovery.report(misread.unfinished(what, self.tokens[-1], place))
            self.broken = True
        if self.broken:
            return None
        machine = parser().parse_interactive(start=self.start)
        for token in self.tokens:
            machine.feed_token(token)
        tree: Node = machine.feed_eof(self.tokens[-1])
        return tree

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
        return Place(self.recovery.source, frozenset(expected), before, opened, kind)

    def stray(self, i: int, expected: set[str]) -> None:
        """What follows a piece that is whole, and opens none."""
        follow = ITEM_OPENERS if self.start == "item" else ITEM_OPENERS | {"USE"}
        place = self.place(i, follow if self.opens_line(self.tokens[i]) else (expected - {END}) | follow)
        self.recovery.report(misread.refused(self.tokens[i], replace(place, kind="")))
        self.recovery.reading.lost.update(str(t) for t in self.tokens[i:] if t.type == "NAME")
        del self.tokens[i:]

    # -- going on -----------------------------------------------------------------------------------------------------

    def mend(self, i: int, expected: set[str]) -> int:
        """Reads on as if one token were too many, another, or missing; else from the next statement. Returns where."""
        ahead = [t.type for t in self.tokens[i : i + REACH + 1]]
        if len(ahead) <= REACH:
            ahead.append(END)
        fixed = self.tokens[i].type in STATEMENT_OPENERS and self.opens_line(self.tokens[i])
        repairs = [] if fixed else [((), 1)]
        repairs += [((terminal,), skipped) for skipped in ((0,) if fixed else (1, 0)) for terminal in sorted(expected)]
        reached = {
            (inserted, skipped): self.machine.reach([*inserted, *ahead[skipped:]]) - len(inserted) - len(ahead) + skipped
            for inserted, skipped in repairs
        }
        best = max(reached, key=lambda repair: reached[repair])
        inserted, skipped = best
        if reached[best] + len(ahead) - skipped < min(ENOUGH, len(ahead) - skipped):
            return self.resume(i)
        for terminal in inserted:
            self.machine.read(terminal)
            self.brackets(Token(terminal, "", start_pos=self.tokens[i].start_pos, end_pos=self.tokens[i].start_pos))
        return i + skipped

    def resume(self, i: int) -> int:
        """Unwinds to the next statement that fits what is open."""
        stack, states = self.machine.stack, self.machine.states
        for at in range(i, len(self.tokens)):
            if not self.opens_statement(at):
                continue
            terminals = [t.type for t in self.tokens[at : at + 2]]
            for height in range(len(stack), 0, -1):
                if terminals[0] in states[stack[height - 1]] and self.machine.reach(terminals, height) == len(terminals):
                    del stack[height:]
                    self.opened = [(h, t) for h, t in self.opened if h <= height]
                    return at
        del stack[1:]
        return len(self.tokens)

    def opens_statement(self, i: int) -> bool:
        token = self.tokens[i]
        if self.opens_line(token):
            return token.type in STATEMENT_OPENERS or token.type == "RBRACE"
        return token.type in ANYWHERE and i > 0 and self.tokens[i - 1].type in ENDINGS


def split(tokens: list[Token]) -> Iterator[list[Token]]:
    """The edition, then every `use`."""
    begin = 0
    for i, token in enumerate(tokens):
        if token.type == "USE":
            yield tokens[begin:i]
            begin = i
    yield tokens[begin:]


def named(chunk: list[Token]) -> list[str]:
    """The keyword and the name of an item."""
    return [str(t) for t in chunk if t.type != "DOC"][:2]
