"""Accepted sizes, and the words about sizes that do not fit: bad specs, and exactly what is said of them."""

import re
import sys
from collections import Counter

import pytest

from resnetc.compiler.checked_network import CheckedNetwork
from resnetc.compiler.diagnostics.diagnostic import Diagnostic
from resnetc.compiler.proof.prove import prove
from resnetc.compiler.sizes import show_set
from tests.support import check, describe, strip_lines

RESNET = """
model resnet(unit: layer = blocks.bottleneck, depths: list = [3, 4, 6, 3]) {
  input [3, H, W] = [3, 224, 224]
  stem = entry
  stage layer1 = depths[0] of unit(64)
  stage layer2 = depths[1] of unit(128, stride=2)
  stage layer3 = depths[2] of unit(256, stride=2)
  stage layer4 = depths[3] of unit(512, stride=2)
  head = global_avg_pool |> fc: linear(1000)
}
"""

SMALL = """
model net() {{
  input {input}
  stem = conv(16, kernel=3) |> norm |> act
  stage layer1 = 3 of unit(16{arguments})
  head = global_avg_pool |> fc: linear(10)
}}
"""


def check_items(text: str) -> tuple[list[CheckedNetwork], list[Diagnostic]]:
    uses = "\n".join(f"use std.{name}" for name in ("blocks", "filters", "shortcuts", "stems") if f"{name}." in text)
    return check(f"edition 1\n{uses}\n{text}")


def small(block: str, input: str = "[3, H, W] = [3, 32, 32]", arguments: str = "") -> tuple[str, Diagnostic | None]:
    """A small network of one block: the sizes that it accepts on its last axis, or the fault."""
    networks, faults = check_items(block + SMALL.format(input=input, arguments=arguments))
    if faults:
        (fault,) = faults
        return "", fault
    (network,) = networks
    return show_set(network.accepted.axes[-1], network.network.input.symbols[-1] or "n"), None


# -- accepted sizes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("instance", "accepted"),
    [
        ("resnet()", "every H"),
        ("resnet(blocks.basic, [2, 2, 2, 2])", "every H"),
        ("resnet(shortcut=shortcuts.average, entry=stems.deep)", "every H"),
        ("resnet(shortcut=shortcuts.pad)", "every H"),
        ("resnet(shortcut=none)", "every H"),
        ("resnet(antialias=filters.blur, stem_pool=max_pool(3, stride=1) |> blur_pool(3, stride=2))", "H >= 17"),
        ("resnet(stem_pool=max_pool(3, stride=2, padding=0, ceil=true))", "H >= 3"),
    ],
)
def test_networks_accept_every_size_from_one_on(instance: str, accepted: str) -> None:
    networks, faults = check_items(RESNET + f"model net = {instance}")
    assert faults == []
    assert [show_set(a) for a in networks[-1].accepted.axes] == [accepted, accepted]


def test_resnetaa50_accepts_four_sizes_of_32() -> None:
    declared = "input [3, H, W] = [3, 256, 256] when H % 32 == 0 and (W + 1) % 32 < 4 and W >= 31"
    aa = "resnet(antialias=filters.average, stem_pool=avg_pool(2, stride=2))"
    networks, faults = check_items(RESNET + f"model net = {aa} {{ {declared} }}")
    assert faults == []
    accepted = networks[-1].accepted
    assert show_set(accepted.axes[0]) == "H = 32n-1 .. 32n+2, n >= 1"
    assert accepted.axes[0].first(9) == (31, 32, 33, 34, 63, 64, 65, 66, 95)
    reasons = [(r.condition.text, show_set(r.after)) for r in accepted.reasons if r.axis == 0]
    assert reasons == [
        ("`avg_pool`", "H >= 3"),
        ("`avg_pool`", "H >= 7"),
        ("`+`", "H = 8n-1 .. 8n+2, n >= 1"),
        ("`avg_pool`", "H = 8n-1 .. 8n+2, n >= 2"),
        ("`+`", "H = 16n-1 .. 16n+2, n >= 1"),
        ("`avg_pool`", "H = 16n-1 .. 16n+2, n >= 2"),
        ("`+`", "H = 32n-1 .. 32n+2, n >= 1"),
    ]
    assert all(r.before != r.after for r in accepted.reasons)
    stages = [
        r.place.list_outer_places()[0].stage for r in accepted.reasons if r.axis == 0 and r.condition.kind == "equal"
    ]
    assert [stage and stage.name for stage in stages] == ["layer2", "layer3", "layer4"]


