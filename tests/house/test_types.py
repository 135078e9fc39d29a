"""Types say what a value is: `Any` is rare, and in the runtime every one of them says why it is there."""

import io
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PER_THOUSAND_LINES = {  # how often `Any` may occur; lower a number where it has become too high, never raise one
    "runtime": 2.0,
    "src/resnetc/cli": 2.0,
    "compiler": 0.2,
}


def lines_with_any(text: str) -> list[tuple[int, str]]:
    """The lines on which `Any` stands in code, imports left out, with the comment at the end of each."""
    tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    imports = {token.start[0] for token in tokens if token.type == tokenize.NAME and token.string == "import"}
    comments = {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}
    lines = [token.start[0] for token in tokens if token.type == tokenize.NAME and token.string == "Any"]
    return [(line, comments.get(line, "")) for line in lines if line not in imports]


@pytest.mark.parametrize("folder", PER_THOUSAND_LINES)
def test_any_is_rare(folder: str) -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in sorted((ROOT / folder).rglob("*.py"))}
    places = [(path, *place) for path, text in texts.items() for place in lines_with_any(text)]
    total = sum(text.count("\n") for text in texts.values())
    assert total > 1000
    assert 1000 * len(places) / total <= PER_THOUSAND_LINES[folder], [f"{path}:{line}" for path, line, _ in places]
    assert [f"{path}:{line}" for path, line, comment in places if "Any: " not in comment] == []


def test_any_is_counted_where_it_is_code() -> None:
    text = 'from typing import Any\nx: dict[str, Any] = {}  # Any: torch says no more\ny = "Any"\nz: Any = Any\n'
    assert lines_with_any(text) == [(2, "# Any: torch says no more"), (4, ""), (4, "")]


IGNORED = re.compile(r"# type: ignore(?!\[[\w, -]+\]  # \w)")


def test_what_the_type_checker_is_not_asked_has_a_reason_beside_it() -> None:
    roots = [ROOT / folder for folder in ("compiler", "grammar", "runtime", "src/resnetc")]
    texts = {path: path.read_text(encoding="utf-8").split("\n") for root in roots for path in root.rglob("*.py")}
    assert sum("# type: ignore" in line for lines in texts.values() for line in lines) > 10
    places = [(path, n) for path, lines in texts.items() for n, line in enumerate(lines, 1) if IGNORED.search(line)]
    assert [f"{path.relative_to(ROOT)}:{n}" for path, n in places] == []


def test_a_type_that_is_ignored_without_a_reason_is_seen() -> None:
    assert IGNORED.search("f(x)  # type: ignore") and IGNORED.search("f(x)  # type: ignore[arg-type]")
    assert not IGNORED.search("f(x)  # type: ignore[arg-type, misc]  # torch says no more")
