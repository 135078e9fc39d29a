"""Measures a network on test images: loss, top-1, top-5, confusion, the most confident mistakes, calibration."""

import time
from collections import Counter
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from resnetc.runtime.distributed.process_group import SINGLE_PROCESS, Group
from resnetc.runtime.errors import RunError
from resnetc.runtime.evaluation.calibration import BinCounts, count_bins, join_counts
from resnetc.runtime.evaluation.multi_label import measure_labels
from resnetc.runtime.evaluation.result import Evaluation, Misclassification, raise_fault, score_batches
from resnetc.runtime.input_pipeline.image_batches import TestBatches

_MAX_WORST = 24  # images


@torch.no_grad()
def measure(
    model: nn.Module,
    test_images: TestBatches,
    labels: Tensor,
    class_names: tuple[str, ...],
    batch_size: int,
    before_batch: Callable[[RunError | None], None] = raise_fault,
    group: Group = SINGLE_PROCESS,
) -> Evaluation:
    """Evaluate the model in `eval` mode, and leave it so.

    `before_batch` is called before every batch, with what is wrong with an image of it; it may raise to stop, and must
    where there is a fault. The processes of `group` divide the images, count each once, and all return the same.
    labels: int64 [N], on the model's device; or 0 and 1, [N, classes], where an image has any number of classes.
    """
    if labels.ndim == 2:
        return measure_labels(model, test_images, labels, class_names, batch_size, before_batch, group)
    start_time = time.perf_counter()
    classes = len(class_names)
    pairs_per_batch: list[Tensor] = []  # int64 [batch]: the true class and the predicted one as one number
    loss = torch.zeros((), dtype=torch.float64, device=labels.device)
    top5_hits = torch.zeros((), dtype=torch.int64, device=labels.device)
    predictions: list[Tensor] = []  # float [3, batch]: loss, predicted class, its probability
    count = len(labels)
    for scores, batch_labels in score_batches(model, test_images, labels, batch_size, before_batch, group):
        losses = functional.cross_entropy(scores, batch_labels, reduction="none")
        loss += losses.sum(dtype=torch.float64)
        top5 = scores.topk(min(5, classes)).indices
        top5_hits += (top5 == batch_labels[:, None]).sum()
        pairs_per_batch.append(batch_labels * classes + top5[:, 0])
        predictions.append(torch.stack([losses, top5[:, 0].float(), scores.softmax(1).amax(1)]))
    labels = labels[group.rank :: group.size]
    bins = join_counts(group.all_gather(_count_bins(predictions, labels)))
    worst = [miss for each in group.all_gather(_find_worst(predictions, labels, group)) for miss in each]
    confusion: Counter[tuple[int, int]] = Counter()
    for pairs in group.all_gather(_count_pairs(pairs_per_batch)):
        for number, times in pairs:
            confusion[divmod(number, classes)] += times
    return Evaluation(
        images=count,
        loss=group.all_reduce_sum(loss).item() / count,
        top1=100 * sum(times for (true, guess), times in confusion.items() if true == guess) / count,
        top5=100 * int(group.all_reduce_sum(top5_hits)) / count,
        confusion=confusion,
        class_names=class_names,
        worst=tuple(sorted(worst, key=lambda miss: (-miss.loss, miss.index))[:_MAX_WORST]),
        bins=bins,
        seconds=time.perf_counter() - start_time,
    )


def _count_bins(parts: list[Tensor], labels: Tensor) -> list[BinCounts]:
    """Of this process's images; the arguments are those of `_find_worst`."""
    predictions = torch.cat(parts, 1) if parts else torch.zeros(3, 0, device=labels.device)
    return count_bins(predictions[2], predictions[1].long() == labels)


def _count_pairs(parts: list[Tensor]) -> list[tuple[int, int]]:
    """How often each number occurs: (number, times), as many as there are images at most."""
    return sorted(Counter(torch.cat(parts).tolist()).items()) if parts else []


def _find_worst(parts: list[Tensor], labels: Tensor, group: Group) -> tuple[Misclassification, ...]:
    """Of this process's images; parts: float [3, n], loss, predicted class and its probability; labels: int64 [N]."""
    if not parts:
        return ()
    predictions = torch.cat(parts, 1)
    misses = torch.nonzero(predictions[1].long() != labels).flatten()
    chosen = misses[predictions[0, misses].argsort(descending=True, stable=True)[:_MAX_WORST]]
    rows = zip(chosen.tolist(), labels[chosen].tolist(), *predictions[:, chosen].tolist(), strict=True)
    global_rows = ((index * group.size + group.rank, *rest) for index, *rest in rows)
    return tuple(
        Misclassification(index, loss, true=true, predicted=int(guess), probability=sure)
        for index, true, loss, guess, sure in global_rows
    )
