"""Until a package index has resnetc, no message or page tells to install it from one."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SAID = {".py", ".md", ".j2", ".toml", ".html", ".yaml"}


def test_nothing_tells_to_install_resnetc_from_an_index() -> None:
    folders = ("compiler", "runtime", "src", "docs", "grammar", "specs")
    paths = [*ROOT.glob("*.md"), *(p for folder in folders for p in (ROOT / folder).rglob("*") if p.suffix in SAID)]
    assert len(paths) > 100
    told = re.compile(r"pip install[^\n]*\bresnetc\b|\bresnetc\[(run|test|dev)")
    assert [str(path) for path in paths if told.search(path.read_text(encoding="utf-8"))] == []
