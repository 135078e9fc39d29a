"""S18, S21: no text of a user's drives a terminal or floods it, wherever it stands and whatever speaks of it."""

import io
import json
import re
import sys
import unicodedata
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from resnetc import terminal
from resnetc.cli.main import main
from resnetc.compiler.driver.session import Session
from resnetc.runtime.errors import RunError
from resnetc.testing.__main__ import main as assert_again

OURS = re.compile(r"\x1b\[(0|1|1;4|1;3[134]|4|36|40|1;36;40|1;33|1;34)m")  # colours; none of them blinks
PARTS = [
    *("\x1b[5m", "\x1b]0;pwn\x07", "\x1b[2J", "\x9b5m", "\x90", "\u202e", "\u2066", "\u061c", "\u200b", "\u200d"),
    *("\ufeff", "\u2028", "\u2029", "\u0085", "\x7f", "\x08", "\r", "\x0b", "\x0c", "\x1c", "\udcff", "\U000e0041"),
    *("a", " ", "=", ".", "é", "宽", "[red]", "[/]", "%", "`", "{x}"),
]
HOSTILE = st.lists(st.sampled_from(PARTS), min_size=1, max_size=8).map("".join).map(lambda text: f"a{text}b")
SPEC = """edition 1
use std.blocks

/// {doc}
block unit(width: int) {{
  require width < 99 otherwise "{said}"
  out = in |> conv(width, kernel=1)
}}

/// {doc}
model net(width: int = {width}, mode: string = "{said}") {{
  input [3, H, W] = [3, 32, 32]
  stem = conv(16, kernel=3)
  stage layer1 = 1 of unit(width)
  head = global_avg_pool |> fc: linear(10)
  expect width {claim} 200 and mode == "{said}" otherwise "{said}"
}}
"""


class Screen(io.StringIO):
    """A terminal, or what stands at the end of a pipe."""

    def __init__(self, tty: bool) -> None:
        super().__init__()
        self.tty = tty

    def isatty(self) -> bool:
        return self.tty


def said(arguments: list[str], tty: bool = False, run=main) -> str:
    """All that a command says, without the colours that are ours."""
    out, err = Screen(tty), Screen(tty)
    with redirect_stdout(out), redirect_stderr(err):
        try:
            status = run(arguments)
        except SystemExit as stop:
            status = stop.code
    assert status in (0, 1, 2), (arguments, err.getvalue())
    text = out.getvalue() + err.getvalue()
    return OURS.sub("", text) if tty else text


def hidden(text: str) -> set[str]:
    return {c for c in text if c not in "\n\t" and unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}


def spec(text: str, width: int = 4, claim: str = "<") -> bytes:
    words = re.sub(r'["\n\r]', " ", text)
    return SPEC.format(doc=words, said=words, width=width, claim=claim).encode("utf-8", "replace")


# -- where a user's text can stand ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("terminal")
    (made / "net.resnet").write_bytes(spec("plain"))
    return made


def arguments(text: str, net: str) -> list[list[str]]:
    """Command lines that hold it, each where a message repeats it."""
    return [
        ["show", net, "--model", text],
        ["compile", net, "--model", text],
        ["test", net, "--model", text],
        ["show", net, "--set", f"{text}=1"],
        ["show", net, "--set", f"width={text}"],
        ["show", net, "--set", text],
        ["show", net, "--input", text],
        ["show", net, "--format", text],
        ["list", text],
        ["explain", text],
        ["check", net, f"--{text}"],
        [f"x{text}"],
        ["check", text],
        ["check", text, "--format", "github"],
        ["check", text, "--format", "json"],
        ["fmt", "--check", text],
        ["eval", text],
        ["eval", text, "--data", text],
        ["train", net, "--data", text],
        ["train", net, "--data", f"npz:{text}"],
        ["train", net, "--recipe", text],
        ["train", net, "--recipe", f"{text}.yaml"],
        ["train", net, "--override", text],
        ["train", net, "--override", f"{text}=1"],
        ["train", net, "--override", f"epochs={text}"],
        ["train", net, "--override", f"optimizer={text}"],
        ["train", net, "--override", f"nesterov={text}"],
        ["train", net, "--seed", text],
        ["train", f"{text}.py"],
        ["train", net, "--resume", "--out", text],
        ["compare", text],
        ["compare", net, "--seeds", text],
    ]


