"""Which axis of an array is what: the network's axes decide, unless the archive's `layout` says it.

Imports no torch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from resnetc.runtime.data.files import MAX_SIDE, MAX_VALUES
from resnetc.runtime.errors import RunError

AXES = {1: "T", 2: "HW", 3: "DHW"}  # the axes of an input, as a layout names them
KINDS = {1: "signals", 2: "images", 3: "volumes"}
_NAMES = {1: "one axis", 2: "two axes", 3: "three axes"}
_WORDS = {"N": "{what}", "C": "channels", "T": "steps", "D": "depth", "H": "height", "W": "width"}


@dataclass(frozen=True, slots=True)
class Reading:
    """How the arrays of an archive are read: `letters` names each of their axes; is_said: the archive says it."""

    letters: str
    is_said: bool

    @property
    def axes(self) -> int:
        """Of an input, without its channels."""
        return len(self.letters) - 1 - ("C" in self.letters)

    def count_channels(self, shape: tuple[int, ...]) -> int:
        """Of every input in an array of that shape."""
        return shape[self.letters.index("C")] if "C" in self.letters else 1

    def find_size(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The length of each axis of an input."""
        return tuple(shape[self.letters.index(letter)] for letter in AXES[self.axes])

    def describe(self, shape: tuple[int, ...]) -> str:
        """`64 signals of 12 channels and 500 steps`."""
        channels, size = self.count_channels(shape), self.find_size(shape)
        many = f"{channels} channel{'s' if channels != 1 else ''}"
        length = f"{size[0]} steps" if self.axes == 1 else "x".join(map(str, size))
        return f"{shape[0]:,} {KINDS[self.axes]} of {many} and {length}"


def choose_reading(place: str, shape: tuple[int, ...], axes: int, layout: str | None) -> Reading:
    """How an array of that shape is read for a network of so many axes; RunError, which begins with `place`, where it
    cannot be."""
    whole = "NC" + AXES[axes] if axes != 2 else "NHWC"
    choices = {len(whole): whole, len(whole) - 1: whole.replace("C", "")}
    if layout is not None:
        check_layout(place, layout, axes)
        if len(layout) != len(shape):
            raise RunError(f"{place}: shape {list(shape)}, but `layout` is {layout}: {len(layout)} axes")
        reading = Reading(layout, True)
    elif len(shape) in choices:
        reading = Reading(choices[len(shape)], False)
    else:
        wanted = " or ".join(_spell(letters, axes) for letters in sorted(choices.values(), key=len))
        raise RunError(f"{place}: shape {list(shape)}; expected {wanted}, as the network takes {_NAMES[axes]}")
    if 0 in shape:
        raise RunError(f"{place}: shape {list(shape)}: it is empty")
    size, channels = reading.find_size(shape), reading.count_channels(shape)
    if reading.letters == "NHWC" and layout is None and channels > 4 >= shape[1]:
        raise RunError(
            f"{place}: shape {list(shape)}: the channels come last, {_spell('NHWC', 2)}; if they come first, add "
            f"layout='NCHW' to the archive"
        )
    if max(*size, channels) > MAX_SIDE or math.prod(size) * channels > MAX_VALUES:
        limits = f"{MAX_SIDE:,} along an axis and {MAX_VALUES:,} in total"
        raise RunError(f"{place}: shape {list(shape)}: too many values for one input; the limit is {limits}")
    return reading


def check_layout(place: str, layout: str, axes: int) -> None:
    """RunError unless it is the layout of inputs of so many axes."""
    letters = AXES[axes]
    allowed = [f"N{letters}", f"NC{letters}", f"N{letters}C"]
    if layout not in allowed:
        raise RunError(f"{place}: `layout` is {layout}; for a network of {_NAMES[axes]}: {', '.join(allowed)}")


def _spell(letters: str, axes: int) -> str:
    """`[images, height, width]`."""
    return "[" + ", ".join(_WORDS[letter].format(what=KINDS[axes]) for letter in letters) + "]"
