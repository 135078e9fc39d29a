"""Mechanical remedies: every `fix`, and every `when` that a help gives, applied, makes its diagnostic disappear."""

import re
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from resnetc.compiler.diagnostics.diagnostic import Diagnostic
from resnetc.compiler.driver.session import Session
from resnetc.compiler.remedies.verification import apply_edits

sys.path.insert(0, str(Path(__file__).parent))

from wrong_nets import WRONG

from tests import support
from tests.support import warn

CASES = sorted(Path(__file__).parent.glob("*.resnet"))

IN_WORDS = {"help_se_linear_gate"}  # what to write is said, not where
# Limits, which no edit mends; to reach one takes seconds, and test_ui.py does.
LIMITS = ("E0112", "E0114", "E0328", "E0329", "E0330", "E0407")
# The codes whose remedy is one and the same whatever the author means: at least these have it as data.
MECHANICAL = {
    *("E0101", "E0103", "E0106", "E0108", "E0109", "E0110", "E0113"),
    *("E0201", "E0202", "E0203", "E0206", "E0212", "E0239", "E0310", "E0314", "E0316", "E0331", "E0332"),
}


@cache
def diagnose(text: str) -> list[Diagnostic]:
    """What is said of a text; the text that a remedy leaves is looked at again when its own remedies are followed."""
    return support.diagnose(text)


def count_messages(faults: list[Diagnostic]) -> Counter[tuple[str, str]]:
    """How often each message is given: another place may have the same slip."""
    return Counter((fault.code, fault.message) for fault in faults)


def diagnose_without_trials(text: str) -> list[Diagnostic]:
    """What is said of a text whose own remedies nobody follows: none of them is tried."""
    session = Session(trials_left=0)
    session.add("-", text.encode("utf-8", "surrogatepass"))
    session.compile_networks()
    return session.sink.diagnostics


def test_every_fix_makes_its_diagnostic_disappear():
    mended, left = set(), []
    for case in CASES:
        recorded = case.with_suffix(".stderr")
        if recorded.exists() and recorded.read_text(encoding="utf-8").startswith(tuple(f"error[{c}]" for c in LIMITS)):
            continue
        try:
            text = case.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        before = count_messages(diagnose(text))
        for diagnostic in diagnose(text):
            if diagnostic.fix:
                mended.add(diagnostic.code)
                said = (diagnostic.code, diagnostic.message)
                after = count_messages(diagnose_without_trials(apply_edits(diagnostic.fix)))
                if after[said] >= before[said]:
                    left.append((case.name, diagnostic.code))
    assert left == []
    assert MECHANICAL - mended == set()


def test_every_fix_of_a_warning_makes_it_disappear():
    """What is certain leaves the network as it is, which `check --fix` looks at; each fix is tried alone."""
    mended, left = set(), []
    for case in CASES:
        if not case.name.startswith("warning_"):
            continue
        text = case.read_text(encoding="utf-8")
        warnings = warn(text)
        for warning in warnings:
            if warning.fix:
                mended.add(warning.code)
                after = warn(apply_edits(warning.fix))
                same = [sum(w.message == warning.message for w in several) for several in (warnings, after)]
                if same[1] >= same[0] or any(fault.severity == "error" for fault in after):
                    left.append((case.name, warning.code, warning.message))
    assert left == []
    assert {"W0602", "W0611", "W0612"} - mended == set()


# -- additions that do not fit ----------------------------------------------------------------------------------------