@settings(max_examples=3)
@given(HOSTILE, st.booleans())
@example("a\x1b[5mb", True)
@example("a\x1b]0;pwn\x07b\u202e", False)
def test_no_command_line_drives_a_terminal(folder: Path, text: str, tty: bool) -> None:
    for words in arguments(text, str(folder / "net.resnet")):
        assert hidden(said(words, tty)) == set(), words


@settings(max_examples=2)
@given(HOSTILE, st.booleans())
@example("a\x1b[5mb\x07", True)
@example("a\x1b[5mb\u200b\x7f", False)
def test_no_spec_drives_a_terminal(folder: Path, text: str, tty: bool) -> None:
    """Comments, requirements, claims, values and names of files."""
    name = re.sub(r"[/\x00]", " ", text)
    path = folder / f"{name}.resnet"
    for width, claim in ((100, "<"), (4, ">")):
        path.write_bytes(spec(text, width, claim))
        for words in (
            ["check", str(path)],
            ["check", str(path), "--format", "github"],
            ["check", str(path), "--format", "json"],
        ):
            assert hidden(said(words, tty)) == set(), words
    path.write_bytes(spec(text))
    for words in (
        ["check", str(path)],
        ["show", str(path)],
        ["show", str(path), "--format", "json"],
        ["show", str(path), "--format", "mermaid"],
        ["show", str(path), "--format", "svg"],
        ["compile", str(path), "-o", "-"],
        ["compile", str(path), "--check", "-o", str(folder / name)],
        ["fmt", "--check", str(path)],
        ["new", str(path)],
        ["train", str(path), "--data", "npz:nowhere"],
    ):
        assert hidden(said(words, tty)) == set(), words
    assert hidden(said([str(path)], tty, run=assert_again)) == set()
    path.unlink()


@settings(max_examples=25)
@given(HOSTILE, HOSTILE)
@example("a\x1b[5mb", "\u202e")
def test_no_recipe_drives_a_terminal(folder: Path, key: str, value: str) -> None:
    net, recipe = str(folder / "net.resnet"), folder / "recipe.yaml"
    for text in (
        f"{json.dumps(key)}: 1\n",
        f"epochs: {json.dumps(value)}\n",
        f"optimizer: {json.dumps(value)}\n",
        f"milestones: [{json.dumps(value)}]\n",
        f"!{key} epochs: 1\n",
        f"{key}: {value}\n",
    ):
        recipe.write_bytes(text.encode("utf-8", "surrogatepass"))
        shown = said(["train", net, "--recipe", str(recipe)])
        assert "recipe.yaml" in shown and hidden(shown) == set()


def test_a_network_named_by_its_text_drives_no_terminal(folder: Path) -> None:
    """A family over strings: its networks have names made of them."""
    path = folder / "family.resnet"
    text = (
        spec("plain")
        .decode()
        .replace('mode: string = "plain") {', 'mode: string) {\n  each mode in ["a\x1b[5m", "b\x07"]')
    )
    path.write_text(text.replace('and mode == "plain" ', ""))
    for words in (
        ["show", str(path)],
        ["check", str(path)],
        ["compile", str(path), "-o", "-"],
        ["show", "--format=svg"],
    ):
        shown = said([*words, str(path)] if words == ["show", "--format=svg"] else words)
        assert hidden(shown) == set()


def test_exceptions_of_the_library_can_be_printed() -> None:
    """Whoever calls the API prints them without a guard."""
    import resnetc

    with pytest.raises(ValueError, match=r"a\\x1b\[5m") as caught:
        resnetc.compile("digits", model="a\x1b[5m")
    assert hidden(str(caught.value)) == set()
    assert str(RunError("a\x1b[5m\u202e")) == r"a\x1b[5m\u202e"


