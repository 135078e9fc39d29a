"""Input that nobody means: whatever it is, one clear message, status 1 or 2, no traceback, nothing written."""

import ast
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import resnetc
from resnetc.cli.main import main
from tests.support import read_folder, run_command

NET = """edition 1
use std.blocks

model net(width: int = 8) {
  input [3, H, W] = [3, 32, 32]
  stem = conv(width, kernel=3) |> norm |> act
  stage layer1 = 2 of blocks.basic(width)
  head = global_avg_pool |> fc: linear(10)
}
"""
MIB = 1 << 20
PAIRS = "let a0 = [1, 1]\n" + "".join(f"  let a{i + 1} = [a{i}, a{i}]\n" for i in range(60))
as_user = pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everything")


def within(expression: str) -> str:
    """A spec with an expression in it."""
    return f"edition 1\n\nblock odd(width: int) {{\n  out = in |> conv({expression}, kernel=3)\n}}\n"


def with_block(statements: str, width: str = "8") -> str:
    """A model of one block with these statements."""
    return f"edition 1\n\nblock odd(width: int) {{\n  {statements}\n}}\n\n" + NET.partition("std.blocks\n\n")[
        2
    ].replace("blocks.basic(width)", f"odd({width})")


TEXTS: dict[str, tuple[str | bytes, str]] = {
    # no text, or no spec
    "nothing": ("", "E0110"),
    "blank lines": ("\n\n \t\n", "E0110"),
    "a comment alone": ("// edition 1\n", "E0110"),
    "an edition without a number": ("edition\n", "E0111"),
    "a picture": (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "E0502"),
    "a program": (b"\x7fELF\x02\x01\x01" + bytes(64), "E0502"),
    "an archive": (b"PK\x03\x04\x14\x00\x08\xff\xfe", "E0502"),
    "zeros": (bytes(1000), "E0502"),
    "latin-1": ("edition 1\n/// Größer.\n".encode("latin-1"), "E0502"),
    "utf-16": (NET.encode("utf-16"), "E0502"),
    "half a character": (NET.encode() + b"// \xe2\x82", "E0502"),
    "a surrogate": (b"edition 1\n// \xed\xa0\x80\n", "E0502"),
    "json": ('{"edition": 1, "model": "resnet50"}\n', "E0110"),
    "yaml": ("edition: 1\nmodel:\n  stem: conv\n", "E0101"),
    "python": ("import torch\nfrom torch import nn\n\nclass Net(nn.Module):\n    pass\n", "E0110"),
    "prose": ("Dear compiler, please make me a network of fifty layers.\n", "E0110"),
    "two editions": ("edition 1\nedition 1\n", "E0101"),
    # characters that are not what they seem
    "a no-break space": (within("64\u00a0"), "E0103"),
    "a zero-width space": (within("wid\u200bth"), "E0103"),
    "typographic quotes": (within("“wide”"), "E0103"),
    "an operator of mathematics": (within("64 ⊕ 1"), "E0103"),
    "a minus of mathematics": (within("64 − 1"), "E0103"),
    "a right-to-left mark": (within("64") + "// \u202e\n", "E0109"),
    "an escape sequence": (within("64 \x1b[31m"), "E0103"),
    "a semicolon": (within("64;"), "E0103"),
    # depth and length
    "deep parentheses": (within("(" * 10_000 + "1" + ")" * 10_000), "E0105"),
    "parentheses that stay open": (within("(" * 10_000), "E0105"),
    "deep lists": (within("[" * 10_000 + "]" * 10_000), "E0105"),
    "deep signs": (within("-" * 9_000 + "1"), "E0105"),
    "deep calls": (within("floor(" * 3_000 + "1" + ")" * 3_000), "E0105"),
    "deep choices": (within("(1 when true otherwise " * 2_000 + "1" + ")" * 2_000), "E0105"),
    "long fields": (within("width" + ".width" * 4_000), "E0105"),
    "long sums": (within("1" + " + 1" * 9_000), "E0112"),
    "digits and underscores": (within("1_" * 5_000 + "1"), "E0107"),
    "a line of quotes": (within('"' * 9_999), "E0102"),
    "a name of great length": ("edition 1\n\nblock " + "n" * 50_000 + "() {\n  out = in |> norm\n}\n", "E0246"),
    "a line of brackets": ("(" * 100_000, "E0114"),
    "more than a mebibyte": ("edition 1\n" + "//\n" * MIB, "E0501"),
    # size
    "a giant number": (within("9" * 5_000), "E0107"),
    "a giant power of ten": (within("1e999999999"), "E0107"),
    "a giant stage": (NET.replace("2 of", "999_999_999_999_999_999 of"), "E0319"),
    "a giant range": (NET.replace("basic(width)", "basic(len(range(999_999_999_999)))"), "E0225"),
    "a giant kernel": (NET.replace("kernel=3", "kernel=999_999_999_999"), "E0304"),
    "a giant product": (NET.replace("basic(width)", "basic(" + " * ".join(["1_000_000"] * 9) + ")"), "E0223"),
    "lists of lists": (NET.replace("(width)", "(repeat(repeat(repeat(1, 90_000), 90_000), 90_000))"), "E0223"),
    "a list that doubles": (with_block("let a = repeat(1, 90_000)\n  let b = a + a\n  out = in"), "E0223"),
    "lists that pair up": (with_block(PAIRS + "  out = in"), "E0223"),
    "loops in loops": (
        with_block("each i in range(99_999) { each j in range(99_999) { let a = i } }\n  out = in"),
        "E0329",
    ),
    # traversal
    "use of the folder above": ("edition 1\nuse ..secret\n", "E0101"),
    "use of a path": ("edition 1\nuse /etc/passwd\n", "E0101"),
    "use of a text": ('edition 1\nuse "../secret"\n', "E0101"),
    "use of what is not there": ("edition 1\nuse std.secret\n", "E0505"),
    "use of a directory": ("edition 1\nuse folder\n", "E0505"),
    "use of a pipe": ("edition 1\nuse pipe\n", "E0505"),
    "use of a picture": ("edition 1\nuse picture\n", "E0502"),
}


