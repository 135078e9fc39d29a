"""What figures leave out: the operations of the user's own of which nothing says how much they are."""

from __future__ import annotations

from collections.abc import Iterable

from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.ir.network import Leaf

Names = tuple[str, ...]


@record(eq=True)
class Uncounted:
    """The names of the operations that each figure leaves out, in the order of the network."""

    parameters: Names = ()
    buffers: Names = ()
    multiply_adds: Names = ()
    activation_bytes: Names = ()

    def get_names(self, figure: str) -> Names:
        """The names that one figure leaves out."""
        names: Names = getattr(self, figure, ())
        return names


NOTHING = Uncounted()


def find_uncounted(leaf: Leaf) -> Uncounted:
    """What an operation adds: what an `extern` does not claim, and the memory that no claim is about."""
    external = leaf.external
    if external is None:
        return NOTHING
    name = (external.definition.name.id,)
    return Uncounted(
        parameters=name if external.parameters is None else (),
        buffers=name if external.buffers is None else (),
        multiply_adds=name if external.multiply_adds is None else (),
        activation_bytes=name,
    )


def join_uncounted(parts: Iterable[Uncounted]) -> Uncounted:
    """What several parts leave out, each name once."""
    several = list(dict.fromkeys([part for part in parts if part is not NOTHING]))
    if not several:
        return NOTHING
    return Uncounted(
        parameters=list_distinct(part.parameters for part in several),
        buffers=list_distinct(part.buffers for part in several),
        multiply_adds=list_distinct(part.multiply_adds for part in several),
        activation_bytes=list_distinct(part.activation_bytes for part in several),
    )


def list_distinct(several: Iterable[Names]) -> Names:
    return tuple(dict.fromkeys(name for names in several for name in names))


def add_uncounted(figure: str, names: Names) -> str:
    """`123 and `attend``: a figure, and what it leaves out."""
    *most, last = (figure, *(f"`{name}`" for name in names))
    return f"{', '.join(most)} and {last}" if most else last
