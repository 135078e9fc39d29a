"""The readers of files: what they read back, and the message for everything that can be wrong."""

import gzip
import io
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from resnetc.runtime import data
from resnetc.runtime.data import cifar, idx, npz
from resnetc.runtime.errors import RunError
from tests.support import outline_of


def looked_at(name: str, path: Path) -> data.Data:
    """The data; what is known of it before it is read is what is found in it."""
    outline = data.read_outline(name, path)
    read = outline.read()
    assert outline == outline_of(read)
    return read


def refused(name: str, path: Path | None, *parts: str) -> None:
    """Loading is refused in one message that has all the parts in this order."""
    with pytest.raises(RunError) as caught:
        data.load(name, path)
    message, at = str(caught.value), 0
    for part in parts:
        assert part in message[at:], message
        at = message.index(part, at) + len(part)
    assert "\n" not in message


# IDX


def write_idx(folder: Path, packed: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """A tiny set in the four files; the training images and labels."""
    random = np.random.default_rng(0)
    folder.mkdir(exist_ok=True)
    kept = []
    for stem, count in (("train", 30), ("t10k", 10)):
        images = random.integers(0, 256, (count, 5, 4), dtype=np.uint8)
        labels = (np.arange(count) % 10).astype(np.uint8)
        for what, array in ((f"{stem}-images-idx3-ubyte", images), (f"{stem}-labels-idx1-ubyte", labels)):
            raw = struct.pack(f">{1 + array.ndim}I", 0x800 + array.ndim, *array.shape) + array.tobytes()
            path = folder / (what + ".gz" if packed else what)
            path.write_bytes(gzip.compress(raw) if packed else raw)
        kept.append((images, labels))
    return kept[0]


@pytest.mark.parametrize("packed", [False, True])
def test_idx_reads_back(tmp_path: Path, packed: bool) -> None:
    images, labels = write_idx(tmp_path, packed)
    read = looked_at("fashion-mnist", tmp_path)
    assert np.array_equal(read.train_images.numpy()[:, 0], images)
    assert np.array_equal(read.train_labels.numpy(), labels)
    assert (read.size, read.channels, read.classes, len(read.test_labels)) == ((5, 4), 1, 10, 10)
    assert read.class_names[9] == "Ankle boot"


IMAGES, LABELS = "train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


@pytest.mark.parametrize(
    ("file", "damage", "parts"),
    [
        (IMAGES, lambda raw: raw[:10], (IMAGES, "10 bytes", "header of 16")),
        (IMAGES, lambda raw: b"", (IMAGES, "0 bytes", "header of 16")),
        (IMAGES, lambda raw: b"<html>" + raw, (IMAGES, "byte 0: magic 0x3c68746d", "0x00000803")),
        (IMAGES, lambda raw: raw[:-1], (IMAGES, "30x5x4", "616 bytes", "the file has 615", "truncated")),
        (IMAGES, lambda raw: raw + b"x", (IMAGES, "616 bytes", "the file has more")),
        (IMAGES, lambda raw: raw[:4] + b"\xff" * 12 + raw[16:], (IMAGES, "byte 4", "the limit is 2,147,483,648")),
        (IMAGES, lambda raw: raw[:4] + bytes(12), (IMAGES, "byte 4", "0x0x0")),
        (LABELS, lambda raw: raw[:-1] + b"\xff", (LABELS, "byte 17: label 255 at image 9", "0 to 9")),
        (LABELS, lambda raw: raw[:4] + struct.pack(">I", 9) + raw[8:-1], (LABELS, "9 labels", "has 10 images")),
    ],
)
def test_damaged_idx(tmp_path: Path, file: str, damage: Callable[[bytes], bytes], parts: tuple[str, ...]) -> None:
    write_idx(tmp_path)
    (tmp_path / file).write_bytes(damage((tmp_path / file).read_bytes()))
    refused("fashion-mnist", tmp_path, *parts)


def test_damaged_gzip(tmp_path: Path) -> None:
    write_idx(tmp_path, packed=True)
    path = tmp_path / f"{IMAGES}.gz"
    whole = path.read_bytes()
    for content in (whole[:-20], whole[:40] + b"\xff\xff\xff\xff" + whole[44:], b"no gzip"):
        path.write_bytes(content)
        refused("fashion-mnist", tmp_path, f"{IMAGES}.gz: damaged gzip file", "download it again")


def test_missing_idx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_idx(tmp_path)
    (tmp_path / LABELS).unlink()
    refused("fashion-mnist", tmp_path, str(tmp_path), f"no {LABELS} (or .gz)")
    refused("fashion-mnist", tmp_path / "none", "none: no such folder")
    monkeypatch.setattr(idx, "DEFAULT_FOLDER", tmp_path / "none")
    refused("fashion-mnist", None, "apt install dataset-fashion-mnist", "--data fashion-mnist:FOLDER")
    monkeypatch.setattr(idx, "DEFAULT_FOLDER", tmp_path)
    refused("fashion-mnist", None, f"no {LABELS}")


# CIFAR


@pytest.fixture
def small_cifar(monkeypatch: pytest.MonkeyPatch) -> None:
    """CIFAR files of 20 records instead of thousands."""
    from dataclasses import replace

    monkeypatch.setattr(cifar, "_TEN", replace(cifar._TEN, each=20, tested=20))
    monkeypatch.setattr(cifar, "_HUNDRED", replace(cifar._HUNDRED, each=20, tested=20))


def write_cifar(folder: Path, version: cifar._Version) -> np.ndarray:
    """The set as `.bin` files; all records, training first."""
    random = np.random.default_rng(1)
    folder.mkdir(exist_ok=True)
    records = []
    for name in (*version.train, version.test):
        table = random.integers(0, 10, (20, version.labels + 3072), dtype=np.uint8)
        (folder / name).write_bytes(table.tobytes())
        records.append(table)
    (folder / version.words).write_text("\n".join(f"class{number}" for number in range(version.classes)) + "\n\n")
    return np.concatenate(records)


@pytest.mark.usefixtures("small_cifar")
@pytest.mark.parametrize(("name", "labels"), [("cifar10", 1), ("cifar100", 2)])
@pytest.mark.parametrize("packed", [False, True])
def test_cifar_reads_back(tmp_path: Path, name: str, labels: int, packed: bool) -> None:
    version = cifar._TEN if name == "cifar10" else cifar._HUNDRED
    records = write_cifar(tmp_path / version.folder, version)
    path = tmp_path
    if packed:
        path = tmp_path / version.archive
        with tarfile.open(path, "w:gz") as archive:
            archive.add(tmp_path / version.folder, version.folder)
    read = looked_at(name, path)
    both = torch.cat([read.train_images, read.test_images]).numpy()
    assert np.array_equal(both.reshape(len(records), 3072), records[:, labels:])
    answers = torch.cat([read.train_labels, read.test_labels]).numpy()
    assert np.array_equal(answers, records[:, labels - 1])
    assert (read.size, read.channels, len(read.test_labels)) == ((32, 32), 3, 20)
    assert read.class_names[3] == "class3"


@pytest.mark.usefixtures("small_cifar")
def test_faulty_cifar(tmp_path: Path) -> None:
    folder = tmp_path / "cifar"
    write_cifar(folder, cifar._TEN)
    (folder / "batches.meta.txt").unlink()
    assert data.load("cifar10", folder).class_names[3] == "3"

    whole = (folder / "test_batch.bin").read_bytes()
    (folder / "test_batch.bin").write_bytes(whole[:-1])
    refused("cifar10", folder, "test_batch.bin: only 61,459 bytes", "20 records of 3073 take 61,460")
    (folder / "test_batch.bin").write_bytes(whole + b"x")
    refused("cifar10", folder, "test_batch.bin: more than 61,460 bytes")
    (folder / "test_batch.bin").write_bytes(whole[:6146] + b"\x0a" + whole[6147:])
    refused("cifar10", folder, "test_batch.bin: byte 6146: label 10 at image 2", "0 to 9")
    (folder / "data_batch_4.bin").unlink()
    refused("cifar10", folder, "no data_batch_4.bin", "cifar-10-binary.tar.gz")
    refused("cifar10", None, "needs a path", "cifar-10-binary.tar.gz")
    refused("cifar100", tmp_path / "none", "none: no such file", "cifar-100-binary.tar.gz")


def test_the_python_version_of_cifar_is_named_and_never_opened(tmp_path: Path) -> None:
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    (folder / "data_batch_1").write_bytes(b"\x80\x02cos\nsystem\n")
    refused("cifar10", folder, "this is the Python version", "cifar-10-binary.tar.gz")
    packed = tmp_path / "cifar-100-python.tar.gz"
    with tarfile.open(packed, "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("cifar-100-python/train"), io.BytesIO())
    refused("cifar100", packed, "this is the Python version", "cifar-100-binary.tar.gz")
    packed.write_bytes(packed.read_bytes()[:30])
    refused("cifar100", packed, "damaged archive")
    packed.write_bytes(b"hello")
    refused("cifar100", packed, "not a tar archive", "cifar-100-binary.tar.gz")
    refused("cifar10", tmp_path, "this is the Python version", "cifar-10-binary.tar.gz")  # the folder around it


@pytest.mark.usefixtures("small_cifar")
def test_a_damaged_byte_in_a_packed_cifar_is_seen(tmp_path: Path) -> None:
    write_cifar(tmp_path / "c", cifar._TEN)
    packed = tmp_path / "c.tar.gz"
    with tarfile.open(packed, "w:gz", compresslevel=0) as archive:  # stored: a flipped bit is a wrong pixel, no more
        archive.add(tmp_path / "c", "c")
    whole = packed.read_bytes()
    assert len(data.load("cifar10", packed).train_labels) == 100
    packed.write_bytes(whole[:100_000] + bytes([whole[100_000] ^ 1]) + whole[100_001:])
    refused("cifar10", packed, "damaged archive: CRC check failed", "download it again")


# npz


def arrays(**other: np.ndarray) -> dict[str, np.ndarray]:
    """A small set with some arrays replaced."""
    random = np.random.default_rng(2)
    return {
        "train_images": random.integers(0, 256, (6, 4, 5, 3), dtype=np.uint8),
        "train_labels": np.array([0, 1, 2, 0, 1, 2]),
        "test_images": random.integers(0, 256, (3, 4, 5, 3), dtype=np.uint8),
        "test_labels": np.array([2, 1, 0]),
        **other,
    }


def test_npz_reads_back(tmp_path: Path) -> None:
    path, given = tmp_path / "a.npz", arrays(class_names=np.array(["cat", "dog", "eel", "fox"]))
    np.savez_compressed(path, **given)
    read = looked_at("npz", path)
    assert np.array_equal(read.train_images.permute(0, 2, 3, 1).numpy(), given["train_images"])
    assert read.class_names == ("cat", "dog", "eel", "fox")
    assert (read.channels, read.size) == (3, (4, 5))
    grey = {key: array[..., 0] if "images" in key else array for key, array in arrays().items()}
    np.savez(path, **grey)
    read = looked_at("npz", path)
    assert (read.channels, read.classes, read.class_names) == (1, 3, ("0", "1", "2"))


@pytest.mark.parametrize(
    ("other", "parts"),
    [
        ({"train_images": np.zeros((6, 4, 5))}, ("train_images: float64 numbers", "uint8")),
        ({"test_images": np.zeros((3, 4), np.uint8)}, ("test_images: shape [3, 4]",)),
        ({"train_images": np.zeros((6, 3, 32, 32), np.uint8)}, ("train_images", "the channels come last")),
        ({"test_images": np.zeros((3, 5, 5, 3), np.uint8)}, ("test_images: images of [5, 5, 3]", "[4, 5, 3]")),
        ({"test_images": np.zeros((0, 4, 5, 3), np.uint8)}, ("shape [0, 4, 5, 3]: it is empty",)),
        ({"train_labels": np.array([0.0] * 6)}, ("train_labels: float64",)),
        ({"train_labels": np.array([0, 1])}, ("train_labels: shape [2]; expected [6]",)),
        ({"test_labels": np.array([0, -1, 1])}, ("test_labels: label -1 at image 1",)),
        ({"test_labels": np.array([0, 1 << 40, 1])}, ("test_labels: label 1099511627776 at image 1", "0 to 9999")),
        ({"class_names": np.array(["a", "b"])}, ("class_names: 2 names, but label 2",)),
        ({"class_names": np.array([1, 2, 3])}, ("class_names: int64",)),
        ({"class_names": np.array([{"a": 1}], dtype=object)}, ("class_names: object [1]; expected a list of strings",)),
    ],
)
def test_faulty_npz(tmp_path: Path, other: dict[str, np.ndarray], parts: tuple[str, ...]) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, **arrays(**other))
    refused("npz", path, str(path), *parts)


def test_other_files_than_npz(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, **{key: array for key, array in arrays().items() if key != "test_labels"})
    refused("npz", path, "no test_labels in it (it holds test_images, train_images, train_labels)")
    whole = path.read_bytes()
    for content in (b"", b"hello", whole[:200], whole[:-30]):
        path.write_bytes(content)
        refused("npz", path, "a.npz: ", "train_images, train_labels, test_images, test_labels")
    with open(path, "wb") as file:
        np.save(file, np.zeros(3))
    refused("npz", path, "a single array")
    with zipfile.ZipFile(path, "w") as archive:
        for key in npz.KEYS:
            archive.writestr(f"{key}.npy", b"rubbish")
    refused("npz", path, "a.npz: train_images: not an array")
    refused("npz", tmp_path / "none.npz", "cannot read it: No such file")
    refused("npz", None, "needs a path")


# a folder of images


def write_folder(folder: Path, mode: str = "RGB") -> None:
    """Two classes, three and one images each, 6 wide and 4 high."""
    for part, count in (("train", 3), ("test", 1)):
        for number, name in enumerate(("ants", "bees")):
            (folder / part / name).mkdir(parents=True)
            for index in range(count):
                colour = (40 * index, 100 * number, 7) if mode == "RGB" else 40 * index
                Image.new(mode, (6, 4), colour).save(folder / part / name / f"{index}.png")


def test_a_folder_reads_back(tmp_path: Path) -> None:
    write_folder(tmp_path)
    (tmp_path / "train" / "ants" / "notes.txt").write_text("not an image")
    (tmp_path / "train" / "ants" / "2 deep").mkdir()  # as deep as one likes
    (tmp_path / "train" / "ants" / "2.png").rename(tmp_path / "train" / "ants" / "2 deep" / "2.png")
    read = looked_at("folder", tmp_path)
    assert (read.class_names, read.channels, read.size) == (("ants", "bees"), 3, (4, 6))
    assert read.train_labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert read.train_images[4, :, 2, 3].tolist() == [40, 100, 7]
    (tmp_path / "test").rename(tmp_path / "val")
    assert data.load("folder", tmp_path).fingerprint() == read.fingerprint()


def test_a_grey_folder_has_one_channel_unless_one_image_has_colour(tmp_path: Path) -> None:
    write_folder(tmp_path, "L")
    assert data.load("folder", tmp_path).channels == 1
    Image.new("RGB", (6, 4), (1, 2, 3)).save(tmp_path / "test" / "bees" / "9.png")
    read = looked_at("folder", tmp_path)
    assert read.test_images[2, :, 0, 0].tolist() == [1, 2, 3]
    assert read.train_images[1, :, 0, 0].tolist() == [40, 40, 40]


def test_a_faulty_folder(tmp_path: Path) -> None:
    write_folder(tmp_path)
    image = tmp_path / "train" / "bees" / "1.png"
    whole = image.read_bytes()
    image.write_bytes(whole[:50])
    refused("folder", tmp_path, "bees/1.png: ")
    image.write_bytes(b"")
    refused("folder", tmp_path, "bees/1.png: not an image")
    Image.new("F", (6, 4)).save(image, "TIFF")
    refused("folder", tmp_path, "bees/1.png: floating-point pixels", "8 or 16 bits")
    image.write_bytes(whole)
    (tmp_path / "test" / "wasps").mkdir()
    refused("folder", tmp_path, "test/wasps: the class wasps has no folder under", "train")
    (tmp_path / "test" / "wasps").rmdir()
    (tmp_path / "train" / "wasps").mkdir()
    refused("folder", tmp_path, "train/wasps: no images of the class wasps")
    (tmp_path / "train" / "wasps").rmdir()
    (tmp_path / "train" / "ants" / "gone.png").symlink_to("nothing")
    refused("folder", tmp_path, "ants/gone.png: cannot read it: No such file")
    (tmp_path / "train" / "ants" / "gone.png").unlink()
    (tmp_path / "train" / "ants" / "loop").symlink_to("..")
    refused("folder", tmp_path, "ants/loop: a link back to ", "train, which contains it")
    (tmp_path / "train" / "ants" / "loop").unlink()
    data.load("folder", tmp_path)
    for folder in ("ants", "bees"):
        (tmp_path / "test" / folder / "0.png").unlink()
    refused("folder", tmp_path, "test: no images in it")
    refused("folder", tmp_path / "none", "none: no such folder")
    (tmp_path / "train").rename(tmp_path / "Training")
    refused("folder", tmp_path, "train: no such folder; expected a folder with train/<class>/<image> and test/<class>")
    (tmp_path / "train").touch()
    refused("folder", tmp_path, "train: a file, not a folder; expected a folder with train/<class>/<image> and test")
    for name in ("folder", "fashion-mnist"):
        refused(name, tmp_path / "train", "train: a file, not a folder; expected ")
    refused("folder", None, "needs a path")
