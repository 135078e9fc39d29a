"""Reads CIFAR-10 and CIFAR-100 in the published binary version: a folder of `.bin` files, or the archive itself."""

from __future__ import annotations

import gzip
import tarfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from resnetc.runtime.data.dataset import Data, Outline
from resnetc.runtime.data.files import check_labels, read_content
from resnetc.runtime.errors import RunError

if TYPE_CHECKING:
    from torch import Tensor

_PIXELS = 3 * 32 * 32


@dataclass(frozen=True, slots=True)
class _Version:
    """What the two sets differ in; a record is `labels` bytes, the last of them the class, then 3,072 of the image."""

    name: str
    classes: int
    labels: int
    train: tuple[str, ...]
    test: str
    each: int  # records a file
    tested: int
    words: str  # the file with the names of the classes
    folder: str
    archive: str
    pickled: tuple[str, ...]  # the folder of the python version, and files in it


_TEN = _Version(
    name="cifar10",
    classes=10,
    labels=1,
    train=tuple(f"data_batch_{number}.bin" for number in range(1, 6)),
    test="test_batch.bin",
    each=10_000,
    tested=10_000,
    words="batches.meta.txt",
    folder="cifar-10-batches-bin",
    archive="cifar-10-binary.tar.gz",
    pickled=("cifar-10-batches-py", "data_batch_1", "test_batch"),
)
_HUNDRED = _Version(
    name="cifar100",
    classes=100,
    labels=2,
    train=("train.bin",),
    test="test.bin",
    each=50_000,
    tested=10_000,
    words="fine_label_names.txt",
    folder="cifar-100-binary",
    archive="cifar-100-binary.tar.gz",
    pickled=("cifar-100-python", "train", "test"),
)
_Reader = Callable[[str, int], bytes]  # (name, at most so many bytes) -> content; KeyError where there is no such file


def _describe_expected(version: _Version) -> str:
    return f"expected {version.archive} or its folder {version.folder} (www.cs.toronto.edu/~kriz/cifar.html)"


def _open_folder(path: Path) -> tuple[_Reader, list[str]]:
    def read(name: str, most: int) -> bytes:
        if not (path / name).is_file():
            raise KeyError(name)
        return read_content(path / name, most)

    return read, sorted(entry.name for entry in path.iterdir())


def _open_archive(version: _Version, path: Path) -> tuple[_Reader, list[str]]:
    """Reads members in memory; nothing is unpacked to the disk, whatever the names in the archive say."""
    contents: dict[str, bytes] = {}
    max_bytes = _PIXELS * 60_000
    try:
        with open(path, "rb") as file:
            start = file.read(512)
        is_gzip = start.startswith(b"\x1f\x8b")
        if not is_gzip and start[257:262] != b"ustar":
            raise RunError(f"{path}: not a tar archive; {_describe_expected(version)}")
        with tarfile.open(path, "r:gz" if is_gzip else "r:") as archive:
            names = []
            for member in archive:
                name = Path(member.name).name
                names.append(name)
                if member.isreg() and name.endswith((".bin", ".txt")) and member.size <= max_bytes:
                    inside = archive.extractfile(member)
                    contents[name] = inside.read() if inside is not None else b""
            while archive.fileobj is not None and archive.fileobj.read(1 << 20):
                pass  # to the end, where the checksum of what is packed stands: tarfile stops before it
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as fault:
        raise RunError(f"{path}: damaged archive: {str(fault).splitlines()[0]}; download it again") from None
    except OSError as fault:
        raise RunError(f"{path}: cannot read it: {fault.strerror or fault}") from None
    return (lambda name, most: contents[name]), names


def _read_records(version: _Version, path: Path, read: _Reader, name: str, count: int) -> tuple[Tensor, Tensor]:
    """Images and labels of one file; RunError where it has another length or a label out of range."""
    import torch

    size = version.labels + _PIXELS
    try:
        raw = read(name, size * count)
    except KeyError:
        raise RunError(f"{path}: no {name} in it; {_describe_expected(version)}") from None
    where = path / name
    if len(raw) != size * count:
        actual = f"more than {size * count:,}" if len(raw) > size * count else f"only {len(raw):,}"
        raise RunError(f"{where}: {actual} bytes, but {count:,} records of {size} take {size * count:,}")
    table = torch.frombuffer(bytearray(raw), dtype=torch.uint8).view(count, size)
    labels = table[:, version.labels - 1]
    check_labels(where, labels.numpy().tobytes(), version.classes, start=version.labels - 1, stride=size)
    return table[:, version.labels :].reshape(count, 3, 32, 32), labels.long()


def _read_class_names(version: _Version, read: _Reader) -> tuple[str, ...]:
    try:
        words = read(version.words, 1 << 16).decode("utf-8", "replace").split()
    except KeyError:
        words = []
    numbered = tuple(str(number) for number in range(version.classes))
    return tuple(words) if len(words) == version.classes else numbered


def _make_outline(version: _Version, path: Path | None) -> Outline:
    """The figures of the published set, which are always the same: the files are opened by `read` alone."""
    if path is None:
        raise RunError(
            f"--data {version.name}: needs a path: --data {version.name}:PATH; {_describe_expected(version)}"
        )
    if not path.is_dir() and not path.is_file():
        raise RunError(f"{path}: no such file or folder; {_describe_expected(version)}")
    place, train = path, version.each * len(version.train)
    return Outline(
        version.name,
        version.classes,
        channels=3,
        size=(32, 32),
        train=train,
        test=version.tested,
        read=lambda: _read_data(version, place),
    )


def _read_data(version: _Version, path: Path) -> Data:
    import torch

    if path.is_dir():
        inner = path / version.folder
        read, names = _open_folder(inner if inner.is_dir() else path)
    else:
        read, names = _open_archive(version, path)
    if version.test not in names and any(name in names for name in (*_TEN.pickled, *_HUNDRED.pickled)):
        raise RunError(
            f"{path}: this is the Python version, a pickle, which resnetc never opens; {_describe_expected(version)}"
        )
    parts = [_read_records(version, path, read, name, version.each) for name in version.train]
    images = torch.cat([images for images, _ in parts])
    labels = torch.cat([labels for _, labels in parts])
    test_images, test_labels = _read_records(version, path, read, version.test, version.tested)
    return Data(
        version.name,
        path,
        class_names=_read_class_names(version, read),
        train_images=images,
        train_labels=labels,
        test_images=test_images,
        test_labels=test_labels,
    )


def read_outline_10(path: Path | None) -> Outline:
    """CIFAR-10: 50,000 and 10,000 images of 3x32x32 in ten classes."""
    return _make_outline(_TEN, path)


def read_outline_100(path: Path | None) -> Outline:
    """CIFAR-100: 50,000 and 10,000 images of 3x32x32 in a hundred (fine) classes."""
    return _make_outline(_HUNDRED, path)
