"""Reads `labels.csv` of a folder of photographs, in which an image has any number of classes: 0 or 1 for each.

Its first line is `file` and the names of the classes, every other one a file, relative to the folder, and its numbers.
"""

from __future__ import annotations

import csv
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from itertools import accumulate
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt

from resnetc.bounded_read import TooLarge, contents
from resnetc.runtime.data.files import check_names
from resnetc.runtime.errors import RunError
from resnetc.terminal import brief, one_line

NAME = "labels.csv"
_EXPECTED = "expected a header such as file,cat,dog, then lines with a file and a 0 or 1 for each class"
_MAX_BYTES = 1 << 28
_MAX_CELL_CHARACTERS = 40  # of a cell, in a message
# A cell of CSV with what ends it; in the group, the quote that closes it.
_CELL = re.compile(r'"(?:[^"]++|"")*+("(?=[,\r\n]|\Z))?[^,\n]*,?|[^,\n]*[,\n]')
_TRAIN, _TEST = "train", ("test", "val")


@dataclass(frozen=True, slots=True)
class TablePlaces:
    """Where a table names the files of a part: FILE:LINE by the number of the file."""

    path: Path
    lines: tuple[int, ...]

    def __getitem__(self, index: int) -> str:
        return f"{self.path}:{self.lines[index]}"


@dataclass(frozen=True, eq=False, slots=True)
class LabelTable:
    """For the training and the test part: the names of its files, relative to its folder; these folders; where the
    table names each; and labels, uint8 [N, classes] of 0 and 1. The parts are `train/` and `test/` (or `val/`) where
    files are named so."""

    class_names: tuple[str, ...]
    names: tuple[tuple[str, ...], tuple[str, ...]]
    folders: tuple[Path, Path]
    places: tuple[TablePlaces, TablePlaces]
    labels: tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]


def read_label_table(folder: Path) -> LabelTable:
    """The table in a folder; RunError, which names the line, for what is none, or names a file that is not there."""
    path = folder / NAME
    rows = _read_rows(path)
    line, head = next(rows, (1, []))
    if not head or head[0] != "file" or len(head) < 2:
        raise _describe_fault(path, line, f"begins with `{_shorten(','.join(head))}`; {_EXPECTED}")
    classes = tuple(head[1:])
    check_names(f"{one_line(str(path))}:{line}", classes)
    if "" in classes:
        raise _describe_fault(path, line, f"class {classes.index('')} has no name; check for an extra comma")
    if len(set(classes)) < len(classes):
        twice = next(name for name in classes if classes.count(name) > 1)
        raise _describe_fault(path, line, f"two classes are called `{_shorten(twice)}`")
    lines: dict[str, int] = {}  # of each file
    labels: list[bytes] = []
    for line, cells in rows:
        if len(cells) != len(head):
            raise _describe_fault(path, line, f"{len(cells):,} cells; the first line has {len(head):,}")
        name = _check_file(folder, path, line, cells[0])
        if name in lines:
            raise _describe_fault(path, line, f"`{_shorten(name)}` is already in line {lines[name]}")
        lines[name] = line
        labels.append(bytes(_read_labels(path, line, cells[1:], classes)))
    if not lines:
        raise _describe_fault(path, line, f"no images after the header; {_EXPECTED}")
    table = np.frombuffer(b"".join(labels), np.uint8).reshape(-1, len(classes)).copy()
    return _split(folder, path, classes, lines, table)


