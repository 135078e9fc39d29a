"""Evaluates a network on test images: loss, top-1, top-5, confusion matrix, accuracy of each class, calibration."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from resnetc.runtime import data as datasets
from resnetc.runtime.augment import Normaliser
from resnetc.runtime.calibration import ConfidenceBin, compute_error, count_bins, draw_diagram, join_counts
from resnetc.runtime.data import Fit, ImageSet, MixedOutline, Outline
from resnetc.runtime.data.labels import format_labels, shorten_name
from resnetc.runtime.determinism import limit_threads
from resnetc.runtime.distributed import batch_shares
from resnetc.runtime.distributed.process_group import SINGLE_PROCESS, Group
from resnetc.runtime.errors import RunError
from resnetc.runtime.image_batches import TestBatches, open_test_batches
from resnetc.runtime.model import dry_run
from resnetc.runtime.multi_view import ViewBatches, choose_views
from resnetc.runtime.preprocessing import Preprocessing
from resnetc.runtime.progress import format_loss
from resnetc.runtime.run.folder import RunFolder
from resnetc.runtime.run.record import describe_missing_record
from resnetc.runtime.run.state_metadata import RunMetadata
from resnetc.runtime.splits import Split
from resnetc.runtime.statistics import describe_preprocessing
from resnetc.runtime.trained_run import LoadedRun, Weights, choose_device, load_run

MAX_TABLE_CLASSES = 20  # classes that occur; beyond, only the most frequent confusions are told
_MAX_MISTAKES = 10
_MAX_WORST = 24  # images


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

    `loss` is the mean cross-entropy (natural logarithm, no smoothing); `top5` counts the best `min(5, classes)`.
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
        tested = {true for true, _ in self.confusion}
        missing = [label for label in range(len(self.class_names)) if label not in tested]
        if not missing:
            return ""
        return f"{len(missing):,} of {len(self.class_names):,} classes have no test image: " + format_labels(
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

    def list_mistakes(self) -> list[tuple[int, str, str]]:
        """(images, true class, predicted class) of the most frequent mistakes, at most ten."""
        pairs = [(-count, *pair) for pair, count in self.confusion.items() if pair[0] != pair[1]]
        return [
            (-count, self.format_class_name(true), self.format_class_name(predicted))
            for count, true, predicted in sorted(pairs)[:_MAX_MISTAKES]
        ]

    def _format_rate(self) -> str:
        return f"  {self.images / self.seconds:,.0f} img/s" if self.seconds else ""

    def format_text(self) -> str:
        """The evaluation as plain text: totals, one row per class with its confusions, calibration, the most frequent
        mistakes."""
        top = min(5, len(self.class_names))
        lines = [
            f"{self.images:,} images  top-1 {self.top1:.2f} %  top-{top} {self.top5:.2f} %  "
            f"loss {format_loss(self.loss)}{self._format_rate()}"
        ]
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
            lines += [f"{count:>6}  {true} taken for {predicted}" for count, true, predicted in frequent]
        return "\n".join(line.rstrip() for line in lines) + "\n"


def raise_fault(fault: RunError | None) -> None:
    """The default of `before_batch`."""
    if fault is not None:
        raise fault


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
    labels: int64 [N], on the model's device.
    """
    start_time = time.perf_counter()
    model.eval()
    classes = len(class_names)
    pairs_per_batch: list[Tensor] = []  # int64 [batch]: the true class and the predicted one as one number
    loss = torch.zeros((), dtype=torch.float64, device=labels.device)
    top5_hits = torch.zeros((), dtype=torch.int64, device=labels.device)
    predictions: list[Tensor] = []  # float [3, batch]: loss, predicted class, its probability
    count = len(labels)
    own = range(group.rank, count, group.size)
    labels = labels[group.rank :: group.size]
    own_batches = batch_shares.split_batches(len(own), batch_size)
    batches = test_images.read_test([own[start:stop] for start, stop in own_batches])
    # as often in every process
    for number in range(len(batch_shares.split_batches(-(-count // group.size), batch_size))):
        if number >= len(own_batches):
            before_batch(None)
            continue
        batch = next(batches)
        before_batch(batch.fault)
        batch_labels = labels[slice(*own_batches[number])]
        scores = model(batch.images).float()
        losses = functional.cross_entropy(scores, batch_labels, reduction="none")
        loss += losses.sum(dtype=torch.float64)
        top5 = scores.topk(min(5, classes)).indices
        top5_hits += (top5 == batch_labels[:, None]).sum()
        pairs_per_batch.append(batch_labels * classes + top5[:, 0])
        predictions.append(torch.stack([losses, top5[:, 0].float(), scores.softmax(1).amax(1)]))
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


def _count_bins(parts: list[Tensor], labels: Tensor) -> list[tuple[int, int, float]]:
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
        Misclassification(index, loss, true, int(guess), sure) for index, true, loss, guess, sure in global_rows
    )


def evaluate(
    out: Path,
    data: ImageSet | Outline | MixedOutline | None = None,
    *,
    weights: Weights | None = None,
    device: str | None = None,
    batch_size: int | None = None,
    allow_imports: Iterable[str] = (),
    crops: int = 1,
    scales: Sequence[int] = (),
) -> Evaluation:
    """Evaluate the run in the folder `out` on the test images of `data`, by default of the data it was trained on.

    `weights` is `best` for those of the best epoch, or `last` for those of the last epoch or stop (the averaged ones
    if the recipe averages); by default the best if there are any, else the last. `batch_size` is the number of images
    at a time, by default the recipe's. Other data is prepared as that of the run was, with the same mean and scale;
    photographs of which the outline is given are resized and cropped in the same way. `allow_imports` names the modules
    of the user's own that the network may import. `crops` and `scales` are those of `multi_view.Views`.

    Raises RunError if the folder, its files or the data are at fault, or do not fit one another.
    """
    torch_device = choose_device(device)
    run = load_run(out, weights=weights, device=torch_device, allow_imports=allow_imports)
    metadata = run.metadata
    if data is None:
        data = load_run_data(metadata)
        if data.fingerprint() != metadata["fingerprint"]:
            raise RunError(
                f"--data {metadata['data']}: no longer the data that {out} was trained on; pass its path with --data"
            )
    elif isinstance(data, Outline | MixedOutline):
        data = _read_as_in_run(data, metadata)
    batch_size = batch_size or metadata["recipe"].eval_batch_size
    dry_run.check_model(
        run.model, metadata["network"], data, batch_shares.compute_evaluation_share(len(data.test_labels), batch_size)
    )
    preprocessing = _choose_preprocessing(run, data)
    views = choose_views(crops, scales, preprocessing)
    test_labels = data.test_labels.to(torch_device)
    if views is not None:
        with limit_threads(metadata["recipe"].threads):
            scored = ViewBatches(run.model, data, views, preprocessing, batch_size)
            return measure(nn.Identity(), scored, test_labels, data.class_names, batch_size)
    normaliser = Normaliser.from_record(preprocessing, torch_device)
    with limit_threads(metadata["recipe"].threads), ExitStack() as to_release:
        test_images = open_test_batches(data, metadata["recipe"], normaliser, torch_device, to_release)
        return measure(run.model, test_images, test_labels, data.class_names, batch_size)


def load_run_data(metadata: RunMetadata) -> ImageSet:
    """The data that a run was trained on, if it is still there, as its network gets it."""
    axes = len(metadata["shape"]) - 1
    return _read_as_in_run(datasets.read_outline(*datasets.parse_argument(metadata["data"]), axes), metadata)


def _read_as_in_run(outline: Outline | MixedOutline, metadata: RunMetadata) -> ImageSet:
    """The data, photographs resized and cropped as those of the run."""
    recipe = metadata["recipe"]
    holdout = 0 if outline.test else recipe.holdout
    split = Split(holdout, recipe.validation, recipe.split_seed)
    if isinstance(outline, Outline) and outline.fit is None:
        return split.apply(outline).read()
    record, (_, height, width) = metadata["preprocessing"], metadata["shape"]  # of photographs: they have a `fit`
    return split.apply(outline.at(Fit((height, width), None if record is None else record.resize))).read()


def _choose_preprocessing(run: LoadedRun, data: ImageSet) -> Preprocessing:
    """The record of the run; that of a run of an earlier version, which has none, is measured on its own data."""
    preprocessing = run.preprocessing
    if preprocessing is None:
        if data.fingerprint() != run.metadata["fingerprint"]:
            raise RunError(describe_missing_record(run.folder, run.weights))
        return describe_preprocessing(data, run.metadata["recipe"])
    if len(preprocessing.mean) != preprocessing.channels and preprocessing.size != data.size:
        raise RunError(
            f"{data.name} has images of {'x'.join(map(str, data.size))}, but {run.folder.path} subtracts a mean per "
            f"pixel of {'x'.join(map(str, preprocessing.size))}"
        )
    _check_names(preprocessing.classes, data, run.folder)
    return preprocessing


def _check_names(classes: tuple[str, ...], data: ImageSet, run: RunFolder) -> None:
    """RunError where a label means another class than in training; classes without names are numbers."""
    numbers = tuple(map(str, range(len(classes))))
    if data.class_names in (classes, numbers) or classes == numbers:
        return
    label = next(label for label, name in enumerate(classes) if name != data.class_names[label])
    raise RunError(
        f"{data.name}: class {label} is {shorten_name(data.class_names[label])}, but {run.path} was trained with "
        f"{shorten_name(classes[label])} there"
    )
