"""Photographs of several sizes, from a folder and from a pack: which size they get, and who they are."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from resnetc.runtime import data
from resnetc.runtime.data import Data, Fit, MixedOutline, Outline, decode, photographs
from resnetc.runtime.data.pack_writer import write_pack
from resnetc.runtime.data.photographs import Photographs
from resnetc.runtime.errors import RunError
from resnetc.runtime.input_pipeline.image_size import fit_images, read_declared_size
from resnetc.runtime.recipe.recipe import Recipe
from tests import shape_photographs
from tests.support import outline_of


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 photographs to train with, 8 to test."""
    folder = tmp_path_factory.mktemp("shapes")
    shape_photographs.make(folder, 24, 8)
    return folder


def test_a_folder_of_several_sizes_gets_the_one_that_is_asked_for(shapes: Path) -> None:
    mixed = data.read_outline("folder", shapes)
    assert mixed == MixedOutline("folder", 4, 3, 24, 8, mixed.fit)  # type: ignore[union-attr]
    outline = mixed.at(Fit((32, 24), 40))
    assert outline == Outline("folder", 4, 3, (32, 24), 24, 8, outline.read)
    read = outline.read()
    assert isinstance(read, Photographs)
    assert read.class_names == ("bar", "cross", "disc", "ring")
    assert outline_of(read) == outline
    image = read.read_test_image(5)
    with decode.open_image(shapes / "test" / "cross" / "00005.jpg") as file:
        by_hand = decode.resize_and_crop(file, 40, (32, 24), "bilinear")
    index = sorted((shapes / "test").glob("*/*")).index(shapes / "test" / "cross" / "00005.jpg")
    assert np.array_equal(read.read_test_image(index).permute(1, 2, 0).numpy(), by_hand)
    assert image.shape == (3, 32, 24)
    with pytest.raises(RunError, match="folder has images of several sizes"):
        data.load("folder", shapes)


