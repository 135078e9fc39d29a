"""The arithmetic of sizes: normal forms, the rules of PyTorch's layers, sets of published networks, and their words."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest
import torch
import torch.nn.functional as F

from resnetc.compiler.sizes import (
    ALL,
    EMPTY,
    Affine,
    SizeFn,
    SizeSet,
    SizesTooIrregular,
    Table,
    add,
    algebra,
    at_least,
    between,
    bounds,
    compose,
    congruent,
    constant,
    describe,
    equal_where,
    evaluate,
    exact_quotient,
    first_difference,
    from_minimum,
    from_residues,
    functions,
    identity,
    is_constant,
    is_monotone,
    less_equal_where,
    maximum,
    minimum,
    nearest_difference,
    only,
    preimage,
    relations,
    scale,
    shift,
    show,
    show_set,
    slope,
    step,
    sub,
    threshold,
)

H = identity()


def conv(f: SizeFn, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> SizeFn:
    return step(f, stride, 2 * padding - dilation * (kernel - 1))


def chain(f: SizeFn, *strides: int) -> SizeFn:
    for stride in strides:
        f = step(f, stride, 0)
    return f


def row(f: SizeFn, stop: int = 13) -> list[int]:
    return [evaluate(f, n) for n in range(1, stop)]


# -- normal forms ------------------------------------------------------------------------------------------------------


def test_a_form_that_is_not_normal_cannot_be_made() -> None:
    for u, c, D, d in [(1, 0, 0, 0), (1, 2, 0, 1), (2, 2, 0, -1), (-1, 1, 0, 0), (0, 2, 0, 5), (0, 1, 1, 5)]:
        with pytest.raises(ValueError, match="not a normal form"):
            Affine(u, c, D, d)


def test_equal_chains_are_one_object() -> None:
    assert chain(H, 2, 2, 2, 2, 2) is step(H, 32, 0)
    assert shift(shift(H, 5), -5) is H
    assert step(scale(step(H, 4, 3), 6), 3, 0) is scale(step(H, 4, 3), 2)


def test_upsampling_by_2_then_a_stride_of_2_is_the_identical_object() -> None:
    assert step(scale(H, 2), 2, 0) is H
    assert compose(step(H, 2, 0), scale(H, 2)) is H


def test_an_equality_on_tier_1_needs_no_enumeration() -> None:
    stride = 10_007**40  # no table of this period could be written down
    assert step(step(shift(H, 5), 10_007, 0), 10_007**39, -5) is step(H, stride, 5 - 5 * 10_007)
    assert first_difference(chain(H, *[10_007] * 40), step(H, stride, 0)) is None


def test_a_stride_of_10_007_is_compared_without_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """A prime that is a stride in one branch and left over by up- and downsampling in the other."""

    def never(*arguments: object) -> None:
        raise AssertionError("it counts")

    for module in (algebra, functions, relations):
        for name in ("tabulate", "values", "evaluate", "from_flags"):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, never)
    main = step(step(H, 10_007, -3), 2, 1)
    side = step(scale(step(H, 10_007, -3), 6), 12, 6)
    assert main is side is step(H, 20_014, 10_004)
    assert first_difference(main, side) is None and equal_where(main, side) == ALL
    assert at_least(main, 1) == ALL and at_least(main, 3) == from_minimum(20_014 * 2 - 10_004 + 1)


def test_what_leaves_tier_1_comes_back_to_it() -> None:
    thirds = step(scale(H, 2), 3, 0)
    assert isinstance(thirds, Table)
    assert (thirds.P, thirds.Q, thirds.onset, thirds.cycle) == (3, 2, 1, (1, 2, 2))
    assert sub(thirds, thirds) is constant(0)
    assert add(thirds, step(H, 3, -2)) is H
    assert step(scale(thirds, 3), 3, 0) is thirds
    assert add(step(H, 2, 0), step(H, 2, -1)) is H
    assert minimum(maximum(H, constant(5)), H) is H


def test_exceptions_stay() -> None:
    cropped = minimum(H, constant(5))
    assert isinstance(cropped, Table)
    assert (cropped.P, cropped.Q, cropped.onset, cropped.head, cropped.cycle) == (1, 0, 5, (1, 2, 3, 4), (5,))


def test_simple_questions() -> None:
    last_of_three = sub(H, scale(step(H, 3, 0), 2))
    assert is_monotone(step(H, 7, 3)) and is_monotone(minimum(H, constant(4))) and not is_monotone(last_of_three)
    assert is_constant(constant(7)) and not is_constant(minimum(H, constant(4)))
    assert slope(last_of_three) * 3 == 1 and slope(scale(step(H, 6, 1), 4)) * 3 == 2 and slope(constant(3)) == 0
    assert scale(last_of_three, 0) is constant(0)
    assert row(scale(last_of_three, -2)) == [-2 * v for v in row(last_of_three)]


def test_a_stride_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="^a stride is at least 1, not 0$"):
        step(H, 0, 0)


def test_a_table_is_composed_only_with_sizes() -> None:
    table = minimum(H, constant(5))
    assert row(compose(table, shift(H, 2))) == [3, 4] + [5] * 10
    assert compose(table, constant(3)) is constant(3)
    assert row(compose(table, minimum(H, constant(3)))) == [1, 2] + [3] * 10
    assert evaluate(table, -3) == evaluate(table, 1) == evaluate(compose(table, shift(H, -9)), 4)
    with pytest.raises(ValueError, match="falls"):
        compose(table, scale(H, -1))


def test_bounds() -> None:
    f = step(H, 32, 0)
    assert bounds(f, between(200, 225)) == (7, 8)
    assert bounds(f) == (1, None)
    assert bounds(constant(7)) == (7, 7)
    last_of_three = sub(H, scale(step(H, 3, 0), 2))
    assert bounds(last_of_three, from_minimum(2)) == (0, None)
    assert bounds(last_of_three, only(1, 4, 6)) == (-1, 2)
    assert bounds(minimum(H, constant(5)), congruent(H, 3, 0)) == (3, 5)
    assert bounds(scale(H, -1), between(2, 4)) == (-4, -2)
    with pytest.raises(ValueError, match="without end"):
        bounds(scale(H, -1))
    with pytest.raises(ValueError, match="empty"):
        bounds(H, EMPTY)


def test_an_exact_quotient_needs_multiples() -> None:
    assert exact_quotient(scale(step(H, 4, 0), 6), 3) is scale(step(H, 4, 0), 2)
    assert row(exact_quotient(H, 4, congruent(H, 4, 0)), 9)[3::4] == [1, 2]
    with pytest.raises(ValueError, match="6 is not a multiple of 4, at size 6"):
        exact_quotient(H, 4, congruent(H, 2, 0) - only(2))


FALLING = sub(constant(25), scale(H, 3))
UNEVEN = sub(scale(step(H, 4, 0), 4), H)  # 3, 2, 1, 0, and again
SOURCES = (
    *(sub(sub(constant(k), H), UNEVEN) for k in range(8, 13)),
    *(sub(sub(constant(k), scale(step(H, 6, 0), 2)), scale(UNEVEN, 3)) for k in range(20, 26)),
    *(H, constant(0), constant(7), step(H, 2, -1), step(H, 3, 7), scale(H, 4), shift(H, -9), shift(scale(H, 5), -23)),
    *(FALLING, sub(constant(40), step(H, 4, 0)), sub(FALLING, sub(scale(step(H, 4, 0), 4), H))),
    *(sub(H, scale(step(H, 5, -4), 5)), maximum(constant(6), step(H, 2, 0)), minimum(constant(11), scale(H, 2))),
    *(
        sub(scale(step(H, 4, 0), 4), H),
        add(sub(scale(step(H, 6, 0), 6), H), step(H, 2, 0)),
        maximum(FALLING, constant(2)),
    ),
)
TARGETS = (
    *(ALL, EMPTY, from_minimum(8), between(3, 12), only(1), only(7, 9, 30), ~only(2, 25), congruent(H, 2, 1)),
    *(
        from_residues(6, (0, 1, 4)) | only(3),
        from_residues(5, (2,)) & from_minimum(19),
        ~from_residues(4, (3,)) - only(5),
    ),
)


@pytest.mark.parametrize("sizes", TARGETS, ids=str)
@pytest.mark.parametrize("fn", SOURCES, ids=str)
def test_a_preimage_holds_what_is_taken_into_the_set(fn: SizeFn, sizes: SizeSet) -> None:
    before = preimage(fn, sizes)
    assert [n for n in range(1, 300) if n in before] == [n for n in range(1, 300) if evaluate(fn, n) in sizes]


def test_a_preimage_that_is_too_irregular_is_refused() -> None:
    with pytest.raises(SizesTooIrregular, match=f"^sizes too irregular: period {2**21}$"):
        preimage(step(H, 2**11, 0), from_residues(2**10, (1,)))
    with pytest.raises(SizesTooIrregular, match="exceptions up to"):
        preimage(shift(H, 1 - 2**24), from_minimum(3))


def test_too_irregular_sizes_are_refused_with_their_period() -> None:
    f, g = step(H, 2**11, 0), step(H, 3**7, 0)
    with pytest.raises(SizesTooIrregular, match=f"^sizes too irregular: period {2**11 * 3**7}$"):
        equal_where(f, g)
    with pytest.raises(SizesTooIrregular, match="exceptions up to 999999999"):
        from_minimum(10**9)
    with pytest.raises(SizesTooIrregular, match=r"period over 2\^30001"):
        congruent(step(H, 2**30_000, 0), 2, 0)
    assert first_difference(f, shift(g, 1)) == 1  # a counterexample needs no table


# -- the rules of the layers, against PyTorch --------------------------------------------------------------------------


def size_or_error(layer: Callable[[torch.Tensor], torch.Tensor], n: int) -> int | None:
    """The size that PyTorch gives; None where it raises, and for an empty map, which is an error here."""
    try:
        return layer(torch.empty(1, 4, n, device="meta")).shape[-1] or None
    except (RuntimeError, ValueError):
        return None


def check(layer: Callable[[torch.Tensor], torch.Tensor], f: SizeFn, where: SizeSet = ALL, stop: int = 13) -> None:
    """PyTorch accepts exactly the sizes of `where` that give an output, and gives the size f."""
    where = where & at_least(f, 1)
    for n in range(1, stop):
        assert size_or_error(layer, n) == (evaluate(f, n) if n in where else None)


def test_convolution() -> None:
    for k, s, p, dilation in product(range(1, 6), range(1, 5), range(3), range(1, 3)):
        weight = torch.empty(4, 4, k, device="meta")
        check(lambda x: F.conv1d(x, weight, None, s, p, dilation), conv(H, k, s, p, dilation))  # noqa: B023


def test_pooling() -> None:
    for k, s, dilation, ceil in product(range(1, 6), range(1, 5), range(1, 3), (False, True)):
        e = dilation * (k - 1) + 1
        for p in range(k // 2 + 1):
            f = step(H, s, p + min(0, p + s - e)) if ceil else conv(H, k, s, p, dilation)
            check(lambda x: F.max_pool1d(x, k, s, p, dilation, ceil), f)  # noqa: B023
            if dilation == 1:
                check(lambda x: F.avg_pool1d(x, k, s, p, ceil), f)  # noqa: B023


def test_transposed_convolution() -> None:
    for k, s, p, dilation in product(range(1, 5), range(1, 4), range(3), range(1, 3)):
        weight = torch.empty(4, 4, k, device="meta")
        for extra in range(max(s, dilation)):
            f = shift(scale(H, s), dilation * (k - 1) + 1 - s - 2 * p + extra)
            check(lambda x: F.conv_transpose1d(x, weight, None, s, p, extra, 1, dilation), f)  # noqa: B023


def test_padding_and_cropping() -> None:
    for a, b in product(range(-2, 4), repeat=2):
        check(lambda x: F.pad(x, (a, b)), shift(H, a + b), at_least(H, max(-a, 0) + max(-b, 0)))  # noqa: B023
        if a >= 0 and b >= 0:
            check(lambda x: F.pad(x, (a, b), "reflect"), shift(H, a + b), at_least(H, max(a, b) + 1))  # noqa: B023
            check(lambda x: F.pad(x, (a, b), "circular"), shift(H, a + b), at_least(H, max(a, b)))  # noqa: B023


def test_slices_and_pieces() -> None:
    for a, s in product(range(4), range(1, 5)):
        check(lambda x: x[..., a::s], step(H, s, -a))  # noqa: B023
    for k in range(1, 6):
        check(lambda x: x[..., :k], minimum(H, constant(k)))  # noqa: B023
    for m in range(2, 6):
        for i in range(m):
            check(lambda x: x.tensor_split(m, -1)[i], step(H, m, -i))  # noqa: B023
        last = sub(H, scale(step(H, m, 0), m - 1))
        for n in range(1, 40):
            pieces = [piece.shape[-1] for piece in torch.empty(n, device="meta").chunk(m)]
            whole = n in at_least(last, 1)
            assert (len(pieces) == m) == whole
            assert not whole or pieces == [evaluate(step(H, m, 0), n)] * (m - 1) + [evaluate(last, n)]


def test_rescaling() -> None:
    for r in range(1, 5):
        check(lambda x: F.interpolate(x, scale_factor=r), scale(H, r))  # noqa: B023
        multiples = congruent(H, r, 0)
        check(
            lambda x: F.pixel_unshuffle(x[..., None, :].expand(1, 4, 12, x.shape[-1]), r) if 12 % r == 0 else x,  # noqa: B023
            exact_quotient(H, r, multiples),
            multiples,
        )


# -- equality ----------------------------------------------------------------------------------------------------------


def test_ceilings_of_one_stride_agree_on_one_run_of_residues() -> None:
    for c, D, apart in product(range(1, 9), range(-9, 10), range(1, 12)):
        run = from_residues(c, range(1 - D, 1 - D + max(0, c - apart)))
        assert equal_where(step(H, c, D), step(H, c, D + apart)) == run


def test_ceilings_of_different_strides_agree_finitely_often() -> None:
    assert equal_where(step(H, 8, 0), step(H, 4, 0)) == between(1, 4)
    assert equal_where(shift(step(H, 3, 0), 5), H) == only(8)
    assert less_equal_where(shift(step(H, 3, 0), 5), H) == from_minimum(8)
    assert less_equal_where(H, shift(step(H, 3, 0), 5)) == between(1, 8)


def test_differences() -> None:
    main, shortcut = step(H, 8, 0), step(H, 8, -4)
    assert first_difference(main, shortcut, at_least(shortcut, 1)) == 9
    assert nearest_difference(main, shortcut, from_minimum(5), 224) == 225
    assert nearest_difference(main, shortcut, from_minimum(5), 230) == 228
    assert nearest_difference(main, shortcut, ALL, 6) == 4
    assert nearest_difference(main, shortcut, congruent(H, 8, 0), 224) is None
    assert nearest_difference(main, main, ALL, 224) is None
    assert first_difference(main, shortcut, EMPTY) is None
    far = minimum(H, constant(1000))
    assert first_difference(H, far) == 1001


def test_thresholds() -> None:
    assert threshold(step(H, 32, -2), 1) == 3
    assert threshold(constant(3), 3) == 1
    assert threshold(constant(3), 4) is None
    assert threshold(minimum(H, constant(5)), 6) is None
    assert threshold(sub(H, scale(step(H, 3, 0), 2)), 1) == 5
    assert threshold(scale(H, -1), -5) is None


# -- published networks: what they accept, and their last size ---------------------------------------------------------


def test_resnet50() -> None:
    f = chain(conv(conv(H, 7, 2, 3), 3, 2, 1), 2, 2, 2)
    assert show(f) == "ceil(H / 32)"
    assert at_least(f, 1) == ALL and show_set(ALL) == "every H"


def test_legacy_seresnet50() -> None:
    f = step(step(H, 2, 0), 2, -1)  # the pool of the stem, 3x3 stride 2, padding 0, ceil_mode
    accepted = at_least(f, 1)
    f = chain(f, 2, 2, 2)
    assert (show(f), show_set(accepted)) == ("ceil((H - 2) / 32)", "H >= 3")
    assert first_difference(f, step(H, 32, 0), accepted) == 33
    assert (evaluate(f, 33), evaluate(step(H, 32, 0), 33)) == (1, 2)


def test_resnetaa50() -> None:
    f = conv(step(H, 2, 0), 2, 2)
    accepted, steps = at_least(f, 1), []
    for _ in range(3):
        main, shortcut = conv(f, 2, 2), step(f, 2, 0)
        accepted &= at_least(main, 1) & equal_where(main, shortcut)
        steps.append((show(main), show(shortcut), show_set(accepted)))
        f = main
    assert show_set(at_least(conv(step(H, 2, 0), 2, 2), 1)) == "H >= 3"
    assert steps == [
        ("floor((H + 1) / 8)", "ceil((H - 2) / 8)", "H = 8n-1 .. 8n+2, n >= 1"),
        ("floor((H + 1) / 16)", "ceil((H - 6) / 16)", "H = 16n-1 .. 16n+2, n >= 1"),
        ("floor((H + 1) / 32)", "ceil((H - 14) / 32)", "H = 32n-1 .. 32n+2, n >= 1"),
    ]
    assert describe(accepted) == {"min": 31, "modulus": 32, "residues": [0, 1, 2, 31], "except": []}
    assert accepted.first(5) == (31, 32, 33, 34, 63)
    assert from_minimum(32).first_missing(accepted) == 35
    assert 224 in accepted and 256 in accepted and not {230, 232, 240} & set(accepted.first(100))
    assert first_difference(f, step(H, 32, 0), accepted) == 33


def test_tresnet_m() -> None:
    accepted = congruent(H, 4, 0)
    f = exact_quotient(H, 4, accepted)
    accepted &= at_least(chain(f, 2, 2), 2)
    f = chain(f, 2, 2, 2)
    assert show(f) == "ceil((H - 3) / 32)"
    assert show_set(accepted) == "H = 0 mod 4, H >= 20"
    assert first_difference(f, step(H, 32, 0)) == 1
    assert first_difference(f, step(H, 32, 0), accepted) is None
    assert from_residues(32, range(32)) - equal_where(f, step(H, 32, 0)) == from_residues(32, [1, 2, 3])


def test_inception_resnet_v2() -> None:
    f = conv(conv(conv(H, 3, 2), 3), 3, 1, 1)
    f = conv(conv(conv(conv(f, 3, 2), 1), 3), 3, 2)
    f = conv(f, 3, 2)
    assert show(f) == "floor((H + 5) / 16) - 2"
    assert show_set(at_least(f, 3)) == "H >= 75"
    assert show(conv(f, 3, 2)) == "ceil((H - 10) / 32) - 2"


def test_sets_of_other_networks() -> None:
    at = {stride: step(H, stride, 0) for stride in (2, 4, 8, 16, 32)}
    levels = ALL
    for stride in (2, 4, 8, 16):
        levels &= equal_where(step(at[stride], 2, 0), step(at[stride], 2, -1))
    for accepted, words in [
        (at_least(at[16], 2), "H >= 17"),  # resnetblur50
        (congruent(at[16], 7, 0) & congruent(at[32], 7, 0), "H = 224n-15 .. 224n, n >= 1"),  # haloregnetz_b
        (equal_where(at[4], scale(at[32], 8)), "H = 32n-3 .. 32n, n >= 1"),  # hrnet_w18
        (levels, "H = 32n-1 .. 32n, n >= 1"),  # dla34
        (equal_where(step(at[16], 2, -1), at[32]), "H = 32n-15 .. 32n, n >= 1"),  # lambda_resnet26t
        (equal_where(at[16], constant(16)), "H = 241 .. 256"),  # botnet26t_256
        (equal_where(at[8], constant(32)), "H = 249 .. 256"),  # sebotnet33ts_256
        (congruent(at[16], 8, 0) & congruent(at[32], 8, 0), "H = 256n-15 .. 256n, n >= 1"),  # halonet26t
        (at_least(sub(H, scale(step(H, 3, 0), 2)), 1), "H = 3 or H >= 5"),  # chunk(3)
    ]:
        assert show_set(accepted) == words


def test_u_nets() -> None:
    for depth in range(1, 5):
        f, accepted = H, ALL
        skips = []
        for _ in range(depth):
            skips.append(f)
            f = step(f, 2, -1)
        for skip in reversed(skips):
            f = scale(f, 2)
            accepted &= equal_where(f, skip)
            f = skip
        assert accepted & at_least(step(H, 2**depth, 1 - 2**depth), 1) == from_residues(2**depth, [0])


# -- words -------------------------------------------------------------------------------------------------------------


def test_functions_in_the_words_of_the_theory() -> None:
    for f, words in [
        (H, "H"),
        (constant(7), "7"),
        (constant(-7), "-7"),
        (shift(H, -3), "H - 3"),
        (shift(scale(H, 2), 1), "2 * H + 1"),
        (step(H, 4, -3), "floor(H / 4)"),
        (step(step(H, 4, 0), 2, -1), "floor((H + 3) / 8)"),
        (shift(step(H, 4, 0), -2), "ceil(H / 4) - 2"),
        (step(H, 3, 2), "floor((H + 1) / 3) + 1"),
        (scale(step(H, 4, 0), 4), "4 * ceil(H / 4)"),
        (shift(scale(step(H, 4, 0), 2), -2), "2 * ceil(H / 4) - 2"),
        (shift(scale(step(H, 4, -6), 3), 1), "3 * floor((H + 1) / 4) - 2"),
        (chain(step(H, 2, 0), 8, 2), "ceil(H / 32)"),
        (step(scale(H, 2), 3, 0), "ceil(2 * H / 3)"),
        (step(scale(step(H, 32, 0), 2), 3, -2), "floor(2 * ceil(H / 32) / 3)"),
        (shift(scale(step(scale(step(H, 2, -1), 2), 5, 0), 3), -1), "3 * ceil(2 * floor(H / 2) / 5) - 1"),
        (sub(H, scale(step(H, 3, 0), 2)), "H - 2 * ceil(H / 3)"),
        (sub(constant(3), H), "3 - H"),
        (scale(H, -2), "-2 * H"),
        (add(step(H, 4, 0), step(H, 6, 0)), "ceil(H / 4) + ceil(H / 6)"),
        (minimum(H, constant(5)), "min(H, 5)"),
        (minimum(step(H, 4, 0), constant(7)), "min(ceil(H / 4), 7)"),
        (maximum(step(H, 4, 0), constant(3)), "max(ceil(H / 4), 3)"),
        (maximum(add(step(H, 2, 0), constant(3)), H), "max(H, ceil(H / 2) + 3)"),
        (sub(maximum(H, constant(3)), step(H, 2, 0)), "(2 if H = 1 .. 2, else floor(H / 2))"),
    ]:
        assert show(f) == words


def test_a_function_without_a_formula_shows_a_row_of_values() -> None:
    wild = add(add(step(H, 4, 0), step(H, 5, 0)), add(minimum(step(H, 7, 0), constant(3)), step(H, 9, 0)))
    wild = add(wild, step(scale(H, 3), 7, 1))
    assert show(wild) == "table(5, 5, 6, 6, 8, 9, 10, 11, 12, 14, 15, 16, ...; + 1247 every 1260 from H = 15)"
    long = add(step(H, 64, 0), step(scale(H, 3), 65, 2))
    assert show(long) == "table(2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, ...; + 257 every 4160 from H = 1)"
    assert show(maximum(long, constant(3))).startswith("table(3, 3, ")


def test_functions_read_simpler_where_the_sizes_are_known() -> None:
    quarter = step(H, 4, 0)
    assert show(quarter, "H", congruent(H, 4, 0)) == "H / 4"
    assert show(quarter, "W", congruent(H, 4, 3)) == "(W + 1) / 4"
    assert show(quarter, "H", congruent(H, 4, 1) & between(5, 29)) == "(H - 1) / 4 + 1"
    assert show(scale(quarter, 4), "H", congruent(H, 8, 0)) == "H"
    assert show(scale(quarter, 2), "H", congruent(H, 4, 0)) == "H / 2"
    assert show(scale(quarter, 6), "H", congruent(H, 8, 0)) == "3 * H / 2"
    assert show(quarter, "H", from_residues(4, [0, 1])) == "ceil(H / 4)"
    assert show(step(H, 32, 0), "H", only(224)) == "ceil(H / 32)"
    assert show(minimum(H, constant(5)), "H", from_minimum(5)) == "5"
    assert show(maximum(step(H, 2, 0), constant(3)), "H", congruent(H, 2, 0) - only(2, 4)) == "H / 2"


def test_sets_in_the_words_of_the_theory() -> None:
    for a, words in [
        (EMPTY, "no H"),
        (only(224), "H = 224"),
        (only(3, 5, 6), "H = 3, 5 .. 6"),
        (congruent(H, 4, 0), "H = 0 mod 4"),
        (from_residues(4, [1, 2]), "H = 4n+1 .. 4n+2, n >= 0"),
        (from_residues(32, [31, 0, 1, 2]), "H = 32n-1 .. 32n+2, n >= 0"),
        (from_residues(32, [31, 0, 1, 2]) & from_minimum(32), "H = 32n-1 .. 32n+2, H >= 32"),
        (from_residues(12, [0, 1, 5, 7, 8]) & from_minimum(6), "H = 0 .. 1, 5, 7 .. 8 mod 12, H >= 7"),
        (only(3) | congruent(H, 4, 0) & from_minimum(20), "H = 3 or (H = 0 mod 4, H >= 20)"),
        (ALL - only(4), "H = 1 .. 3 or H >= 5"),
        (congruent(H, 32, 0) & between(1, 1024), "H = 0 mod 32, 32 <= H <= 1024"),
        (from_residues(8, [7, 0, 1, 2]) & between(8, 40), "H = 8n-1 .. 8n+2, 8 <= H <= 40"),
        (only(*(n * n for n in range(1, 11))), "H = 1, 4, 9, 16, 25, 36, 49, 64, ... (10 up to 100)"),
    ]:
        assert show_set(a) == words
    assert show_set(from_minimum(17), "W") == "W >= 17"


def test_sets_as_data() -> None:
    assert describe(ALL) == {"min": 1, "modulus": 1, "residues": [0], "except": []}
    assert describe(only(224)) == {"only": [224]}
    assert describe(EMPTY) == {"only": []}
    assert describe(only(3) | from_minimum(5)) == {"min": 3, "modulus": 1, "residues": [0], "except": [4]}
    late = only(3) | congruent(H, 4, 0) & from_minimum(20)
    assert describe(late) == {"min": 20, "modulus": 4, "residues": [0], "except": [], "also": [3]}


# -- sets --------------------------------------------------------------------------------------------------------------


def test_members() -> None:
    a = only(3) | congruent(H, 4, 0) & from_minimum(20)
    assert a.first(4) == (3, 20, 24, 28)
    assert (a.min, a.max, only(3, 9).max, EMPTY.min, EMPTY.max) == (3, None, 9, None, None)
    assert [a.nearest(n) for n in (-5, 1, 11, 12, 22, 23, 10**12 + 1)] == [3, 3, 3, 20, 20, 24, 10**12]
    assert EMPTY.nearest(5) is None and only(7).nearest(100) == 7
    assert list(only(0, -4, 2)) == [2] and only(0) == EMPTY and 0 not in ALL
    assert a.subset_of(from_minimum(3)) and not a.subset_of(congruent(H, 4, 0))
    assert between(5, 4).is_empty and between(5, 4).is_finite and not a.is_finite


def test_a_set_of_great_sizes_can_be_printed() -> None:
    assert repr(only(30_000)).startswith("SizeSet(onset=30001, period=1, head=0x1000")