def test_a_fixed_axis_accepts_its_number() -> None:
    networks, faults = check_items(RESNET.replace("[3, H, W] = [3, 224", "[3, 64, W] = [3, 64"))
    assert faults == []
    assert show_set(networks[0].accepted.axes[0]) == "H = 64"
    assert show_set(networks[0].accepted.axes[1], "W") == "every W"


POOLED = """
block unit(width: int) {
  let main = in |> conv(width, kernel=3, stride=2)
  out = main + (in |> avg_pool(2, stride=2))
}
"""
UNPADDED = """
block unit(width: int) {
  out = in |> plain_conv(width, kernel=3, padding=0) |> max_pool(2, stride=2)
}
"""


@pytest.mark.parametrize("block", [POOLED, UNPADDED])
def test_a_size_is_accepted_if_the_network_with_that_size_fixed_has_no_fault(block: str) -> None:
    networks, faults = check_items(
        block + SMALL.format(input="[3, H, W] = [3, 64, 64] when H == 64 and W == 64", arguments="")
    )
    assert faults == []
    for n in range(1, 80):
        _, fault = small(block, input=f"[3, {n}, 64] = [3, {n}, 64]")
        assert (fault is None) == (n in networks[0].accepted.axes[0]), n


# -- additions --------------------------------------------------------------------------------------------------------


def test_a_pool_that_loses_a_row_is_blamed_with_a_fix() -> None:
    networks, (fault,) = check_items(
        """
policy average(channels: int, stride: size) {
  when in.channels == channels and stride == 1 => identity
  when stride == 1 => identity |> conv(channels, kernel=1) |> norm
  otherwise => avg_pool(2, stride=2) |> conv(channels, kernel=1) |> norm
}
"""
        + RESNET
        + "model net = resnet(shortcut=average)"
    )
    assert [n.network.name for n in networks] == ["resnet"]
    assert describe(fault) == strip_lines("""
        E0314 `+` does not fit all sizes from 29 up: ceil(H / 8) and floor((H + 3) / 8)
        main + side: sizes differ
        conv(inner, kernel=3, stride=step, dilation=previous_dilation, groups=groups): `main` has size ceil(H / 8) from here
        avg_pool(2, stride=2): `side` has size floor((H + 3) / 8) from here
        stage layer2 = depths[1] of unit(128, stride=2): used here
        note smallest counterexample: H = 33 (5 and 4); nearest to the declared size: H = 225 (29 and 28); equal only for H = 8n-3 .. 8n
        note `avg_pool(2, stride=2)` loses the last row of an odd map
        note in block 1 of 4 of stage `layer2`, width = 128, stride = 2
        help `avg_pool(2, stride=2, ceil=true)` makes both ceil(H / 8) for every H
    """)  # noqa: E501


def test_a_fix_that_is_suggested_removes_the_fault() -> None:
    _, fault = small(POOLED)
    assert fault is not None
    (edit,) = fault.fix
    start = POOLED.index(edit.span.text)
    accepted, fault = small(POOLED[:start] + edit.replacement + POOLED[start + len(edit.span.text) :])
    assert (accepted, fault) == ("every W", None)