SPEC = """edition 1
use std.blocks
use std.filters
use std.shortcuts

block unit(width: int, first stride: size = 1) {{
  let main = in |> {main}
  let side = in |> {side}
  out = main + side
}}

model net() {{
  input [3, H, W] = [3, {size}, {size}]{when}
  stem = {stem}
  stage layer1 = {count} of unit(4)
  stage layer2 = {count} of unit(4, stride=2)
  head = global_avg_pool |> fc: linear(10)
}}
"""
MAINS = {
    "strided": "conv(width, kernel=3, stride=stride)",
    "dilated": "conv(width, kernel=3, stride=stride) |> plain_conv(width, kernel=3, dilation=2, padding=1)",
    "unpadded": "plain_conv(width, kernel=5, padding=1) |> conv(width, kernel=1, stride=stride)",
    "even": "plain_conv(width, kernel=4, padding=2) |> conv(width, kernel=3, stride=stride)",
    "blurred": "conv(width, kernel=3) |> filters.average(stride)",
    "pooled": "max_pool(2, stride=stride, padding=0) |> conv(width, kernel=3)",
    "halved": "conv(width, kernel=2, stride=2) |> conv(width, kernel=3)",
    "twice": "conv(width, kernel=3, stride=stride) |> max_pool(2, stride=2, padding=0)",
}
SIDES = {
    "projected": "conv(width, kernel=1, stride=stride)",
    "forgotten": "shortcut(width, 1)",
    "averaged": "avg_pool(2, stride=stride, padding=0) |> conv(width, kernel=1)",
    "policy": "shortcuts.average(width, stride)",
    "strayed": "conv(width, kernel=1, stride=2)",
    "cropped": "plain_conv(width, kernel=3, stride=stride, padding=0)",
}
STEMS = {
    "plain": "conv(4, kernel=3)",
    "resnet": "conv(4, kernel=7, stride=2) |> max_pool(3, stride=2)",
    "floor": "conv(4, kernel=3, stride=2) |> max_pool(2, stride=2, padding=0)",
}
PROMISES = ("", " when H % 2 == 0 and W % 2 == 0", " when (H >= 40 or H == 32) and W >= 32")
REFUSALS = {"E0302", "E0314", "E0331", "E0332"}


def remedies(text: str, fault: Diagnostic) -> dict[str, str]:
    """The texts that a fault proposes: with its fix applied, and with each line of its help written down."""
    out = {"fix": apply_edits(fault.fix)} if fault.fix else {}
    help = " ".join(fault.helps)
    declared = re.search(r"(?:such as|at least) `(\[[^`]*\])`", help)
    found = re.search(r"^(  input [^=]*= )(\[[^]]*\])(.*)$", text, re.MULTILINE)
    assert found is not None
    opening, sizes, promise = found.groups()
    for line in re.findall(r"`(when [^`]*)`", help) or ([promise.strip()] if declared else []):
        out[line] = text.replace(found[0], f"{opening}{declared[1] if declared else sizes} {line}")
    for line, slot in re.findall(r"`(set (\w+) = [^`]*)`", help):
        out[line] = re.sub(rf"^(  set {slot} = ).*$", f"  {line}", text, flags=re.MULTILINE)
    return out


def shown(note: str) -> list[str]:
    """What a note says of counterexamples: the smallest, then the nearest where it is another size."""
    return re.findall(r"(?:[HW]) = (\d+) \(", note)


@pytest.mark.parametrize("main", MAINS)
@pytest.mark.parametrize("side", SIDES)
def test_what_is_written_of_an_addition_that_does_not_fit_mends_it(main: str, side: str):
    """Every remedy is followed until the spec compiles: each step leaves its own fault behind, and none comes back."""
    turn = [*MAINS].index(main) + [*SIDES].index(side)
    whens = PROMISES[turn % 3 :] + PROMISES[: turn % 3]
    for stem, when, count in zip(STEMS.values(), whens, (1, 2, 1), strict=True):
        text = SPEC.format(main=MAINS[main], side=SIDES[side], stem=stem, when=when, count=count, size=64)
        pending, seen = [text], {text}
        while pending:
            text = pending.pop()
            for fault in diagnose(text):
                if fault.code in REFUSALS:
                    (note,) = [n for n in fault.notes if re.match("smallest", n)]
                    sizes = [int(n) for n in shown(note)]
                    assert sizes and sizes == sorted(sizes), note
                    assert len(sizes) == 2 or "64" in note or "nearest" not in note, note
                for how, after in remedies(text, fault).items():
                    left = {(other.code, other.message, other.primary.span.start) for other in diagnose(after)}
                    assert (fault.code, fault.message, fault.primary.span.start) not in left, (how, after)
                    if how != "fix":
                        assert left == set(), f"{how} does not make it compile:\n{after}"
                    if after not in seen:
                        seen.add(after)
                        pending.append(after)
                        assert len(seen) < 12, text


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_net_is_mended_by_what_is_said_of_it(name: str):
    """Each line that is given, followed to the letter, ends in a spec that compiles, after at most one line more."""
    pending = [(WRONG[name], 0)]
    assert diagnose(WRONG[name])
    while pending:
        text, steps = pending.pop()
        for fault in diagnose(text):
            assert steps < 2, fault.message
            after = remedies(text, fault)
            assert after, (fault.message, fault.helps)
            pending.extend((mended, steps + 1) for mended in after.values())


