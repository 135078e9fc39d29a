"""The edges of the arithmetic of sizes: limits reached exactly, periods that no table can hold, words at a boundary."""

import re
from collections.abc import Callable

import pytest

from resnetc.compiler.sizes import (
    ALL,
    EMPTY,
    SizeFn,
    SizesTooIrregular,
    Table,
    add,
    at_least,
    between,
    bounds,
    compose,
    congruent,
    constant,
    evaluate,
    format_functions,
    from_minimum,
    from_residues,
    identity,
    maximum,
    minimum,
    nearest_difference,
    only,
    scale,
    shift,
    show,
    show_set,
    step,
    sub,
)
from resnetc.compiler.sizes import (
    budget as sizes_budget,
)
from resnetc.compiler.sizes.budget import (
    Budget,
    BudgetSpent,
    charge_entries,
    charge_terms,
    check_onset,
    check_period,
    memoized,
    within,
)
from resnetc.compiler.sizes.functions import Affine, prime_factors, tabulate, values
from resnetc.compiler.sizes.sets import from_flags

H = identity()
THIRDS = step(scale(H, 2), 3, 0)  # 1, 2, 2, 3, 4, 4, ..
TRIANGLES = (1, 3, 6, 10, 15, 21, 28)  # triangular numbers: without a period
GREAT = step(H, 10_007**5, 0)  # no table of this period can be made


def row(f: SizeFn, stop: int = 20) -> list[int]:
    return [evaluate(f, n) for n in range(1, stop)]


def refused(message: str) -> "pytest.RaisesExc[SizesTooIrregular]":
    return pytest.raises(SizesTooIrregular, match=f"^sizes too irregular: {re.escape(message)}$")


# -- limits ------------------------------------------------------------------------------------------------------------


def test_the_limits_are_inclusive() -> None:
    check_period(2**20)
    check_onset(2**24)
    with refused("period 1048577"):
        check_period(2**20 + 1)
    with refused("exceptions up to 16777216"):
        check_onset(2**24 + 1)
    with refused("period 18446744073709551615"):
        check_period(2**64 - 1)
    with refused("period over 2^64"):
        check_period(2**64)


def test_a_table_beyond_the_limits_is_not_begun() -> None:
    period = 10_007**5
    for make in (lambda: scale(GREAT, -1), lambda: sub(GREAT, H), lambda: add(GREAT, shift(H, 1))):
        with refused(f"period over 2^{period.bit_length() - 1}"):
            make()
    with refused(f"period over 2^{(3 * period).bit_length() - 1}"):
        step(scale(GREAT, 2), 3, 0)
    with refused(f"period over 2^{(3 * period).bit_length() - 1}"):
        compose(THIRDS, GREAT)
    with refused("period 999999000000"):
        step(scale(step(H, 10**6, 0), 2), 999_999, 0)
    with refused("period 3145728"):
        compose(THIRDS, step(H, 2**20, 0))
    with refused("exceptions up to 2000000000000"):
        minimum(H, shift(step(H, 2, 0), 10**12))
    with refused("exceptions up to 999000000"):
        compose(minimum(H, constant(1000)), step(H, 10**6, 0))
    with refused("exceptions up to 1500000000"):
        at_least(THIRDS, 10**9)
    with refused("period 4478976"):
        from_residues(2**11, [0]) & from_residues(3**7, [0])
    with refused("period 1048577"):
        from_residues(2**20 + 1, [0])
    with refused("period 1048577"):
        tabulate(2**20 + 1, 0, range(2**20 + 1))
    with refused("exceptions up to 16777216"):
        tabulate(1, 0, range(2**24 + 1))
    with refused("exceptions up to 16777216"):
        only(2**24)
    assert only(2**24 - 1).max == 2**24 - 1