def _read_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The lines that have anything, each with its number and its cells, without the blanks around them."""
    try:
        text = contents(path, _MAX_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise RunError(f"{one_line(str(path))}: not UTF-8 text: byte {fault.start}") from None
    except TooLarge as fault:
        raise RunError(f"{one_line(str(path))}: {fault}") from None
    except OSError as fault:
        raise RunError(f"{one_line(str(path))}: cannot read it: {fault.strerror or fault}") from None
    row: list[str] = []  # the lines of the row that is read; in quotes it may have several

    def read_lines() -> Iterator[str]:
        for line in StringIO(text, newline=""):
            row.append(line)
            yield line

    reader = csv.reader(read_lines(), strict=True)
    try:
        for cells in reader:
            if any(map(str.strip, cells)):
                yield reader.line_num - len(row) + 1, list(map(str.strip, cells))
            row.clear()
    except csv.Error as fault:
        last = reader.line_num
        line, reason = last - len(row) + 1 + _find_bad_quote(row), str(fault)
        if "end of data" in reason:
            reason = "the quote that opens here is not closed"
        elif line < last:
            closed = "is closed in" if "expected after" in reason else "is not closed by"
            reason = f"the quote that opens here {closed} line {last}: {reason}"
        raise _describe_fault(path, line, f"not CSV: {reason}; {_EXPECTED}") from None


def _find_bad_quote(row: list[str]) -> int:
    """Of the lines of a row, the index of that on which a cell begins that no quote ends; 0 where none does."""
    cells = _CELL.finditer("".join(row))
    start = next((cell.start() for cell in cells if cell[0].startswith('"') and cell[1] is None), 0)
    return bisect_right(list(accumulate(map(len, row))), start)


def _check_file(folder: Path, path: Path, line: int, name: str) -> str:
    """The name of a file as it is compared: without `./`."""
    parts = PurePosixPath(name).parts
    if not parts or parts[0] == "/" or ".." in parts or "\0" in name:
        raise _describe_fault(path, line, f"`{_shorten(name)}`: expected a file below {one_line(str(folder))}")
    if (folder / name).is_dir():
        raise _describe_fault(path, line, f"{_shorten(name)} is a folder; expected an image file")
    if not (folder / name).is_file():
        raise _describe_fault(path, line, f"no such file: {_shorten(name)}")
    return PurePosixPath(name).as_posix()


def _read_labels(path: Path, line: int, cells: list[str], classes: tuple[str, ...]) -> Iterator[int]:
    for cell, name in zip(cells, classes, strict=True):
        if cell not in ("0", "1"):
            raise _describe_fault(path, line, f"`{_shorten(cell)}` for the class {_shorten(name)}; expected 0 or 1")
        yield int(cell)


def _split(
    folder: Path, path: Path, classes: tuple[str, ...], lines: dict[str, int], table: npt.NDArray[np.uint8]
) -> LabelTable:
    """The rows of each part."""
    first = [name.partition("/")[0] if "/" in name else "" for name in lines]
    numbers = tuple(lines.values())
    if _TRAIN not in first:
        places = TablePlaces(path, numbers), TablePlaces(path, ())
        return LabelTable(
            classes, (tuple(lines), ()), folders=(folder, folder), places=places, labels=(table, table[:0])
        )
    test = next((part for part in first if part in _TEST), _TEST[0])
    rows: dict[str, list[int]] = {_TRAIN: [], test: []}
    for row, (name, part) in enumerate(zip(lines, first, strict=True)):
        if part not in rows:
            raise _describe_fault(
                path, lines[name], f"`{_shorten(name)}` is neither in {_TRAIN}/ nor in {test}/, as the other files"
            )
        rows[part].append(row)
    names = [name.partition("/")[2] for name in lines]
    train_names, test_names = (tuple(names[row] for row in rows[part]) for part in (_TRAIN, test))
    train, other = (TablePlaces(path, tuple(numbers[row] for row in rows[part])) for part in (_TRAIN, test))
    return LabelTable(
        classes,
        (train_names, test_names),
        folders=(folder / _TRAIN, folder / test),
        places=(train, other),
        labels=(table[rows[_TRAIN]], table[rows[test]]),
    )


def _shorten(text: str) -> str:
    return brief(one_line(text), _MAX_CELL_CHARACTERS)


def _describe_fault(path: Path, line: int, text: str) -> RunError:
    return RunError(f"{one_line(str(path))}:{line}: {text}")
