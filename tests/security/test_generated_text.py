"""S2-S5, S18: what a spec says in words is data in what is made of it: no code, no template, no terminal command."""

import ast
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import StrictUndefined, nodes

from resnetc.compiler.codegen.render import make_environment
from resnetc.compiler.diagnostics import render
from resnetc.views import mermaid as views_mermaid
from resnetc.views import svg as views_svg
from tests.support import open_session

ROOT = Path(__file__).parents[2]
TEMPLATES = sorted((ROOT / "compiler" / "codegen" / "templates").glob("*.j2"))
FILTERS = {"literal", "name", "comment", "line", "verbatim"}
SPEC = """edition 1

/// {doc}
block unit(width: int) {{
  require width < 99 otherwise "{said}"
  let part = in |> conv(width, kernel=1)
  out = part |> norm
}}

/// {doc}
model net(width: int = {width}, mode: string = "{said}") {{
  input [3, H] = [3, 9]
  stem = identity
  stage layer1 = 2 of unit(width)
  head = global_avg_pool |> linear(2)
  expect width < 200 otherwise "{said}"
}}
"""
CODE = [
    *("{{ 7*7 }}", "{% for x in y %}", "{#", "{{ cycler.__init__.__globals__.os }}", "%s {0} {x!r} $HOME `id`"),
    *('""" + __import__("os").getcwd() + """', "'''", '"', '""', '"""', '\\"""', "\\", "\\N{BULLET} \\x00 \\u0041"),
    *("# type: ignore", "y" * 84 + " # coding=utf-7 +ACIAIgAi-", "-*- coding: utf-7 -*-", "\x0c import os", "*/ //"),
    *("\u2028import os", "\u0085import os", "\x1b]0;title\x07", "\x1b[31m", "<script>alert(1)</script>", "=cmd()|x"),
    *(
        "]]>",
        "<!--",
        "&lt;",
        "\ufeff",
        "\u200b",
        "é" * 200,
        '"' * 50,
        "\r",
        "\ud800".encode("utf-8", "replace").decode(),
    ),
]
NODES = {
    *("Module", "Expr", "Constant", "ImportFrom", "Import", "alias", "Assign", "Name", "Store", "Load", "ClassDef"),
    *("Attribute", "FunctionDef", "arguments", "arg", "Call", "keyword", "Return", "BinOp", "Add", "Mult", "Tuple"),
    *("For", "If", "Dict", "Subscript", "List", "UnaryOp", "USub", "Starred", "Slice", "Compare", "BoolOp"),
}


def harmless(source: str, plain: str) -> None:
    """The text has the code of a text without words, in equal lines, and no character that is not seen."""
    assert "\r" not in source and source.splitlines() == source.removesuffix("\n").split("\n")
    assert all(c.isprintable() or c == "\n" for c in source)
    trees = [ast.parse(text.encode()) for text in (source, plain)]
    assert {type(n).__name__ for n in ast.walk(trees[0])} <= NODES | {type(n).__name__ for n in ast.walk(trees[1])}
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
                node.body = node.body[1:] or [ast.Pass()]
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "SPEC_SHA256":
                node.value = ast.Constant("")
    assert ast.dump(trees[0]) == ast.dump(trees[1])


def plain(width: int = 4) -> str:
    session = open_session(SPEC.format(doc="", said="", width=width))
    (checked,) = session.compile_networks()
    return session.render(checked)


def spec(words: str, width: int = 4) -> str:
    return SPEC.format(doc=re.sub(r"[\n\r]", " ", words), said=re.sub(r'["\n\r]', " ", words), width=width)


@pytest.mark.parametrize("words", CODE, ids=range(len(CODE)))
def test_words_that_would_be_code_elsewhere_change_no_code(words):
    session = open_session(spec(words))
    made = session.compile_networks()
    assert [d.code for d in session.sink.diagnostics] == []
    harmless(session.render(made[0]), plain())


@settings(max_examples=60)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_no_words_change_code(words):
    session = open_session(spec(words))
    made = session.compile_networks()
    if session.sink.diagnostics:
        assert {d.code for d in session.sink.diagnostics} <= {"E0109", "E0502"}
    else:
        harmless(session.render(made[0]), plain())


@pytest.mark.parametrize("words", CODE, ids=range(len(CODE)))
@pytest.mark.parametrize("format", ["human", "json", "github"])
def test_a_message_is_no_command_to_a_terminal(words, format):
    """S18: a requirement's own words, and the lines of the source beside them."""
    session = open_session(spec(words, width=100))
    session.compile_networks()
    found = session.sink.diagnostics
    assert [d.code for d in found] == ["E0401"]
    write = {"human": lambda: render.format_for_people(found, color=False), "json": lambda: render.format_json(found)}
    out = write.get(format, lambda: render.format_for_github(found))()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u200b\ufeff]", out)
    if format == "github":
        assert all(line.startswith("::error file=") for line in out.splitlines())


@pytest.mark.parametrize("words", CODE, ids=range(len(CODE)))
def test_words_are_no_markup_of_a_picture(words):
    made = open_session(spec(words)).compile_networks()
    svg, mermaid = views_svg.svg(made[0]), views_mermaid.mermaid(made[0])
    assert "<script" not in svg and "<script" not in mermaid
    from xml.etree import ElementTree

    ElementTree.fromstring(svg)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_every_value_in_a_template_passes_a_filter(template):
    """The last filter of each `{{ }}` is one of those that check or quote; only `verbatim` takes what they made."""
    tree = make_environment().parse(template.read_text(encoding="utf-8"))
    outputs = [
        n for output in tree.find_all(nodes.Output) for n in output.nodes if not isinstance(n, nodes.TemplateData)
    ]
    assert outputs
    assert [n for n in outputs if not (isinstance(n, nodes.Filter) and n.name in FILTERS)] == []


def test_what_a_template_does_not_know_is_an_error():
    assert make_environment().undefined is StrictUndefined


@pytest.mark.parametrize(
    "filter, value", [("name", "a b"), ("name", "x);import os"), ("line", "a\nb"), ("line", "a\u2028b")]
)
def test_a_filter_refuses_what_is_none(filter, value):
    with pytest.raises(AssertionError):
        make_environment().filters[filter](value)


def test_no_module_of_the_product_evaluates_text():
    """S14: no pickle, no `eval` or `exec` in the compiler; `torch.load` in one place, and there of weights only."""
    for path in [*(ROOT / "compiler").rglob("*.py"), *(ROOT / "runtime").rglob("*.py"), *(ROOT / "src").rglob("*.py")]:
        if "testing" in path.relative_to(ROOT).parts:
            continue  # it runs lines of generated modules: that is what it is for
        tree = ast.parse(path.read_bytes())
        calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call)]
        if path == ROOT / "runtime" / "weights" / "torch_file.py":
            load, *others = [n for n in calls if ast.unparse(n.func) == "torch.load"]
            assert not others and "weights_only=True" in map(ast.unparse, load.keywords)
            calls.remove(load)
        called = {ast.unparse(n.func) for n in calls}
        assert not called & {"eval", "torch.load", "pickle.load", "pickle.loads", "yaml.load", "os.system"}, path
        assert "exec" not in called or "compiler" not in path.relative_to(ROOT).parts, path
        imported = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
        assert not imported & {"pickle", "marshal", "shelve"}, path
