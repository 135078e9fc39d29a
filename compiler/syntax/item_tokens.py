"""The tokens of a text, item by item: where each begins, also where it is misspelt or another is not closed."""

from __future__ import annotations

from collections.abc import Iterator

from lark import Token

from resnetc.compiler.diagnostics.diagnostic import find_similar
from resnetc.compiler.source import Source
from resnetc.compiler.syntax.error_context import BRACKETS, ITEM_OPENERS, ITEMS, opens_line


def split_items(source: Source, tokens: list[Token]) -> list[list[Token]]:
    """The header, then item by item, each with the `///` lines above it."""
    out: list[list[Token]] = [[]]
    depth = {"LBRACE": 0, "LPAR": 0, "LSQB": 0}
    closes = {closer: opener for opener, closer in BRACKETS.items()}
    for i, token in enumerate(tokens):
        if opens_item(source, tokens, i, depth):
            docs = len(out[-1])
            while docs and out[-1][docs - 1].type == "DOC":
                docs -= 1
            out.append(out[-1][docs:])
            del out[-2][docs:]
            depth = dict.fromkeys(depth, 0)
        out[-1].append(token)
        if token.type in depth:
            depth[token.type] += 1
        elif token.type in closes and depth[closes[token.type]]:
            depth[closes[token.type]] -= 1
    return out


def opens_item(source: Source, tokens: list[Token], i: int, depth: dict[str, int]) -> bool:
    """Whether an item opens here: within brackets its keyword may be meant as a name; at the margin it never is."""
    token = tokens[i]
    margin = not token.start_pos or source.text[token.start_pos - 1] == "\n"
    if token.type == "MODEL" and not margin and [t.type for t in tokens[i + 1 : i + 2]] == ["DOT"]:
        return False  # a method, as other libraries have them
    if token.type in ITEM_OPENERS:
        inside = depth["LPAR"] or depth["LSQB"]
        return margin or (not inside and (not depth["LBRACE"] or opens_line(source, token)))
    after = [t.type for t in tokens[i + 1 : i + 3]]
    misspelt = token.type == "NAME" and after in (["NAME", "LPAR"], ["NAME", "ASSIGN"])
    return margin and misspelt and find_similar(token.value, ITEMS) is not None


def split_header(tokens: list[Token]) -> Iterator[list[Token]]:
    """The edition, then every `use`."""
    begin = 0
    for i, token in enumerate(tokens):
        if token.type == "USE":
            yield tokens[begin:i]
            begin = i
    yield tokens[begin:]


def name_of(chunk: list[Token]) -> str:
    """The name of an item, "" where it has none."""
    _, *rest = (t for t in chunk if t.type != "DOC")
    return str(rest[0]) if rest and rest[0].type == "NAME" else ""
