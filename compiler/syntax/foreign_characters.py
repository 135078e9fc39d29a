"""Characters that no token has: what each stands for, by what surrounds it, and what to write instead."""

from __future__ import annotations

import re
import unicodedata

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Edit, Label, Suggestion
from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.source import Span
from resnetc.compiler.syntax.foreign_idioms import CHOICE, WORDS, denied
from resnetc.compiler.syntax.paper_notation import write_input_of_line

MAX_SHOWN = 40  # characters of a string that a message quotes


@record(eq=True)
class Meant:
    """What a foreign character stands for: the terminal it is read as, how that is written, and what to do."""

    terminal: str
    written: str
    remedy: str


LOOKALIKES = {
    "÷": Meant("DIVIDE", "/", "divide with `/`"),
    "×": Meant("TIMES", "*", "multiply with `*`"),
    "·": Meant("TIMES", "*", "multiply with `*`"),
    "−": Meant("MINUS", "-", "subtract with `-`"),
    "–": Meant("MINUS", "-", "subtract with `-`"),
    "≤": Meant("COMPARE", "<=", "compare with `<=`"),
    "≥": Meant("COMPARE", ">=", "compare with `>=`"),
    "≠": Meant("COMPARE", "!=", "compare with `!=`"),
    "→": Meant("PIPE", "|>", "chain layers with `|>`"),
    "⇒": Meant("PIPE", "|>", "chain layers with `|>`"),
    "∘": Meant("", "", "chain layers with `|>`, the one that is applied first on the left"),
    "&": Meant("AND", "and", "join conditions with `and`"),
    "&&": Meant("AND", "and", "join conditions with `and`"),
    "||": Meant("OR", "or", "join conditions with `or`"),
    "|": Meant("PIPE", "|>", "chain layers with `|>`"),
    ";": Meant("", "", "statements need no separator"),
    "#": Meant("", "//", "comments start with `//`"),
    "!": Meant("", "", WORDS["not"]),
    "^": Meant("", "", "there is no power operator: multiply"),
    "?": Meant("", "", CHOICE),
    "@": Meant("", "", "there are no decorators: only `///` lines can precede a definition"),
    "\\": Meant("", "", "a statement continues on the next line without a backslash"),
}
FULL_WIDTH = {  # the signs that an input method writes as wide as a letter of its script
    "(": "LPAR",
    ")": "RPAR",
    "[": "LSQB",
    "]": "RSQB",
    "{": "LBRACE",
    "}": "RBRACE",
    ",": "COMMA",
    ":": "COLON",
    "=": "ASSIGN",
    ".": "DOT",
    "+": "PLUS",
    "-": "MINUS",
    "*": "TIMES",
    "/": "DIVIDE",
}
QUOTES = {"'": "'", "‘": "’", "“": "”", "„": "“", "«": "»", "`": "`"}
DECIDES = re.compile(r"(?:\A|\n)[ \t]*(?:when|otherwise|extern)\b[^\n]*\Z")  # what a `=>` stands behind
COUNTED = re.compile(r"\bstage\s+[\w.\[\]]+(?:\s+\"[^\"\n]*\")?\s*=\s*(?:[^\n]*,)?\s*(\d+)\s*\Z")
BLOCK = re.compile(r"\s*([A-Za-z][\w.]*(?:\([^()\n]*\))?)")
SIZES = re.compile(r"\d+(?:×\d+)+")  # `3×3`
INPUT = re.compile(r"\binput\b[^\n]*\Z")
USED = re.compile(r"(?:\A|\n)use[ \t]+\Z")
PATH = re.compile(r"\w+(?:\.\w+)*")
MAX_LINE = 500  # characters before a sign that are looked at
MAX_SHOWN = 40  # characters of a string that a message quotes


