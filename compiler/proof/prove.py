"""Solves the conditions of a network: its accepted sizes with their reasons, or the first error (others would follow
from it)."""

from __future__ import annotations

from resnetc.compiler.diagnostics.diagnostic import Diagnostic
from resnetc.compiler.ir.network import Condition, Network
from resnetc.compiler.proof import size_errors
from resnetc.compiler.proof.accepted_sizes import Accepted, Reason, get_declared_sizes, intersect_with_declared
from resnetc.compiler.proof.constraints import list_constraints
from resnetc.compiler.proof.size_conflict import SizeConflict
from resnetc.compiler.sizes import (
    ALL,
    SizeFn,
    SizeSet,
    SizesTooIrregular,
    at_least,
    congruent,
    equal_where,
    from_minimum,
    only,
    preimage,
    slope,
)


def prove(network: Network) -> tuple[Accepted, list[Diagnostic]]:
    """Derives the accepted sizes, then judges the additions and the declared sizes by them."""
    declared = network.input
    axes = [ALL if symbol else only(n) for symbol, n in zip(declared.symbols, declared.sizes, strict=True)]
    reasons: list[Reason] = []
    proved: set[tuple[str, int, SizeFn, SizeFn | SizeSet | int]] = set()
    span, what = declared.span, "the input"
    try:
        for place, condition in list_constraints(network):
            key = (condition.kind, condition.axis, condition.fn, condition.other)
            if key not in proved:
                proved.add(key)
                span, what = condition.span, condition.text
                axis = min(condition.axis, len(axes) - 1)  # a map of more axes than the input has fixed sizes
                before = axes[axis]
                after = axes[axis] = intersect(before, solve(condition))
                if after != before:
                    reasons.append(Reason(axis=axis, condition=condition, before=before, after=after, place=place))
        accepted = Accepted(tuple(axes), tuple(reasons))
        span, what = declared.span, "the input"
        fault = find_first_fault(network, accepted)
    except SizesTooIrregular as error:
        return Accepted(tuple(axes), tuple(reasons)), [size_errors.too_irregular(span, what, str(error))]
    return accepted, [fault] if fault else []


def solve(condition: Condition) -> SizeSet:
    """The input sizes at which a condition holds."""
    if isinstance(condition.other, SizeSet):
        return preimage(condition.fn, condition.other)
    if not isinstance(condition.other, int):
        return equal_where(condition.fn, condition.other)
    if condition.kind == "at_least":
        return at_least(condition.fn, condition.other)
    return congruent(condition.fn, condition.other, 0)


def intersect(a: SizeSet, b: SizeSet) -> SizeSet:
    """The intersection; that of two half-lines without writing them down, for a deep network has thousands."""
    if a.period == b.period == a.residues == b.residues == 1 and a.head == b.head == 0:
        return max(a, b, key=lambda sizes: sizes.onset)
    return a & b


# -- judgement --------------------------------------------------------------------------------------------------------


def find_first_fault(network: Network, accepted: Accepted) -> Diagnostic | None:
    """The first fault: of a condition that some promised size breaks, or of the declared size."""
    sizes = network.input.sizes
    for axis in range(len(sizes)):
        reason = find_broken_reason(network, accepted, axis)
        if reason is not None:
            return describe_broken(SizeConflict(network, accepted, reason))
    within = [intersect_with_declared(network, accepted, axis) for axis in range(len(sizes))]
    for axis, size in enumerate(sizes):
        if size not in within[axis]:
            refusing = (r for r in accepted.reasons if r.axis == axis and size not in r.after)
            reason = next(refusing, None)
            if reason is None or reason.condition.kind != "at_least" or any(sizes.is_empty for sizes in within):
                return size_errors.not_accepted(network, axis, within)
            return size_errors.too_small(SizeConflict(network, accepted, reason), within)
    return None


def find_broken_reason(network: Network, accepted: Accepted, axis: int) -> Reason | None:
    """The first reason that refuses the declared size, if that is an addition, else the smallest refused and promised.

    Without `when` every size from the least accepted one on is promised, so a mere lower bound breaks nothing.
    """
    said, reasons = get_declared_sizes(network, axis), [r for r in accepted.reasons if r.axis == axis]
    if said is not None:
        size = network.input.sizes[axis]
        against = next((r for r in reasons if size in said and size not in r.after), None)
        if against is not None and against.condition.kind == "equal":
            return against  # whatever the network is for, it is for this size
        refused = said.first_missing(accepted.axes[axis])
        return next((r for r in reasons if refused is not None and refused not in r.after), None)
    promised = from_minimum(accepted.axes[axis].min or 1)
    bounds = (r for r in reasons if r.condition.kind != "at_least" or r.after.is_empty)
    return next((r for r in bounds if not (r.before & promised).subset_of(r.after)), None)


def describe_broken(conflict: SizeConflict) -> Diagnostic:
    """The fault of a condition that some promised size breaks."""
    reason = conflict.reason
    said = get_declared_sizes(conflict.network, reason.axis)
    promised = reason.before & (from_minimum(conflict.accepted.axes[reason.axis].min or 1) if said is None else said)
    if reason.condition.kind != "equal":
        return (
            size_errors.never_enough(conflict)
            if reason.after.is_empty
            else size_errors.promises_too_much(conflict, promised)
        )
    f, g = conflict.sides
    from resnetc.compiler.proof import stride_mismatch_errors  # with all remedies, for what is wrong alone
    from resnetc.compiler.remedies import window_suggestions

    sites = window_suggestions.find_join_sites(
        conflict.network, reason.place.block, reason.condition, reason.place.step
    )
    strides = [side.compute_stride(conflict.axis) for side in sites[0].sides]
    if slope(f) != slope(g) or (None not in strides and strides[0] != strides[1]):
        return stride_mismatch_errors.strides_differ(conflict, sites, promised)
    if equal_where(f, g).is_empty:
        return stride_mismatch_errors.never_equal(conflict, sites, promised)
    return (
        stride_mismatch_errors.not_everywhere(conflict, sites, promised)
        if said is None
        else size_errors.promises_too_much(conflict, promised)
    )
