"""Labels of items of Datasets: the number of a class; or, of any number of classes, a 0 or 1 for each."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from resnetc.runtime.data.files import MAX_CLASSES
from resnetc.runtime.errors import RunError

Label: TypeAlias = int | tuple[int, ...]


def read_label(value: object, item: str) -> Label:
    """The label of an item; RunError for anything else. `item` names it. A vector of one number is that number."""
    try:
        listed: object = value.tolist() if isinstance(value, Tensor | np.ndarray) else value
        if isinstance(listed, list | tuple) and len(listed) != 1:
            return _read_vector(listed, value, item)
        number = operator.index(value.item() if isinstance(value, Tensor) else value)  # type: ignore[arg-type]  # or a TypeError
    except (TypeError, ValueError, RuntimeError):
        raise RunError(
            f"{item} has the label {value!r:.40}; expected an integer, or a vector with a 0 or 1 for each class"
        ) from None
    if not 0 <= number < MAX_CLASSES:
        raise RunError(f"{item} has label {number}; 0 to {MAX_CLASSES - 1} are allowed")
    return number


def _read_vector(numbers: Sequence[object], value: object, item: str) -> Label:
    if not all(isinstance(number, int | float | np.generic) and number in (0, 1) for number in numbers):
        raise ValueError(value)
    if not 1 < len(numbers) <= MAX_CLASSES:
        raise RunError(f"{item} has a label of {len(numbers):,} numbers; expected 2 to {MAX_CLASSES:,} classes")
    return tuple(int(bool(number)) for number in numbers)


def format_label(label: Label | list[int]) -> str:
    """`3`; of any number of classes the numbers of those that are there: `[0, 4]`."""
    if isinstance(label, int):
        return str(label)
    return str([number for number, is_there in enumerate(label) if is_there])


@dataclass(slots=True)
class GatheredLabels:
    """The labels of all items, which are of one kind. class_names: as the user says them."""

    class_names: tuple[str, ...] | None
    _of_parts: dict[str, list[Label]] = field(default_factory=dict)
    _first: Label | None = None

    def add(self, part: str, label: Label, item: str) -> None:
        """One more, of a part of the set; RunError where it is of another kind than the first, or of no class."""
        if self._first is None:
            self._first = label
        if _count(label) != _count(self._first):
            raise RunError(
                f"{item} has {_describe_kind(label)}, but the first training item has {_describe_kind(self._first)}"
            )
        names = self.class_names
        if names is not None and isinstance(label, tuple) and len(label) != len(names):
            raise RunError(f"{item} has a label of {len(label)} numbers, but `classes` has {len(names)} names")
        if names is not None and isinstance(label, int) and label >= len(names):
            raise RunError(f"{item} has label {label}, but `classes` has {len(names)} names")
        self._of_parts.setdefault(part, []).append(label)

    def make_tensor(self, part: str) -> Tensor:
        """int64 [items], or uint8 [items, classes] of 0 and 1; of a part that is not there, no items."""
        labels = self._of_parts.get(part, [])
        if isinstance(self._first, tuple):
            return torch.tensor(labels, dtype=torch.uint8).reshape(-1, len(self._first))
        return torch.tensor(labels, dtype=torch.int64)

    def name_classes(self) -> tuple[str, ...]:
        """The names of the classes: the user's, or their numbers."""
        if self.class_names is not None:
            return self.class_names
        if isinstance(self._first, tuple):
            return tuple(map(str, range(len(self._first))))
        highest = max(label for labels in self._of_parts.values() for label in labels if isinstance(label, int))
        return tuple(map(str, range(highest + 1)))


def _count(label: Label) -> int:
    return len(label) if isinstance(label, tuple) else 0


def _describe_kind(label: Label) -> str:
    return f"a label of {len(label)} numbers" if isinstance(label, tuple) else "an integer as its label"
