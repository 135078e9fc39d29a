"""`check --fix` writes what is certain, says what it wrote, and writes nothing that does not check."""

import json
import os
from pathlib import Path

import pytest

from resnetc.compiler.diagnostics.diagnostic import Diagnostic, Edit, Label
from resnetc.compiler.driver import certain_fixes
from resnetc.compiler.lints import lint
from resnetc.compiler.loader.loader import LIBRARY
from resnetc.compiler.source import Span
from tests.support import read_folder, run_command

NET = """edition 1
use std.blocks
use std.gates
use std.filters // soft


model net(classes: int = 10) {
  input [3, H, W]=[3, 32, 32]
  stem = conv(16,kernel=3)
  stage layer1 = 2 of blocks.basic(16)
  head = pool:   global_avg_pool |> fc: linear(classes)
}
"""
FIXED = (
    NET.replace("use std.gates\n", "").replace("use std.filters // soft", "// soft").replace("pool:   global", "global")
)
LINES = """\
fixed net.resnet:3: W0602: `use std.gates` removed
fixed net.resnet:4: W0602: `use std.filters` removed
fixed net.resnet:11: W0611: `pool:` removed
"""


pytestmark = pytest.mark.usefixtures("folder")


def write(folder: Path, text: str, name: str = "net.resnet") -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


def test_certain_fixes_are_written_and_said(folder: Path) -> None:
    path = write(folder, NET)
    ran = run_command("check", "--fix", "net.resnet")
    assert (ran.status, ran.out, ran.err) == (0, LINES + "1 file, 1 network: all proved\n", "")
    assert path.read_text() == FIXED
    again = run_command("check", "--fix", "net.resnet")
    assert (again.status, again.out, again.err) == (0, "1 file, 1 network: all proved\n", "")
    assert read_folder(folder) == {"net.resnet": FIXED.encode()}


def test_without_the_option_nothing_is_written(folder: Path) -> None:
    path = write(folder, NET)
    assert "3 warnings" in run_command("check", "net.resnet").err
    assert path.read_text() == NET


def test_only_the_edits_change_bytes(folder: Path) -> None:
    """A byte-order mark, the ends of lines, a mode and a link are as they were."""
    text = "\ufeff" + NET.replace("\n", "\r\n")
    path = write(folder, text, "real.resnet")
    path.chmod(0o640)
    (folder / "net.resnet").symlink_to("real.resnet")
    assert run_command("check", "--fix", "net.resnet").status == 0
    assert path.read_bytes() == ("\ufeff" + FIXED.replace("\n", "\r\n")).encode()
    assert path.stat().st_mode & 0o777 == 0o640
    assert os.readlink(folder / "net.resnet") == "real.resnet"


def test_what_is_left_is_said_of_the_text_as_it_is_now(folder: Path) -> None:
    write(folder, NET.replace("  input", "  let unread = 3\n  input"))
    ran = run_command("check", "--fix", "net.resnet")
    assert ran.status == 0
    assert "unused name `unread`" in ran.err and "net.resnet:7:7" in ran.err
    assert "1 warning in 1 file" in ran.err


@pytest.mark.parametrize("broken", [("conv(16", "conv(0"), ("layer1 = 2", "layer1 = "), ("fc: linear", "fc: linaer")])
def test_nothing_is_written_that_does_not_check(folder: Path, broken: tuple[str, str]) -> None:
    text = NET.replace(*broken)
    path = write(folder, text)
    plain, fixing = run_command("check", "net.resnet"), run_command("check", "--fix", "net.resnet")
    assert (fixing.status, fixing.out, fixing.err) == (1, "", plain.err)
    assert path.read_text() == text


def test_a_file_at_fault_keeps_the_others_from_being_written(folder: Path) -> None:
    write(folder, NET, "a.resnet")
    write(folder, NET.replace("conv(16", "conv(0"), "b.resnet")
    before = read_folder(folder)
    assert run_command("check", "--fix", ".").status == 1
    assert read_folder(folder) == before


def test_denied_warnings_that_are_left_are_errors_and_nothing_is_written(folder: Path) -> None:
    text = NET.replace("  input", "  let unread = 3\n  input")
    path = write(folder, text)
    ran = run_command("check", "--fix", "--deny", "warnings", "net.resnet")
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.startswith("note: no fix was applied: errors would remain with all certain fixes\n")
    assert path.read_text() == text
    path = write(folder, NET)
    assert run_command("check", "--fix", "--deny", "warnings", "net.resnet").out.startswith(LINES)
    assert path.read_text() == FIXED


STRIDES = """edition 1
use std.gates
block unit(width: int, first stride: size = 1) {
  let main = in |> conv(width, kernel=3, stride=stride)
  let gate = main |> avg_pool(2, stride=2, padding=0) |> sigmoid
  out = main * gate
}
model net() {
  input [3, H, W] = [3, 32, 32]
  stem = conv(16, kernel=3)
  stage layer1 = 1 of unit(16)
  head = global_avg_pool |> fc: linear(10)
}
"""