def test_an_operation_of_the_library_is_blamed_and_the_input_to_be_restricted() -> None:
    _, (fault,) = check_items(RESNET + "model net = resnet(antialias=filters.average, stem_pool=avg_pool(2, stride=2))")
    assert [edit.replacement for edit in fault.fix] == [" when H % 32 == 0 and W % 32 == 0"]
    assert describe(fault) == strip_lines("""
        E0314 `+` does not fit all sizes from 31 up: floor((H + 1) / 8) and ceil((H - 2) / 8)
        main + side: sizes differ
        avg_pool(stride, stride=stride): `main` has size floor((H + 1) / 8) from here
        conv(channels, kernel=1, stride=stride): `side` has size ceil((H - 2) / 8) from here
        stage layer2 = depths[1] of unit(128, stride=2): used here
        note smallest counterexample: H = 35 (4 and 5); nearest to the declared size: H = 222 (27 and 28); equal only for H = 8n-1 .. 8n+2
        note `avg_pool(stride, stride=stride)` loses the last row of an odd map
        note `avg_pool(stride, stride=stride, ceil=true)` makes both ceil((H - 2) / 8) for every H
        note in block 1 of 4 of stage `layer2`, width = 128, stride = 2
        help restrict the input to sizes that fit: `when H % 32 == 0 and W % 32 == 0`
    """)  # noqa: E501


@pytest.mark.parametrize(
    ("side", "message", "help"),
    [
        (
            "in |> shortcut(width, 1)",
            "2 (`main`) and 1 (`side`)",
            "give the shortcut the stride of `main`: `shortcut(width, stride)`",
        ),
        (
            "in |> shortcut(width, stride=4)",
            "2 (`main`) and 4 (`side`)",
            "give the shortcut the stride of `main`: `shortcut(width, stride=stride)`",
        ),
        (
            "in |> plain_conv(width, kernel=1)",
            "2 (`main`) and 1 (`side`)",
            "give `side` the stride of `main`: `plain_conv(width, kernel=1, stride=stride)`",
        ),
        (
            "in |> global_avg_pool",
            "2 (`main`) and none (`side`)",
            "for a gate, write `*`: it broadcasts a map of size 1, `+` does not",
        ),
    ],
)
def test_a_forgotten_stride(side: str, message: str, help: str) -> None:
    block = f"""
block unit(width: int, stride: size) {{
  let main = in |> conv(width, kernel=3, stride=stride) |> norm
  let side = {side}
  out = main + side
}}
"""
    _, fault = small(block, arguments=", 2")
    assert fault is not None
    assert (fault.code, fault.message) == ("E0302", f"`+` joins maps with different strides: {message}")
    assert fault.helps == (help,)


def test_a_forgotten_stride_in_full() -> None:
    block = """
block unit(width: int, stride: size) {
  let main = in |> conv(width, kernel=3, stride=stride) |> norm |> act
  let side = in |> shortcut(width, 1)
  out = (main + side) |> act
}
"""
    _, fault = small(block, arguments=", 2")
    assert describe(fault) == strip_lines("""
        E0302 `+` joins maps with different strides: 2 (`main`) and 1 (`side`)
        main + side: sizes differ: ceil(H / 2) and H
        conv(width, kernel=3, stride=stride): `main` has stride 2 from here
        shortcut(width, 1): `side` has stride 1
        note smallest counterexample: H = 2 (1 and 2); nearest to the declared size: H = 32 (16 and 32)
        note in block 1 of 3 of stage `layer1`, width = 16, stride = 2
        help give the shortcut the stride of `main`: `shortcut(width, stride)`
    """)
    _, fixed = small(block, input="[3, 32, 32] = [3, 32, 32]", arguments=", 2")
    assert describe(fixed) == strip_lines("""
        E0302 `+` joins maps with different strides: 2 (`main`) and 1 (`side`)
        main + side: sizes differ: 16 and 32
        conv(width, kernel=3, stride=stride): `main` has stride 2 from here
        shortcut(width, 1): `side` has stride 1
        note in block 1 of 3 of stage `layer1`, width = 16, stride = 2
        help give the shortcut the stride of `main`: `shortcut(width, stride)`
    """)


