"""What the keys of a recipe accept, and how a value is read and written."""

import json
import math
import re
from dataclasses import dataclass, field
from typing import TypeVar

from resnetc.runtime.errors import RunError, suggest_name
from resnetc.runtime.recipe.save_interval import EXPECTED, parse_interval
from resnetc.runtime.recipe.timm_policy import translate_policy
from resnetc.runtime.recipe.yaml_mapping import Value
from resnetc.terminal import brief, one_line

_MAX_VALUE_CHARACTERS = 100  # characters of a value that a message quotes
_MAX_PATTERNS, _MAX_PATTERN_CHARACTERS = 100, 200
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_INT = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")


Setting = int | float | bool | str | tuple[float, ...] | tuple[str, ...] | None  # the value of a key; None: auto
_Default = TypeVar("_Default")


@dataclass(frozen=True, slots=True)
class Rule:
    """What a key accepts, as `kind` (int, auto: an int or None, number, flag, choice, numbers, ints, range: two
    numbers, sides: none or two ints, names, weights: a choice or numbers, interval), inclusive bounds or choices; and
    its meaning. A run that is resumed may have another value of a key that `may_change`."""

    kind: str
    meaning: str
    low: float = -math.inf
    high: float = math.inf
    positive: bool = False
    choices: tuple[str, ...] = ()
    may_change: bool = False


def define_key(
    default: _Default,
    kind: str,
    meaning: str,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    positive: bool = False,
    choices: tuple[str, ...] = (),
    may_change: bool = False,
) -> _Default:
    """The default of a field of `Recipe`, with its rule."""
    return field(
        default=default,
        metadata={
            "rule": Rule(kind, meaning, low=low, high=high, positive=positive, choices=choices, may_change=may_change)
        },
    )


def format_value(value: object) -> str:
    """A value as it is written in a recipe."""
    if value is None:
        return "auto"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(_quote(item) if isinstance(item, str) else format_value(item) for item in value) + "]"
    return repr(value) if isinstance(value, (int, float)) else str(value)


def _quote(text: str) -> str:
    """A text in a list, with quotes where YAML would read something else."""
    return text if _PLAIN.fullmatch(text) else json.dumps(text)


def quote_value(text: str) -> str:
    """A user's value, for a message."""
    return brief(one_line(text), _MAX_VALUE_CHARACTERS)


def _parse_number(text: str, rule: Rule, what: str) -> float:
    if not _NUMBER.fullmatch(text):
        expected = {"int": "whole number", "auto": "whole number or auto"}.get(rule.kind, "number")
        raise RunError(f"{what} must be a {expected}, not `{quote_value(text)}`")
    number = float(text)
    if not rule.low <= number <= rule.high or (rule.positive and not number > 0):
        low = "above 0" if rule.positive else f"from {rule.low:g}"
        high = f"{rule.high:,.0f}" if rule.kind in ("int", "auto") else f"{rule.high:g}"
        raise RunError(f"{what} must lie {low} to {high}; it is {quote_value(text)}")
    return number


def _is_range(numbers: tuple[float, ...]) -> bool:
    return len(numbers) == 2 and numbers[0] <= numbers[1]


def convert_value(rule: Rule, name: str, value: Value) -> Setting:
    """The value of key `name` as its rule's Python type; RunError with the place and what was expected."""
    what = f"{value.place}: `{name}`"
    if rule.kind in ("numbers", "ints", "range", "sides"):
        items = (value.text,) if isinstance(value.text, str) else value.text
        numbers = tuple(_parse_number(item, rule, f"{what}: every item") for item in items)
        if rule.kind == "range" and not _is_range(numbers):
            raise RunError(f"{what} takes two numbers, the smallest and the largest, such as [0.25, 1]")
        if rule.kind == "sides":
            if not all(_INT.fullmatch(item) for item in items) or (numbers and not _is_range(numbers)):
                raise RunError(f"{what} takes two whole numbers, the smallest and the largest, such as [256, 480]")
            return tuple(map(int, numbers))
        if rule.kind == "ints":
            if len(numbers) > _MAX_PATTERNS or not all(_INT.fullmatch(item) for item in items):
                raise RunError(f"{what} must be whole numbers, such as [128, 224], at most {_MAX_PATTERNS} of them")
            return tuple(map(int, numbers))
        return numbers
    if rule.kind == "weights":
        if not isinstance(value.text, tuple):
            if value.text not in rule.choices:
                choices = " or ".join(rule.choices)
                raise RunError(f"{what} must be {choices}, or a list of numbers, not `{quote_value(value.text)}`")
            return value.text
        return tuple(_parse_number(item, rule, f"{what}: every item") for item in value.text)
    if rule.kind == "names":
        names = (value.text,) if isinstance(value.text, str) else value.text
        if len(names) > _MAX_PATTERNS or any(not name.strip() or len(name) > _MAX_PATTERN_CHARACTERS for name in names):
            raise RunError(f"{what} must be a list of names, such as [stem, stage1], of at most {_MAX_PATTERNS}")
        return tuple(dict.fromkeys(name.strip() for name in names))
    if isinstance(value.text, tuple):
        raise RunError(f"{what} takes one value, not a list")
    if rule.kind == "choice":
        if value.text not in rule.choices:
            if name == "rand_augment" and (keys := translate_policy(value.text)):
                raise RunError(f"{what} cannot be `{quote_value(value.text)}`: write {keys}")
            raise RunError(f"{what} cannot be `{quote_value(value.text)}`{suggest_name(value.text, rule.choices)}")
        return value.text
    if rule.kind == "interval":
        if parse_interval(value.text) is None:
            raise RunError(f"{what} must be {EXPECTED}, not `{quote_value(value.text)}`")
        return value.text.strip()
    if value.quoted:
        raise RunError(f"{what}: write it without quotes: a {'flag' if rule.kind == 'flag' else 'number'} is expected")
    if rule.kind == "flag":
        if value.text not in ("true", "false"):
            raise RunError(f"{what} must be true or false, not `{quote_value(value.text)}`")
        return value.text == "true"
    if rule.kind == "auto" and value.text == "auto":
        return None
    number = _parse_number(value.text, rule, what)
    if rule.kind in ("int", "auto"):
        if not _INT.fullmatch(value.text):
            raise RunError(f"{what} must be a whole number, not `{quote_value(value.text)}`")
        return int(value.text)
    return number
