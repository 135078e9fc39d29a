"""Evaluates a network whose inputs have any number of the classes, each a yes or no of its own.

A class is predicted where its probability, the sigmoid of its score, is above one half.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from resnetc.runtime.data.labels import shorten_name
from resnetc.runtime.distributed.process_group import SINGLE_PROCESS, Group
from resnetc.runtime.errors import RunError
from resnetc.runtime.evaluation import Evaluation, raise_fault, score_batches
from resnetc.runtime.image_batches import TestBatches
from resnetc.runtime.progress import format_loss
from resnetc.runtime.run.folder import Figures

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
class MultiLabelEvaluation(Evaluation):
    """The predictions for test images that have any number of classes. All figures are in percent but the loss.

    `loss` is the mean binary cross-entropy over images and classes. `top1` and `top5` are the share of the images that
    have a class and of which the highest score, or one of the five highest, belongs to one. subset_accuracy: the share
    of images of which every class is right.
    """

    of_classes: tuple[ClassFigures, ...] = ()
    subset_accuracy: float = 0.0

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
    def figures(self) -> Figures:
        """What the metrics of an epoch have of it."""
        return {
            "test_loss": self.loss,
            "top1": self.top1,
            "top5": self.top5,
            "mean_average_precision": self.mean_average_precision,
            "micro_f1": self.micro_f1,
            "subset_accuracy": self.subset_accuracy,
        }

    @property
    def missing_classes_note(self) -> str:
        """A line about the classes that no test image has; empty if there are none."""
        missing = sum(not one.images for one in self.of_classes)
        return f"{missing:,} of {len(self.of_classes):,} classes are in no test image" if missing else ""

    def list_classes(self) -> list[tuple[int, ClassFigures]]:
        """The classes that occur or are predicted, those of the most images first, at most `MAX_TABLE_CLASSES`."""
        rows = [(label, one) for label, one in enumerate(self.of_classes) if one.images or one.predicted]
        return sorted(rows, key=lambda row: (-row[1].images, row[0]))[:MAX_TABLE_CLASSES]

    def format_text(self) -> str:
        """The evaluation as plain text: totals, then a row per class."""
        lines = [
            f"{self.images:,} images  mAP {self.mean_average_precision:.2f} %  micro F1 {self.micro_f1:.2f} %  "
            f"macro F1 {self.macro_f1:.2f} %  all classes right {self.subset_accuracy:.2f} %  "
            f"loss {format_loss(self.loss)}{self._format_rate()}",
            "",
        ]
        names = {label: shorten_name(self.class_names[label]) for label, _ in self.list_classes()}
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


@torch.no_grad()
def measure_labels(
    model: nn.Module,
    test_images: TestBatches,
    labels: Tensor,
    class_names: tuple[str, ...],
    batch_size: int,
    before_batch: Callable[[RunError | None], None] = raise_fault,
    group: Group = SINGLE_PROCESS,
) -> MultiLabelEvaluation:
    """Evaluate the model; the arguments are those of `evaluate.measure`. labels: 0 or 1, [N, classes]."""
    start_time = time.perf_counter()
    scores, truths = [], []
    for batch_scores, batch_labels in score_batches(model, test_images, labels, batch_size, before_batch, group):
        scores.append(batch_scores.cpu())
        truths.append(batch_labels.cpu())
    nothing = torch.zeros(0, len(class_names))
    own = torch.cat([nothing, *scores]), torch.cat([nothing.bool(), *(one.bool() for one in truths)])
    parts = group.all_gather(own)  # a set is the same in whatever order its images stand
    return judge(
        torch.cat([part[0] for part in parts]), torch.cat([part[1] for part in parts]), class_names, start_time
    )


def judge(
    scores: Tensor, is_true: Tensor, class_names: tuple[str, ...], start_time: float | None = None
) -> MultiLabelEvaluation:
    """The evaluation of scores, float32 [N, classes], of images that have the classes `is_true`, bool [N, classes]."""
    is_predicted = scores > 0
    has_class = is_true.any(1)
    labelled = max(int(has_class.sum()), 1)
    ranked = is_true.gather(1, scores.topk(min(5, len(class_names))).indices)
    counts = zip(
        is_true.sum(0).tolist(), is_predicted.sum(0).tolist(), (is_true & is_predicted).sum(0).tolist(), strict=True
    )
    precisions = [compute_average_precision(scores[:, label], is_true[:, label]) for label in range(len(class_names))]
    return MultiLabelEvaluation(
        images=len(scores),
        loss=functional.binary_cross_entropy_with_logits(scores.double(), is_true.double()).item(),
        top1=100 * int(ranked[:, 0].sum()) / labelled,
        top5=100 * int(ranked.any(1).sum()) / labelled,
        confusion={},
        class_names=class_names,
        seconds=time.perf_counter() - start_time if start_time is not None else 0.0,
        of_classes=tuple(ClassFigures(*row, precision) for row, precision in zip(counts, precisions, strict=True)),
        subset_accuracy=100 * (is_predicted == is_true).all(1).double().mean().item(),
    )


def compute_average_precision(scores: Tensor, is_true: Tensor) -> float | None:
    """The precision among the images of at least a score, averaged over the images that have the class: in percent.

    Images of equal scores have one rank, the last of them. None where no image has the class.
    """
    positives = int(is_true.sum())
    if not positives:
        return None
    ordered, order = scores.sort(descending=True)
    hits = is_true[order].double().cumsum(0)
    is_last = torch.ones(len(ordered), dtype=torch.bool)
    is_last[:-1] = ordered[1:] != ordered[:-1]
    ranks = torch.nonzero(is_last).flatten()
    gains = torch.diff(hits[ranks], prepend=torch.zeros(1, dtype=torch.float64))
    return 100 * float((hits[ranks] / (ranks + 1) * gains).sum()) / positives
