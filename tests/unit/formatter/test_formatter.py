"""The formatter: recorded texts, laws over all specs and over random ones, and the two commands that write specs.

A case is `tests/fixtures/format/NAME.resnet` with `NAME.expected` beside it: a text, and its canonical form.
`pytest --update tests/unit/formatter/test_formatter.py` records what is made of it now; review it as a reader would.
"""

import argparse
import dataclasses
import io
import os
import random
import re
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resnetc.cli import fmt
from resnetc.compiler.diagnostics.diagnostic import Sink
from resnetc.compiler.driver.session import Session
from resnetc.compiler.expansion.instances import UsageError
from resnetc.compiler.formatter.document import WIDTH
from resnetc.compiler.formatter.formatter import Unparsed, format
from resnetc.compiler.source import Source, Span
from resnetc.compiler.syntax import tree as syntax
from resnetc.compiler.syntax.parser import parse, parser
from tests.support import read_folder

ROOT = Path(__file__).parents[3]
CASES = sorted((ROOT / "tests" / "fixtures" / "format").glob("*.resnet"))
SHIPPED = sorted((ROOT / "specs").rglob("*.resnet"))
UI = sorted(path for path in (ROOT / "tests" / "ui").rglob("*.resnet") if path.is_file())


@cache
def formatted(text: str) -> str:
    return format(Source("test.resnet", text))


# -- laws -------------------------------------------------------------------------------------------------------------


@cache
def parsed(text: str) -> syntax.File | None:
    sink = Sink()
    tree = parse(Source("test.resnet", text), sink)
    return None if sink.failed else tree


def bare(node: object) -> object:
    """A syntax tree as nested tuples without its places; the used files as a set, for their order means nothing."""
    if isinstance(node, syntax.File):
        return {use.path for use in node.uses}, bare(node.items)
    if isinstance(node, tuple):
        return tuple(bare(part) for part in node)
    if isinstance(node, Span | Source):
        return None
    if dataclasses.is_dataclass(node):
        return type(node).__name__, *(bare(getattr(node, field.name)) for field in dataclasses.fields(node))
    return node


def comments(text: str) -> tuple[list[str], list[str]]:
    """All comments and documentation: those above the first item sorted, for they follow their `use`; the others."""
    items = {"DOC", "BLOCK", "POLICY", "SLOT", "MODEL", "EXTERN"}
    split = next((token.start_pos for token in parser().lex(text) if token.type in items), len(text))
    found = [m for m in re.finditer(r'"[^"\n]*"|//[^\n]*', text) if m.group().startswith("//")]
    texts = [(m.start() < split, m.group().rstrip()) for m in found]
    return sorted(c for above, c in texts if above), [c for above, c in texts if not above]


def assert_lawful(text: str) -> str:
    made = formatted(text)
    assert formatted(made) == made
    assert bare(parsed(made)) == bare(parsed(text))
    assert comments(made) == comments(text)
    assert made.endswith("\n") and not made.endswith("\n\n") and "\r" not in made and "\t" not in made
    assert not re.search(r"[ \t]$|\n\n\n", made, re.MULTILINE)
    return made


