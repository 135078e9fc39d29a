"""The set of a study: read once, and reduced to what answers in minutes, which is fewer images and smaller ones."""

import io
from pathlib import Path

import numpy
import torch
from torch import Tensor

from resnetc.runtime import data as datasets
from resnetc.runtime.data import Data, ImageSet, MixedOutline, Outline
from resnetc.runtime.errors import RunError
from resnetc.runtime.input_pipeline.image_size import fit_images
from resnetc.runtime.recipe.recipe import Recipe
from resnetc.runtime.run import checkpoint
from resnetc.runtime.run.folder import RunFolder
from resnetc.runtime.run.lock import wait_for_folder
from resnetc.runtime.study.form import takes_photographs


class SmallData:
    """The set in memory that `--data` names, and the parts of it that the arms of a study are trained with.

    side: images are halved until no side is longer, None: they stay as they are; folder: where what was reduced is kept
    as an .npz file, from which the runs read it: anyone can train on the very same images with `--data npz:FILE`.

    RunError where the set is one that no study can be made with.
    """

    def __init__(self, argument: str, side: int | None, folder: Path) -> None:
        self._argument, self._folder = argument, folder
        self._name, path = datasets.parse_argument(argument)
        outline = datasets.read_outline(self._name, path)
        whole = None if isinstance(outline, MixedOutline) else outline.read()
        if not isinstance(whole, Data):
            raise RunError(
                f"--data {argument}: --quick needs images of one size, in memory; photographs need the full form, "
                "without --quick"
            )
        check_set(argument, whole)
        self._whole = whole
        self._fingerprint = whole.fingerprint()
        self._halvings = count_halvings(whole.size, side)
        self._parts: dict[tuple[int | None, tuple[int, ...]], Data] = {}

    def take(self, images: int | None, classes: tuple[int, ...] = ()) -> Data:
        """`images` of its training images (`choose_rows`), and all of its test images, of some of its classes alone
        where `classes` has their labels. RunError where there are none of a class, and where the images cannot be
        reduced."""
        key = images, classes
        if key not in self._parts:
            self._parts[key] = self._reduce(images, classes)
        return self._parts[key]

    def _reduce(self, images: int | None, classes: tuple[int, ...]) -> Data:
        whole = self._whole
        _check_classes(self._argument, whole, classes)
        train, test = (_list_rows(labels, classes) for labels in (whole.train_labels, whole.test_labels))
        if images is not None:
            train = train[choose_rows(whole.train_labels[train], images)]
        if len(train) == len(whole.train_labels) and not self._halvings:
            return whole
        if whole.train_images.dtype != torch.uint8 or len(whole.size) != 2:
            raise RunError(f"--data {self._argument}: only uint8 images can be reduced")
        height, width = (length >> self._halvings for length in whole.size)
        labels = classes or tuple(range(whole.classes))
        part = f"-classes{'-'.join(map(str, classes))}" if classes else ""
        file = self._folder / f"{self._name}{part}-{len(train)}-{height}x{width}-{self._fingerprint[:8]}.npz"
        if not file.is_file():
            make_folder(self._folder)
            content = io.BytesIO()
            new_labels = torch.full((whole.classes,), -1)
            new_labels[list(labels)] = torch.arange(len(labels))
            numpy.savez_compressed(
                content,
                train_images=_lay_out(whole.train_images[train], self._halvings),
                train_labels=new_labels[whole.train_labels[train]].numpy(),
                test_images=_lay_out(whole.test_images[test], self._halvings),
                test_labels=new_labels[whole.test_labels[test]].numpy(),
                class_names=numpy.array([whole.class_names[label] for label in labels]),
            )
            with wait_for_folder(RunFolder(self._folder)):  # another study may write the same file
                checkpoint.write(file, content.getvalue())
        small = datasets.load("npz", file)
        assert isinstance(small, Data)
        return small


def make_folder(path: Path) -> None:
    """Make a folder of a study, unless it is there; RunError where that cannot be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise RunError(f"{path}: cannot use it as a folder of the study: {fault.strerror}") from None


def read_photographs(argument: str, outline: Outline | MixedOutline, recipe: Recipe) -> ImageSet:
    """The photographs that `--data` names, as the nets of a study get them; RunError where no study can be made with
    them."""
    _require_test_images(argument, outline.test)
    whole = fit_images(outline, recipe, None).read()
    check_set(argument, whole)
    return whole


def check_set(argument: str, whole: ImageSet) -> None:
    """RunError unless the images can be trained on and tested with by every study."""
    if whole.train_labels.ndim == 2:
        raise RunError(f"--data {argument}: its images have any number of classes; a study needs exactly one per image")
    _require_test_images(argument, len(whole.test_labels))


def _require_test_images(argument: str, count: int) -> None:
    if not count:
        raise RunError(f"--data {argument}: it has no test images; a study needs them")


def _check_classes(argument: str, whole: Data, classes: tuple[int, ...]) -> None:
    """RunError unless there are training images and test images of each of these classes."""
    for what, labels in ("training", whole.train_labels), ("test", whole.test_labels):
        if missing := sorted(set(classes) - set(labels.tolist())):
            raise RunError(
                f"--data {argument}: no {what} image has label {missing[0]}; this study needs images of the labels "
                f"{', '.join(map(str, classes))}"
            )


def _list_rows(labels: Tensor, classes: tuple[int, ...]) -> Tensor:
    """int64: the indices of the images of these classes, of all where none are named."""
    wanted = torch.isin(labels, torch.tensor(classes)) if classes else torch.ones_like(labels, dtype=torch.bool)
    return wanted.nonzero().flatten()


def choose_rows(labels: Tensor, count: int) -> Tensor:
    """int64: the first `count` images; `count` equally spaced ones where these are of fewer than half of the classes
    that so many could have, as in a folder, whose images are sorted by class."""
    total = len(labels)
    if total <= count:
        return torch.arange(total)
    first = torch.arange(count)
    wanted = min(count, len(set(labels.tolist())))
    # Of classes drawn at random, a few may be missing by chance; of sorted ones, most are.
    if 2 * len(set(labels[first].tolist())) >= wanted:
        return first
    return first * total // count


def read_data(argument: str, recipe: Recipe) -> ImageSet:
    """The images that the argument of `--data` of a run names, as its network gets them."""
    name, path = datasets.parse_argument(argument)
    outline = datasets.read_outline(name, path)
    if takes_photographs(outline):
        return read_photographs(argument, outline, recipe)
    assert isinstance(outline, Outline)
    return outline.read()


def count_halvings(size: tuple[int, ...], side: int | None) -> int:
    """How often the sides are halved until none is longer than `side`; 0 where a side is odd before that."""
    halvings = 0
    while side is not None and max(size) >> halvings > side and all(length % (2 << halvings) == 0 for length in size):
        halvings += 1
    return halvings


def _lay_out(images: Tensor, halvings: int) -> numpy.ndarray[tuple[int, ...], numpy.dtype[numpy.uint8]]:
    """uint8 [N, C, H, W] as an .npz file has it, [N, H, W] or [N, H, W, C]; each value the rounded mean of a square."""
    step = 1 << halvings
    count, channels, height, width = images.shape
    squares = images.view(count, channels, height // step, step, width // step, step).float()
    values = squares.mean((3, 5)).round().byte().movedim(1, -1)
    return (values[..., 0] if channels == 1 else values).numpy()
