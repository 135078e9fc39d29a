"""The LALR automaton without semantic values: which tokens can follow, and whether a repair lets parsing continue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lark.parsers.lalr_analysis import Shift

from resnetc.compiler.syntax.lalr_tables import parser

END = "$END"


class Automaton:
    """Reads terminals one after the other; `stack` has the states of what is not finished yet."""

    def __init__(self, start: str) -> None:
        tables = parser().parse_interactive(start=start).parser_state.parse_conf
        self.states: dict[Any, dict[str, Any]] = tables.states
        self.end = tables.end_state
        self.stack: list[Any] = [tables.start_state]

    def read(self, terminal: str) -> bool:
        """Goes on by one terminal, or refuses it and stays where it is."""
        return self._step(self.stack, terminal)

    def accepts(self) -> set[str]:
        """The terminals that can follow."""
        return {t for t in self.states[self.stack[-1]] if t.isupper() and self._step(list(self.stack), t)}

    def reach(self, terminals: Sequence[str], stack: list[Any] | None = None) -> int:
        """How many of these terminals can follow, here or at another stack."""
        trial = list(self.stack if stack is None else stack)
        for i, terminal in enumerate(terminals):
            if not self._step(trial, terminal):
                return i
        return len(terminals)

    def _step(self, stack: list[Any], terminal: str) -> bool:
        """Reductions are kept apart in `top` until the terminal is shifted: a refusal leaves the stack as it was."""
        kept = len(stack)
        top: list[Any] = []
        while True:
            action, goal = self.states[top[-1] if top else stack[kept - 1]].get(terminal, (None, None))
            if action is None:
                return False
            if action is Shift:
                stack[kept:] = [*top, goal]
                return True
            size = len(goal.expansion)
            inside = min(size, len(top))
            del top[len(top) - inside :]
            kept -= size - inside
            state = self.states[top[-1] if top else stack[kept - 1]][goal.origin.name][1]
            top.append(state)
            if terminal == END and state == self.end:
                return True
