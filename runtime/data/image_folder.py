"""Reads a folder of images: `train/<class>/*` and `test/<class>/*` (or `val`), all of the same size."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from resnetc.runtime.data.dataset import Data, Outline
from resnetc.runtime.data.files import check_names
from resnetc.runtime.errors import RunError, require_packages

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
_GREY = ("1", "L")
_DEEP = ("I", "F")
_EXPECTED = "expected a folder with train/<class>/<image> and test/<class>/<image>"
_MAX_PIXELS = 1 << 26


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
        elif entry.suffix.lower() in _ENDINGS:
            images.append(entry)
    return images


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
        raise RunError(f"{part}: no images in it ({', '.join(_ENDINGS)}); {_EXPECTED}")
    return files


def _open_image(path: Path) -> Image:
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(path)
            if image.width * image.height > _MAX_PIXELS:
                raise RunError(f"{path}: {image.width}x{image.height} pixels; the limit is {_MAX_PIXELS:,}")
            image.load()
    except UnidentifiedImageError:
        raise RunError(f"{path}: not an image that Pillow can read") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise RunError(f"{path}: too many pixels for a training image") from None
    except (OSError, SyntaxError, ValueError) as fault:
        reason = getattr(fault, "strerror", None)  # the system's; Pillow's own errors have none
        raise RunError(f"{path}: {f'cannot read it: {reason}' if reason else f'damaged image: {fault}'}") from None
    if image.mode.startswith(_DEEP):
        raise RunError(f"{path}: {image.mode} pixels, deeper than 8 bits; expected 8 bits per channel")
    return image


def _is_grey(path: Path) -> bool:
    """Whether the header of the file says so; what is wrong with a file is found when it is read."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            return image.mode in _GREY
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError):
        return False


def _load_images(files: list[tuple[Path, int]], first: Path, size: tuple[int, int], mode: str) -> tuple[Tensor, Tensor]:
    """The files as uint8 [N, channels, height, width] and their labels; `size` (width, height) is that of `first`."""
    import torch

    channels = 1 if mode == "L" else 3
    pixels = torch.empty(len(files), channels, size[1], size[0], dtype=torch.uint8)
    for index, (path, _) in enumerate(files):
        image = _open_image(path)
        if image.size != size:
            raise RunError(
                f"{path}: {image.width}x{image.height} pixels, but {first} has {size[0]}x{size[1]}; "
                f"resize all images to one size first"
            )
        array = np.asarray(image.convert(mode)).reshape(size[1], size[0], channels)
        pixels[index] = torch.from_numpy(array.copy()).permute(2, 0, 1)
    return pixels, torch.tensor([label for _, label in files], dtype=torch.int64)


def read_outline(path: Path | None) -> Outline:
    """The images in `path`. The classes are the folders of `train`, sorted; grey if every image is grey, else RGB."""
    require_packages("PIL")
    if path is None:
        raise RunError(f"--data folder: needs a path: --data folder:DIR; {_EXPECTED}")
    parts = [path / "train", path / "test" if (path / "test").is_dir() else path / "val"]
    for part in parts:
        if not part.is_dir():
            raise RunError(f"{part}: no such folder; {_EXPECTED}")
    classes = tuple(entry.name for entry in _list_entries(parts[0]) if entry.is_dir())
    check_names(parts[0], classes)
    files = [_list_files(part, classes) for part in parts]
    filled = {label for _, label in files[0]}
    for label, name in enumerate(classes):
        if label not in filled:
            raise RunError(f"{parts[0] / name}: no images of the class {name} to train with; {_EXPECTED}")
    mode = "L" if all(_is_grey(file) for part in files for file, _ in part) else "RGB"
    first = files[0][0][0]
    size = _open_image(first).size

    def read() -> Data:
        train, test = (_load_images(part, first, size, mode) for part in files)
        return Data("folder", path, classes, *train, *test)

    channels = 1 if mode == "L" else 3
    return Outline("folder", len(classes), channels, (size[1], size[0]), len(files[0]), len(files[1]), read)
