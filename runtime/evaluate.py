"""How good a network is on held-out images: loss, top-1, top-5, confusion, each class on its own."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from resnetc.runtime import data as datasets
from resnetc.runtime import module, shares, state, trial
from resnetc.runtime.augment import Normaliser
from resnetc.runtime.data import Data
from resnetc.runtime.determinism import threads
from resnetc.runtime.errors import RunError, harmless
from resnetc.runtime.folder import RunFolder
from resnetc.runtime.group import ALONE, Group
from resnetc.runtime.progress import figure

_WIDEST_TABLE = 20  # classes; beyond, only the most frequent confusions are printed
_LONGEST_NAME = 40  # characters of a class name in the text
_WORST = 24  # images


@dataclass(frozen=True, slots=True)
class Miss:
    """A test image with a high loss: its `index`, what it is, what it was taken for and with which probability."""

    index: int
    loss: float
    true: int
    predicted: int
    probability: float


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
    worst: tuple[Miss, ...] = ()  # the images with the highest losses among those answered wrongly, highest first

    @property
    def names(self) -> tuple[str, ...]:
        """The class names to show: each one short line that no terminal obeys and no table breaks at."""
        lines = (harmless(name).replace("\n", "?") for name in self.class_names)
        return tuple(line if len(line) <= _LONGEST_NAME else line[: _LONGEST_NAME - 3] + "..." for line in lines)

    @property
    def per_class(self) -> tuple[float | None, ...]:
        """The accuracy of each class in percent; None for a class without a test image."""
        return tuple(100 * row[label] / sum(row) if sum(row) else None for label, row in enumerate(self.confusion))

    def mistakes(self) -> list[tuple[int, str, str]]:
        """(images, true class, predicted class) of every kind of mistake that was made, the most frequent first."""
        pairs = [
            (count, self.names[true], self.names[predicted])
            for true, row in enumerate(self.confusion)
            for predicted, count in enumerate(row)
            if count and true != predicted
        ]
        return sorted(pairs, key=lambda pair: -pair[0])

    def text(self) -> str:
        """All of it as plain text: the totals, a row a class with its confusions, the most frequent mistakes."""
        five = min(5, len(self.class_names))
        lines = [
            f"{self.images:,} images  top-1 {self.top1:.2f} %  top-{five} {self.top5:.2f} %  loss {figure(self.loss)}"
        ]
        widest = max(len("true class"), *map(len, self.names))
        table = len(self.class_names) <= _WIDEST_TABLE
        numbers = [len(str(max(map(max, self.confusion)))), len(str(len(self.class_names) - 1))]
        cell = max(numbers) + 1
        lines += ["", f"    {'true class':<{widest}} {'accuracy':>9}  {'predicted' if table else ''}"]
        if table:
            lines.append(" " * (widest + 16) + "".join(f"{number:>{cell}}" for number in range(len(self.class_names))))
        for label, (name, accuracy, row) in enumerate(zip(self.names, self.per_class, self.confusion, strict=True)):
            share = "none" if accuracy is None else f"{accuracy:.2f} %"
            cells = "".join(f"{count or '.':>{cell}}" for count in row) if table else ""
            lines.append(f"{label:>3} {name:<{widest}} {share:>9}  {cells}")
        frequent = self.mistakes()[:10]
        if frequent:
            lines += ["", "most frequent mistakes:"]
            lines += [f"{count:>6}  {true} taken for {predicted}" for count, true, predicted in frequent]
        return "\n".join(line.rstrip() for line in lines) + "\n"


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
    group: Group = ALONE,
) -> Evaluation:
    """Evaluate in `eval` mode, which it leaves set; `between` is called before every batch and may raise to stop.

    The processes of `group` share the images, each counted once, and all return the same.
    images: uint8 [N, channels, height, width]; labels: int64 [N]; both on the model's device.
    """
    model.eval()
    classes = len(class_names)
    confusion = torch.zeros(classes * classes, dtype=torch.int64, device=images.device)
    loss = torch.zeros((), dtype=torch.float64, device=images.device)
    among_five = torch.zeros((), dtype=torch.int64, device=images.device)
    answers: list[Tensor] = []  # float [3, batch]: loss, predicted class, its probability
    count = len(images)
    images, labels = images[group.rank :: group.size], labels[group.rank :: group.size]
    own = shares.parts(len(images), batch)
    for number in range(len(shares.parts(-(-count // group.size), batch))):  # as often in every process
        between()
        if number >= len(own):
            continue
        part, truth = (whole[slice(*own[number])] for whole in (images, labels))
        scores = model(normalise(part)).float()
        each = functional.cross_entropy(scores, truth, reduction="none")
        loss += each.sum(dtype=torch.float64)
        five = scores.topk(min(5, classes)).indices
        among_five += (five == truth[:, None]).sum()
        confusion += torch.bincount(truth * classes + five[:, 0], minlength=classes * classes)
        answers.append(torch.stack([each, five[:, 0].float(), scores.softmax(1).amax(1)]))
    worst = [miss for each in group.gather(_worst(answers, labels, group)) for miss in each]
    table = group.total(confusion).view(classes, classes)
    return Evaluation(
        images=count,
        loss=group.total(loss).item() / count,
        top1=100 * int(table.diagonal().sum()) / count,
        top5=100 * int(group.total(among_five)) / count,
        confusion=tuple(tuple(row) for row in table.tolist()),
        class_names=class_names,
        worst=tuple(sorted(worst, key=lambda miss: (-miss.loss, miss.index))[:_WORST]),
    )


def _worst(parts: list[Tensor], labels: Tensor, group: Group) -> tuple[Miss, ...]:
    """Of this process's images; parts: float [3, n], loss, predicted class and its probability; labels: int64 [N]."""
    if not parts:
        return ()
    answers = torch.cat(parts, 1)
    wrong = torch.nonzero(answers[1].long() != labels).flatten()
    chosen = wrong[answers[0, wrong].argsort(descending=True, stable=True)[:_WORST]]
    rows = zip(chosen.tolist(), labels[chosen].tolist(), *answers[:, chosen].tolist(), strict=True)
    places = ((index * group.size + group.rank, *rest) for index, *rest in rows)
    return tuple(Miss(index, loss, true, int(guess), sure) for index, true, loss, guess, sure in places)