def test_a_fault_of_our_own_is_told_without_driving_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise LookupError("a\x1b[5m\u202e")

    monkeypatch.setattr(Session, "compile_networks", fail)
    for traced in ("", "1"):
        monkeypatch.setenv("RESNETC_TRACEBACK", traced)
        err = Screen(True)
        with redirect_stderr(err):
            assert main(["check", "digits"]) == 70
        assert r"LookupError: a\x1b[5m\u202e" in err.getvalue() and hidden(err.getvalue()) == set()
        assert ("Traceback" in err.getvalue()) == bool(traced)


# -- the border -------------------------------------------------------------------------------------------------------


def test_every_character_is_shown_or_spelt() -> None:
    everything = "".join(map(chr, range(0x110000)))
    text = terminal.harmless(everything)
    assert hidden(text) == set() and text.encode() and len(text.splitlines()) == 2
    assert terminal.harmless("naïve 日本 a\u00a0b\u3000c\td\ne") == "naïve 日本 a\u00a0b\u3000c\td\ne"
    assert terminal.harmless("\x1b\r\x7f\u202e\udcff\U000e0041") == r"\x1b\r\x7f\u202e\udcff\U000e0041"
    assert terminal.harmless(text) == text and terminal.one_line("a\nb\tc") == r"a\nb\tc"


def test_only_our_colours_pass_a_guard() -> None:
    screen = Screen(True)
    guard = terminal.Guarded(screen)
    guard.write(terminal.paint("ours", "1;31") + "\x1b[1;31mtheirs\x1b[0m" + f"\x1b{'0' * 16}[1mguessed")
    guard.writelines(iter(["\x07", "\n"]))
    assert screen.getvalue() == (
        "\x1b[1;31mours\x1b[0m" + r"\x1b[1;31mtheirs\x1b[0m" + rf"\x1b{'0' * 16}[1mguessed" + r"\x07" + "\n"
    )


def test_a_table_keeps_its_colours_and_spells_its_text() -> None:
    from rich.text import Text

    screen = Screen(True)
    shown = terminal.drawn(lambda console: console.print(Text("a\x1b[5mb\u202e", style="bold")), 80, True)
    terminal.Guarded(screen).write(shown)
    assert screen.getvalue() == "\x1b[1ma" + r"\x1b[5mb\u202e" + "\x1b[0m\n"


def test_a_bar_spells_what_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    from resnetc.runtime import progress

    monkeypatch.setenv("TERM", "xterm")
    screen = Screen(True)
    with progress.choose_display("a\x1b[5m\x07" * 99, 1, 2, 3, stream=terminal.Guarded(screen)) as shown:
        shown.step(1, 1)
    text = screen.getvalue()
    assert r"a\x1b[5m\x07" in text and "\x1b[5m" not in text and "\x07" not in text and "\x1b[?25l" in text


def test_streams_are_guarded_while_a_command_runs_and_no_longer() -> None:
    before = sys.stdout, sys.stderr
    assert main(["explain"]) == 0
    assert (sys.stdout, sys.stderr) == before


def test_a_document_is_exact_in_a_pipe_and_spelt_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """`fmt -`: a comment with a control stays what it is in a file."""
    text = f"// {'x' * 9000}\n" + spec("a\x07b").decode()
    for tty in (False, True):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        shown = said(["fmt", "-"], tty)
        assert ("\x07" in shown) == (not tty) and "x" * 9000 in shown


# -- a megabyte -------------------------------------------------------------------------------------------------------

LONG, ARGUMENT = 1 << 20, (1 << 17) - 1  # what Linux takes as one argument
MOST = 5000  # characters of all that is said


