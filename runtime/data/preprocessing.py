"""How the inputs of a run are prepared for its network, and what its outputs mean: one record for every use of a run.

Training writes it beside the weights and into their metadata; evaluation and prediction take it from there. A run
folder may come from a stranger, so every field is checked. Imports no torch.
"""

import json
import math
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from resnetc.bounded_read import contents
from resnetc.runtime.data.decode import INTERPOLATIONS
from resnetc.runtime.data.files import MAX_CLASSES, MAX_NAME_CHARACTERS, MAX_SIDE, MAX_VALUES
from resnetc.runtime.data.json_values import is_count, is_figure
from resnetc.runtime.errors import RunError

VERSION = 2
_FIRST_VERSIONS = {"dtype": 2, "multi_label": 2}  # of the keys that the records of earlier versions lack
_MAX_BYTES = 1 << 26  # bytes of the file
_MAX_DATA_CHARACTERS = 10_000  # characters of the name and path of a data set

Kind = Literal["signal", "image", "volume"]
Dtype = Literal["uint8", "float32"]
AXES: dict[Kind, int] = {"signal": 1, "image": 2, "volume": 3}  # of each kind of input


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """What a run does to an input before its network gets it.

    The network gets `(value - mean) * scale`, in float32, as [channels, *size].

    kind: what an input is: a signal has one axis, an image two, a volume three. channels; size: the length of each axis
    as the network gets it (an image: height, width). resize: an image's shorter side is resized to this many pixels
    before the centre of `size` is cut out; None: to the smallest that covers `size`, which leaves an image of that size
    as it is. interpolation: the filter of that. exif: whether an image is turned upright as its EXIF data say.
    range: the values that black and white have, such as 0 and 255. mean: one value per channel, or one per value of an
    input, in the order of [*size, channels]; scale: one factor per channel; all of them float32. classes: their names,
    in the order of the network's outputs. data: the data set that the run was trained on, as --data takes it.
    dtype: the values of an array are bytes, or (float32) any numbers. multi_label: an input has any number of the
    classes, each with a probability of its own (the sigmoid of its score); else it has one (their softmax).
    """

    kind: Kind
    channels: int
    size: tuple[int, ...]
    resize: int | None
    interpolation: str
    exif: bool
    range: tuple[float, float]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    classes: tuple[str, ...]
    data: str
    dtype: Dtype = "uint8"
    multi_label: bool = False

    def to_json(self) -> dict[str, object]:
        """The record as JSON; `parse_preprocessing` reads it back to an equal one."""
        return {"version": VERSION, **{key: _to_json(getattr(self, key)) for key in _CHECKS if key != "version"}}

    def to_text(self) -> str:
        """The text of `preprocessing.json`."""
        return json.dumps(self.to_json(), indent=1) + "\n"


