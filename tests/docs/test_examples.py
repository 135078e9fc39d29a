"""Every example in the documents is compiled or run, a page at a time and in its order, and shows what comes out.

The word behind the fence says what is done with a block; words behind that are its own:

    resnet [FILE]         a whole spec without a fault, kept under the name for the blocks below
    resnet-wrong FILE     a whole spec with a fault
    console [trained]     commands after `$`, and what they print; `...` is any lines; `trained`: numbers are free
    python [in FILE]      runs, in one namespace a page; `in FILE`: these lines stand in the file
    python file FILE      is kept under the name for the blocks below
    sh                    commands of which only the options are read
    diff FILE             a change, which a test of its own makes in a copy

`pytest --update tests/docs/test_examples.py` writes what the commands print into the pages.
"""

import io
import json
import re
import shlex
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from resnetc.cli.main import build_parser, main
from tests.support import list_faults

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted(p for p in (ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
KNOWN = {"lark", "resnet", "resnet-wrong", "resnet-fragment", "console", "python", "sh", "diff", "text", ""}


def printed(command: str) -> str:
    """What a command writes, both streams in their order."""
    program, *arguments = shlex.split(command)
    assert program == "resnetc", command
    stream = io.StringIO()
    with redirect_stdout(stream), redirect_stderr(stream):
        main(arguments)
    return "\n".join(line.rstrip() for line in stream.getvalue().split("\n")).rstrip("\n")


def session_of(body: str) -> list[tuple[str, str]]:
    """The commands of a console block with what is shown below each."""
    parts = re.split(r"^\$ (.*)\n", body, flags=re.MULTILINE)
    assert not parts[0], parts[0]
    return [(a, b.rstrip("\n")) for a, b in zip(parts[1::2], parts[2::2], strict=True)]


def fits(shown: str, real: str, trained: bool) -> bool:
    if trained:
        shown, real = (re.sub(r"\d[\d,.:]*", "N", text) for text in (shown, real))
    pattern = "".join(r"(?:.*\n)*?" if line == "..." else re.escape(line) + r"\n" for line in shown.split("\n"))
    return re.fullmatch(pattern, real + "\n") is not None


class Page:
    """A page while its blocks are done."""

    def __init__(self, text: str, update: bool, shorten: Callable[[str], str] = str) -> None:
        self.text, self.update, self.shorten = text, update, shorten
        self.names: dict[str, Any] = {"__name__": "page"}

    def block(self, found: re.Match[str]) -> str:
        mark, body = found[1], found[2]
        kind, *words = mark.split() or [""]
        if kind in ("resnet", "resnet-wrong"):
            path = Path(words[0] if words else "spec.resnet")
            path.write_text(body, encoding="utf-8")
            faults = list_faults(path)
            assert bool(faults) == (kind == "resnet-wrong"), (body, faults)
        elif kind == "console":
            body = "".join(self.command(*pair, "trained" in words) for pair in session_of(body))
        elif kind == "python" and words[:1] == ["file"]:
            Path(words[1]).write_text(self.shorten(body), encoding="utf-8")
        elif kind == "python" and words:
            source = Path(words[1]).read_text(encoding="utf-8")
            if self.update:  # a class is shown as a whole
                body = (
                    next(part for part in re.split(r"\n{2,3}(?=\S)", source) if part.startswith(body.split("\n")[0]))
                    + "\n"
                )
            assert body in source, (words, body)
        elif kind == "python":
            exec(compile(body, "page", "exec"), self.names)
        elif kind == "sh":
            for command in re.sub(r"\\\n", " ", body).split("\n"):
                if command.startswith("resnetc "):
                    build_parser().parse_args(shlex.split(command, comments=True)[1:])
        return f"```{mark}\n{body}```"

    def command(self, command: str, shown: str, trained: bool) -> str:
        real = printed(self.shorten(command))
        if self.shorten is str and not fits(shown, real, trained):  # a short run says other things
            assert self.update, f"$ {command}\n{real}"
            shown = real
        return f"$ {command}\n{shown}\n" if shown else f"$ {command}\n"


def before_the_readme() -> dict[str, Any]:
    import torch

    return {"nn": torch.nn, "Tensor": torch.Tensor}


def before_training() -> dict[str, Any]:
    """A run of one epoch in `runs/first`, its model, and two images."""
    from PIL import Image

    import resnetc

    printed("resnetc train digits --override epochs=1 --out runs/first")
    for name in ("photo.jpg", "other.png"):
        Image.new("L", (40, 30), 128).save(name)
    return {"model": resnetc.load("digits")}


def before_the_tutorial() -> dict[str, Any]:
    """A checkpoint with torchvision's keys."""
    import torch

    import resnetc

    torch.save(resnetc.load("imagenet/resnet50").state_dict(), "resnet50.pth")
    return {}


def shorten_guide(text: str) -> str:
    """Few photographs, one epoch."""
    text = text.replace("COUNT = 200", "COUNT = 16")
    return f"{text} --override epochs=1" if text.startswith("resnetc train") else text


PREPARED: dict[str, Callable[[], dict[str, Any]]] = {
    "README.md": before_the_readme,
    "training.md": before_training,
    "tutorial.md": before_the_tutorial,
}


def done(page: Path, update: bool = False, shorten: Callable[[str], str] = str) -> dict[str, Any]:
    """Does a page from top to bottom, in the working directory; what its Python defined."""
    text = page.read_text(encoding="utf-8")
    made = Page(text, update, shorten)
    made.names |= PREPARED.get(page.name, dict)()
    new = FENCE.sub(made.block, text)
    if update and new != text:
        page.write_text(new, encoding="utf-8")
    return made.names


@pytest.mark.parametrize("page", [p for p in PAGES if p.name not in ("testing.md", "guide.md")], ids=lambda p: p.name)
def test_the_examples_of_a_page(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, update: bool) -> None:
    monkeypatch.chdir(tmp_path)
    done(page, update)


@pytest.mark.parametrize("shorten", [shorten_guide, pytest.param(str, marks=pytest.mark.slow)], ids=["short", "whole"])
def test_the_examples_of_the_guide(
    shorten: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In full, the shapes are told apart: the photographs of the first folder, and those that it was fine-tuned to."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    done(ROOT / "docs" / "guide.md", shorten=shorten)
    top1 = [
        json.loads((tmp_path / "runs" / name / "metrics.jsonl").read_text("utf-8").splitlines()[-1])["top1"]
        for name in ("shapes", "others")
    ]
    assert min(top1) >= (90 if shorten is str else 0)


def test_the_examples_of_testing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, update: bool) -> None:
    """The first tests of the page pass, the last fails as the page shows."""
    monkeypatch.chdir(tmp_path)
    page = ROOT / "docs" / "testing.md"
    text, names = page.read_text(encoding="utf-8"), done(page, update)
    few = settings(max_examples=3, deadline=None, database=None, derandomize=True)
    few(names["test_random_networks"])()
    few(names["test_random_blocks"])()
    with pytest.raises(AssertionError) as failed:
        settings(deadline=None, database=None, derandomize=True)(names["test_every_size_runs"])()
    found = {k: int(v) for k, v in re.findall(r"(height|width)=(\d+)", "\n".join(failed.value.__notes__))}
    assert f"    height={found['height']},\n    width={found['width']},\n" in text, found
    refusal = names["run"](names["TRIAL"].source, names["TRIAL"].network, (found["height"], found["width"])).refusal
    assert f"AssertionError: assert {refusal!r} is None" in text
    assert f"```\n{names['TRIAL'].refusals[0].message}\n```" in text


RUN = {"check", "compile", "explain", "fmt", "list", "new", "show"}


def test_the_commands_of_the_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that train nothing end without a fault."""
    monkeypatch.chdir(tmp_path)
    blocks = [m[2] for m in FENCE.finditer(PAGES[0].read_text(encoding="utf-8")) if m[1] == "sh"]
    ran = []
    for line in "".join(blocks).split("\n"):
        words = shlex.split(line, comments=True)
        if words[:1] == ["resnetc"] and words[1] in RUN:
            with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
                assert main(words[1:]) == 0, line
            ran.append(words[1])
    assert {"check", "compile", "explain", "new", "show"} <= set(ran)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_block_says_what_it_is(page: Path) -> None:
    marks = [m[1].split() or [""] for m in FENCE.finditer(page.read_text(encoding="utf-8"))]
    assert {mark[0] for mark in marks} <= KNOWN
