"""Texts that do not parse: what is said of them, where, how often; and what is read all the same."""

import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resnetc.compiler.diagnostics.diagnostic import Sink
from resnetc.compiler.loader.loader import LIBRARY
from resnetc.compiler.source import Source
from resnetc.compiler.syntax.parser import parse, parse_expression, parser
from resnetc.testing.mutations import diagnostics_of
from tests.support import format_position, replace_once

RESNET50 = (LIBRARY / "imagenet" / "resnet50.resnet").read_text(encoding="utf-8")
ROOT = Path(__file__).parents[3]

MODEL = """\
edition 1
use std.blocks

model net(classes: int = 10) {
  input [3, H, W] = [3, 32, 32]
  stem = conv(64, kernel=3) |> norm |> act
  stage layer1 = 2 of blocks.basic(64)
  head = global_avg_pool |> fc: linear(classes)
  expect weighted_layers == 6
}
"""


def read(text: str):
    """The faults of a text as (code, place, message, first help), and its file."""
    sink = Sink()
    file = parse(Source("t.resnet", text), sink)
    return [(d.code, format_position(d.primary.span), d.message, *d.helps[:1]) for d in sink.diagnostics], file


def faults(text: str) -> list[tuple[str, ...]]:
    return read(text)[0]


def codes(text: str) -> list[str]:
    return [fault[0] for fault in faults(text)]


# -- messages ---------------------------------------------------------------------------------------------------------

