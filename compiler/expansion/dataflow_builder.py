"""Builds the dataflow of one block: its wires and steps, and the names of its modules."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain, count

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Fault
from resnetc.compiler.evaluation.values import Tensor
from resnetc.compiler.expansion import application_errors
from resnetc.compiler.expansion.limits import MAX_BLOCKS, MAX_OPERATIONS, too_many_blocks
from resnetc.compiler.ir.network import PLAIN, Condition, Extent, Join, Leaf, Module, NamedNumber, Sequence, Step, Wire
from resnetc.compiler.ir.paths import Path, show_path
from resnetc.compiler.ir.shape import Shape
from resnetc.compiler.names.reserved import MAX_LENGTH
from resnetc.compiler.source import Span
from resnetc.compiler.syntax import tree as syntax

MAX_STEPS = 4096


def keeps_state(module: Module) -> bool:
    """Whether a module has state-dict keys: only then a name of its own."""
    return module.extent.keeps_state


def find_free_name(name: str, taken: Container[str]) -> str:
    """`conv2` for `conv1` and `other_conv` for `conv`, or the next name that nothing has."""
    if (numbered := re.fullmatch(r"(.*?[A-Za-z_])(\d{1,9})", name)) is not None:
        numbers = (f"{numbered[1]}{n}" for n in count(int(numbered[2]) + 1))
        return next(free for free in numbers if free not in taken)
    endings = chain([""], (f"_{n}" for n in count(2)))
    names = (f"other_{name}"[: MAX_LENGTH - len(end)] + end for end in endings)
    return next(free for free in names if free not in taken)


class Scope:
    """Grows step by step in the order of the text; wire 0 is `in`."""

    __slots__ = (
        *("wires", "steps", "constraints", "numbers", "places", "order", "prefix", "owns", "_counts", "_reserved"),
        *("_stored", "_containers", "_ordinals", "_remarks", "_call", "_outer"),
    )

    def __init__(self, shape: Shape) -> None:
        self.wires: list[Wire] = [Wire(shape, None, None)]
        self.steps: list[Step] = []
        self.constraints: list[Condition] = []
        self.numbers: list[NamedNumber] = []
        self.places: dict[int, int] | None = None  # where steps went, once some were dropped
        self.order: dict[Path, Span] = {}  # registration: a label bound by `let` takes its place where it is bound
        self._counts = {"blocks": 0, "operations": 0}
        self._reserved: set[Path] = set()
        self._stored: dict[Path, Span] = {}
        self._containers: dict[Path, Path] = {}  # what lies above a stored path, and the first one below it
        self._ordinals: dict[str, int] = {}
        self._remarks: list[str] = []  # what the next step has to say of itself and those behind it
        self.prefix: Path = ()  # what its modules are stored below, where it is a part of a block's scope
        self._call: Span | None = None  # the call that made it a part
        self._outer: Scope | None = None  # what it is a part of
        self.owns = False  # whether it stores modules with keys

    def open_part(self, prefix: Path, call: Span) -> Scope:
        """A part of this scope: the same wires and steps, but names of its own, stored below `prefix`."""
        part = object.__new__(Scope)  # `copy` would take ten times as long, and most layers have a part
        part.wires, part.steps, part.constraints, part.numbers = self.wires, self.steps, self.constraints, self.numbers
        part.places, part.order, part._counts, part._reserved = self.places, self.order, self._counts, self._reserved
        part._stored, part._containers, part._remarks = self._stored, self._containers, self._remarks
        part.prefix, part._call, part._outer = self.prefix + prefix, call, self
        part.owns, part._ordinals = False, {}
        return part

    @property
    def input(self) -> Tensor:
        return Tensor(0, self.wires[0].shape)

    def reserve_label(self, path: Path, span: Span) -> None:
        path = (*self.prefix, *path)
        self.order.setdefault(path, span)
        self._reserved.add(path)

    def number_attribute(self, attribute: str) -> Path:
        """The attribute of an unlabelled step: `#` is its ordinal among those that have it, from 1, `#0` from 0."""
        name, counts, start = attribute.partition("#")
        return (f"{name}{self.count(attribute, 0 if start else 1)}" if counts else name,)

    @contextmanager
    def attach_remark(self, text: str) -> Iterator[None]:
        """Puts a remark before the first of the steps that follow."""
        self._remarks.append(text)
        yield
        self._remarks.clear()

    def count(self, names: str, start: int = 1) -> int:
        """The number of the next step among those that share their names."""
        self._ordinals[names] = number = self._ordinals.get(names, start - 1) + 1
        return number

    def find_next_index(self, container: Path) -> int:
        """The index behind those that something is stored under in a list."""
        depth = len(container)
        inside = (path[depth] for path in self.order if len(path) > depth and path[:depth] == container)
        return max((part for part in inside if isinstance(part, int)), default=-1) + 1

    def place_module(
        self,
        path: Path,
        module: Module,
        inputs: list[Tensor],
        span: Span,
        slot: str | None,
        base: str | None = None,
    ) -> list[Tensor]:
        """Stores a module under `path` and applies it. What keeps state owns its path."""
        self._count(module.extent, 0, span)
        path = self.prefix + path
        if isinstance(module, Leaf) and module.is_parameter and len(path) > 1:
            raise Fault(application_errors.parameter_outside_block(module.primitive.name, span, show_path(path)))
        self._store(path, span, keeps_state(module))
        if self.prefix in self._reserved:
            self._order_below_prefix()
        return self._add_step(path, module, inputs, list(module.outputs), span, slot, base)

    def place_stage(
        self, path: Path, members: tuple[Path, ...], blocks: Sequence, source: Tensor, stage: syntax.Stage
    ) -> Tensor:
        """Stores the blocks of a stage, under `path` or each where `members` says, and applies them.

        What a stage stores owns its path with or without state, and its layers are blocks, whatever they are.
        """
        span = stage.span
        self._count(blocks.extent, sum(layer.extent.blocks == 0 for _, layer in blocks.children), span)
        for stored in members or (path,):
            self._store(stored, stage.pattern.span if stage.pattern and members else span, True)
        return self._add_step(path, blocks, [source], [blocks.shape_out], span, None, None, members)[0]

    def _store(self, path: Path, span: Span, owns: bool) -> None:
        if owns:
            if not self.owns:
                self._claim_prefix()
            self.claim_path(path, span)
            if path not in self._reserved:
                self.order.pop(path, None)  # an earlier step of that name has no keys: the place is where they are
        self.order.setdefault(path, span)

    def _count(self, extent: Extent, others: int, span: Span) -> None:
        """Adds a module, and what of it is a block besides; a fault where a network of this alone is too large."""
        counts = self._counts
        counts["blocks"] += extent.blocks + others
        if counts["blocks"] > MAX_BLOCKS:
            raise Fault(too_many_blocks(span, counts["blocks"], "blocks"))
        counts["operations"] += extent.operations
        if counts["operations"] > MAX_OPERATIONS:
            raise Fault(too_many_blocks(span, counts["operations"], "operations"))

    def _order_below_prefix(self) -> None:
        """What a label that `let` names stores takes the label's place in the order."""
        end = len(self.prefix)
        inside = {p: span for p, span in self.order.items() if p[:end] == self.prefix}
        places = list(self.order.items())
        self.order.clear()
        for other, span in places:
            if other == self.prefix:
                self.order.update(inside)
            elif other not in inside:
                self.order[other] = span

    def _claim_prefix(self) -> None:
        """Nothing else is stored where a part begins: its first module finds out, for all that it is a part of."""
        if self._call is not None:
            other = self._containers.get(self.prefix, self.prefix)
            if other in self._stored:
                raise Fault(self.taken(self.prefix, self._call, other))
        if self._outer is not None and not self._outer.owns:
            self._outer._claim_prefix()
        self.owns = True

    def claim_path(self, path: Path, span: Span) -> None:
        """A path has one owner, and none above or below it."""
        stored = self._stored
        above = [path[:i] for i in range(1, len(path))] if len(path) > 1 else []
        for other in (path, self._containers.get(path), *above):
            if other in stored:
                raise Fault(self.taken(path, span, other))
        for i, outer in enumerate(above, 1):
            inner = self._containers.setdefault(outer, path)
            if isinstance(inner[i], int) != isinstance(path[i], int):
                raise Fault(self.taken(path, span, inner))
        stored[path] = span

    def taken(self, path: Path, span: Span, other: Path) -> Diagnostic:
        """The fault of a path that cannot be, beside that of another layer."""
        return application_errors.duplicate_path(
            show_path(path), span, show_path(other), self._stored[other], show_path(self.find_free_path(path))
        )

    def find_free_path(self, path: Path) -> Path:
        """A path like this one where nothing is stored: another element of the same list, or under another name."""
        at = max((i for i, part in enumerate(path) if isinstance(part, int)), default=0)
        number = path[at]
        if isinstance(number, int):
            siblings = [p[at] for p in (*self._stored, *self._containers) if p[:at] == path[:at] and len(p) > at]
            return (*path[:at], max(part for part in siblings if isinstance(part, int)) + 1, *path[at + 1 :])
        return (find_free_name(str(number), [str(p[0]) for p in (*self._stored, *self._containers)]), *path[1:])

    def join(self, operation: Join | Leaf, inputs: list[Tensor], shape: Shape, span: Span) -> Tensor:
        self._count(PLAIN, 0, span)
        return self._add_step((), operation, inputs, [shape], span, None, None)[0]

    def _add_step(
        self,
        path: Path,
        operation: Module | Join,
        inputs: list[Tensor],
        shapes: list[Shape],
        span: Span,
        slot: str | None,
        base: str | None,
        members: tuple[Path, ...] = (),
    ) -> list[Tensor]:
        number, first = len(self.steps), len(self.wires)
        if number >= MAX_STEPS:
            raise Fault(application_errors.too_many_steps(span, MAX_STEPS))
        after = tuple(range(first, first + len(shapes)))
        remark = ""
        if self._remarks:
            remark = " ".join(filter(None, self._remarks))
            self._remarks.clear()
        self.wires += [Wire(shape, number, None) for shape in shapes]
        before = tuple([tensor.ref for tensor in inputs])
        self.steps.append(
            Step(
                path=path,
                operation=operation,
                inputs=before,
                outputs=after,
                span=span,
                slot=slot,
                base=base,
                members=members,
                remark=remark,
            )
        )
        return [Tensor(ref, shape) for ref, shape in zip(after, shapes, strict=True)]

    def drop_unneeded_steps(self, out: Tensor) -> None:
        """Drops the steps that `out` does not need: an absent branch leaves no module, no key, no line.

        The names of the others stay: they were counted in the text.
        """
        self.check_indices()
        needed, pending = set(), [out.ref]
        while pending:
            number = self.wires[pending.pop()].step
            if number is not None and number not in needed:
                needed.add(number)
                pending.extend(self.steps[number].inputs)
        if len(needed) == len(self.steps):
            return
        place = {number: i for i, number in enumerate(sorted(needed))}
        dropped = {path for i, step in enumerate(self.steps) if i not in needed for path, _ in step.stores}
        self.steps = [step for i, step in enumerate(self.steps) if i in needed]
        self.wires = [Wire(w.shape, place.get(w.step) if w.step is not None else None, w.name) for w in self.wires]
        self.constraints = [
            c if c.step is None else replace(c, step=place[c.step])
            for c in self.constraints
            if c.step in {None, *needed}
        ]
        for path in dropped - {path for step in self.steps for path, _ in step.stores}:
            self.order.pop(path, None)
        self.places = place

    def check_indices(self) -> None:
        """The elements of a label such as `convs[i]` are there in order, none left out: so torch stores them."""
        next_index: dict[Path, int] = {}
        for path, span in self.order.items():
            for i, part in enumerate(path):
                if not isinstance(part, int):
                    continue
                count = next_index.setdefault(path[:i], 0)
                if part > count:
                    raise Fault(application_errors.index_out_of_order(show_path(path), count, span))
                next_index[path[:i]] = max(count, part + 1)

    def name(self, tensor: Tensor, name: str) -> None:
        """The name that `let` gives a value: the first one stays."""
        wire = self.wires[tensor.ref]
        if wire.name is None and wire.step is not None:
            self.wires[tensor.ref] = Wire(wire.shape, wire.step, name)