def test_an_input_without_a_shortcut_and_a_policy_that_ignores_its_stride() -> None:
    _, fault = small("block unit(width: int) {\n  out = in + (in |> conv(width, kernel=3, stride=2))\n}\n")
    assert fault is not None
    assert fault.helps == ("apply that stride to `in`: replace it with `(in |> shortcut(width, 2))`",)
    _, faults = check_items(
        RESNET + "model net = resnet(blocks.basic, [2, 2, 2, 2], shortcut=identity, conv=plain_conv)"
    )
    assert [f.code for f in faults] == ["E0301"]
    narrow = "".join(f"  stage layer{i} = 1 of blocks.basic(16, stride={i})\n" for i in (1, 2))
    head = "  head = global_avg_pool |> fc: linear(10)\n}"
    _, (fault,) = check_items(
        "model net() {\n  set shortcut = identity\n  input [3, H, W] = [3, 32, 32]\n"
        f"  stem = conv(16, kernel=3)\n{narrow}{head}"
    )
    assert fault.helps == ("bind `shortcut` to a policy that applies the stride 2, such as `shortcuts.project`",)


def test_elements_of_a_list_are_called_by_name_and_place() -> None:
    _, fault = small(
        """
block unit(width: int) {
  let views = in |> split(2)
  each k in range(2) {
    let y[k] = views[k] |> paths[k]: plain_conv(width, kernel=3, stride=k + 1)
  }
  out = y |> sum
}
"""
    )
    assert fault is not None
    assert fault.message == "`sum` joins maps with different strides: 1 (`y[0]`) and 2 (`y[1]`)"


def test_forgotten_padding() -> None:
    block = """
block unit(width: int) {
  let main = in |> plain_conv(width, kernel=3, dilation=2, padding=0) |> norm |> act |> conv(width, kernel=3)
  let side = in |> shortcut(width, 1)
  out = main + side
}
"""
    _, fault = small(block)
    assert describe(fault) == strip_lines("""
        E0332 `+` never fits: H - 4 and H
        main + side: sizes differ: 28 and 32 at H = 32
        plain_conv(width, kernel=3, dilation=2, padding=0): `main` has size H - 4 from here
        note smallest counterexample: H = 5 (1 and 5); nearest to the declared size: H = 32 (28 and 32)
        note `plain_conv(...)` removes 4 rows from its map
        note in block 1 of 3 of stage `layer1`, width = 16
        help write `plain_conv(width, kernel=3, dilation=2, padding=2)`, so that both are H
    """)
    assert fault is not None
    assert [edit.replacement for edit in fault.fix] == ["plain_conv(width, kernel=3, dilation=2, padding=2)"]


@pytest.mark.parametrize(
    ("main", "help"),
    [
        ("conv(width, kernel=4)", "write `conv(width, kernel=5)`, so that both are H"),
        ("plain_conv(width, 3, 1, 0)", "write `plain_conv(width, 3, 1, 1)`, so that both are H"),
        (
            "conv(width, kernel=2) |> norm |> conv(width, kernel=4)",
            "write `conv(width, kernel=3)` and `conv(width, kernel=5)`, so that both are H",
        ),
        ("constant_pad(1)", "write `identity`, so that both are H"),
        ("max_pool([3, 5], padding=[0, 1])", "write `max_pool([3, 5], padding=[1, 2])`, so that both are H"),
    ],
)
def test_operations_that_change_a_size(main: str, help: str) -> None:
    _, fault = small(f"block unit(width: int) {{\n  out = in + (in |> {main})\n}}\n")
    assert fault is not None
    assert (fault.code, fault.helps) == ("E0332", (help,))