def evaluate(
    out: Path,
    data: Data | None = None,
    *,
    weights: Literal["best", "last"] | None = None,
    device: str | None = None,
    batch: int | None = None,
) -> Evaluation:
    """Evaluate the run in the folder `out` on the test images of `data`, by default of the data it was trained on.

    `best` are the weights of the best epoch, `last` those of the last epoch or stop (averaged ones where the recipe
    averages); without `weights`, the best where there are any, else the last. `batch` images at a time, by default
    as many as the recipe says. Other data is normalised by the statistics of its own training images, as in training.

    Raises RunError where the folder, its files or the data are at fault, or do not fit one another.
    """
    run = RunFolder(out)
    if not run.exists:
        raise RunError(f"{out}: no run in this folder: {run.model.name} and {run.last.name} are expected")
    source = run.source()
    weights = weights or ("best" if run.best.is_file() else "last")
    path = run.best if weights == "best" else run.last
    tensors, facts = state.load(path)
    if facts["module"] != module.digest(source):
        raise RunError(f"{run.model}: changed since {path.name} was written: its weights belong to another text")
    if weights == "last":
        part = "average/" if facts["recipe"]["ema"] else "model/"
        tensors = {name.removeprefix(part): tensor for name, tensor in tensors.items() if name.startswith(part)}
    if data is None:
        data = datasets.load(*datasets.split(facts["data"]))
        if data.fingerprint() != facts["fingerprint"]:
            raise RunError(f"--data {facts['data']}: no longer the data that {out} was trained on; name it with --data")

    place = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    model = module.build(source, run.model, place)
    batch = batch or facts["recipe"]["eval_batch"]
    trial.check(model, facts["network"], data, shares.of_judging(len(data.test_labels), batch))
    try:
        model.load_state_dict(tensors)
    except RuntimeError as fault:
        raise RunError(f"{path}: does not fit {run.model}: {str(fault).splitlines()[-1].strip()}") from None
    held = data.to(place)
    normalise = Normaliser(held.train_images, facts["recipe"]["normalise"])
    with threads(facts["recipe"]["threads"]):
        return measure(
            model,
            held.test_images,
            held.test_labels,
            data.class_names,
            normalise,
            batch,
        )
