"""How good a network is on held-out images: loss, top-1, top-5, confusion, each class on its own."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from resnetc.runtime import data as datasets
from resnetc.runtime import shares, trial
from resnetc.runtime.augment import Normaliser
from resnetc.runtime.data import Data
from resnetc.runtime.data.labels import labelled, shown
from resnetc.runtime.determinism import threads
from resnetc.runtime.distributed import ALONE, Group
from resnetc.runtime.errors import RunError
from resnetc.runtime.model import loader
from resnetc.runtime.progress import figure
from resnetc.runtime.run import train_state
from resnetc.runtime.run.folder import RunFolder

WIDEST_TABLE = 20  # classes that occur; beyond, only the most frequent confusions are told
_MISTAKES = 10
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
    """The answers to all test images. Accuracies in percent; `confusion[true, predicted]` counts images (if any).

    `loss` is the mean cross-entropy (natural logarithm, no smoothing); `top5` counts the best `min(5, classes)`.
    """

    images: int
    loss: float
    top1: float
    top5: float
    confusion: Mapping[tuple[int, int], int]
    class_names: tuple[str, ...]
    worst: tuple[Miss, ...] = ()  # the images with the highest losses among those answered wrongly, highest first

    @property
    def occurring(self) -> tuple[int, ...]:
        """The labels that a test image has or was given: the rows and columns of every table."""
        return tuple(sorted({label for pair in self.confusion for label in pair}))

    @property
    def absent(self) -> str:
        """Which classes have no test image, in a line; nothing where all have one."""
        there = {true for true, _ in self.confusion}
        missing = [label for label in range(len(self.class_names)) if label not in there]
        if not missing:
            return ""
        return f"{len(missing):,} of {len(self.class_names):,} classes have no test image: " + labelled(
            missing, self.class_names
        )

    @property
    def per_class(self) -> dict[int, tuple[int, float | None]]:
        """Of each class that occurs its test images, and their accuracy in percent; None where there are none."""
        images: Counter[int] = Counter()
        for (true, _), count in self.confusion.items():
            images[true] += count
        right = {label: self.confusion.get((label, label), 0) for label in self.occurring}
        return {
            label: (images[label], 100 * right[label] / images[label] if images[label] else None)
            for label in self.occurring
        }

    def name(self, label: int) -> str:
        """A class's name to show."""
        return shown(self.class_names[label])

    def mistakes(self) -> list[tuple[int, str, str]]:
        """(images, true class, predicted class) of the most frequent kinds of mistakes, ten at most."""
        pairs = [(-count, *pair) for pair, count in self.confusion.items() if pair[0] != pair[1]]
        return [(-count, self.name(true), self.name(predicted)) for count, true, predicted in sorted(pairs)[:_MISTAKES]]

    def text(self) -> str:
        """All of it as plain text: the totals, a row a class with its confusions, the most frequent mistakes."""
        five = min(5, len(self.class_names))
        lines = [
            f"{self.images:,} images  top-1 {self.top1:.2f} %  top-{five} {self.top5:.2f} %  loss {figure(self.loss)}"
        ]
        labels = self.occurring
        names = {label: self.name(label) for label in labels}
        widest = max(len("true class"), *map(len, names.values()))
        table = len(labels) <= WIDEST_TABLE
        cell = max(len(str(max(self.confusion.values()))), len(str(labels[-1]))) + 1
        number = max(3, len(str(labels[-1])))
        lines += ["", f"{'':{number}} {'true class':<{widest}} {'accuracy':>9}  {'predicted' if table else ''}"]
        if table:
            lines.append(" " * (number + widest + 13) + "".join(f"{label:>{cell}}" for label in labels))
        for label, (_, accuracy) in self.per_class.items():
            share = "none" if accuracy is None else f"{accuracy:.2f} %"
            row = [self.confusion.get((label, predicted), 0) for predicted in labels] if table else []
            cells = "".join(f"{count or '.':>{cell}}" for count in row)
            lines.append(f"{label:>{number}} {names[label]:<{widest}} {share:>9}  {cells}")
        if self.absent:
            lines += ["", self.absent]
        frequent = self.mistakes()
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
    told: list[Tensor] = []  # int64 [batch]: the true class and the predicted one as one number
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
        told.append(truth * classes + five[:, 0])
        answers.append(torch.stack([each, five[:, 0].float(), scores.softmax(1).amax(1)]))
    worst = [miss for each in group.gather(_worst(answers, labels, group)) for miss in each]
    confusion: Counter[tuple[int, int]] = Counter()
    for pairs in group.gather(_counted(told)):
        for number, times in pairs:
            confusion[divmod(number, classes)] += times
    return Evaluation(
        images=count,
        loss=group.total(loss).item() / count,
        top1=100 * sum(times for (true, guess), times in confusion.items() if true == guess) / count,
        top5=100 * int(group.total(among_five)) / count,
        confusion=confusion,
        class_names=class_names,
        worst=tuple(sorted(worst, key=lambda miss: (-miss.loss, miss.index))[:_WORST]),
    )


def _counted(parts: list[Tensor]) -> list[tuple[int, int]]:
    """How often each number occurs: (number, times), as many as there are images at most."""
    return sorted(Counter(torch.cat(parts).tolist()).items()) if parts else []


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
        raise RunError(f"{out}: no run in this folder: {run.model.name} and {run.last.name} are missing")
    source = run.source()
    weights = weights or ("best" if run.best.is_file() else "last")
    path = run.best if weights == "best" else run.last
    tensors, facts = train_state.load(path)
    if facts["module"] != loader.digest(source):
        raise RunError(f"{run.model}: changed since {path.name} was written, so its weights belong to another network")
    if weights == "last":
        part = "average/" if facts["recipe"]["ema_decay"] else "model/"
        tensors = {name.removeprefix(part): tensor for name, tensor in tensors.items() if name.startswith(part)}
    if data is None:
        data = datasets.load(*datasets.split(facts["data"]))
        if data.fingerprint() != facts["fingerprint"]:
            raise RunError(
                f"--data {facts['data']}: no longer the data that {out} was trained on; pass its path with --data"
            )

    place = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    model = loader.build(source, run.model, place)
    batch = batch or facts["recipe"]["eval_batch_size"]
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
