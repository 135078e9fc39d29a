"""Evaluates a network whose inputs have any number of the classes."""

import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from resnetc.runtime.distributed.process_group import SINGLE_PROCESS, Group
from resnetc.runtime.errors import RunError
from resnetc.runtime.evaluation.label_figures import ClassFigures, LabelFigures
from resnetc.runtime.evaluation.result import Evaluation, raise_fault, score_batches
from resnetc.runtime.input_pipeline.image_batches import TestBatches


@torch.no_grad()
def measure_labels(
    model: nn.Module,
    test_images: TestBatches,
    labels: Tensor,
    class_names: tuple[str, ...],
    batch_size: int,
    before_batch: Callable[[RunError | None], None] = raise_fault,
    group: Group = SINGLE_PROCESS,
) -> Evaluation:
    """Evaluate the model; the arguments are those of `measure.measure`. labels: 0 or 1, [N, classes]."""
    start_time = time.perf_counter()
    scores, truths = [], []
    for batch_scores, batch_labels in score_batches(model, test_images, labels, batch_size, before_batch, group):
        scores.append(batch_scores.cpu())
        truths.append(batch_labels.cpu())
    nothing = torch.zeros(0, len(class_names))
    own = torch.cat([nothing, *scores]), torch.cat([nothing.bool(), *(one.bool() for one in truths)])
    parts = group.all_gather(own)  # a set is the same in whatever order its images stand
    return evaluate_scores(
        torch.cat([part[0] for part in parts]), torch.cat([part[1] for part in parts]), class_names, start_time
    )


def evaluate_scores(
    scores: Tensor, is_true: Tensor, class_names: tuple[str, ...], start_time: float | None = None
) -> Evaluation:
    """The evaluation of scores, float32 [N, classes], of images that have the classes `is_true`, bool [N, classes]."""
    is_predicted = scores > 0
    has_class = is_true.any(1)
    labelled = max(int(has_class.sum()), 1)
    is_top_k_true = is_true.gather(1, scores.topk(min(5, len(class_names))).indices)
    counts = zip(
        is_true.sum(0).tolist(), is_predicted.sum(0).tolist(), (is_true & is_predicted).sum(0).tolist(), strict=True
    )
    precisions = [compute_average_precision(scores[:, label], is_true[:, label]) for label in range(len(class_names))]
    return Evaluation(
        images=len(scores),
        loss=functional.binary_cross_entropy_with_logits(scores.double(), is_true.double()).item(),
        top1=100 * int(is_top_k_true[:, 0].sum()) / labelled,
        top5=100 * int(is_top_k_true.any(1).sum()) / labelled,
        confusion={},
        class_names=class_names,
        seconds=time.perf_counter() - start_time if start_time is not None else 0.0,
        labels=LabelFigures(
            tuple(ClassFigures(*row, precision) for row, precision in zip(counts, precisions, strict=True)),
            100 * (is_predicted == is_true).all(1).double().mean().item(),
        ),
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
