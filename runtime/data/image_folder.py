"""Reads a folder of photographs of any size: `train/<class>/*` and `test/<class>/*` (or `val`), or one part alone; or
those of a table `labels.csv`, where an image has any number of classes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from resnetc.bounded_read import open_regular
from resnetc.runtime.data.dataset import MixedOutline, Outline
from resnetc.runtime.data.decode import ENDINGS, ImageFile, open_image
from resnetc.runtime.data.files import check_names
from resnetc.runtime.data.label_table import NAME as TABLE_NAME
from resnetc.runtime.data.label_table import TablePlaces, read_label_table
from resnetc.runtime.data.labels import describe_labels
from resnetc.runtime.data.photographs import Labels, Part, Source
from resnetc.runtime.errors import RunError, describe_no_folder, require_packages
from resnetc.terminal import one_line

_EXPECTED = (
    "expected a folder with train/<class>/<image> and test/<class>/<image>, or only <class>/<image>; or "
    "labels.csv, if an image has any number of classes"
)
_PART_NAMES = {"train", "test", "val", "valid", "validation", "training", "testing"}  # no classes, however written


@dataclass(frozen=True, slots=True)
class FolderPictures:
    """Image files, each decoded from its own."""

    files: tuple[Path, ...]
    channels: int
    places: TablePlaces | None  # of a table that names them

    def __len__(self) -> int:
        return len(self.files)

    def open(self, index: int) -> ImageFile:
        """One of them."""
        return open_image(self.files[index], self.channels, self.places[index] if self.places is not None else "")


@dataclass(frozen=True, eq=False, slots=True)
class ListedFolder:
    """A folder with its classes and, for `train` and `test`, every image file with its label and its name.

    names: relative to the part, so that a copy of the folder has the same. labels: int64 [N], or where an image has any
    number of classes uint8 [N, classes] of 0 and 1. note: what the user is told of how the folder was read. places:
    where a table names the files, if one does.
    """

    path: Path
    class_names: tuple[str, ...]
    files: tuple[tuple[Path, ...], tuple[Path, ...]]
    names: tuple[tuple[str, ...], tuple[str, ...]]
    labels: tuple[Labels, Labels]
    note: str = ""
    places: tuple[TablePlaces, TablePlaces] | tuple[None, None] = (None, None)

    def list_pictures(self, channels: int) -> tuple[FolderPictures, FolderPictures]:
        """The images of both parts, to be read with so many channels."""
        train, test = (FolderPictures(self.files[part], channels, self.places[part]) for part in range(2))
        return train, test

    def compute_fingerprint(self) -> str:
        """SHA-256 (hex) of the names of the classes, and of name, label, length and content of every file."""
        digest = hashlib.sha256("\n".join(self.class_names).encode(errors="surrogatepass"))
        for part in range(2):
            digest.update(f"\n\n{len(self.files[part])}\n".encode())
            for file, name, label in zip(self.files[part], self.names[part], self.labels[part].tolist(), strict=True):
                try:
                    with open_regular(file) as stream:
                        content, length = _compute_digest(stream)
                except OSError as fault:
                    raise RunError(f"{one_line(str(file))}: cannot read it: {fault.strerror or fault}") from None
                digest.update(f"{name}\0{label}\0{length}\0".encode(errors="surrogatepass") + content)
        return digest.hexdigest()


def _compute_digest(stream: BinaryIO) -> tuple[bytes, int]:
    """SHA-256 of what is left of a stream, and how many bytes that were."""
    digest, length = hashlib.sha256(), 0
    while chunk := stream.read(1 << 18):
        digest.update(chunk)
        length += len(chunk)
    return digest.digest(), length


def _list_entries(path: Path) -> list[Path]:
    try:
        return sorted(entry for entry in path.iterdir() if not entry.name.startswith("."))
    except OSError as fault:
        raise RunError(f"{path}: cannot read it: {fault.strerror}; {_EXPECTED}") from None


def _list_images(folder: Path, above: tuple[Path, ...]) -> list[Path]:
    """The image files below `folder`, hidden ones left out, in the order of their names.

    above: the folders that led here, links resolved; RunError for a link back into one of them, which has no end.
    """
    here = folder.resolve()
    if here in above:
        raise RunError(f"{folder}: a link back to {here}, which contains it: images would be read repeatedly")
    images = []
    for entry in _list_entries(folder):
        if entry.is_dir():
            images += _list_images(entry, (*above, here))
        elif entry.suffix.lower() in ENDINGS:
            images.append(entry)
    return images


def list_images(folder: Path) -> list[Path]:
    """The image files below any folder, in the order of their names; RunError for a folder that cannot be read."""
    return _list_images(folder, ())


def _list_files(part: Path, classes: tuple[str, ...]) -> list[tuple[Path, int]]:
    """Every image below `part`, however deep, with its label; RunError for an unknown class and where there is none."""
    files, labels = [], {name: label for label, name in enumerate(classes)}
    for folder in _list_entries(part):
        if not folder.is_dir():
            continue
        label = labels.get(folder.name)
        if label is None:
            raise RunError(f"{folder}: the class {folder.name} has no folder under {part.parent / 'train'}")
        files += [(file, label) for file in _list_images(folder, (part.parent.resolve(), part.resolve()))]
    if not files:
        raise RunError(f"{part}: no images in it ({', '.join(ENDINGS)}); {_EXPECTED}")
    return files


def _find_parts(path: Path) -> list[Path]:
    """The folders of the training and the test part, or one alone where there is no test part."""
    if not path.is_dir():
        raise RunError(f"{path}: {describe_no_folder(path)}; {_EXPECTED}")
    if (path / "train").is_dir():
        return [path / "train", *[path / name for name in ("test", "val") if (path / name).is_dir()][:1]]
    folders = [entry.name for entry in _list_entries(path) if entry.is_dir()]
    if not folders or any(name.lower() in _PART_NAMES for name in folders):
        train = path / "train"
        raise RunError(f"{train}: {describe_no_folder(train)}; {_EXPECTED}")
    return [path]


def list_folder(path: Path) -> ListedFolder:
    """The classes are those of the table, or the folders of the training part, sorted, of which every one has an image
    to train with."""
    if (path / TABLE_NAME).is_file():
        return _list_table(path)
    parts = _find_parts(path)
    classes = tuple(entry.name for entry in _list_entries(parts[0]) if entry.is_dir())
    check_names(parts[0], classes)
    train = _list_files(parts[0], classes)
    test = _list_files(parts[1], classes) if len(parts) > 1 else []
    filled = {label for _, label in train}
    for label, name in enumerate(classes):
        if label not in filled:
            raise RunError(f"{parts[0] / name}: no images of the class {name} to train with; {_EXPECTED}")
    return ListedFolder(
        path,
        classes,
        files=(tuple(file for file, _ in train), tuple(file for file, _ in test)),
        names=(
            tuple(file.relative_to(parts[0]).as_posix() for file, _ in train),
            tuple(file.relative_to(parts[-1]).as_posix() for file, _ in test),
        ),
        labels=(np.array([label for _, label in train], np.int64), np.array([label for _, label in test], np.int64)),
    )


def _list_table(path: Path) -> ListedFolder:
    """The images of a folder that its table names."""
    table = read_label_table(path)
    train, test = (
        tuple(folder / name for name in names) for folder, names in zip(table.folders, table.names, strict=True)
    )
    notes = [f"{one_line(str(path / TABLE_NAME))}: {describe_labels(len(table.class_names))}"]
    listed = {*train, *test}
    if others := sum(file not in listed for file in list_images(path)):
        notes.append(f"{others:,} images of the folder are not in it and are skipped")
    note = "; ".join(notes)
    return ListedFolder(
        path,
        table.class_names,
        files=(train, test),
        names=table.names,
        labels=table.labels,
        note=note,
        places=table.places,
    )


def look_at_folder(path: Path) -> tuple[ListedFolder, Source]:
    """A folder of which every header was read: one channel if every image is grey, else RGB."""
    require_packages("PIL")
    folder = list_folder(path)
    sizes: list[list[tuple[int, int]]] = []
    is_grey = True
    for pictures in folder.list_pictures(3):
        sizes.append([])
        for index in range(len(pictures)):
            with pictures.open(index) as image:
                sizes[-1].append((image.height, image.width))
                is_grey = is_grey and image.is_grey
    channels = 1 if is_grey else 3
    train, test = (
        Part(pictures, labels, np.array(own_sizes, np.int64).reshape(-1, 2))
        for pictures, labels, own_sizes in zip(folder.list_pictures(channels), folder.labels, sizes, strict=True)
    )
    return folder, Source(
        "folder",
        path,
        class_names=folder.class_names,
        channels=channels,
        train=train,
        test=test,
        compute_fingerprint=folder.compute_fingerprint,
        note=folder.note,
    )


def read_outline(path: Path | None) -> Outline | MixedOutline:
    """The photographs in `path`."""
    if path is None:
        raise RunError(f"--data folder: needs a path: --data folder:DIR; {_EXPECTED}")
    return look_at_folder(path)[1].outline()
