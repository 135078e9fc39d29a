"""What the refusals of the shape rules propose, at the edges of their cases."""

import pytest

from resnetc.compiler.ir.shape import Shape
from resnetc.compiler.shapes import errors
from resnetc.compiler.sizes import identity
from resnetc.compiler.source import Source, Span
from resnetc.grammar.primitives import PRIMITIVES

HERE = Span(Source("t.resnet", "here"), 0, 4)
MAP = Shape(8, (identity(), identity()))


@pytest.mark.parametrize(
    ("parts", "equation", "help"),
    [
        ((3, 3, 3), "3 + 3 + 3 = 9", "make the last part 2: the rest of 8 channels"),
        ((1, 5), "1 + 5 = 6", "make the last part 7: the rest of 8 channels"),
        ((8, 3), "8 + 3 = 11", "write parts whose sum is 8"),
        ((9, 3), "9 + 3 = 12", "write parts whose sum is 8"),
        ((5,), "one part of 5", "write parts whose sum is 8"),
        (3, "8 = 3 x 2 + 2", "make the channels a multiple of 3"),
    ],
)
def test_parts_that_do_not_add_up(parts: int | tuple[int, ...], equation: str, help: str) -> None:
    diagnostic = errors.does_not_split(8, parts, HERE)
    assert (diagnostic.primary.text, diagnostic.helps) == (equation, (help,))


@pytest.mark.parametrize(
    ("text", "step", "mended", "where"),
    [
        ("head = conv(8) |> linear(10)", "linear", "head = conv(8) |> global_avg_pool |> linear(10)", "it"),
        ("head = flatten |> linear(10)", "linear", "head = global_avg_pool |> flatten |> linear(10)", "`flatten`"),
        ("flatten |> linear(10)", "linear", "global_avg_pool |> flatten |> linear(10)", "`flatten`"),
        ("flatten |>\nlinear(10)", "linear", "flatten |>\nglobal_avg_pool |> linear(10)", "it"),
        ("flatten |> relu\n x |> linear(10)", "linear", "flatten |> relu\n x |> global_avg_pool |> linear(10)", "it"),
    ],
)
def test_a_pool_goes_before_what_needs_a_vector(text: str, step: str, mended: str, where: str) -> None:
    source = Source("t.resnet", text)
    start = text.index(step)
    before, edit = errors.insert_pool(Span(source, start, start + len(step)))
    assert before == where
    assert text[: edit.span.start] + edit.replacement + text[edit.span.end :] == mended


@pytest.mark.parametrize(
    ("number", "wanted", "nearest"),
    [(12, 5, 4), (12, 100, 12), (12, 1, 2), (7, 2, 7), (7, 1, 7), (1, 4, 1), (9, 2, 3), (16, 3, 2), (16, 6, 4)],
)
def test_the_nearest_divisor_is_not_1_where_there_is_another(number: int, wanted: int, nearest: int) -> None:
    assert errors.find_nearest_divisor(number, wanted) == nearest


@pytest.mark.parametrize(
    ("have", "wanted", "before", "start", "help"),
    [
        (8, 6, 1, "`pad_channels(6)` cannot remove", "pad to 8 or more"),
        (8, 8, 1, "`pad_channels(8, before=1)` has only 0", "write `before=0`"),
        (8, 9, 2, "`pad_channels(9, before=2)` has only 1", "write `before=0`"),
        (8, 12, 5, "`pad_channels(12, before=5)` has only 4", "write `before=2`"),
    ],
)
def test_channels_that_cannot_be_padded_to(have: int, wanted: int, before: int, start: str, help: str) -> None:
    diagnostic = errors.pads_to_fewer(have, wanted, before, HERE)
    assert diagnostic.message.startswith(start)
    assert diagnostic.helps[0].startswith(help)


@pytest.mark.parametrize("name", ["flatten", "linear"])
def test_a_pool_is_put_before_flatten_alone(name: str) -> None:
    diagnostic = errors.not_constant(PRIMITIVES[name], MAP, HERE)
    assert [edit.replacement for edit in diagnostic.fix] == (["global_avg_pool |> "] if name == "flatten" else [])


def test_limits_say_why_they_are() -> None:
    why = {}
    for primitive, parameter in [
        ("plain_conv", "channels"),
        ("blur_pool", "kernel"),
        ("plain_conv", "stride"),
        ("linear", "features"),
    ]:
        row = next(p for p in PRIMITIVES[primitive].parameters if p.name == parameter)
        why[parameter] = errors.beyond_limit(PRIMITIVES[primitive], row, 10**9, HERE).helps[0].partition(": ")[2]
    fits = "a larger layer would not fit in memory"
    assert why == {
        "channels": fits,
        "kernel": "a wider filter is nearly flat",
        "stride": "a larger one has no use",
        "features": fits,
    }
