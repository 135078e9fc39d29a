"""Laws of the residual addition: a block whose branch is zero is its shortcut; an identity fits where shapes agree."""

from __future__ import annotations

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resnetc.compiler.measures.summary import list_state_dict_keys
from resnetc.grammar.primitives import PRIMITIVES
from resnetc.testing import Item, SpecRefused, shortcuts, trials
from resnetc.testing.torch_module import image, module_of

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
# A scaled convolution has a gain and is no norm; an instance norm has one only with `affine=true`.
NORMS = sorted(
    row.name
    for row in PRIMITIVES.values()
    if any(p.name == "gain" for p in row.parameters) and row.name not in ("std_conv", "instance_norm")
)
SHIPPED = ("pad", "project", "project_all", "average")
POLICIES = st.sampled_from([Item(f"shortcuts.{name}", "", ("shortcuts",)) for name in SHIPPED])
AXES = {1: "L", 2: "H, W", 3: "D, H, W"}

OWN = """block unit(width: int, first stride: size = 1) {
  let main = in |> conv(width, kernel=3, stride=stride) |> norm |> act |> conv(width, kernel=3) |> norm(gain=0)
  out = main + (in |> shortcut(width, stride))
}
"""
SIDE = "block side(width: int, first stride: size = 1) { out = in |> shortcut(width, stride) |> last }\n"
# a call of a block whose last norm is zero, and what follows its addition
BLOCKS = {
    "unit({width}, stride={stride})": "identity",
    "blocks.basic({width}, stride={stride}, gain=0)": "act",
    "blocks.bottleneck({width}, stride={stride}, outer={width}, gain=0)": "act",
}
MODEL = """model net() {{
  set shortcut = {policy}
  set norm = {norm}
  input [{channels}, {axes}] = [{channels}, {sizes}]
  stem = identity
  stage layer1 = 1 of {unit}
  head = identity
}}"""


@pytest.mark.parametrize("norm", NORMS)
@settings(max_examples=20, suppress_health_check=SLOW)
@given(st.data())
def test_a_block_whose_last_norm_is_zero_is_its_shortcut(norm: str, data: st.DataObject) -> None:
    """At the first step of training nothing but the shortcut is seen, whatever the norm, policy and shape."""
    call, dimensions = data.draw(st.sampled_from(sorted(BLOCKS))), data.draw(st.sampled_from(sorted(AXES)))
    policy = data.draw(st.one_of(POLICIES, shortcuts(dimensions)))
    channels, width, stride = (data.draw(st.integers(*ends)) for ends in ((1, 5), (2, 5), (1, 3)))
    width = max(width, channels)  # option A only adds channels
    groups = "(groups=1)" if any(p.name == "groups" for p in PRIMITIVES[norm].parameters) else ""
    items = Item("", OWN + SIDE.replace("last", BLOCKS[call]) + policy.text, tuple({*policy.uses, "blocks"}))
    (whole,), (side,) = (
        trials(
            items.file(
                MODEL.format(
                    policy=policy.name,
                    norm=norm + groups,
                    channels=channels,
                    axes=AXES[dimensions],
                    sizes=", ".join(["9"] * dimensions),
                    unit=unit.format(width=width, stride=stride),
                )
            )
        )
        for unit in (call, "side({width}, stride={stride})")
    )
    sizes = tuple(axis.nearest(9) or 0 for axis in whole.accepted.axes)
    if not all(sizes):
        return  # the drawn shortcut fits the branch at no size
    x = image(whole.network, sizes).double()
    one, other = (module_of(trial.source).double() for trial in (whole, side))
    state = one.state_dict()
    other.load_state_dict({key: state[key] for key, _ in list_state_dict_keys(side.network)}, strict=True)
    with torch.no_grad():
        torch.testing.assert_close(one(x), other(x), rtol=0, atol=0)


@settings(max_examples=60, suppress_health_check=SLOW)
@given(*(st.integers(1, most) for most in (4, 4, 3)), st.sampled_from((1, 3)), st.sampled_from(sorted(AXES)))
def test_an_identity_is_a_shortcut_where_shapes_agree_and_an_error_with_a_fix_elsewhere(
    channels: int, width: int, stride: int, kernel: int, dimensions: int
) -> None:
    """Also where torch would spread one channel over many."""
    text = f"""edition 1
block unit(width: int, first stride: size = 1) {{
  out = (in |> conv(width, kernel={kernel}, stride=stride)) + (in |> shortcut(width, stride))
}}
model net() {{
  set shortcut = identity
  input [{channels}, {AXES[dimensions]}] = [{channels}, {", ".join(["9"] * dimensions)}]
  stem = identity
  stage layer1 = 1 of unit({width}, stride={stride})
  head = identity
}}
"""
    try:
        (trial,) = trials(text)
        found = trial.refusals
    except SpecRefused as refused:
        found = refused.diagnostics
    assert bool(found) == (channels != width or stride > 1)
    assert all(diagnostic.helps for diagnostic in found)
