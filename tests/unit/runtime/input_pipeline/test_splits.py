"""Images set aside: for a test part where there is none, and to choose the best epoch by."""

import shutil
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from resnetc.cli.main import main
from resnetc.runtime import data, progress
from resnetc.runtime.comparison import compare
from resnetc.runtime.data import Data, Outline
from resnetc.runtime.errors import RunError, Stopped
from resnetc.runtime.evaluate import evaluate, load_run_data
from resnetc.runtime.input_pipeline.splits import Split
from resnetc.runtime.model.user_classes import OWN_TEXT
from resnetc.runtime.recipe import recipe_file
from resnetc.runtime.recipe.recipe import Recipe
from resnetc.runtime.run import train_state
from resnetc.runtime.run.folder import RunFolder
from resnetc.runtime.train import train
from tests import shape_photographs
from tests.support import outline_of
from tests.unit.runtime.run.test_resume import assert_equal_runs, stopping


def split(few: Data, holdout: float, validation: float, seed: int = 0) -> tuple[Outline, Data]:
    outline = Split(holdout, validation, seed).apply(outline_of(few))
    read = outline.read()
    assert isinstance(read, Data)
    return outline, read


def untested(few: Data) -> Data:
    """The set without its test images, whose every image is another one."""
    images = torch.arange(100, dtype=torch.uint8).view(100, 1, 1, 1).expand(100, 1, 8, 8).contiguous()
    return replace(few, train_images=images, test_images=images[:0], test_labels=few.test_labels[:0])


