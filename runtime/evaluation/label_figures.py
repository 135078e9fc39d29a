"""What is measured where an image has any number of classes, each a yes or no of its own.

A class is predicted where its probability, the sigmoid of its score, is above one half.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from resnetc.runtime.data.labels import shorten_name

MAX_TABLE_CLASSES = 100  # the most frequent ones; the figures are those of all


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """What is found of one class: images that have it, and for which it is predicted; right: both; precision at each
    rank, averaged, in percent: None where no image has it."""

    images: int
    predicted: int
    right: int
    average_precision: float | None

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall, in percent; 0 where the class is neither there nor predicted."""
        return 200 * self.right / max(self.images + self.predicted, 1)


@dataclass(frozen=True, slots=True)
class LabelFigures:
    """What is measured of all classes. All figures are in percent. subset_accuracy: the share of the images of which
    every class is right."""

    of_classes: tuple[ClassFigures, ...]
    subset_accuracy: float

    @property
    def mean_average_precision(self) -> float:
        """The mean of the average precision over the classes that an image has."""
        values = [one.average_precision for one in self.of_classes if one.average_precision is not None]
        return sum(values) / len(values) if values else 0.0

    @property
    def micro_f1(self) -> float:
        """F1 of all decisions, whichever their class."""
        total = sum(one.images + one.predicted for one in self.of_classes)
        return 200 * sum(one.right for one in self.of_classes) / max(total, 1)

    @property
    def macro_f1(self) -> float:
        """The mean of F1 over the classes that an image has."""
        values = [one.f1 for one in self.of_classes if one.images]
        return sum(values) / len(values) if values else 0.0

    @property
    def missing_classes_note(self) -> str:
        """A line about the classes that no test image has; empty if there are none."""
        missing = sum(not one.images for one in self.of_classes)
        return f"{missing:,} of {len(self.of_classes):,} classes do not occur in the test images" if missing else ""

    def list_classes(self) -> list[tuple[int, ClassFigures]]:
        """The classes that occur or are predicted, those of the most images first, at most `MAX_TABLE_CLASSES`."""
        rows = [(label, one) for label, one in enumerate(self.of_classes) if one.images or one.predicted]
        return sorted(rows, key=lambda row: (-row[1].images, row[0]))[:MAX_TABLE_CLASSES]

    def format_text(self, class_names: Sequence[str], head: str, tail: str) -> str:
        """The figures as plain text: totals, between `head` and `tail` of a line, then a row per class."""
        lines = [
            f"{head}  mAP {self.mean_average_precision:.2f} %  micro F1 {self.micro_f1:.2f} %  "
            f"macro F1 {self.macro_f1:.2f} %  all classes right {self.subset_accuracy:.2f} %  {tail}",
            "",
        ]
        names = {label: shorten_name(class_names[label]) for label, _ in self.list_classes()}
        width = max(len("class"), *map(len, names.values())) if names else len("class")
        lines.append(f"{'class':<{width}} {'images':>8} {'predicted':>10} {'right':>8} {'AP':>10} {'F1':>10}")
        for label, one in self.list_classes():
            precision = "none" if one.average_precision is None else f"{one.average_precision:.2f} %"
            lines.append(
                f"{names[label]:<{width}} {one.images:>8,} {one.predicted:>10,} {one.right:>8,} {precision:>10} "
                f"{f'{one.f1:.2f} %':>10}"
            )
        if self.missing_classes_note:
            lines += ["", self.missing_classes_note]
        return "\n".join(line.rstrip() for line in lines) + "\n"
