"""The generated text is what a person would write: nothing that does nothing, no odd name, no twice-told comment."""

import pytest

from resnetc.compiler.codegen.naming import documentation
from resnetc.compiler.codegen.render import check_syntax
from resnetc.testing import assert_activations_agree, assert_outputs_agree, trials
from tests.support import open_session

HEAD = "edition 1\n"


def text(spec: str, sizes: tuple[int, ...] = (9, 9)) -> str:
    """The module of the one network of a spec, whose outputs agree with those of the plain interpretation."""
    (trial,) = trials(HEAD + spec)
    assert_outputs_agree(trial, sizes)
    return trial.source


def model(stem: str, stage: str = "", head: str = "identity") -> str:
    return f"\nmodel net() {{\n  input [8, H, W] = [8, 9, 9]\n  stem = {stem}\n  {stage}\n  head = {head}\n}}\n"


def test_lists_of_one_and_groups_of_one_leave_no_line() -> None:
    block = "block unit() { out = in |> split(1) |> sum |> regroup(1, parts=4) |> regroup(2, parts=1) |> relu }"
    source = text(block + model("unit"))
    assert "        return self.act(x)  # [8, h, w]\n" in source


def test_a_list_of_one_put_together_is_kept_once() -> None:
    """What nobody copies is not counted twice."""
    block = "block unit() { out = in |> conv(8, kernel=1) |> relu |> split(1) |> concat |> conv(8, kernel=1) }"
    (trial,) = trials(HEAD + block + model("unit"))
    assert_activations_agree(trial, (9, 9))
    assert "torch.cat" not in trial.source


def test_elements_are_counted_as_in_the_spec() -> None:
    block = """
        block unit() {
          let a = in |> split(2)
          each i in range(2) { let y[i] = a[i] |> ks[i]: conv(4, kernel=3) |> relu }
          out = y + y |> concat
        }
    """
    source = text(block + model("unit"))
    assert "y0 = self.act(self.ks[0](a[0]))" in source
    assert "y1 = self.act(self.ks[1](a[1]))" in source


def test_a_position_among_names_needs_no_identity() -> None:
    source = text("use std.stems\n" + model("a: (k: conv(8, kernel=3) |> identity |> n: norm |> act)"))
    assert "nn.Identity" not in source
    assert '("3", nn.ReLU())' in source  # a position stays what it was


def test_a_stage_of_one_block_is_one_line() -> None:
    source = text("block unit(w: int) { out = in |> conv(w, kernel=3) }" + model("act", "stage layer1 = 1 of unit(8)"))
    assert "        self.layer1 = nn.Sequential(Unit())\n" in source


@pytest.mark.parametrize(("blocks", "lines"), [(5, 1), (8, 8), (11, 1), (25, 25)])
def test_blocks_that_differ_in_a_number_are_swept_where_that_is_shorter(blocks: int, lines: int) -> None:
    block = """
        block a_unit_of_four(w: int, b: int, c: int, d: int) {
          out = in |> conv(w, kernel=1) |> conv(b, kernel=1) |> conv(c, kernel=1) |> conv(d, kernel=1)
        }
    """
    stage = f"stage layer1 = each w in range(101, {101 + blocks}) of a_unit_of_four(w, 12, 13, 8)"
    other = "stage layer2 = 1 of a_unit_of_four(11, 21, 31, 41)"
    source = text(block + model("act", f"{stage}\n  {other}"), (1, 1))
    layer1 = source.partition("self.layer1 = ")[2].partition("self.layer2")[0]
    assert layer1.count("AUnitOfFour(") == lines
    assert ("for w in" in layer1) == (lines == 1)


def test_a_size_of_several_axes_is_made_of_the_stride() -> None:
    unit = """
        block unit(width: int, first stride: size = 1) {
          out = in |> conv(width, kernel=[1, 3], stride=[1, stride]) |> conv(width, kernel=[3, 1], stride=[stride, 1])
        }
    """
    source = text(unit + model("act", "stage layer1 = 2 of unit(8, stride=2)"))
    assert "(1, 3), (1, stride), padding=(0, 1)" in source
    assert "(3, 1), (stride, 1), padding=(1, 0)" in source
    assert "# [8, h/stride, w/stride]" in source


