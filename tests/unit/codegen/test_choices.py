"""A policy that chooses and is called with many numbers: every call gets what its case says."""

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from resnetc.testing import assert_network_agrees, trials

Call = tuple[int, int, int, int, bool]  # channels, stride, kernel, dilation, flag

LAYERS = (
    "identity",
    "norm",
    "max_pool(k, stride=stride)",
    "avg_pool(k, stride=stride)",
    "plain_conv(in.channels, kernel=k, stride=stride)",
    "plain_conv(in.channels, kernel=k, stride=stride, dilation=d)",
    "plain_conv(in.channels, kernel=1, stride=stride, bias=true)",
    "plain_conv(in.channels, kernel=k, stride=stride, groups=in.channels)",
    "once(in.channels, k, stride)",
    "once(in.channels, k, stride, act=gelu)",
    "dropout(p)",
)
CONDITIONS = (
    "stride == 1",
    "k == 3",
    "wide",
    "channels == 4",
    "k > 3 and d == 1",
    "in.channels == channels",
    "d == 1",
)
CALLS = st.lists(
    st.tuples(
        st.sampled_from((4, 6, 8)), st.integers(1, 2), st.sampled_from((1, 3, 5)), st.integers(1, 2), st.booleans()
    ),
    min_size=3,
    max_size=5,
)


def write(cases: list[tuple[str, str]], last: str, calls: list[Call]) -> str:
    """A net whose stages call one policy, once each, through one block."""
    lines = [*(f"when {condition} => {layers}" for condition, layers in cases), f"otherwise => {last}"]
    stages = "\n".join(
        f"  stage layer{i + 1} = 1 of unit({channels}, {stride}, {k}, {d}, {str(wide).lower()})"
        for i, (channels, stride, k, d, wide) in enumerate(calls)
    )
    return f"""edition 1

block once(width: int, k: int, stride: int) {{
  out = in |> conv(width, kernel=k, stride=stride) |> act
}}

policy pick(channels: int, stride: int, k: int, d: int, wide: bool) {{
  let p = 1 / (k + d)
  {chr(10).join(lines)}
}}

block unit(channels: int, stride: int, k: int, d: int, wide: bool) {{
  out = in |> picked: pick(channels, stride, k, d, wide) |> last: conv(channels, kernel=1)
}}

model net() {{
  input [3, H, W] = [3, 40, 40]
  stem = conv(4, kernel=1)
{stages}
  head = identity
}}
"""


SIDE = st.lists(st.sampled_from(LAYERS), min_size=1, max_size=2).map(" |> ".join)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases=st.lists(st.tuples(st.sampled_from(CONDITIONS), SIDE), max_size=2), last=SIDE, calls=CALLS)
@example(  # an argument that one side alone has, in an expression of which it is a part
    cases=[("stride == 1", "identity")],
    last="max_pool(k, stride=stride)",
    calls=[(4, 1, 3, 1, False), (6, 2, 3, 1, False), (8, 2, 5, 1, False)],
)
@example(  # a side that cannot even be built with the numbers of a call that takes the other one
    cases=[
        ("k == 3", "identity |> plain_conv(in.channels, kernel=k, stride=stride)"),
        ("stride == 1", "identity |> identity"),
    ],
    last="identity |> plain_conv(in.channels, kernel=k, stride=stride, groups=in.channels)",
    calls=[(6, 2, 1, 1, False), (6, 1, 3, 1, False), (4, 1, 1, 1, False)],
)
def test_every_call_gets_what_its_case_says(cases: list[tuple[str, str]], last: str, calls: list[Call]) -> None:
    (trial,) = trials(write(cases, last, calls))
    assert_network_agrees(trial, [trial.network.input.sizes])
