"""Whole calls of other libraries, with their arguments, and how the same is written here."""

from __future__ import annotations

import re

from resnetc.compiler.source import find_close, split_arguments
from resnetc.compiler.vocabulary.answers import Answer, find_layer, simplify, translate
from resnetc.compiler.vocabulary.parameters import NEEDLESS, PARAMETERS
from resnetc.grammar.primitives import PRIMITIVES

MAX_CALL = 400  # characters of a call that is translated
CALLS = {  # what the arguments of a call by position are; `-` has no counterpart
    "Conv2d": ("conv", "- channels kernel stride padding dilation groups bias"),
    "Conv2D": ("conv", "channels kernel stride padding"),
    "StdConv2d": ("std_conv", "- channels kernel stride padding dilation groups bias eps"),
    "ScaledStdConv2d": ("std_conv", "- channels kernel stride padding dilation groups bias gamma eps gain"),
    "Linear": ("linear", "- features bias"),
    "Dense": ("linear", "features"),
    "MaxPool2d": ("max_pool", "kernel stride padding"),
    "MaxPooling2D": ("max_pool", "kernel stride padding"),
    "MaxPool2D": ("max_pool", "kernel stride padding"),
    "AvgPool2d": ("avg_pool", "kernel stride padding"),
    "AveragePooling2D": ("avg_pool", "kernel stride padding"),
    "Dropout": ("dropout", "rate"),
    "LayerNorm": ("layer_norm", "- eps"),
    "LayerNorm2d": ("layer_norm", "- eps"),
    "RMSNorm": ("rms_norm", "- eps"),
    "InstanceNorm2d": ("instance_norm", "- eps momentum affine"),
    "GlobalResponseNorm": ("global_response_norm", "- eps"),
    "BatchNorm2d": ("norm", "- eps momentum affine"),
    "PReLU": ("prelu", "shared slope"),
    "ELU": ("elu", "alpha"),
    "Hardtanh": ("clip", "low high"),
    "GroupNorm": ("group_norm", "groups -"),
    "ZeroPad2d": ("constant_pad", "amount"),
    "ZeroPadding2D": ("constant_pad", "amount"),
}
LEFT_OUT = {  # layers that no argument is needed for, and arguments that they have without being told
    "norm": {"eps": "1e-5", "momentum": "0.1", "affine": "true"},
    "layer_norm": {"eps": "1e-6"},
    "rms_norm": {"eps": "1e-6"},
    "instance_norm": {"eps": "1e-5", "momentum": "0.1", "affine": "false"},
    "global_response_norm": {"eps": "1e-6"},
    "prelu": {"shared": "false", "slope": "0.25"},
}
SET = {"ScaledStdConv2d": {"scaled": "true", "bias": "true"}}  # arguments that a class stands for by its name
DEFAULTS = {"stride": "1", "dilation": "1", "groups": "1", "bias": "false"}
UNUSED = frozenset(word for words in NEEDLESS.values() for word in words.split()) - {"activation"}
OVER_CHANNELS = dict.fromkeys(("mean", "reducemean", "avg"), "channel_mean") | dict.fromkeys(
    ("max", "amax", "reducemax"), "channel_max"
)
SPLITS = ("split", "splitwithsizes", "chunk")
JOINED = {"add": " + ", "multiply": " * ", "mul": " * "}
NUMBER = re.compile("[0-9]{1,9}")
PAIR = re.compile(r"[(\[]\s*(\d+)\s*,\s*(\d+)\s*,?\s*[)\]]")
PLAIN = re.compile(r"[\w.+\-*/ \[\],()|>=]+")  # what may stand in a call here


def translate_value(value: str) -> str:
    """A value as it is written here: `(3, 3)` is 3 for both axes."""
    pair = PAIR.fullmatch(value)
    if pair is not None:
        return pair[1] if pair[1] == pair[2] else f"[{pair[1]}, {pair[2]}]"
    return {"True": "true", "False": "false", "None": "none"}.get(value, value)


def write_layer(word: str, arguments: list[tuple[str, str]]) -> str:
    """The layer of a call, or nothing where an argument is not understood."""
    name, parameters = CALLS[word]
    order = parameters.split()
    here = ["channels", "features", "kernel", "rate", "amount", "stride", "padding", "dilation", "groups", "bias"]
    here += ["alpha", "low", "high", "scaled", "gamma", "eps", "momentum", "gain", "affine", "shared", "slope"]
    values = dict(SET.get(word, {}))
    behind = ""
    for at, (key, value) in enumerate(arguments):
        parameter = key and (key if key in here else translate(key, PARAMETERS, here if name == "conv" else order))
        if key == "activation":
            behind = "" if "softmax" in value else " |> act"
        elif not key and at < len(order):
            values[order[at]] = translate_value(value)
        elif parameter:
            values[parameter] = translate_value(value)
        elif key not in UNUSED:
            return ""
    values.pop("-", None)
    if "kernel" in values:
        write_window(name, values)
    if name == "prelu":  # a number of slopes: one for all, or one for each channel
        values["shared"] = "true" if values.get("shared", "1") == "1" else "false"
    if name == "conv" and ("padding" in values or values.get("bias") == "true"):
        name = "plain_conv"
    keeps_bias = name == "linear"
    usual = DEFAULTS | LEFT_OUT.get(name, {})
    stated = {key: v for key, v in values.items() if usual.get(key) != v or (keeps_bias and key == "bias")}
    if name in LEFT_OUT:
        name = "batch_norm" if name == "norm" and stated else name
        return f"{name}({', '.join(f'{key}={stated[key]}' for key in here if key in stated)})" if stated else name
    first = next((parameter for parameter in order if parameter != "-"), "")
    if not first or first not in stated:
        return ""
    rest = [f"{key}={stated[key]}" for key in here if key in stated and key != first]
    written = f"{name}({', '.join([stated[first], *rest])}){behind}"
    return written if PLAIN.fullmatch(written) else ""


