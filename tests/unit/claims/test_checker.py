"""Claims about networks: which are proved, which are refuted, and exactly what is said of them."""

import re

import pytest

from resnetc.compiler.diagnostics.diagnostic import Diagnostic
from resnetc.compiler.sizes import ALL, from_minimum
from tests.support import check, describe, open_session, strip_lines

NET = """
edition 1
use std.blocks
use std.shortcuts

model net(classes: int = 10, deep: bool = false, depths: list = [2, 3]) {{
  set shortcut = shortcuts.pad
  let top = (128 when deep otherwise 64)
  input [3, H, W] = {input}
  stem = conv(16, kernel=3, stride=2) |> norm |> act
  stage layer1 = depths[0] of blocks.basic(32)
  stage stages[0].blocks = depths[1] of blocks.basic(top, stride=2)
  head = global_avg_pool |> fc: linear(classes)
  {claims}
}}
"""

POOLED = """
edition 1

block unit(width: int) {{
  out = (in |> conv(width, kernel=3, stride=2)) + (in |> avg_pool(2, stride=2))
}}

model net() {{
  input [3, H, W] = [3, 224, 224]{condition}
  stem = conv(16, kernel=3)
  stage layer1 = 2 of unit(16)
  head = global_avg_pool |> fc: linear(10)
  expect {claim}
}}
"""


def judged(claim: str, input: str = "[3, 32, 32]") -> Diagnostic | None:
    """What is said of a claim; None if it holds."""
    networks, faults = check(NET.format(claims=f"expect {claim}", input=input))
    if not faults:
        assert len(networks) == 1
        return None
    (fault,) = faults
    return fault


@pytest.mark.parametrize(
    "claim",
    [
        "stages[0].blocks.shape == [64, ceil(H / 4), ceil(W / 4)]",
        "stages[0].blocks.shape == [top, ceil(ceil(H / 2) / 2), floor((W + 3) / 4)]",
        "stages[0].blocks.shape[1] == ceil(layer1.shape[1] / 2)",
        "stages[0].blocks.shape == [64, H / 4, W / 4] when H % 4 == 0 and W % 4 == 0",
        "4 * stages[0].blocks.shape[1] <= H + 3 and 4 * stages[0].blocks.shape[1] >= H",
        "4 * stages[0].blocks.shape[1] - H < 4",
        "stages[0].blocks.shape[1] < H when H > 1",
        "stages[0].blocks.shape[1] != H when H >= 2",
        "H == 4 * floor(H / 4) + H % 4",
        "-H % 4 == 4 * ceil(H / 4) - H",
        "H % 2 == 0 or (H + 1) % 2 == 0",
        "H >= 3 or classes == 10",
        "max(H, 4) >= 4 and min(H, W) == 1 when H == 1 and classes == 11",
        "max(H, 4) >= 4 and min(H, 4) <= 4",
        "H / 2 + H / 2 == H and H * (1 / 2) == H / 2 and H / (1 / 2) == 2 * H and H - H == 0",
        "layer1.stride == 2 and stages[0].blocks.stride == 4",
        "layer1.channels == 32 and layer1.blocks == len(depths) and stages[0].blocks.blocks == depths[1]",
        "output.shape == [classes] and output.channels == classes",
        "weighted_layers == 12",
        "shortcut == shortcuts.pad and shortcut != shortcuts.project",
        "parameters == 1 when shortcut == shortcuts.project",
        "parameters == 1 when H == 0",
        "parameters == 1 when deep",
        'parameters >= 100_000 and parameters < 3 * 100_000 otherwise "a small network"',
    ],
)
def test_a_claim_that_holds(claim: str) -> None:
    assert judged(claim) is None


def test_figures_are_those_of_the_network_as_declared() -> None:
    ((network,), _) = check(NET.format(claims="", input="[3, 32, 32]"))
    figures = network.measures
    for name in ("parameters", "buffers", "weighted_layers", "receptive_field"):
        assert judged(f"{name} == {getattr(figures, name)}") is None
    for size in (32, 64):
        assert judged(f"multiply_adds == {figures.count_multiply_adds((size, size))}", f"[3, {size}, {size}]") is None


