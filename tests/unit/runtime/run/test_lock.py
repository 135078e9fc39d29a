"""The lock of a run folder: one owner, released by the system, and nothing in its file is trusted."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from resnetc.runtime.errors import RunError
from resnetc.runtime.run.folder import RunFolder
from resnetc.runtime.run.lock import lock_folder

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="flock is POSIX's")

HOLD = """
import sys
from pathlib import Path
from resnetc.runtime.run.folder import RunFolder
from resnetc.runtime.run.lock import lock_folder
with lock_folder(RunFolder(Path(sys.argv[1]))):
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(folder: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


def test_the_second_is_refused_until_the_first_ends_however_it_ends(tmp_path: Path) -> None:
    for kill in (True, False):
        process = hold(tmp_path)
        with pytest.raises(
            RunError, match=rf"{tmp_path}: in use by a running process \(process {process.pid} on "
        ) as one:
            with lock_folder(RunFolder(tmp_path)):
                pass
        assert one.value.status == 3
        process.kill() if kill else process.communicate("")
        process.wait()
        assert (tmp_path / "run.lock").exists() == kill  # what a killed run leaves locks nothing
        with lock_folder(RunFolder(tmp_path)):
            assert (tmp_path / "run.lock").exists()
        assert not (tmp_path / "run.lock").exists()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"process": 1e999, "host": 1, "since": 2}', "\0" * 2000, '{"process": "\x1b"}']
)
def test_what_the_file_holds_is_not_trusted(tmp_path: Path, text: str) -> None:
    with lock_folder(RunFolder(tmp_path)):
        (tmp_path / "run.lock").write_text(text)
        with pytest.raises(RunError, match=r"in use by a running process \(another process\): wait"):
            with lock_folder(RunFolder(tmp_path)):
                pass


def test_links_and_pipes_are_refused(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / "run.lock").symlink_to(victim)
    with pytest.raises(RunError, match=r"run\.lock: cannot lock the run folder: "):
        with lock_folder(RunFolder(tmp_path)):
            pass
    assert victim.read_text() == "mine"
    (tmp_path / "run.lock").unlink()
    os.mkfifo(tmp_path / "run.lock")
    with pytest.raises(RunError, match=r"run\.lock: cannot lock the run folder: not a regular file; remove it"):
        with lock_folder(RunFolder(tmp_path)):
            pass
