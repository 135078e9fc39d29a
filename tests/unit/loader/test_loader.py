"""Files that use each other: how many words they may have together, told before the last of them is read."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from resnetc.compiler.diagnostics.diagnostic import Sink
from resnetc.compiler.loader.loader import LIBRARY, MAX_WORDS, Loader, has_more_words
from resnetc.compiler.syntax.lalr_tables import parser

SIGNS = "|> => = == != <= >= < > + - * / % ( ) [ ] { } , : . name w1 in each 1 1_0 1.5 2e-3 2.0E+1 3e4".split()
PIECES = [*SIGNS, *(f"{sign} " for sign in SIGNS), "\n", "// no word\n", "/// one word\n", '"a text // in quotes" ']


def words(text: str) -> int:
    return sum(1 for _ in parser().lex(text))


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_no_text_is_taken_for_a_longer_one(text: str) -> None:
    assert not has_more_words(text, words(text))


def test_the_shipped_files_are_counted_nearly_whole() -> None:
    for path in LIBRARY.rglob("*.resnet"):
        text = path.read_text(encoding="utf-8")
        assert not has_more_words(text, words(text))
        tokens = [str(token) for token in parser().lex(text)]
        plain = sum(not token.startswith("//") for token in tokens) - 2 * tokens.count(".")  # a path is one word
        assert has_more_words(text, plain * 3 // 4), path


def test_a_file_beyond_the_words_of_a_spec_is_not_read(tmp_path: Path) -> None:
    """Neither are those behind it; what the first ones have is used."""
    lines = "  let y = 1\n" * (MAX_WORDS // 8)
    for name in ("one", "two", "three"):
        (tmp_path / f"{name}.resnet").write_text(f"edition 1\nblock a() {{\n{lines}  out = in\n}}\n", encoding="utf-8")
    spec = tmp_path / "net.resnet"
    spec.write_text("edition 1\nuse one\nuse two\nuse three\n", encoding="utf-8")
    sink = Sink()
    module = Loader(sink).load(spec)
    assert [(d.code, d.primary.span.text) for d in sink.diagnostics] == [("E0510", "two")]
    assert list(module.names) == ["one"]
