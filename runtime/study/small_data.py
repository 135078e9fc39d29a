"""Reduces a set of images to what a study answers with in minutes: fewer of them, and smaller ones."""

import io
from pathlib import Path

import numpy
import torch
from torch import Tensor

from resnetc.runtime import data as datasets
from resnetc.runtime.data import Data
from resnetc.runtime.errors import RunError
from resnetc.runtime.run import checkpoint


def read_small(argument: str, images: int | None, side: int | None, classes: tuple[int, ...], folder: Path) -> Data:
    """The set that `--data` names: its first `images` training images, halved until no side is longer than `side`; of
    some of its classes alone where `classes` has their labels.

    What was reduced is kept as an .npz file in `folder`, from which the runs read it: anyone can train on the very same
    images with `--data npz:FILE`. RunError where the set is one that no study can be made with, or cannot be reduced.
    """
    name, path = datasets.parse_argument(argument)
    whole = _read_whole(argument, name, path)
    _check_classes(argument, whole, classes)
    train, test = (_choose(labels, classes) for labels in (whole.train_labels, whole.test_labels))
    train = train[:images]
    halvings = count_halvings(whole.size, side)
    if len(train) == len(whole.train_labels) and not halvings:
        return whole
    if whole.train_images.dtype != torch.uint8 or len(whole.size) != 2:
        raise RunError(f"--data {argument}: only images of bytes are reduced")
    height, width = (length >> halvings for length in whole.size)
    labels = classes or tuple(range(whole.classes))
    part = f"-classes{'-'.join(map(str, classes))}" if classes else ""
    file = folder / f"{name}{part}-{len(train)}-{height}x{width}-{whole.fingerprint()[:8]}.npz"
    if not file.is_file():
        make_folder(folder)
        content = io.BytesIO()
        new_labels = torch.full((whole.classes,), -1)
        new_labels[list(labels)] = torch.arange(len(labels))
        numpy.savez_compressed(
            content,
            train_images=_lay_out(whole.train_images[train], halvings),
            train_labels=new_labels[whole.train_labels[train]].numpy(),
            test_images=_lay_out(whole.test_images[test], halvings),
            test_labels=new_labels[whole.test_labels[test]].numpy(),
            class_names=numpy.array([whole.class_names[label] for label in labels]),
        )
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


def _read_whole(argument: str, name: str, path: Path | None) -> Data:
    """The set as it is; RunError unless its images can be trained on and tested with by every study."""
    whole = datasets.load(name, path)
    if not isinstance(whole, Data):
        raise RunError(f"--data {argument}: a study needs images in memory, of one size")
    if whole.train_labels.ndim == 2:
        raise RunError(f"--data {argument}: its images have any number of classes; a study needs exactly one for each")
    if not len(whole.test_labels):
        raise RunError(f"--data {argument}: it has no test images, which a study needs")
    return whole


def _check_classes(argument: str, whole: Data, classes: tuple[int, ...]) -> None:
    """RunError unless there are training images and test images of each of these classes."""
    for what, labels in ("training", whole.train_labels), ("test", whole.test_labels):
        if missing := sorted(set(classes) - set(labels.tolist())):
            raise RunError(
                f"--data {argument}: no {what} image has label {missing[0]}; this study needs images of the labels "
                f"{', '.join(map(str, classes))}"
            )


def _choose(labels: Tensor, classes: tuple[int, ...]) -> Tensor:
    """int64: the indices of the images of these classes, of all where none are named."""
    wanted = torch.isin(labels, torch.tensor(classes)) if classes else torch.ones_like(labels, dtype=torch.bool)
    return wanted.nonzero().flatten()


def read_data(argument: str) -> Data:
    """The images in memory that the argument of `--data` of a run names."""
    name, path = datasets.parse_argument(argument)
    data = datasets.load(name, path)
    assert isinstance(data, Data)
    return data


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
