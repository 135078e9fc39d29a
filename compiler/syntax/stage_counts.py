"""How often a stage has a block, as other languages and papers write it, and how it is written here."""

from __future__ import annotations

import re

from resnetc.compiler.diagnostics.diagnostic import Edit, Suggestion
from resnetc.compiler.source import Span

MAX_STAGE = 500  # characters of a stage that a message quotes
STAGE = re.compile(r"\bstage\s+([\w.\[\]]+(?:\s+\"[^\"\n]*\")?)\s*=\s*([^{}\n]*)")
BLOCK = r"(?P<block>[A-Za-z][\w.]*(?:\(.*\))?)"
COUNT = r"(?P<count>\d+)"
SIGN = r"(?:[*xX×]|times\b|(?:blocks?|layers?)(?=\s+of\b))"
FORMS = tuple(
    re.compile(form)
    for form in (
        rf"repeat\s*\(?\s*{COUNT}\s*{SIGN}?\s*(?:of\b|,)?\s*{BLOCK}\)?",
        rf"{COUNT}\s*(?:{SIGN}\s*(?:of\b)?)\s*{BLOCK}",
        rf"{COUNT}\s+{BLOCK}",
        rf"\[?{BLOCK}\]?\s*{SIGN}\s*{COUNT}(?:\s+times)?",
        rf"\[?{BLOCK}\s+for\s+\w+\s+in\s+range\(\s*{COUNT}\s*\)\]?",
        rf"for\s+\w+\s+in\s+range\(\s*{COUNT}\s*\)\s*:\s*{BLOCK}",
        rf"(?:self\.)?_?make_(?:layer|stage)\(\s*{BLOCK}\s*,\s*(?P<width>[^,()]+),\s*{COUNT}\s*(?P<more>(?:,[^()]*)?)\)",
    )
)
CHAIN = re.compile(r"[A-Za-z][\w.]*(?:\([^{}]*\))?(?:\s*\|>\s*[A-Za-z][\w.]*(?:\([^{}]*\))?)*")
PAPER = re.compile(rf"[\[(](?P<sizes>[^\])]*\d\s*[x×]\s*\d[^\])]*)[\])]\s*{SIGN}\s*{COUNT}")  # `[3x3, 64] x 2`
WIDTH = re.compile(r"(\d)\s*[x×]\s*\1\s*[,:;]?\s*(\d+)")


def repeat(written: str) -> str:
    """A stage's blocks as they are written here, or nothing where the text is no form of them that is known."""
    written = written.strip()
    for form in FORMS:
        if (match := form.fullmatch(written)) is not None:
            parts = match.groupdict()
            block = parts["block"]
            if parts.get("width"):
                block = f"{block}({parts['width'].strip()}{parts['more'].rstrip()})"
            return f"{parts['count']} of {block}" if block.count("(") == block.count(")") else ""
    if (match := PAPER.fullmatch(written)) is not None and (width := WIDTH.search(match["sizes"])) is not None:
        return f"{match['count']} of blocks.{'bottleneck' if width[1] == '1' else 'basic'}({width[2]})"
    return f"1 of {written}" if CHAIN.fullmatch(written) and written.count("(") == written.count(")") else ""


def repeat_once(span: Span) -> Suggestion | None:
    """What to write where the stage around `span`, or the one that ends before it, does not say `2 of block(64)`."""
    text = span.source.text
    stages = list(STAGE.finditer(text, max(0, span.start - MAX_STAGE), span.start + MAX_STAGE))
    stage = next((match for match in reversed(stages) if match.start() < span.start), None)
    if stage is None or (span.start > stage.end() and text[stage.end() : span.start].strip()):
        return None
    rest = stage[2].partition("//")[0].rstrip()
    blocks = repeat(rest)
    if not blocks:
        return None
    place = Span(span.source, stage.start(2), stage.start(2) + len(rest))
    written = f"stage {stage[1]} = {blocks}"
    return Suggestion(f"a stage states its number of blocks: `{written}`", (Edit(place, blocks),))
