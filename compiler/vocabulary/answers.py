"""Looks up a word of another library, by meaning: what it is called here, what to do instead, or that there is none."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import lru_cache

from resnetc.compiler.fast_dataclass import record
from resnetc.compiler.vocabulary import layers, parameters
from resnetc.compiler.vocabulary.layers import MissingFeature
from resnetc.grammar.primitives import NORM, PRIMITIVES

MAX_WORD = 100  # letters: no library has a longer one
DIMENSIONS = re.compile(r"_?[123]d(?=$|_|[A-Z])|_?[123]D(?=$|_|[A-Z])")
INFERRED = re.compile(
    r"(conv|std_conv|linear|norm|group_norm|layer_norm|rms_norm|instance_norm|global_response_norm)\b"
)  # other libraries want the number of their input channels
CALLEE = re.compile(r"(?:\[a, b\] \|> )?([a-z]\w*)(?=\(|\Z)")  # of what is written with arguments, or without
CALLED = {"conv": ("plain_conv",), "act": ("relu",)}  # what else a word for a slot may stand for
WINDOWS = re.compile(r"(max|avg)_pool\(")


@record(eq=True)
class Answer:
    """What is said of a word; what replaces it where one name does, and what may where arguments follow."""

    help: str
    name: str = ""
    names: tuple[str, ...] = ()
    length: int = 0  # of what it replaces, where that is a whole call


def simplify(word: str) -> str:
    """A word without what does not count, capitals, `_`, spaces and a number of axes: `maxpool` of `MaxPool2d`."""
    return DIMENSIONS.sub("", word).replace("_", "").replace(" ", "").lower().removeprefix("lazy")


@lru_cache(maxsize=1)
def index_layers() -> dict[str, Answer | MissingFeature]:
    """Every word for a layer, as it is written, and then in its plain form."""
    rows: list[tuple[tuple[str, ...], Answer | MissingFeature]] = []
    for lacking in layers.LACKING:
        rows.append(((*lacking.primitives, *lacking.words), lacking))
    for code, words in layers.WRITTEN.items():
        rows.append((words, Answer(code, code if code.isidentifier() else "")))
    for code, words in layers.CALLED_WITH_BLOCKS.items():
        files = sorted(set(re.findall(r"([a-z]+)\.[a-z]", code)))
        uses = " and ".join(f"`use std.{file}`" for file in files)
        rows.append((words, Answer(f"write `{code}`, with {uses} below the edition")))
    for advice, words in layers.ADVICE.items():
        rows.append((words, Answer(advice)))
    exact = {word: answer for words, answer in rows for word in words}
    plainly: dict[str, Answer | MissingFeature] = {}
    for word, answer in exact.items():
        plainly.setdefault(simplify(word), answer)
    return plainly | exact


def find_layer(word: str) -> Answer | None:
    """What to write for the layer or function that other libraries call `word`, or None where nothing is known of it.

    What is a primitive by now is the answer to its own name, however it is written elsewhere.
    """
    if len(word) > MAX_WORD:
        return None
    table, plain = index_layers(), simplify(word)
    entry = table.get(word) or table.get(plain)
    if entry is None and plain.endswith(("loss", "losswithlogits", "crossentropy")):
        entry = table["CrossEntropyLoss"]
    if isinstance(entry, MissingFeature):
        return describe_lacking(word, entry)
    if entry is None:
        name = next((name for name in PRIMITIVES if simplify(name) == plain), "")
        return Answer(f"`{word}` is written `{name}` here", name, (name,)) if name else None
    code = entry.help
    if code not in layers.WRITTEN:
        return entry
    why = ": input channels are inferred" if INFERRED.match(code) and "in.channels" not in code else ""
    why = ": without `stride` it is 1" if WINDOWS.match(code) else why
    callee = CALLEE.match(code)
    names = (callee[1], *CALLED.get(callee[1], ())) if callee is not None else ()
    return Answer(f"`{word}` is written `{code}` here{why}", entry.name, names)


def find_item(word: str, file: str, items: Collection[str]) -> str:
    """The item of a file of the library that other libraries call `word`, or nothing: `basic` for `BasicBlock`."""
    answer = find_layer(word)
    names = re.findall(rf"\b{re.escape(file)}\.(\w+)", answer.help) if answer is not None else []
    return next((name for name in names if name in items), "")


def describe_lacking(word: str, lacking: MissingFeature) -> Answer:
    """The primitive, if there is one by now; otherwise that there is none, and those that come nearest."""
    for name in lacking.primitives:
        if name in PRIMITIVES:
            return Answer(f"`{word}` is written `{name}` here", name, (name,))
    help = f"edition 1 has no {lacking.what or f'`{word}`'}"
    if lacking.nearest:
        near = [f"`{name}`" for name, row in PRIMITIVES.items() if row.attribute in lacking.nearest]
        kind = "norms" if NORM in lacking.nearest else "activations"
        help += f"; its {kind} are {', '.join(near[:-1])} and {near[-1]}"
    return Answer(f"{help}; {lacking.instead}" if lacking.instead else help)


def translate(word: str, table: Mapping[str, str], names: Collection[str]) -> str:
    """The first of the names here that a table gives to a word of other libraries, or nothing."""
    for name, words in table.items():
        if name in names and word in words.split():
            return name
    return ""


def find_parameter(word: str, names: Collection[str]) -> Answer | None:
    """What the parameter or slot is called here that other libraries call `word`; `names` are those of the call."""
    if "classes" in names and (setting := find_setting(word, names)):  # of a model
        return setting
    if name := translate(word, parameters.PARAMETERS, names):
        return Answer(f"`{word}` is called `{name}` here", name)
    return next((Answer(advice) for advice, words in parameters.NEEDLESS.items() if word in words.split()), None)


def find_setting(word: str, names: Collection[str]) -> Answer | None:
    """The same for a parameter or slot of a model, as `--set` and the keywords of the Python API name it."""
    lower = word.lower()
    if name := translate(lower, parameters.SETTINGS, names) or translate(lower, parameters.PARAMETERS, names):
        return Answer(f"`{word}` is called `{name}` here", name)
    return Answer(parameters.NO_WEIGHTS) if lower in parameters.NEEDLESS[parameters.NO_WEIGHTS].split() else None


def find_slot(word: str, slots: Collection[str]) -> Answer | None:
    """What the slot is called here that `set` calls by the word of another library."""
    name = translate(word, parameters.PARAMETERS, slots)
    return Answer(f"`{word}` is called `{name}` here", name) if name else None


def find_type(word: str, types: Collection[str]) -> Answer | None:
    """What the type is called here that other languages call `word`."""
    name = translate(word, parameters.TYPES_ELSEWHERE, types)
    return Answer(f"`{word}` is called `{name}` here", name) if name else None


def find_field(word: str, fields: Collection[str]) -> Answer | None:
    """What the field of a tensor is called here that other libraries call `word`."""
    name = translate(word, parameters.FIELDS, fields)
    if name:
        return Answer(f"`{word}` is called `{name}` here", name)
    if "channels" not in fields or "shape" in fields:
        return None
    if word in parameters.SIZES:
        return Answer(parameters.NO_SIZES)
    if word in PRIMITIVES:
        return Answer(f"apply a layer with a pipe: `in |> {word}`")
    layer = find_layer(word)
    return Answer(f"apply a layer with a pipe: {layer.help}") if layer is not None else None


def find_figure(word: str) -> Answer | None:
    """What the figure is called here that a claim asks for."""
    name = translate(word.lower(), parameters.FIGURES, parameters.FIGURES)
    return Answer(f"`{word}` is called `{name}` here", name) if name else None
