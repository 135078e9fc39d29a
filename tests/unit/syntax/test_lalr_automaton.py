"""The automaton answers as Lark's own parser does, which copies its stack for every question."""

import random
from copy import copy

import pytest
from lark import Token
from lark.exceptions import UnexpectedToken
from lark.parsers.lalr_interactive_parser import InteractiveParser

from resnetc.compiler.loader.loader import LIBRARY
from resnetc.compiler.syntax.lalr_automaton import END, Automaton
from resnetc.compiler.syntax.lalr_parser import split_into_tokens
from resnetc.compiler.syntax.lalr_tables import parser

TEXTS = ["std/blocks.resnet", "std/gates.resnet", "imagenet/resnet50.resnet", "cifar/centred.resnet"]
STATES = parser().parse_interactive(start="start").parser_state.parse_conf.states
TERMINALS = sorted({symbol for actions in STATES.values() for symbol in actions if symbol.isupper()})


def begin(start: str) -> InteractiveParser:
    """Lark's parser, without the making of trees."""
    lark = parser().parse_interactive(start=start)
    lark.parser_state.parse_conf = copy(lark.parser_state.parse_conf)
    lark.parser_state.parse_conf.callbacks = {}
    return lark


def reach(lark: InteractiveParser, terminals: list[str]) -> int:
    trial = lark.copy(deepcopy_values=False)
    for i, terminal in enumerate(terminals):
        try:
            trial.feed_token(Token(terminal, ""))
        except UnexpectedToken:
            return i
    return len(terminals)


@pytest.mark.parametrize("text", TEXTS)
def test_what_can_follow_is_what_lark_takes(text: str):
    """Before every token of a text: which may follow, and how far the text leads on with one more, less or another."""
    draw = random.Random(text)
    terminals = [token.type for token in split_into_tokens((LIBRARY / text).read_text(encoding="utf-8"))] + [END]
    machine, lark = Automaton("start"), begin("start")
    for i, terminal in enumerate(terminals):
        before = list(machine.stack)
        assert machine.accepts() == lark.accepts()
        other = draw.choice(TERMINALS)
        for rest in ([other, *terminals[i:]], [other, *terminals[i + 1 :]], terminals[i + 1 :]):
            assert machine.reach(rest[:20]) == reach(lark, rest[:20])
        for refused in draw.sample(sorted({*TERMINALS} - lark.accepts()), 5):
            assert not machine.read(refused)
        assert machine.stack == before == lark.parser_state.state_stack
        assert machine.read(terminal)
        lark.feed_token(Token(terminal, ""))


@pytest.mark.parametrize("text", ["a + b * (c |> d(e, f=2)) >= 3 and g < 1", "[a, [b]] == ceil(c / 2) or d"])
def test_an_expression_may_end_where_lark_lets_it(text: str):
    machine, lark = Automaton("expr"), begin("expr")
    for token in split_into_tokens(text):
        assert machine.reach([END]) == reach(lark, [END])
        assert machine.read(token.type)
        lark.feed_token(Token(token.type, ""))
    assert machine.reach([END]) == reach(lark, [END]) == 1