def test_a_false_claim_about_a_shape() -> None:
    assert describe(judged("stages[0].blocks.shape == [64, floor(H / 4), ceil(W / 4)]")) == strip_lines("""
        E0402 `stages[0].blocks.shape == [64, floor(H / 4), ceil(W / 4)]` does not hold: ceil(H / 4) and floor(H / 4)
        stages[0].blocks.shape == [64, floor(H / 4), ceil(W / 4)]: `stages[0].blocks.shape` is [64, ceil(H / 4), ceil(W / 4)]
        note smallest accepted counterexample: H = 1 (1 and 0); nearest to the declared size: H = 31 (8 and 7)
        help write `stages[0].blocks.shape == [64, ceil(H / 4), ceil(W / 4)]`, or change the model
    """)  # noqa: E501
    assert describe(judged("layer1.shape[2] == W / 2 when W > 20")) == strip_lines("""
        E0402 `layer1.shape[2] == W / 2` does not hold: ceil(W / 2) and W / 2
        layer1.shape[2] == W / 2: `layer1.shape[2]` is ceil(W / 2)
        note smallest accepted counterexample: W = 21 (11 and 21/2); nearest to the declared size: W = 31 (16 and 31/2)
        help write `layer1.shape[2] == ceil(W / 2)`, or change the model
    """)
    assert describe(judged("layer1.shape == [16, ceil(H / 2), ceil(W / 2)]")) == strip_lines("""
        E0402 `layer1.shape == [16, ceil(H / 2), ceil(W / 2)]` does not hold: [32, ceil(H / 2), ceil(W / 2)] and [16, ceil(H / 2), ceil(W / 2)]
        layer1.shape == [16, ceil(H / 2), ceil(W / 2)]: `layer1.shape` is [32, ceil(H / 2), ceil(W / 2)]
        help write `layer1.shape == [32, ceil(H / 2), ceil(W / 2)]`, or change the model
    """)  # noqa: E501


@pytest.mark.parametrize(
    "claim, points",
    [
        ("layer1.shape[2] == W / 2 when W > 20", ({1: 21}, {1: 31})),
        ("stages[0].blocks.shape == [64, floor(H / 4), ceil(W / 4)]", ({0: 1}, {0: 31})),
        ("H * W != 1024", ({0: 32, 1: 32},)),
        ("H <= 32", ({0: 33},)),
        ("refuses(H > 40)", ({0: 41},)),
        ("refuses(7, 9)", ({0: 7, 1: 9},)),
        ("weighted_layers == 11", ()),
        ("weighted_layers == 12", ()),
    ],
)
def test_the_counterexamples_of_a_claim_are_data(claim: str, points: tuple[dict[int, int], ...]) -> None:
    """Sizes by axis: the smallest, and the nearest to the declared size where it is another one."""
    session = open_session(NET.format(claims=f"expect {claim}", input="[3, 32, 32]"))
    ((contract,),) = [network.contracts for network in session.compile_networks(include_refuted=True)]
    assert contract.counterexamples == points


def test_only_accepted_sizes_count() -> None:
    text = POOLED.format(condition=" when H % 4 == 0 and W % 4 == 0", claim="layer1.shape == [16, H / 4, W / 4]")
    assert check(text)[1] == []
    odd = POOLED.replace("avg_pool(2, stride=2)", "avg_pool(2, stride=2, ceil=true)")
    assert check(odd.format(condition="", claim="layer1.shape[1] == floor((H + 3) / 4)"))[1] == []
    _, (fault,) = check(odd.format(condition="", claim="layer1.shape[1] == floor((H + 1) / 4)"))
    assert fault.notes == (
        "smallest accepted counterexample: H = 1 (1 and 0); nearest to the declared size: H = 225 (57 and 56)",
    )


