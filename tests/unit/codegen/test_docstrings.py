"""A class or function is documented by what the spec says of it, and nothing that it says of something else."""

import ast
import inspect
import re
from pathlib import Path

import pytest

from resnetc.testing import trials
from tests.support import import_module

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


def test_the_cases_of_a_policy_that_were_chosen_are_told_in_words() -> None:
    whole = POLICY.format(doc="Where nothing strides: a product, else a filter.")
    assert said(whole, "a: unit(4) |> b: unit(5)")["fit"] == "A 1x1 convolution and a norm."
    headed = POLICY.format(doc="Option B: a product, a filter or a larger filter.")
    both = said(headed, "a: unit(4) |> b: unit(5, stride=2)")["fit"]
    assert both == "Option B: a 1x1 convolution and a norm, or a 3x3 convolution and a norm."


@pytest.mark.parametrize(
    ("case", "told"),
    [
        ("conv(channels, kernel=[1, 7]) |> norm |> act", "A 1x7 convolution, a norm and an activation."),
        ("conv(channels, kernel=3) |> avg_pool(2, stride=1)", "A 3x3 convolution and a 2x2 average pool."),
        (
            "conv(in.channels, kernel=3, groups=in.channels) |> conv(channels, kernel=1)",
            "A depthwise 3x3 convolution and a 1x1 convolution.",
        ),
        ("identity |> conv(channels, kernel=1)", "A 1x1 convolution."),
        ("act |> norm |> act |> conv(channels, kernel=1) |> norm |> act", "The modules of `fit`."),
        ("identity |> conv(channels, kernel=1) |> mish_like", "The modules of `fit`."),
    ],
)
def test_modules_in_words(case: str, told: str) -> None:
    policy = f"""
        block mish_like() {{ out = in |> mish }}
        /// Something else.
        policy fit(channels: int) {{
          when channels == 1 => relu
          otherwise => {case}
        }}
        block unit(width: int) {{ out = in |> fit(width) |> relu }}
    """
    assert said(policy, "a: unit(8) |> b: unit(16)")["fit"] == told


CONDITION = """
    /// A product. Where `wide`, it widens. Where `joined`, the input is added.
    block unit(width: int, joined: bool = false) {{
      let wide = width > 4
      let main = in |> conv(width, kernel=1)
      out = (main + {side} when joined otherwise main)
    }}
"""


@pytest.mark.parametrize(
    ("stem", "told"),
    [
        ("unit(4)", {"Unit": "A product."}),
        ("unit(8)", {"Unit": "A product. It widens."}),
        ("unit(8, joined=true)", {"Unit": "A product. It widens. The input is added."}),
        ("a: unit(4) |> b: unit(8)", {"Unit": "A product."}),
        ("a: unit(8) |> b: unit(8, joined=true)",
         {"Unit": "A product. It widens.", "Unit2": "A product. It widens. The input is added."}),
    ],
)  # fmt: skip
def test_a_sentence_with_a_condition_is_told_where_that_is_true(stem: str, told: dict[str, str]) -> None:
    assert said(CONDITION.format(side="in"), stem) == told


def test_a_slot_that_nothing_fills_is_not_spoken_of() -> None:
    block = """
        /// A product. A gate in the slot `attention` sees all of it.
        block unit(width: int) { out = in |> conv(width, kernel=1) |> attention }
    """
    assert said(block, "unit(8)") == {"Unit": "A product."}
    filled = said(block, "unit(8, attention=sigmoid)")
    assert filled == {"Unit": "A product. A gate in the slot `attention` sees all of it."}


def test_a_further_class_is_told_from_the_most_similar_one() -> None:
    block = """
        /// Something.
        block unit(join: bool, more: bool, fc: bool) {
          let main = in |> conv(8, kernel=1) |> (act |> norm when more otherwise identity)
          let wide = main |> (extra: conv(8, kernel=1) when fc otherwise identity)
          out = (wide + in when join otherwise wide)
        }
    """
    told = said(block, "a: unit(false, false, false) |> b: unit(false, true, true) |> c: unit(true, true, true)")
    assert told == {
        "Unit": "Something.",
        "Unit2": "`Unit` with `act`, `bn1` and `extra`.",
        "Unit3": "`Unit2` with an addition.",
    }


def test_a_model_is_told_with_its_own_numbers() -> None:
    (trial,) = trials("""edition 1
/// Net-`depth` of `width` channels. Where `deep`, it is deep. Classes: `classes`.
model net(depth: int = 3, width: int = 8, classes: int = 10) {
  let deep = depth > 2
  input [3, H, W] = [3, 9, 9]
  stem = conv(width, kernel=3)
  stage main = depth of conv(width, kernel=3)
  head = global_avg_pool |> fc: linear(classes)
}
""")
    assert (inspect.getdoc(import_module(trial.source).Net) or "").replace("\n", " ") == (
        "Net-3 of 8 channels. Where `deep`, it is deep. Classes: `classes`."
    )


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
def test_committed_modules_tell_of_themselves_alone(file: Path) -> None:
    """No case that the class has not, no block that a reader does not see, nothing in the language of specs."""
    text = file.read_text(encoding="utf-8")
    said = texts(text)
    others = r"where not|where the shape changes|^The same|\|>|--set|\w+\(\w+="
    assert not [text for text in [*said.values(), ast.get_docstring(ast.parse(text)) or ""] if re.search(others, text)]
    assert len(set(said.values())) == len(said)


def test_no_text_of_a_shipped_spec_needs_the_one_before() -> None:
    specs = (Path(__file__).parents[3] / "specs").rglob("*.resnet")
    assert not [path for path in specs if re.search(r"^/// The same\b", path.read_text(encoding="utf-8"), re.MULTILINE)]