def test_certain_fixes_of_errors_go_first_and_warnings_follow(folder: Path) -> None:
    """The names of a spec with errors are not looked at: what nothing reads is found in the next round."""
    path = write(folder, STRIDES)
    before = [json.loads(line) for line in run_command("check", "--format", "json", "net.resnet").out.splitlines()]
    assert [(fault["code"][0], fault["applicability"]) for fault in before] == [("E", "certain")]
    ran = run_command("check", "--fix", "net.resnet")
    assert (ran.status, ran.err) == (0, "")
    first, second, last = ran.out.splitlines()
    assert first.startswith("fixed net.resnet:") and f": {before[0]['code']}: " in first
    assert (second, last) == ("fixed net.resnet:2: W0602: `use std.gates` removed", "1 file, 1 network: all proved")
    (edit,) = before[0]["fix"]
    assert edit["replacement"] in path.read_text() and "use" not in path.read_text()


def test_files_that_are_used_are_fixed_too_and_a_program_reads_the_diagnostics_alone(folder: Path) -> None:
    write(folder, "edition 1\nuse parts\n" + NET.partition("\n")[2].replace("2 of blocks.basic", "2 of parts.unit"))
    write(
        folder,
        "edition 1\nuse std.gates\nblock unit(width: int) { out = in |> conv(width, kernel=3) }\n",
        "parts.resnet",
    )
    ran = run_command("check", "--fix", "--format", "json", "net.resnet")
    assert (ran.status, ran.out) == (0, "")
    assert "fixed parts.resnet:2: W0602: `use std.gates` removed\n" in ran.err
    assert len(ran.err.splitlines()) == 5
    assert (folder / "parts.resnet").read_text().startswith("edition 1\nblock unit")


@pytest.mark.parametrize(
    ("specs", "message"),
    [
        (["-"], "`check --fix` rewrites files, and `-` is standard input: pass the path of a file"),
        (["net.resnet", "-"], "`check --fix` rewrites files, and `-` is standard input: pass the path of a file"),
        (["imagenet/resnet50"], "`imagenet/resnet50` is a shipped spec: "),
        (["resnest50d"], "`resnest50d` is a shipped network: "),
        ([str(LIBRARY / "digits.resnet")], f"`{LIBRARY / 'digits.resnet'}` is a shipped spec: "),
        ([str(LIBRARY / "cifar")], f"`{LIBRARY / 'cifar'}` is a folder of shipped specs: "),
    ],
)
def test_shipped_specs_and_standard_input_are_not_rewritten(folder: Path, specs: list[str], message: str) -> None:
    write(folder, NET)
    ran = run_command("check", "--fix", *specs)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith(f"resnetc: {message}") and len(ran.err.splitlines()) == 1
    assert read_folder(folder) == {"net.resnet": NET.encode()}


def test_a_missing_file_is_said_as_always(folder: Path) -> None:
    plain, fixing = run_command("check", "missing.resnet"), run_command("check", "--fix", "missing.resnet")
    assert plain == fixing and plain.status == 1


def test_a_file_that_changes_meanwhile_is_left_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(folder, NET)
    attempt_fixes = certain_fixes.attempt_fixes

    def attempt_and_change(*arguments):
        attempts = attempt_fixes(*arguments)
        path.write_text(NET + "// more\n")
        return attempts

    monkeypatch.setattr(certain_fixes, "attempt_fixes", attempt_and_change)
    ran = run_command("check", "--fix", "net.resnet")
    assert (ran.status, ran.out) == (1, "")
    assert "error[E0506]: net.resnet has changed since it was checked" in ran.err
    assert path.read_text() == NET + "// more\n"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_file_that_cannot_be_written_is_said(folder: Path) -> None:
    path = write(folder, NET)
    path.chmod(0o444)
    ran = run_command("check", "--fix", "net.resnet")
    assert (ran.status, ran.out) == (1, "")
    assert "error[E0506]: net.resnet cannot be written" in ran.err
    assert read_folder(folder) == {"net.resnet": NET.encode()}


def test_overlapping_fixes_are_applied_one_after_the_other(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(folder, NET.replace("use std.gates\nuse std.filters // soft", "// abcd").replace("pool:   ", ""))
    replacements = {"ab": "AB", "bc": "never", "cd": "CD", "Bc": "last"}

    def find_letters(spec, mentions):
        for old, new in replacements.items():
            start = spec.source.text.find(old, spec.source.text.index("//"))
            if 0 <= start < spec.source.text.index("model"):
                span = Span(spec.source, start, start + 2)
                yield Diagnostic("W0602", old, Label(span, ""), fix=(Edit(span, new),), is_certain=True)

    monkeypatch.setattr(lint, "FILE_LINTS", (find_letters,))
    assert run_command("check", "--fix", "net.resnet").status == 0
    assert "// ABCD\n" in path.read_text()


@pytest.mark.parametrize("replacement", ["conv(8", "conv(0", "conv( 16"])
def test_a_fix_that_is_wrong_is_not_written(folder: Path, monkeypatch: pytest.MonkeyPatch, replacement: str) -> None:
    """It changes the network, breaks it, or leaves its warning."""

    def find_convolution(spec, mentions):
        start = spec.source.text.index("conv(")
        span = Span(spec.source, start, start + len("conv(16"))
        yield Diagnostic("W0602", "a lint that errs", Label(span, ""), fix=(Edit(span, replacement),), is_certain=True)

    path = write(folder, NET)
    monkeypatch.setattr(lint, "FILE_LINTS", (find_convolution,))
    ran = run_command("check", "--fix", "net.resnet")
    assert (ran.status, ran.out) == (0, "1 file, 1 network: all proved\n")
    assert "a lint that errs" in ran.err
    assert path.read_text() == NET
