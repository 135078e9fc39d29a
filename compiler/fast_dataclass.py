"""`@record`: a dataclass whose fields are read-only to the type checker, and which is cheap to define at start-up.

`dataclasses.dataclass(frozen=True)` compiles five methods per class; for 120 classes this took a third of the time of
`resnetc check`. Here the fields are read-only to mypy (which checks every change), not at run time, and all records
share one `__repr__`.
"""

import dataclasses
from collections.abc import Callable
from typing import TypeVar, dataclass_transform, overload

T = TypeVar("T")


def _repr(self: object) -> str:
    fields = dataclasses.fields(self)  # type: ignore[arg-type]  # it is a record
    shown = (f"{field.name}={getattr(self, field.name)!r}" for field in fields if field.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


@overload
def record(cls: type[T], /) -> type[T]: ...
@overload
def record(*, eq: bool = ..., weakref_slot: bool = ...) -> Callable[[type[T]], type[T]]: ...
@dataclass_transform(eq_default=False, frozen_default=True, field_specifiers=(dataclasses.field,))
def record(cls: type[T] | None = None, /, *, eq: bool = False, weakref_slot: bool = False) -> object:
    """Make a class of slots of it; with `eq=True`, equal and hashed by its fields, else by identity."""

    def define(cls: type[T]) -> type[T]:
        if "__repr__" not in cls.__dict__:
            cls.__repr__ = _repr  # type: ignore[method-assign]
        hashed = eq and cls.__dict__.get("__hash__") is None
        return dataclasses.dataclass(cls, repr=False, eq=eq, unsafe_hash=hashed, slots=True, weakref_slot=weakref_slot)

    return define if cls is None else define(cls)
