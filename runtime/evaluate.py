"""How good a network is on held-out images: loss, top-1, top-5, confusion, each class on its own."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The answers to all test images. Accuracies in percent; `confusion[true][predicted]` counts images.

    `loss` is the mean cross-entropy (natural logarithm, no smoothing); `top5` counts the best `min(5, classes)`.
    """

    images: int
    loss: float
    top1: float
    top5: float
    confusion: tuple[tuple[int, ...], ...]
    class_names: tuple[str, ...]

    @property
    def per_class(self) -> tuple[float | None, ...]:
        """The accuracy of each class in percent; None for a class without a test image."""
        return tuple(100 * row[label] / sum(row) if sum(row) else None for label, row in enumerate(self.confusion))


def never() -> None:
    """Evaluation goes on to the end."""


@torch.no_grad()
def measure(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    class_names: tuple[str, ...],
    normalise: Callable[[Tensor], Tensor],
    batch: int,
    between: Callable[[], None] = never,
) -> Evaluation:
    """Evaluate in `eval` mode, which it leaves set; `between` is called before every batch and may raise to stop.

    images: uint8 [N, channels, height, width]; labels: int64 [N]; both on the model's device.
    """
    model.eval()
    classes = len(class_names)
    confusion = torch.zeros(classes * classes, dtype=torch.int64, device=images.device)
    loss = torch.zeros((), dtype=torch.float64, device=images.device)
    among_five = torch.zeros((), dtype=torch.int64, device=images.device)
    for part, truth in zip(torch.split(images, batch), torch.split(labels, batch), strict=True):
        between()
        scores = model(normalise(part)).float()
        loss += functional.cross_entropy(scores, truth, reduction="sum")
        five = scores.topk(min(5, classes)).indices
        among_five += (five == truth[:, None]).sum()
        confusion += torch.bincount(truth * classes + five[:, 0], minlength=classes * classes)
    count, table = len(images), confusion.view(classes, classes)
    return Evaluation(
        images=count,
        loss=loss.item() / count,
        top1=100 * int(table.diagonal().sum()) / count,
        top5=100 * int(among_five) / count,
        confusion=tuple(tuple(row) for row in table.tolist()),
        class_names=class_names,
    )
