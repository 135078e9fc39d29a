"""The run folder: its files, when a folder may be used, and the metrics in it.

torch is imported only to write; which arguments are runs is decided before.
"""

import json
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypedDict, cast

from resnetc.runtime.errors import RunError


class EpochRecord(TypedDict):
    """A line of the metrics, written after an epoch is evaluated; `docs/training.md` defines each field."""

    epoch: int
    step: int
    train_loss: float
    curve: list[float]
    test_loss: float
    top1: float
    top5: float
    lr: float
    images_per_second: float
    seconds: float


def choose_folder(network: str) -> Path:
    """`runs/<network>-<date>`, the local time to the second; a number is added if that folder exists."""
    name = f"{network}-{datetime.now():%Y%m%d-%H%M%S}"
    out, number = Path("runs") / name, 2
    while out.exists():
        out, number = Path("runs") / f"{name}-{number}", number + 1
    return out


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The files of one run."""

    path: Path

    @property
    def model(self) -> Path:
        """The generated source of the network."""
        return self.path / "model.py"

    @property
    def recipe(self) -> Path:
        """The recipe with every key."""
        return self.path / "recipe.yaml"

    @property
    def metrics(self) -> Path:
        """One JSON object per epoch."""
        return self.path / "metrics.jsonl"

    @property
    def last(self) -> Path:
        """Everything needed to resume."""
        return self.path / "last.ckpt"

    @property
    def best(self) -> Path:
        """The weights of the best epoch so far, under the network's state-dict keys."""
        return self.path / "best.safetensors"

    @property
    def report(self) -> Path:
        """The report of the run, one page."""
        return self.path / "report.html"

    @property
    def holds_run(self) -> bool:
        """Whether the folder holds a run, finished or not; False for a folder that cannot be entered."""
        return os.path.isfile(self.model)

    @property
    def is_resumable(self) -> bool:
        """Whether the run has been saved, which is the first thing it does."""
        return os.path.isfile(self.last)

    def create(self, source: str, recipe: str) -> None:
        """Make the folder with `model.py` and `recipe.yaml`; RunError unless it is new, empty or was never saved to."""
        from resnetc.runtime.run import checkpoint

        try:
            self.path.mkdir(parents=True, exist_ok=True)
            entries = sorted(entry.name for entry in self.path.iterdir())
        except OSError as fault:
            raise RunError(f"{self.path}: cannot use it as a run folder: {fault.strerror}") from None
        if self.last.name in entries:
            raise RunError(f"{self.path}: already contains a run: add --resume to continue it, or use another --out")
        # All that a start leaves which was killed, or refused by the disk, before its first save was done.
        names = [path.name for path in (self.model, self.recipe, self.metrics)]
        own_names = {*names, *(f"{name}.tmp" for name in (*names, self.last.name))}
        if other_names := [name for name in entries if name not in own_names]:
            raise RunError(f"{self.path}: not empty (it contains {other_names[0]}), but not a run: use another --out")
        checkpoint.write(self.recipe, recipe.encode())
        checkpoint.write(self.metrics, b"")
        checkpoint.write(self.model, source.encode())

    def read_source(self) -> str:
        """The text of `model.py`; RunError if the folder holds no run."""
        try:
            return self.model.read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            raise RunError(f"{self.path}: no run to resume: {self.model.name} is missing or unreadable") from None

    def append_record(self, record: EpochRecord) -> None:
        """Add one line to the metrics."""
        try:
            with open(self.metrics, "a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as fault:
            raise RunError(f"{self.metrics}: cannot write: {fault.strerror}") from fault

    def read_records(self) -> list[EpochRecord]:
        """The metrics, one dict per epoch; a last line cut off by a crash is ignored. RunError for other damage."""
        try:
            lines = self.metrics.read_text("utf-8").split("\n")
        except OSError as fault:
            raise RunError(f"{self.metrics}: cannot read the metrics: {fault.strerror or fault}") from None
        except UnicodeDecodeError as fault:
            raise RunError(f"{self.metrics}: cannot read the metrics: byte {fault.start} is not text") from None
        records: list[EpochRecord] = []
        for number, line in enumerate(lines[:-1], 1):  # what follows the last newline is empty, or torn
            try:
                record = json.loads(line)
                int(record["epoch"])
            except (ValueError, TypeError, KeyError):
                raise RunError(f"{self.metrics}:{number}: not a line of metrics: {line[:40]!r}") from None
            records.append(cast(EpochRecord, record))
        return records

    def drop_records_after(self, epoch: int) -> None:
        """Drop the metrics after `epoch`, which a resumed run writes again; RunError if those of an earlier epoch are
        missing."""
        from resnetc.runtime.run import checkpoint

        records = [record for record in self.read_records() if record["epoch"] <= epoch]
        if [record["epoch"] for record in records] != list(range(1, epoch + 1)):
            raise RunError(f"{self.metrics}: {len(records)} of the {epoch} epochs that {self.last.name} has completed")
        checkpoint.write(self.metrics, "".join(json.dumps(record) + "\n" for record in records).encode())
