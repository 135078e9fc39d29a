"""A network compiled for a data set: what of the data it does not take is said of the data, before torch is imported.

The data's classes and channels become parameters, its size the size that the module is described at. No claim and no
check of the spec ever sees that size, so that none of its diagnostics can be about it.
"""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING

from resnetc.cli.common import failed, note, remarks, standard_input

if TYPE_CHECKING:
    from resnetc.compiler.checked import Checked
    from resnetc.compiler.driver.session import Session
    from resnetc.compiler.source import Span
    from resnetc.runtime.data import Outline
    from resnetc.runtime.recipe import Recipe
    from resnetc.runtime.shares import Share

NUMBERS = {1: "one axis", 2: "two axes", 3: "three axes"}
Settings = list[tuple[str, str]]


class Refused(Exception):
    """Ends a command of which all has been said, such as the diagnostics of a spec."""

    def __init__(self, status: int = 1) -> None:
        super().__init__()
        self.status = status


def compiled_for(options: argparse.Namespace, images: Outline, recipe: Recipe) -> tuple[str, str]:
    """The text of the network that is compiled for the data, unless `--set` says otherwise, and its name.

    RunError where it does not take the data, or so few images at once as the recipe will give to each process.
    """
    from resnetc.runtime import launch, shares

    session, checked, told = matched(options, images)
    refuse_misfits(checked, images, dict(options.settings), told)
    count = launch.processes()
    refuse_one_value(checked, images, shares.of_step(images.train, recipe.batch_size, count), training=True)
    refuse_one_value(checked, images, shares.of_judging(images.test, recipe.eval_batch_size, count), training=False)
    checked = checked.at(images.size)
    if launch.speaks():
        known = [f"{key} = {value}" for key, value in told.items()]
        note(f"{checked.network.name}: from the data: {', '.join([*known, f'input {by(images.size)}'])}")
        remarks(session, [checked])
    return session.render(checked), checked.network.name


def matched(options: argparse.Namespace, images: Outline) -> tuple[Session, Checked, dict[str, int]]:
    """The one network that is asked for, with the parameters that the data gave it.

    A fault that is there without the data's values is the spec's, and shown; one that they make is said of the data.
    """
    from resnetc.compiler.driver.session import Session, UsageError
    from resnetc.runtime.errors import RunError

    text = standard_input() if options.spec == "-" else None

    def opened() -> Session:
        session = Session()
        session.add(options.spec, text)
        return session

    def made(settings: Settings) -> tuple[Session, list[Checked]]:
        other = opened()
        return other, other.networks(options.model, [*options.settings, *settings])

    session = opened()
    parameters = {p.name.id for model in session.models(options.model) for p in model.parameters}
    given = {name for name, _ in options.settings}
    wanted = {"classes": images.classes, "channels": images.channels}
    told = {key: value for key, value in wanted.items() if key in parameters and key not in given}
    settings = [(key, str(value)) for key, value in told.items()]
    found = session.networks(options.model, [*options.settings, *settings])
    if session.sink.failed:
        alone, plain = made([])
        fault = next(d for d in session.sink.diagnostics if d.severity == "error")
        if alone.sink.failed or not settings or not (plain or fault.code == "E0401"):
            failed(alone if alone.sink.failed else session)
            raise Refused()
        to_blame = next((s for s in settings if made([s])[0].sink.failed), settings[0])
        raise RunError(
            f"{images.name} has {counted(*to_blame)}, but {session.entries[0].title} does not accept "
            f"{' = '.join(to_blame)}: {fault.message} ({place(fault.primary.span)})"
        )
    if len(found) != 1:
        names = ", ".join(c.network.name for c in found) or "none"
        raise UsageError(
            f"only one network can be trained at a time, but `{options.spec}` stands for {len(found)}: {names}\n"
            "choose with --model or --set"
        )
    failed(session)  # what it warns of
    return session, found[0], told


def refuse_misfits(checked: Checked, images: Outline, given: dict[str, str], told: dict[str, int]) -> None:
    """RunError unless the network takes images of that many axes and channels and of that size, and scores the classes.

    given: what `--set` says; told: the parameters that the data gave.
    """
    from resnetc.compiler.syntax import tree as syntax
    from resnetc.runtime.errors import RunError

    network, model = checked.network, checked.network.root.definition
    assert isinstance(model, syntax.Model)
    name, declared, head = network.model, network.input, model.head.span
    if len(declared.sizes) != len(images.size):
        raise RunError(
            f"`{name}` takes {NUMBERS[len(declared.sizes)]} ({place(declared.span)}), {images.name} has "
            f"{NUMBERS[len(images.size)]} ({by(images.size)})"
        )
    due = (
        f"it must give scores for the {images.classes} classes of {images.name}, "
        "for instance with a head that ends in `linear`"
    )
    if network.features:
        raise RunError(f"`{name}` gives the maps of its stages (`head = none`, {place(head)}): {due}")
    out = checked.measures.out
    if out.sizes:
        shape = ", ".join(checked.measures.parts[-1].symbolic)
        raise RunError(f"`{name}` gives a map [{shape}] ({place(head)}): {due}")
    if declared.channels != images.channels:
        why = reason("channels", given, told)
        raise RunError(
            f"{images.name} has {counted('channels', images.channels)}, but `{name}` takes {declared.channels} "
            f"({place(declared.span)}){why}"
        )
    refuse_size(checked, images)
    if out.channels != images.classes:
        why = reason("classes", given, told)
        raise RunError(
            f"{images.name} has {counted('classes', images.classes)}, but `{name}` gives scores for {out.channels} "
            f"({place(head)}){why}"
        )