ORDER = "a model contains `each`; `let`, `require` and `set`; `input`; `stem`; `stage`; `head`; `expect`, in this order"
STEM = "a model has a stem before its stages: `stem = conv(64, kernel=3) |> norm |> act`"
TWICE = "a stage states its number of blocks: `stage layer1 = 2 of blocks.basic(64)`"
MESSAGES = {
    "misspelt statement": (
        replace_once(MODEL, "  stage layer1", "  stge layer1"),
        ("E0101", "7:3", "expected `stage` or `head`, found `stge`", "a similar keyword exists: `stage`"),
    ),
    "misspelt item": (
        replace_once(MODEL, "model net", "modle net"),
        (
            *("E0101", "4:1", "expected `block`, `policy`, `slot`, `model` or `extern`, found `modle`"),
            "a similar keyword exists: `model`",
        ),
    ),
    "misspelt edition": (
        replace_once(MODEL, "edition 1", "editon 1"),
        ("E0101", "1:1", "expected `edition`, found `editon`", "a similar keyword exists: `edition`"),
    ),
    "word of another language": (
        replace_once(MODEL, "  stage layer1", "  if classes == 3 {\n  }\n  stage layer1"),
        (
            *("E0101", "7:3", "expected `stage` or `head`, found `if`"),
            "write a conditional as `(value when condition otherwise other)`",
        ),
    ),
    "statement out of order": (
        replace_once(MODEL, "  head", "  let x = 3\n  head"),
        ("E0101", "8:3", "expected `stage` or `head`, found `let`", ORDER),
    ),
    "missing statement": (
        replace_once(MODEL, "  stem = conv(64, kernel=3) |> norm |> act\n", ""),
        ("E0101", "6:3", "expected `when` or `stem`, found `stage`", STEM),
    ),
    "missing `of`": (
        replace_once(MODEL, "2 of", "2"),
        ("E0101", "7:20", "expected `of` or `|>`, found `blocks`", TWICE),
    ),
    "missing count": (replace_once(MODEL, "2 of", "of"), ("E0101", "7:18", "expected a value or `each`, found `of`")),
    "missing pipe": (replace_once(MODEL, "|> norm", "norm"), ("E0101", "6:29", "expected `|>`, found `norm`")),
    "missing step": (
        replace_once(MODEL, "|> norm |> act", "|> |> act"),
        ("E0101", "6:32", "expected a value, found `|>`", "remove one of the two `|>`"),
    ),
    "missing value": (
        replace_once(MODEL, "= 2 of blocks.basic(64)", "="),
        ("E0101", "8:3", "expected a value or `each`, found `head`", ORDER),
    ),
    "doubled word": (
        replace_once(MODEL, "  stem", "  stem stem"),
        ("E0101", "6:8", "expected `=`, found `stem`", "remove one of the two `stem`"),
    ),
    "assignment in a condition": (
        replace_once(MODEL, "layers == 6", "layers = 6"),
        (
            *("E0101", "9:26", "expected `when`, `otherwise`, `|>` or `}`, found `=`"),
            "compare with `==`",
        ),
    ),
    "list in parentheses": (
        replace_once(MODEL, "[3, 32, 32]", "(3, 32, 32)"),
        ("E0101", "5:23", "expected `when`, `)` or `|>`, found `,`", "write a list in square brackets: `[3, 32, 32]`"),
    ),
    "unclosed parenthesis": (
        replace_once(MODEL, "basic(64)", "basic(64"),
        ("E0101", "8:3", "expected `)`, `,` or `|>`, found `head`"),
    ),
    "stray brace": (
        MODEL + "}\n",
        (
            "E0101",
            "11:1",
            "expected `block`, `policy`, `slot`, `model` or `extern`, found `}`",
            "remove it, or add the `{` that it closes",
        ),
    ),
    "late use": (
        MODEL + "use std.gates\n",
        (
            *("E0101", "11:1", "expected `block`, `policy`, `slot`, `model` or `extern`, found `use`"),
            "`use` lines go between the edition and the first definition",
        ),
    ),
    "path with a slash": (
        replace_once(MODEL, "std.blocks", "std/blocks"),
        (
            *("E0101", "2:8", "expected `use`, `block`, `policy`, `slot`, `model`, `extern` or `.`, found `/`"),
            "write the path with dots: `use std.blocks`",
        ),
    ),
    "trailing documentation": (
        MODEL + "/// A net.\n",
        (
            *("E0101", "11:1", "expected `block`, `policy`, `slot`, `model` or `extern`, found a `///` comment"),
            "`///` documents the definition below it; other comments start with `//`",
        ),
    ),
    "policy without otherwise": (
        MODEL + "policy p() {\n  when here.index == 0 => act\n}\n",
        (
            *("E0101", "13:1", "expected `when` or `otherwise`, found `}`"),
            "a policy ends with its default case: `otherwise => identity`",
        ),
    ),
    "unclosed text": (
        replace_once(MODEL, "layers == 6", 'layers == 6 otherwise "six'),
        ("E0102", "9:41", "unterminated string", 'close it with `"` on the same line'),
    ),
    "single quotes": (
        replace_once(MODEL, "layers == 6", "layers == 6 otherwise 'it is six'"),
        ("E0103", "9:41", "unexpected character `'`", 'strings are written in double quotes: "it is six"'),
    ),
    "foreign operator": (
        replace_once(MODEL, "kernel=3", "kernel=9 ÷ 3"),
        ("E0103", "6:28", "unexpected character `÷`", "divide with `/`"),
    ),
    "semicolon": (
        replace_once(MODEL, "|> act", "|> act;"),
        ("E0103", "6:43", "unexpected character `;`", "statements need no separator"),
    ),
    "hash": (
        replace_once(MODEL, "|> act", "|> act # as always, nothing new"),
        ("E0103", "6:44", "unexpected character `#`", "comments start with `//`"),
    ),
    "letters of other scripts": (
        replace_once(MODEL, "layer1", "läyër1"),
        (
            *("E0103", "7:10", "unexpected character `ä`"),
            "names consist of the letters a-z, A-Z, digits and `_`",
        ),
    ),
    "wide space": (
        replace_once(MODEL, "= conv", "=\u00a0conv"),
        ("E0103", "6:9", "unexpected character U+00A0", "write an ordinary space"),
    ),
    "reserved word as a name": (
        replace_once(MODEL, "model net(classes", "model input(classes"),
        (
            *("E0104", "4:7", "`input` is a reserved word and cannot be used as a name"),
            "choose another name, for instance `input_`",
        ),
    ),
    "reserved word as a parameter": (
        replace_once(MODEL, "net(classes", "net(\n  model: layer,\n  classes"),
        (
            *("E0104", "5:3", "`model` is a reserved word and cannot be used as a name"),
            "choose another name, for instance `model_`",
        ),
    ),
    "unknown edition": (
        replace_once(MODEL, "edition 1", "edition 2"),
        (
            *("E0106", "1:9", "this compiler does not support edition 2 of the language"),
            "start the spec with `edition 1`",
        ),
    ),
    "label as an argument": (
        replace_once(MODEL, "kernel=3", "kernel: 3"),
        ("E0108", "6:19", "a named argument is written with `=`, not with `:`", "write `kernel=3`"),
    ),
    "missing edition": (
        replace_once(MODEL, "edition 1\n", ""),
        ("E0110", "1:1", "a spec starts with its edition", "write `edition 1` on the first line"),
    ),
    "empty": ("", ("E0110", "1:1", "a spec starts with its edition", "write `edition 1` on the first line")),
    "unclosed brace": (
        MODEL[:-2] + "\nblock b() { out = in }\n",
        (
            *(
                "E0111",
                "9:29",
                "the model `net` is incomplete: expected `each`, `when`, `otherwise`, `expect` or `}`",
            ),
            "every `{` of a block, policy or model needs a matching `}`",
        ),
    ),
    "unfinished use": (
        replace_once(MODEL, "std.blocks", "std."),
        ("E0111", "2:8", "this `use` is incomplete: expected a name"),
    ),
    "comparison in a pipe": (
        replace_once(MODEL, "|> norm", "> norm"),
        ("E0113", "6:29", "`>` compares, and a comparison is not a layer", "write `|>` between layers"),
    ),
    "comparison as a head": (
        replace_once(MODEL, "global_avg_pool |> fc: linear(classes)", "classes == 10"),
        (
            *("E0113", "8:18", "`==` compares, and a comparison is not a layer"),
            "a comparison can only follow `when`, `require` or `expect`",
        ),
    ),
}


