"""Reads the text of a study: its claim, its networks, how they are trained, and the rule of its verdict.

    plan = read_plan("degradation", "quick")

A study is a YAML file in `texts/`. `set_ups.yaml` says what all of them share: data, recipe, seeds, in three forms:
`quick`, `full`, and `photographs`, which is for ImageNet. A study may say otherwise under these names, also what it
measures, by which criteria, and with which nets; only one that says something under `photographs` has that form. A
value in brackets in an arm's `set` or `override` makes an arm for each, and `{key}` in its label is that value.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Literal

import yaml

from resnetc.runtime.errors import RunError, suggest_name
from resnetc.runtime.study.arms import ArmText
from resnetc.runtime.study.form import MAX_SMALL_SIDE
from resnetc.runtime.study.verdict import Criterion

_TEXTS = "texts"
_SET_UPS = "set_ups"

Tree = Mapping[str, object]
Form = Literal["quick", "full", "photographs"]
_PHOTOGRAPHS: Form = "photographs"


@dataclass(frozen=True, slots=True)
class SetUp:
    """What the arms of a study are trained with.

    data: the argument of `--data`; images, side: to how many training images and to how small a side it is reduced,
    None: as it is; recipe, overrides: as on the command line; settings: `--set` for every arm; seeds: one run of each
    arm for each.
    """

    data: str
    recipe: str
    overrides: tuple[str, ...]
    settings: tuple[tuple[str, str], ...]
    seeds: tuple[int, ...]
    images: int | None = None
    side: int | None = None


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the costs of a study are computed from before anything is trained.

    data: what the images are; classes, channels, size: of them; images: how many train a net. limit, eager:
    multiply-adds of a forward pass that one device trains in a second, with its kernels fused or each by itself;
    launch: seconds of a step, for each layer with weights, that eager kernels take at least.
    """

    data: str
    classes: int
    channels: int
    size: tuple[int, int]
    images: int
    limit: float
    eager: float
    launch: float


@dataclass(frozen=True, slots=True)
class Plan:
    """A study before anything is trained.

    claim: in its author's terms, from `source`; dispute: what critics say against it; measured: what is looked at;
    limits: what this form of the study cannot show; published: a table of the published figures, its head first;
    criteria: the rule of the verdict; set_up: None where nothing is trained; budget: CPU minutes of the quick form.
    """

    name: str
    title: str
    source: str
    claim: str
    dispute: str
    measured: str
    limits: str
    published: tuple[tuple[str, ...], ...]
    criteria: tuple[Criterion, ...]
    arms: tuple[ArmText, ...]
    set_up: SetUp | None
    budget: float
    form: Form


def list_studies() -> list[str]:
    """The names of all studies, in the order of `set_ups.yaml`."""
    return [str(name) for name in _items(_read(_SET_UPS)["studies"])]


def has_photographs(name: str) -> bool:
    """Whether the study has a form for photographs; one that trains nothing needs none."""
    text = _read(name)
    return _PHOTOGRAPHS in text or text.get("trains") is False


def read_plan(name: str, form: Form) -> Plan:
    """The study of that name in that form; RunError (status 2) if there is none."""
    names = list_studies()
    if name not in names:
        raise RunError(f"no such study: {name}{suggest_name(name, names)}; `all` runs all of them", status=2)
    whole, shared = _read(name), _read(_SET_UPS)
    if form == _PHOTOGRAPHS and not has_photographs(name):
        others = ", ".join(other for other in names if _PHOTOGRAPHS in _read(other))
        raise RunError(
            f"{name} has no photograph form; {others} have one. Use images of one size, at most "
            f"{MAX_SMALL_SIDE} pixels a side"
        )
    own = _tree(whole.get(form, {}))
    text = {**whole, **own}
    return Plan(
        name=name,
        title=str(text["title"]),
        source=str(text["source"]),
        claim=_prose(text["claim"]),
        dispute=_prose(text.get("dispute", "")),
        measured=_prose(text["measured"]),
        limits=_prose(own.get("limits", "")),
        published=tuple(tuple(map(str, _items(row))) for row in _items(text.get("published", []))),
        criteria=tuple(map(_read_criterion, _items(text["criteria"]))),
        arms=tuple(arm for one in _items(text["arms"]) for arm in _read_arms(_tree(one), form)),
        set_up=None if text.get("trains") is False else _read_set_up(_tree(shared[form]), own),
        budget=float(str(text["cpu_minutes"])),
        form=form,
    )


