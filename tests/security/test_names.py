"""S1: every word of Python and torch as every kind of name is refused where it stands, or harmless in what is made."""

import builtins
import keyword
import re

import pytest
import torch
from torch import nn

from resnetc.compiler.codegen.naming import class_name
from resnetc.compiler.codegen.render import list_module_globals
from resnetc.compiler.driver.session import Session
from resnetc.compiler.names import reserved
from resnetc.compiler.source import Source, Span
from resnetc.testing.torch_module import module_of
from tests.support import open_session

SEQUENCES = {*dir(nn.Sequential), *dir(nn.ModuleList), *dir(nn.ModuleDict)}
OWN = {
    "T",
    "F",
    "nn",
    "torch",
    "x",
    "h",
    "w",
    "build",
    "named",
    "tensor",
    "args",
    "kwargs",
    "cls",
    "typing",
    "math",
    "m",
}
MODULE = {*list_module_globals(), *keyword.kwlist}  # what a generated file has besides its network
EVERY = sorted({*MODULE, *keyword.kwlist, *keyword.softkwlist, *dir(builtins), *dir(nn.Module()), *SEQUENCES, *OWN})
WORDS = [word for word in EVERY if not word.startswith("_")] + ["__init__", "__class__", "_"]
# Names whose class has the very spelling of one in the file: by their own words, or as a comment writes them.
CLASSES = sorted(word for word in MODULE if word[0].isupper())
FOLDED = sorted({f"{w}_" for w in CLASSES} | {re.sub("(?<=[a-z])(?=[A-Z])", "_", w).lower() + "_" for w in CLASSES})
COMMENTED = sorted({w.lower().replace("_", "") + "_" for w in CLASSES})
COMMENT = f"/// {' '.join(CLASSES)}\n"
HELPERS = (
    "plain_conv(8, kernel=3) |> std_conv(8, kernel=1) |> evo_norm_s0(groups=2) |> response_norm |> pad_channels(16)"
    " |> blur_pool(3, stride=1) |> drop_path(1 / 2) |> subsample(2) |> regroup(2, 2)"
    " |> entry_: (identity |> key_: conv(8, kernel=1))"
)
REFUSALS = {"E0104", "E0201", "E0244", "E0246", "E0247"}
MODEL = (
    "model {name}({parameters}) {{\n  {before}input [3, {size}, W] = [3, 9, 9]\n"
    "  stem = {stem}\n{stages}  head = {head}\n}}\n"
)


def model(name="net", parameters="", before="", size="H", stem="identity", stages="", head="global_avg_pool"):
    return MODEL.format(name=name, parameters=parameters, before=before, size=size, stem=stem, stages=stages, head=head)


def stages(blocks: list[str]) -> str:
    return "".join(f"  stage stage{i}_ = 1 of {block}\n" for i, block in enumerate(blocks))


def of_blocks(text: str, names: list[str]) -> str:
    """A block for every name, with `{n}` for the name, in one model."""
    blocks = "".join(f"block unit{i}_() {{\n{text.replace('{n}', n)}}}\n" for i, n in enumerate(names))
    return blocks + model(stages=stages([f"unit{i}_" for i in range(len(names))]))


def parameters(names: list[str], kind: str = "block") -> str:
    if kind == "block":
        blocks = "".join(
            f"block unit{i}_({n}: int) {{\n  out = in |> conv({n}, kernel=3)\n}}\n" for i, n in enumerate(names)
        )
        return blocks + model(stages=stages([f"unit{i}_(4)" for i in range(len(names))]))
    return "".join(model(f"net{i}_", f"{n}: int = 4", stem=f"conv({n}, kernel=3)") for i, n in enumerate(names))


