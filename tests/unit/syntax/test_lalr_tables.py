"""The grammar as such: free of conflicts, with tables that are its own, and keywords that the compiler knows."""

import importlib.util
from pathlib import Path

import pytest
from lark import Lark
from lark.lexer import PatternStr

from resnetc.compiler.loader.loader import LIBRARY
from resnetc.compiler.source import Source
from resnetc.compiler.syntax import error_context
from resnetc.compiler.syntax.foreign_characters import LOOKALIKES
from resnetc.compiler.syntax.limits import Limits
from resnetc.compiler.syntax.parser import OPTIONS, RESERVED, grammar_text, read
from resnetc.compiler.syntax.recovery import ANYWHERE, ENDINGS, FOLLOW, WHOLE

ROOT = Path(__file__).parents[3]
SPECS = sorted(LIBRARY.rglob("*.resnet"))


@pytest.fixture(scope="module")
def fresh() -> Lark:
    """Lark's own parser, without the shipped tables."""
    return Lark(grammar_text(), **OPTIONS | {"propagate_positions": True})


def test_there_is_no_conflict():
    pytest.importorskip("interegular")
    Lark(grammar_text(), **OPTIONS, strict=True)


def test_the_shipped_tables_are_those_of_the_grammar():
    found = importlib.util.spec_from_file_location("make_tables", ROOT / "tools" / "make_tables.py")
    tool = importlib.util.module_from_spec(found)
    found.loader.exec_module(tool)
    assert (ROOT / "grammar" / "tables.json").read_text(encoding="utf-8") == tool.render(), (
        "run: python tools/make_tables.py"
    )


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.relative_to(LIBRARY).as_posix())
def test_the_shipped_tables_parse_as_fresh_ones(fresh, path):
    """The same trees at the same places as Lark itself gives."""
    source = Source(path.name, path.read_text(encoding="utf-8"))
    tree, other = read(source, "start", Limits(source)), fresh.parse(source.text, start="start")
    assert tree == other
    assert list(map(place_of, tree.iter_subtrees())) == list(map(place_of, other.iter_subtrees()))


def place_of(node):
    return node.data, node.meta.start_pos, node.meta.end_pos


def test_the_reserved_words_are_the_keywords_of_the_grammar(fresh):
    patterns = [terminal.pattern for terminal in fresh.terminals]
    words = {p.value for p in patterns if isinstance(p, PatternStr) and p.value.isalpha()}
    assert words == RESERVED
    assert len(words) == len([*error_context.ITEMS, *error_context.STATEMENTS, *error_context.OTHERS])


def test_every_terminal_can_be_named_in_a_message(fresh):
    ignored = set(fresh.ignore_tokens)
    assert all(error_context.spelled(t.name) for t in fresh.terminals if t.name not in ignored)


def test_the_words_of_messages_and_repairs_are_terminals(fresh):
    known = {terminal.name for terminal in fresh.terminals} | {"$END"}
    used = [
        *(
            error_context.VALUES,
            error_context.OPERATORS,
            error_context.NOUNS,
            error_context.OPENERS,
            error_context.CONDITIONS,
            error_context.BRACKETS,
        ),
        *(error_context.BRACKETS.values(), ANYWHERE, ENDINGS, *FOLLOW.values(), WHOLE, *WHOLE.values()),
        {meant.terminal for meant in LOOKALIKES.values() if meant.terminal},
    ]
    assert set().union(*used) <= known
