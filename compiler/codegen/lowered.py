"""What a module is made of, down to its lines: the templates print this and decide nothing."""

from __future__ import annotations

from collections.abc import Iterable

from resnetc.compiler.codegen.torch_modules import HELPERS, VIEW
from resnetc.compiler.codegen.user_classes import UserImport
from resnetc.compiler.fast_dataclass import record


@record(eq=True)
class Function:
    """A policy of several steps: a function that returns its modules."""

    name: str
    doc: tuple[str, ...]
    parameters: tuple[tuple[str, str], ...]
    body: tuple[str, ...]


@record(eq=True)
class Class:
    """One class: the lines of its documentation, of `__init__` and of `forward`."""

    name: str
    doc: tuple[str, ...]
    parameters: tuple[tuple[str, str], ...]
    fields: tuple[str, ...]
    forward: tuple[str, ...]
    comment: str
    returns: str = "Tensor"


@record(eq=True)
class Lowered:
    """What the templates print: helpers torch lacks, functions, classes; the network's own class is the last."""

    helpers: tuple[tuple[str, int], ...]
    functions: tuple[Function, ...]
    classes: tuple[Class, ...]
    initial: tuple[str, ...]  # the last lines of its `__init__`: what the weights begin as
    imports: tuple[UserImport, ...] = ()  # of the user's own
    externs: tuple[str, ...] = ()  # the classes that it imports, as specs name them

    @property
    def comments(self) -> list[str]:
        """The shapes in the comments of every `forward`."""
        lines = (text for definition in self.classes for text in definition.forward if "# " in text)
        return [*(definition.comment for definition in self.classes), *(text.partition("# ")[2] for text in lines)]


def used_helpers(
    helpers: list[tuple[str, int]], functions: list[Function], classes: list[Class]
) -> Iterable[tuple[str, int]]:
    """Those without a `subsample` whose every occurrence became a view."""
    if not any(name == VIEW for name, _ in helpers):
        return helpers
    text = "\n".join([ln for f in functions for ln in f.body] + [ln for c in classes for ln in c.fields])
    return [h for h in helpers if h[0] != "subsample" or HELPERS[h[0]].format(r=h[1]) + "(" in text]
