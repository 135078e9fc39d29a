"""A class or function is documented by what the spec says of it, and nothing that it says of something else."""

import ast
import re
from pathlib import Path

import pytest

from resnetc.testing import trials

GENERATED = sorted((Path(__file__).parents[3] / "generated").rglob("*.py"))
NET = "\nmodel net() {{\n  input [8, H, W] = [8, 9, 9]\n  stem = {stem}\n  head = identity\n}}\n"


def said(definitions: str, stem: str) -> dict[str, str]:
    """The text of every class and function but the network and `build`."""
    (trial,) = trials(f"edition 1\nuse std.filters\n{definitions}{NET.format(stem=stem)}")
    return texts(trial.source)


def texts(source: str) -> dict[str, str]:
    defined = [n for n in ast.parse(source).body if isinstance(n, ast.ClassDef | ast.FunctionDef)]
    return {d.name: " ".join((ast.get_docstring(d) or "").split()) for d in defined[:-2]}


UNIT = "/// {doc}\nblock unit(width: int, ways: int, early: bool = false) {{ out = in |> conv(width, kernel=ways) }}\n"


@pytest.mark.parametrize(
    ("doc", "told"),
    [
        ("`ways` ways of `width` channels. All is well.", "3 ways of 4 channels. All is well."),
        ("One of two things, `early` or late. The second sentence.", "The second sentence."),
        ("`early`, whatever that is.", "The block `unit`."),
        ("`conv1` is a module of the class, `anything` no name of the block.",) * 2,
        ("No stop (Li et al. 2019) at `ways`", "No stop (Li et al. 2019) at 3."),
    ],
)
def test_a_parameter_without_an_argument_is_its_number_or_not_spoken_of(doc: str, told: str) -> None:
    assert said(UNIT.format(doc=doc), "unit(4, 3)") == {"Unit": told}


def test_an_argument_goes_by_its_name() -> None:
    source = UNIT.format(doc="A map of `width` channels by `ways` ways.")
    assert said(source, "a: unit(4, 3) |> b: unit(8, 3)") == {"Unit": "A map of `width` channels by 3 ways."}


def test_what_differs_and_is_no_argument_is_not_spoken_of() -> None:
    block = """
        /// One. `twice` as much.
        block unit(width: int) {
          let twice = width * 2
          out = in |> conv(width, kernel=1)
        }
    """
    assert said(block, "a: unit(4) |> b: unit(8)") == {"Unit": "One."}


POLICY = """
/// {doc}
policy fit(channels: int, stride: size) {{
  when stride == 1 => plain_conv(
    channels,
    kernel=1,
  ) |> norm
  when stride == 2 => conv(channels, kernel=3, stride=stride) |> norm
  otherwise => conv(channels, kernel=5, stride=stride) |> norm
}}
block unit(width: int, stride: size = 1) {{ out = in |> fit(width, stride) |> relu }}
"""


def test_a_case_of_a_policy_is_told_as_the_spec_has_it() -> None:
    whole = POLICY.format(doc="Where nothing strides: a product, else a filter.")
    assert said(whole, "a: unit(4) |> b: unit(5)")["fit"] == "Policy `fit`: `plain_conv(channels, kernel=1) |> norm`."
    headed = POLICY.format(doc="Option B: a product, a filter or a larger filter.")
    both = said(headed, "a: unit(4) |> b: unit(5, stride=2)")["fit"]
    assert both == (
        "Option B: `plain_conv(channels, kernel=1) |> norm` or `conv(channels, kernel=3, stride=stride) |> norm`."
    )


def test_the_layout_of_a_spec_is_not_seen_in_a_text() -> None:
    loose = POLICY.replace("kernel=1,", "kernel = 2/2, std=1e-2,").format(doc="Something.")
    tight = POLICY.replace("kernel=1,", "kernel=2 / 2,\n    std=1e-2").format(doc="Something.")
    told = [said(policy, "a: unit(4) |> b: unit(5)")["fit"] for policy in (loose, tight)]
    assert told == ["Policy `fit`: `plain_conv(channels, kernel=2 / 2, std=1e-2) |> norm`."] * 2


def test_nothing_said_is_the_name_of_the_block() -> None:
    assert said("block unit() { out = in |> relu |> conv(8, kernel=1) }", "unit") == {"Unit": "The block `unit`."}


def test_a_text_for_the_first_choice_is_not_told_of_the_other() -> None:
    block = """
        /// The stride is on the convolution.
        block unit(stride: size) {
          let step = (stride when antialias == identity otherwise 1)
          out = in |> conv(8, kernel=3, stride=step) |> antialias(stride)
        }
    """
    assert said(block, "unit(2)")["Unit"] == "The stride is on the convolution."
    (trial,) = trials(
        f"edition 1\nuse std.filters\n{block}{NET.format(stem='unit(2)')}".replace(
            "  input", "  set antialias = filters.average\n  input"
        )
    )
    assert texts(trial.source)["Unit"] == "The block `unit`."


@pytest.mark.parametrize("file", GENERATED, ids=lambda file: file.stem)
def test_no_committed_module_tells_of_a_case_that_it_has_not(file: Path) -> None:
    said = texts(file.read_text(encoding="utf-8"))
    assert not [text for text in said.values() if re.search(r"where not|where the shape changes", text)]
