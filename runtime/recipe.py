"""A recipe: all settings of a training run, read from YAML; every key has a default, a rule and a meaning."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from resnetc.bounded_read import contents
from resnetc.runtime import yaml_mapping
from resnetc.runtime.errors import RunError, suggest_name
from resnetc.runtime.recipe_rules import Rule, Setting, convert_value, define_key, format_value, quote_value
from resnetc.runtime.recipe_words import FOREIGN_KEYS, describe_absence
from resnetc.runtime.yaml_mapping import Value

_MAX_BYTES = 1 << 18  # bytes of a recipe
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Recipe:
    """All settings of a run except the network and the data.

    Points in time (`warmup`, `milestones`) are shares of the whole run, so the shape of the schedule does not depend
    on `epochs`.
    """

    epochs: int = define_key(10, "int", "passes over the training images", low=1, high=1_000_000)
    batch_size: int = define_key(
        128, "int", "images per training step; an incomplete last batch is dropped", low=1, high=1 << 20
    )
    eval_batch_size: int = define_key(500, "int", "images per evaluation step", low=1, high=1 << 20)
    seed: int = define_key(0, "int", "seed of initial weights, order, augmentation and dropout", low=0, high=2**32 - 1)
    deterministic: bool = define_key(False, "flag", "only deterministic kernels (matters on CUDA)")
    threads: int = define_key(0, "int", "CPU threads; 0: torch's default", low=0, high=1024)
    workers: int | None = define_key(
        None,
        "auto",
        "photographs: processes that decode; 0: the run's own; auto: one for each CPU, at most 8",
        low=0,
        high=1024,
        may_change=True,
    )
    activation_checkpointing: bool = define_key(
        False, "flag", "recompute each block's activations in the backward pass"
    )

    optimizer: str = define_key("sgd", "choice", "SGD with momentum, or AdamW", choices=("sgd", "adamw"))
    learning_rate: float = define_key(0.1, "number", "the peak of the schedule", positive=True, high=1e3)
    momentum: float = define_key(0.9, "number", "sgd: factor of the previous update", low=0, high=0.9999)
    nesterov: bool = define_key(True, "flag", "sgd: Nesterov momentum")
    beta1: float = define_key(0.9, "number", "adamw: decay of the mean gradient", low=0, high=0.9999)
    beta2: float = define_key(0.999, "number", "adamw: decay of the mean squared gradient", low=0, high=0.999999)
    epsilon: float = define_key(1e-8, "number", "adamw: added to the denominator", positive=True, high=1)
    weight_decay: float = define_key(5e-4, "number", "weight decay (L2; decoupled for AdamW)", low=0, high=10)
    head_lr_ratio: float = define_key(
        1.0, "number", "learning rate of the head, as a multiple of that of the stages", positive=True, high=1e4
    )
    layer_decay: float = define_key(
        1.0, "number", "factor of the learning rate for each stage further from the head", positive=True, high=1
    )
    freeze: tuple[str, ...] = define_key(
        (), "names", "parts that stay as they are: stem, stage1 ..., norms, a module's name, or a pattern with *"
    )
    decay_norms: bool = define_key(False, "flag", "apply weight decay to norms, biases, `scale` and `shift` too")

    schedule: str = define_key(
        "cosine",
        "choice",
        "the learning rate after the warm-up; onecycle: a cosine up and a cosine down",
        choices=("constant", "step", "cosine", "linear", "onecycle"),
    )
    warmup: float = define_key(0.0, "number", "length of the warm-up, as a share of the run", low=0, high=0.99)
    warmup_from: float = define_key(
        0.04, "number", "learning rate at the start of the warm-up, as a share of the peak", low=0, high=1
    )
    warmup_shape: str = define_key(
        "linear",
        "choice",
        "linear, or constant at warmup_from (onecycle: always a cosine)",
        choices=("linear", "constant"),
    )
    final_lr_ratio: float = define_key(
        0.0, "number", "cosine, linear, onecycle: last learning rate, as a share of the peak", low=0, high=1
    )
    milestones: tuple[float, ...] = define_key(
        (), "numbers", "step: where the learning rate falls, as shares of the run", low=0, high=1
    )
    gamma: float = define_key(
        0.1, "number", "step: factor of the learning rate at each milestone", positive=True, high=1
    )

    image_size: int | None = define_key(
        None,
        "auto",
        "photographs: side of the crop in pixels; auto: the images' own size if they have one, else the spec's",
        low=1,
        high=1 << 14,
    )
    eval_resize: int | None = define_key(
        None,
        "auto",
        "photographs: short side before evaluation crops the centre; auto: image_size / 0.875",
        low=1,
        high=1 << 14,
    )
    crop_scale: tuple[float, ...] = define_key(
        (0.08, 1.0), "range", "photographs: area of a random crop, as shares of the whole", positive=True, high=1
    )
    crop_ratio: tuple[float, ...] = define_key(
        (0.75, 1.333), "range", "photographs: width / height of a random crop", low=0.01, high=100
    )
    random_crop_padding: int = define_key(
        0,
        "int",
        "in memory: pixels (or steps) of padding on each side before a random crop; 0: no crop",
        low=0,
        high=1024,
    )
    horizontal_flip: bool = define_key(False, "flag", "mirror images left to right, each with probability 1/2")
    noise: float = define_key(
        0.0, "number", "in memory: standard deviation of Gaussian noise, in that of the data; 0: none", low=0, high=10
    )
    holdout: float = define_key(
        0.0, "number", "share of the images that becomes the test part of a set without one", low=0, high=0.9
    )
    validation: float = define_key(
        0.0,
        "number",
        "share of the training images that chooses the best epoch; 0: the test images do",
        low=0,
        high=0.9,
    )
    split_seed: int = define_key(0, "int", "seed of what holdout and validation set aside", low=0, high=2**32 - 1)
    normalise: str = define_key(
        "channel",
        "choice",
        "subtract the training images' mean, per channel or per pixel; divide by each channel's standard deviation",
        choices=("channel", "pixel"),
    )
    label_smoothing: float = define_key(0.0, "number", "share of the target spread over all classes", low=0, high=0.9)
    max_grad_norm: float = define_key(
        0.0, "number", "clip the norm of the whole gradient to this; 0: no clipping", low=0, high=1e9
    )
    ema_decay: float = define_key(
        0.0,
        "number",
        "decay of the moving average of the weights, which is what is evaluated; 0: none",
        low=0,
        high=0.999999,
    )
    save_every: str = define_key(
        "10 min", "interval", "save the state this often, besides after every epoch; 0: only then", may_change=True
    )

    def to_yaml(self) -> str:
        """This recipe as YAML, every key with its meaning as a comment; `load` reads it back to an equal one."""
        lines = [(f"{name}: {format_value(getattr(self, name))}", rule.meaning) for name, rule in RULES.items()]
        width = max(len(line) for line, _ in lines)
        return "".join(f"{line:<{width}}  # {meaning}\n" for line, meaning in lines)


_EARLIER_KEYS = {  # keys of recipes and runs that an earlier resnetc wrote: another name for the same value
    "batch": "batch_size",
    "clip": "max_grad_norm",
    "crop": "random_crop_padding",
    "ema": "ema_decay",
    "eval_batch": "eval_batch_size",
    "final": "final_lr_ratio",
    "flip": "horizontal_flip",
    "recompute": "activation_checkpointing",
}
_OTHER_NAMES = _EARLIER_KEYS | {word: key for key, words in FOREIGN_KEYS.items() for word in words.split()}

RULES: dict[str, Rule] = {entry.name: entry.metadata["rule"] for entry in dataclasses.fields(Recipe)}


def _check_agreement(recipe: Recipe, places: dict[str, str]) -> None:
    """Refuse keys that contradict each other.

    places: where each key that was given stands. The place named is the last one given of the keys concerned: an
    override before the file, a key of the file before a default.
    """

    def fail(message: str, *names: str) -> None:
        relevant_places = [places[name] for name in names if name in places]
        overrides = [place for place in relevant_places if place.startswith("--override")]
        raise RunError(f"{(overrides or relevant_places)[0]}: {message}", status=2 if overrides else 1)

    if recipe.optimizer == "sgd" and recipe.nesterov and recipe.momentum == 0:
        fail("`nesterov` needs a `momentum` above 0; for plain sgd also say nesterov: false", "nesterov", "momentum")
    if recipe.image_size and recipe.eval_resize and recipe.eval_resize < recipe.image_size:
        sizes = f"`eval_resize` ({recipe.eval_resize}) must be at least `image_size` ({recipe.image_size})"
        fail(f"{sizes}, which is cut out of it", "eval_resize", "image_size")
    if recipe.schedule == "onecycle" and recipe.warmup == 0:
        fail("`schedule` is onecycle, which needs a `warmup` above 0, e.g. 0.3", "schedule", "warmup")
    if recipe.schedule == "step":
        if not recipe.milestones:
            fail("`schedule` is step, which needs `milestones`, e.g. [0.5, 0.75]", "schedule", "milestones")
        if any(after <= before for before, after in zip(recipe.milestones, recipe.milestones[1:], strict=False)):
            fail("`milestones` must ascend", "milestones")


def _find_key(word: str) -> str | None:
    """The key that is meant by an earlier or foreign name, however it is written; None where it is not known."""
    return _OTHER_NAMES.get(word.strip().lower().replace("-", "_"))


def _describe_unknown_key(word: str, place: str, others: Mapping[str, Value]) -> str:
    """The message about a key that no recipe has; it lists the `others` that have another name as well."""
    key = _find_key(word)
    if key is None and (why := describe_absence(word.strip().lower().replace("-", "_"), RULES)):
        return f"{place}: unknown key `{quote_value(word)}`: {why}"
    if key is None:
        return f"{place}: unknown key `{quote_value(word)}`{suggest_name(word, RULES)}"
    rest = [f"`{quote_value(other)}` is `{_find_key(other)}` ({others[other].key_place})" for other in others]
    also = "; likewise " + ", ".join(rest) if rest else ""
    return f"{place}: unknown key `{quote_value(word)}`: write `{key}` ({RULES[key].meaning}){also}"


def rename_keys(settings: Mapping[str, _Item]) -> dict[str, _Item]:
    """The settings of a run of an earlier resnetc, under the present names of the keys."""
    return {_EARLIER_KEYS.get(key, key): value for key, value in settings.items()}


def from_settings(settings: Mapping[str, Setting], place: str) -> Recipe:
    """The recipe stored in a checkpoint, also of an earlier resnetc; RunError if it has an unknown key or a value of
    another kind (`place` names it)."""
    renamed = rename_keys(settings)
    if unknown := [key for key in renamed if key not in RULES]:
        raise RunError(f"{place}: the recipe has a key that this resnetc does not know: `{quote_value(unknown[0])}`")
    converted: dict[str, Any] = {}  # Any: `_convert_value` has checked each against its key's rule
    for key, value in renamed.items():
        items = tuple(map(_format_item, value)) if isinstance(value, (list, tuple)) else format_value(value)
        converted[key] = convert_value(RULES[key], key, Value(items, False, place, place))
    return Recipe(**converted)


def _format_item(value: Setting) -> str:
    return value if isinstance(value, str) else format_value(value)


def list_shipped() -> tuple[str, ...]:
    """The names of the shipped recipes."""
    folder = resources.files("resnetc.runtime").joinpath("recipes")
    return tuple(sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml")))


def _read_source(source: str) -> tuple[str, str]:
    """The text of a shipped recipe or a file, and the name to use for it in messages."""
    if source in list_shipped():
        name = f"{source}.yaml"
        return resources.files("resnetc.runtime").joinpath("recipes", name).read_text("utf-8"), f"recipes/{name}"
    path = Path(source).expanduser()
    try:
        if not source:
            raise FileNotFoundError
        return contents(path, _MAX_BYTES).decode("utf-8-sig"), str(path)
    except FileNotFoundError:
        if path.suffix not in (".yaml", ".yml"):
            message = f"--recipe {source}: no such recipe{suggest_name(source, list_shipped())}; or name a file"
            raise RunError(message, status=2) from None
        raise RunError(f"{path}: no such recipe file") from None
    except UnicodeDecodeError as fault:
        raise RunError(f"{path}: not UTF-8 text: byte {fault.start} is 0x{fault.object[fault.start]:02x}") from None
    except OSError as fault:
        raise RunError(f"{path}: cannot read the recipe: {fault.strerror or fault}") from None


def load(source: str, overrides: Sequence[str] = (), *, of_run: bool = False) -> Recipe:
    """Read the shipped recipe or the file `source`, then apply the overrides (`KEY=V`, later ones win).

    With `of_run` the file is the `recipe.yaml` of a run to resume, which an earlier resnetc may have written. Raises
    RunError: `file:line:column: ...` for an error in the file, `--override KEY=V: ...` (status 2) for one there.
    """
    text, name = _read_source(source)
    values = yaml_mapping.parse_mapping(text, name)
    if of_run:
        values = rename_keys(values)
    converted: dict[str, Any] = {}  # Any: `_convert_value` has checked each against its key's rule
    for key, value in values.items():
        if key not in RULES:
            others = {word: other for word, other in values.items() if word not in RULES and word != key}
            named = {word: other for word, other in others.items() if _find_key(word) is not None}
            raise RunError(_describe_unknown_key(key, value.key_place, named))
        converted[key] = convert_value(RULES[key], key, value)
    for argument in overrides:
        key, value = yaml_mapping.parse_override(argument)
        if key not in RULES:
            raise RunError(_describe_unknown_key(key, value.place, {}), status=2)
        try:
            converted[key] = convert_value(RULES[key], key, value)
        except RunError as fault:
            raise RunError(str(fault), status=2) from None
        values[key] = value
    recipe = Recipe(**converted)
    _check_agreement(recipe, {key: value.place for key, value in values.items()})
    return recipe


def add_frozen(recipe: Recipe, patterns: Sequence[str]) -> Recipe:
    """The recipe with the patterns of `--freeze` beside its own; RunError (status 2) for one that is none."""
    try:
        values = convert_value(
            RULES["freeze"], "freeze", Value((*recipe.freeze, *patterns), False, "--freeze", "--freeze")
        )
    except RunError as fault:
        raise RunError(str(fault), status=2) from None
    assert isinstance(values, tuple)
    return dataclasses.replace(recipe, freeze=tuple(map(str, values)))
