"""The steps of a dataflow program as operations of `forward`: module calls, and expressions of its own."""

from __future__ import annotations

from resnetc.compiler.codegen.forward import ATOM, MIXED, PRODUCT, SUM, Operation
from resnetc.compiler.codegen.grouping import needs_view
from resnetc.compiler.expansion.dataflow_builder import keeps_state
from resnetc.compiler.ir.network import ExpandedBlock, Join, Leaf, Module, Sequence, Step
from resnetc.compiler.syntax import tree as syntax
from resnetc.grammar.forms import LEFT, OPERATORS
from resnetc.grammar.primitives import ACTIVATIONS, NORM

StepOperation = Module | Join
REDUCTIONS = {
    "global_avg_pool": "mean",
    "global_max_pool": "amax",
    "global_sum_pool": "sum",
    "channel_mean": "mean",
    "channel_max": "amax",
}
CHANGES_NOTHING = frozenset({"identity", "split", "regroup", "sum", "concat"})  # of what may be one for one
LIGHT = (NORM, "grn#", *ACTIVATIONS)  # attributes of what opens no line of its own, though it may have weights


def operation(
    step: Step,
    column: list[StepOperation],
    inputs: tuple[int, ...],
    access: str | None,
    template: ExpandedBlock,
    vectors: frozenset[int],
    number: str = "",
) -> Operation:
    """A step as an operation of `forward`; `number` is the text of what an operator or a split has."""
    if isinstance(step.operation, str):
        return join(step.operation, inputs, step.outputs)
    if access is None:
        leaf = step.operation
        assert isinstance(leaf, Leaf)
        if leaf.primitive.name in OPERATORS:
            return with_number(leaf, number, inputs, step.outputs)
        leaves = [m for m in column if isinstance(m, Leaf)]
        return functional(leaves, inputs, step.outputs, step.outputs[0] in vectors, number)
    if isinstance(step.operation, Leaf) and step.operation.is_parameter:
        return with_parameter(step.operation, access, inputs, step.outputs)
    if len(inputs) > len(step.inputs):
        return where_present(access, inputs, step.outputs)
    heavy = any([not isinstance(m, str) and keeps_state(m) for m in column]) and not (
        isinstance(step.operation, Leaf) and step.operation.primitive.attribute in LIGHT
    )
    reader = step.operation if isinstance(step.operation, Leaf) and called("linear", column) else None
    if reader is not None and reader.shape_in.rank and not reader.shape_out.rank and inputs[0] not in vectors:
        return Operation(
            inputs=inputs,
            outputs=step.outputs,
            write=lambda t: f"{access}({t[0]}.flatten(1))",
            heavy=heavy,
            loosest=(ATOM,),
        )
    solo = isinstance(step.operation, Sequence) and step.base is None and isinstance(template.definition, syntax.Model)
    return Operation(inputs=inputs, outputs=step.outputs, write=lambda t: f"{access}({t[0]})", heavy=heavy, solo=solo)


def loop(inputs: tuple[int, ...], outputs: tuple[int, ...], blocks: str) -> Operation:
    """The modules of a part of a sequence, one after the other."""
    return Operation(inputs, outputs, lambda t: "", heavy=True, blocks=blocks)