@pytest.mark.parametrize(
    ("operation", "stride", "effect"),
    [
        ("max_pool(2, stride=2)", 2, "`max_pool(2, stride=2)` loses the last row of an odd map"),
        (
            "max_pool(4, stride=4, padding=0)",
            4,
            "`max_pool(4, stride=4, padding=0)` loses the rows beyond a multiple of 4",
        ),
        ("subsample(2) |> max_pool(2, stride=2)", 4, "`max_pool(2, stride=2)` loses the last row of an odd map"),
        ("constant_pad(1) |> plain_conv(16, 4, 1, 0)", 1, "`plain_conv(16, 4, 1, 0)` removes 3 rows from its map"),
        ("constant_pad(1) |> plain_conv(16, 2, 1, 0)", 1, "`constant_pad(1)` adds 2 rows to its map"),
    ],
)
def test_what_is_said_of_an_operation(operation: str, stride: int, effect: str) -> None:
    _, fault = small(f"block unit(width: int) {{\n  out = (in |> {operation}) + (in |> subsample({stride}))\n}}\n")
    assert fault is not None
    assert effect in fault.notes


# -- declared sizes ---------------------------------------------------------------------------------------------------


def test_a_condition_that_allows_too_much() -> None:
    _, fault = small(POOLED, "[3, H, W] = [3, 32, 32] when H % 4 == 0 and W % 8 == 0")
    assert describe(fault) == strip_lines("""
        E0331 the input allows H = 4, but the network accepts H = 0 mod 8
        H % 4 == 0: H = 4 is allowed here
        avg_pool(2, stride=2): needs at least 2, but gets 1
        note smallest size that is allowed but not accepted: H = 4 (needs at least 2, but gets 1); nearest to the declared size: H = 28 (sizes differ: 4 and 3)
        note in block 3 of 3 of stage `layer1`, width = 16
        help allow only accepted sizes: `when H % 8 == 0 and W % 8 == 0`
    """)  # noqa: E501
    _, fault = small(POOLED, "[3, H, W] = [3, 32, 32] when H >= 8 and W % 8 == 0")
    assert describe(fault) == strip_lines("""
        E0331 the input allows H = 9, but the network accepts H = 0 mod 8
        H >= 8: H = 9 is allowed here
        main + (in |> avg_pool(2, stride=2)): sizes differ: 5 and 4 at H = 9
        note smallest size that is allowed but not accepted: H = 9 (sizes differ: 5 and 4); nearest to the declared size: H = 31 (sizes differ: 16 and 15)
        note in block 1 of 3 of stage `layer1`, width = 16
        help allow only accepted sizes: `when H % 8 == 0 and W % 8 == 0`
    """)  # noqa: E501


def test_an_example_that_is_not_accepted() -> None:
    _, fault = small(POOLED, "[3, H, W] = [3, 32, 36] when H % 8 == 0 and W % 8 == 0")
    assert describe(fault) == strip_lines("""
        E0333 the declared size W = 36 is not accepted; the accepted sizes are W = 0 mod 8
        input [3, H, W] = [3, 32, 36] when H % 8 == 0 and W % 8 == 0: W = 36 is declared here
        help declare sizes that fit, such as `[3, 32, 32]`
    """)
    _, fault = small(POOLED, "[3, H, W] = [3, 32, 32] when H % 8 == 0 and W % 8 == 9")
    assert describe(fault) == strip_lines("""
        E0333 the declared size W = 32 is not accepted; the accepted sizes are no W
        input [3, H, W] = [3, 32, 32] when H % 8 == 0 and W % 8 == 9: W = 32 is declared here
        help change the condition after `when` so that some accepted size meets it
    """)


def test_an_input_that_is_too_small() -> None:
    _, (fault,) = check_items(
        RESNET.replace("[3, 224, 224]", "[3, 16, 16]")
        + "model net = resnet(antialias=filters.blur, stem_pool=max_pool(3, stride=1) |> blur_pool(3, stride=2))"
    )
    assert describe(fault) == strip_lines("""
        E0320 the input is too small: `blur_pool(3, stride=stride)` needs a size of at least 2, but gets 1
        input [3, H, W] = [3, 16, 16]: too small: H = 16
        blur_pool(3, stride=stride): needs at least 2, but gets 1
        stage layer4 = depths[3] of unit(512, stride=2): used here
        note 16 -> 8 (conv) -> 4 (stem_pool) -> 2 (layer2) -> 1 (layer3)
        note in block 1 of 3 of stage `layer4`, width = 512, stride = 2
        help use an input of at least `[3, 17, 17]`
    """)


