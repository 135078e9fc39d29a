"""What a run shows while it runs: a bar on a terminal, plain lines elsewhere; both on standard error."""

import sys
import time
from types import TracebackType
from typing import Any, TextIO

from resnetc.terminal import brief, console, one_line

_LONGEST_NAME = 60  # characters of a network's that are shown
_LINE_EVERY = 30.0  # seconds between two plain lines within an epoch


def _duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {whole % 60:02} s"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" + ("s" if number != 1 else "")


def figure(loss: float, digits: int = 4) -> str:
    """A loss with `digits` behind the point; one that has gone out of hand with three digits and its power of ten."""
    return f"{loss:.{digits}f}" if abs(loss) < 1e4 else f"{loss:.2e}"


def line(record: dict[str, Any], epochs: int) -> str:
    """One epoch's metrics as one line of text."""
    return (
        f"epoch {record['epoch']:>{len(str(epochs))}}/{epochs}  train loss {figure(record['train_loss'])}  "
        f"test loss {figure(record['test_loss'])}  top-1 {record['top1']:6.2f} %  lr {record['lr']:.2g}  "
        f"{record['images_per_second']:,.0f} img/s  {_duration(record['seconds'])}"
    )


class Progress:
    """How `train` tells what it does, as a context manager. This one shows nothing."""

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def step(self, step: int, epoch: int) -> None:
        """Step `step` (from 1) is done; it belongs to epoch `epoch` (from 1)."""

    def epoch(self, record: dict[str, Any]) -> None:
        """An epoch is done and judged; `record` is its line of the metrics."""


class Lines(Progress):
    """A line an epoch, and one every 30 seconds within long ones."""

    def __init__(self, network: str, epochs: int, steps: int, batch: int, done: int, stream: TextIO) -> None:
        self.epochs, self.steps, self.batch, self.stream = epochs, steps, batch, stream
        self.first, self.began, self.shown = done, time.perf_counter(), time.perf_counter()
        start = f"{_counted(epochs, 'epoch')}, {_counted(steps, 'step')} of {_counted(batch, 'image')}"
        print(f"{network}: {start}", file=stream, flush=True)

    def step(self, step: int, epoch: int) -> None:
        now = time.perf_counter()
        if now - self.shown < _LINE_EVERY:
            return
        self.shown = now
        pace = (now - self.began) / max(step - self.first, 1)
        rate, left = self.batch / pace, _duration(pace * (self.steps - step))
        text = f"epoch {epoch}/{self.epochs}  step {step}/{self.steps}  {rate:,.0f} img/s  {left} left"
        print(text, file=self.stream, flush=True)

    def epoch(self, record: dict[str, Any]) -> None:
        self.shown = time.perf_counter()
        print(line(record, self.epochs), file=self.stream, flush=True)


class Bar(Progress):
    """A bar over all steps with rate and remaining time, and a line an epoch above it."""

    def __init__(self, network: str, epochs: int, steps: int, batch: int, done: int, stream: TextIO) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        self.epochs, self.batch, self.first = epochs, batch, done
        self.began = self.shown = time.perf_counter()
        self.bar = RichProgress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}", markup=False),
            TimeRemainingColumn(),
            console=console(stream),
            transient=True,
        )
        self.network = network
        self.task = self.bar.add_task(network, total=steps, completed=done, rate="")

    def __enter__(self) -> Progress:
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.stop()

    def step(self, step: int, epoch: int) -> None:
        now = time.perf_counter()
        if now - self.shown < 0.1:
            return
        self.shown = now
        rate = f"{(step - self.first) * self.batch / (now - self.began):,.0f} img/s"
        text = f"{self.network} epoch {epoch}/{self.epochs}"
        self.bar.update(self.task, completed=step, description=text, rate=rate)

    def epoch(self, record: dict[str, Any]) -> None:
        self.bar.update(self.task, completed=record["step"])
        self.bar.console.print(line(record, self.epochs), markup=False, highlight=False)


def choose(network: str, epochs: int, steps: int, batch: int, done: int = 0, stream: TextIO | None = None) -> Progress:
    """A bar where `stream` (default: standard error) is a terminal, lines elsewhere; `done` steps were done before."""
    stream = stream if stream is not None else sys.stderr
    kind = Bar if stream.isatty() else Lines
    return kind(brief(one_line(network), _LONGEST_NAME), epochs, steps, batch, done, stream)
