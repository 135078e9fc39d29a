"""Packs and photographs of strangers: heads and indices that lie, cut and flipped files, pipes, links, giant counts.

Each ends in one message that names the file; nothing hangs, no memory is taken for what a number says, nothing is
executed.
"""

import hashlib
import json
import os
import re
import resource
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from resnetc.runtime import data
from resnetc.runtime.data import Data
from resnetc.runtime.data.pack_index import HEAD, MARK, ROW
from resnetc.runtime.data.pack_writer import write_pack
from resnetc.runtime.data.photographs import Photographs
from resnetc.runtime.errors import RunError
from resnetc.runtime.input_pipeline.decoded_batches import DecodedBatches
from resnetc.runtime.recipe.recipe import Recipe


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A pack of two classes, each with two images of 40x36 to train with and one to test."""
    folder, random = tmp_path_factory.mktemp("folder"), np.random.default_rng(0)
    for part, count in (("train", 2), ("test", 1)):
        for label in "ab":
            (folder / part / label).mkdir(parents=True)
            for number in range(count):
                noise = random.integers(0, 256, (36, 40, 3), dtype=np.uint8)
                Image.fromarray(noise).save(folder / part / label / f"{number}.png")
    write_pack(folder, folder / "a.pack")
    return (folder / "a.pack").read_bytes()


def sealed(pixels: bytes, index: bytes) -> bytes:
    """A pack whose head fits its content, whatever that says."""
    return HEAD.pack(MARK, HEAD.size + len(pixels), len(index), hashlib.sha256(index).digest()) + pixels + index


def changed(whole: bytes, about: Callable[[dict[str, object]], object], rows: Callable[[np.ndarray], object]) -> bytes:
    """The pack with another description and other rows, sealed again."""
    _, start, _, _ = HEAD.unpack(whole[: HEAD.size])
    index = whole[start:]
    length = int.from_bytes(index[:8], "little")
    description = json.loads(index[8 : 8 + length])
    table = np.frombuffer(index[8 + length :], ROW, 6).copy()
    names = index[8 + length + table.nbytes :]
    about(description)
    rows(table)
    text = json.dumps(description).encode()
    return sealed(whole[HEAD.size : start], len(text).to_bytes(8, "little") + text + table.tobytes() + names)


def refused(path: Path, *parts: str) -> None:
    """Looking at the pack, or reading all of it, ends in one short message."""
    with pytest.raises(RunError) as caught:
        data.load("pack", path)
    message = str(caught.value)
    assert message.startswith(str(path)) and "\n" not in message and len(message) < 1000
    assert all(part in message for part in parts), message


def test_the_pack_itself_is_read(whole: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.pack").write_bytes(changed(whole, lambda about: None, lambda rows: None))
    assert (tmp_path / "a.pack").read_bytes() == whole
    assert isinstance(data.load("pack", tmp_path / "a.pack"), Data)


def put(key: str, value: object) -> Callable[[dict[str, object]], object]:
    return lambda about: about.__setitem__(key, value)


DESCRIPTIONS = {
    "channels 4": (put("channels", 4), "4 channels; expected 1 or 3"),
    "channels none": (put("channels", None), "no numbers of channels and images"),
    "channels true": (put("channels", True), "no numbers of channels and images"),
    "channels 1.0": (put("channels", 1.0), "no numbers of channels and images"),
    "2**60 images": (put("images", 1 << 60), "1,152,921,504,606,846,976 images"),
    "2**24 images": (put("images", 1 << 24), "no rows for 16,777,216 images"),
    "one image less": (put("images", 3), "3 images, 4 of them for training"),
    "-1 images": (put("images", -1), "no numbers of channels and images"),
    "more to train with": (put("train", 7), "6 images, 7 of them for training"),
    "none to train with": (put("train", 0), "6 images, 0 of them for training"),
    "10**4000 images": (put("images", 10**4000), ""),
    "no classes": (put("classes", []), "no names of classes"),
    "a text of classes": (put("classes", "ab"), "no names of classes"),
    "classes that are numbers": (put("classes", [1, 2]), "no names of classes"),
    "a name of a megabyte": (put("classes", ["x" * 1_000_000, "b"]), "the name of class 0 has 1,000,000 characters"),
    "20,000 classes": (put("classes", ["x"] * 20_000), "20,000 classes; the limit is 10,000"),
    "one class less": (put("classes", ["a"]), "image 2 (b/0.png): invalid size, class or position"),
}


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_a_description_that_lies_is_refused(whole: bytes, tmp_path: Path, name: str) -> None:
    change, part = DESCRIPTIONS[name]
    (tmp_path / "a.pack").write_bytes(changed(whole, change, lambda rows: None))
    refused(tmp_path / "a.pack", part)


ROWS = {
    "no height": ("height", 0),
    "no width": ("width", 0),
    "2**32 - 1 rows": ("height", 2**32 - 1),
    "2**32 - 1 columns": ("width", 2**32 - 1),
    "more pixels than there are bytes": ("height", 4000),
    "before the pixels": ("offset", 10),
    "behind the pixels": ("offset", 40_000),
    "2**64 - 1": ("offset", 2**64 - 1),
    "2**63": ("offset", 2**63),
    "no such class": ("label", 2),
    "2**32 - 1 as a class": ("label", 2**32 - 1),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_row_that_lies_is_refused(whole: bytes, tmp_path: Path, name: str) -> None:
    field, value = ROWS[name]

    def change(rows: np.ndarray) -> None:
        rows[field][3] = value

    (tmp_path / "a.pack").write_bytes(changed(whole, lambda about: None, change))
    refused(tmp_path / "a.pack", "damaged: image 3 (b/1.png): invalid size, class or position")


def test_pixels_of_another_image_are_not_those_of_the_hash(whole: bytes, tmp_path: Path) -> None:
    def swap(rows: np.ndarray) -> None:
        rows["offset"][0], rows["offset"][1] = rows["offset"][1], rows["offset"][0]

    (tmp_path / "a.pack").write_bytes(changed(whole, lambda about: None, swap))
    refused(tmp_path / "a.pack", "damaged: image 0 (a/0.png) does not match its SHA-256")


@pytest.mark.parametrize(
    ("index", "part"),
    [
        (b"", "no description"),
        (b"\0" * 8, "no description"),
        (b"\xff" * 40, "no description"),
        (struct.pack("<Q", 3) + b"{{{", "no numbers"),
        (struct.pack("<Q", 200_000) + b"[" * 200_000, "no numbers"),
        (struct.pack("<Q", 2) + b"[]", "no numbers"),
        (struct.pack("<Q", 4) + b"null", "no numbers"),
    ],
)
def test_an_index_that_is_none_is_refused(tmp_path: Path, index: bytes, part: str) -> None:
    (tmp_path / "a.pack").write_bytes(sealed(bytes(100), index))
    refused(tmp_path / "a.pack", part)


def test_every_cut_and_every_flipped_bit_is_seen(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.pack"
    for length in (0, 1, 15, 16, 63, 64, 65, 1000, len(whole) - 1000, len(whole) - 1):
        path.write_bytes(whole[:length])
        refused(path)
    path.write_bytes(whole + b"x")
    refused(path, "but its header says")
    used = 0
    for place in [*range(HEAD.size), *range(HEAD.size, len(whole), 701), *range(len(whole) - 40, len(whole))]:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :])
        try:
            read = data.load("pack", path)
        except RunError:
            continue
        # Only the reduced forms, which images in memory do not need, may be damaged unseen.
        assert read.fingerprint() == fingerprint(whole, tmp_path)
        used += 1
    assert used < 40


def fingerprint(whole: bytes, folder: Path) -> str:
    (folder / "whole.pack").write_bytes(whole)
    return data.load("pack", folder / "whole.pack").fingerprint()


def test_other_things_than_files_are_not_waited_for(whole: bytes, tmp_path: Path) -> None:
    refused(tmp_path / "none.pack", "cannot read it: No such file")
    refused(tmp_path, "cannot read it: Is a directory")
    os.mkfifo(tmp_path / "pipe.pack")
    refused(tmp_path / "pipe.pack", "cannot read it: not a regular file")
    (tmp_path / "loop.pack").symlink_to(tmp_path / "loop.pack")
    refused(tmp_path / "loop.pack", "cannot read it: Too many levels of symbolic links")
    (tmp_path / "zero.pack").symlink_to("/dev/zero")
    refused(tmp_path / "zero.pack", "cannot read it: not a regular file")
    (tmp_path / "link.pack").symlink_to(tmp_path / "real.pack")
    (tmp_path / "real.pack").write_bytes(whole)
    assert isinstance(data.load("pack", tmp_path / "link.pack"), Data)


def test_a_file_of_a_terabyte_of_nothing_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.pack"
    with open(path, "wb") as file:
        file.write(HEAD.pack(MARK, 64, 0, hashlib.sha256().digest()))
        file.truncate(1 << 40)
    refused(path, "1,099,511,627,776 bytes, but its header says 64")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with open(path, "r+b") as file:
        file.write(HEAD.pack(MARK, 64, (1 << 40) - 64, hashlib.sha256().digest()))
    refused(path, "an index of 1,099,511,627,712 bytes")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kilobytes


def test_names_in_a_pack_end_no_line_and_move_no_cursor(whole: bytes, tmp_path: Path) -> None:
    def spoil(rows: np.ndarray) -> None:
        rows["digests"][0] = 0

    path = tmp_path / "a.pack"
    path.write_bytes(changed(whole, lambda about: None, spoil).replace(b"a/0.png", b"\n\x1b[2J\xff1"))
    raw = path.read_bytes()
    _, start, _, _ = HEAD.unpack(raw[: HEAD.size])
    path.write_bytes(sealed(raw[HEAD.size : start], raw[start:]))
    refused(path, r"image 0 (\n\x1b[2J\udcff1)")


# folders of photographs


@pytest.mark.parametrize("part", ["train", "test"])
def test_a_pipe_among_photographs_is_not_waited_for(tmp_path: Path, part: str) -> None:
    for name in ("train", "test"):
        (tmp_path / name / "a").mkdir(parents=True)
        Image.new("RGB", (4, 4)).save(tmp_path / name / "a" / "1.png")
    os.mkfifo(tmp_path / part / "a" / "0.png")
    with pytest.raises(RunError, match=r"a/0\.png: cannot read it: not a regular file"):
        data.load("folder", tmp_path)


def test_a_png_that_unpacks_to_a_gigabyte_is_refused(tmp_path: Path) -> None:
    for name in ("train", "test"):
        (tmp_path / name / "a").mkdir(parents=True)
        Image.new("1", (30_000, 30_000)).save(tmp_path / name / "a" / "1.png")
    with pytest.raises(RunError, match=r"train/a/1\.png: .*pixels; the limit is 67,108,864"):
        data.load("folder", tmp_path)


def test_a_class_that_is_not_unicode_is_packed_and_read(tmp_path: Path) -> None:
    for name in ("train", "test"):
        folder = Path(os.fsdecode(os.fsencode(tmp_path / name) + b"/a\xff"))
        folder.mkdir(parents=True)
        Image.new("RGB", (4, 4)).save(folder / "1.png")
    write_pack(tmp_path, tmp_path / "a.pack")
    assert data.load("pack", tmp_path / "a.pack").class_names == ("a\udcff",)
    assert data.load("pack", tmp_path / "a.pack").fingerprint() == data.load("folder", tmp_path).fingerprint()


@pytest.mark.parametrize("workers", [0, 1])
def test_a_pack_that_is_cut_short_while_it_is_read_ends_the_run_in_one_message(
    whole: bytes, tmp_path: Path, workers: int
) -> None:
    """Mapped, it would end the process by SIGBUS. What was read before may be read again: it was checked already."""
    path = tmp_path / "a.pack"
    path.write_bytes(whole)
    images = data.read_outline("pack", path).at(data.Fit((16, 16), 18)).read()
    assert isinstance(images, Photographs)
    with DecodedBatches(images, Recipe(workers=workers)) as batches:
        assert isinstance(next(batches.read_test([[0]])), np.ndarray)
        os.truncate(path, 100)
        for read in (batches.read_test([[0]]), batches.read_test([[1]]), batches.read_train(0, [[0, 1]])):
            fault = next(read)
            assert isinstance(fault, RunError)
            assert re.fullmatch(
                rf"{path}: truncated since it was opened: image \d \(./\d\.png\) is cut off", str(fault)
            ), fault