def test_an_operation_that_never_gets_enough() -> None:
    _, fault = small(
        "block unit(width: int) {\n  out = in * (in |> global_avg_pool |> plain_conv(1, kernel=3, padding=0))\n}\n"
    )
    assert describe(fault) == strip_lines("""
        E0335 `plain_conv(1, kernel=3, padding=0)` needs a size of at least 3, but always gets 1
        plain_conv(1, kernel=3, padding=0): the size is 1 here
        note 32 -> 1 (global_avg_pool)
        note in block 1 of 3 of stage `layer1`, width = 16
        help use a smaller kernel, or move it to where the map is larger
    """)


def test_sizes_that_are_too_irregular() -> None:
    sides = "(all |> max_pool(2, stride=2)) + (all |> subsample(2))"
    _, fault = small(f"block unit(width: int) {{\n  let all = in |> subsample(1048576)\n  out = {sides}\n}}\n")
    assert describe(fault) == strip_lines("""
        E0334 the sizes at `+` are too irregular to analyze: period 2097152
        (all |> max_pool(2, stride=2)) + (all |> subsample(2)): from here on
        help use fewer different strides
    """)


# -- places and cost --------------------------------------------------------------------------------------------------


def test_the_way_into_blocks_inside_blocks() -> None:
    _, fault = small(
        """
block inner(width: int, stride: size = 1) {
  out = in + (in |> conv(width, kernel=3, stride=stride))
}
block unit(width: int) {
  out = in |> one: inner(width) |> two: inner(width, 2)
}
"""
    )
    assert fault is not None
    assert [re.sub(r" \([\w ]+:\d+:\d+\)", "", note) for note in fault.notes[1:]] == [
        "in block 1 of 3 of stage `layer1`, width = 16",
        "in `inner(width, 2)`, width = 16, stride = 2",
    ]


def test_maps_of_more_axes_than_the_input_have_fixed_sizes() -> None:
    gate = "in |> global_avg_pool |> reshape([1, 4, 4]) |> plain_conv(8, kernel={}, padding=0) |> global_avg_pool"
    block = f"block unit(width: int) {{{{\n  out = in * ({gate} |> plain_conv(1, kernel=1) |> reshape([1, 1]))\n}}}}\n"
    assert small(block.format(3), "[3, T] = [3, 100]") == ("every T", None)
    _, fault = small(block.format(5), "[3, T] = [3, 100]")
    assert fault is not None
    assert fault.code == "E0335"


@pytest.mark.parametrize("count", [100, 10_000])
def test_a_deep_network_costs_two_calls_a_block(count: int) -> None:
    block = "block unit(width: int) {\n  out = in + (in |> conv(width, kernel=3) |> norm |> act)\n}\n"
    deep = SMALL.replace("3 of unit", f"{count} of unit").format(input="[3, H, W] = [3, 32, 32]", arguments="")
    ((network,), faults) = check_items(block + deep)
    assert faults == []
    calls = Counter[str]()
    sys.setprofile(lambda frame, event, argument: calls.update([event]))
    try:
        prove(network.network)
    finally:
        sys.setprofile(None)
    assert count < calls["call"] < 2 * count + 100


def test_blocks_that_differ_are_looked_at_once_each_in_order() -> None:
    (_, (fault,)) = check_items(
        UNPADDED.replace("max_pool(2, stride=2)", "act")
        + SMALL.replace("3 of", "4999 of").format(input="[3, H, W] = [3, 224, 224]", arguments="")
    )
    assert describe(fault) == strip_lines("""
        E0320 the input is too small: `plain_conv(width, kernel=3, padding=0)` needs a size of at least 3, but gets 2
        input [3, H, W] = [3, 224, 224]: too small: H = 224
        plain_conv(width, kernel=3, padding=0): needs at least 3, but gets 2
        note 224 -> 2 (layer1)
        note in block 112 of 4999 of stage `layer1`, width = 16
        help use an input of at least `[3, 9999, 9999]`
    """)
