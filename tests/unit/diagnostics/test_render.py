"""The printers, by whole texts: what stands here is what people, editors and GitHub read."""

import json
import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Edit, Label
from resnetc.compiler.diagnostics.render import format_for_github, format_for_people, format_json, format_summary
from resnetc.compiler.source import Source, Span
from resnetc.terminal import MARK, harmless

WIDE = Source(
    "specs/wide.resnet",
    """\
edition 1

/// Four times as many channels go as come.
block wide(width: int, stride: int = 1) {
  let outer = 4 * width
  let main = in |> conv(width, kernel=1) |> norm |> act
                |> conv(outer, kernel=1) |> norm
  let side = in |> shortcut(width, stride)
  out = (main + side) |> act
}
""",
)


def at(source: Source, text: str, label: str = "") -> Label:
    """A label on the first `text` of the source."""
    start = source.text.index(text)
    return Label(Span(source, start, start + len(text)), label)


def fault(primary: Label, *labels: Label, **fields) -> Diagnostic:
    return Diagnostic("E0999", "it does not fit", primary, labels, **fields)


def printed(diagnostics: list[Diagnostic], color: bool = False) -> str:
    """What `human` prints, without the blank line behind the last."""
    text = format_for_people(diagnostics, color)
    assert text.endswith("\n\n")
    return text[:-1]


def drawn(*labels: Label) -> str:
    """What is drawn below the `-->` line and its rule."""
    return "\n".join(printed([fault(*labels)]).split("\n")[3:])


def expected(text: str) -> str:
    return re.sub(r"(?m)^ {8}", "", text.removeprefix("\n").removesuffix("    "))


UNEQUAL = Diagnostic(
    "E0301",
    "`+` needs equal shapes: [256, ceil(H/4), ceil(W/4)] and [64, ceil(H/4), ceil(W/4)]",
    at(WIDE, "main + side", "channels differ: 256 and 64"),
    (
        at(WIDE, "conv(outer, kernel=1)", "`main` has 256 channels from here"),
        at(WIDE, "shortcut(width, stride)", "`side` has 64 channels from here"),
    ),
    notes=("in block 1 of 3 of stage `layer1` (specs/resnet50.resnet:9:23), width = 64",),
    helps=("give the shortcut the channels of `main`: `shortcut(outer, stride)`",),
)


def test_human_is_the_layout_of_the_language_page():
    assert printed([UNEQUAL]) == expected("""
        error[E0301]: `+` needs equal shapes: [256, ceil(H/4), ceil(W/4)] and [64, ceil(H/4), ceil(W/4)]
          --> specs/wide.resnet:9:10
           |
         7 |                 |> conv(outer, kernel=1) |> norm
           |                    --------------------- `main` has 256 channels from here
         8 |   let side = in |> shortcut(width, stride)
           |                    ----------------------- `side` has 64 channels from here
         9 |   out = (main + side) |> act
           |          ^^^^^^^^^^^ channels differ: 256 and 64
           |
           = note: in block 1 of 3 of stage `layer1` (specs/resnet50.resnet:9:23), width = 64
           = help: give the shortcut the channels of `main`: `shortcut(outer, stride)`
    """)


def test_a_blank_line_stands_behind_each():
    first, second = fault(at(WIDE, "edition", "one")), fault(at(WIDE, "outer", "two"), severity="warning")
    assert printed([first, second]) == expected("""
        error[E0999]: it does not fit
          --> specs/wide.resnet:1:1
           |
         1 | edition 1
           | ^^^^^^^ one

        warning[E0999]: it does not fit
          --> specs/wide.resnet:5:7
           |
         5 |   let outer = 4 * width
           |       ^^^^^ two
    """)


def test_a_distant_line_is_elided_and_a_single_one_between_is_shown():
    labels = at(WIDE, "(main + side)", "here"), at(WIDE, "edition"), at(WIDE, "main = in"), at(WIDE, "block wide", "of")
    assert printed([fault(*labels)]) == expected("""
        error[E0999]: it does not fit
          --> specs/wide.resnet:9:9
           |
         1 | edition 1
           | -------
        ...
         4 | block wide(width: int, stride: int = 1) {
           | ---------- of
         5 |   let outer = 4 * width
         6 |   let main = in |> conv(width, kernel=1) |> norm |> act
           |       ---------
        ...
         9 |   out = (main + side) |> act
           |         ^^^^^^^^^^^^^ here
    """)


