"""Drives the parser's tables over tokens and builds Lark's trees, each with the place of its text.

Lark's own driver works out lines and columns of every node, and hashes the text of each rule that it reduces by. The
compiler parses five files of the library at its start; this halves the time that it takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

from lark import TextSlice, Token, Tree
from lark.exceptions import UnexpectedInput
from lark.grammar import Rule
from lark.lexer import BasicLexer

from resnetc.compiler.syntax.lalr_automaton import END, skip_unit_rules
from resnetc.compiler.syntax.lalr_tables import parser
from resnetc.compiler.syntax.parse_tree import Child, Node, as_tree

Reduction = tuple[Callable[[list[Child]], Child], int, str]
"""What makes a rule's value of those of its parts, how many these are, and what the rule reads."""


@lru_cache(maxsize=1)
def reductions() -> dict[int, Reduction]:
    """By the identity of a rule: the tables have each rule once, and its hash is that of its whole text."""
    callbacks = parser().parse_interactive(start="start").parser_state.parse_conf.callbacks
    rules = ((rule, make) for rule, make in callbacks.items() if isinstance(rule, Rule))
    return {id(rule): (make, len(rule.expansion), rule.origin.name) for rule, make in rules}


def split_into_tokens(text: str) -> Iterator[Token]:
    """The tokens of a text, by Lark's patterns; raises `UnexpectedInput` where none begins."""
    lexer = parser().parse_interactive("", start="start").lexer_thread.lexer
    assert isinstance(lexer, BasicLexer)  # by `OPTIONS`
    scanner, ignored = lexer.scanner, lexer.ignore_types
    reserved = lexer.callback  # tells a reserved word from a name; there once the scanner is
    whole, at = TextSlice.cast_from(text), 0
    while at < len(text):
        match = scanner.match(whole, at)
        if match is None:
            raise UnexpectedInput
        written, terminal = match
        end = at + len(written)
        if terminal not in ignored:
            token = Token(terminal, written, at, end_pos=end)
            yield reserved[terminal](token) if terminal in reserved else token
        at = end


class LalrParser:
    """Reads tokens one after the other; `stack` has the states of what is not finished yet."""

    def __init__(self, start: str) -> None:
        tables = parser().parse_interactive(start=start).parser_state.parse_conf
        self.states, self.end, self.reductions = tables.states, tables.end_state, reductions()
        self.stack = [tables.start_state]
        self.parts: list[Child] = []
        self.places: list[tuple[int, int]] = []  # of the parts, what the tree leaves out of them included

    def feed(self, token: Token) -> None:
        """Goes on by one token; raises `UnexpectedInput` where it cannot follow."""
        self.reduce_before(token)
        self.stack.append(self.states[self.stack[-1]][token.type][1])
        self.parts.append(token)
        self.places.append((token.start_pos or 0, token.end_pos or 0))

    def finish(self) -> Node:
        """The tree of all tokens."""
        self.reduce_before(Token(END, ""))
        return as_tree(self.parts[-1])

    def reduce_before(self, token: Token) -> None:
        """Puts together what ends before a token."""
        stack, parts, places, states, terminal = self.stack, self.parts, self.places, self.states, token.type
        while True:
            if len(stack) > 1:
                stack[-1] = skip_unit_rules(stack[-2], stack[-1], terminal)
            if terminal == END and stack[-1] == self.end:
                return
            action = states[stack[-1]].get(terminal)
            if action is None:
                raise UnexpectedInput
            plan = self.reductions.get(id(action[1]))
            if plan is None:
                return  # a shift
            make, size, name = plan
            part = make(parts[-size:])  # no rule of the grammar is empty
            place = places[-size][0], places[-1][1]
            if isinstance(part, Tree) and part.meta.empty:  # else it is what the only part of a rule has become
                meta = part.meta
                meta.start_pos, meta.end_pos = place
                meta.empty = False
            del stack[-size:], parts[-size:], places[-size:]
            stack.append(states[stack[-1]][name][1])
            parts.append(part)
            places.append(place)