def write_split(plain: str, arguments: list[tuple[str, str]]) -> str:
    """The parts of a tensor: of a list of sizes, or as many as `chunk` says. A number may be a size elsewhere."""
    values = [value for key, value in arguments if key not in UNUSED]
    if len(values) not in (2, 3) or (len(values) == 3 and values[2] != "1"):
        return ""
    tensor, parts = values[0], values[1].replace("(", "[").replace(")", "]")
    if not (parts.startswith("[") or (plain == "chunk" and NUMBER.fullmatch(parts))) or not PLAIN.fullmatch(tensor):
        return ""
    return f"{tensor} |> split({parts})" if PLAIN.fullmatch(parts) else ""


def write_window(name: str, values: dict[str, str]) -> None:
    """The padding of a window, 0 elsewhere unless it is said, and the stride of a pool, elsewhere its kernel."""
    kernel, padding = values["kernel"], values.get("padding", "0").strip("\"'").lower()
    padding = "0" if padding == "valid" else padding
    if name == "std_conv" and "padding" not in values:
        padding = "same"
    if name not in ("conv", "std_conv"):
        values.setdefault("stride", kernel)
    values.pop("padding", None)
    if padding != "same" and padding != compute_same_padding(kernel, values.get("dilation", "1")):
        values["padding"] = padding


def compute_same_padding(kernel: str, dilation: str) -> str:
    """The padding with which a stride of 1 keeps a map; nothing where the numbers are not written out."""
    if not (NUMBER.fullmatch(kernel) and NUMBER.fullmatch(dilation)):
        return ""
    return str((int(kernel) - 1) // 2 * int(dilation))


def find_call(word: str, before: str, behind: str) -> Answer | None:
    """What to write for a call of another library; `behind` opens with its bracket."""
    end = find_close(behind, 0, MAX_CALL) if behind.startswith("(") else 0
    if not end:
        return None
    arguments = split_arguments(behind[1 : end - 1])
    tensors: list[tuple[str, str]] = []
    if behind[end : end + 1] == "(" and (last := find_close(behind, end, MAX_CALL)):
        tensors, end = split_arguments(behind[end + 1 : last - 1]), last
    written = write(word, arguments, tensors)
    if not written:
        return None
    follows, leads = behind[end : end + 80].lstrip(), before.rstrip()
    loose = (" + " in written or " * " in written) and follows.startswith("|>")
    if ("|>" in written and follows[:1] in ("+", "-", "*", "/")) or loose or not leads.endswith(("=", "|>")):
        written = f"({written})" if " " in written and ("|>" in written or " + " in written) else written
    why = ": input channels are inferred" if CALLS.get(word, ("", ""))[1].startswith("-") else ""
    return Answer(f"`{word}` is written `{written}` here{why}", written, length=end)


def write(word: str, arguments: list[tuple[str, str]], tensors: list[tuple[str, str]]) -> str:
    """What is written here for a layer with its arguments, and for what it is applied to."""
    positional = [value for key, value in arguments if not key]
    applied = [value for key, value in tensors if not key]
    plain = simplify(word)
    if plain.startswith("adaptive") and any(set(value) - set("(1, )") for _, value in arguments):
        return ""  # over a part of the map
    if plain == "sequential":
        return " |> ".join(positional) if len(positional) == len(arguments) > 1 else ""
    listed = (applied or positional)[0] if applied or positional else ""
    if plain in ("cat", "concat", "concatenate") and listed.startswith(("[", "(")):
        return f"[{listed[1:-1].strip().rstrip(',')}] |> concat"
    if plain in JOINED:
        parts = [value for _, value in split_arguments(listed[1:-1])] if listed.startswith(("[", "(")) else positional
        return JOINED[plain].join(parts) if len(parts) > 1 else ""
    if (over := OVER_CHANNELS.get(plain)) and (arguments_by_name := dict(arguments)):
        axes = [arguments_by_name.get("dim", ""), arguments_by_name.get("axis", ""), *positional[1:2]]
        if {"1", "-1"} & {*axes}:
            return f"{positional[0]} |> {over}" if positional and PLAIN.fullmatch(positional[0]) else over
    if plain in SPLITS:
        return write_split(plain, arguments)
    if word in CALLS:
        layer = write_layer(word, arguments)
    else:
        answer = find_layer(word)
        layer = answer.name if answer is not None else ""
        primitive = PRIMITIVES.get(layer)
        if primitive is not None and any(parameter.default is None for parameter in primitive.parameters):
            return ""
        if word.islower() and positional and re.match(r"[A-Za-z_(]", positional[0]) and layer and not applied:
            applied = positional[:1]
    if not layer or len(applied) > 1:
        return layer if not applied else ""
    if not applied:
        return layer
    tensor = f"({applied[0]})" if re.search(r" [+*] ", applied[0]) else applied[0]
    return f"{tensor} |> {layer}"
