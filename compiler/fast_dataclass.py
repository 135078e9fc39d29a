"""`@record`: a dataclass whose fields are read-only to the type checker, and which is cheap to define at start-up.

`dataclasses.dataclass(frozen=True)` compiles five methods per class; for 120 classes this took a third of the time of
`resnetc check`. Here the fields are read-only to mypy (which checks every change), not at run time; all records share
one `__repr__`; and the other methods are compiled when they are first called, as one command needs half of them.
"""

import dataclasses
from collections.abc import Callable
from typing import TypeVar, cast, dataclass_transform, overload

T = TypeVar("T")


@overload
def record(cls: type[T], /) -> type[T]: ...
@overload
def record(*, eq: bool = ..., frozen: bool = ..., weakref_slot: bool = ...) -> Callable[[type[T]], type[T]]: ...
@dataclass_transform(eq_default=False, frozen_default=True, field_specifiers=(dataclasses.field,))
def record(
    cls: type[T] | None = None, /, *, eq: bool = False, frozen: bool = True, weakref_slot: bool = False
) -> object:
    """Make a class of slots of it; with `eq=True`, equal and hashed by its fields, else by identity.

    With `frozen=False` the type checker lets its fields change.
    """

    def define(cls: type[T]) -> type[T]:
        return define_record(cls, eq, weakref_slot)

    return define if cls is None else define(cls)


def define_record(cls: type[T], eq: bool, weakref_slot: bool) -> type[T]:
    """The class once more, with slots: none can be added to a class that there is already."""
    body = {name: value for name, value in vars(cls).items() if name not in ("__dict__", "__weakref__")}
    annotations: dict[str, object] = body.get("__annotations__", {})
    fields = {name: body.get(name) for name, type in annotations.items() if "ClassVar" not in str(type)}
    slotted = {name: value for name, value in body.items() if name not in fields}
    slotted["__qualname__"] = cls.__qualname__
    slotted["__slots__"] = (*fields, "__weakref__") if weakref_slot else tuple(fields)
    slotted["__match_args__"] = tuple(name for name, field in fields.items() if getattr(field, "init", True))
    slotted.setdefault("__repr__", show_fields)
    for name in ("__dataclass_fields__", "__init__", *(("__eq__", "__hash__") if eq else ())):
        if slotted.get(name) is None:
            slotted[name] = Deferred(name, cls.__bases__, body)
    return cast("type[T]", type(cls.__name__, cls.__bases__, slotted))


class Deferred:
    """Part of a dataclass that nobody has asked for yet; the first who does puts the part itself in its place."""

    def __init__(self, name: str, bases: tuple[type, ...], body: dict[str, object]) -> None:
        self.name, self.bases, self.body = name, bases, body

    def __get__(self, instance: object, owner: type) -> object:
        plain = type(owner.__name__, self.bases, dict(self.body))
        eq = self.name in ("__eq__", "__hash__")
        dataclasses.dataclass(plain, init=self.name == "__init__", repr=False, eq=eq, unsafe_hash=eq, match_args=False)
        setattr(owner, self.name, vars(plain)[self.name])
        return getattr(owner if instance is None else instance, self.name)


def show_fields(self: object) -> str:
    fields = dataclasses.fields(self)  # type: ignore[arg-type]  # it is a record
    shown = (f"{field.name}={getattr(self, field.name)!r}" for field in fields if field.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"
