"""Runs `resnetc` on hostile input in processes with limits of their own; tells time, memory, and what was said.

`python confined.py` reads a JSON list of runs (each a folder and the arguments of a command line) from its standard
input and writes what became of them. It imports the compiler once; every run is a fork of its own.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

SECONDS, MEGABYTES = 2, 300  # what a refusal may take
SLACK = 8  # the limits that end a run are so many times larger: a busy machine is no fault
PATIENCE = 60  # seconds by the clock, for a run that waits; other processes may slow it down


@dataclass(frozen=True)
class Run:
    """A command line in a folder; `stdin` is a file for its standard input, `seconds` when the system ends the run."""

    folder: str
    arguments: list[str]
    stdin: str = os.devnull
    seconds: int = SLACK * SECONDS


@dataclass(frozen=True)
class Outcome:
    """How a run ended: its exit status (negative for a signal), processor seconds, peak memory, and its outputs."""

    status: int
    seconds: float
    megabytes: float
    out: str
    err: str


def confined(runs: list[Run]) -> list[Outcome]:
    """Every run in a process that has `SLACK` times the time and memory that a refusal may take."""
    source = Path(__file__).resolve().parents[2] / "src"
    environment = os.environ | {"PYTHONPATH": str(source), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, __file__],
        input=json.dumps([asdict(run) for run in runs]),
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE + SLACK * SECONDS * 2 * len(runs),
    )
    assert done.returncode == 0, done.stderr
    return [Outcome(**fields) for fields in json.loads(done.stdout)]


def forked(run: Run, base: int) -> Outcome:
    out, err = (os.open(os.path.join(run.folder, os.pardir, name), os.O_RDWR | os.O_CREAT) for name in ("out", "err"))
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        status = 99
        try:
            status = alone(run, out, err, base)
        finally:
            os._exit(status)
    while True:
        pid, status, used = os.wait4(child, os.WNOHANG)
        if pid:
            break
        if time.monotonic() - began > PATIENCE:
            os.kill(child, signal.SIGKILL)  # it waits for something that never comes
        time.sleep(0.005)
    texts = []
    for handle in (out, err):
        os.lseek(handle, 0, os.SEEK_SET)
        with os.fdopen(handle, "rb") as stream:
            texts.append(stream.read().decode(errors="backslashreplace"))
    for name in ("out", "err"):
        os.unlink(os.path.join(run.folder, os.pardir, name))
    return Outcome(os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, *texts)


def alone(run: Run, out: int, err: int, base: int) -> int:
    from resnetc.cli.main import main

    stdin = os.open(os.path.join(run.folder, run.stdin), os.O_RDONLY | os.O_NONBLOCK)
    for handle, place in ((stdin, 0), (out, 1), (err, 2)):
        os.dup2(handle, place)
    os.chdir(run.folder)
    resource.setrlimit(resource.RLIMIT_CPU, (run.seconds, run.seconds))
    memory = base + SLACK * MEGABYTES * (1 << 20)
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    status = main(run.arguments)
    sys.stdout.flush()
    sys.stderr.flush()
    return status


def warm() -> None:
    """Everything that a run needs is imported, so that a run is measured, and not Python's start."""
    from resnetc.compiler.diagnostics import render  # noqa: F401
    from resnetc.compiler.driver.session import Session

    session = Session()
    session.add("-", b"edition 1\nuse std.blocks\nmodel net( {\n")
    session.compile_networks()


if __name__ == "__main__":
    runs = [Run(**fields) for fields in json.load(sys.stdin)]
    warm()
    gc.freeze()  # what was imported is no work of a run: its garbage collector leaves it alone
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    print(json.dumps([asdict(forked(run, size)) for run in runs]))
