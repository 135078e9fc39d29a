"""Renders diagnostics: for people, as JSON lines, and as GitHub workflow commands."""

from __future__ import annotations

import json
from collections.abc import Sequence

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Label
from resnetc.compiler.diagnostics.excerpt import Paint, format_excerpt
from resnetc.compiler.source import Position, Span
from resnetc.terminal import MAX_RESULT, bounded, brief, one_line, paint, remark

ANSI = {"error": "1;31", "warning": "1;33", "gutter": "1;34", "secondary": "1;34", "bold": "1"}


def format_for_people(diagnostics: Sequence[Diagnostic], color: bool) -> str:
    """Every diagnostic with the source lines that it speaks of, a blank line behind each."""
    return "".join(line + "\n" for diagnostic in diagnostics for line in (*_format_diagnostic(diagnostic, color), ""))


def format_summary(diagnostics: Sequence[Diagnostic], files: int, color: bool) -> str:
    """The closing line of a run over `files` files; empty where there is nothing to report."""
    errors = sum(diagnostic.severity == "error" for diagnostic in diagnostics)
    warnings = len(diagnostics) - errors
    if not diagnostics:
        return ""
    counts = " and ".join(_count(n, noun) for n, noun in ((errors, "error"), (warnings, "warning")) if n)
    affected = len({diagnostic.primary.span.source.name for diagnostic in diagnostics})
    where = "1 file" if files <= 1 and affected == 1 else f"{affected} of {max(files, affected)} files"
    severity = "error" if errors else "warning"
    paint = _make_painter(severity, color)
    return f"{paint(severity, 'primary')}: {counts} in {where}{'; nothing was written' if errors else ''}\n"


def format_json(diagnostics: Sequence[Diagnostic]) -> str:
    """One JSON object a line. `labels` opens with the primary label, whose place is also the diagnostic's."""
    return "".join(json.dumps(_list_fields(diagnostic), separators=(",", ":")) + "\n" for diagnostic in diagnostics)


def format_for_github(diagnostics: Sequence[Diagnostic]) -> str:
    """One workflow command a line, which GitHub shows beside the line of the source."""
    return "".join(_format_workflow_command(diagnostic) + "\n" for diagnostic in diagnostics)


def _format_diagnostic(diagnostic: Diagnostic, color: bool) -> list[str]:
    """The lines of one diagnostic: headline, place, excerpts of each file, notes and helps."""
    paint = _make_painter(diagnostic.severity, color)
    styled = [("primary", diagnostic.primary), *(("secondary", label) for label in diagnostic.labels)]
    files: dict[str, list[tuple[str, Label]]] = {}
    for style, label in styled:
        files.setdefault(label.span.source.name, []).append((style, label))
    last = max(label.span.source.find_position(label.span.start).line for _, label in styled)
    width = max(2, len(str(last)))
    rule = paint(f"{'':{width}} |", "gutter")

    headline = paint(f"{diagnostic.severity}[{diagnostic.code}]", "primary")
    lines = [headline + paint(f": {remark(diagnostic.message)}", "bold")]
    for index, (name, labels) in enumerate(files.items()):
        if index:
            lines.append(rule)
        span = labels[0][1].span
        place = span.source.find_position(span.start)
        arrow = paint(f"{'':{width}}{':::' if index else '-->'}", "gutter")
        lines.append(f"{arrow} {remark(name)}:{place.line}:{place.column}")
        if span.source.text.strip():  # nothing is shown of what could not be read
            lines += [rule, *format_excerpt(span.source, labels, width, paint)]
    if diagnostic.notes or diagnostic.helps:
        lines.append(rule)
    for kind, texts in (("note", diagnostic.notes), ("help", diagnostic.helps)):
        for text in texts:
            lines += _format_remark(kind, text, width, paint)
    return lines


def _format_remark(kind: str, text: str, width: int, paint: Paint) -> list[str]:
    """A note or a help; its further lines stand under its first word."""
    first, *rest = (remark(line) for line in text.split("\n"))
    indent = " " * (width + len(f" = {kind}: "))
    head = f"{paint(f'{chr(32) * width} =', 'gutter')} {paint(kind, 'bold')}: {first}"
    return [head, *((indent + line).rstrip() for line in rest)]


def _make_painter(severity: str, color: bool) -> Paint:
    def paint_text(text: str, style: str) -> str:
        if not color or not style:
            return text
        return paint(text, ANSI[severity if style == "primary" else style])

    return paint_text


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _list_fields(diagnostic: Diagnostic) -> dict[str, object]:
    """What the JSON object of a diagnostic contains, in its order."""
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": bounded(diagnostic.message),
        **_format_range(diagnostic.primary.span),
        "labels": [
            {**_format_range(x.span), "text": bounded(x.text)} for x in (diagnostic.primary, *diagnostic.labels)
        ],
        "notes": [bounded(text) for text in diagnostic.notes],
        "helps": [bounded(text) for text in diagnostic.helps],
        "fix": [{**_format_range(x.span), "replacement": x.replacement} for x in diagnostic.fix] or None,
        "applicability": diagnostic.applicability,
    }


def _format_range(span: Span) -> dict[str, object]:
    start, end = _find_ends(span)
    return {
        "file": brief(span.source.name, MAX_RESULT),
        "start": {"line": start.line, "column": start.column},
        "end": {"line": end.line, "column": end.column},
    }


def _find_ends(span: Span) -> tuple[Position, Position]:
    return span.source.find_position(span.start), span.source.find_position(span.end)


def _format_workflow_command(diagnostic: Diagnostic) -> str:
    """One line such as `::error file=net.resnet,line=3,col=5,title=...::message`."""
    start, end = _find_ends(diagnostic.primary.span)
    place = {"file": diagnostic.primary.span.source.name, "line": start.line}
    if start.line == end.line:
        place |= {"col": start.column, "endLine": end.line, "endColumn": end.column}
    else:  # GitHub refuses columns on a range of lines
        place |= {"endLine": end.line}
    place |= {"title": diagnostic.code}
    properties = ",".join(f"{key}={_escape(value, property=True)}" for key, value in place.items())
    remarks = [f"note: {text}" for text in diagnostic.notes] + [f"help: {text}" for text in diagnostic.helps]
    return f"::{diagnostic.severity} {properties}::{_escape(chr(10).join([diagnostic.message, *remarks]))}"


def _escape(value: object, property: bool = False) -> str:
    """`value` as GitHub's workflow commands take it."""
    if property:
        lines = [brief(one_line(brief(str(value), MAX_RESULT)), MAX_RESULT)]
    else:
        lines = [remark(line) for line in str(value).split("\n")]
    text = "\n".join(lines).replace("%", "%25").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if property else text
