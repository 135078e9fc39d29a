"""Layers applied to `none` where no tensor is in sight: in the `let` of a model, outside of any block."""

import pytest

from resnetc.testing import SpecRefused, trials
from resnetc.testing.state_dict_names import read_keys

NET = """edition 1
model net() {{
  let x = {value}
  input [8, H] = [8, 8]
  stem = conv(8, kernel=3)
  head = (norm when x == none otherwise act)
}}
"""


@pytest.mark.parametrize("value", ["none |> relu", "none |> (norm |> act)", "none |> a: conv(8)", "none + none"])
def test_nothing_comes_of_it(value: str) -> None:
    (trial,) = trials(NET.format(value=value))
    keys = ["conv1.weight", "bn1.weight", "bn1.bias"]
    keys += [f"bn1.{name}" for name in ("running_mean", "running_var", "num_batches_tracked")]
    assert read_keys(trial.origin, trial.network) == keys


@pytest.mark.parametrize(
    ("value", "code"), [("[none, none] |> concat", "E0230"), ("[none] |> relu", "E0235"), ("none * none", "E0230")]
)
def test_lists_and_factors_are_refused(value: str, code: str) -> None:
    with pytest.raises(SpecRefused) as refused:
        trials(NET.format(value=value))
    assert [fault.code for fault in refused.value.diagnostics] == [code]