@pytest.mark.parametrize("path", [*SHIPPED, *CASES], ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_laws_hold(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    made = assert_lawful(text)
    assert formatted(text.replace("\n", "\r\n")) == made


@pytest.mark.parametrize("path", UI, ids=lambda path: path.relative_to(ROOT / "tests" / "ui").as_posix())
def test_a_text_is_formatted_or_refused_with_its_faults(path: Path) -> None:
    text = path.read_bytes().decode(errors="replace").removeprefix("\ufeff").replace("\0", "")
    if parsed(text) is None:
        with pytest.raises(Unparsed) as refusal:
            formatted(text)
        assert refusal.value.diagnostics
    else:
        assert_lawful(text)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_text_becomes_what_is_recorded(path: Path, update: bool) -> None:
    made, recorded = formatted(path.read_text(encoding="utf-8")), path.with_suffix(".expected")
    if update:
        recorded.write_text(made, encoding="utf-8")
    assert made == recorded.read_text(encoding="utf-8")
    assert [line for line in made.split("\n") if len(line) > WIDTH] == []


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_shipped_specs_are_canonical(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert formatted(text) == text


# -- random texts -----------------------------------------------------------------------------------------------------

WORDS = ("a", "b2", "width", "a_rather_long_name_for_a_layer")
NUMBERS = ("0", "7", "25_557_032", "1e-5", "2.50")
COMPARISONS = ("==", "!=", "<=", ">=", "<", ">")
LEVELS = (("or",), ("and",), COMPARISONS, ("+", "-"), ("*", "/", "%"))  # loosest first


class Writer:
    """Writes a random file of the language as tokens, top down by the grammar, so that every one parses."""

    def __init__(self, chance: random.Random, size: int) -> None:
        self.chance, self.size = chance, size
        self.tokens: list[str] = []

    def put(self, *tokens: str) -> None:
        self.tokens += tokens

    def often(self, times: int = 3) -> range:
        return range(self.chance.randrange(times + 1))

    def maybe(self, write: Callable[[], None], odds: float = 0.5) -> None:
        if self.chance.random() < odds:
            write()

    def name(self) -> None:
        self.put(self.chance.choice(WORDS))

    def listed(self, opening: str, write: Callable[[], None], closing: str) -> None:
        self.put(opening)
        count = self.chance.choice((0, 1, 1, 2, 3, 7))
        for i in range(count):
            write()
            if i < count - 1 or self.chance.random() < 0.2:
                self.put(",")
        self.put(closing)

    # -- expressions, `depth` levels of them at most

    def expr(self, depth: int) -> None:
        kind = self.chance.random()
        if depth > 0 and kind < 0.4:
            for i in range(self.chance.randrange(2, 6)):
                self.put(*(["|>"] if i else []))
                self.step(depth - 1)
        else:
            self.step(depth)

    def step(self, depth: int) -> None:
        if depth > 0 and self.chance.random() < 0.25:
            self.postfix(0)
            self.put(":")
            self.postfix(depth - 1)
        else:
            self.operation(depth, arithmetic=True)

    def operation(self, depth: int, level: int = 0, arithmetic: bool = False) -> None:
        """Where a layer stands only `arithmetic` may: a comparison there is refused."""
        if level == len(LEVELS):
            self.maybe(lambda: self.put("-"), 0.1)
            self.postfix(depth)
            return
        low = level if not arithmetic else max(level, 3)
        more = range(1 if LEVELS[low] == COMPARISONS else self.chance.randrange(1, 3))
        self.operation(depth, low + 1)
        if depth > 0 and self.chance.random() < 0.25:
            for _ in more:
                self.put(self.chance.choice(LEVELS[low]))
                self.operation(depth - 1, low + 1)

    def postfix(self, depth: int) -> None:
        self.atom(depth)
        for _ in self.often(2):
            kind = self.chance.randrange(3 if depth > 0 else 1)
            if kind == 0:
                self.put(".")
                self.name()
            elif kind == 1:
                self.put("[")
                self.operation(depth - 1)
                self.put("]")
            else:
                self.listed("(", lambda: self.argument(depth - 1), ")")

    def argument(self, depth: int) -> None:
        if self.chance.random() < 0.4:
            self.name()
            self.put("=")
            self.expr(depth)
        else:
            self.operation(depth)

    def atom(self, depth: int) -> None:
        kind = self.chance.randrange(6 if depth > 0 else 3)
        if kind == 0:
            self.put(self.chance.choice(NUMBERS))
        elif kind == 1:
            self.put(self.chance.choice(("in", "stem", "head", '"text // of it"')))
        elif kind == 2:
            self.name()
        elif kind == 3:
            self.listed("[", lambda: self.operation(depth - 1), "]")
        elif kind == 4:
            self.put("(")
            self.expr(depth - 1)
            self.put(")")
        else:
            self.put("(")
            self.expr(depth - 1)
            self.put("when")
            self.operation(depth - 1)
            self.put("otherwise")
            self.expr(depth - 1)
            self.put(")")

    # -- statements and items

    def equals(self, sign: str = "=") -> None:
        self.put(sign)
        self.expr(self.size)

    def let(self) -> None:
        self.put("let")
        self.name()
        self.equals()

    def require(self) -> None:
        self.put("require")
        self.operation(self.size)
        self.put("otherwise", '"what must hold"')

    def bind(self) -> None:
        self.put("set")
        self.name()
        self.equals()

    def each(self) -> None:
        self.put("each", "i", "in")
        self.operation(1)
        self.put("{")
        self.body(self.let, self.require)
        self.put("}")

    def body(self, *kinds: Callable[[], None]) -> None:
        for _ in self.often():
            self.chance.choice(kinds)()

    def when(self) -> None:
        self.put("when")
        self.operation(self.size)

    def case(self) -> None:
        self.when()
        self.equals("=>")

    def input(self) -> None:
        self.put("input", "[", "3", ",", "H", "]", "=", "[", "3", ",", "8", "]")
        self.maybe(self.when)

    def repeat(self) -> None:
        self.maybe(lambda: self.put("each", "w", "in"))
        self.operation(1)
        self.put("of")
        self.postfix(self.size)

    def stage(self) -> None:
        self.put("stage")
        self.name()
        self.put("=")
        self.repeat()
        for _ in self.often(2):
            self.put(",")
            self.repeat()

    def expect(self) -> None:
        self.put("expect")
        self.operation(self.size)
        self.maybe(self.when)
        self.maybe(lambda: self.put("otherwise", '"as published"'))

    def parameter(self) -> None:
        self.maybe(lambda: self.put("first"))
        self.name()
        self.put(":", "int")
        self.maybe(self.equals)

    def opening(self, word: str) -> None:
        for _ in self.often(2):
            self.put("/// What it is.\n")
        self.put(word)
        self.name()

    def parameters(self) -> None:
        self.listed("(", self.parameter, ")")

    def item(self) -> None:
        kind = self.chance.choice(("block", "policy", "slot", "model", "instance", "extern"))
        self.opening("model" if kind == "instance" else kind)
        if kind != "instance":
            self.parameters()
        getattr(self, f"rest_of_{kind}")()

    def rest_of_block(self) -> None:
        self.put("{")
        self.body(self.let, self.require, self.bind, self.each)
        self.put("out")
        self.equals()
        self.put("}")

    def rest_of_policy(self) -> None:
        self.put("{")
        self.body(self.let, self.require)
        self.body(self.case)
        self.put("otherwise")
        self.equals("=>")
        self.put("}")

    def rest_of_slot(self) -> None:
        self.put('"x#"')
        self.equals()

    def rest_of_model(self) -> None:
        self.put("{")
        self.maybe(lambda: self.put("each", "n", "in", "[", "1", "]"))
        self.body(self.let, self.require, self.bind)
        self.input()
        self.put("stem")
        self.equals()
        self.body(self.stage)
        self.put("head")
        self.equals()
        self.body(self.expect)
        self.put("}")

    def rest_of_instance(self) -> None:
        self.equals()
        if self.chance.random() < 0.5:
            self.put("{")
            self.maybe(self.input)
            self.body(self.expect)
            self.put("}")

    def rest_of_extern(self) -> None:
        self.put("[", "C", "]", "=>", "[", "C", "]", "=", '"ops:Attend"')

    def file(self) -> str:
        self.put("edition", "1")
        for _ in self.often():
            self.put("use", self.chance.choice(WORDS), ".", self.chance.choice(WORDS))
        for _ in self.often():
            self.item()
        return self.spaced()

    def spaced(self) -> str:
        """The tokens with anything between them that may be there; every comment says which one it is."""
        out = []
        noise = self.chance.choice((0.0, 0.05, 0.3))
        for i, token in enumerate(self.tokens):
            if self.chance.random() < noise:
                lead = self.chance.choice((" ", "\n", "\n\n", ""))
                out.append(f"{lead}// {i}{self.chance.choice((chr(10), '  ' + chr(10) * 3, chr(13) + chr(10)))}")
            out.append(token)
            out.append(self.chance.choice((" ", " ", " ", "\n", "\n\n\n", "\t", "\r\n") if noise else (" ",)))
        return "".join(out)


@given(st.integers(min_value=0), st.integers(min_value=0, max_value=2))
@settings(max_examples=100)
def test_the_laws_hold_for_random_texts(seed: int, size: int) -> None:
    text = Writer(random.Random(seed), size).file()
    assert parsed(text) is not None, text
    assert_lawful(text)


# -- the commands -----------------------------------------------------------------------------------------------------

LOOSE = "edition 1\nblock b(){out=in}\n"
CANONICAL = "edition 1\n\nblock b() {\n  out = in\n}\n"


def run(*arguments: str) -> int:
    """One of the commands, declared as the command line declares it."""
    top = argparse.ArgumentParser()
    commands = top.add_subparsers(required=True)

    def command(
        name: str, run: Callable[[argparse.Namespace], int], help: str, example: str
    ) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=help, epilog=example)
        made.set_defaults(run=run)
        return made

    fmt.add_commands(command, lambda made: None)
    options = top.parse_args(arguments)
    status: int = options.run(options)
    return status


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "loose.resnet").write_text(LOOSE)
    (tmp_path / "canonical.resnet").write_text(CANONICAL)
    (tmp_path / "other.txt").write_text(LOOSE)
    return tmp_path


def test_fmt_rewrites_what_it_must_and_names_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = read_folder(folder)
    assert run("fmt", ".", "canonical.resnet") == 0
    assert capsys.readouterr() == ("below/loose.resnet\n", "")
    assert read_folder(folder) == before | {"below/loose.resnet": CANONICAL.encode()}
    assert run("fmt", ".") == 0
    assert capsys.readouterr() == ("", "")


def test_fmt_check_writes_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = read_folder(folder)
    assert run("fmt", "--check", ".") == 1
    assert capsys.readouterr() == ("below/loose.resnet\n", "")
    assert read_folder(folder) == before
    assert run("fmt", "--check", "canonical.resnet") == 0
    assert capsys.readouterr() == ("1 file is canonical\n", "")


def test_fmt_writes_all_files_or_none(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "broken.resnet").write_text("edition 1\nblock b( {}\n")
    before = read_folder(folder)
    assert run("fmt", ".", "nowhere.resnet") == 1
    out, err = capsys.readouterr()
    assert out == "" and "broken.resnet:2" in err and "E0507" in err and err.endswith("nothing was written\n")
    assert read_folder(folder) == before


@pytest.mark.parametrize("data", [CANONICAL.encode().replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + CANONICAL.encode()])
def test_fmt_removes_other_line_ends_and_byte_order_marks(folder: Path, data: bytes) -> None:
    (folder / "canonical.resnet").write_bytes(data)
    assert run("fmt", "canonical.resnet") == 0
    assert (folder / "canonical.resnet").read_bytes() == CANONICAL.encode()


def test_fmt_keeps_modes_and_links(folder: Path) -> None:
    file = folder / "below" / "loose.resnet"
    file.chmod(0o640)
    (folder / "link.resnet").symlink_to(file)
    assert run("fmt", "link.resnet") == 0
    assert (folder / "link.resnet").is_symlink()
    assert (file.read_text(), file.stat().st_mode & 0o777) == (CANONICAL, 0o640)


def test_fmt_leaves_everything_when_it_cannot_write(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "second.resnet").write_text(LOOSE)
    before = read_folder(folder)
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "second.resnet")
    assert run("fmt", ".") == 1
    assert "second.resnet cannot be written: Permission denied" in capsys.readouterr().err
    assert read_folder(folder) == before


