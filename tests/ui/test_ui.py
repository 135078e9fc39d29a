"""Every message, verbatim: a bad spec, and exactly what the command prints about it.

A case is `NAME.resnet` with `NAME.stderr` (and `NAME.stdout`) beside it, or a folder that holds `case.resnet` or any
other files, and `stderr` and `stdout`. An output that is not recorded is empty. `check NAME.resnet` is run on a copy,
and must leave it as it was, but for the files that the case's folder `after` has; unless lines in the spec's first
comments, or in the folder's file `case`, say otherwise:

    // args: check --format json a.resnet     the whole command line
    // stdin: in.resnet                       the file on standard input
    // status: 2                              the exit status, 1 if nothing is said

`pytest --update tests/ui` records what is printed now; review it as a user would.
"""

import io
import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest

from resnetc.cli.main import main
from tests.support import read_folder

HERE = Path(__file__).parent
CASES = sorted([*HERE.glob("*.resnet"), *(folder.parent for folder in HERE.glob("*/case"))])
OUTPUTS = ("stderr", "stdout")


def settings(case: Path) -> dict[str, str]:
    """What the case says of its run."""
    text = (case / "case" if case.is_dir() else case).read_bytes().decode(errors="replace")
    said = re.findall(r"^(?://\s*)?(args|stdin|status):\s*(.*?)\s*$", text, re.MULTILINE)
    return {"args": f"check {case.name}", "stdin": "", "status": "1"} | dict(said)


def recorded(case: Path, output: str) -> Path:
    return case / output if case.is_dir() else case.with_suffix(f".{output}")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_output_is_what_is_recorded(case, update, tmp_path, monkeypatch, capsys):
    if case.is_dir():
        shutil.copytree(case, tmp_path, symlinks=True, dirs_exist_ok=True)
        shutil.rmtree(tmp_path / "after", ignore_errors=True)
        for name in ("case", *OUTPUTS):
            (tmp_path / name).unlink(missing_ok=True)
    else:
        shutil.copy(case, tmp_path)
    said, before = settings(case), read_folder(tmp_path)
    stdin = (tmp_path / said["stdin"]).read_bytes() if said["stdin"] else b""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)

    try:
        status = main(shlex.split(said["args"]))
    except SystemExit as stop:  # argparse's way to say 2
        status = stop.code
    printed = dict(zip(OUTPUTS, reversed(capsys.readouterr()), strict=True))

    after = read_folder(case / "after") if (case / "after").is_dir() else {}
    assert read_folder(tmp_path) == before | after, "it wrote something else"
    for output, text in printed.items():
        file = recorded(case, output)
        if update and text:
            file.write_text(text, encoding="utf-8")
        elif update:
            file.unlink(missing_ok=True)
        else:
            assert text == (file.read_text(encoding="utf-8") if file.exists() else "")
    assert str(status) == said["status"]


def test_every_recorded_output_has_a_case():
    outputs = [path for output in OUTPUTS for path in [*HERE.glob(f"*.{output}"), *HERE.glob(f"*/{output}")]]
    assert [
        path for path in outputs if not path.with_suffix(".resnet").exists() and not (path.parent / "case").exists()
    ] == []
