"""The run folder: its files, when a folder may be used, and the metrics in it.

torch is imported only to write; which arguments are runs is decided before.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NotRequired, TypedDict, cast

from resnetc.bounded_read import contents
from resnetc.runtime.data.json_values import is_count, is_figure
from resnetc.runtime.data.preprocessing import Preprocessing
from resnetc.runtime.errors import RunError

MAX_MODULE_BYTES = 1 << 26  # bytes of a generated module
_MAX_METRICS_BYTES = 1 << 28


class Figures(TypedDict):
    """What an evaluation has measured; the last three where images have any number of classes."""

    test_loss: float
    top1: float
    top5: float
    mean_average_precision: NotRequired[float]
    micro_f1: NotRequired[float]
    subset_accuracy: NotRequired[float]


class EpochRecord(Figures):
    """A line of the metrics, written after an epoch is evaluated; `docs/training.md` defines each field."""

    epoch: int
    step: int
    train_loss: float
    curve: list[float]
    lr: float
    images_per_second: float
    seconds: float
    data_seconds: NotRequired[float]  # earlier versions do not say how the time of an epoch was spent
    compute_seconds: NotRequired[float]
    split: NotRequired[str]  # which images were evaluated: test or validation; earlier versions do not say


class InitialWeights(TypedDict):
    """The weights that a run started from: their file, the SHA-256 of its bytes, how many tensors were taken, and what
    was said about them."""

    file: str
    sha256: str
    tensors: int
    report: list[str]


SPLITS = ("test", "validation")  # the images by which an epoch is judged
_LABEL_FIGURES = ("mean_average_precision", "micro_f1", "subset_accuracy")
_TIMES = ("data_seconds", "compute_seconds")
_FIGURES = ("train_loss", "test_loss", "top1", "top5", "lr", "images_per_second", "seconds")


def describe_fault_of_record(value: object) -> str:
    """What a line of the metrics lacks; empty if it is one."""
    if not isinstance(value, dict):
        return "not an object"
    if wrong := [key for key in ("epoch", "step") if not is_count(value.get(key))]:
        return f"no whole number under `{wrong[0]}`"
    optional = [key for key in (*_LABEL_FIGURES, *_TIMES) if key in value]
    if wrong := [key for key in (*_FIGURES, *optional) if not is_figure(value.get(key))]:
        return f"no number under `{wrong[0]}`"
    if value.get("split", "test") not in SPLITS:
        return "neither test nor validation under `split`"
    curve = value.get("curve")
    if not isinstance(curve, list) or not all(map(is_figure, curve)):
        return "no numbers under `curve`"
    return ""


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
    def model_path(self) -> Path:
        """The generated source of the network."""
        return self.path / "model.py"

    @property
    def recipe_path(self) -> Path:
        """The recipe with every key."""
        return self.path / "recipe.yaml"

    @property
    def preprocessing_path(self) -> Path:
        """How inputs are prepared for the network, and the names of the classes."""
        return self.path / "preprocessing.json"

    @property
    def metrics(self) -> Path:
        """One JSON object per epoch."""
        return self.path / "metrics.jsonl"

    @property
    def last(self) -> Path:
        """Everything needed to resume."""
        return self.path / "last.ckpt"

    @property
    def previous(self) -> Path:
        """The state before `last`: the way on if that is damaged."""
        return self.path / "previous.ckpt"

    @property
    def lock(self) -> Path:
        """The process that runs here, while it does."""
        return self.path / "run.lock"

    @property
    def best(self) -> Path:
        """The weights of the best epoch so far, under the network's state-dict keys."""
        return self.path / "best.safetensors"

    @property
    def report(self) -> Path:
        """The report of the run, one page."""
        return self.path / "report.html"

    @property
    def initial_weights(self) -> Path:
        """What the run started from, where that was a file: its name and its hash."""
        return self.path / "initial_weights.json"

    @property
    def holds_run(self) -> bool:
        """Whether the folder holds a run, finished or not; False for a folder that cannot be entered."""
        return os.path.isfile(self.model_path)

    @property
    def is_resumable(self) -> bool:
        """Whether the run has been saved, which is the first thing it does."""
        return os.path.isfile(self.last) or os.path.isfile(self.previous)

    def create(
        self, source: str, recipe: str, preprocessing: Preprocessing, initial_weights: InitialWeights | None = None
    ) -> None:
        """Make the folder with its texts; RunError unless it is new, empty or was never saved to."""
        from resnetc.runtime.run import checkpoint

        try:
            self.path.mkdir(parents=True, exist_ok=True)
            entries = sorted(entry.name for entry in self.path.iterdir())
        except OSError as fault:
            raise RunError(f"{self.path}: cannot use it as a run folder: {fault.strerror}") from None
        if self.last.name in entries or self.previous.name in entries:
            raise RunError(f"{self.path}: already contains a run: add --resume to continue it, or use another --out")
        # All that a start leaves which was killed, or refused by the disk, before its first save was done.
        texts = (self.model_path, self.recipe_path, self.preprocessing_path, self.initial_weights, self.metrics)
        names = [path.name for path in texts]
        own_names = {*names, *(f"{name}.tmp" for name in (*names, self.last.name)), self.lock.name}
        if other_names := [name for name in entries if name not in own_names]:
            raise RunError(f"{self.path}: not empty (it contains {other_names[0]}), but not a run: use another --out")
        checkpoint.write(self.recipe_path, recipe.encode())
        self.write_preprocessing(preprocessing)
        self.write_initial_weights(initial_weights)
        checkpoint.write(self.metrics, b"")
        checkpoint.write(self.model_path, source.encode())

    def write_preprocessing(self, preprocessing: Preprocessing) -> None:
        """Write `preprocessing.json`."""
        from resnetc.runtime.run import checkpoint

        checkpoint.write(self.preprocessing_path, preprocessing.to_text().encode())

    def write_initial_weights(self, record: InitialWeights | None) -> None:
        """Write `initial_weights.json`; a run that started from random weights has none."""
        from resnetc.runtime.run import checkpoint

        if record is not None:
            checkpoint.write(self.initial_weights, (json.dumps(record, indent=2, sort_keys=True) + "\n").encode())
        elif self.initial_weights.is_symlink() or self.initial_weights.is_file():
            self.initial_weights.unlink()

    def read_source(self) -> str:
        """The text of `model.py`, which may be anything; RunError if the folder holds no run."""
        try:
            return contents(self.model_path, MAX_MODULE_BYTES).decode()
        except UnicodeDecodeError as fault:
            raise RunError(f"{self.model_path}: byte {fault.start} is not UTF-8 text") from None
        except OSError as fault:
            raise RunError(f"{self.model_path}: cannot read it: {fault.strerror or fault}") from None

    def write_records(self, records: Sequence[EpochRecord]) -> None:
        """Write the metrics of all epochs, so that the file is right whatever happened to it meanwhile."""
        from resnetc.runtime.run import checkpoint

        checkpoint.write(self.metrics, "".join(json.dumps(record) + "\n" for record in records).encode())

    def read_records(self) -> list[EpochRecord]:
        """The metrics, one dict per epoch; a last line cut off by a crash is ignored. RunError for other damage."""
        remedy = f"`resnetc train --resume --out {self.path}` writes the metrics again"
        try:
            lines = contents(self.metrics, _MAX_METRICS_BYTES).decode().split("\n")
        except OSError as fault:
            raise RunError(f"{self.metrics}: cannot read the metrics: {fault.strerror or fault}; {remedy}") from None
        except UnicodeDecodeError as fault:
            raise RunError(f"{self.metrics}: byte {fault.start} is not UTF-8 text; {remedy}") from None
        records: list[EpochRecord] = []
        for number, line in enumerate(lines[:-1], 1):  # what follows the last newline is empty, or torn
            where = f"{self.metrics}:{number}"
            try:
                record = json.loads(line)
            except (ValueError, RecursionError):
                raise RunError(f"{where}: not a line of metrics: {line[:40]!r}; {remedy}") from None
            if lack := describe_fault_of_record(record):
                raise RunError(f"{where}: not a line of metrics: {lack}; {remedy}")
            if record["epoch"] != number:
                raise RunError(f"{where}: epoch {record['epoch']} instead of epoch {number}; {remedy}")
            records.append(cast(EpochRecord, record))
        return records