@pytest.mark.parametrize("case", MESSAGES)
def test_one_fault_is_one_message(case):
    text, expected = MESSAGES[case]
    assert faults(text) == [expected]


def test_an_open_bracket_is_shown():
    def opened(text: str) -> list[tuple[str, str]]:
        sink = Sink()
        parse(Source("t.resnet", text), sink)
        return [(format_position(label.span), label.text) for d in sink.diagnostics for label in d.labels]

    assert opened(replace_once(MODEL, "basic(64)", "basic(64")) == [("7:35", "this `(` is not closed")]
    assert opened(replace_once(MODEL, "32, 32]", "32, 32")) == [("5:21", "this `[` is not closed")]
    assert opened(MODEL[:-2]) == [("4:30", "this `{` is not closed")]


def test_fixes_put_right_what_they_mark():
    for case in ("misspelt statement", "missing `of`", "assignment in a condition", "foreign operator", "doubled word"):
        sink = Sink()
        source = Source("t.resnet", MESSAGES[case][0])
        parse(source, sink)
        ((edit,),) = [d.fix for d in sink.diagnostics]
        assert codes(source.text[: edit.span.start] + edit.replacement + source.text[edit.span.end :]) == [], case


# -- several faults ---------------------------------------------------------------------------------------------------


def test_every_statement_has_its_own_fault():
    text = MODEL.replace("2 of", "2").replace("|> norm", "norm").replace("layers ==", "layers =")
    assert [(fault[0], fault[1]) for fault in faults(text)] == [("E0101", "6:29"), ("E0101", "7:20"), ("E0101", "9:26")]


