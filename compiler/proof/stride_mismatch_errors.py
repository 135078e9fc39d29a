"""Messages about a sum whose two sides have different sizes: different strides, or a size at which they differ."""

from __future__ import annotations

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Label, Suggestion
from resnetc.compiler.evaluation.values import describe
from resnetc.compiler.proof.accepted_sizes import find_nearest_accepted
from resnetc.compiler.proof.size_conflict import SizeConflict, show_stride
from resnetc.compiler.proof.size_errors import edit_condition, suggest_condition
from resnetc.compiler.remedies import branches, stride_suggestions, window_suggestions
from resnetc.compiler.remedies.call_text import is_shipped
from resnetc.compiler.remedies.policy_cases import suggest_case
from resnetc.compiler.remedies.window_suggestions import JoinSite, Remedy
from resnetc.compiler.sizes import (
    SizeSet,
    equal_where,
    show_set,
)


def strides_differ(conflict: SizeConflict, sites: list[JoinSite], promised: SizeSet) -> Diagnostic:
    (f, g), sides = conflict.sides, sites[0].sides
    totals = [side.compute_stride(conflict.axis) or show_stride(size) for side, size in zip(sides, (f, g), strict=True)]
    named = " and ".join(f"{total} (`{side.name}`)" for total, side in zip(totals, sides, strict=True))
    likeliest, *alternatives = stride_suggestions.suggest_strides(sites, conflict.reason.condition.span, conflict.axis)
    larger: tuple[str, ...] = ()  # what joins the maps of a decoder
    if conflict.reason.condition.text == "`concat`":
        from resnetc.compiler.vocabulary.answers import find_layer

        answer = find_layer("upsample")
        larger = (answer.help,) if answer is not None else ()
    if "none" in totals:
        likeliest = Suggestion("for a gate, write `*`: it broadcasts a map of size 1, `+` does not")
        alternatives = []
    return Diagnostic(
        "E0302",
        f"{conflict.reason.condition.text} joins maps with different strides: {named}",
        Label(conflict.reason.condition.span, f"sizes differ: {conflict.show(f)} and {conflict.show(g)}"),
        labels=(*branches.label_strides(sides, conflict.axis), *conflict.label_call_site()),
        notes=(*conflict.describe_counterexamples(promised), *conflict.reason.place.describe_place(), *larger),
        helps=(likeliest.help,),
        fix=likeliest.edits,
        alternatives=tuple(alternatives),
    )


def show_places(remedy: Remedy) -> str:
    """` in both places`, where one text is written at several."""
    if len(remedy.fix) < 2 or len({edit.replacement for edit in remedy.fix}) > 1:
        return ""
    return " in both places" if len(remedy.fix) == 2 else f" in all {len(remedy.fix)} places"


def label_places(labels: tuple[Label, ...], remedy: Remedy | None) -> tuple[Label, ...]:
    """Labels, and one for every further place that a remedy changes."""
    labelled = {(label.span.source.name, label.span.start) for label in labels}
    edits = remedy.fix if remedy is not None and show_places(remedy) else ()
    others = [edit.span for edit in edits if (edit.span.source.name, edit.span.start) not in labelled]
    return (*labels, *(Label(span, "this changes the size too") for span in others))


def never_equal(conflict: SizeConflict, sites: list[JoinSite], promised: SizeSet) -> Diagnostic:
    (f, g), sides = conflict.sides, sites[0].sides
    remedy_of_windows = window_suggestions.find_remedy(sites, conflict.axis)
    blamed = remedy_of_windows.operation if remedy_of_windows else branches.find_most_changing(sides, conflict.axis)
    remedy = remedy_of_windows or window_suggestions.find_border(sites)
    if remedy:
        where = show_places(remedy)
        help = f"write {remedy.text}{where}, so that both are {conflict.show(remedy.sizes[conflict.axis])}"
    else:
        help = (
            f"make `{blamed.text}` preserve the size of its map"
            if blamed
            else "give both sides the same size before it"
        )
    fix = remedy.fix if remedy else ()
    case = suggest_case(blamed) if blamed else None
    first, others = (case, (Suggestion(help, fix),)) if case else (Suggestion(help, fix), ())
    return Diagnostic(
        "E0332",
        f"{conflict.reason.condition.text} never fits: {conflict.show(f)} and {conflict.show(g)}",
        Label(conflict.reason.condition.span, conflict.show_values(conflict.size)),
        labels=(*label_places(conflict.label_sides(sides), remedy), *conflict.label_call_site()),
        notes=(
            *conflict.describe_counterexamples(promised),
            *([f"`{blamed.text}` {blamed.describe_effect(conflict.axis)}"] if blamed else []),
            *conflict.reason.place.describe_place(),
        ),
        helps=(first.help,),
        fix=first.edits,
        alternatives=others,
    )


def not_everywhere(conflict: SizeConflict, sites: list[JoinSite], promised: SizeSet) -> Diagnostic:
    (f, g), sides = conflict.sides, sites[0].sides
    remedy = window_suggestions.find_remedy(sites, conflict.axis)
    blamed = remedy.operation if remedy else branches.find_most_changing(sides, conflict.axis)
    equal = show_set(equal_where(f, g), conflict.symbol).partition(", ")[0]
    line = suggest_condition(conflict.network, conflict.accepted)
    notes = [f"`{blamed.text}` {blamed.describe_effect(conflict.axis)}"] if blamed else []
    nearest = find_nearest_accepted(conflict.network, conflict.accepted)
    is_declared_accepted = nearest == conflict.network.input.sizes
    if not remedy and not (line and is_declared_accepted):
        remedy = window_suggestions.find_border(sites)
    declares = line is not None and (not remedy or is_shipped(remedy.operation.span))
    cure = ""
    if remedy:
        text = f"{remedy.text}{show_places(remedy)}"
        cure = f"{text} makes both {conflict.show(remedy.sizes[conflict.axis])} for every {conflict.symbol}"
    fix = remedy.fix if remedy else ()
    if line and declares:
        notes += [cure] if cure else []
        help = f"restrict the input to sizes that fit: `{line}`"
        if not is_declared_accepted:
            help += f", and declare one of them, such as `{describe((conflict.network.input.channels, *nearest))}`"
        fix = edit_condition(conflict.network, line) if is_declared_accepted else ()
    else:
        help = cure or "give both sides the same size, for instance with the same operation on both"
    return Diagnostic(
        "E0314",
        f"{conflict.reason.condition.text} does not fit all sizes from {promised.min} up: "
        f"{conflict.show(f)} and {conflict.show(g)}",
        Label(conflict.reason.condition.span, "sizes differ"),
        labels=(*label_places(conflict.label_sides(sides), None if declares else remedy), *conflict.label_call_site()),
        notes=(
            "; ".join([*conflict.describe_counterexamples(promised), f"equal only for {equal}"]),
            *notes,
            *conflict.reason.place.describe_place(),
        ),
        helps=(help,),
        fix=fix,
    )
