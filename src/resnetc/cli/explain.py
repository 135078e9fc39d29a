"""`resnetc explain`: the page of a diagnostic code, or the list of all codes."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from resnetc.cli.declaration import Command
from resnetc.compiler import diagnostics
from resnetc.terminal import console

PAGES = Path(diagnostics.__file__).with_name("pages")
ROW = re.compile(r"^\| `([EW]\d{4})` \| (.+) \|$", re.MULTILINE)


def add_commands(command: Command) -> None:
    parser = command("explain", explain, "explain a diagnostic and its correction", "resnetc explain E0301")
    parser.add_argument("code", nargs="?", metavar="CODE", help="the code in a message; lists all codes if omitted")


def explain(options: argparse.Namespace) -> int:
    if options.code is None:
        sys.stdout.writelines(f"{code}  {title}\n" for code, title in list_titles().items())
    else:
        print_page(read_page(options.code))
    return 0


def list_titles() -> dict[str, str]:
    """Every code with its title, in order."""
    return dict(ROW.findall((PAGES / "README.md").read_text(encoding="utf-8")))


def read_page(code: str) -> str:
    """The page of a code, as markdown."""
    from resnetc.compiler.diagnostics.diagnostic import find_similar
    from resnetc.compiler.driver.session import UsageError

    titles, name = list_titles(), code.upper()
    if name not in titles:
        similar_code = find_similar(name, titles)
        hint = (
            f"a similar one exists: `{similar_code}`, {titles[similar_code]}"
            if similar_code
            else "`resnetc explain` lists all codes"
        )
        raise UsageError(f"no diagnostic has the code `{code}`; {hint}")
    return (PAGES / f"{name}.md").read_text(encoding="utf-8")


def print_page(text: str) -> None:
    """Prints a page: as it is into a pipe or a file, set on a terminal."""
    if not sys.stdout.isatty():
        sys.stdout.write(text)
        return
    from rich.markdown import Markdown

    wide = console(sys.stdout).width
    console(sys.stdout, width=min(wide, 100)).print(Markdown(text))
