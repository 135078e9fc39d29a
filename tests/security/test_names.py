"""S1: every word of Python and torch as every kind of name is refused where it stands, or harmless in what is made."""

import builtins
import keyword

import pytest
import torch
from torch import nn

from resnetc.compiler.driver import Session
from resnetc.compiler.names import reserved
from resnetc.compiler.source import Source, Span
from resnetc.testing.real import module_of

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
EVERY = sorted({*keyword.kwlist, *keyword.softkwlist, *dir(builtins), *dir(nn.Module()), *SEQUENCES, *OWN})
WORDS = [word for word in EVERY if not word.startswith("_")] + ["__init__", "__class__", "_"]
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


def compiled(text: str) -> tuple[Session, list]:
    session = Session()
    session.add("-", text.encode())
    return session, session.networks()


@pytest.mark.parametrize("kind", KINDS)
def test_a_word_of_python_or_torch_as_a_name(kind):
    """All words at once: some are refused, each at its own place; a second text with the others compiles and builds."""
    write = KINDS[kind]
    refused: dict[str, str] = {}
    left = [*WORDS]
    for _ in range(30):  # an item that is refused hides what else is wrong in it; fifty faults of a kind are told
        text = "edition 1\n" + write(left)
        session, networks = compiled(text)
        found = session.sink.diagnostics
        if not found:
            break
        for diagnostic in found:
            span = diagnostic.primary.span
            assert 0 <= span.start < span.end <= len(text)
            refused.setdefault(span.text.strip('"'), diagnostic.code)
        assert set(refused.values()) <= REFUSALS, {n: c for n, c in refused.items() if c not in REFUSALS}
        assert set(refused) & set(left), [d.message for d in found]
        left = [n for n in left if n not in refused]
    assert not session.sink.diagnostics, [d.message for d in session.sink.diagnostics]
    assert left, "no word is a name"
    assert {n for n in refused if n.isidentifier()} <= set(WORDS)
    for checked in networks:
        module = module_of(session.render(checked)).eval()
        with torch.no_grad():
            module(torch.zeros(2, 3, 9, 9))
        assert len(module.state_dict()) == len(dict(module.named_parameters())) + len(dict(module.named_buffers()))


@pytest.mark.parametrize("kind", reserved.FOR)
def test_no_name_opens_with_an_underscore(kind):
    source = Source("net.resnet", "name")
    words = [word for word in EVERY if word.startswith("_")]
    assert len(words) > 50
    assert all(reserved.refused(word, kind, Span(source, 0, 4)) is not None for word in words)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("word", ["class", "None", "lambda"])
def test_a_word_of_python_is_no_name(kind, word):
    session, _ = compiled("edition 1\n" + KINDS[kind]([word]))
    assert session.sink.failed or kind == "size"  # the sizes of an input are in comments alone