KINDS = {
    "model": lambda names: "".join(model(name, stem="conv(4, kernel=1)") for name in names),
    "block": lambda names: (
        "".join(f"block {n}() {{\n  out = in |> conv(4, kernel=1) |> norm\n}}\n" for n in names)
        + model(stages=stages(names))
    ),
    "policy": lambda names: (
        "".join(f"policy {n}() {{\n  otherwise => conv(4, kernel=1) |> norm\n}}\n" for n in names)
        + model(stages=stages(names))
    ),
    "an unlabelled block": lambda names: (
        "".join(f"block {n}() {{\n  out = in |> conv(4, kernel=1)\n}}\n" for n in names)
        + "".join(model(f"net{i}_", stem=n) for i, n in enumerate(names))
    ),
    "slot": lambda names: (
        "".join(f'slot {n}() "role#" = norm\n' for n in names) + model(stages=stages([f"(act |> {n})" for n in names]))
    ),
    "attribute": lambda names: (
        "".join(f'slot slot{i}_() "{n}" = norm\n' for i, n in enumerate(names))
        + "".join(model(f"net{i}_", stem=f"slot{i}_") for i in range(len(names)))
    ),
    "parameter": parameters,
    "model's parameter": lambda names: parameters(names, "model"),
    "number": lambda names: of_blocks("  let {n} = 4\n  out = in |> conv({n}, kernel=1)\n", names),
    "tensor": lambda names: of_blocks("  let {n} = in |> norm |> act\n  out = {n} + in\n", names),
    "loop variable": lambda names: of_blocks(
        "  each {n} in [0, 1] {\n    let y[{n}] = in |> conv(4 + {n}, kernel=1)\n  }\n  out = y |> concat\n", names
    ),
    "label": lambda names: of_blocks("  out = in |> {n}: conv(4, kernel=1) |> norm\n", names),
    "label in a sequence": lambda names: of_blocks("  out = in |> a: ({n}: conv(4, kernel=1) |> norm)\n", names),
    "label in a path": lambda names: of_blocks("  out = in |> {n}.a: norm |> b.{n}: norm\n", names),
    "stage": lambda names: model(stages="".join(f"  stage {n} = 1 of conv(4, kernel=1)\n" for n in names)),
    "size": lambda names: "".join(model(f"net{i}_", size=n) for i, n in enumerate(names)),
}


def holds(session: Session, networks: list) -> None:
    """Every network has the module that was proved: it builds, runs, and says what it is made from."""
    for checked in networks:
        source = session.render(checked)
        module = module_of(source)
        with torch.no_grad():
            module(torch.zeros(2, 3, 9, 9))
        buffers = [name for name, _ in module.named_buffers() if not name.endswith(".filter")]
        assert len(module.state_dict()) == len(dict(module.named_parameters())) + len(buffers)
        namespace = type(module).__init__.__globals__
        assert (namespace["SPEC"], namespace["INPUT_SHAPE"]) == ("standard input", (3, 9, 9))
        assert namespace["COMPILER"].startswith("resnetc ") and len(namespace["SPEC_SHA256"]) == 64
        classes = [line for line in source.splitlines() if line.startswith(("class ", "def "))]
        assert len(classes) == len({re.split(r"[ (]", line)[1] for line in classes})


@pytest.mark.parametrize("kind", KINDS)
def test_a_word_of_python_or_torch_as_a_name(kind):
    """All words at once: some are refused, each at its own place; a second text with the others compiles and builds."""
    write = KINDS[kind]
    refused: dict[str, str] = {}
    remedies: dict[str, None] = {}
    left = [*WORDS]
    for _ in range(30):  # an item that is refused hides what else is wrong in it; fifty faults of a kind are told
        text = "edition 1\n" + write(left)
        session = open_session(text)
        networks = session.compile_networks()
        found = session.sink.diagnostics
        if not found:
            break
        for diagnostic in found:
            span = diagnostic.primary.span
            assert 0 <= span.start < span.end <= len(text)
            refused.setdefault(span.text.strip('"'), diagnostic.code)
            if diagnostic.code == "E0246":
                remedies[re.search("`(.+)`", diagnostic.helps[0])[1]] = None
        assert set(refused.values()) <= REFUSALS, {n: c for n, c in refused.items() if c not in REFUSALS}
        assert set(refused) & set(left), [d.message for d in found]
        left = [n for n in left if n not in refused]
    assert not session.sink.diagnostics, [d.message for d in session.sink.diagnostics]
    assert left, "no word is a name"
    assert {n for n in refused if n.isidentifier()} <= set(WORDS)
    holds(session, networks)
    assert remedies or kind == "size"
    session = open_session("edition 1\n" + write([*remedies] or ["any"]))
    networks = session.compile_networks()
    assert not session.sink.diagnostics, [d.message for d in session.sink.diagnostics]
    holds(session, networks)