def join(op: str, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> Operation:
    """`a + b`, `a - b`, `a * b`."""
    loosest, binds = {
        "+": ((MIXED, SUM), SUM),
        "-": ((MIXED, PRODUCT), MIXED),
        "*": ((ATOM, ATOM), PRODUCT),
    }[op]
    return Operation(inputs, outputs, lambda t: f"{t[0]} {op} {t[1]}", loosest=loosest, binds=binds)


def with_number(leaf: Leaf, number: str, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> Operation:
    """`0.2 * x`, `x / 3`, `1 - x`, `-x`: an operator with one tensor and the text of a number, if it has one."""
    op = leaf.primitive.name
    if op == "negate":
        return Operation(inputs, outputs, lambda t: f"-{t[0]}", loosest=(ATOM,), binds=PRODUCT)
    binds = MIXED if op in ("+", "-") else PRODUCT
    if leaf.get_argument("side") == LEFT:
        loosest = ATOM if op == "*" else PRODUCT
        return Operation(inputs, outputs, lambda t: f"{number} {op} {t[0]}", loosest=(loosest,), binds=binds)
    return Operation(inputs, outputs, lambda t: f"{t[0]} {op} {number}", loosest=(binds,), binds=binds)


def with_parameter(leaf: Leaf, access: str, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> Operation:
    """`x * self.gamma.view(-1, 1, 1)`, `x + self.bias`: a parameter of the class, with the axes of the map."""
    view = f".view({', '.join(['-1', *(['1'] * leaf.shape_in.rank)])})" if needs_view(leaf) else ""
    sign, binds = ("*", PRODUCT) if leaf.primitive.name == "scale" else ("+", MIXED)
    return Operation(inputs, outputs, lambda t: f"{t[0]} {sign} {access}{view}", loosest=(binds,), binds=binds)


def where_present(access: str, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> Operation:
    """A module that some occurrences go without: they hand on another value.

    Both operands have names by then: each has another reader in the occurrences that do not read it here.
    """
    return Operation(
        inputs,
        outputs,
        lambda t: f"{t[1]} if {access} is None else {access}({t[0]})",
        heavy=True,
        solo=True,
    )


def axes(leaf: Leaf) -> str:
    rank = leaf.shape_in.rank
    return "2" if rank == 1 else f"({', '.join(str(i + 2) for i in range(rank))})"


def functional(
    leaves: list[Leaf],
    inputs: tuple[int, ...],
    outputs: tuple[int, ...],
    vector: bool = False,
    sizes: str = "",
) -> Operation:
    """The text of a primitive that is no module; the mean of a map may be a `vector`, and parts have `sizes`."""
    leaf = leaves[0]
    loosest = (ATOM,) * len(inputs)
    match leaf.primitive.name:
        case "channel_mean" | "channel_max" as name:
            of_one = f".{REDUCTIONS[name]}(1, keepdim=True)"
            return Operation(inputs, outputs, lambda t: t[0] + of_one, loosest=loosest)
        case "global_avg_pool" | "global_max_pool" | "global_sum_pool" as name:
            keepdim = "" if vector else ", keepdim=True"
            over = f".{REDUCTIONS[name]}({axes(leaf)}{keepdim})"
            return Operation(inputs, outputs, lambda t: t[0] + over, loosest=loosest, opens=vector)
        case "flatten":
            return Operation(inputs, outputs, lambda t: f"{t[0]}.flatten(1)", loosest=loosest)
        case "split":
            parts = leaf.get_argument("parts")
            if len(outputs) == 1:
                return Operation(inputs, outputs, lambda t: t[0])
            if isinstance(parts, tuple):
                return Operation(inputs, outputs, lambda t: f"torch.split({t[0]}, {sizes or [*parts]}, dim=1)")
            return Operation(inputs, outputs, lambda t: f"{t[0]}.chunk({parts}, dim=1)", loosest=loosest)
        case "concat":
            return Operation(inputs, outputs, lambda t: f"torch.cat({t[0]}, dim=1)", gathers=True)
        case "sum":
            order = (MIXED, *(SUM for _ in inputs[1:]))
            return Operation(inputs, outputs, lambda t: " + ".join(t), loosest=order, binds=SUM)
        case "softmax":
            only = "[0]" if len(outputs) == 1 else ""  # a list of one is its element
            return Operation(
                inputs, outputs, lambda t: f"torch.stack({t[0]}).softmax(dim=0){only}", gathers=True, stacked=True
            )
        case "regroup":
            a, b = (leaf.by_name[n] for n in ("groups", "parts"))
            return Operation(
                inputs,
                outputs,
                lambda t: f"torch.unflatten({t[0]}, 1, ({a}, {b}, -1)).transpose(1, 2).flatten(1, 3)",
            )
        case "reshape":
            return reshape(leaves, inputs, outputs)
    raise AssertionError(f"no text for `{leaf.primitive.name}`")


def reshape(leaves: list[Leaf], inputs: tuple[int, ...], outputs: tuple[int, ...]) -> Operation:
    """The one size that differs between occurrences is left to torch."""
    shapes = [leaf.get_integers("shape") for leaf in leaves]
    sizes = [str(n) if all(s[i] == n for s in shapes) else "-1" for i, n in enumerate(shapes[0])]
    if sizes.count("-1") == 0:
        largest = max(range(len(sizes)), key=lambda i: shapes[0][i])
        sizes[largest] = "-1"
    return Operation(inputs, outputs, lambda t: f"{t[0]}.reshape({t[0]}.shape[0], {', '.join(sizes)})", loosest=(ATOM,))


def changes_nothing(module: StepOperation) -> bool:
    """`identity`, and what is one for one: a list of one, channels regrouped in one group or of one part."""
    if not isinstance(module, Leaf) or module.primitive.name not in CHANGES_NOTHING:
        return False
    match module.primitive.name:
        case "identity":
            return True
        case "split":
            return len(module.outputs) == 1
        case "regroup":
            return 1 in module.by_name.values()
        case "sum" | "concat":
            return len(module.inputs) == 1
    return False


def called(name: str, column: list[StepOperation]) -> bool:
    """Whether a step is one primitive in every occurrence."""
    return all([isinstance(m, Leaf) and m.primitive.name == name for m in column])


def pooled(steps: list[tuple[Step, list[StepOperation], tuple[int, ...]]], results: set[int]) -> frozenset[int]:
    """The means of whole maps that only `linear` reads, behind `dropout` or not: they need no axes but the channels."""
    maps = set(results)  # what something reads as a map
    out: set[int] = set()
    for step, column, inputs in reversed(steps):
        reads_vectors = called("linear", column) or (called("dropout", column) and step.outputs[0] not in maps)
        if not reads_vectors:
            maps |= set(inputs)
    for step, column, inputs in steps:
        is_vector = any(called(name, column) for name in ("global_avg_pool", "global_max_pool", "global_sum_pool")) or (
            called("dropout", column) and inputs[0] in out
        )
        if is_vector and step.outputs[0] not in maps:
            out.add(step.outputs[0])
    return frozenset(out)
