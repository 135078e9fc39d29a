"""The default of a slot is evaluated once for a network, and asking again leaves the same behind as the first time."""

from resnetc.compiler.evaluation.values import PrimitiveLayer
from resnetc.compiler.syntax import tree as syntax
from tests.support import open_session

LONG = ", ".join(["1"] * 60)
SPEC = f"""edition 1
slot chosen() "act#" = (relu when norm == batch_norm and [{LONG}] == [{LONG}] otherwise silu)
"""


def test_a_default_compares_the_same_slots_and_costs_the_same_each_time() -> None:
    session = open_session(SPEC)
    (slot,) = (item for item in session.entries[0].spec.tree.items if isinstance(item, syntax.Slot))
    evaluator = session.make_evaluator()
    seen = []
    for _ in range(3):
        done, evaluator.used_slots = evaluator.work.done, {}
        value = evaluator.default(slot)
        assert isinstance(value, PrimitiveLayer) and value.primitive.name == "relu"
        seen.append((evaluator.work.done - done, [compared.name.id for compared in evaluator.used_slots]))
    assert seen[0] == seen[1] == seen[2]
    assert seen[0] == (8, ["norm"])  # two lists of 60, looked at when they are made and when they are compared
