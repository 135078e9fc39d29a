"""Every diagnostic code has its row in the table of docs/errors, and a spec in tests/ui that brings it about."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODE = re.compile(r"[EW]\d{4}")


def used() -> set[str]:
    """The codes that stand in the compiler as texts of their own."""
    trees = [ast.parse(path.read_bytes()) for path in (ROOT / "compiler").rglob("*.py")]
    texts = {
        n.value for tree in trees for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)
    }
    return {text for text in texts if CODE.fullmatch(text)}


def titles() -> list[tuple[str, str]]:
    table = (ROOT / "docs" / "errors" / "README.md").read_text(encoding="utf-8")
    return re.findall(r"^\| `([EW]\d{4})` \| (.+) \|$", table, re.MULTILINE)


def test_every_code_has_one_title_and_every_title_its_own_code():
    codes, names = zip(*titles(), strict=True)
    assert list(codes) == sorted(used())
    assert len(set(names)) == len(names)


def test_every_code_has_a_case_in_ui():
    outputs = [*(ROOT / "tests" / "ui").rglob("*stderr"), *(ROOT / "tests" / "ui").rglob("*stdout")]
    shown = {code for path in outputs for code in CODE.findall(path.read_text(encoding="utf-8"))}
    assert sorted(used() - shown) == []