def test_a_false_claim_about_a_number() -> None:
    assert describe(judged("weighted_layers == 11 and parameters > 0")) == strip_lines("""
        E0402 `weighted_layers == 11` does not hold: 12 and 11
        weighted_layers == 11: `weighted_layers` is 12
        help write `weighted_layers == 12`, or change the model
    """)
    assert describe(judged("parameters < 1e4 or buffers < 10")) == strip_lines("""
        E0402 `parameters < 1e4 or buffers < 10` does not hold: 237_146 and 10_000
        parameters < 1e4: `parameters` is 237_146
        help weaken the claim, or change the model
    """)
    assert describe(judged('layer1.stride == 4 otherwise "layer1 halves twice"')) == strip_lines("""
        E0402 layer1 halves twice
        layer1.stride == 4: `layer1.stride` is 2
        help write `layer1.stride == 2`, or change the model
    """)
    assert describe(judged("deep")) == strip_lines("""
        E0402 `deep` does not hold
        deep: this is false
        help correct the claim, or the model
    """)


def test_claims_of_a_family_name_the_network() -> None:
    _, faults = check(NET.format(claims="expect classes == 10", input="[3, 32, 32]"), classes="[10, 100]")
    assert [fault.notes for fault in faults] == [("in the network `net_classes100`",)]


@pytest.mark.parametrize("claim", ["(none |> relu) == none", "(none |> relu |> norm) == none when H >= 8"])
def test_a_claim_may_apply_layers_to_a_branch_that_is_absent(claim: str) -> None:
    assert judged(claim) is None


def test_the_condition_of_an_input_may_apply_layers_to_a_branch_that_is_absent() -> None:
    assert judged("classes == 10", "[3, 32, 32] when H % (4 when (none |> relu) == none otherwise 2) == 0") is None


def test_a_claim_about_figures_is_left_out_where_slots_are_bound_anew() -> None:
    claims = "expect parameters == 237_146 expect layer1.shape == [32, ceil(H / 2), ceil(W / 2)] expect classes == 10"
    text = NET.format(claims=claims, input="[3, 32, 32]")
    assert check(text)[0][0].skipped_claims == ()
    (network,), faults = check(text, shortcut="shortcuts.project")
    assert faults == []
    skipped = [re.sub(r" \(.*\)", "", claim) for claim in network.skipped_claims]
    assert skipped == ["parameters == 237_146", "classes == 10"]


def test_a_claim_about_sizes_is_left_out_where_it_does_not_hold_with_other_slots() -> None:
    text = NET.format(claims="expect layer1.shape == [32, ceil(H / 2), ceil(W / 2)]", input="[3, 32, 32]")
    (network,), faults = check(text.replace("ceil(H / 2)", "floor(H / 2)"), shortcut="shortcuts.project")
    assert faults == []
    assert [re.sub(r" \(.*\)", "", claim) for claim in network.skipped_claims] == [
        "layer1.shape == [32, floor(H / 2), ceil(W / 2)]"
    ]
    _, (fault,) = check(text.replace("ceil(H / 2)", "floor(H / 2)"))
    assert fault.code == "E0402"


@pytest.mark.parametrize(
    ("claim", "code", "message"),
    [
        ("10 % H == 0", "E0403", "`10 % H` cannot be decided: `%` needs a size and a number"),
        (
            "classes == (10 when H > 2 otherwise 1)",
            "E0403",
            "`H > 2` cannot be decided: a conditional must not depend on a size",
        ),
        ("H % 2097152 == 5", "E0403", "`H % 2097152 == 5` cannot be decided: sizes too irregular: period 2097152"),
        ("H + shortcut == 1", "E0403", "`H + shortcut` cannot be decided: a size and a layer"),
        ("H / 0 == 1", "E0222", "`/` by zero"),
        ("refuses(3.5, 5)", "E0406", "`refuses` takes integer sizes, not `7/2`"),
        ("accepts(H, 7 / 2)", "E0406", "`accepts` takes integer sizes, not `7/2`"),
        (
            "accepts(H / 2, W)",
            "E0403",
            "`accepts(H / 2, W)` cannot be decided: it takes numbers, or the sizes of the input unchanged",
        ),
        ("H * 999_999_999_999_999_999 * 10 == 0", "E0223", "this value is too large"),
        ("(H % 5) * 999_999_999_999_999_999 * 10 == 0", "E0223", "this value is too large"),
        ("W * H * (1 / 999_999_999_999_999_999) / 10 == 0", "E0223", "this value is too large"),
        ("nearest(H, 8) == 3", "E0225", "`nearest` does not accept [H, 8]"),
        ("H", "E0209", "a condition must be true or false, not a size"),
        ("layer1", "E0410", "`layer1` is not a value by itself"),
        ("layer1.shape", "E0209", "a condition must be true or false, not a list"),
        ("layer1.width == 3", "E0212", "`layer1` has no field `width`"),
        ("parameters.all == 3", "E0213", "cannot read `all`: a number has no fields"),
        ("layer1.shape[3] == 3", "E0215", "`layer1.shape` has no element 3"),
        ("layer1[0] == 3", "E0410", "`layer1` is not a value by itself"),
        ("stages[0] == 3", "E0410", "`stages[0]` is not a value: it is only the start of a stage's path"),
        ("stages[1].blocks.shape == [1]", "E0201", "`stages[1]` is not defined here"),
    ],
)
def test_a_claim_that_means_nothing(claim: str, code: str, message: str) -> None:
    fault = judged(claim)
    assert fault is not None
    assert (fault.code, fault.message) == (code, message)


