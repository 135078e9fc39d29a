"""W0602, W0611 and W0612: what nothing reads is told, and what others may need is left alone."""

import pytest

from resnetc.compiler.codegen.fingerprint import digests
from resnetc.compiler.driver.session import Session
from resnetc.compiler.remedies.verification import apply_edits
from tests.support import check, warn

SPEC = """edition 1
use std.blocks
USES

block unit(width: int, first stride: size = 1, PARAMETERS) {
  let main = in |> conv(width, kernel=3, stride=stride) |> norm
  STATEMENTS
  out = (main + (in |> shortcut(width, stride))) |> act
}

ITEMS

model net(classes: int = 10, OPTIONS) {
  BODY
  input [3, H, W] = [3, 32, 32]
  stem = STEM
  stage layer1 = 1 of UNIT, 1 of blocks.basic(16)
  stage layer2 = GROUPS
  head = HEAD
}

INSTANCES
"""
DEFAULTS = {
    "STEM": "conv(16, kernel=3)",
    "UNIT": "unit(16)",
    "GROUPS": "2 of blocks.basic(32, stride=2)",
    "HEAD": "global_avg_pool |> fc: linear(classes)",
}
PLACES = ("USES", "PARAMETERS", "STATEMENTS", "ITEMS", "OPTIONS", "BODY", *DEFAULTS, "INSTANCES")


def write(**parts: str) -> str:
    text = SPEC
    for place in PLACES:
        text = text.replace(place, parts.get(place.lower(), DEFAULTS.get(place, "")))
    return text.replace(", )", ")")


def warnings(**parts: str) -> list[str]:
    return [f"{warning.code} {warning.primary.span.text}" for warning in warn(write(**parts))]


def test_nothing_is_said_of_a_spec_that_reads_all() -> None:
    assert warnings() == []


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"uses": "use std.gates"}, ["W0602 std.gates"]),
        ({"statements": "let half = width / 2"}, ["W0602 half"]),
        ({"statements": "let side = main |> norm"}, ["W0602 side"]),
        ({"statements": "let a = 1 let b = a + width"}, ["W0602 b"]),
        ({"statements": "each i in range(2) { let ys[i] = in |> conv(width, kernel=1) }"}, ["W0602 ys"]),
        ({"statements": "let ys[0] = in let ys[1] = ys[0] |> conv(width, kernel=1)"}, ["W0602 ys"]),
        ({"parameters": "rate: number = 0"}, ["W0602 rate: number = 0"]),
        ({"parameters": "rate: number = 0, twice: number = 2 * rate"}, ["W0602 twice: number = 2 * rate"]),
        ({"body": "let unread = classes"}, ["W0602 unread"]),
        ({"options": "depth: int = 3"}, ["W0602 depth: int = 3"]),
        (
            {
                "items": "policy wide(n: int, m: int = 1) { otherwise => conv(n, kernel=1) }",
                "head": "wide(8) |> global_avg_pool |> fc: linear(classes)",
            },
            ["W0602 m: int = 1"],
        ),
        ({"head": "pool: global_avg_pool |> fc: linear(classes)"}, ["W0611 pool"]),
        ({"stem": "conv(16, kernel=3) |> (norm |> last.one: identity)"}, ["W0611 last.one"]),
        ({"statements": 'let ys = [in, in] |> both: concat require ys.channels > 0 otherwise "no"'}, ["W0611 both"]),
        ({"groups": "1 of blocks.basic(32), 2 of blocks.basic(32, stride=2)"}, ["W0612 stride=2"]),
        ({"groups": "1 of blocks.basic(32), 2 of blocks.basic(32, 2)"}, ["W0612 2"]),
        (
            {"groups": "each w in [16, 32] of blocks.basic(w), 1 of (norm |> blocks.basic(32, stride=2))"},
            ["W0612 stride=2"],
        ),
        (
            {"groups": "1 of unit(16), 1 of (unit(16, stride=2) when classes > 1 otherwise unit(16))"},
            ["W0612 stride=2"],
        ),
    ],
)
def test_what_nothing_reads_is_told(parts: dict[str, str], expected: list[str]) -> None:
    assert warnings(**parts) == expected