def test_no_table_is_larger_than_it_must_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under limits that leave no room, the answers are there all the same."""

    def allow(period: int, onset: int) -> None:
        monkeypatch.setattr(sizes_budget, "MAX_PERIOD", period)
        monkeypatch.setattr(sizes_budget, "MAX_ONSET", onset)

    five, six = minimum(H, constant(5)), minimum(H, constant(6))
    wave = sub(H, scale(step(H, 2, 0), 2))
    assert isinstance(wave, Table) and (wave.P, wave.Q) == (2, 0)
    allow(3, 13)
    assert at_least(THIRDS, 9) == from_minimum(13)
    allow(3, 12)
    with refused("exceptions up to 12"):
        at_least(THIRDS, 8)
    allow(6, 1)
    assert at_least(THIRDS, 1) == ALL and at_least(wave, 0) == from_residues(2, [0])
    assert congruent(H, 3, 0) == from_residues(3, [0])
    assert row(add(THIRDS, step(H, 6, 0))) == [a + -(-n // 6) for n, a in enumerate(row(THIRDS), start=1)]
    assert row(step(THIRDS, 4, 0)) == [-(-v // 4) for v in row(THIRDS)]
    assert bounds(THIRDS, from_residues(6, [1])) == (1, None) and bounds(THIRDS, from_residues(2, [1])) == (1, None)
    assert maximum(scale(H, 2), H) is scale(H, 2)
    allow(5, 100)
    with refused("period 6"):
        bounds(THIRDS, from_residues(2, [1]))
    allow(4, 1)
    assert congruent(scale(step(H, 4, 0), 2), 2, 0) == ALL
    allow(3, 4)
    assert row(minimum(scale(H, 3), shift(H, 8))) == [min(3 * n, n + 8) for n in range(1, 20)]
    assert compose(THIRDS, scale(step(H, 2, 0), 3)) is scale(step(H, 2, 0), 2)
    allow(3, 7)
    assert row(compose(five, scale(step(H, 3, 0), 2))) == [min(5, 2 * -(-n // 3)) for n in range(1, 20)]
    allow(3, 1)
    assert compose(five, shift(H, 9)) is constant(5)
    allow(3, 3)
    with refused("period 4"):
        from_flags([True, False, True, False], 4)
    with refused("exceptions up to 4"):
        from_flags([False, True, False, True, True], 1)
    allow(100, 100)
    assert row(compose(six, THIRDS)) == [min(6, v) for v in row(THIRDS)]


def test_sums_of_ceilings_of_one_period_need_no_table() -> None:
    c = 10_007**3
    f, g = shift(scale(step(H, c, 0), 2), 1), shift(scale(step(H, c, 3 * c), 3), 2)
    sizes = (1, c, c + 1, 5 * c + 3)
    assert [evaluate(add(f, g), n) for n in sizes] == [evaluate(f, n) + evaluate(g, n) for n in sizes]
    assert [evaluate(sub(g, f), n) for n in sizes] == [evaluate(g, n) - evaluate(f, n) for n in sizes]
    assert sub(f, shift(f, 2)) is constant(-2)
    assert scale(f, 0) is constant(0) and step(scale(GREAT, 6), 3, 0) is scale(GREAT, 2)


# -- forms -------------------------------------------------------------------------------------------------------------


def test_forms_made_anew_are_the_same_objects() -> None:
    assert identity() is H
    assert tabulate(6, 4, [1, 2, 2, 3, 4, 4]) is THIRDS
    mixed = step(H, 4, 1)
    assert sub(add(mixed, THIRDS), THIRDS) is mixed
    assert minimum(THIRDS, THIRDS) is THIRDS and compose(THIRDS, H) is THIRDS


def test_messages_of_the_arithmetic() -> None:
    with pytest.raises(ValueError, match="^not a normal form: Affine"):
        Affine(0, 2, 0, 5)
    with pytest.raises(ValueError, match="^the inner function falls below every size$"):
        compose(minimum(H, constant(5)), scale(H, -1))
    with pytest.raises(ValueError, match="^a function has no bounds on the empty set$"):
        bounds(H, EMPTY)
    with pytest.raises(ValueError, match="^the function falls without end$"):
        bounds(scale(H, -1))


def test_a_composite_of_tables_repeats_when_both_do() -> None:
    for inner in (step(H, 2, 0), scale(step(H, 2, 0), 2), shift(THIRDS, 3)):
        assert row(compose(THIRDS, inner)) == [-(-2 * v // 3) for v in row(inner)]


def test_prime_factors() -> None:
    assert [list(prime_factors(n)) for n in (1, 2, 15, 49, 97, 360)] == [[], [2], [3, 5], [7], [97], [2, 3, 5]]


def test_a_falling_function_is_at_least_k_up_to_a_size() -> None:
    assert at_least(sub(constant(3), H), 1) == between(1, 2)
    assert at_least(sub(constant(3), H), 3) == EMPTY


def test_a_far_difference_is_proved() -> None:
    far = minimum(H, constant(1000))
    assert nearest_difference(H, far, ALL, 1) == 1001
    assert nearest_difference(THIRDS, minimum(THIRDS, constant(100)), ALL, 1) == 151


# -- sets --------------------------------------------------------------------------------------------------------------


def test_members_of_sets_one_by_one() -> None:
    assert [n for n in range(-2, 8) if n in from_residues(3, [1, 2])] == [1, 2, 4, 5, 7]
    assert [n for n in range(-2, 8) if n in only(1, 3)] == [1, 3] == list(only(1, 3))
    assert only(1).first(2) == (1,) and only(1, 5).min == 1
    assert from_minimum(5).continued == ALL
    assert repr(only(3)) == "SizeSet(onset=4, period=1, head=0x8, residues=0x0)"


def test_the_last_member_up_to_a_size() -> None:
    assert only(1, 5).last_to(0) is None and only(3, 4).last_to(3) == 3
    assert from_residues(4, [1, 2]).last_to(5) == 5 and from_residues(4, [3]).last_to(9) == 7
    assert from_minimum(5).last_to(5) == 5 and from_minimum(5).last_to(4) is None
    assert (only(2) | from_minimum(7)).last_to(6) == 2


# -- words -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "words"),
    [
        (constant(0), "0"),
        (step(H, 5, -1), "ceil((H - 1) / 5)"),
        (maximum(H, constant(2)), "max(H, 2)"),
        (maximum(THIRDS, constant(3)), "max(ceil(2 * H / 3), 3)"),
        (sub(maximum(H, constant(4)), step(H, 3, 0)), "(3 if H = 1 .. 3, else floor(2 * H / 3))"),
        (shift(scale(THIRDS, 3), 2), "3 * ceil(2 * H / 3) + 2"),
        (step(scale(step(H, 5, -1), 3), 2, 0), "ceil(3 * ceil((H - 1) / 5) / 2)"),
        (minimum(step(H, 4, 1), constant(3)), "min(floor(H / 4) + 1, 3)"),
        (minimum(step(H, 4, 0), constant(2)), "min(ceil(H / 4), 2)"),
        (add(step(H, 2, 0), step(H, 3, 0)), "ceil(H / 2) + ceil(H / 3)"),
        (add(step(H, 4, -1), step(H, 9, -2)), "ceil((H - 1) / 4) + ceil((H - 2) / 9)"),
        (add(add(step(H, 4, 0), step(H, 6, 0)), constant(3)), "ceil(H / 4) + ceil(H / 6) + 3"),
        (tabulate(1, 1, [2, 3, 3]), "(2 if H = 1, 3 if H = 2, else H)"),
        (tabulate(1, 1, [5, 4, 3, 2, 2]), "(5 if H = 1, 4 if H = 2, 3 if H = 3, 2 if H = 4, else H - 3)"),
        (tabulate(1, 0, [1, 3, 1, 3, 1, 3, 2]), "table(1, 3, 1, 3, 1, 3, 2; + 0 every 1 from H = 7)"),
        (
            tabulate(3, -2, [-1, -2, -3, -2, -3, -4, -3, -4, -5, -4, -5, -6, -5, -6, -7]),
            "table(-1, -2, -3, -2, -3, -4, -3, -4, -5, -4, -5, -6, ...; - 2 every 3 from H = 13)",
        ),
        (
            tabulate(12, 2, [0, 0, 0, 0, 1, 0, 1, 1, 1, 1, 1, 2]),
            "ceil((H - 4) / 12) + floor((H + 5) / 12) + floor(H / 12) - ceil((H - 5) / 12)",
        ),
        (
            tabulate(12, 5, [1, 2, 3, 3, 3, 3, 3, 4, 4, 5, 5, 5]),
            "table(1, 2, 3, 3, 3, 3, 3, 4, 4, 5, 5, 5; + 5 every 12 from H = 1)",
        ),
        (tabulate(6, 6, [1, 2, 3, 4, 5, 5]), "H + ceil(H / 6) - floor(H / 6) - 1"),
    ],
)
def test_words_of_functions_at_a_boundary(f: SizeFn, words: str) -> None:
    assert show(f) == words


def test_an_exact_quotient_rounds_the_way_that_leaves_the_smaller_number() -> None:
    quarter = step(H, 4, 0)
    assert show(quarter, "H", congruent(H, 4, 2)) == "(H - 2) / 4 + 1"
    assert show(quarter, "H", only(4, 8, 12)) == "H / 4"
    assert show(quarter, "H", only(4, 8, 9)) == "ceil(H / 4)"
    assert show(quarter, "H", only(4, 8) | from_residues(4, [1]) & from_minimum(12)) == "ceil(H / 4)"


def test_formulas_are_searched_for_up_to_a_period(monkeypatch: pytest.MonkeyPatch) -> None:
    clamped, both = minimum(step(H, 4, 0), constant(7)), add(step(H, 4, 0), step(H, 6, 0))
    monkeypatch.setattr(format_functions, "MAX_SEARCH", 4)
    assert show(clamped) == "min(ceil(H / 4), 7)"
    monkeypatch.setattr(format_functions, "MAX_SEARCH", 3)
    assert show(clamped) != "min(ceil(H / 4), 7)"
    monkeypatch.setattr(format_functions, "MAX_SEARCH", 12)
    assert show(both) == "ceil(H / 4) + ceil(H / 6)"
    monkeypatch.setattr(format_functions, "MAX_SEARCH", 11)
    assert show(both).startswith("table(2, 2, 2, 2, 3, 3, 4, 4, 5, 5, 5, 5; + 5 every 12")


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        (from_residues(4, [1, 2, 3]), "H = 4n+1 .. 4n+3, n >= 0"),
        (from_residues(12, [0, 5, 10, 11]), "H = 5, 10 .. 12 mod 12"),
        (only(1, 4, 9, 16, 25, 36, 49, 64), "H = 1, 4, 9, 16, 25, 36, 49, 64"),
        (only(4, 8, 12), "H = 4, 8, 12"),
        (only(4, 8, 12, 16), "H = 0 mod 4, 4 <= H <= 16"),
        (only(1, 3, 8, 10), "H = 1, 3, 8, 10"),
        (only(1, 3, 8, 10, 15, 17), "H = 1, 3 mod 7, 1 <= H <= 17"),
        (only(1, 3, 7, 8, 10, 14), "H = 0 .. 1, 3 mod 7, 1 <= H <= 14"),
        (
            only(*(30 * turn + n for turn in range(3) for n in TRIANGLES)),
            "H = 1, 3, 6, 10, 15, 21, 28 mod 30, 1 <= H <= 88",
        ),
        (
            only(*(40 * turn + n for turn in range(3) for n in (*TRIANGLES, 36))),
            "H = 1, 3, 6, 10, 15, 21, 28, 36, ... (24 up to 116)",
        ),
    ],
)
def test_words_of_sets_at_a_boundary(sizes: object, words: str) -> None:
    assert show_set(sizes) == words  # type: ignore[arg-type]


# -- what all claims of a network share -------------------------------------------------------------------------------


def test_the_limits_that_the_reference_states() -> None:
    found = (sizes_budget.LONG, sizes_budget.MAX_ENTRIES, sizes_budget.MAX_STEPS, sizes_budget.MAX_RESULTS)
    assert found == (256, 4_194_304, 262_144, 256)


def test_a_budget_pays_for_long_tables_alone_and_to_the_last_entry() -> None:
    outer, budget = Budget(), Budget(entries=1_000, steps=10)
    with within(outer), within(budget):
        charge_entries(256)
        assert budget.entries == 1_000
        charge_entries(257)
        assert budget.entries == 743
        charge_entries(743)
        assert budget.entries == 0
        told = "the claims of a network can evaluate at most 4,194,304 values of size functions with long periods"
        with pytest.raises(BudgetSpent, match=f"^{told}$"):
            charge_entries(257)
        charge_terms(4)
        assert budget.steps == 6
        charge_terms(6)
        told = "the claims of a network can examine at most 262,144 terms, case by case"
        with pytest.raises(BudgetSpent, match=f"^{told}$"):
            charge_terms(1)
    assert outer == Budget()
    charge_entries(10**9)  # nothing is in force
    charge_terms(10**9)


def test_one_budget_alone_is_in_force() -> None:
    budget = Budget(entries=1_000, steps=10)
    with within(budget):
        charge_entries(300)
        charge_terms(3)
    assert budget == Budget(entries=700, steps=7)
    charge_entries(10**9)


def test_a_long_set_costs_an_entry_for_512_sizes() -> None:
    def cost(make: Callable[[], object]) -> int:
        budget = Budget()
        with within(budget):
            make()
        return sizes_budget.MAX_ENTRIES - budget.entries

    late, far = from_minimum(512 * 1_000), from_residues(512 * 300, [0])
    assert cost(lambda: from_minimum(512 * 1_000)) == 1_000
    assert cost(lambda: only(512 * 1_000)) == 1_000
    assert cost(lambda: late & from_minimum(2)) == 1_000
    assert cost(lambda: far & from_residues(2, [0])) == 300
    assert cost(lambda: late & far) == 1_300


def test_what_is_spent_counts_as_statements_run() -> None:
    assert Budget().spent == 0
    assert Budget(sizes_budget.MAX_ENTRIES - 99 * 32, sizes_budget.MAX_STEPS - 10).spent == 99 + 5


def test_the_values_of_a_function_are_paid_for() -> None:
    with within(Budget(entries=300)), pytest.raises(BudgetSpent):
        values(step(identity(), 2, 0), 302)


def test_results_are_kept_but_not_those_of_long_tables() -> None:
    asked: list[int] = []

    @memoized
    def twice(n: int) -> int:
        asked.append(n)
        charge_entries(n)
        return 2 * n

    assert [twice(n) for n in (3, 3, 257, 257)] == [6, 6, 514, 514]
    assert asked == [3, 257, 257]
    asked.clear()
    assert [twice(n - 300) for n in range(257)] == [2 * n - 600 for n in range(257)]  # the oldest make room
    for n in (-44, -298, -300, 3):
        assert twice(n) == 2 * n
    assert asked[257:] == [-300, 3]
    twice.cache_clear()
    assert twice(-44) == -88 and asked[-1] == -44
