"""Compiles a network for a data set; whatever of the data it does not accept is reported before torch is imported.

The data's classes and channels become parameters, its size the size at which the module is described. The claims and
the checks of the spec never see this size, so none of its diagnostics is about the data.
"""

from __future__ import annotations

import argparse
import re
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from resnetc.cli.common import print_note, print_notes, print_user_code, read_standard_input, report_diagnostics

if TYPE_CHECKING:
    from resnetc.compiler.checked_network import CheckedNetwork
    from resnetc.compiler.driver.session import Session
    from resnetc.compiler.source import Span
    from resnetc.runtime.data import MixedOutline, Outline
    from resnetc.runtime.distributed.batch_shares import Share
    from resnetc.runtime.recipe.recipe import Recipe

NUMBERS = {1: "one axis", 2: "two axes", 3: "three axes"}
Settings = list[tuple[str, str]]


class AlreadyReported(Exception):
    """Ends a command of which all has been said, such as the diagnostics of a spec."""

    def __init__(self, status: int = 1) -> None:
        super().__init__()
        self.status = status


class FittedModule(NamedTuple):
    """The text of a generated module, the name of its network, and the images as the network gets them."""

    source: str
    network: str
    images: Outline


def compile_for_data(options: argparse.Namespace, source: Outline | MixedOutline, recipe: Recipe) -> FittedModule:
    """The network, compiled for the data unless `--set` says otherwise.

    RunError where it does not take the data, or so few images at once as the recipe will give to each process.
    """
    from resnetc.runtime.distributed import batch_shares
    from resnetc.runtime.distributed import torchrun as launch
    from resnetc.runtime.recipe.places import name_places
    from resnetc.user_code import locate_user_code

    options.settings = add_drop_path(options.settings, recipe)
    session, checked, data_settings = match_network(options, source)
    images = fit_to_network(checked, source, recipe)
    refuse_misfits(checked, images, recipe, dict(options.settings), data_settings)
    for side in recipe.train_size:
        with name_places(recipe.places, "train_size"):
            refuse_size(checked, replace(images, name=f"`train_size` of {images.name}", size=(side, side)))
    processes = launch.count_processes()
    if not recipe.sync_batch_norm:  # with it a norm has the whole batch; what else has too little is tried by the run
        share = batch_shares.compute_step_share(images.train, recipe.batch_size, processes, recipe.accumulate)
        refuse_one_value(checked, images, share, training=True)
    refuse_one_value(
        checked,
        images,
        batch_shares.compute_evaluation_share(images.test, recipe.eval_batch_size, processes),
        training=False,
    )
    checked = checked.replace_sizes(images.size)
    if launch.is_main_process():
        bindings = [f"{key} = {value}" for key, value in data_settings.items()]
        print_note(
            f"{checked.network.name}: from the data: {', '.join([*bindings, f'input {format_sizes(images.size)}'])}"
        )
        print_notes(session, [checked])
    locate_user_code(checked)
    if launch.is_main_process():
        print_user_code([checked])
    return FittedModule(session.render(checked), checked.network.name, images)


def add_drop_path(settings: Settings, recipe: Recipe) -> Settings:
    """What `--set` says, and the stochastic depth of the recipe; RunError (status 2) where both say it."""
    from resnetc.runtime.errors import RunError

    if not recipe.drop_path:
        return settings
    if own := dict(settings).get("drop"):
        where = f" ({recipe.places['drop_path']})" if "drop_path" in recipe.places else ""
        raise RunError(
            f"--set drop={own}: the recipe also sets this slot, with drop_path: {recipe.drop_path:g}{where}; remove "
            "one of them (--override drop_path=0)",
            status=2,
        )
    return [*settings, ("drop", f"drops.linear_depth({recipe.drop_path!r})")]


def count_axes(options: argparse.Namespace) -> int:
    """How many axes an input of the spec has, which decides how arrays are read; 2 where the spec does not say it, as
    what is wrong with it is said when it is compiled."""
    from resnetc.compiler.driver.session import Session
    from resnetc.compiler.syntax import tree as syntax

    if options.spec == "-":
        return 2
    session = Session()
    session.add(options.spec, None)
    shapes = [] if session.sink.failed else [model.input.shape for model in session.list_models(options.model)]
    counts = {len(shape.items) - 1 for shape in shapes if isinstance(shape, syntax.List)}
    return counts.pop() if len(counts) == 1 and counts <= NUMBERS.keys() else 2


def fit_to_network(checked: CheckedNetwork, images: Outline | MixedOutline, recipe: Recipe) -> Outline:
    """The images as the network gets them; RunError where photographs of several sizes meet a net of other axes."""
    from resnetc.runtime.data import MixedOutline
    from resnetc.runtime.errors import RunError
    from resnetc.runtime.input_pipeline.image_size import fit_images

    declared = checked.network.input
    if isinstance(images, MixedOutline) and len(declared.sizes) != 2:
        raise RunError(
            f"`{checked.network.model}` takes {NUMBERS[len(declared.sizes)]} ({format_place(declared.span)}), "
            f"{images.name} has photographs (two axes)"
        )
    return fit_images(images, recipe, declared.sizes)


