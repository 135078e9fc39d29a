"""An `extern` that is honest passes every check, alone and in its network; one that lies about anything is caught."""

import itertools
import sys
from types import ModuleType

from hypothesis import given, settings
from hypothesis import strategies as st

from resnetc.compiler.ir.network import list_leaves
from resnetc.testing import assert_network_agrees
from resnetc.testing.extern_checks import check
from resnetc.testing.strategies.externs import externs
from resnetc.testing.trial import Trial, trials

NUMBERS = itertools.count()


def given_module(code: str) -> str:
    """The code as a module that can be imported, and its name."""
    name = f"drawn_layers_{next(NUMBERS)}"
    module = sys.modules[name] = ModuleType(name)
    exec(code, module.__dict__)
    return name


def failure(trial: Trial) -> str | None:
    """What is found to be wrong with the declaration of the one `extern` in a network."""
    (leaf,) = (leaf for leaf in list_leaves(trial.network.root) if leaf.external is not None)
    return check(leaf).failure


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_an_honest_declaration_holds_and_so_does_all_that_is_proved_with_it(data: st.DataObject) -> None:
    drawn = data.draw(externs("drawn_layers"))
    name = given_module(drawn.code)
    (trial,) = trials(drawn.spec.replace("drawn_layers", name))
    assert failure(trial) is None
    assert not trial.measures.uncounted.parameters and not trial.measures.uncounted.multiply_adds
    assert_network_agrees(trial, drawn.sizes)


@settings(max_examples=12, deadline=None)
@given(st.data())
def test_every_lie_of_a_declaration_is_caught(data: st.DataObject) -> None:
    drawn = data.draw(externs("drawn_layers"))
    name = given_module(drawn.code)
    for part, spec in drawn.lies.items():
        (trial,) = trials(spec.replace("drawn_layers", name))
        assert failure(trial) is not None, (part, spec)