def test_the_sample_is_spread_over_all_classes(shapes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = data.read_outline("folder", shapes).at(Fit((16, 16))).read()
    assert isinstance(read, Photographs)
    whole = read.read_sample()
    assert len(whole) == 24
    monkeypatch.setattr(photographs, "SAMPLE_IMAGES", 8)
    assert read.read_sample().equal(whole[::3])  # the folder's images are in the order of their classes


def test_images_of_one_size_stay_in_memory_unless_another_is_asked_for(tmp_path: Path) -> None:
    for part in ("train", "test"):
        for label in "ab":
            (tmp_path / part / label).mkdir(parents=True)
            Image.new("RGB", (40, 40), (7, 8, 9)).save(tmp_path / part / label / "0.png")
    outline = data.read_outline("folder", tmp_path)
    assert isinstance(outline, Outline) and isinstance(outline.read(), Data)
    assert isinstance(outline.at(Fit((40, 40))).read(), Data)
    assert isinstance(outline.at(Fit((40, 40), 46)).read(), Photographs)
    smaller = outline.at(Fit((20, 20), 23)).read()
    assert isinstance(smaller, Photographs) and smaller.size == (20, 20)
    assert isinstance(outline.at(Fit((20, 20))).at(Fit((40, 40))).read(), Photographs)


def test_images_that_do_not_fit_into_memory_are_decoded_when_they_are_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    test_images_of_one_size_stay_in_memory_unless_another_is_asked_for(tmp_path)
    monkeypatch.setattr(photographs, "MAX_MEMORY_BYTES", 4 * 40 * 40 * 3 - 1)
    read = data.read_outline("folder", tmp_path).read()  # type: ignore[union-attr]
    assert isinstance(read, Photographs)
    assert read.read_test_image(0)[:, 0, 0].tolist() == [7, 8, 9]


def test_a_set_is_known_by_its_content_wherever_it_lies(shapes: Path, tmp_path: Path) -> None:
    def fingerprint(folder: Path) -> str:
        return data.read_outline("folder", folder).at(Fit((16, 16))).read().fingerprint()

    first = fingerprint(shapes)
    copy = tmp_path / "copy"
    shutil.copytree(shapes, copy)
    assert fingerprint(copy) == first
    (copy / "test").rename(copy / "val")
    assert fingerprint(copy) == first
    assert data.read_outline("folder", copy).at(Fit((32, 32), 40)).read().fingerprint() == first
    image = next((copy / "train" / "disc").iterdir())
    whole = image.read_bytes()
    image.write_bytes(whole + b"x")
    other = fingerprint(copy)
    image.write_bytes(whole[:-3] + bytes([whole[-3] ^ 1]) + whole[-2:])
    assert len({first, other, fingerprint(copy)}) == 3
    image.write_bytes(whole)
    image.rename(image.with_name("renamed.jpg"))
    assert fingerprint(copy) != first


def test_every_header_is_read_before_the_first_step(shapes: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(shapes, copy)
    (copy / "test" / "disc" / "00006.jpg").write_bytes(b"no image")
    with pytest.raises(RunError, match="disc/00006.jpg: not an image"):
        data.read_outline("folder", copy)


@pytest.mark.parametrize(
    ("settings", "declared", "fit"),
    [
        ({}, (32, 32), Fit((32, 32), 37)),
        ({}, (32, 48), Fit((32, 48), 55)),
        ({"image_size": 64}, (32, 32), Fit((64, 64), 73)),
        ({"image_size": 64, "eval_resize": 64}, None, Fit((64, 64), 64)),
        ({"eval_resize": 100}, (32, 32), Fit((32, 32), 100)),
    ],
)
def test_photographs_get_the_size_of_the_recipe_or_of_the_spec(
    settings: dict[str, int], declared: tuple[int, ...] | None, fit: Fit
) -> None:
    chosen: list[Fit] = []
    outline = Outline("folder", 2, 3, fit.size, 4, 4, lambda: None)  # type: ignore[arg-type, return-value]
    mixed = MixedOutline("folder", 2, 3, 4, 4, lambda fit: chosen.append(fit) or outline)  # type: ignore[func-returns-value]
    assert fit_images(mixed, Recipe(**settings), declared) is outline
    assert chosen == [fit]


def test_no_size_that_fits_is_one_message() -> None:
    mixed = MixedOutline("folder", 2, 3, 4, 4, lambda fit: None)  # type: ignore[arg-type, return-value]
    with pytest.raises(RunError, match="folder has images of several sizes, and the network declares none: set one"):
        fit_images(mixed, Recipe(), None)
    with pytest.raises(RunError, match="`eval_resize` is 20, but images of 32x32 are cropped from it"):
        fit_images(mixed, Recipe(eval_resize=20), (32, 32))
    digits = data.read_outline("digits")
    assert fit_images(digits, Recipe(image_size=8), (32, 32)) is digits
    assert fit_images(digits, Recipe(eval_resize=9), (32, 32)) is digits
    with pytest.raises(RunError, match="digits has images of 8x8, not of 16x16: only photographs"):
        fit_images(digits, Recipe(image_size=16), (8, 8))


def test_the_size_that_a_module_declares_is_read_from_its_text() -> None:
    assert read_declared_size("import torch\nINPUT_SHAPE = (3, 224, 160)\n") == (224, 160)
    for text in ("", "INPUT_SHAPE = f()", "INPUT_SHAPE = 3", "INPUT_SHAPE = (3,)", "INPUT_SHAPE = (3, 'a')", "(", "\0"):
        assert read_declared_size(text) is None


# packs


def test_a_pack_gives_the_pixels_of_the_folder(shapes: Path, tmp_path: Path) -> None:
    report = write_pack(shapes, tmp_path / "a.pack")
    assert (report.train, report.test, report.classes, report.channels) == (24, 8, 4, 3)
    assert report.size == (tmp_path / "a.pack").stat().st_size
    packed = data.read_outline("pack", tmp_path / "a.pack")
    assert packed == MixedOutline("pack", 4, 3, 24, 8, packed.fit)  # type: ignore[union-attr]
    for fit in (Fit((32, 32), 37), Fit((20, 90)), Fit((300, 8), 301)):
        ours, theirs = (outline.at(fit).read() for outline in (packed, data.read_outline("folder", shapes)))
        assert isinstance(ours, Photographs) and isinstance(theirs, Photographs)
        assert ours.train_labels.equal(theirs.train_labels) and ours.test_labels.equal(theirs.test_labels)
        assert ours.read_sample().equal(theirs.read_sample())
        for index in range(8):
            assert ours.read_test_image(index).equal(theirs.read_test_image(index))
    for index in range(24):
        for box, size in (((1, 2, 38, 40), (16, 16)), ((0.5, 3.25, 40, 39.75), (9, 64)), ((4, 8, 36, 40), (16, 16))):
            with ours.train.open(index) as mine, theirs.train.open(index) as other:
                pixels = [decode.crop_and_resize(one, box, size, "bilinear") for one in (mine, other)]
            assert np.array_equal(*pixels)


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
def test_images_of_one_size_come_from_a_pack_as_from_their_folder(tmp_path: Path, mode: str) -> None:
    random = np.random.default_rng(0)
    for part in ("train", "test"):
        for label in "ab":
            (tmp_path / "f" / part / label).mkdir(parents=True)
            for number in range(3):
                noise = random.integers(0, 256, (40, 50, len(mode)), dtype=np.uint8)
                image = Image.fromarray(noise if len(mode) > 1 else noise[:, :, 0], mode)
                image.save(tmp_path / "f" / part / label / f"{number}.png")
    write_pack(tmp_path / "f", tmp_path / "a.pack")
    ours, theirs = data.load("pack", tmp_path / "a.pack"), data.load("folder", tmp_path / "f")
    assert isinstance(ours, Data) and isinstance(theirs, Data)
    assert ours.fingerprint() == theirs.fingerprint()
    assert ours.channels == len("L" if mode == "L" else "RGB")


def test_a_pack_may_keep_less(shapes: Path, tmp_path: Path) -> None:
    write_pack(shapes, tmp_path / "a.pack")
    write_pack(shapes, tmp_path / "b.pack", side=48)
    assert (tmp_path / "b.pack").stat().st_size < (tmp_path / "a.pack").stat().st_size / 3
    read = data.read_outline("pack", tmp_path / "b.pack").at(Fit((32, 32), 37)).read()
    whole = data.read_outline("pack", tmp_path / "a.pack").at(Fit((32, 32), 37)).read()
    for index in range(8):
        assert (read.read_test_image(index).int() - whole.read_test_image(index).int()).abs().float().mean() < 12


def test_nothing_is_left_of_a_pack_that_was_not_finished(shapes: Path, tmp_path: Path) -> None:
    copy, out = tmp_path / "copy", tmp_path / "a.pack"
    shutil.copytree(shapes, copy)
    image = copy / "train" / "bar" / "00000.jpg"
    image.write_bytes(image.read_bytes()[:-300])
    with pytest.raises(RunError, match="bar/00000.jpg: damaged image: "):
        write_pack(copy, out)
    assert [entry.name for entry in tmp_path.iterdir()] == ["copy"]
    out.write_text("mine")
    with pytest.raises(RunError, match="a.pack: already exists") as caught:
        write_pack(shapes, out)
    assert caught.value.status == 2 and out.read_text() == "mine"
    with pytest.raises(RunError, match="none/a.pack: cannot write it: No such file"):
        write_pack(shapes, tmp_path / "none" / "a.pack")
    out.unlink()
    (tmp_path / "a.pack.tmp").symlink_to(tmp_path / "victim")
    write_pack(shapes, out)
    assert not (tmp_path / "victim").exists() and not (tmp_path / "a.pack.tmp").is_symlink()