def test_dropout_before_the_classifier_sees_a_vector() -> None:
    head = "global_avg_pool |> dropout(0.5) |> fc: linear(3)"
    assert "return self.fc(self.dropout(x.mean((2, 3))))  # [3]" in text(model("conv(8, kernel=3)", head=head))
    shared = """
        block unit() {
          let mean = in |> global_avg_pool
          out = (mean |> fc: linear(8)) + (mean |> dropout(0.5) |> flatten)
        }
    """
    assert "mean = x.mean((2, 3), keepdim=True)  # [8, 1, 1]" in text(shared + model("unit"))


def test_a_further_class_of_a_block_says_what_is_different() -> None:
    block = """
        /// A block of two sentences. This is the second one.
        block unit(w: int) {
          out = in |> conv(w, kernel=1) |> (norm when w == 8 otherwise relu)
        }
    """
    source = text(block + model("act", "stage layer1 = 1 of unit(8)\n  stage layer2 = 1 of unit(9)"))
    assert source.count("This is the second one.") == 1
    assert '"""`Unit` with `act` in place of `bn1`."""' in source
    alone = """
        block unit(w: int, n: int) {
          out = in |> conv(w, kernel=n) |> (norm |> conv(w, kernel=1) |> act when n == 3 otherwise act)
        }
    """
    source = text(alone + model("act", "stage layer1 = 1 of unit(8, 3)\n  stage layer2 = 1 of unit(9, 5)"))
    assert '"""`Unit` without `bn1` and `conv2`."""' in source


def test_compound_words_stay_whole_lines() -> None:
    doc = "The mean of the input, then a projection of the whole map, all of it behind a pre-activated input."
    assert all("pre-activated" in line or "pre-" not in line for line in documentation(doc, "", 4))


FAMILY = """
/// WideNet: wide.
model widenet(depth: int, wide: int = 1) {
  input [8, H, W] = [8, 9, 9]
  stem = conv(8 * wide, kernel=3)
  head = global_avg_pool |> fc: linear(depth)
}
model widenet2 = widenet(2)
/// A deep one.
model widenet3 = widenet2(depth=3)
model widenet4_foo = widenet3(depth=4)
/// FOO and XNet, whatever that is.
model xnet5 = widenet(5)
model xnet6_foo = xnet5(depth=6)
"""


def test_an_instance_has_the_comment_and_the_spelling_of_what_it_names() -> None:
    session = open_session(HEAD + FAMILY)
    said = {}
    for checked in session.compile_networks():
        source = session.render(checked)
        said[source.partition("\nclass ")[2].partition("(")[0]] = checked.network.doc
    assert not session.sink.diagnostics
    assert said == {
        "WideNet2": "WideNet: wide.",
        "WideNet3": "A deep one.",
        "WideNet4Foo": "A deep one.",
        "XNet5": "FOO and XNet, whatever that is.",
        "XNet6FOO": "FOO and XNet, whatever that is.",
    }


def test_no_comment_has_the_two_empty_lines_that_stand_between_statements() -> None:
    """The text is checked statement by statement, so a comment that had them would be read as two."""
    gaps = "One.\n\n\n\nTwo.\n\n\n" + "Three more. " * 30
    assert "\n\n\n" not in "\n".join(documentation(gaps, "", 4))
    doc = "".join(f"/// {ln}\n" for ln in gaps.split("\n"))
    session = open_session(HEAD + doc + model("relu").lstrip())
    (checked,) = session.compile_networks()
    assert session.render(checked).startswith('"""One.\n\nTwo. Three more. ')


@pytest.mark.parametrize("statements", ["def f(:\n    pass\n", "class A:\n    x = 1\n  y = 2\n", "a = '''\n"])
def test_what_python_cannot_read_is_refused_each_time(statements: str) -> None:
    for _ in range(2):
        with pytest.raises(SyntaxError):
            check_syntax(statements)