class MatchedNetwork(NamedTuple):
    """A network, the session that compiled it, and the parameters that the data gave it."""

    session: Session
    checked: CheckedNetwork
    data_settings: dict[str, int]


def match_network(options: argparse.Namespace, images: Outline | MixedOutline) -> MatchedNetwork:
    """The one network that is asked for, with the parameters that the data gave it.

    A fault that is there without the data's values is the spec's, and shown; one that they make is said of the data.
    """
    from resnetc.compiler.driver.session import Session, UsageError
    from resnetc.runtime.errors import RunError

    text = read_standard_input() if options.spec == "-" else None

    def open_spec() -> Session:
        session = Session()
        session.add(options.spec, text)
        return session

    def compile_with(settings: Settings) -> tuple[Session, list[CheckedNetwork]]:
        other = open_spec()
        return other, other.compile_networks(options.model, [*options.settings, *settings])

    session = open_spec()
    parameters = {p.name.id for model in session.list_models(options.model) for p in model.parameters}
    set_names = {name for name, _ in options.settings}
    data_values = {"classes": images.classes, "channels": images.channels}
    data_settings = {key: value for key, value in data_values.items() if key in parameters and key not in set_names}
    settings = [(key, str(value)) for key, value in data_settings.items()]
    try:
        networks = session.compile_networks(options.model, [*options.settings, *settings])
    except UsageError as refusal:
        raise UsageError(f"{refusal}{describe_recipe_key(str(refusal), options.settings)}") from None
    if session.sink.failed:
        alone, plain = compile_with([])
        fault = next(d for d in session.sink.diagnostics if d.severity == "error")
        if alone.sink.failed or not settings or not (plain or fault.code == "E0401"):
            report_diagnostics(alone if alone.sink.failed else session)
            raise AlreadyReported()
        culprit = next((s for s in settings if compile_with([s])[0].sink.failed), settings[0])
        raise RunError(
            f"{images.name} has {format_count(*culprit)}, but {session.entries[0].title} does not accept "
            f"{' = '.join(culprit)}: {fault.message} ({format_place(fault.primary.span)})"
        )
    if len(networks) != 1:
        names = ", ".join(c.network.name for c in networks) or "none"
        raise UsageError(
            f"only one network can be trained at a time, but `{options.spec}` defines {len(networks)}: {names}\n"
            "choose with --model or --set"
        )
    report_diagnostics(session)  # what it warns of
    return MatchedNetwork(session, networks[0], data_settings)


def describe_recipe_key(message: str, settings: Settings) -> str:
    """The end of the message about a setting that no model has, where it is a key of the recipe."""
    from resnetc.runtime.recipe.foreign_keys import find_key
    from resnetc.runtime.recipe.recipe import RULES

    for name, value in settings:
        key = name if name in RULES else find_key(name)
        if key is not None and f"no model here has a parameter or slot `{name}`" in message:
            return f"\nit is a key of the recipe: `--override {key}={value}`"
    return ""


def refuse_misfits(
    checked: CheckedNetwork,
    images: Outline,
    recipe: Recipe,
    set_values: dict[str, str],
    data_settings: dict[str, int],
) -> None:
    """RunError unless the network takes images of that many axes and channels and of that size, and scores the classes.

    set_values: what `--set` says; data_settings: the parameters that the data gave.
    """
    from resnetc.compiler.syntax import tree as syntax
    from resnetc.runtime.errors import RunError
    from resnetc.runtime.recipe.places import name_places

    network, model = checked.network, checked.network.root.definition
    assert isinstance(model, syntax.Model)
    name, declared, head = network.model, network.input, model.head.span
    if len(declared.sizes) != len(images.size):
        raise RunError(
            f"`{name}` takes {NUMBERS[len(declared.sizes)]} ({format_place(declared.span)}), {images.name} has "
            f"{NUMBERS[len(images.size)]} ({format_sizes(images.size)})"
        )
    expected = (
        f"it must return scores for the {images.classes} classes of {images.name}, "
        "for instance with a head that ends in `linear`"
    )
    if network.features:
        raise RunError(f"`{name}` returns the maps of its stages (`head = none`, {format_place(head)}): {expected}")
    out = checked.measures.out
    if out.sizes:
        shape = ", ".join(checked.measures.parts[-1].symbolic)
        raise RunError(f"`{name}` returns a map [{shape}] ({format_place(head)}): {expected}")
    if declared.channels != images.channels:
        reason = explain_mismatch("channels", set_values, data_settings)
        raise RunError(
            f"{images.name} has {format_count('channels', images.channels)}, but `{name}` takes {declared.channels} "
            f"({format_place(declared.span)}){reason}"
        )
    with name_places(recipe.places if recipe.image_size is not None else {}, "image_size"):
        refuse_size(checked, images)
    if out.channels != images.classes:
        reason = explain_mismatch("classes", set_values, data_settings)
        raise RunError(
            f"{images.name} has {format_count('classes', images.classes)}, but `{name}` returns scores for"
            f" {out.channels} ({format_place(head)}){reason}"
        )