def refuse_size(checked: Checked, images: Outline) -> None:
    """RunError where the images have another size than the network takes, with the sizes that it does take."""
    from resnetc.compiler.proof.accepted_sizes import allowed, stated
    from resnetc.compiler.sizes import show_set
    from resnetc.runtime.errors import RunError
    from resnetc.views.tables import limits

    network, accepted = checked.network, checked.accepted
    declared = network.input
    axes = [allowed(network, accepted, axis) for axis in range(len(images.size))]
    wrong = [axis for axis, size in enumerate(images.size) if size not in axes[axis]]
    if not wrong:
        return
    said = f"{images.name} has images of {by(images.size)}, `{network.model}` takes"
    if not any(declared.symbols):
        names = [n for n, value in network.parameters if mentions(declared.span, n) and value in declared.sizes]
        hint = f"; `--set {names[0]}=...` sets it" if names else ""
        raise RunError(f"{said} only {by(declared.sizes)} ({place(declared.span)}){hint}")
    rows = zip(axes, declared.symbols, declared.sizes, ("height", "width"), strict=True)
    takes = ", ".join(show_set(axis, s) if s else f"a {what} of {number}" for axis, s, number, what in rows)
    axis, size = wrong[0], images.size[wrong[0]]
    promised = stated(network, axis)
    if declared.symbols[axis] is None or (promised is not None and size not in promised):
        raise RunError(f"{said} {takes} ({place(declared.span)})")
    refusing = zip(accepted.reasons, limits(checked), strict=True)
    limit = next(known for about, known in refusing if about.axis == axis and size not in about.after)
    where = f"{limit['file']}:{limit['line']}"
    raise RunError(f"{said} {takes}: `{limit['statement']}` needs {limit['needs']} ({where})")


def refuse_one_value(checked: Checked, images: Outline, share: Share, training: bool) -> None:
    """RunError where the smallest share of a run leaves a norm one value for each of its statistics."""
    from resnetc.compiler.proof.minimum_batch import refused_alone
    from resnetc.runtime.errors import RunError
    from resnetc.runtime.shares import one_value

    refused = refused_alone(checked.network, checked.accepted, training) if share.images == 1 else ()
    found = next((alone for alone in refused if alone.holds(images.size)), None)
    if found is None:
        return
    pairs = zip(checked.accepted.axes, found.axes, images.size, strict=True)
    larger = [(accepted - refusing).next_from(size) for accepted, refusing, size in pairs]
    sizes = tuple(size for size in larger if size is not None)
    others = []
    if len(sizes) == len(images.size) and not any(alone.holds(sizes) for alone in refused):
        others.append(f"images of {by(sizes)} or larger")
    slot = found.span.text.partition("(")[0].strip() == "norm"
    others.append("another norm (--set norm='group_norm(groups=1)')" if slot else "another norm")
    batch = found.norm.primitive.name == "batch_norm"
    kind, of = ("a batch norm", "channel") if batch else ("a group norm", "group")
    met = f"1x1 at {by(images.size)}" if found.norm.shape_in.sizes else f"a vector at {by(images.size)}"
    raise RunError(one_value(f"`{found.path}`, {kind} ({place(found.span)}),", of, met, share, tuple(others)))


def reason(key: str, given: dict[str, str], told: dict[str, int]) -> str:
    """Why a network has not as many channels or classes as the data, and what can be done."""
    if key in given:
        return f", because of `--set {key}={given[key]}`: remove it"
    if key in told:
        return f", although {key} = {told[key]}"
    return f"; its model has no parameter `{key}` to set"


def counted(key: str, count: object) -> str:
    """`1 channel`, `10 classes`."""
    return f"{count} {key}" if str(count) != "1" else f"1 {'class' if key == 'classes' else 'channel'}"


def by(sizes: tuple[int, ...]) -> str:
    """`32x32`."""
    return "x".join(map(str, sizes))


def mentions(span: Span, name: str) -> bool:
    return re.search(rf"\b{re.escape(name)}\b", span.text) is not None


def place(span: Span) -> str:
    """`FILE:LINE`."""
    return f"{span.source.name}:{span.source.position(span.start).line}"