@pytest.mark.parametrize("kind", reserved.FOR)
def test_no_name_opens_with_an_underscore(kind):
    source = Source("net.resnet", "name")
    words = [word for word in EVERY if word.startswith("_")]
    assert len(words) > 50
    assert all(reserved.check_name(word, kind, Span(source, 0, 4)) is not None for word in words)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("word", ["class", "None", "lambda"])
def test_a_word_of_python_is_no_name(kind, word):
    session = open_session("edition 1\n" + KINDS[kind]([word]))
    session.compile_networks()
    assert session.sink.failed or kind == "size"  # the sizes of an input are in comments alone


WITH_HELPERS = {
    "model": lambda names, doc: "".join(doc + model(name, stem=HELPERS) for name in names),
    "block": lambda names, doc: (
        "".join(f"{doc}block {n}() {{\n  out = in |> conv(4, kernel=1)\n}}\n" for n in names)
        + model(stages=stages(names), stem=HELPERS)
    ),
    "policy": lambda names, doc: (
        "".join(f"{doc}policy {n}(w: int) {{\n  otherwise => conv(w, kernel=1) |> norm\n}}\n" for n in names)
        + "".join(f"block unit{i}_(w: int) {{\n  out = in |> {n}(w)\n}}\n" for i, n in enumerate(names))
        + model(stages=stages([f"unit{i}_({w})" for i in range(len(names)) for w in (4, 6)]), stem=HELPERS)
    ),
    "parameter": lambda names, doc: (
        f"{doc}block unit_(w: int) {{\n  out = in |> conv(w, kernel=1)\n}}\n"
        + "".join(f"block outer{i}_({n}: int) {{\n  out = in |> unit_({n})\n}}\n" for i, n in enumerate(names))
        + model(stages=stages([f"outer{i}_({w})" for i in range(len(names)) for w in (4, 6)]), stem=HELPERS)
    ),
    "stage": lambda names, doc: (
        "block unit_() {\n  let y = in |> conv(4, kernel=1)\n  out = [in, y] |> concat |> conv(4, kernel=1)\n}\n"
        + model(stem=HELPERS, head="none", stages="".join(f"  stage {n} = 1 of unit_\n" for n in names))
    ),
}


# Names that stay as they are, and are not refused.
EXACT = {
    "policy": ["BlurPool2d", "SPEC", "COMPILER", "INPUT_SHAPE", "named"],
    "parameter": ["Unit", "named", "SPEC"],
    "stage": ["self", "torch", "class_"],
}


@pytest.mark.parametrize("doc", ["", COMMENT], ids=["folded", "commented"])
@pytest.mark.parametrize("kind", WITH_HELPERS)
def test_a_name_that_would_become_one_of_the_file(kind, doc):
    """Beside every helper, a class, function or variable whose spelling the file has already is another one."""
    names = COMMENTED if doc else FOLDED
    names = [*names, *EXACT.get(kind, [])]
    made = {class_name(name, doc) for name in names}
    assert made >= {word for word in CLASSES if "_" not in word}
    session = open_session("edition 1\n" + WITH_HELPERS[kind](names, doc))
    networks = session.compile_networks()
    assert not session.sink.diagnostics, [d.message for d in session.sink.diagnostics]
    assert len(networks) == (len(names) if kind == "model" else 1)
    holds(session, networks)
