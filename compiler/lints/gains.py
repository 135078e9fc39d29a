"""Warnings about norms and learned factors that begin at 0 where nothing is added to what they give."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto
from fractions import Fraction

from resnetc.compiler.checked_network import CheckedNetwork
from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Label
from resnetc.compiler.ir.network import ExpandedBlock, Leaf, Module, Sequence, list_leaves
from resnetc.compiler.lints.argument_edits import drop_argument
from resnetc.compiler.remedies.call_text import is_shipped, shorten
from resnetc.compiler.source import Span
from resnetc.grammar.forms import OPERATORS
from resnetc.grammar.primitives import NORM

WEIGHTED = ("conv", "linear")  # by what they keep
NEVER_ZERO = ("sigmoid", "hard_sigmoid", "softmax")  # whatever they read
SUMS = ("sum", "concat")


class Flow(Enum):
    """What zeros become on their way: something else, zeros still, or what a weighted layer makes of them."""

    OTHER = auto()
    ZEROS = auto()
    STOPPED = auto()


def find_lost_gains(checked: CheckedNetwork) -> Iterator[Diagnostic]:
    """Norms and factors that begin at 0 and whose zeros reach a weighted layer, or the output, and no sum."""
    root = checked.network.root
    if not any(is_zero_initialized(leaf) for leaf in list_leaves(root)):
        return
    for leaf in Gains().find_lost_gains(root):
        span = find_own_text(root, leaf)
        kind, begins, where, argument = (
            ("factor", "starts at 0", "a branch", "init=0")
            if leaf.is_parameter
            else ("norm", "has a gain of 0", "the last norm of a branch", "gain=0")
        )
        edit = drop_argument(span, argument)
        is_own, lost = span is leaf.span, "outputs zeros, and nothing is added to them"
        yield Diagnostic(
            "W0607",
            f"`{shorten(leaf.span.text)}` {begins} outside a residual branch: at first, no signal passes it",
            Label(span, lost if is_own else f"has this {kind} in a block"),
            labels=() if is_own else (Label(leaf.span, lost),),
            helps=(f"remove `{argument}`: it belongs on {where} of a `+`",),
            fix=(edit,) if edit is not None else (),
        )


def is_zero_initialized(leaf: Leaf) -> bool:
    if leaf.primitive.name == "scale":
        return leaf.get_argument("init") == 0
    return leaf.primitive.attribute == NORM and leaf.has_parameters and leaf.get_argument("gain") == 0


def keeps_zero(leaf: Leaf) -> bool:
    """Whether 0 lies between the bounds of a `clip`, and nothing else is added."""
    if leaf.primitive.name == "shift":
        return leaf.get_argument("init") == 0
    if leaf.primitive in (OPERATORS["+"], OPERATORS["-"]):
        return leaf.get_argument("number") == 0
    if leaf.primitive.name != "clip":
        return True
    low, high = leaf.get_argument("low"), leaf.get_argument("high")
    assert isinstance(low, int | Fraction) and isinstance(high, int | Fraction)  # by their types in the table
    return low <= 0 <= high


def find_own_text(root: ExpandedBlock, leaf: Leaf) -> Span:
    """Where the author wrote an operation; for one of the library, the part of the model that it is in."""
    if not is_shipped(leaf.span):
        return leaf.span
    parts = ((step.span, step.operation) for step in root.steps if not isinstance(step.operation, str))
    return next(span for span, part in parts if any(other is leaf for other in list_leaves(part)))


class Gains:
    """Follows the zeros that norms with a gain of 0 give, through every distinct module once.

    Of several norms that make an output zeros, one is enough to be told of.
    """

    def __init__(self) -> None:
        self._zeroing: dict[int, Leaf | None] = {}
        self._flows: dict[int, Flow] = {}
        self._lost: dict[int, Leaf] = {}

    def find_lost_gains(self, root: ExpandedBlock) -> list[Leaf]:
        """The norms whose zeros are never added to anything, one for each place in a text."""
        norm = self.find_zeroing(root)
        if norm is not None:
            self._lost[id(norm)] = norm
        return list({(leaf.span.source.name, leaf.span.start): leaf for leaf in self._lost.values()}.values())

    # -- where the input is not zeros ---------------------------------------------------------------------------------

    def find_zeroing(self, module: Module) -> Leaf | None:
        """The norm that makes the output of a module zeros though its input is not."""
        if id(module) not in self._zeroing:
            match module:
                case Leaf():
                    norm = module if is_zero_initialized(module) else None
                case Sequence(children):
                    norm = self._find_zeroing_in_sequence([child for _, child in children])
                case ExpandedBlock():
                    norm = self._find_zeroing_in_block(module)
            self._zeroing[id(module)] = norm
        return self._zeroing[id(module)]

    def _find_zeroing_in_sequence(self, modules: list[Module]) -> Leaf | None:
        norm = None
        for module in modules:
            flow = self.compute_flow(module) if norm is not None else Flow.OTHER
            if norm is not None and flow is Flow.STOPPED:
                self._lost[id(norm)] = norm
            norm = self.find_zeroing(module) or (norm if flow is Flow.ZEROS else None)
        return norm

    def _find_zeroing_in_block(self, block: ExpandedBlock) -> Leaf | None:
        """Follows the norms whose zeros reach each wire; notes those that end here and are added to nothing."""
        wires: list[Leaf | None] = [None] * len(block.wires)
        stopped: dict[int, Leaf] = {}
        added: set[int] = set()
        for step in block.steps:
            inputs = [wires[wire] for wire in step.inputs]
            norms = [norm for norm in inputs if norm is not None]
            own = None if isinstance(step.operation, str) else self.find_zeroing(step.operation)
            if norms:
                flow = self._compute_step_flow(
                    step.operation, [Flow.OTHER if norm is None else Flow.ZEROS for norm in inputs]
                )
                if flow is Flow.STOPPED:
                    stopped.update((id(norm), norm) for norm in norms)
                elif flow is Flow.OTHER:
                    added.update(id(norm) for norm in norms)
                own = own or (norms[0] if flow is Flow.ZEROS else None)
            for wire in step.outputs:
                wires[wire] = own
        output = wires[block.output]
        self._lost.update((key, norm) for key, norm in stopped.items() if key not in added and norm is not output)
        return output

    # -- where it is --------------------------------------------------------------------------------------------------

    def compute_flow(self, module: Module) -> Flow:
        """What zeros become in a module."""
        if id(module) not in self._flows:
            match module:
                case Leaf(primitive):
                    flow = Flow.ZEROS
                    if primitive.state in WEIGHTED:
                        flow = Flow.STOPPED
                    elif primitive.name in NEVER_ZERO or not keeps_zero(module):
                        flow = Flow.OTHER
                case Sequence(children):
                    flow = Flow.ZEROS
                    for _, child in children:
                        flow = self._compute_step_flow(child, [flow])
                case ExpandedBlock(steps=steps):
                    flows = [Flow.ZEROS] * len(module.wires)
                    for step in steps:
                        flow = self._compute_step_flow(step.operation, [flows[wire] for wire in step.inputs])
                        for wire in step.outputs:
                            flows[wire] = flow
                    flow = flows[module.output]
            self._flows[id(module)] = flow
        return self._flows[id(module)]

    def _compute_step_flow(self, operation: Module | str, inputs: list[Flow]) -> Flow:
        """What a step gives whose inputs are zeros, or what has become of them."""
        if operation == "*":
            return min(inputs, key=(Flow.ZEROS, Flow.STOPPED, Flow.OTHER).index)
        if isinstance(operation, str) or (isinstance(operation, Leaf) and operation.primitive.name in SUMS):
            return min(inputs, key=(Flow.OTHER, Flow.ZEROS, Flow.STOPPED).index)
        if all(one is Flow.OTHER for one in inputs):
            return Flow.OTHER
        flow = self.compute_flow(operation)
        return flow if Flow.STOPPED not in inputs or flow is Flow.OTHER else Flow.STOPPED
