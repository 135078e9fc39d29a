"""A network for people and for programs: the tables of `resnetc show` and `resnetc list`."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from resnetc.compiler.checked_network import CheckedNetwork
from resnetc.compiler.driver.network_index import Index, ListedNetwork
from resnetc.compiler.evaluation.values import MAX_BITS
from resnetc.compiler.measures.uncounted import add_uncounted
from resnetc.compiler.proof.minimum_batch import find_minimum_batches
from resnetc.compiler.sizes import SizeSet, describe, show, show_set
from resnetc.compiler.sizes.budget import number
from resnetc.terminal import brief, drawn, one_line

MAX_CELL, MAX_TITLE, MAX_ROW, MAX_DOC = 60, 300, 1000, 2000  # characters that are shown


def facts(checked: CheckedNetwork, sizes: tuple[int, ...] | None = None) -> dict[str, Any]:
    """The fields of `show --format json`."""
    network, measures = checked.network, checked.measures
    sizes = sizes or network.input.sizes
    field = measures.receptive_field

    def figure(name: str, number: int) -> int | str:
        """A number; with what it leaves out, a text."""
        names = measures.uncounted.get_names(name)
        return add_uncounted(str(number), names) if names else number

    return {
        "model": network.model,
        "network": network.name,
        "spec": checked.title,
        "parameters": figure("parameters", measures.parameters),
        "buffers": figure("buffers", measures.buffers),
        "multiply_adds": figure("multiply_adds", measures.count_multiply_adds(sizes)),
        "multiply_adds_all": figure("multiply_adds", measures.count_all_multiply_adds(sizes)),
        "weighted_layers": measures.weighted_layers,
        "receptive_field": list(field) if isinstance(field, tuple) else field,
        "activation_bytes": figure("activation_bytes", measures.count_activation_bytes(sizes)),
        "activation_bytes_checkpointed": figure(
            "activation_bytes", measures.count_checkpointed_activation_bytes(sizes)
        ),
        "input": [network.input.channels, *sizes],
        "output": list(measures.compute_output(sizes)),
        "accepts": {
            symbol or f"axis{i + 1}": describe(axis)
            for i, (symbol, axis) in enumerate(zip(network.input.symbols, checked.accepted.axes, strict=True))
        },
        "limits": limits(checked),
        "batches": batches(checked),
        "stages": [
            {
                "name": s.name,
                "blocks": s.blocks,
                "shape": list(s.compute_shape(sizes)),
                "symbolic": list(s.symbolic),
                "stride": list(s.stride) if isinstance(s.stride, tuple) else s.stride,
            }
            for s in measures.stages
        ],
    }


def json_line(checked: CheckedNetwork, sizes: tuple[int, ...] | None = None) -> str:
    return json.dumps(facts(checked, sizes), separators=(",", ":"))


def text(checked: CheckedNetwork, sizes: tuple[int, ...] | None = None, color: bool = False) -> str:
    """The architecture as a table: stages with their shapes in symbols and numbers, and what the whole costs."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    def cell(text: str, most: int = MAX_CELL, style: str = "") -> Text:
        return Text(brief(one_line(text), most), style=style)

    network, measures = checked.network, checked.measures
    sizes = sizes or network.input.sizes
    figures = facts(checked, sizes)
    title = cell(f"{network.name}  ({checked.title})", MAX_TITLE, "bold")
    about = cell(" ".join(network.doc.split()), MAX_DOC) if network.doc else None
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("stage")
    table.add_column("blocks", justify="right")
    table.add_column("shape at every input")
    for column in (f"at {'x'.join(map(str, figures['input']))}", "parameters", "multiply-adds"):
        table.add_column(column, justify="right")
    for row in measures.list_rows(sizes):
        table.add_row(
            cell(row.name),
            str(row.blocks or ""),
            Text(f"[{', '.join(row.symbolic)}]"),
            "x".join(map(str, row.shape)),
            add_uncounted(f"{row.parameters:,}", row.uncounted.parameters),
            add_uncounted(f"{row.multiply_adds:,}", row.uncounted.multiply_adds),
        )
    field, missing = figures["receptive_field"], measures.uncounted
    buffers = add_uncounted(f"{measures.buffers:,} buffer elements", missing.buffers)
    lines = (
        (
            "parameters",
            add_uncounted(f"{measures.parameters:,}", missing.parameters)
            + (f" and {buffers}" if measures.buffers or missing.buffers else ""),
        ),
        ("multiply-adds", add_uncounted(f"{measures.count_multiply_adds(sizes):,}", missing.multiply_adds)),
        ("weighted layers", str(measures.weighted_layers)),
        ("receptive field", receptive(field)),
        (
            "activations",
            add_uncounted(megabytes(measures.count_activation_bytes(sizes)), missing.activation_bytes)
            + " per image to train in float32",
        ),
        ("accepts", accepted(checked)),
    )
    rows = [*lines, *because(checked), *of_several(checked)]

    def draw(console: Console) -> None:
        for part in (title, about, table):
            if part is not None:
                console.print(part)
        for name, value in rows:
            console.print(cell(f"{name:<16} {value}", MAX_ROW), soft_wrap=True)

    return drawn(draw, 100, color)


