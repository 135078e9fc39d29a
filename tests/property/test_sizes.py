"""Size functions and sets against plain lists of numbers, over random programs of operations."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from math import ceil, floor, lcm, prod

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from resnetc.compiler.ir.network import Step
from resnetc.compiler.ir.shape import Shape
from resnetc.compiler.remedies.branches import Branch, Operation
from resnetc.compiler.sizes import (
    ALL,
    EMPTY,
    Affine,
    SizeFn,
    SizeSet,
    add,
    at_least,
    between,
    bounds,
    compose,
    congruent,
    constant,
    describe,
    equal_where,
    evaluate,
    first_difference,
    from_minimum,
    from_residues,
    identity,
    is_monotone,
    less_equal_where,
    maximum,
    minimum,
    nearest_difference,
    only,
    scale,
    shift,
    show,
    show_set,
    slope,
    step,
    sub,
    threshold,
)
from resnetc.compiler.sizes.functions import onset_of, period_gain, tabulate, values
from resnetc.compiler.source import Source, Span

STOP = 150
SPAN = Span(Source("-", ""), 0, 0)
LONGEST = 400  # longer periods only make the tests slow

small = st.integers(-6, 6)
strides = st.integers(1, 5)


@st.composite
def programs(draw: st.DrawFn, operations: int = 4) -> tuple[SizeFn, list[int]]:
    """A size function, and its values at 1 .. STOP - 1 computed number by number."""
    made = [(identity(), list(range(1, STOP)))]
    for _ in range(draw(st.integers(0, operations))):
        f, row = made[draw(st.integers(0, len(made) - 1))]
        match draw(st.sampled_from(["step", "step", "scale", "shift", "constant", "add", "sub", "min", "max"])):
            case "step":
                s, delta = draw(strides), draw(small)
                made.append((step(f, s, delta), [ceil(Fraction(v + delta, s)) for v in row]))
            case "scale":
                k = draw(st.integers(-1, 4))
                made.append((scale(f, k), [v * k for v in row]))
            case "shift":
                k = draw(small)
                made.append((shift(f, k), [v + k for v in row]))
            case "constant":
                k = draw(small)
                made.append((constant(k), [k] * len(row)))
            case name:
                g, other = made[draw(st.integers(0, len(made) - 1))]
                on_functions, on_numbers = BINARY[name]
                made.append((on_functions(f, g), [on_numbers(a, b) for a, b in zip(row, other, strict=True)]))
        assume(period_gain(made[-1][0])[0] <= LONGEST)
    return made[-1]


BINARY: dict[str, tuple[Callable[[SizeFn, SizeFn], SizeFn], Callable[[int, int], int]]] = {
    "add": (add, lambda a, b: a + b),
    "sub": (sub, lambda a, b: a - b),
    "min": (minimum, min),
    "max": (maximum, max),
}

functions = programs().map(lambda program: program[0])
ceilings = st.builds(
    lambda u, c, D, d: shift(scale(step(identity(), c, D), u), d), strides, st.integers(1, 12), small, small
)


@st.composite
def bit_sets(draw: st.DrawFn) -> tuple[SizeSet, Callable[[int], bool]]:
    """A set made of its operations, and the same membership as a predicate."""
    head = draw(st.lists(st.integers(1, 20), max_size=6))
    period = draw(st.integers(1, 12))
    residues = draw(st.lists(st.integers(0, period - 1), max_size=6))
    least = draw(st.integers(1, 25))
    made = only(*head) | from_residues(period, residues) & from_minimum(least)
    return made, lambda n: n in head or (n >= least and n % period in residues)


sets = bit_sets().map(lambda pair: pair[0])


# -- functions ---------------------------------------------------------------------------------------------------------


@settings(max_examples=300, deadline=None)
@given(programs())
def test_a_function_has_the_values_of_its_operations(program: tuple[SizeFn, list[int]]) -> None:
    f, row = program
    assert values(f, STOP) == row == [evaluate(f, n) for n in range(1, STOP)]


@settings(max_examples=200, deadline=None)
@given(functions, st.integers(1, 5), st.integers(0, 9))
def test_a_table_however_long_has_one_normal_form(f: SizeFn, turns: int, late: int) -> None:
    period, gain = period_gain(f)
    row = values(f, onset_of(f) + late + period * turns)
    assert tabulate(period * turns, gain * turns, row) is f


@settings(max_examples=200, deadline=None)
@given(functions, functions)
def test_functions_equal_on_a_joint_period_are_identical(f: SizeFn, g: SizeFn) -> None:
    stop = max(onset_of(f), onset_of(g)) + 2 * lcm(period_gain(f)[0], period_gain(g)[0]) + 1
    assert (values(f, stop) == values(g, stop)) == (f is g) == (f == g)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(strides, small), max_size=8))
def test_contributions_of_a_branch_sum_to_its_d(geometry: list[tuple[int, int]]) -> None:
    """What is blamed for a difference is what makes it: strides multiply, contributions add up."""
    start = Shape(1, (identity(),))
    operations = tuple(
        Operation(f"{i}", SPAN, Step((), "+", (), (), SPAN), None, (does,)) for i, does in enumerate(geometry)
    )
    branch = Branch("main", start, start, operations)
    (end,) = branch.compute_sizes() or ()
    total, contributions = prod(stride for stride, _ in geometry), branch.list_contributions(0)
    assert end is step(identity(), total, sum(added for _, added in contributions))
    assert branch.compute_stride(0) == total
    assert [operation.text for operation, _ in contributions] == [
        str(i) for i, (_, delta) in enumerate(geometry) if delta
    ]


@settings(max_examples=200, deadline=None)
@given(functions, strides, small, strides, small)
def test_steps_nest(f: SizeFn, s: int, delta: int, t: int, epsilon: int) -> None:
    assert step(step(f, s, delta), t, epsilon) is step(f, s * t, delta + s * epsilon)
    assert step(scale(f, s), s, 0) is f
    assert step(f, 1, 0) is f


@settings(max_examples=200, deadline=None)
@given(ceilings | functions, ceilings, functions)
def test_composition_is_a_monoid(f: SizeFn, g: SizeFn, h: SizeFn) -> None:
    assume(slope(h) >= 0)
    inside, left = compose(g, h), compose(compose(f, g), h)
    assume(period_gain(inside)[0] <= LONGEST)
    assert compose(f, identity()) is f is compose(identity(), f)
    sizes = at_least(h, 1) & at_least(inside, 1)
    assert first_difference(compose(f, inside), left, sizes) is None
    assert sizes != ALL or compose(f, inside) is left


@settings(max_examples=200, deadline=None)
@given(functions, functions)
def test_composition_is_one_after_the_other(f: SizeFn, g: SizeFn) -> None:
    assume(slope(g) >= 0)
    composite = compose(f, g)
    assert all(evaluate(composite, n) == evaluate(f, evaluate(g, n)) for n in range(1, 60))


@settings(max_examples=200, deadline=None)
@given(functions)
def test_a_function_is_monotone_iff_its_values_are(f: SizeFn) -> None:
    period, gain = period_gain(f)
    row = values(f, onset_of(f) + 2 * period + 1)
    assert is_monotone(f) == (sorted(row) == row)
    assert slope(f) == Fraction(gain, period)


# -- statements --------------------------------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(functions, st.integers(-20, 20))
def test_a_threshold_is_the_least(f: SizeFn, k: int) -> None:
    least = threshold(f, k)
    assume(least is None or least < 1000)
    stop = onset_of(f) + 1000 + 2 * period_gain(f)[0]
    last_failure = max((n for n, v in enumerate(values(f, stop), start=1) if v < k), default=0)
    assert least == (None if last_failure >= stop - period_gain(f)[0] - 1 else last_failure + 1)


@settings(max_examples=200, deadline=None)
@given(programs(), programs(), st.integers(-9, 9), st.integers(1, 9), small)
def test_statements_hold_where_they_hold(
    left: tuple[SizeFn, list[int]], right: tuple[SizeFn, list[int]], k: int, m: int, r: int
) -> None:
    (f, row), (g, other) = left, right
    sizes = range(1, STOP)
    assert [n in at_least(f, k) for n in sizes] == [v >= k for v in row]
    assert [n in congruent(f, m, r) for n in sizes] == [v % m == r % m for v in row]
    assume(lcm(period_gain(f)[0], period_gain(g)[0]) <= 10_000)
    assert [n in equal_where(f, g) for n in sizes] == [a == b for a, b in zip(row, other, strict=True)]
    assert [n in less_equal_where(f, g) for n in sizes] == [a <= b for a, b in zip(row, other, strict=True)]


@settings(max_examples=200, deadline=None)
@given(functions, functions, sets, st.integers(1, 300), st.lists(st.integers(10**6, 10**9), min_size=10, max_size=10))
def test_a_first_difference_is_the_first_and_none_is_a_proof(
    f: SizeFn, g: SizeFn, within: SizeSet, to: int, great: list[int]
) -> None:
    assume(lcm(period_gain(f)[0], period_gain(g)[0]) <= 10_000)
    first, nearest = first_difference(f, g, within), nearest_difference(f, g, within, to)
    assert first == first_difference(g, f, within)
    assert nearest == nearest_difference(g, f, within, to)
    if first is None:
        assert nearest is None
        members = (within.next_from(n) for n in great)
        assert all(evaluate(f, n) == evaluate(g, n) for n in members if n is not None)
        return
    assert nearest is not None
    for n in (first, nearest):
        assert n in within and evaluate(f, n) != evaluate(g, n)
    differing = [n for n in range(1, max(first, 2 * to) + 1) if n in within and evaluate(f, n) != evaluate(g, n)]
    assert first == min(differing, default=first)
    assert abs(nearest - to) == min((abs(n - to) for n in differing), default=abs(nearest - to))


@settings(max_examples=200, deadline=None)
@given(functions, sets)
def test_bounds_are_reached(f: SizeFn, within: SizeSet) -> None:
    assume(not within.is_empty and slope(f) >= 0)
    stop = max(onset_of(f), within.onset) + 2 * lcm(period_gain(f)[0], within.period)
    row = [evaluate(f, n) for n in range(1, stop) if n in within]
    unbounded = slope(f) > 0 and not within.is_finite
    assert bounds(f, within) == (min(row), None if unbounded else max(row))


# -- sets --------------------------------------------------------------------------------------------------------------


@settings(max_examples=300, deadline=None)
@given(bit_sets(), bit_sets(), st.integers(-3, 60))
def test_sets_are_a_boolean_algebra(
    left: tuple[SizeSet, Callable[[int], bool]], right: tuple[SizeSet, Callable[[int], bool]], at: int
) -> None:
    (a, in_a), (b, in_b) = left, right
    sizes = range(1, max(a.onset, b.onset) + 3 * lcm(a.period, b.period) + 60)
    first, second = [in_a(n) for n in sizes], [in_b(n) for n in sizes]
    assert [n in a for n in sizes] == first
    assert [n in ~a for n in sizes] == [not x for x in first]
    assert [n in a & b for n in sizes] == [x and y for x, y in zip(first, second, strict=True)]
    assert [n in a | b for n in sizes] == [x or y for x, y in zip(first, second, strict=True)]
    assert [n in a - b for n in sizes] == [x and not y for x, y in zip(first, second, strict=True)]
    members = [n for n in sizes if in_a(n)]
    assert a.min == min(members, default=None) and a.first(5) == tuple(members[:5])
    assert a.max == (max(members, default=None) if a.is_finite else None)
    assert a.is_empty == (not members)
    assert a.subset_of(b) == all(y for x, y in zip(first, second, strict=True) if x)
    assert a.first_missing(b) == min((n for n in members if not in_b(n)), default=None)
    assert a.nearest(at) == min(members, key=lambda n: (abs(n - at), n), default=None)


@settings(max_examples=300, deadline=None)
@given(sets, sets, sets)
def test_equal_sets_have_equal_forms(a: SizeSet, b: SizeSet, c: SizeSet) -> None:
    assert ~~a == a and a - a == EMPTY and a | ~a == ALL
    assert ~(a & b) == ~a | ~b
    assert a & (b | c) == a & b | a & c
    stop = max(a.onset, b.onset) + lcm(a.period, b.period)
    assert (a == b) == all((n in a) == (n in b) for n in range(1, stop))
    assert a == from_data(describe(a))


def from_data(data: dict[str, int | list[int]]) -> SizeSet:
    """The set that `describe` described."""
    match data:
        case {"only": list(sizes)}:
            return only(*sizes)
        case {"min": int(least), "modulus": int(modulus), "residues": list(residues), "except": list(missing)}:
            also = data.get("also", [])
            assert isinstance(also, list) and all(n > least for n in missing)
            return from_residues(modulus, residues) & from_minimum(least) - only(*missing) | only(*also)
    raise AssertionError(data)


# -- words, read back --------------------------------------------------------------------------------------------------


def read_function(text: str, n: int) -> int | None:
    """The value at n of a printed function; None where a row of values was cut before it."""
    if table := re.fullmatch(r"table\((.*); ([+-]) (\d+) every (\d+) from H = (\d+)\)", text):
        row = [int(v) for v in table[1].removesuffix(", ...").split(", ")]
        period, onset = int(table[4]), int(table[5])
        turns = max(0, (n - onset) // period)
        index = n - turns * period - 1
        return row[index] + turns * int(table[2] + table[3]) if index < len(row) else None
    if pieces := re.fullmatch(r"\((.*), else (.*)\)", text):
        for piece in re.split(r", (?=-?\d+ if)", pieces[1]):
            value, sizes = piece.split(" if H = ")
            first, *last = sizes.split(" .. ")
            if int(first) <= n <= int(*last or [first]):
                return int(value)
        text = pieces[2]
    names = {"H": Fraction(n), "ceil": ceil, "floor": floor, "min": min, "max": max}
    value = Fraction(eval(text, {"__builtins__": {}}, names))  # made by `show` alone
    assert value.denominator == 1, text
    return int(value)


def read_set(text: str) -> SizeSet:
    """The set of a printed set; sampled lists cannot be read."""
    if text in ("every H", "no H"):
        return ALL if text == "every H" else EMPTY
    if alternatives := re.fullmatch(r"(.*?) or \(?(.*?)\)?", text):
        return read_set(alternatives[1]) | read_set(alternatives[2])
    limits, start = ALL, 0
    if ends := re.search(r", (\d+) <= H <= (\d+)$", text):
        limits, text = between(int(ends[1]), int(ends[2])), text[: ends.start()]
    elif least := re.search(r"(?:^|, )H >= (\d+)$", text):
        limits, text = from_minimum(int(least[1])), text[: least.start()]
    elif turn := re.search(r", n >= (\d+)$", text):
        start, text = int(turn[1]), text[: turn.start()]
    if not text:
        return limits
    if run := re.fullmatch(r"H = (\d+)n([+-]\d+)? .. (\d+)n([+-]\d+)?", text):
        period, low, high = int(run[1]), int(run[2] or 0), int(run[4] or 0)
        return limits & from_residues(period, range(low, high + 1)) & from_minimum(period * start + low)
    sizes, _, modulus = text.removeprefix("H = ").partition(" mod ")
    listed = [n for part in sizes.split(", ") for n in range(int(part.split()[0]), int(part.split()[-1]) + 1)]
    return limits & (from_residues(int(modulus), listed) if modulus else only(*listed))


@settings(max_examples=400, deadline=None)
@given(functions | ceilings)
def test_a_printed_function_is_the_function(f: SizeFn) -> None:
    text = show(f)
    assert isinstance(f, Affine) <= (not text.startswith(("table", "(")))
    for n in range(1, min(400, onset_of(f) + 2 * period_gain(f)[0] + 2)):
        assert read_function(text, n) in (evaluate(f, n), None if "..." in text else evaluate(f, n))


@settings(max_examples=300, deadline=None)
@given(functions | ceilings, sets)
def test_a_function_printed_for_some_sizes_is_the_function_there(f: SizeFn, within: SizeSet) -> None:
    text = show(f, "H", within)
    assert all(read_function(text, n) in (evaluate(f, n), None) for n in within.first(100))


@settings(max_examples=400, deadline=None)
@given(sets | st.builds(lambda a, last: a & between(1, last), sets, st.integers(1, 200)))
@example(from_residues(8, [7, 0, 1, 2]) & between(8, 40))
@example(from_residues(3, [0, 1]) & from_minimum(2))
def test_a_printed_set_is_the_set(a: SizeSet) -> None:
    text = show_set(a)
    assume("..." not in text)
    assert read_set(text) == a