def test_a_misspelt_stage_is_suggested() -> None:
    fault = judged("stages[0].block_list.shape == [1]")
    assert fault is not None
    assert fault.helps == ("a similar name exists: `stages[0].blocks`",)


def test_every_contract_has_its_verdict() -> None:
    claims = """
      expect layer1.shape == [32, ceil(H / 2), ceil(W / 2)] when H >= 8
      expect weighted_layers == 12
      expect parameters == 1 when deep
      expect layer1.stride == 4
      expect 10 % H == 0
    """
    session = open_session(NET.format(claims=claims, input="[3, 32, 32]"))
    (network,) = session.compile_networks(include_refuted=True)
    verdicts = {contract.text: contract.verdict for contract in network.contracts}
    assert verdicts == {
        "layer1.shape == [32, ceil(H / 2), ceil(W / 2)] when H >= 8": "proved",
        "weighted_layers == 12": "checked",
        "parameters == 1 when deep": "void",
        "layer1.stride == 4": "false",
        "10 % H == 0": "undecided",
    }
    assert network.contracts[0].sizes == (from_minimum(8), ALL)
    codes = [contract.fault.code if contract.fault else None for contract in network.contracts]
    assert codes == [None, None, None, "E0402", "E0403"]
    assert [fault.code for fault in session.sink.diagnostics] == ["E0402", "E0403"]


@pytest.mark.parametrize(
    ("claim", "note"),
    [
        (
            "H != 100 and H != 3",
            "smallest accepted counterexample: H = 3 (3 and 3)",
        ),
        (
            "H != 40 and W != 7",
            "smallest accepted counterexample: W = 7 (7 and 7); nearest to the declared size: H = 40 (40 and 40)",
        ),
        (
            "layer1.shape == [32, min(ceil(H / 2), 99), min(ceil(W / 2), 1)]",
            "smallest accepted counterexample: W = 3 (2 and 1); nearest to the declared size: W = 32 (16 and 1)",
        ),
        (
            "W < 35 when H == 31",
            "smallest accepted counterexample: H = 31, W = 35 (35 and 35)",
        ),
        (
            "W < 35 when H >= 3 and W >= 3",
            "smallest accepted counterexample: H = 3, W = 35 (35 and 35);"
            " nearest to the declared size: H = 32, W = 35 (35 and 35)",
        ),
    ],
)
def test_the_smallest_counterexample_of_all_parts(claim: str, note: str) -> None:
    fault = judged(claim)
    assert fault is not None
    assert fault.notes == (note,)


@pytest.mark.parametrize(
    "part",
    [
        "(1 == 2 or true)",
        "(1 == 2 or H >= 1)",
        "(accepts(1, 1) == false or true)",
        "(refuses(1, 1) == false)",
        "(refuses(1, 1) or accepts(1, 1))",
        "((1 == 2) == false)",
        "(true when 1 == 2 otherwise true)",
    ],
)
def test_a_part_that_does_not_matter_is_not_blamed(part: str) -> None:
    fault = judged(f"{part} and weighted_layers == 11")
    assert fault is not None
    assert fault.message == "`weighted_layers == 11` does not hold: 12 and 11"


