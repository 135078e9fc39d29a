"""What is shown, lines where no terminal is and a bar where one is; Ctrl-C; the messages of a run's end."""

import io
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import resnetc
from resnetc.runtime import progress
from resnetc.runtime.errors import RunError, Stopped, require_packages
from resnetc.runtime.run.signals import catch_stop_signals, exit_on_interrupt

RECORD = {
    "epoch": 2,
    "step": 20,
    "train_loss": 0.5,
    "test_loss": 0.25,
    "top1": 98.611,
    "top5": 100.0,
    "lr": 0.1,
    "images_per_second": 12345.6,
    "seconds": 75.2,
}
LINE = "epoch  2/10  train loss 0.5000  test loss 0.2500  top-1  98.61 %  lr 0.1  12,346 img/s  1 min 15 s"


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_lines_without_a_terminal() -> None:
    stream = io.StringIO()
    with progress.choose_display("net", 10, 100, 64, stream=stream) as shown:
        shown.step(1, 1)
        shown.epoch(RECORD)
    assert stream.getvalue() == f"net: 10 epochs, 100 steps of 64 images\n{LINE}\n"
    stream = io.StringIO()
    progress.choose_display("net", 1, 1, 1, stream=stream)
    assert stream.getvalue() == "net: 1 epoch, 1 step of 1 image\n"


def test_a_long_epoch_speaks_between_its_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now[0])
    stream = io.StringIO()
    with progress.choose_display("net", 2, 7300, 128, resumed_steps=100, stream=stream) as shown:
        for step in range(101, 181):
            now[0] += 0.5
            shown.step(step, 1)
    assert stream.getvalue().splitlines()[1:] == ["epoch 1/2  step 160/7300  256 img/s, data 0 %  59 min 30 s left"]


def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    now = [100.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now[0])
    stream = Terminal()
    with progress.choose_display("net[red]", 10, 100, 64, stream=stream) as shown:
        for step in range(1, 21):
            now[0] += 0.25
            shown.step(step, 2)
        shown.epoch(RECORD)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    assert LINE in text
    assert "net[red] epoch 2/10" in text
    assert "256 img/s" in text
    assert "20/100" in text


def test_the_first_signal_is_a_flag_and_the_second_acts() -> None:
    with catch_stop_signals() as flag:
        assert flag.number is None
        signal.raise_signal(signal.SIGINT)
        assert flag.number == signal.SIGINT
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_patient_process_keeps_catching() -> None:
    with catch_stop_signals(is_patient=True) as flag:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        assert flag.number == signal.SIGINT
        signal.raise_signal(signal.SIGTERM)
        assert flag.number == signal.SIGTERM
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


IMPORTING = """
import os, signal
from resnetc.cli.main import main
from resnetc.runtime import data

def read_outline(*arguments):  # as an import of NumPy or torch may do
    try:
        signal.raise_signal(signal.SIGINT)
    except BaseException:
        raise AttributeError("half a module") from None

data.read_outline = read_outline
raise SystemExit(main(["train", "digits"]))
"""


def test_ctrl_c_before_the_run_ends_the_process_without_a_word(tmp_path: Path) -> None:
    path = os.pathsep.join([str(Path(resnetc.__file__).parent.parent), os.environ.get("PYTHONPATH", "")])
    ended = subprocess.run(
        [sys.executable, "-c", IMPORTING], cwd=tmp_path, capture_output=True, env={**os.environ, "PYTHONPATH": path}
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, b"", b"")
    assert not list(tmp_path.iterdir())


def test_an_ignored_ctrl_c_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with exit_on_interrupt():
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
    with exit_on_interrupt():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def test_how_a_stop_is_told() -> None:
    stopped = Stopped(signal.SIGINT, 7, Path("runs/a"))
    assert (
        str(stopped)
        == "stopped by Ctrl-C after step 7; saved in runs/a: continue with resnetc train --resume --out runs/a"
    )
    assert stopped.status == 130
    assert Stopped(signal.SIGTERM, 7, Path("a")).status == 75
    assert "SIGTERM" in str(Stopped(signal.SIGTERM, 7, Path("a")))


def test_a_message_cannot_drive_the_terminal() -> None:
    assert str(RunError("a\x1b]0;title\x07b\x9bc\td\ne")) == r"a\x1b]0;title\x07b\x9bc" "\td\ne"


def test_a_missing_package_names_the_extra() -> None:
    require_packages("torch", "numpy")
    with pytest.raises(RunError, match=r"nowhere_to_be_found not installed: pip install '\.\[run\]'"):
        require_packages("torch", "nowhere_to_be_found")


def test_the_runtime_starts_without_the_compiler() -> None:
    folder = Path(progress.__file__).resolve().parent
    for path in folder.rglob("*.py"):
        text = path.read_text("utf-8")
        assert not re.search(r"^\s*(import|from) (lark|resnetc\.compiler|pickle)\b", text, re.MULTILINE), path
        assert not re.search(r"^(import|from) jinja2", text, re.MULTILINE), path  # the report alone, in a function
        loads = "" if path.name == "torch_file.py" else r"torch\.load|"  # weights only: tests/security
        assert not re.search(rf"(?<![.\w])(eval|exec|{loads}yaml\.load)\(", text), path
    assert os.path.exists(folder / "train.py")


def test_a_loss_out_of_hand_stays_short() -> None:
    assert [progress.format_loss(loss) for loss in (0.12345, 9999.0, 3.6e17)] == ["0.1235", "9999.0000", "3.60e+17"]
    assert progress.format_loss(2.0, 2) == "2.00"