def test_a_certain_fix_compiles_and_the_others_say_that_they_are_guesses():
    faults = {name: diagnose(WRONG[name]) for name in WRONG}
    certain = {name for name in WRONG if any(fault.applicability == "certain" for fault in faults[name])}
    assert certain == {"strides: of a pooled gate"}
    for name in certain:
        (fault,) = faults[name]
        assert diagnose(apply_edits(fault.fix)) == []
    assert {fault.applicability for fault in faults["strides: forgotten"]} == {"plausible"}  # either side may stride
    assert {fault.applicability for fault in faults["slots: norm"]} == {"words"}


LINES = {
    "strides: applied twice": "conv(width, kernel=3)",
    "strides: forgotten by the branch": "conv(width, kernel=3, stride=stride)",
    "channels: twice as many": "conv(width, kernel=3)",
    "channels: of the input": "shortcut(width, stride)",
    "channels: of a gate": "plain_conv(width, kernel=1)",
    "channels: of a gate on the input": "plain_conv(in.channels, kernel=1)",
}


@pytest.mark.parametrize("name", LINES)
def test_the_likeliest_remedy_is_the_one_that_is_said(name: str):
    (fault,) = diagnose(WRONG[name])
    assert f"`{LINES[name]}`" in fault.helps[0]
    assert diagnose(apply_edits(fault.fix)) == []


FORGOTTEN = """edition 1
use std.blocks

block unit(width: int, first stride: size = 1) {{
  let main = in |> conv(width, kernel=3{main}) |> norm |> act |> conv(width, kernel=3) |> norm
  out = main + (in |> shortcut(width, {side}))
}}

model net() {{
  input [3, H, W] = [3, 32, 32]
  stem = conv(8, kernel=3)
  stage layer1 = 1 of unit(8, stride=2)
  head = global_avg_pool |> fc: linear(10)
  {expect}
}}
"""


def test_of_two_remedies_the_one_that_keeps_the_claims_is_said():
    """A stride on one side only: which side is wrong, the claims of the model tell."""
    text = FORGOTTEN.format(main="", side="2", expect="expect layer1.shape == [8, {0}]")
    for shape, line in (
        ("H, W", "shortcut(width, 1)"),
        ("ceil(H / 2), ceil(W / 2)", "conv(width, kernel=3, stride=stride)"),
    ):
        (fault,) = diagnose(text.replace("{0}", shape))
        assert f"`{line}`" in fault.helps[0]


@pytest.mark.parametrize("case", [case for case in CASES if case.stem.startswith("help_")], ids=lambda case: case.stem)
def test_a_fix_that_is_followed_ends_in_a_spec_that_checks(case: Path) -> None:
    """Following what is printed never leads round in a circle: at most three steps, and every block fits."""
    text = case.read_text(encoding="utf-8")
    for _ in range(3):
        faults = diagnose(text)
        if not faults:
            return
        if not faults[0].fix:
            assert case.stem in IN_WORDS
            return
        text = apply_edits(faults[0].fix)
    assert diagnose(text) == []
