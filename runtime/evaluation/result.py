"""What an evaluation has found: totals, confusion, accuracy of each class, calibration; and how images are scored."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from torch import Tensor, nn

from resnetc.runtime.data.labels import format_labels, shorten_name
from resnetc.runtime.distributed import batch_shares
from resnetc.runtime.distributed.process_group import Group
from resnetc.runtime.errors import RunError
from resnetc.runtime.evaluation.calibration import ConfidenceBin, compute_error, draw_diagram
from resnetc.runtime.evaluation.label_figures import LabelFigures
from resnetc.runtime.input_pipeline.image_batches import TestBatches
from resnetc.runtime.progress import format_loss
from resnetc.runtime.run.folder import Figures

MAX_TABLE_CLASSES = 20  # classes that occur; beyond, only the most frequent confusions are told
_MAX_MISTAKES = 10


class Mistake(NamedTuple):
    """How many images of one class were taken for another; the classes by their names, as shown."""

    images: int
    true: str
    predicted: str


@dataclass(frozen=True, slots=True)
class Misclassification:
    """A test image with a high loss: its `index`, its class, the predicted class and that class's probability."""

    index: int
    loss: float
    true: int
    predicted: int
    probability: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The predictions for all test images. Accuracies are in percent; `confusion[true, predicted]` counts images.

    `loss` is the mean cross-entropy (natural logarithm, no smoothing); `top5` counts the best `min(5, classes)`. Where
    an image has any number of classes (`labels`), `loss` is the mean binary cross-entropy over images and classes, and
    `top1` and `top5` are the share of the images that have a class and of which the highest score, or one of the five
    highest, belongs to one; `confusion` is empty.
    """

    images: int
    loss: float
    top1: float
    top5: float
    confusion: Mapping[tuple[int, int], int]
    class_names: tuple[str, ...]
    worst: tuple[
        Misclassification, ...
    ] = ()  # the images with the highest losses among those answered wrongly, highest first
    bins: tuple[ConfidenceBin, ...] = ()  # how often predictions are right, by their confidence
    seconds: float = field(default=0.0, compare=False)  # wall time, of reading the images and scoring them
    labels: LabelFigures | None = None  # where an image has any number of classes
    folding: str = field(default="", compare=False)  # how batch norms were folded, if they were

    @property
    def figures(self) -> Figures:
        """What the metrics of an epoch have of it."""
        totals: Figures = {"test_loss": self.loss, "top1": self.top1, "top5": self.top5}
        if self.labels is not None:
            totals["mean_average_precision"] = self.labels.mean_average_precision
            totals["micro_f1"], totals["subset_accuracy"] = self.labels.micro_f1, self.labels.subset_accuracy
        return totals

    @property
    def calibration_error(self) -> float:
        """The expected calibration error over 15 bins, in percent."""
        return compute_error(self.bins)

    @property
    def occurring_labels(self) -> tuple[int, ...]:
        """The labels that are the class or the prediction of a test image: the rows and columns of every table."""
        return tuple(sorted({label for pair in self.confusion for label in pair}))

    @property
    def missing_classes_note(self) -> str:
        """A line about the classes without test images; empty if there are none."""
        if self.labels is not None:
            return self.labels.missing_classes_note
        tested = {true for true, _ in self.confusion}
        missing = [label for label in range(len(self.class_names)) if label not in tested]
        if not missing:
            return ""
        return f"{len(missing):,} of {len(self.class_names):,} classes have no test images: " + format_labels(
            missing, self.class_names
        )

    @property
    def class_accuracies(self) -> dict[int, tuple[int, float | None]]:
        """For each class that occurs, its number of test images and their accuracy in percent; None if it has no
        images."""
        images: Counter[int] = Counter()
        for (true, _), count in self.confusion.items():
            images[true] += count
        right = {label: self.confusion.get((label, label), 0) for label in self.occurring_labels}
        return {
            label: (images[label], 100 * right[label] / images[label] if images[label] else None)
            for label in self.occurring_labels
        }

    def format_class_name(self, label: int) -> str:
        """The name of a class, as shown."""
        return shorten_name(self.class_names[label])

    def list_mistakes(self) -> list[Mistake]:
        """The most frequent mistakes, at most ten."""
        pairs = [(-count, *pair) for pair, count in self.confusion.items() if pair[0] != pair[1]]
        return [
            Mistake(-count, self.format_class_name(true), self.format_class_name(predicted))
            for count, true, predicted in sorted(pairs)[:_MAX_MISTAKES]
        ]

    def _format_rate(self) -> str:
        return f"  {self.images / self.seconds:,.0f} img/s" if self.seconds else ""

    def format_text(self) -> str:
        """The evaluation as plain text: totals, one row per class with its confusions, calibration, the most frequent
        mistakes."""
        loss = f"loss {format_loss(self.loss)}{self._format_rate()}"
        if self.labels is not None:
            return self.labels.format_text(self.class_names, f"{self.images:,} images", loss)
        top = min(5, len(self.class_names))
        lines = [f"{self.images:,} images  top-1 {self.top1:.2f} %  top-{top} {self.top5:.2f} %  {loss}"]
        labels = self.occurring_labels
        names = {label: self.format_class_name(label) for label in labels}
        name_width = max(len("true class"), *map(len, names.values()))
        has_table = len(labels) <= MAX_TABLE_CLASSES
        cell_width = max(len(str(max(self.confusion.values()))), len(str(labels[-1]))) + 1
        number_width = max(3, len(str(labels[-1])))
        lines += [
            "",
            f"{'':{number_width}} {'true class':<{name_width}} {'accuracy':>9}  {'predicted' if has_table else ''}",
        ]
        if has_table:
            lines.append(" " * (number_width + name_width + 13) + "".join(f"{label:>{cell_width}}" for label in labels))
        for label, (_, accuracy) in self.class_accuracies.items():
            share = "none" if accuracy is None else f"{accuracy:.2f} %"
            row = [self.confusion.get((label, predicted), 0) for predicted in labels] if has_table else []
            cells = "".join(f"{count or '.':>{cell_width}}" for count in row)
            lines.append(f"{label:>{number_width}} {names[label]:<{name_width}} {share:>9}  {cells}")
        if self.missing_classes_note:
            lines += ["", self.missing_classes_note]
        if self.bins:
            lines += ["", f"calibration error {self.calibration_error:.2f} % (# accuracy, | mean confidence)"]
            lines += draw_diagram(self.bins)
        frequent = self.list_mistakes()
        if frequent:
            lines += ["", "most frequent mistakes:"]
            lines += [f"{count:>6}  {true} predicted as {predicted}" for count, true, predicted in frequent]
        return "\n".join(line.rstrip() for line in lines) + "\n"


def raise_fault(fault: RunError | None) -> None:
    """The default of `before_batch`."""
    if fault is not None:
        raise fault


def score_batches(
    model: nn.Module,
    test_images: TestBatches,
    labels: Tensor,
    batch_size: int,
    before_batch: Callable[[RunError | None], None],
    group: Group,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Scores, float32 [batch, classes], and labels of this process's share of the images; the arguments are those of
    `measure`."""
    model.eval()
    own = range(group.rank, len(labels), group.size)
    own_labels = labels[group.rank :: group.size]
    own_batches = batch_shares.split_batches(len(own), batch_size)
    batches = test_images.read_test([own[start:stop] for start, stop in own_batches])
    # as often in every process
    for number in range(len(batch_shares.split_batches(-(-len(labels) // group.size), batch_size))):
        if number >= len(own_batches):
            before_batch(None)
            continue
        batch = next(batches)
        before_batch(batch.fault)
        yield model(batch.images).float(), own_labels[slice(*own_batches[number])]
