"""Property tests of residual networks: Hypothesis strategies for specs and sizes, assertions against the real module.

    from hypothesis import given, strategies as st
    from resnetc.testing import assert_shapes_agree, input_sizes, models, trials

    @given(models(), st.data())
    def test_every_network(text, data):
        for trial in trials(text):
            assert_shapes_agree(trial, data.draw(input_sizes(trial.network)))

Strategies: `models`, `blocks`, `shortcuts`, `input_sizes`, `bad_specs`. Their operations come from the table of
primitives: one that is added there is drawn as well. Assertions take what `trials` or `resnetc.compile` gives.
"""

from resnetc.testing.assertions import (
    assert_multiply_adds_agree,
    assert_network_agrees,
    assert_shapes_agree,
    assert_state_agrees,
    assert_strides_agree,
)
from resnetc.testing.buffers import assert_buffers_agree
from resnetc.testing.calls import assert_calls_agree
from resnetc.testing.mutations import assert_diagnosed, bad_specs
from resnetc.testing.strategies.items import CALLS, Item, blocks, shortcuts
from resnetc.testing.strategies.sizes import input_sizes
from resnetc.testing.strategies.specs import models
from resnetc.testing.trial import SpecRefused, Trial, trials
from resnetc.testing.values import (
    assert_activations_agree,
    assert_images_independent,
    assert_layouts_agree,
    assert_outputs_agree,
)

__all__ = [
    "CALLS",
    "Item",
    "SpecRefused",
    "Trial",
    "assert_activations_agree",
    "assert_buffers_agree",
    "assert_calls_agree",
    "assert_diagnosed",
    "assert_images_independent",
    "assert_layouts_agree",
    "assert_multiply_adds_agree",
    "assert_network_agrees",
    "assert_outputs_agree",
    "assert_shapes_agree",
    "assert_state_agrees",
    "assert_strides_agree",
    "bad_specs",
    "blocks",
    "input_sizes",
    "models",
    "shortcuts",
    "trials",
]