def test_characters_are_reported_one_by_one_and_read_as_what_they_mean():
    found, file = read(replace_once(MODEL, "layers == 6", "layers ≥ 6 && classes × 2 == 20"))
    assert [(fault[1], fault[3]) for fault in found] == [
        ("9:26", "compare with `>=`"),
        ("9:30", "join conditions with `and`"),
        ("9:41", "multiply with `*`"),
    ]
    assert [item.name.id for item in file.items] == ["net"]


def test_at_most_twenty_faults_are_reported():
    lets = "".join(f"  let x{i} = = {i}\n" for i in range(100))
    assert codes(f"edition 1\nblock a() {{\n{lets}  out = in\n}}\n") == ["E0101"] * 20
    assert codes("edition 1\n" + "@\n" * 100) == ["E0103"] * 20


def test_items_that_are_whole_are_read_and_others_are_missed_by_nobody():
    items = "block one() { out = in }\nblock two( { out = in }\nblock three() { out = in }\n"
    found, file = read(replace_once(MODEL, "2 of", "2") + items)
    assert [fault[1] for fault in found] == ["7:20", "12:12"]
    assert [item.name.id for item in file.items] == ["one", "three"]
    assert file.broken == {"net", "two"}


def test_use_lines_survive_a_missing_edition():
    _, file = read(replace_once(MODEL, "edition 1\n", ""))
    assert [use.path for use in file.uses] == [("std", "blocks")]
    assert [item.name.id for item in file.items] == ["net"]


def test_files_whose_use_line_is_broken_are_not_missed():
    _, file = read(replace_once(MODEL, "use std.blocks", "use std.\nuse std.gates"))
    assert [use.path for use in file.uses] == [("std", "gates")]
    assert "blocks" in file.broken


def test_an_item_that_the_builder_refuses_is_broken():
    found, file = read(replace_once(MODEL, "64, kernel=3", f"{'7' * 19}, kernel=3"))
    assert found == [
        (
            "E0107",
            "6:15",
            "a number has at most 18 digits",
            "write a number below 10^18, with at most 18 digits in total",
        )
    ]
    assert file.items == () and file.broken == {"net"}


@pytest.mark.parametrize("damage", ["deleted", "replaced by a space", "doubled"])
def test_one_damaged_token_is_reported_near_it_and_at_most_three_times(damage):
    """Any token of a whole spec, to the end of the compiler: parsed, resolved, expanded, proved."""
    wrong = []
    for token in parser().lex(RESNET50):
        before, after = RESNET50[: token.start_pos], RESNET50[token.end_pos :]
        if damage == "replaced by a space" and (not before or before[-1].isspace() or after[0].isspace()):
            continue  # the same tokens as where it is deleted
        again = f"{token}\n{token}" if token.type == "DOC" else f"{token} {token}"
        text = before + {"deleted": "", "replaced by a space": " ", "doubled": again}[damage] + after
        spans = [d.primary.span for d in diagnostics_of(text)]
        near = [span.source.text == text and abs(line_of(span) - token.line) <= 2 for span in spans]
        if not all(near) or len(near) > 3 or (token.type != "DOC" and not near):
            wrong.append((str(token), token.line, [(line_of(span), span.text) for span in spans]))
    assert wrong == []


def line_of(span):
    return span.source.find_position(span.start).line


# -- expressions of the command line ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", ("E0101", "1:1", "expected a value, found the end")),
        ("conv(64", ("E0101", "1:8", "expected `)`, `,` or `|>`, found the end")),
        ("a |>", ("E0101", "1:5", "expected a value, found the end")),
        ("64 65", ("E0101", "1:4", "expected `|>` or the end, found `65`")),
        ("(1 when 2)", ("E0101", "1:10", "expected `otherwise` or `|>`, found `)`")),
        ("let", ("E0101", "1:1", "expected a value, found `let`")),
        ('"x', ("E0102", "1:1", "unterminated string")),
        ("a;b", ("E0103", "1:2", "unexpected character `;`")),
        ("a > b |> c", ("E0113", "1:3", "`>` compares, and a comparison is not a layer")),
        ("(" * 3000, ("E0105", "1:2001", "this expression is nested more than 64 levels deep")),
    ],
)
def test_an_expression_has_one_fault(text, fault):
    sink = Sink()
    assert parse_expression(Source("--set x", text), sink) is None
    assert [(d.code, format_position(d.primary.span), d.message) for d in sink.diagnostics] == [fault]


