"""Texts of networks for the lints of the dataflow, and what is said of them."""

from resnetc.compiler.remedies.verification import apply_edits
from tests.support import warn

STEM = "conv(16, kernel=3) |> norm |> act"
STAGE = "stage layer1 = 2 of blocks.basic(16)"
HEAD = "global_avg_pool |> linear(10)"


def write_net(
    stem: str = STEM, stages: str = STAGE, head: str = HEAD, blocks: str = "", sets: str = "", input: str = "32, 32"
) -> str:
    axes = "H, W" if "=" not in input else input.partition("=")[0]
    return f"""edition 1
use std.blocks
use std.gates
use std.shortcuts
{blocks}
model net() {{
  {sets}
  input [3, {axes}] = [3, {input.rpartition("=")[2]}]
  stem = {stem}
  {stages}
  head = {head}
}}
"""


def texts_of(text: str, code: str) -> list[str]:
    """What the warnings of a code point at; every fix of one makes it disappear, and spoils nothing."""
    warnings = warn(text)
    assert {warning.code[0] for warning in warnings} <= {"W"}, [warning.message for warning in warnings]
    for warning in warnings:
        if warning.fix:
            places = [(other.code, other.message) for other in warn(apply_edits(warning.fix))]
            assert (warning.code, warning.message) not in places
            assert {place[0][0] for place in places} <= {"W"}
    return [warning.primary.span.text for warning in warnings if warning.code == code]