def receptive(field: int | list[int] | None) -> str:
    """A gate on the mean of the whole map sees all of the input: then there is no number."""
    if field is None:
        return "the whole input"
    return "x".join(number(n, MAX_BITS) for n in (field if isinstance(field, list) else [field]))


def megabytes(count: int) -> str:
    return f"{count / 2**20:.1f} MiB" if count >= 2**20 else f"{count / 2**10:.1f} KiB"


def accepted(checked: CheckedNetwork) -> str:
    """`every H, every W`: the derived sizes of each axis."""
    pairs = zip(checked.network.input.symbols, checked.accepted.axes, strict=True)
    return ", ".join(show_set(axis, symbol or "size") for symbol, axis in pairs)


def limits(checked: CheckedNetwork) -> list[dict[str, Any]]:
    """The conditions that shrink the accepted sizes, in the order of the program: what each needs, what it leaves.

    `statement` with `file`, `line` and `column` is what makes the condition; `stage` is the stage it stands in, if any.
    """
    lines = []
    for reason in checked.accepted.reasons:
        condition, place = reason.condition, reason.place
        symbol = checked.network.input.symbols[reason.axis] or f"axis{reason.axis + 1}"
        size, other = show(condition.fn, symbol), condition.other
        if isinstance(other, SizeSet):
            needs = show_set(other, f"({size})" if " " in size and "(" not in size else size)
        else:
            relation = {"at_least": ">=", "equal": "="}.get(condition.kind, "to be a multiple of")
            needs = f"{size} {relation} {other if isinstance(other, int) else show(other, symbol)}"
        stage = place.list_outer_places()[0].stage
        position = condition.span.source.find_position(condition.span.start)
        lines.append(
            {
                "axis": symbol,
                "needs": needs,
                "statement": " ".join((place.operation.text if place.leaf else condition.span.text).split()),
                "file": condition.span.source.name,
                "line": position.line,
                "column": position.column,
                "stage": stage.name if stage else None,
                "leaves": show_set(reason.after, symbol),
            }
        )
    return lines


def batches(checked: CheckedNetwork) -> list[dict[str, Any]]:
    """The accepted sizes of which torch refuses one image alone, by axis, and the norm that has too few values."""
    symbols = [s or f"axis{i + 1}" for i, s in enumerate(checked.network.input.symbols)]
    lines = []
    for alone in find_minimum_batches(checked.network, checked.accepted):
        position = alone.span.source.find_position(alone.span.start)
        lines.append(
            {
                "least": 2,
                "where": [show_set(axis, symbol) for axis, symbol in zip(alone.axes, symbols, strict=True)],
                "statement": " ".join(alone.span.text.split()),
                "file": alone.span.source.name,
                "line": position.line,
                "column": position.column,
            }
        )
    return lines


def of_several(checked: CheckedNetwork) -> list[tuple[str, str]]:
    """Where a batch has to have two images, as lines."""
    lines = []
    for few in batches(checked):
        place = f"{few['file']}:{few['line']}:{few['column']}"
        where = ", ".join(few["where"])
        lines.append(f"2 images or more at {where}: a group of `{few['statement']}` has one value in each ({place})")
    return [("batches" if i == 0 else "", line) for i, line in enumerate(lines)]


def because(checked: CheckedNetwork) -> list[tuple[str, str]]:
    """The limits as lines; those of an axis that is limited like one before it are not said again."""
    axes: dict[str, list[str]] = {}
    for limit in limits(checked):
        stage = f" in {limit['stage']}" if limit["stage"] else ""
        place = f"{limit['file']}:{limit['line']}:{limit['column']}"
        line = f"{limit['leaves']}: `{limit['statement']}`{stage} needs {limit['needs']} ({place})"
        axes.setdefault(limit["axis"], []).append(line)
    lines: list[str] = []
    said: dict[tuple[str, ...], str] = {}
    for symbol, rows in axes.items():
        general = tuple(re.sub(rf"\b{symbol}\b", "_", row) for row in rows)
        lines += [f"{symbol} as {said[general]}"] if general in said else rows
        said.setdefault(general, symbol)
    return [("because" if i == 0 else "", line) for i, line in enumerate(lines)]


def listing(networks: Sequence[ListedNetwork], index: Index, color: bool = False) -> str:
    """The shipped networks, a line each, with the further names that they are known by."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("spec")
    table.add_column("network")
    for column in ("parameters", "multiply-adds", "at"):
        table.add_column(column, justify="right")
    table.add_column("accepts")
    for network in networks:
        table.add_row(
            Text(network.spec),
            Text(", ".join((network.name, *index.list_aliases(network.name)))),
            f"{network.parameters:,}",
            f"{network.multiply_adds:,}",
            "x".join(map(str, network.input)),
            Text(network.accepts),
        )
    return drawn(lambda console: console.print(table), 200, color)