def test_other_files_follow_in_sections_of_their_own():
    user = Source("cifar.resnet", "edition 1\n" * 120 + "model a = wide(3)\n")
    labels = at(user, "wide(3)", "called here"), at(WIDE, "wide", "defined here")
    assert printed([fault(*labels, notes=("one\nand two",))]) == expected("""
        error[E0999]: it does not fit
           --> cifar.resnet:121:11
            |
        121 | model a = wide(3)
            |           ^^^^^^^ called here
            |
           ::: specs/wide.resnet:4:7
            |
          4 | block wide(width: int, stride: int = 1) {
            |       ---- defined here
            |
            = note: one
                    and two
    """)


def test_labels_of_one_line_hang_below_it():
    source = Source("a", "stage c = 4 of basic(128, stride=2, skip=keep)\n")
    labels = (
        at(source, "keep", "no case for stride = 2"),
        at(source, "stride=2", "halves the map"),
        at(source, "basic(128, stride=2, skip=keep)"),
    )
    assert drawn(*labels) == expected("""
         1 | stage c = 4 of basic(128, stride=2, skip=keep)
           |                --------------------------^^^^-
           |                           |              |
           |                           |              no case for stride = 2
           |                           halves the map
    """)


def test_the_rightmost_label_stands_beside_its_underline_where_none_is_under_it():
    source = Source("a", "let a = b + c\n")
    labels = at(source, "+", "unequal"), at(source, "b", "64 channels"), at(source, "c", "32 channels")
    assert drawn(*labels) == expected("""
         1 | let a = b + c
           |         - ^ - 32 channels
           |         | |
           |         | unequal
           |         64 channels
    """)


def test_labels_of_one_place_are_all_told_the_primary_one_first():
    source = Source("a", "let a = b\n")
    assert drawn(at(source, "b", "unknown"), at(source, "b", "first used here")) == expected("""
         1 | let a = b
           |         ^
           |         |
           |         unknown
           |         first used here
    """)


def test_a_span_of_several_lines_is_shown_at_its_first():
    source = Source("a", "block a() {  \n  out = in\n}\n")
    assert drawn(at(source, "{  \n  out = in\n}", "never used")) == expected("""
         1 | block a() {
           |           ^ never used
    """)


def test_an_empty_span_has_one_caret_also_at_the_end_of_the_text():
    source = Source("a", "block a() {\n")
    assert drawn(Label(Span(source, 12, 12), "`}` is missing")) == expected("""
         2 |
           | ^ `}` is missing
    """)
    assert drawn(Label(Span(source, 11, 11), "`}` is missing")) == expected("""
         1 | block a() {
           |            ^ `}` is missing
    """)


def test_a_fault_of_a_whole_file_shows_no_text_where_there_is_none():
    missing = Source("specs/none.resnet", "")
    assert printed([fault(Label(Span(missing, 0, 0), ""), helps=("name a file",))]) == expected("""
        error[E0999]: it does not fit
          --> specs/none.resnet:1:1
           |
           = help: name a file
    """)


def test_tabs_wide_and_combining_characters_keep_the_carets_right():
    source = Source("a", "\tlet 宽 = e\u0301t + b\r\n")
    assert drawn(at(source, "b", "here"), at(source, "宽"), at(source, "e\u0301t")) == expected("""
         1 |     let 宽 = e\u0301t + b
           |         --   --   ^ here
    """)


def test_nothing_a_terminal_obeys_is_echoed():
    source = Source("a\x1b]0;b", "let \x1b[31ma = \u202eb\u2066 + \x9bc\n")
    diagnostic = fault(at(source, "c", "by\x07te"), notes=("\u200b",))
    assert printed([diagnostic]) == expected("""
        error[E0999]: it does not fit
          --> a\\x1b]0;b:1:21
           |
         1 | let \\x1b[31ma = \\u202eb\\u2066 + \\x9bc
           |                                     ^ by\\x07te
           |
           = note: \\u200b
    """)


def test_a_very_long_line_is_shown_round_its_primary_label():
    source = Source("a", "x" * 5000 + "y" + "x" * 5000 + "z\n")
    text = drawn(at(source, "y", "here"), at(source, "z", "there"))
    assert text == (
        f" 1 | ...{'x' * 50}y{'x' * 149}...\n"
        f"   | {' ' * 53}^{' ' * 149}- there\n"
        f"   | {' ' * 53}|\n"
        f"   | {' ' * 53}here\n"
    )