@pytest.mark.parametrize(("arguments", "status", "out"), [([], 0, CANONICAL), (["--check"], 1, "standard input\n")])
def test_fmt_of_standard_input(
    arguments: list[str],
    status: int,
    out: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(LOOSE.encode())))
    assert run("fmt", "-", *arguments) == status
    assert capsys.readouterr() == (out, "")


def test_fmt_refuses_shipped_names_and_standard_input_among_files(folder: Path) -> None:
    with pytest.raises(UsageError, match="pass the path of a file"):
        run("fmt", "imagenet/resnet50")
    with pytest.raises(UsageError, match="must be the only argument"):
        run("fmt", "-", "canonical.resnet")


@pytest.mark.parametrize(
    ("file", "model"),
    [("mynet", "mynet"), ("nets/own.resnet", "own"), ("class", "net"), ("two words", "net"), ("wide", "net")],
)
def test_new_writes_a_canonical_spec_that_compiles(
    file: str, model: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("new", file) == 0
    path = file.removesuffix(".resnet") + ".resnet"
    assert capsys.readouterr() == (path + "\n", "")
    text = Path(path).read_text()
    assert formatted(text) == text
    session = Session()
    session.add(path)
    assert [checked.network.name for checked in session.compile_networks()] == [model]
    assert session.sink.diagnostics == []


def test_new_does_not_overwrite(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = read_folder(folder)
    assert run("new", "canonical") == 1
    assert "canonical.resnet already exists" in capsys.readouterr().err
    assert read_folder(folder) == before
