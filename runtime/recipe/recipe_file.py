"""Reads recipes: the shipped ones, files, what the command line overrides, and what a checkpoint has stored."""

import dataclasses
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from resnetc.bounded_read import contents
from resnetc.runtime.errors import RunError, suggest_name
from resnetc.runtime.recipe import yaml_mapping
from resnetc.runtime.recipe.agreement import check_agreement
from resnetc.runtime.recipe.foreign_keys import EARLIER_KEYS, describe_unknown_key, find_key
from resnetc.runtime.recipe.key_rules import Setting, convert_value, format_value, quote_value
from resnetc.runtime.recipe.recipe import RULES, Recipe
from resnetc.runtime.recipe.yaml_mapping import Value
from resnetc.terminal import one_line

_MAX_BYTES = 1 << 18  # bytes of a recipe
_Item = TypeVar("_Item")


def rename_keys(settings: Mapping[str, _Item]) -> dict[str, _Item]:
    """The settings of a run of an earlier resnetc, under the present names of the keys."""
    return {EARLIER_KEYS.get(key, key): value for key, value in settings.items()}


def from_settings(settings: Mapping[str, Setting], place: str) -> Recipe:
    """The recipe stored in a checkpoint, also of an earlier resnetc; RunError if it has an unknown key or a value of
    another kind (`place` names it)."""
    renamed = rename_keys(settings)
    if unknown := [key for key in renamed if key not in RULES]:
        raise RunError(f"{place}: the recipe has a key that this resnetc does not know: `{quote_value(unknown[0])}`")
    converted: dict[str, Any] = {}  # Any: `_convert_value` has checked each against its key's rule
    for key, value in renamed.items():
        items = tuple(map(_format_item, value)) if isinstance(value, (list, tuple)) else format_value(value)
        converted[key] = convert_value(RULES[key], key, Value(items, False, place, place))
    return Recipe(**converted)


def _format_item(value: Setting) -> str:
    return value if isinstance(value, str) else format_value(value)


def list_shipped() -> tuple[str, ...]:
    """The names of the shipped recipes."""
    folder = resources.files("resnetc.runtime").joinpath("recipes")
    return tuple(sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml")))


def _read_source(source: str) -> tuple[str, str]:
    """The text of a shipped recipe or a file, and the name to use for it in messages."""
    if source in list_shipped():
        name = f"{source}.yaml"
        return resources.files("resnetc.runtime").joinpath("recipes", name).read_text("utf-8"), f"recipes/{name}"
    path = Path(source).expanduser()
    try:
        if not source:
            raise FileNotFoundError
        return contents(path, _MAX_BYTES).decode("utf-8-sig"), str(path)
    except FileNotFoundError:
        if path.suffix not in (".yaml", ".yml"):
            message = f"--recipe {source}: no such recipe{suggest_name(source, list_shipped())}; or name a file"
            raise RunError(message, status=2) from None
        raise RunError(f"{path}: no such recipe file") from None
    except UnicodeDecodeError as fault:
        raise RunError(f"{path}: not UTF-8 text: byte {fault.start} is 0x{fault.object[fault.start]:02x}") from None
    except OSError as fault:
        raise RunError(f"{path}: cannot read the recipe: {fault.strerror or fault}") from None


def load(
    source: str,
    overrides: Sequence[str] = (),
    *,
    extensions: Sequence[str] = (),
    options: Mapping[str, str | None] | None = None,
    of_run: bool = False,
) -> Recipe:
    """Read the shipped recipe or the file `source`, then apply the overrides and the values by which a finished run is
    extended (`KEY=V`, later ones win).

    options: by key, the option of its own that gave an override, as it was written. With `of_run` the file is the
    `recipe.yaml` of a run to resume, which an earlier resnetc may have written. Raises RunError: `file:line:column:
    ...` for an error in the file, `--override KEY=V: ...` (status 2) for one there.
    """
    text, name = _read_source(source)
    values = yaml_mapping.parse_mapping(text, name)
    if of_run:
        values = rename_keys(values)
    converted: dict[str, Any] = {}  # Any: `_convert_value` has checked each against its key's rule
    for key, value in values.items():
        if key not in RULES:
            others = {word: other for word, other in values.items() if word not in RULES and word != key}
            named = {word: other for word, other in others.items() if find_key(word) is not None}
            raise RunError(describe_unknown_key(key, value.key_place, named, RULES))
        converted[key] = convert_value(RULES[key], key, value)
    own_options = options or {}
    arguments = [(text, own_options.get(text.partition("=")[0].strip())) for text in overrides]
    for argument, option in [*arguments, *((text, f"--extend {text}") for text in extensions)]:
        key, value = yaml_mapping.parse_override(argument, option)
        if key not in RULES:
            raise RunError(describe_unknown_key(key, value.place, {}, RULES), status=2)
        try:
            converted[key] = convert_value(RULES[key], key, value)
        except RunError as fault:
            raise RunError(str(fault), status=2) from None
        values[key] = value
    recipe = Recipe(**converted, places={key: value.place for key, value in values.items()})
    check_agreement(recipe)
    return recipe


def refuse_saying_twice(overrides: Sequence[str], options: Mapping[str, str | None]) -> None:
    """RunError (status 2) for an override of a key that an option of its own says as well.

    options: by the key of the recipe, the option as it was given; None: it was not.
    """
    for override in overrides:
        key = override.partition("=")[0].strip()
        if (option := options.get(key)) is not None:
            both = f"{one_line(option)} and by --override {one_line(override)}"
            raise RunError(f"`{key}` is set twice, by {both}: remove one of them", status=2)


def add_frozen(recipe: Recipe, patterns: Sequence[str]) -> Recipe:
    """The recipe with the patterns of `--freeze` beside its own; RunError (status 2) for one that is none."""
    try:
        values = convert_value(
            RULES["freeze"], "freeze", Value((*recipe.freeze, *patterns), False, "--freeze", "--freeze")
        )
    except RunError as fault:
        raise RunError(str(fault), status=2) from None
    assert isinstance(values, tuple)
    written = [place for place in (recipe.places.get("freeze"), "--freeze" if patterns else None) if place]
    places = {**recipe.places, "freeze": " and ".join(written)} if written else recipe.places
    return dataclasses.replace(recipe, freeze=tuple(map(str, values)), places=places)
