"""The LALR automaton without semantic values: which tokens can follow, and whether a repair lets parsing continue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
        self.states: Mapping[State, Mapping[str, Action]] = tables.states
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
        """Reductions are kept apart in `top` until the terminal is shifted: a refusal leaves the stack as it was."""
        # LALR tables merge states that differ in what may follow, so several rules may be reduced before it turns out
        # that a terminal cannot follow after all. Undoing those would need a copy of the stack for every question, and
        # recovery asks hundreds of them. So the stack is only read here, with `height` as the end of what is left of
        # it, and written once, when the answer is yes.
        height = len(stack)  # of what is left of `stack` below `top`
        top: list[State] = []
        while True:
            action = self.states[top[-1] if top else stack[height - 1]].get(terminal)
            if action is None:
                return False
            goal = action[1]
            if not isinstance(goal, Rule):
                stack[height:] = [*top, goal]
                return True
            size = len(goal.expansion)
            inside = min(size, len(top))
            del top[len(top) - inside :]
            height -= size - inside
            state = self.states[top[-1] if top else stack[height - 1]][goal.origin.name][1]
            assert not isinstance(state, Rule)  # behind a nonterminal there is always a state
            top.append(state)
            if terminal == END and state == self.end:
                return True