def refuse_size(checked: CheckedNetwork, images: Outline) -> None:
    """RunError where the images have another size than the network takes, with the sizes that it does take."""
    from resnetc.compiler.proof.accepted_sizes import get_declared_sizes, intersect_with_declared
    from resnetc.compiler.sizes import show_set
    from resnetc.runtime.errors import RunError
    from resnetc.views.tables import limits

    network, accepted = checked.network, checked.accepted
    declared = network.input
    axes = [intersect_with_declared(network, accepted, axis) for axis in range(len(images.size))]
    refused_axes = [axis for axis, size in enumerate(images.size) if size not in axes[axis]]
    if not refused_axes:
        return
    headline = f"{images.name} has images of {format_sizes(images.size)}, `{network.model}` takes"
    if not any(declared.symbols):
        names = [n for n, value in network.parameters if is_mentioned(declared.span, n) and value in declared.sizes]
        hint = f"; `--set {names[0]}=...` sets it" if names else ""
        raise RunError(f"{headline} only {format_sizes(declared.sizes)} ({format_place(declared.span)}){hint}")
    words = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}[len(axes)]
    rows = zip(axes, declared.symbols, declared.sizes, words, strict=True)
    takes = ", ".join(show_set(axis, s) if s else f"a {what} of {number}" for axis, s, number, what in rows)
    axis, size = refused_axes[0], images.size[refused_axes[0]]
    promised = get_declared_sizes(network, axis)
    if declared.symbols[axis] is None or (promised is not None and size not in promised):
        raise RunError(f"{headline} {takes} ({format_place(declared.span)})")
    refusing = zip(accepted.reasons, limits(checked), strict=True)
    limit = next(row for about, row in refusing if about.axis == axis and size not in about.after)
    where = f"{limit['file']}:{limit['line']}"
    raise RunError(f"{headline} {takes}: `{limit['statement']}` needs {limit['needs']} ({where})")


def refuse_one_value(checked: CheckedNetwork, images: Outline, share: Share, training: bool) -> None:
    """RunError where the smallest share of a run leaves a norm one value for each of its statistics."""
    from resnetc.compiler.proof.minimum_batch import find_minimum_batches
    from resnetc.runtime.distributed.batch_shares import describe_one_value
    from resnetc.runtime.errors import RunError

    refused = find_minimum_batches(checked.network, checked.accepted, training) if share.images == 1 else ()
    refusal = next((alone for alone in refused if alone.is_satisfied(images.size)), None)
    if refusal is None:
        return
    pairs = zip(checked.accepted.axes, refusal.axes, images.size, strict=True)
    larger = [(accepted - refusing).next_from(size) for accepted, refusing, size in pairs]
    sizes = tuple(size for size in larger if size is not None)
    others = []
    if len(sizes) == len(images.size) and not any(alone.is_satisfied(sizes) for alone in refused):
        others.append(f"images of {format_sizes(sizes)} or larger")
    slot = refusal.span.text.partition("(")[0].strip() == "norm"
    others.append("another norm (--set norm='group_norm(groups=1)')" if slot else "another norm")
    batch = refusal.norm.primitive.name == "batch_norm"
    kind, statistic_of = ("a batch norm", "channel") if batch else ("a group norm", "group")
    map_shape = (
        f"{format_sizes((1,) * len(images.size))} at {format_sizes(images.size)}"
        if refusal.norm.shape_in.sizes
        else f"a vector at {format_sizes(images.size)}"
    )
    raise RunError(
        describe_one_value(
            f"`{refusal.path}`, {kind} ({format_place(refusal.span)}),", statistic_of, map_shape, share, tuple(others)
        )
    )


def explain_mismatch(key: str, set_values: dict[str, str], data_settings: dict[str, int]) -> str:
    """Why a network has not as many channels or classes as the data, and what can be done."""
    if key in set_values:
        return f", because of `--set {key}={set_values[key]}`: remove it"
    if key in data_settings:
        return f", although {key} = {data_settings[key]}"
    return f"; its model has no parameter `{key}` to set"


def format_count(key: str, count: object) -> str:
    """`1 channel`, `10 classes`."""
    return f"{count} {key}" if str(count) != "1" else f"1 {'class' if key == 'classes' else 'channel'}"


def format_sizes(sizes: tuple[int, ...]) -> str:
    """`32x32`."""
    return "x".join(map(str, sizes))


def is_mentioned(span: Span, name: str) -> bool:
    return re.search(rf"\b{re.escape(name)}\b", span.text) is not None


def format_place(span: Span) -> str:
    """`FILE:LINE`."""
    return f"{span.source.name}:{span.source.find_position(span.start).line}"