def test_colour_changes_no_character_of_the_text():
    source = Source("a", "let a = b + c\n")
    diagnostic = fault(at(source, "b + c", "sum"), at(source, "c", "term"), notes=("n",), helps=("h",))
    assert printed([diagnostic], color=True).replace(f"{MARK}[", "<").replace("<0m", "</>") == expected("""
        <1;31merror[E0999]</><1m: it does not fit</>
        <1;34m  --></> a:1:9
        <1;34m   |</>
        <1;34m 1 |</> let a = b + c
        <1;34m   |</>         <1;31m^^^^^</>
        <1;34m   |</>         <1;31m|</>   <1;34m|</>
        <1;34m   |</>         <1;31m|</>   <1;34mterm</>
        <1;34m   |</>         <1;31msum</>
        <1;34m   |</>
        <1;34m   =</> <1mnote</>: n
        <1;34m   =</> <1mhelp</>: h
    """)


def test_json_has_the_fields_of_the_interface():
    source = Source("a.resnet", "let a = botleneck\nlet b = 宽\n")
    diagnostic = Diagnostic(
        "E0201",
        "no block named `botleneck`",
        at(source, "botleneck", "not found"),
        (at(source, "宽\n", "to the next line"),),
        ("n\u202e",),
        ("h",),
        (Edit(at(source, "botleneck").span, "bottleneck"),),
    )
    primary = {"file": "a.resnet", "start": {"line": 1, "column": 9}, "end": {"line": 1, "column": 18}}
    lines = format_json([diagnostic, UNEQUAL])
    assert lines.isascii()
    first, second = lines.splitlines()
    assert json.loads(first) == {
        "code": "E0201",
        "severity": "error",
        "message": "no block named `botleneck`",
        **primary,
        "labels": [
            {**primary, "text": "not found"},
            {
                "file": "a.resnet",
                "start": {"line": 2, "column": 9},
                "end": {"line": 3, "column": 1},
                "text": "to the next line",
            },
        ],
        "notes": ["n\u202e"],
        "helps": ["h"],
        "fix": [{**primary, "replacement": "bottleneck"}],
        "applicability": "plausible",
    }
    assert json.loads(second)["fix"] is None and json.loads(second)["applicability"] == "words"
    (certain,) = format_json([replace(diagnostic, is_certain=True)]).splitlines()
    assert json.loads(certain)["applicability"] == "certain"
    assert format_json([]) == ""


def test_github_escapes_what_its_commands_would_obey():
    source = Source("50%,a:b.resnet", "let a = b\nlet c = d\n")
    one = fault(at(source, "a = b"), notes=("50 %\nof it",), helps=("write, do",))
    lines = Diagnostic("W0001", "x\x1b", at(source, "b\nlet"), severity="warning")
    assert format_for_github([one, lines]) == (
        "::error file=50%25%2Ca%3Ab.resnet,line=1,col=5,endLine=1,endColumn=10,title=E0999::"
        "it does not fit%0Anote: 50 %25%0Aof it%0Ahelp: write, do\n"
        "::warning file=50%25%2Ca%3Ab.resnet,line=1,endLine=2,title=W0001::x\\x1b\n"
    )


def test_summary_counts_faults_and_files():
    other = fault(at(Source("b", "x"), "x"))
    warning = fault(at(WIDE, "out"), severity="warning")
    assert format_summary([], 4, color=False) == ""
    assert format_summary([UNEQUAL], 1, color=False) == "error: 1 error in 1 file; nothing was written\n"
    assert format_summary([UNEQUAL] * 2, 4, color=False) == "error: 2 errors in 1 of 4 files; nothing was written\n"
    assert format_summary([UNEQUAL, other], 1, color=False) == "error: 2 errors in 2 of 2 files; nothing was written\n"
    assert format_summary([warning], 2, color=False) == "warning: 1 warning in 1 of 2 files\n"
    assert format_summary([UNEQUAL, warning, warning], 2, color=True).replace(MARK, "") == (
        "[1;31merror[0m: 1 error and 2 warnings in 1 of 2 files; nothing was written\n"
    )


@given(st.text(), st.data())
def test_every_text_and_span_can_be_printed(text, data):
    source = Source(data.draw(st.text(max_size=5)), text)
    offsets = st.integers(0, len(text))
    spans = [sorted(data.draw(st.tuples(offsets, offsets))) for _ in range(3)]
    labels = [Label(Span(source, start, end), data.draw(st.text(max_size=5))) for start, end in spans]
    diagnostics = [fault(*labels, notes=(data.draw(st.text(max_size=5)),))]
    plain = format_for_people(diagnostics, color=False)
    assert harmless(plain) == plain
    assert format_for_people(diagnostics, color=True).count("\n") == plain.count("\n")
    assert json.loads(format_json(diagnostics))["message"] == "it does not fit"
    assert format_for_github(diagnostics).count("\n") == 1