def read_expectation(form: Form) -> Expectation:
    """What the costs of that form are computed from; KeyError for the quick form, whose budget its text says."""
    shared = _tree(_read(_SET_UPS)[form])
    expected = _tree(shared["expected"])
    height, width = (int(str(length)) for length in _items(expected["size"]))
    return Expectation(
        data=str(expected["data"]),
        classes=int(str(expected["classes"])),
        channels=int(str(expected["channels"])),
        size=(height, width),
        images=int(str(expected["images"])),
        limit=float(str(expected["limit"])),
        eager=float(str(expected["eager"])),
        launch=float(str(expected["launch"])),
    )


def _read(name: str) -> Tree:
    file = resources.files("resnetc.runtime.study") / _TEXTS / f"{name}.yaml"
    return _tree(yaml.safe_load(file.read_text("utf-8")))


def _tree(value: object) -> Tree:
    assert isinstance(value, dict), value
    return value


def _items(value: object) -> Sequence[object]:
    assert isinstance(value, list), value
    return value


def _prose(value: object) -> str:
    return " ".join(str(value).split())


def _format(value: object) -> str:
    """A value as `--set` and `--override` take it."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"[{', '.join(map(_format, value))}]" if isinstance(value, list) else str(value)


def _read_set_up(shared: Tree, changes: Tree) -> SetUp:
    overrides = {**_tree(shared.get("override", {})), **_tree(changes.get("override", {}))}
    settings = {**_tree(shared.get("set", {})), **_tree(changes.get("set", {}))}
    both = {**shared, **changes}
    images, side = both.get("images"), both.get("side")
    return SetUp(
        data=str(both["data"]),
        recipe=str(both["recipe"]),
        overrides=tuple(f"{key}={_format(value)}" for key, value in overrides.items()),
        settings=tuple((key, _format(value)) for key, value in settings.items()),
        seeds=tuple(int(str(seed)) for seed in _items(both["seeds"])),
        images=images if isinstance(images, int) else None,
        side=side if isinstance(side, int) else None,
    )


def _read_criterion(value: object) -> Criterion:
    one = _tree(value)
    at_least = "at_least" in one
    threshold = float(str(one["at_least" if at_least else "at_most"]))
    return Criterion(
        str(one["statistic"]),
        _prose(one["says"]),
        threshold=threshold,
        at_least=at_least,
        exact=one.get("exact") is True,
    )


def _read_arms(text: Tree, form: str) -> list[ArmText]:
    """The arms of one entry: one for each choice of its values in brackets; none where the form leaves it out."""
    changes = text.get(form, {})
    if changes is False:
        return []
    own = {**text, **_tree(changes)}
    settings, overrides = _tree(own.get("set", {})), _tree(own.get("override", {}))
    varied = {key: _items(value) for key, value in {**settings, **overrides}.items() if isinstance(value, list)}
    images, init = own.get("images"), own.get("init")
    arms = []
    for choice in itertools.product(*varied.values()):
        values = {key: _format(value) for key, value in zip(varied, choice, strict=True)}
        fixed = {key: _format(value) for key, value in _tree(own.get("values", {})).items()}
        arms.append(
            ArmText(
                label=str(own["label"]).format(**values),
                spec=str(own["spec"]),
                settings=tuple((key, values.get(key, _format(value))) for key, value in settings.items()),
                overrides=tuple(f"{key}={values.get(key, _format(value))}" for key, value in overrides.items()),
                values={**fixed, **values},
                images=images if isinstance(images, int) else None,
                classes=tuple(int(str(label)) for label in _items(own.get("classes", []))),
                init=None if init is None else str(init).format(**values),
            )
        )
    return arms