def test_an_expression_is_read():
    sink = Sink()
    assert parse_expression(Source("--set norm", "group_norm(groups=32)"), sink).span.text == "group_norm(groups=32)"
    assert sink.diagnostics == []


# -- large and strange texts ------------------------------------------------------------------------------------------

BLOCK = "edition 1\nblock a() {{\n  out = {}\n}}\n"
NESTED = {
    "parentheses": lambda n: BLOCK.format("(" * n + "in" + ")" * n),
    "open parentheses": lambda n: BLOCK.format("(" * n),
    "brackets": lambda n: BLOCK.format("[" * n + "in" + "]" * n),
    "negations": lambda n: BLOCK.format("-" * n + "1"),
    "sums": lambda n: BLOCK.format("in" + " + in" * n),
    "calls": lambda n: BLOCK.format("act(" * n + ")" * n),
    "calls of calls": lambda n: BLOCK.format("act" + "()" * n),
    "attributes": lambda n: BLOCK.format("in" + ".x" * n),
    "choices": lambda n: BLOCK.format("(in when true otherwise " * n + "in" + ")" * n),
    "loops": lambda n: f"edition 1\nblock a() {{\n{'each i in [1] { ' * n}{'}' * n}\n  out = in\n}}\n",
    "closing parentheses": lambda n: BLOCK.format(")" * n),
    "braces": lambda n: f"edition 1\nblock a() {'{' * n}",
    "item keywords": lambda n: "edition 1\n" + "block " * n,
    "names": lambda n: "edition 1\n" + "a " * n,
}


@pytest.mark.parametrize("construct", NESTED)
@pytest.mark.parametrize("depth", [100, 1_000, 10_000, 100_000])
def test_nesting_is_one_fault_however_deep(construct, depth):
    assert len(faults(NESTED[construct](depth))) == 1


@pytest.mark.parametrize("depth", [100, 1_000, 10_000, 100_000])
def test_a_chain_may_be_long_but_not_without_end(depth):
    assert codes(BLOCK.format("in" + " |> act" * depth)) == (["E0112"] if depth >= 10_000 else [])


REPEATED = [
    *(
        '"',
        '"\n',
        '"a',
        "'",
        "''",
        "`",
        "/",
        "// ",
        "/// \n",
        "1",
        "1_",
        "1.",
        "1e",
        "_",
        "a",
        ".",
        "|",
        "|>",
        "=",
        "<",
        "-",
    ),
    *("#", "@", ";", "\\", "é", "\u0301", "\u00a0", "\0", "\ud800", "\r", "\r\n", "\t", "\u2028", "{", "}", "[", "]"),
]


@pytest.mark.parametrize("text", REPEATED, ids=ascii)
def test_repeated_characters_end_in_few_faults(text):
    assert len(faults(BLOCK.format(text * 100_000))) <= 20


@pytest.mark.parametrize(
    ("character", "shown"),
    [
        ("\0", "U+0000"),
        ("\x1b", "U+001B"),
        ("\ud800", "U+D800"),
        ("\u200b", "U+200B"),
        ("\ufeff", "U+FEFF"),
        ("\u2028", "U+2028"),
        ("\uff43", "`ｃ`"),  # fullwidth: Python would read it as `c`
        ("\u017f", "`ſ`"),  # long s: Python would read it as `s`
        ("€", "`€`"),
    ],
)
def test_foreign_characters_are_shown_so_that_they_can_be_seen(character, shown):
    ((code, where, message, _),) = faults(replace_once(MODEL, "|> norm", f"|> {character} norm"))
    assert (code, where, message) == ("E0103", "6:32", f"unexpected character {shown}")


