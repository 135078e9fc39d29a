"""Checks that a binding by a keyword, `set` or `--set` has an effect: its slot is applied somewhere that it reaches."""

from __future__ import annotations

from resnetc.compiler.diagnostics.diagnostic import Fault
from resnetc.compiler.evaluation.evaluator import Evaluator
from resnetc.compiler.evaluation.frame import Frame
from resnetc.compiler.evaluation.reachable_slots import Text, Texts
from resnetc.compiler.evaluation.values import LAYERS, Bound, DefinedLayer, Value
from resnetc.compiler.expansion import errors
from resnetc.compiler.expansion.request import Request
from resnetc.compiler.ir.network import Network
from resnetc.compiler.syntax import tree as syntax


class BindingEffects:
    """Refuses the bindings of one network that are without any."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self.texts = Texts(evaluator.prelude, evaluator.home, evaluator.work.charge)

    def check_keyword(self, bound: Bound, layer: DefinedLayer, frame: Frame) -> None:
        """A keyword binds a slot that the block or policy could apply, whatever its arguments are."""
        others = (other.value for other in layer.bindings if other.slot is not bound.slot)
        texts, values = [(layer.item, layer.spec)], [layer.arguments, *others]
        if not self.texts.apply(bound.slot, bound.span, texts, values, frame.slots):
            applied = self.texts.slots(texts, values, frame.slots, bound.span)
            raise Fault(errors.of_a_keyword(bound, layer.item, applied))

    def check_sets(self, block: syntax.Block, number: int, frame: Frame) -> None:
        """`set` in a block binds what could be applied behind it; a loop around it comes round again."""
        statement = block.body[number]
        for binding in errors.find_sets(statement):
            slot = self.evaluator.slot_named(binding.name.id, frame, frame.spec)
            assert slot is not None  # it has been bound
            again = [statement] if isinstance(statement, syntax.Each) else []
            behind: list[Text] = [(part, frame.spec) for part in (*again, *block.body[number + 1 :], block.out)]
            if not self.texts.apply(slot, binding.span, behind, frame.locals.values(), frame.slots):
                applied = self.texts.slots([(block, frame.spec)], (), frame.slots, binding.span)
                raise Fault(errors.of_a_statement(slot, binding.span, block, applied))

    def check_network(self, request: Request, network: Network, frame: Frame) -> None:
        """What `--set` binds is applied in this network; what a text binds, in this one or with other arguments."""
        value, model = request.model, request.model.item
        for seal in request.seals:
            if seal.slot not in self.evaluator.used_slots:
                raise Fault(errors.in_network(seal.slot, seal.span, network, model, self.evaluator.used_slots))
        statements = (s for s in model.body if isinstance(s, syntax.SetSlot))
        own = ((self.evaluator.slot_named(s.name.id, frame, value.spec), s.span) for s in statements)
        bound = [(slot, span) for slot, span in own if slot is not None]
        bound += [(other.slot, other.span) for other in value.bindings]
        if all(slot in self.evaluator.used_slots for slot, _ in bound) or any(
            has_layers(v) for v, _ in request.arguments.values()
        ):
            return
        texts = [(model, value.spec), *((instance.item.value, instance.spec) for instance in value.instances)]
        for slot, span in bound:
            others = [other.value for other in value.bindings if other.slot is not slot]
            is_applied = slot in self.evaluator.used_slots
            if not is_applied and not self.texts.apply(slot, span, texts, [value.arguments, *others], frame.slots):
                raise Fault(errors.in_network(slot, span, network, model, self.evaluator.used_slots))


def has_layers(value: Value) -> bool:
    """Whether a value is a layer, or a list that holds one."""
    return isinstance(value, LAYERS) or isinstance(value, tuple) and any(has_layers(v) for v in value)