def _to_json(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def read_preprocessing(path: Path) -> Preprocessing:
    """The record in a file; RunError if it is missing, is no such record or has a field that cannot be right."""
    try:
        value: object = json.loads(contents(path, _MAX_BYTES))
    except OSError as fault:
        raise RunError(f"{path}: cannot read it: {fault.strerror or fault}") from None
    except (ValueError, RecursionError) as fault:
        raise RunError(f"{path}: damaged, or not JSON: {str(fault) or 'nested too deep'}") from None
    return parse_preprocessing(value, str(path))


def parse_preprocessing(value: object, place: str) -> Preprocessing:
    """The record that `to_json` gave; RunError, which begins with `place`, for anything else."""
    if not isinstance(value, dict):
        raise RunError(f"{place}: not a preprocessing record: expected an object")
    version = value.get("version")
    if not is_count(version) or not 1 <= cast(int, version) <= VERSION:
        raise RunError(f"{place}: `version` is {_abbreviate(version)}; this resnetc reads versions 1 to {VERSION}")
    absent = [key for key, first in _FIRST_VERSIONS.items() if cast(int, version) < first]
    for key in value:
        if key not in _CHECKS or key in absent:
            raise RunError(f"{place}: unknown key `{key:.40}`")
    for key, (is_right, expected) in _CHECKS.items():
        if key in absent:
            continue
        if key not in value:
            raise RunError(f"{place}: `{key}` is missing")
        if not is_right(value[key]):
            raise RunError(f"{place}: `{key}` must be {expected}, not {_abbreviate(value[key])}")
    _check_agreement(value, place)
    is_bytes = value["range"] == [0, 255]  # what version 1 took for bytes
    return Preprocessing(
        kind=value["kind"],
        channels=value["channels"],
        size=tuple(value["size"]),
        resize=value["resize"],
        interpolation=value["interpolation"],
        exif=value["exif"],
        range=cast(tuple[float, float], tuple(map(float, value["range"]))),
        mean=tuple(map(float, value["mean"])),
        scale=tuple(map(float, value["scale"])),
        classes=tuple(value["classes"]),
        data=value["data"],
        dtype=value.get("dtype", "uint8" if is_bytes else "float32"),
        multi_label=value.get("multi_label", False),
    )


def _abbreviate(value: object) -> str:
    """The start of a value, for a message; of a list its length."""
    if isinstance(value, list) and len(value) > 4:
        return f"a list of {len(value):,}"
    return f"{json.dumps(value)[:60]}"


def _check_agreement(value: Mapping[str, object], place: str) -> None:
    """RunError where fields, each right by itself, contradict one another."""
    kind, channels = cast(Kind, value["kind"]), cast(int, value["channels"])
    size = cast(list[int], value["size"])
    mean, scale, resize = cast(list[float], value["mean"]), cast(list[float], value["scale"]), value["resize"]
    if len(size) != AXES[kind]:
        raise RunError(f"{place}: `size` must have {AXES[kind]} numbers (`kind` is {kind}), not {len(size)}")
    values = channels * math.prod(size)
    if values > MAX_VALUES:
        raise RunError(f"{place}: an input of {values:,} values; the limit is {MAX_VALUES:,}")
    if len(mean) not in (channels, values):
        raise RunError(f"{place}: `mean` has {len(mean):,} numbers; expected {channels:,}, or {values:,}")
    if len(scale) != channels:
        raise RunError(f"{place}: `scale` has {len(scale):,} numbers; expected {channels:,}")
    if isinstance(resize, int) and resize < max(size):
        raise RunError(f"{place}: `resize` is {resize}, less than the crop of {max(size)}")


def _is_float32(value: object) -> bool:
    """A finite number that is one of float32, to the last bit."""
    if not is_figure(value):
        return False
    number = float(cast(float, value))
    try:
        return bool(struct.unpack("f", struct.pack("f", number))[0] == number)
    except OverflowError:
        return False


def _are_float32(value: object) -> bool:
    return isinstance(value, list) and 0 < len(value) <= MAX_VALUES and all(map(_is_float32, value))


def _is_side(value: object) -> bool:
    return is_count(value) and 0 < cast(int, value) <= MAX_SIDE


def _are_sides(value: object) -> bool:
    return isinstance(value, list) and 0 < len(value) <= max(AXES.values()) and all(map(_is_side, value))


def _is_range(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_is_float32, value)) and value[0] < value[1]


def _are_classes(value: object) -> bool:
    return (
        isinstance(value, list)
        and 0 < len(value) <= MAX_CLASSES
        and all(isinstance(name, str) and len(name) <= MAX_NAME_CHARACTERS for name in value)
    )


# The keys of the file, each with its check and with what a message says of it.
_CHECKS: dict[str, tuple[Callable[[object], bool], str]] = {
    "version": (is_count, "a number"),
    "kind": (lambda value: isinstance(value, str) and value in AXES, f"one of {', '.join(AXES)}"),
    "channels": (_is_side, f"a number from 1 to {MAX_SIDE:,}"),
    "size": (_are_sides, f"a list of one to three numbers from 1 to {MAX_SIDE:,}"),
    "resize": (lambda value: value is None or _is_side(value), f"null, or a number from 1 to {MAX_SIDE:,}"),
    "interpolation": (
        lambda value: isinstance(value, str) and value in INTERPOLATIONS,
        f"one of {', '.join(INTERPOLATIONS)}",
    ),
    "exif": (lambda value: isinstance(value, bool), "true or false"),
    "range": (_is_range, "the value of black and a larger one of white, both float32"),
    "mean": (_are_float32, "a list of finite float32 numbers"),
    "scale": (_are_float32, "a list of finite float32 numbers"),
    "classes": (
        _are_classes,
        f"a list of 1 to {MAX_CLASSES:,} names of at most {MAX_NAME_CHARACTERS:,} characters each",
    ),
    "data": (
        lambda value: isinstance(value, str) and len(value) <= _MAX_DATA_CHARACTERS,
        f"a string of at most {_MAX_DATA_CHARACTERS:,} characters",
    ),
    "dtype": (lambda value: value in ("uint8", "float32"), "uint8 or float32"),
    "multi_label": (lambda value: isinstance(value, bool), "true or false"),
}
