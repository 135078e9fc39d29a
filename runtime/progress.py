"""Shows the progress of a run on standard error: a bar on a terminal, plain lines elsewhere."""

import sys
import time
from types import TracebackType
from typing import Protocol, TextIO

from resnetc.runtime.run.folder import EpochRecord
from resnetc.terminal import brief, console, one_line

_MAX_NAME_CHARACTERS = 60  # characters of a network's that are shown
_SECONDS_BETWEEN_LINES = 30.0  # seconds between two plain lines within an epoch


def _format_duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {whole % 60:02} s"


def _format_count(number: int, what: str) -> str:
    return f"{number} {what}" + ("s" if number != 1 else "")


def format_loss(loss: float, digits: int = 4) -> str:
    """A loss with `digits` decimals; a very large one with three digits and a power of ten."""
    return f"{loss:.{digits}f}" if abs(loss) < 1e4 else f"{loss:.2e}"


def format_record(record: EpochRecord, epochs: int) -> str:
    """One epoch's metrics as one line of text."""
    accuracy = f"top-1 {record['top1']:6.2f} %"
    if "mean_average_precision" in record:
        accuracy = f"mAP {record['mean_average_precision']:6.2f} %"
    share = ""
    if "data_seconds" in record and "compute_seconds" in record:
        total = record["data_seconds"] + record["compute_seconds"]
        share = _format_data_share(record["data_seconds"] / total if total else 0.0)
    return (
        f"epoch {record['epoch']:>{len(str(epochs))}}/{epochs}  train loss {format_loss(record['train_loss'])}  "
        f"{record.get('split', 'test')} loss {format_loss(record['test_loss'])}  {accuracy}  lr {record['lr']:.2g}  "
        f"{record['images_per_second']:,.0f} img/s{share}  {_format_duration(record['seconds'])}"
    )


def _format_data_share(share: float) -> str:
    """How much of the time goes by waiting for data; the rest is computing."""
    return f", data {100 * share:.0f} %"


class Progress(Protocol):
    """Shows the progress of `train`, as a context manager.

    data_share: how much of the epoch's time was spent waiting for data; set it before a step is shown.
    """

    data_share: float

    def __enter__(self) -> "Progress": ...

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def step(self, step: int, epoch: int) -> None:
        """Step `step` (from 1) is done; it belongs to epoch `epoch` (from 1)."""

    def epoch(self, record: EpochRecord) -> None:
        """An epoch is done and evaluated; `record` is its line of the metrics."""


class Silent:
    """Shows nothing."""

    data_share = 0.0

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *fault: object) -> None:
        pass

    def step(self, step: int, epoch: int) -> None:
        pass

    def epoch(self, record: EpochRecord) -> None:
        pass


class Lines:
    """One line per epoch, and one every 30 seconds within long epochs."""

    data_share = 0.0

    def __init__(
        self, network: str, epochs: int, steps: int, batch_size: int, resumed_steps: int, stream: TextIO
    ) -> None:
        self.epochs, self.steps, self.batch_size, self.stream = epochs, steps, batch_size, stream
        self.resumed_steps, self.start_time, self.last_update = resumed_steps, time.perf_counter(), time.perf_counter()
        start = (
            f"{_format_count(epochs, 'epoch')}, {_format_count(steps, 'step')} of {_format_count(batch_size, 'image')}"
        )
        print(f"{network}: {start}", file=stream, flush=True)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *fault: object) -> None:
        pass

    def step(self, step: int, epoch: int) -> None:
        now = time.perf_counter()
        if now - self.last_update < _SECONDS_BETWEEN_LINES:
            return
        self.last_update = now
        seconds_per_step = (now - self.start_time) / max(step - self.resumed_steps, 1)
        rate, time_left = self.batch_size / seconds_per_step, _format_duration(seconds_per_step * (self.steps - step))
        speed = f"{rate:,.0f} img/s{_format_data_share(self.data_share)}"
        text = f"epoch {epoch}/{self.epochs}  step {step}/{self.steps}  {speed}  {time_left} left"
        print(text, file=self.stream, flush=True)

    def epoch(self, record: EpochRecord) -> None:
        self.last_update = time.perf_counter()
        print(format_record(record, self.epochs), file=self.stream, flush=True)


class Bar:
    """A bar over all steps with speed and remaining time, and above it one line per epoch."""

    data_share = 0.0

    def __init__(
        self, network: str, epochs: int, steps: int, batch_size: int, resumed_steps: int, stream: TextIO
    ) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        self.epochs, self.batch_size, self.resumed_steps = epochs, batch_size, resumed_steps
        self.start_time = self.last_update = time.perf_counter()
        self.rich_progress = RichProgress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}", markup=False),
            TimeRemainingColumn(),
            console=console(stream),
            transient=True,
        )
        self.network = network
        self.task = self.rich_progress.add_task(network, total=steps, completed=resumed_steps, rate="")

    def __enter__(self) -> Progress:
        self.rich_progress.start()
        return self

    def __exit__(self, *fault: object) -> None:
        self.rich_progress.stop()

    def step(self, step: int, epoch: int) -> None:
        now = time.perf_counter()
        if now - self.last_update < 0.1:
            return
        self.last_update = now
        rate = f"{(step - self.resumed_steps) * self.batch_size / (now - self.start_time):,.0f} img/s"
        rate += _format_data_share(self.data_share)
        text = f"{self.network} epoch {epoch}/{self.epochs}"
        self.rich_progress.update(self.task, completed=step, description=text, rate=rate)

    def epoch(self, record: EpochRecord) -> None:
        self.rich_progress.update(self.task, completed=record["step"])
        self.rich_progress.console.print(format_record(record, self.epochs), markup=False, highlight=False)


def choose_display(
    network: str,
    epochs: int,
    steps: int,
    batch_size: int,
    resumed_steps: int = 0,
    stream: TextIO | None = None,
    *,
    is_quiet: bool = False,
) -> Progress:
    """A bar if `stream` (default: standard error) is a terminal, else lines; `resumed_steps` are already done. With
    `is_quiet`, nothing is shown."""
    if is_quiet:
        return Silent()
    stream = stream if stream is not None else sys.stderr
    kind = Bar if stream.isatty() else Lines
    return kind(brief(one_line(network), _MAX_NAME_CHARACTERS), epochs, steps, batch_size, resumed_steps, stream)