@pytest.mark.parametrize("text", ["A" * ARGUMENT, "a " * (ARGUMENT // 2), "\x1b" * ARGUMENT])
def test_a_long_command_line_is_not_echoed(folder: Path, text: str) -> None:
    for words in arguments(text, str(folder / "net.resnet")):
        most = 16 * MOST if words[-1] == "json" else 2 * MOST  # a path is told whole, for each of its places
        assert 0 < len(said(words)) < most, [word[:9] for word in words]


def in_a_spec(what: str) -> str:
    """A spec with a fault, of which one text is about as long as a spec may be."""
    room = LONG - 2000
    given = spec("plain").decode()
    match what:
        case "line":
            return given.replace("stem = conv(16, kernel=3)", f"stem = conv(16, kernel=3{' ' * room}, pading=1)")
        case "identifier":
            return given.replace("of unit(width)", f"of {'u' * room}(width)")
        case "definition":
            return given.replace("model net", f"model {'n' * room}").replace("of unit(width)", "of unix(width)")
        case "argument":
            return given.replace("conv(16, kernel=3)", f"conv(16, {'k' * room}=3)")
        case "string":
            return given.replace('"plain") {', f'"{"s" * room}") {{').replace("< 200", "> 200")
        case "requirement":
            return given.replace('otherwise "plain"\n  out', f'otherwise "{"s " * (room // 2)}"\n  out').replace(
                "= 4,", "= 100,"
            )
        case "number":
            return given.replace("= 4,", f"= {'9' * room},")
        case "use":
            return given.replace("use std.blocks", f"use std.{'x' * room}")
    return given.replace("/// plain\nmodel", f"/// {'d ' * (room // 2)}\nmodel").replace("of unit", "of unix")


@pytest.mark.parametrize(
    "what", ["line", "identifier", "definition", "argument", "string", "requirement", "number", "use", "doc"]
)
def test_a_megabyte_in_a_spec_is_not_echoed(folder: Path, what: str) -> None:
    path = folder / "long.resnet"
    path.write_text(in_a_spec(what))
    assert LONG // 2 < path.stat().st_size <= LONG
    for words in (["check", str(path)], ["show", str(path)], ["check", str(path), "--format", "github"]):
        shown = said(words)
        assert "error" in shown and len(shown) < 2 * MOST, shown[:2000]
    shown = said(["check", str(path), "--format", "json"])
    assert len(shown) < 4 * MOST
    for line in shown.splitlines():
        json.loads(line)


@pytest.mark.parametrize("what", ["doc", "model", "stage", "label"])
def test_a_megabyte_that_compiles_is_not_shown_whole(folder: Path, what: str) -> None:
    given, room = spec("plain").decode(), LONG - 2000
    text = {
        "doc": given.replace("/// plain\nmodel", f"/// {'d ' * (room // 2)}\nmodel"),
        "model": given.replace("model net", f"model {'n' * room}"),
        "stage": given.replace("layer1", "l" * room),
        "label": given.replace("fc: linear", f"{'f' * room}: linear"),
    }[what]
    path = folder / "long.resnet"
    path.write_text(text)
    for words in (["show", str(path)], ["check", str(path)]):
        assert 0 < len(said(words)) < 2 * MOST


def test_a_megabyte_in_a_recipe_is_not_echoed(folder: Path) -> None:
    net, recipe = str(folder / "net.resnet"), folder / "long.yaml"
    for most, texts in (
        (60_000, ("epochs: {}", "optimizer: {}", "nesterov: {}", "{}: 1", "!{} a: 1", "milestones: [{}]")),
        (LONG, ("epochs: {}", "optimizer: {}")),
    ):
        for text in texts:
            recipe.write_text(text.format("v" * most))
            assert 0 < len(said(["train", net, "--recipe", str(recipe)])) < MOST, text


def test_what_stands_around_a_long_word_is_still_said(folder: Path) -> None:
    net = str(folder / "net.resnet")
    shown = said(["show", net, "--model", "m" * LONG])
    assert shown.startswith("resnetc: no model `mmm") and shown.endswith("mmm` here\nmodels: net\n")
    shown = said(["train", net, "--override", f"epochs={'a ' * 30_000}"])
    assert re.fullmatch(
        r"error: --override epochs=a a .*\.\.\..* a : .*`epochs` must be .*, not `a a .*\.\.\..*`\n", shown
    )


@given(st.text(st.sampled_from("ab \n"), max_size=300), st.integers(10, 40), st.integers(10, 20))
def test_a_bounded_text_has_bounded_lines(text: str, line: int, word: int) -> None:
    shown = terminal.bounded(text, line, word)
    assert shown.count("\n") == text.count("\n")
    assert max(map(len, shown.split("\n"))) <= max(line, word)
    if all(len(part) <= line for part in text.split("\n")) and all(len(part) <= word for part in text.split()):
        assert shown == text