@pytest.fixture
def refused(tmp_path, monkeypatch):
    """Runs a command in an empty folder; returns its status and what it says, after the checks for all of them."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str]:
        before = read_folder(tmp_path)
        status, out, err = run_command(*arguments)
        assert read_folder(tmp_path) == before, "it wrote something"
        assert status in (1, 2), err
        assert out == "" and "Traceback" not in err and "internal fault" not in err
        assert max(map(len, err.splitlines())) < 1_000
        assert not re.search(r"[\x00-\x09\x0b-\x1f\u200b\u202e]", err)
        return status, err

    return run


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_is_refused(name, refused, tmp_path):
    text, code = TEXTS[name]
    (tmp_path / "net.resnet").write_bytes(text if isinstance(text, bytes) else text.encode())
    (tmp_path / "folder.resnet").mkdir()
    (tmp_path / "picture.resnet").write_bytes(b"\x89PNG\r\n\x1a\n")
    os.mkfifo(tmp_path / "pipe.resnet")
    status, err = refused("check", "net.resnet")
    assert status == 1
    assert set(re.findall(r"^error\[(E\d{4})\]", err, re.MULTILINE)) == {code}


# -- files and folders ------------------------------------------------------------------------------------------------


def socket_at(path: Path) -> None:
    socket.socket(socket.AF_UNIX).bind(str(path))


PLACES = {
    "nothing": (lambda path: None, "E0507"),
    "a link to nothing": (lambda path: path.symlink_to("gone"), "E0501"),
    "a link to itself": (lambda path: path.symlink_to(path.name), "E0501"),
    "a pipe": (os.mkfifo, "E0501"),
    "a socket": (socket_at, "E0501"),
    "a link to a device": (lambda path: path.symlink_to("/dev/zero"), "E0501"),
    "an empty folder": (Path.mkdir, "E0508"),
    "folders in folders": (lambda path: (path / "a" / "b").mkdir(parents=True), "E0508"),
}
SPECS = ["", ".", "net.resnet/", "imagenet", "imagenet/../std/blocks", "/dev/null", "/dev/zero", "a\nb", "~"]


@pytest.mark.parametrize("name", PLACES)
def test_a_place_that_holds_no_spec_is_refused(name, refused, tmp_path):
    make, code = PLACES[name]
    make(tmp_path / "net.resnet")
    assert f"error[{code}]" in refused("check", "net.resnet")[1]


@pytest.mark.parametrize("spec", [*SPECS, "n" * 900], ids=range(len(SPECS) + 1))
def test_a_spec_that_is_none_is_refused(spec, refused):
    assert "error[E05" in refused("check", spec)[1]


@as_user
def test_a_file_that_may_not_be_read_is_refused(refused, tmp_path):
    (tmp_path / "net.resnet").write_text(NET)
    (tmp_path / "net.resnet").chmod(0)
    assert "may not be read" in refused("check", "net.resnet")[1]


@as_user
def test_a_folder_that_may_not_be_written_is_refused(refused, tmp_path):
    (tmp_path / "net.resnet").write_text(NET)
    (tmp_path / "out").mkdir(mode=0o555)
    assert "cannot be written" in refused("compile", "net.resnet", "-o", "out")[1]


@pytest.mark.parametrize("place", ["net.resnet", "net.resnet/below", "/dev/null", "/proc/nowhere", "n" * 300])
def test_an_output_that_cannot_be_written_is_refused(place, refused, tmp_path):
    (tmp_path / "net.resnet").write_text(NET)
    assert "error[E0506]" in refused("compile", "net.resnet", "-o", place)[1]


@pytest.mark.parametrize("data", [b"", b"\x00\xff" * 5_000, b"edition 1\nmodel", NET.encode()[:-20]], ids=range(4))
def test_standard_input_may_be_anything(data, tmp_path):
    """As a shell sees it: bytes in a pipe, and the command ends on its own."""
    environment = os.environ | {"PYTHONPATH": str(Path(resnetc.__file__).parents[1])}
    command = [sys.executable, "-m", "resnetc", "check", "-"]
    done = subprocess.run(command, input=data, cwd=tmp_path, env=environment, capture_output=True, timeout=60)
    assert done.returncode == 1 and done.stderr.startswith(b"error["), done.stderr
    assert b"Traceback" not in done.stderr and b"internal fault" not in done.stderr


# -- the command line -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ("", 2),
        ("chekc net.resnet", 2),
        ("check", 2),
        ("check net.resnet --format xml", 2),
        ("compile net.resnet --set", 2),
        ("compile net.resnet --set width", 2),
        ("compile net.resnet --set =8", 2),
        ("compile net.resnet --set widht=8", 2),
        ("compile net.resnet --model other", 2),
        ("compile net.resnet --set width=(", 1),
        ("compile net.resnet --set width=8;import", 1),
        ("compile net.resnet --set width=wide", 1),
        ("compile net.resnet --set width=1e999999", 1),
        ("compile net.resnet --set width=none", 1),
        ("compile net.resnet --set norm=8", 1),
        ("compile net.resnet --set norm=__import__('os')", 1),
        ("show net.resnet --input 3x4", 2),
        ("show net.resnet --input axbxc", 2),
        ("show net.resnet --input 3x0x0", 2),
        ("show net.resnet --input 4x32x32", 2),
        ("explain E9999x", 2),
    ],
)
def test_a_command_line_is_refused(arguments, status, refused, tmp_path):
    (tmp_path / "net.resnet").write_text(NET)
    assert refused(*arguments.split())[0] == status


# -- texts that would be code elsewhere -------------------------------------------------------------------------------

CODE = ["{{ 1 / 0 }} {% include x %} {# #}", "%s {0} {x!r} $HOME `id`", "'''", r"\N{BULLET} \x00 \\", "卷积 \U0001f600"]


@pytest.mark.parametrize("text", CODE)
def test_a_text_in_a_message_is_what_it_is(text, refused, tmp_path):
    spec = NET.replace("  input", f'  require width == 4 otherwise "{text}"\n  input')
    (tmp_path / "net.resnet").write_text(spec)
    assert refused("check", "net.resnet")[1].startswith(f"error[E0401]: {text}\n")


@pytest.mark.parametrize("text", [*CODE, '"""', '""" + __import__("os").getcwd() + """', "\\", '"'])
def test_documentation_stays_documentation(text, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.resnet").write_text(NET.replace("model net", f"/// {text}\nmodel net"))
    assert main(["compile", "net.resnet", "-o", "-"]) == 0
    module = ast.parse(capsys.readouterr().out)
    (made,) = (node for node in module.body if isinstance(node, ast.ClassDef) and node.name == "Net")
    assert text.replace('"""', "'''") in (ast.get_docstring(made) or "")
