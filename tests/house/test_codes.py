"""Every code has a title, a page, a spec in tests/ui that brings it about, and tells the author what to write."""

import ast
import json
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = re.compile(r"[EW]\d{4}")
BLOCK = re.compile(r"^(?:error|warning)\[([EW]\d{4})\]: .*(?:\n.+)*", re.MULTILINE)
OUTPUTS = sorted(path for name in ("stderr", "stdout") for path in (ROOT / "tests" / "ui").rglob(f"*{name}"))

# The headline (`expected A or B, found C`) or a note lists all that could stand there; one is picked where it is known.
LISTING = {"E0101", "E0111", "E0241"}


@cache
def trees() -> list[ast.Module]:
    return [ast.parse(path.read_bytes()) for path in (ROOT / "compiler").rglob("*.py")]


@cache
def used() -> set[str]:
    """The codes that stand in the compiler as texts of their own."""
    nodes = (node for tree in trees() for node in ast.walk(tree))
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return {text for text in texts if CODE.fullmatch(text)}


def titles() -> list[tuple[str, str]]:
    table = (ROOT / "docs" / "errors" / "README.md").read_text(encoding="utf-8")
    return re.findall(r"^\| `([EW]\d{4})` \| (.+) \|$", table, re.MULTILINE)


@cache
def recorded() -> list[tuple[Path, str, list[str]]]:
    """Every diagnostic in the recorded outputs: its file, its code, its helps."""
    found = []
    for path in OUTPUTS:
        text = path.read_text(encoding="utf-8")
        found += [
            (path, block[1], re.findall(r"^ += help: (.*)", block[0], re.MULTILINE)) for block in BLOCK.finditer(text)
        ]
        lines = [json.loads(line) for line in text.splitlines() if line.startswith('{"code":')]
        found += [(path, line["code"], line["helps"]) for line in lines]
    return found


@cache
def helps_in_sources() -> list[tuple[str, str, list[str] | None]]:
    """Every `Diagnostic(...)` in the compiler: its function, its code, the texts of its helps (`{}` for a value).

    Helps that come from elsewhere have no texts; where there are none at all it is None.
    """
    found = []
    for tree in trees():
        for function in ast.walk(tree):
            if not isinstance(function, ast.FunctionDef):
                continue
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and ast.unparse(call.func) == "Diagnostic" and call.args:
                    code = call.args[0]
                    assert isinstance(code, ast.Constant), f"{function.name}: a code stands where it is reported"
                    given = next((k.value for k in call.keywords if k.arg == "helps"), None)
                    found.append((function.name, code.value, texts(given, function) if given is not None else None))
    return found


def texts(node: ast.AST, function: ast.FunctionDef) -> list[str]:
    """The texts in an expression, and in what is assigned to the names in it."""
    if isinstance(node, ast.JoinedStr):
        return ["".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)]
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, ast.Name):
        values = [
            n.value for n in ast.walk(function) if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == node.id
        ]
        return [text for value in values for text in texts(value, function)]
    if isinstance(node, ast.Compare):
        return []
    return [text for child in ast.iter_child_nodes(node) for text in texts(child, function)]


def shared(helps: list[tuple[str, str]]) -> dict[str, set[str]]:
    """The texts that more than one code has."""
    codes = defaultdict(set)
    for code, text in helps:
        codes[text].add(code)
    return {text: found for text, found in codes.items() if len(found) > 1}


def test_every_code_has_one_title_and_every_title_its_own_code():
    codes, names = zip(*titles(), strict=True)
    assert list(codes) == sorted(used())
    assert len(set(names)) == len(names)


def test_every_code_has_a_case_in_ui():
    shown = {code for path in OUTPUTS for code in CODE.findall(path.read_text(encoding="utf-8"))}
    assert sorted(used() - shown) == []


def test_every_diagnostic_says_what_to_write():
    assert [(name, code) for name, code, helps in helps_in_sources() if helps is None and code not in LISTING] == []
    without = [(path.name, code) for path, code, helps in recorded() if not helps and code not in LISTING]
    assert without == []


def test_a_code_is_reported_by_one_function():
    functions = defaultdict(set)
    for name, code, _ in helps_in_sources():
        functions[code].add(name)
    assert {code: names for code, names in functions.items() if len(names) > 1} == {}


def test_two_codes_never_share_a_help():
    assert shared([(code, text) for _, code, helps in recorded() for text in helps]) == {}
    sentences = [(code, text) for _, code, helps in helps_in_sources() for text in helps or () if text.count(" ") > 1]
    assert shared(sentences) == {}


@pytest.mark.parametrize("question", ["did you mean", "illegal", "invalid", "?"])
def test_no_help_asks_or_scolds(question):
    assert [
        (code, text) for _, code, helps in helps_in_sources() for text in helps or () if question in text.lower()
    ] == []
