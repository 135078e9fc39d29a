"""The statements of `forward`: names are used again, but never while something still reads them."""

from resnetc.testing import assert_outputs_agree, trials

# The second element becomes a line of its own only when `concat` would grow too long, while `a[0] * b` waits.
TEXT = """edition 1
block unit() {
  let a = in |> split(2)
  each i in range(2) {
    let b = (a[i] when i == 0 otherwise c[i - 1] + a[i]) |> regroup(2, parts=2)
    let c[i] = b
  }
  out = (a * c) |> concat
}
model net() {
  input [8, H] = [8, 8]
  stem = unit
  head = identity
}
"""


# `act` is a function here, and would be called `act2`: a name that the second activation without a label has taken.
FUNCTION = """edition 1
block unit() { out = in |> silu |> act |> leaky_relu }
model net() {
  set act = regroup(2, parts=2)
  input [4, H] = [4, 8]
  stem = unit
  head = identity
}
"""


def test_what_forward_writes_itself_is_no_module_of_the_same_name() -> None:
    (trial,) = trials(FUNCTION)
    assert_outputs_agree(trial, (8,))
    assert trial.source.count("torch.unflatten(") == 1


def test_a_name_stays_while_an_expression_that_reads_it_waits() -> None:
    (trial,) = trials(TEXT)
    assert_outputs_agree(trial, (8,))
    assert "torch.cat([a[0] * b, a[1] * b2], dim=1)" in trial.source
