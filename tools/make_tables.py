"""Writes grammar/tables.json: the LALR tables of the grammar as Lark makes them, so that no run builds them again.

    python tools/make_tables.py

A test compares the file with a fresh build; a Lark of another version ignores it and builds its own.
"""

from __future__ import annotations

import json
import pathlib
from typing import Any

import lark
from lark.grammar import Rule
from lark.lexer import TerminalDef

from resnetc.compiler.syntax.parser import OPTIONS, digest, grammar_text

UNBOUNDED = 2**32 - 1  # how wide an unbounded pattern is, is a matter of Python's release


def plain(value: Any) -> Any:
    """As JSON has it: a dictionary with other keys than texts becomes `{"pairs": [...]}`; sets in a fixed order."""
    if isinstance(value, dict):
        if all(isinstance(k, str) for k in value):
            return {k: plain(v) for k, v in sorted(value.items())}
        return {"pairs": [[k, plain(v)] for k, v in sorted(value.items())]}
    if isinstance(value, (set, frozenset)):
        return sorted((plain(v) for v in value), key=repr)
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, int) and value > UNBOUNDED:
        return UNBOUNDED
    return value


def numbered(table: dict[str, Any]) -> dict[str, Any]:
    """The states of the parser in the order in which they are reached: Lark's own order differs from run to run."""
    names, states = table["tokens"], table["states"]
    actions = {s: {names[t]: action for t, action in row.items()} for s, row in states.items()}
    reached = dict.fromkeys(state for _, state in sorted(table["start_states"].items()))
    pending = list(reached)
    for state in pending:
        goals = [goal for _, (reduces, goal) in sorted(actions[state].items(), key=lambda item: item[0]) if not reduces]
        pending += dict.fromkeys(goal for goal in goals if goal not in reached)
        reached |= dict.fromkeys(goals)
    number = {state: i for i, state in enumerate(reached)}
    token = {name: i for i, name in enumerate(sorted(names.values()))}
    return {
        "tokens": {i: name for name, i in token.items()},
        "states": {
            number[s]: {token[t]: (reduces, goal if reduces else number[goal]) for t, (reduces, goal) in row.items()}
            for s, row in actions.items()
        },
        "start_states": {start: number[s] for start, s in table["start_states"].items()},
        "end_states": {start: number[s] for start, s in table["end_states"].items()},
    }


def render() -> str:
    data, memo = lark.Lark(grammar_text(), **OPTIONS).memo_serialize([TerminalDef, Rule])
    data["parser"]["parser"] = numbered(data["parser"]["parser"])
    tables = {"lark": lark.__version__, "grammar": digest(), "data": plain(data), "memo": plain(memo)}
    return json.dumps(tables, separators=(",", ":")).replace("],[", "],\n[") + "\n"


if __name__ == "__main__":
    path = pathlib.Path(__file__).resolve().parent.parent / "grammar" / "tables.json"
    path.write_text(render(), encoding="utf-8")
    print(f"{path.name}: {path.stat().st_size} bytes")