def read_lookalike(text: str, at: int, written: str) -> Meant | None:
    """What a character, or two, stands for by what surrounds it."""
    before = text[max(0, at - MAX_LINE) : at]
    if written in "→⇒" and DECIDES.search(before):
        return Meant("ARROW", "=>", "write `=>`")
    if written == "×" and (counted := COUNTED.search(before)) is not None:
        block = BLOCK.match(text, at + 1, at + MAX_LINE)
        shown = f"{counted[1]} of {block[1] if block else 'blocks.basic(64)'}"
        return Meant("OF", "of", f"a stage states its number of blocks: `{shown}`")
    if written == ";" and enclosed(before.rpartition("\n")[2]):
        return Meant("COMMA", ",", "separate with `,`")
    plain = unicodedata.normalize("NFKC", written)
    if plain != written and plain in FULL_WIDTH:
        return Meant(FULL_WIDTH[plain], plain, f"write an ordinary `{plain}`")
    return LOOKALIKES.get(written)


def enclosed(line: str) -> bool:
    """Whether a bracket is open behind the part of a line."""
    return sum((c in "([") - (c in ")]") for c in line.partition("//")[0]) > 0


def find_sizes(text: str, at: int) -> tuple[int, int] | None:
    """Where the sizes of a kernel or a map start and end, if the `×` at a place stands between two of them."""
    start = at
    while start and text[start - 1].isdigit():
        start -= 1
    sizes = SIZES.match(text, start, at + MAX_LINE)
    return (start, sizes.end()) if sizes is not None and start < at else None


def is_prime(text: str, at: int) -> bool:
    """Whether a `'` belongs to a name, as in `x'`."""
    before, behind = text[max(0, at - 1) : at], text[at + 1 : at + 2]
    return text[at] == "'" and (before.isalnum() or before in ("_", "'")) and not (behind.isalnum() or behind == "_")


def of_sizes(sizes: Span) -> Suggestion:
    """What to write in place of `3×3`, as papers write the kernel of a convolution."""
    numbers = sizes.text.split("×")
    if INPUT.search(sizes.source.text, max(0, sizes.start - MAX_LINE), sizes.start):
        line = write_input_of_line(sizes)
        return Suggestion(f"write `{line.text}`", line.edits)
    kernel = numbers[0] if len(set(numbers)) == 1 else f"[{', '.join(numbers)}]"
    help = f"a kernel of {sizes.text} is written `kernel={kernel}`, as in `conv(64, kernel={kernel})`"
    return Suggestion(help, (Edit(sizes, kernel),))


def foreign_character(span: Span, sizes: Span | None = None) -> Diagnostic:
    """The fault of a character, of two that belong together, of a text in other quotes, or of the `×` in some sizes."""
    text, character = span.source.text, span.text[0]
    lookalike = read_lookalike(text, span.start, span.text)
    shown = f"`{character}`" if character.isprintable() and not character.isspace() else f"U+{ord(character):04X}"
    edits: tuple[Edit, ...] = ()
    if sizes is not None:
        suggestion = of_sizes(sizes)
        help, edits = suggestion.help, suggestion.edits
    elif lookalike is not None:
        help = denied(Span(span.source, span.start, span.start + 1)) if character == "!" else lookalike.remedy
        if lookalike.written or character == ";":
            edits = (Edit(span, lookalike.written),)
    elif character.isspace():
        help = "write an ordinary space"
    elif is_prime(text, span.start):
        help, edits = "names consist of the letters a-z, A-Z, digits and `_`", (Edit(span, "_"),)
    elif character in QUOTES:
        inner = span.text[1:-1]
        written = f'"{inner}"' if len(span.text) > 1 and '"' not in inner else '"..."'
        shown_text = written if len(written) <= MAX_SHOWN else '"..."'
        help = f"strings are written in double quotes: {shown_text}"
        edits = (Edit(span, written),) if written != '"..."' else ()
        if PATH.fullmatch(inner) and USED.search(text, max(0, span.start - 100), span.start):
            help, edits = f"a path has no quotes: `use {inner}`", (Edit(span, inner),)
    elif f"a{character}".isidentifier():
        help = "names consist of the letters a-z, A-Z, digits and `_`"
    else:
        help = "remove it: it has no meaning in a spec"
    return Diagnostic(
        "E0103",
        f"unexpected character {shown}",
        Label(span, "not part of the language"),
        helps=(help,),
        fix=edits,
    )
