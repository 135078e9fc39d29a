"""The LALR automaton without semantic values: which tokens can follow, and whether a repair lets parsing continue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias

from lark.grammar import Rule

from resnetc.compiler.syntax.lalr_tables import parser

END = "$END"
State: TypeAlias = int
Action: TypeAlias = tuple[object, State | Rule]  # a shift to a state, or a reduction by a rule


class Automaton:
    """Reads terminals one after the other; `stack` has the states of what is not finished yet."""

    def __init__(self, start: str) -> None:
        tables = parser().parse_interactive(start=start).parser_state.parse_conf
        self.states = all_states()
        self.end = tables.end_state
        self.stack: list[State] = [tables.start_state]

    def read(self, terminal: str) -> bool:
        """Goes on by one terminal, or refuses it and stays where it is."""
        return self._step(self.stack, terminal)

    def accepts(self) -> set[str]:
        """The terminals that can follow."""
        return {t for t in self.states[self.stack[-1]] if t.isupper() and self._step(list(self.stack), t)}

    def reach(self, terminals: Sequence[str], stack: list[State] | None = None) -> int:
        """How many of these terminals can follow, here or at another stack."""
        trial = list(self.stack if stack is None else stack)
        for i, terminal in enumerate(terminals):
            if not self._step(trial, terminal):
                return i
        return len(terminals)

    def _step(self, stack: list[State], terminal: str) -> bool:
        """Reductions are kept apart in `state` until the terminal is shifted: a refusal leaves the stack as it was."""
        # LALR tables merge states that differ in what may follow, so several rules may be reduced before it turns out
        # that a terminal cannot follow after all. Undoing those would need a copy of the stack for every question, and
        # recovery asks hundreds of them. So the stack is only read here, and written once, when the answer is yes. No
        # rule is empty, so what reductions leave is one state, on the first `height` of the stack.
        height, state = len(stack) - 1, stack[-1]
        while True:
            if height:
                state = skip_unit_rules(stack[height - 1], state, terminal)
            if terminal == END and state == self.end:
                return True
            action = self.states[state].get(terminal)
            if action is None:
                return False
            goal = action[1]
            if not isinstance(goal, Rule):
                stack[height:] = [state, goal]
                return True
            height -= len(goal.expansion) - 1
            state = goto(stack[height - 1], goal)


@lru_cache(maxsize=1)
def all_states() -> Mapping[State, Mapping[str, Action]]:
    """What to do in each state; the starts have them in common."""
    states: Mapping[State, Mapping[str, Action]] = (
        parser().parse_interactive(start="start").parser_state.parse_conf.states
    )
    return states


def goto(below: State, rule: Rule) -> State:
    """The state behind what a rule reads."""
    state = all_states()[below][rule.origin.name][1]
    assert not isinstance(state, Rule)  # behind a nonterminal there is always a state
    return state


@lru_cache(maxsize=1 << 16)
def skip_unit_rules(below: State, state: State, terminal: str) -> State:
    """The state that is left on another once every rule that passes its only part on is reduced before a terminal.

    These are the levels of an expression: a value is a product, a product a sum. Most reductions are of this kind.
    """
    states = all_states()
    while True:
        action = states[state].get(terminal)
        if action is None or not isinstance(rule := action[1], Rule) or not is_unit(rule):
            return state
        state = goto(below, rule)


def is_unit(rule: Rule) -> bool:
    """Whether a rule has one part, and the value of that part: a `?` stands before it in the grammar."""
    return bool(rule.options.expand1) and len(rule.expansion) == 1 and not rule.expansion[0].is_term