@pytest.mark.parametrize("character", "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
@pytest.mark.parametrize("where", ["// {}\n", "/// {}\n", 'slot a() "{}" = act\n', "{}"])
def test_text_that_runs_backwards_is_refused_wherever_it_stands(character, where):
    ((code, place, message, _),) = faults("edition 1\n" + where.format(character))
    assert (code, place) == ("E0109", f"2:{where.index('{') + 1}")
    assert message == f"U+{ord(character):04X} changes the direction of the surrounding text"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("indent", ["  ", "\t", "\t\t"])
def test_columns_count_characters(end, indent):
    text = replace_once(MODEL, "stage layer1", "stge layer1").replace("\n  ", f"\n{indent}").replace("\n", end)
    assert faults(text)[0][:2] == ("E0101", f"7:{len(indent) + 1}")
    text = replace_once(MODEL, "layers == 6", 'layers == 6 otherwise "日本語" ÷').replace("\n", end)
    assert faults(text)[0][:2] == ("E0103", "9:47")


def test_carriage_returns_alone_are_space():
    assert faults(MODEL.replace("\n", "\r")) == []


PIECES = [
    "{",
    "}",
    "(",
    ")",
    "[",
    '"',
    "'",
    "|>",
    "=>",
    "=",
    "#",
    "é",
    ";",
    "\n",
    "block ",
    "otherwise ",
    "1e5",
    "///\n",
]


@given(st.integers(0, 2**32), st.integers(1, 8))
def test_whatever_is_cut_and_pasted_has_few_faults_inside_the_text(seed, edits):
    chance, text = random.Random(seed), RESNET50
    for _ in range(edits):
        i, j = sorted(chance.choices(range(len(text) + 1), k=2))
        inserted, less, cut = text[:i] + chance.choice(PIECES) + text[i:], text[:i] + text[i + 1 :], text[:i] + text[j:]
        text = chance.choice([inserted, less, cut, text[:j] + text[i:]])
    sink = Sink()
    source = Source("t.resnet", text)
    parse(source, sink)
    spans = [label.span for d in sink.diagnostics for label in (d.primary, *d.labels)]
    assert len(sink.diagnostics) <= 20
    assert all(0 <= span.start <= span.end <= len(text) for span in spans)


def test_hostile_texts_end():
    """In a process of its own, so that a text which never ends fails the test, not the suite."""
    program = (
        "import sys; sys.path.insert(0, 'src')\n"
        "from resnetc.compiler.syntax.parser import parse\n"
        "from resnetc.compiler.source import Source\n"
        "from resnetc.compiler.diagnostics.diagnostic import Sink\n"
        "for text in ('(' * 2**20, 'a ' * 2**16, ') ' * 2**16, '\"\\n' * 2**16, 'block a( ' * 2**14):\n"
        "    sink = Sink(); parse(Source('t', 'edition 1\\n' + text), sink); print(len(sink.diagnostics))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.stderr == ""
    assert all(0 < int(count) <= 20 for count in done.stdout.split())


@pytest.mark.parametrize("number", ["123456789012345678", "0.12345678901234567", "1_234_567", "1.5e17"])
def test_the_point_and_underscores_are_no_digits(number: str) -> None:
    assert read(replace_once(MODEL, "2 of", f"{number} of"))[0] == []


@pytest.mark.parametrize("number", ["1234567890123456789", "0.123456789012345678", "1_234_567_890_123_456_789", "1e19"])
def test_a_number_of_more_than_eighteen_digits_is_refused(number: str) -> None:
    assert [code for code, *_ in read(replace_once(MODEL, "2 of", f"{number} of"))[0]] == ["E0107"]