@pytest.mark.parametrize(("holdout", "validation", "counts"), [(0.2, 0, (80, 20)), (0.2, 0.25, (60, 20, 20))])
def test_every_image_has_one_use(few: Data, holdout: float, validation: float, counts: tuple[int, ...]) -> None:
    outline, read = split(untested(few), holdout, validation)
    parts = [(read.train_images, read.train_labels), (read.test_images, read.test_labels)]
    if read.validation is not None:
        assert read.validation.train_images is not read.test_images
        parts.append((read.validation.test_images, read.validation.test_labels))
    assert tuple(len(labels) for _, labels in parts) == counts
    assert (outline.train, outline.test) == counts[:2]
    numbers = [int(image[0, 0, 0]) for images, _ in parts for image in images]
    assert sorted(numbers) == list(range(100))
    for images, labels in parts:
        assert labels.bincount().tolist() == [len(labels) // 10] * 10
        assert [int(few.train_labels[int(image[0, 0, 0])]) for image in images] == labels.tolist()


def test_small_classes_are_not_forgotten(few: Data) -> None:
    labels = torch.tensor([0] * 70 + [1] * 20 + [2] * 10)
    _, read = split(replace(untested(few), train_labels=labels), 0.1, 0)
    assert read.test_labels.bincount().tolist() == [7, 2, 1]


def test_a_split_depends_on_its_seed_alone(few: Data) -> None:
    one, same, other = (split(untested(few), 0.2, 0.1, seed)[1] for seed in (1, 1, 2))
    assert one.fingerprint() == same.fingerprint() != other.fingerprint()
    assert split(few, 0, 0)[1] is few


REFUSED = {
    "a test part is there": (True, 0.2, 0.0, "npz has 40 test images: --holdout is for sets without"),
    "none is there": (False, 0.0, 0.0, "npz has no test images: hold some images out, e.g. --holdout 0.2"),
    "too small a share": (True, 0.0, 0.001, "`validation` is 0.001: 0 of the 100 training images of npz"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_split_that_cannot_be_is_refused(name: str, few: Data) -> None:
    has_test, holdout, validation, expected = REFUSED[name]
    with pytest.raises(RunError) as refusal:
        split(few if has_test else untested(few), holdout, validation)
    assert expected in str(refusal.value)


def test_the_test_images_are_judged_once(
    source: str, quick: Recipe, few: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the weights of the epoch that the validation images chose; a resumed run is the same to the last bit."""
    settings, out = replace(quick, validation=0.2, batch_size=20), tmp_path / "whole"
    path = tmp_path / "a.npz"
    parts = {"train": (few.train_images, few.train_labels), "test": (few.test_images, few.test_labels)}
    arrays = {
        f"{part}_{what}": tensor.squeeze(1).numpy() if what == "images" else tensor.numpy()
        for part, pair in parts.items()
        for what, tensor in zip(("images", "labels"), pair, strict=True)
    }
    np.savez(path, **arrays)
    outline = data.read_outline("npz", path)
    assert isinstance(outline, Outline)
    read = Split.from_recipe(settings).apply(outline).read()
    result = train(source, "net", read, settings, out, quiet=True)
    records, metadata = RunFolder(out).read_records(), train_state.load(RunFolder(out).best)[1]
    assert result.best_top1 == max(record["top1"] for record in records)
    assert load_run_data(metadata).fingerprint() == metadata["fingerprint"] == read.fingerprint()
    judged = evaluate(out)
    assert (judged.images, judged.top1) == (40, result.top1)
    assert "best on the validation images" in RunFolder(out).report.read_text()
    stopping(monkeypatch, [4], signal.SIGTERM)
    with pytest.raises(Stopped):
        train(source, "net", read, settings, tmp_path / "cut", quiet=True)
    again = train(source, "net", read, settings, tmp_path / "cut", resume=True, quiet=True)
    assert again.top1 == result.top1
    assert_equal_runs(out, tmp_path / "cut")


def test_a_run_is_resumed_without_its_options(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    random = np.random.default_rng(0)
    images, labels = random.integers(0, 256, (60, 8, 8), dtype=np.uint8), np.arange(60) % 10
    np.savez(tmp_path / "a.npz", train_images=images, train_labels=labels)
    out = str(tmp_path / "run")
    options = ["--holdout", "0.3", "--validation", "0.25", "--override", "epochs=1", "--override", "batch_size=10"]
    arguments = ["train", "digits", "--data", f"npz:{tmp_path / 'a.npz'}"]
    assert main([*arguments, "--out", str(tmp_path / "other")]) == 1
    assert "npz has no test images: hold some images out, e.g. --holdout 0.2" in capsys.readouterr().err
    assert main([*arguments, *options, "--out", out]) == 0
    said = capsys.readouterr()
    assert "of 60 training images, 18 to test and 10 to choose the best epoch are set aside, by class" in said.err
    assert "% of the validation images in epoch 1)" in said.out
    assert main(["train", "--resume", "--out", out]) == 0
    assert main(["eval", out]) == 0
    assert "18 images  top-1" in capsys.readouterr().out
    assert main(["train", "--resume", "--out", out, "--validation", "0.5"]) == 1
    assert recipe_file.load(str(RunFolder(Path(out)).recipe_path)).validation == 0.25


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of photographs with class folders alone."""
    folder = tmp_path_factory.mktemp("photographs")
    shape_photographs.make(folder / "whole", 60, 12)
    shutil.copytree(folder / "whole" / "train", folder / "classes")
    return folder


@pytest.mark.parametrize("has_part", [False, True])
def test_a_folder_of_one_part_is_held_out_like_its_pack(
    classes: Path, has_part: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its classes may lie in `train`, or in the folder itself; the test images are of no use for training."""
    folder = tmp_path / "set"
    shutil.copytree(classes / "classes", folder / "train" if has_part else folder)
    assert main(["pack", str(folder), str(tmp_path / "a.pack")]) == 0
    assert "60 images (60 for training, 0 for testing)" in capsys.readouterr().out
    digests = []
    for name in (f"folder:{folder}", f"pack:{tmp_path / 'a.pack'}"):
        outline = data.read_outline(*data.parse_argument(name)).at(data.Fit((16, 16), 18))
        assert (outline.train, outline.test) == (60, 0)
        with pytest.raises(RunError, match=r"has no test images: hold some images out, e\.g\. --holdout 0\.2"):
            Split(0, 0, 0).apply(outline)
        split = Split(0.2, 0.25, 0).apply(outline)
        images = split.read()
        assert images.validation is not None and (split.train, split.test) == (36, 12)
        assert images.test_labels.bincount().tolist() == images.validation.test_labels.bincount().tolist() == [3] * 4
        digests.append([images.read_test_image(index).float().mean().item() for index in range(12)])
    assert digests[0] == digests[1]


def test_a_run_on_one_part_is_resumed_and_judged(
    classes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, chosen = str(tmp_path / "run"), ["image_size=16", "epochs=1", "batch_size=8", "workers=0", "threads=1"]
    settings = [word for setting in chosen for word in ("--override", setting)]
    arguments = ["train", "digits", "--data", f"folder:{classes / 'classes'}", "--recipe", "photographs", *settings]
    assert main([*arguments, "--holdout", "0.2", "--out", out]) == 0
    assert main(["train", "--resume", "--out", out]) == 0
    capsys.readouterr()
    assert main(["eval", out]) == 0
    assert capsys.readouterr().out.startswith("12 images  top-1")
    assert main(["eval", out, "--data", f"folder:{classes / 'whole'}"]) == 0
    assert capsys.readouterr().out.startswith("12 images  top-1")
    other = str(tmp_path / "other")
    assert main([*arguments[:2], "--data", f"folder:{classes / 'whole'}", *arguments[4:], "--out", other]) == 0
    capsys.readouterr()
    assert (
        main(["eval", other, "--data", f"folder:{classes / 'classes'}"]) == 0
    )  # nothing of it was held out: all of it
    assert capsys.readouterr().out.startswith("60 images  top-1")


def test_what_validation_images_gave_is_called_so(
    source: str, quick: Recipe, few: Data, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, share in (("validated", 0.2), ("tested", 0.0)):
        settings = replace(quick, validation=share, batch_size=20)
        images = Split.from_recipe(settings).split(few)
        train(source, "net", images, settings, tmp_path / name, quiet=True)
    records = {name: RunFolder(tmp_path / name).read_records()[-1] for name in ("validated", "tested")}
    assert (records["validated"]["split"], records["tested"]["split"]) == ("validation", "test")
    assert "  validation loss " in progress.format_record(records["validated"], 3)
    assert "  test loss " in progress.format_record(records["tested"], 3)
    pages = {name: RunFolder(tmp_path / name).report.read_text() for name in records}
    assert "validation accuracy, %" in pages["validated"] and "test accuracy, %" not in pages["validated"]
    assert "test accuracy, %" in pages["tested"]
    rows = {name: compare.read_runs([tmp_path / name], name, [OWN_TEXT]) for name in records}
    assert "validation top-1 mean" in compare.format_table([rows["validated"]])
    assert "validation" not in compare.format_table([rows["tested"]]).replace("validated", "")
    assert any("of test images in some runs" in line for line in compare.list_differences(list(rows.values())))