def test_a_cost_is_that_of_every_size_in_a_comparison_with_a_map() -> None:
    fault = judged("multiply_adds <= 100 * layer1.shape[1] * layer1.shape[2]")
    assert fault is not None
    ((network,), _) = check(NET.format(claims="", input="[3, 32, 32]"))
    cost = network.measures.count_multiply_adds
    assert fault.primary.text == f"`multiply_adds` is {cost((1, 1)):_} at H = 1, W = 1"
    assert judged(f"multiply_adds == {cost((32, 32))} and layer1.shape[0] == 32") is None
    assert judged(f"multiply_adds <= {cost((32, 32))} * layer1.shape[0]") is None
    assert judged(f"multiply_adds == {cost((32, 32))} when layer1.shape[1] <= 16") is not None
    assert judged(f"multiply_adds <= {cost((32, 32))} when layer1.shape == [32, 16, 16]") is None


FIXED = """
edition 1
model fixed() {{
  input [3, 48, 40] = [3, 48, 40]
  stem = plain_conv(16, kernel=3, stride=2)
  head = global_avg_pool |> fc: linear(10)
}}
model net() {{
  input {input}
  stem = plain_conv(16, kernel=3, stride=2)
  head = global_avg_pool |> fc: linear(10)
  expect {claim}
}}
"""


def test_the_sizes_to_claim_of_a_model_that_fixes_them() -> None:
    _, (fault,) = check(FIXED.format(input="[3, H, W] = [3, 48, 40]", claim="fixed.accepts(H)"))
    write = "fixed.accepts(H == 48 and W == 40)"
    assert fault.message == "`fixed.accepts(H)` does not hold: `fixed` accepts H = 48 and W = 40"
    assert fault.helps == (f"claim sizes that are accepted, such as `{write}`, or change the model",)
    assert check(FIXED.format(input="[3, H, W] = [3, 48, 40]", claim=write))[1] == []
    _, (fault,) = check(FIXED.format(input="[3, 8, 8] = [3, 8, 8]", claim="fixed.accepts(8, 8)"))
    write = "fixed.accepts(48, 40)"
    assert fault.helps == (f"claim sizes that are accepted, such as `{write}`, or change the model",)
    assert check(FIXED.format(input="[3, 8, 8] = [3, 8, 8]", claim=write))[1] == []


@pytest.mark.parametrize(
    ("statement", "holds"),
    [
        ("[2, 2] == [2]", False),
        ("[2, 2] == [2, 2, 2]", False),
        ("[2, 2] != [2]", True),
        ("[2, 2] == 2", True),
        ("2 == [2, 2, 2]", True),
        ("[2, 3] == 2", False),
        ("[[2, 2], [3]] == [[2, 2], [3]]", True),
        ("[[2, 2], [3]] == [[2], [3]]", False),
        ("[] == []", True),
    ],
)
def test_lists_are_equal_element_by_element(statement: str, holds: bool) -> None:
    assert (judged(statement) is None) is holds
    text = NET.format(claims="", input="[3, 32, 32]").replace(
        "set shortcut", f'require {statement} otherwise "no"\n  set shortcut'
    )
    assert (check(text)[1] == []) is holds


def test_a_size_stands_for_each_element_of_a_list() -> None:
    assert judged("[H, H] == H and [H, 4] == 4 when H == 4") is None
    assert judged("[H, W] == H") is not None


def test_a_network_has_one_budget_for_its_claims() -> None:
    """What the first claims take is missing to the last; the next network has all of it."""
    claims = "".join(f"expect H % 1021 + H % {n} >= 0 " for n in (1019, 1013, 1009, 997, 991)) + "expect H >= 1"
    text = NET.format(claims=claims, input="[3, 32, 32]")
    for _ in range(2):
        _, faults = check(text, classes="[10, 100]")
        assert {fault.code for fault in faults} == {"E0403"}
        assert 1 <= len(faults) <= 8
        assert "the claims of a network can evaluate at most" in faults[0].message
        assert faults[0].helps[0].startswith("make fewer or simpler claims")
    few = NET.format(claims="expect H % 1021 + H % 13 >= 0", input="[3, 32, 32]")
    assert check(few, classes="[10, 100]")[1] == []