@pytest.mark.parametrize(
    "parts",
    [
        # Read by a `require`, a later default, an index, a claim, an instance.
        {"parameters": "rate: number = 0", "statements": 'require rate < 1 otherwise "too much"'},
        {"parameters": "rate: number = 0, keep: number = 1 - rate", "statements": "set act = leaky_relu(keep)"},
        {"statements": "let i = 0 set norm = (xs[i]: batch_norm)"},
        {"options": "depth: int = 3", "head": "global_avg_pool |> fc: linear(classes) expect weighted_layers > depth"},
        {"body": "let depth = 3", "instances": "model other = net(5) { expect weighted_layers > depth }"},
        {"options": "depth: int = 3", "instances": "model other = net(5) { expect weighted_layers > depth }"},
        # The interface of a slot, of a parameter, of a list; and what nobody calls here.
        {"items": "policy pad(channels: int, stride: size, more: int = 1) { otherwise => avg_pool(1, stride=stride) }",
         "body": "set shortcut = pad", "groups": "2 of blocks.basic(16)"},
        {"items": "block gate(ratio: number = 1) { out = in |> act }", "unit": "blocks.basic(16, attention=gate)"},
        {"items": "block gate(ratio: number = 1) { out = in |> act }", "unit": "blocks.basic(16, attention=gate(1))"},
        {"items": "block other(width: int, groups: int = 1) { out = in |> conv(width, kernel=1) }",
         "body": "let kinds = [other, unit]", "unit": "kinds[0](16)"},
        {"items": "block spare(width: int, groups: int = 1) { out = in |> conv(width, kernel=1) }"},
        {"items": 'extern spare(ratio: int = 1) [C, H, W] => [C, H, W] = "mylayers:Spare"'},
        {"items": "policy step(channels: int, stride: size = 1) { otherwise => conv(channels, kernel=1) }",
         "head": "step(8) |> global_avg_pool |> fc: linear(classes)"},
        {"items": 'slot role(width: int, spare: int = 1) "role" = conv(8, kernel=1)', "unit": "role(8)"},
        # A count of copies.
        {"statements": "each i in range(2) { set act = silu }", "groups": "each i in range(2) of blocks.basic(16)"},
        # Labels of modules, and of steps of a sequence.
        {"stem": "conv1: conv(16, kernel=3) |> maxpool: max_pool(3) |> act1: relu"},
        {"head": "head: (pool: global_avg_pool |> fc: linear(classes))"},
        {"statements": "let f = pool: identity set act = (gate: (f |> silu))", "unit": "(pooled |> unit(16))",
         "items": "policy pooled() { otherwise => pool: identity }"},
        {"groups": "2 of (max_pool(3) |> x: identity)"},
        {"stem": "xs[0]: identity |> xs[1]: conv(16, kernel=3)"},
        # The first block of a stage may be in a later group; a default is no slip.
        {"options": "n: int = 0", "groups": "n of blocks.basic(16), 2 of blocks.basic(32, stride=2)"},
        {"groups": "0 of blocks.basic(16), 2 of blocks.basic(32, stride=2)"},
        {"groups": "1 of blocks.basic(16), 2 of blocks.basic(32, stride=1)"},
    ],
)  # fmt: skip
def test_what_others_may_need_is_left_alone(parts: dict[str, str]) -> None:
    assert warnings(**parts) == []


def test_a_certain_fix_leaves_the_network_as_it_is() -> None:
    text = write(
        uses="use std.gates // not needed\nuse std.filters",
        stem="conv(16, kernel=3) |> x : identity",
        head="pool: global_avg_pool |> fc: linear(classes)",
    )
    certain = [warning for warning in warn(text) if warning.applicability == "certain"]
    assert [warning.code for warning in certain] == ["W0602", "W0602", "W0611", "W0611"]
    after = apply_edits(tuple(edit for warning in certain for edit in warning.fix))
    assert after == text.replace("use std.gates // not", "// not").replace("use std.filters\n", "").replace(
        "x : identity", "identity"
    ).replace("pool: global", "global")
    assert warn(after) == []
    before, now = (check(spec)[0][0].network for spec in (text, after))
    assert digests(before) == digests(now)


def test_a_gate_that_is_multiplied_is_read() -> None:
    text = write(statements="let gate = main |> global_avg_pool |> fc: plain_conv(width, kernel=1) |> sigmoid")
    (warning,) = warn(text)
    assert warning.applicability == "plausible"
    after = apply_edits(warning.fix)
    assert "out = (main * gate + (in |> shortcut(width, stride))) |> act" in after
    assert warn(after) == []


def test_used_files_are_looked_at_and_shipped_ones_are_not(tmp_path) -> None:
    (tmp_path / "parts.resnet").write_text(
        "edition 1\nuse std.gates\nblock unit(width: int, rate: int = 1, stride: int = 1) "
        "{ out = in |> conv(width, kernel=3) }\n"
    )
    (tmp_path / "net.resnet").write_text(
        "edition 1\nuse parts\nuse zoo.timm.sknet\nmodel net() {\n  input [3, H, W] = [3, 32, 32]\n"
        "  stem = identity\n  stage layer1 = 2 of parts.unit(8)\n  head = identity\n}\n"
    )
    session = Session()
    session.add(str(tmp_path / "net.resnet"))
    session.lint(session.compile_networks())
    assert [(w.primary.span.source.name.rpartition("/")[2], w.primary.span.text) for w in session.sink.diagnostics] == [
        ("net.resnet", "zoo.timm.sknet"),
        ("parts.resnet", "std.gates"),
        ("parts.resnet", "rate: int = 1"),
        ("parts.resnet", "stride: int = 1"),
    ]
