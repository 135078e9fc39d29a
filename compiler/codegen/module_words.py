"""What a sequence of modules is in words: `a 1x1 convolution and a norm`."""

from __future__ import annotations

from collections.abc import Hashable

from resnetc.compiler.ir.network import ExpandedBlock, Leaf, Module, Sequence
from resnetc.grammar.primitives import ACTIVATIONS, NORM

MAX_PARTS = 5  # a longer list says no more than the code below it
MAX_CASES = 2  # of which the kernels are told
CONVOLUTIONS = frozenset({"plain_conv", "std_conv"})
WITH_WINDOW = {
    "plain_conv": "convolution",
    "std_conv": "convolution",
    "avg_pool": "average pool",
    "max_pool": "max pool",
}
WORDS = {
    "linear": "a matrix product",
    "blur_pool": "a blur",
    "constant_pad": "a border of one number",
    "pad_channels": "new channels of zeros",
    "subsample": "subsampling",
    "global_avg_pool": "the mean of each channel",
    "global_max_pool": "the maximum of each channel",
    "dropout": "dropout",
    "drop_path": "stochastic depth",
    "flatten": "a vector of all values",
}


def sequences_in_words(group: list[Sequence]) -> str:
    """The modules of a policy, one list for each of its cases; empty where that is no help to a reader."""
    members = [flat(sequence) for sequence in group]
    texts = cases_in_words(members, with_windows=True)
    if len(texts) > MAX_CASES:
        texts = cases_in_words(members, with_windows=False)
    return ", or ".join(texts) if "" not in texts else ""


def cases_in_words(members: list[list[Module]], *, with_windows: bool) -> list[str]:
    """A list of modules for each kind of sequence, each once; empty for what cannot be said or would be long."""
    kinds: dict[Hashable, list[list[Module]]] = {}
    for parts in members:
        kinds.setdefault(tuple(kind(part, with_windows) for part in parts), []).append(parts)
    texts = []
    for alike in kinds.values():
        words = [in_words([modules[i] for modules in alike]) for i in range(len(alike[0]))]
        parts_in_words = [word for word in words if word]
        texts.append(enumerated(parts_in_words) if 0 < len(parts_in_words) <= MAX_PARTS and None not in words else "")
    return list(dict.fromkeys(texts))


def flat(sequence: Sequence) -> list[Module]:
    """The modules of a sequence, and of those in it."""
    out: list[Module] = []
    for _, child in sequence.children:
        out += flat(child) if isinstance(child, Sequence) else [child]
    return out


def kind(module: Module, with_window: bool) -> Hashable:
    """What two modules must share to be told as one."""
    if isinstance(module, Leaf):
        return module.primitive.name, with_window and "kernel" in module.by_name and window(module)
    return module.definition if isinstance(module, ExpandedBlock) else None


def in_words(column: list[Module]) -> str | None:
    """One module of all occurrences; empty for what does nothing, None where there is no word for it."""
    first = column[0]
    if not isinstance(first, Leaf) or first.external is not None:
        return None
    name = first.primitive.name
    if name == "identity":
        return ""
    if name in WITH_WINDOW:
        leaves = [leaf for leaf in column if isinstance(leaf, Leaf)]
        depthwise = name in CONVOLUTIONS and all(
            leaf.get_argument("groups") == leaf.shape_in.channels > 1 for leaf in leaves
        )
        windows = {window(leaf) for leaf in leaves}
        words = ["depthwise" if depthwise else "", windows.pop() if len(windows) == 1 else "", WITH_WINDOW[name]]
        return with_article(" ".join(word for word in words if word))
    if first.primitive.attribute in ACTIVATIONS:
        return "an activation"
    return "a norm" if first.primitive.attribute == NORM else WORDS.get(name)


def window(leaf: Leaf) -> str:
    """`3x3`: the kernel on each axis; empty where there is one axis."""
    kernel = leaf.get_argument("kernel")
    axes = kernel if isinstance(kernel, tuple) else (kernel,) * leaf.shape_in.rank
    return "x".join(map(str, axes)) if len(axes) > 1 else ""


def with_article(words: str) -> str:
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def enumerated(words: list[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
