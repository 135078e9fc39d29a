"""Reads what timm writes for its RandAugment, such as `rand-m7-mstd0.5-inc1`, to say which keys of a recipe it is."""

import re

_SECTION = re.compile(r"(m|n|mstd)([0-9]+(?:\.[0-9]+)?)")
_KEYS = {"n": "num_ops", "m": "magnitude", "mstd": "magnitude_std"}
_DEFAULTS = {"n": "2", "m": "10", "mstd": "0"}  # timm's


def translate_policy(text: str) -> str:
    """The keys and values of a recipe, or nothing where the text is none, or means what recipes lack: operations whose
    strength does not increase with the magnitude (without `inc1`), weights of operations."""
    first, *sections = text.split("-")
    if first != "rand" or "inc1" not in sections:
        return ""
    matches = [_SECTION.fullmatch(section) for section in sections if section != "inc1"]
    values = dict(_DEFAULTS)
    for match in matches:
        if match is None:
            return ""
        values[match[1]] = match[2]
    return ", ".join(["rand_augment: timm", *(f"{key}: {values[section]}" for section, key in _KEYS.items())])
