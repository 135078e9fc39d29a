"""Parses one flat YAML mapping to keys and values with their places: no aliases, no tags, no duplicate keys.

Values stay text here; the caller (`recipe.py`) decides what a key may hold, so that `1e-4` is a number where one is
expected.
"""

import re
from dataclasses import dataclass
from typing import Protocol

import yaml

from resnetc.runtime.errors import RunError
from resnetc.terminal import brief, one_line

_MAX_CHARACTERS, _MAX_DEPTH, _MAX_ARGUMENT_CHARACTERS = 1 << 16, 16, 200
_POSITION = re.compile(r"(:[0-9]+:[0-9]+)?: ")


@dataclass(frozen=True, slots=True)
class Value:
    """A scalar, or a list of scalars, as written.

    `place` is `file:line:column` (1-based) of the value, `key_place` that of its key; for an override, both are the
    override.
    """

    text: str | tuple[str, ...]
    quoted: bool
    place: str
    key_place: str


class _Mark(Protocol):
    """A place in a text, as Python's and C's parser of YAML give it."""

    line: int
    column: int


def _format_place(file: str, mark: _Mark | None) -> str:
    return f"{file}:{mark.line + 1}:{mark.column + 1}" if mark is not None else f"{file}:1:1"


def _forbid_features(text: str, file: str) -> None:
    """Refuse what YAML allows and a recipe has no use for, before any node is built (an alias bomb stays small)."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        where = _format_place(file, event.start_mark)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            raise RunError(f"{where}: nested too deeply: a recipe is one flat mapping")
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise RunError(f"{where}: a recipe cannot have anchors and aliases: write the value out")
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise RunError(f"{where}: a recipe cannot have tags ({tag}): write the plain value")


def _compose(text: str, file: str) -> yaml.Node | None:
    if len(text) > _MAX_CHARACTERS:
        raise RunError(f"{file}:1:1: {len(text)} characters; the limit is {_MAX_CHARACTERS}")
    try:
        _forbid_features(text, file)
        node: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
        return node
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        raise RunError(f"{_format_place(file, mark)}: not YAML: {fault.problem or fault.context}") from None
    except yaml.reader.ReaderError as fault:
        line = text.count("\n", 0, fault.position) + 1
        column = fault.position - (text.rfind("\n", 0, fault.position) + 1) + 1
        raise RunError(f"{file}:{line}:{column}: not YAML: the character {fault.character!r} is not allowed") from None


def _read_value(node: yaml.Node, place: str, key_place: str) -> Value:
    if isinstance(node, yaml.ScalarNode):
        return Value(node.value, node.style is not None, place, key_place)
    if isinstance(node, yaml.SequenceNode) and all(isinstance(item, yaml.ScalarNode) for item in node.value):
        return Value(tuple(item.value for item in node.value), False, place, key_place)
    raise RunError(f"{place}: expected a single value or a list of numbers")


def parse_mapping(text: str, file: str) -> dict[str, Value]:
    """The mapping in `text`, in order; `file` is the name used in messages. An empty text is an empty mapping.

    Raises RunError `file:line:column: ...` for bad YAML, anything but a flat mapping, aliases, tags, duplicate keys.
    """
    root = _compose(text, file)
    if root is None:
        return {}
    if not isinstance(root, yaml.MappingNode):
        raise RunError(f"{_format_place(file, root.start_mark)}: a recipe must be a mapping: lines of `key: value`")
    values: dict[str, Value] = {}
    for key, node in root.value:
        where = _format_place(file, key.start_mark)
        if not isinstance(key, yaml.ScalarNode):
            raise RunError(f"{where}: a key must be a single word")
        if key.value in values:
            raise RunError(f"{where}: the key `{key.value}` occurs twice; first at {values[key.value].key_place}")
        values[key.value] = _read_value(node, _format_place(file, node.start_mark), where)
    return values


def parse_override(argument: str, place: str | None = None) -> tuple[str, Value]:
    """`KEY=V` of the command line as key and value; V is read as in a recipe. Raises RunError (status 2).

    place: how it was given, if not by `--override KEY=V`."""
    key, equals, text = argument.partition("=")
    place = brief(one_line(place or f"--override {argument}"), _MAX_ARGUMENT_CHARACTERS)
    if not equals or not key.strip():
        raise RunError(f"{place}: expected KEY=V", status=2)
    try:
        node = _compose(text, place)
        if node is None:
            raise RunError(f"{place}:1:1: expected a value after the =")
        return key.strip(), _read_value(node, place, place)
    except RunError as fault:
        words = _POSITION.sub(
            "", str(fault).removeprefix(place), count=1
        )  # a column within an argument tells nobody anything
        raise RunError(f"{place}: {words}", status=2) from None
