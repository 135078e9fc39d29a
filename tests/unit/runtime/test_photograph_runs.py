"""Runs on photographs: the same weights with any number of workers, from a pack, and after a stop or damage."""

import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.utils.data import get_worker_info

from resnetc.cli.main import main
from resnetc.runtime import data
from resnetc.runtime.data import Fit, ImageSet
from resnetc.runtime.data.pack_writer import write_pack
from resnetc.runtime.errors import RunError, Stopped
from resnetc.runtime.evaluate import evaluate
from resnetc.runtime.input_pipeline import decoded_batches
from resnetc.runtime.input_pipeline.image_size import choose_fit
from resnetc.runtime.input_pipeline.sampling import build_order
from resnetc.runtime.input_pipeline.splits import Split
from resnetc.runtime.model.user_classes import OWN_TEXT
from resnetc.runtime.recipe import recipe_file
from resnetc.runtime.recipe.recipe import Recipe
from resnetc.runtime.run import checkpoint
from resnetc.runtime.run.folder import RunFolder
from resnetc.runtime.train import train
from tests import shape_photographs
from tests.unit.runtime.run.test_resume import stopping

FIT = Fit((16, 16), 18)


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """32 photographs to train with, 12 to test."""
    folder = tmp_path_factory.mktemp("shapes")
    shape_photographs.make(folder, 32, 12)
    return folder


@pytest.fixture(scope="module")
def coloured(source: str) -> str:
    """The small network for three channels and four classes, with dropout."""
    text = source.replace("nn.Conv2d(1, 16,", "nn.Conv2d(3, 16,")
    text = text.replace(
        "self.fc = nn.Linear(64, 10)", "self.drop = nn.Dropout(0.3)\n        self.fc = nn.Linear(64, 4)"
    )
    return text.replace("x.mean((2, 3))", "self.drop(x.mean((2, 3)))")


CHOSEN = Recipe(
    epochs=2, batch_size=8, eval_batch_size=5, horizontal_flip=True, workers=0, threads=1, learning_rate=0.05, seed=3
)


def read(shapes: Path, name: str = "folder") -> ImageSet:
    return data.read_outline(name, shapes).at(FIT).read()


@pytest.fixture(scope="module")
def whole(shapes: Path, coloured: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An undisturbed run."""
    out = tmp_path_factory.mktemp("whole") / "run"
    train(coloured, "small", read(shapes), CHOSEN, out, quiet=True)
    return out


def assert_equal_weights(one: Path, other: Path) -> None:
    for name in ("last.ckpt", "best.safetensors"):
        (tensors, facts), (others, other_facts) = checkpoint.load(one / name), checkpoint.load(other / name)
        assert [key for key in tensors if not torch.equal(tensors[key], others[key])] == []
        assert list(tensors) == list(others)
        keys = ("test_loss", "train_loss", "top1")
        assert [[record[key] for key in keys] for record in facts["records"]] == [
            [record[key] for key in keys] for record in other_facts["records"]
        ]


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_the_number_of_workers_changes_nothing(
    shapes: Path, coloured: str, whole: Path, tmp_path: Path, workers: int
) -> None:
    train(coloured, "small", read(shapes), replace(CHOSEN, workers=workers), tmp_path / "run", quiet=True)
    assert_equal_weights(tmp_path / "run", whole)


def test_a_pack_gives_the_weights_of_its_folder(shapes: Path, coloured: str, whole: Path, tmp_path: Path) -> None:
    write_pack(shapes, tmp_path / "a.pack")
    packed = read(tmp_path / "a.pack", "pack")
    train(coloured, "small", packed, replace(CHOSEN, workers=2), tmp_path / "run", quiet=True)
    assert_equal_weights(tmp_path / "run", whole)


def test_a_run_that_was_stopped_ends_with_the_weights_of_one_that_was_not(
    shapes: Path, coloured: str, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, steps = tmp_path / "run", iter([2, 5])
    with monkeypatch.context() as patch:
        stopping(patch, [2, 5], signal.SIGTERM)
        for resume in (False, True):
            chosen = replace(CHOSEN, workers=2 * resume)
            with pytest.raises(Stopped, match=f"after step {next(steps)}"):
                train(coloured, "small", read(shapes), chosen, out, resume=resume, quiet=True)
    train(coloured, "small", read(shapes), CHOSEN, out, resume=True, quiet=True)
    assert_equal_weights(out, whole)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("part", ["train", "test"])
def test_a_damaged_photograph_ends_the_run_with_its_name_and_its_state_saved(
    shapes: Path, coloured: str, whole: Path, tmp_path: Path, workers: int, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, out = tmp_path / "shapes", tmp_path / "run"
    shutil.copytree(shapes, copy)
    images = read(copy)
    file = copy / part / "disc" / "00010.jpg"
    content = file.read_bytes()

    def spoil(self: RunFolder, *arguments: object) -> None:
        file.write_bytes(content[:-200])
        create(self, *arguments)  # type: ignore[arg-type]

    create = RunFolder.create
    monkeypatch.setattr(RunFolder, "create", spoil)  # after mean and deviation were measured
    chosen = replace(CHOSEN, workers=workers)
    with pytest.raises(RunError, match=rf"{part}/disc/00010\.jpg: damaged image: image file is truncated") as caught:
        train(coloured, "small", images, chosen, out, quiet=True)
    assert caught.value.status == 1 and "\n" not in str(caught.value)
    done = checkpoint.load(out / "last.ckpt")[1]["step"]
    assert done == 4 if part == "test" else 0 <= done < 4
    file.write_bytes(content)
    train(coloured, "small", images, chosen, out, resume=True, quiet=True)
    assert_equal_weights(out, whole)


def test_a_worker_that_is_killed_ends_the_run_in_one_message(
    shapes: Path, coloured: str, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crop = decoded_batches._Decoder._crop_randomly

    def kill(self: decoded_batches._Decoder, epoch: int, indices: list[int]) -> decoded_batches.Pixels:
        if epoch == 1 and get_worker_info() is not None:
            os.kill(os.getpid(), signal.SIGKILL)
        return crop(self, epoch, indices)

    chosen, out = replace(CHOSEN, workers=2), tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(decoded_batches._Decoder, "_crop_randomly", kill)
        with pytest.raises(
            RunError, match=r"a process that decodes photographs was killed, possibly out of memory.*workers=1"
        ):
            train(coloured, "small", read(shapes), chosen, out, quiet=True)
    train(coloured, "small", read(shapes), chosen, out, resume=True, quiet=True)
    assert_equal_weights(out, whole)


def test_a_run_on_photographs_is_evaluated_as_it_was_in_training(shapes: Path, whole: Path, tmp_path: Path) -> None:
    record = checkpoint.load(whole / "last.ckpt")[1]["records"][-1]
    judged = evaluate(whole, weights="last")
    assert (judged.images, judged.top1, judged.loss) == (12, record["top1"], pytest.approx(record["test_loss"]))
    other = evaluate(whole, data.read_outline("folder", shapes), weights="last")
    assert (other.top1, other.loss) == (judged.top1, judged.loss)
    assert "data:image/png;base64," in (whole / "report.html").read_text()


SPEC = """edition 1
use std.blocks

model net(classes: int = 10, channels: int = 3) {
  input [channels, H, W] = [channels, 20, 24]
  stem = conv(4, kernel=3, stride=4) |> norm |> act
  head = global_avg_pool |> fc: linear(classes)
}
"""


def test_the_command_takes_photographs_as_large_as_the_spec_declares(
    shapes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.resnet").write_text(SPEC)
    quick = "--override epochs=1 --override batch_size=16 --override workers=0 --override threads=1 --out".split()
    assert main(["pack", str(shapes), "shapes.pack"]) == 0
    assert capsys.readouterr().out == (
        f"shapes.pack: 44 images (32 for training, 12 for testing) of 4 classes, 3 channels, "
        f"{Path('shapes.pack').stat().st_size / 1e6:,.1f} MB\n"
    )
    for argument in (f"folder:{shapes}", "pack:shapes.pack"):
        out = argument.partition(":")[0]
        assert main(["train", "net.resnet", "--data", argument, *quick, out]) == 0
        assert "net_classes4: from the data: classes = 4, channels = 3, input 20x24" in capsys.readouterr().err
        assert recipe_file.load(f"{out}/recipe.yaml").image_size is None
        assert main(["eval", out]) == 0
        assert main(["train", "--resume", "--out", out]) == 0
    assert_equal_weights(Path("folder"), Path("pack"))
    capsys.readouterr()
    assert main(["train", "net.resnet", "--data", "pack:shapes.pack", "--override", "image_size=0", *quick, "no"]) == 2
    Path("net.resnet").write_text(SPEC.replace("act\n", "act |> max_pool(9, padding=0)\n").replace("20, 24", "40, 40"))
    assert main(["train", "net.resnet", "--data", "pack:shapes.pack", "--override", "image_size=20", *quick, "no"]) == 2
    assert "pack has images of 20x20, `net` takes" in capsys.readouterr().err
    assert not Path("no").exists()


def test_networks_that_are_compared_get_images_of_one_size(
    shapes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("one.resnet").write_text(SPEC)
    Path("two.resnet").write_text(SPEC.replace("model net", "model other").replace("20, 24", "32, 32"))
    command = ["compare", "--data", f"folder:{shapes}", "--override", "epochs=1", "one.resnet", "two.resnet"]
    assert main(command) == 2
    message = "the networks declare images of 20x24 and 32x32: set one size: --override image_size=N"
    assert message in capsys.readouterr().err


def test_a_network_of_other_axes_takes_no_photographs(
    shapes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.resnet").write_text(
        SPEC.replace("[channels, H, W] = [channels, 20, 24]", "[channels, T] = [channels, 64]")
    )
    assert main(["train", "net.resnet", "--data", f"folder:{shapes}"]) == 1
    assert "`net` takes one axis (net.resnet:5), folder has photographs (two axes)" in capsys.readouterr().err


def test_photographs_that_choose_the_epoch_are_no_test_photographs(
    coloured: str, quick: Recipe, shapes: Path, tmp_path: Path
) -> None:
    settings = replace(quick, validation=0.25, batch_size=8, random_crop_padding=0, workers=0)
    outline = data.read_outline("folder", shapes).at(FIT)
    read = Split.from_recipe(settings).apply(outline).read()
    assert read.validation is not None
    assert [len(labels) for labels in (read.train_labels, read.validation.test_labels, read.test_labels)] == [24, 8, 12]
    result = train(coloured, "net", read, settings, tmp_path / "run", quiet=True)
    judged = evaluate(tmp_path / "run", allow_imports=[OWN_TEXT])
    assert (judged.images, judged.top1) == (12, result.top1)
    assert read.fingerprint() != outline.read().fingerprint()


def test_sizes_and_operations_of_training_are_resumed_and_seen_by_any_workers(
    shapes: Path, coloured: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = replace(CHOSEN, trivial_augment=True, train_size=(12, 20))
    assert_resumes(chosen, shapes, coloured, tmp_path, monkeypatch)


NEW_VIEWS: dict[str, dict[str, object]] = {
    "RandAugment": {"rand_augment": "timm", "num_ops": 2, "magnitude": 7.0, "magnitude_std": 0.5},
    "RandAugment of the paper": {"rand_augment": "paper", "magnitude": 10.0, "train_size": (12, 20)},
    "repeats": {"aug_repeats": 3, "mixup": 0.2, "rand_augment": "timm"},
    "scale": {"train_resize": (16, 30), "normalise": "pixel", "lighting": 0.1},
    "scale of a smaller crop": {"train_resize": (14, 20), "train_size": (12,), "aug_repeats": 2},
}


@pytest.mark.parametrize("feature", NEW_VIEWS)
def test_what_training_sees_is_resumed_and_seen_by_any_workers_and_from_a_pack(
    feature: str, shapes: Path, coloured: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = replace(CHOSEN, **NEW_VIEWS[feature])  # type: ignore[arg-type]  # each value is its key's
    assert_resumes(chosen, shapes, coloured, tmp_path, monkeypatch)
    write_pack(shapes, tmp_path / "a.pack")
    train(coloured, "small", read(tmp_path / "a.pack", "pack"), chosen, tmp_path / "packed", quiet=True)
    assert_equal_weights(tmp_path / "whole", tmp_path / "packed")
    train(coloured, "small", read(shapes), replace(CHOSEN, normalise=chosen.normalise), tmp_path / "other", quiet=True)
    weights, others = (checkpoint.load(tmp_path / run / "last.ckpt")[0] for run in ("whole", "other"))
    assert not torch.equal(weights["model/conv1.weight"], others["model/conv1.weight"])


def assert_resumes(
    chosen: Recipe, shapes: Path, coloured: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that is stopped in the second epoch, and begun with two workers, ends as an undisturbed one does."""
    train(coloured, "small", read(shapes), chosen, tmp_path / "whole", quiet=True)
    with monkeypatch.context() as patch:
        stopping(patch, [5], signal.SIGTERM)
        with pytest.raises(Stopped):
            train(coloured, "small", read(shapes), replace(chosen, workers=2), tmp_path / "run", quiet=True)
    train(coloured, "small", read(shapes), chosen, tmp_path / "run", resume=True, quiet=True)
    assert_equal_weights(tmp_path / "whole", tmp_path / "run")


def test_each_size_of_training_has_an_equal_part_of_the_run(shapes: Path) -> None:
    with decoded_batches.DecodedBatches(read(shapes), replace(CHOSEN, epochs=5, train_size=(8, 12))) as batches:  # type: ignore[arg-type]
        sizes = [next(iter(batches.read_train(epoch, [[0, 1]]))).shape for epoch in range(5)]  # type: ignore[union-attr]
        assert [size[1:3] for size in sizes] == [(8, 8)] * 3 + [(12, 12)] * 2
        assert next(iter(batches.read_test([[0]]))).shape == (1, 16, 16, 3)  # type: ignore[union-attr]


def test_a_size_of_training_that_the_network_does_not_take_is_refused(
    shapes: Path, coloured: str, tmp_path: Path
) -> None:
    text = coloured.replace(
        "x = self.layer3(", "x = nn.functional.max_pool2d(x, 14)\n        x = self.layer3("
    ).replace("(1, 8, 8)", "(3, 16, 16)")
    with pytest.raises(
        RunError, match="folder has images of 12x12, but `small`, which was compiled for 16x16, does not accept"
    ):
        train(text, "small", read(shapes), replace(CHOSEN, train_size=(12,)), tmp_path / "run", quiet=True)


def test_an_epoch_of_repeats_decodes_a_third_of_the_photographs(shapes: Path) -> None:
    images, chosen = read(shapes), replace(CHOSEN, aug_repeats=3)
    order = build_order(chosen, images, torch.device("cpu"))(1)
    with decoded_batches.DecodedBatches(images, chosen) as batches:  # type: ignore[arg-type]
        crops = next(iter(batches.read_train(1, [order.tolist()])))
    photographs = order % 32
    assert len(photographs.unique()) == 11
    for image in photographs.unique():
        views = crops[(photographs == image).numpy()]  # type: ignore[index]
        assert len({view.tobytes() for view in views}) == len(views)  # each cut out anew


def test_what_training_cuts_out_is_in_the_range_before_anything_is_read(shapes: Path) -> None:
    outline = data.read_outline("folder", shapes)
    chosen = replace(CHOSEN, train_resize=(20, 30))
    with pytest.raises(RunError) as caught:
        choose_fit(outline, chosen, (20, 24))
    assert str(caught.value) == ("`train_resize` starts at 20, below the crops of 20x24: start at 24 or above")
    assert choose_fit(outline, replace(chosen, train_size=(20,)), (20, 24)).size == (20, 24)
    assert choose_fit(outline, replace(chosen, train_resize=(24, 30)), (20, 24)).size == (20, 24)


@pytest.mark.parametrize(
    "override", ["trivial_augment=true", "train_size=[8]", "rand_augment=timm", "train_resize=[8, 9]"]
)
def test_what_is_in_memory_is_not_decoded(source: str, few: data.Data, tmp_path: Path, override: str) -> None:
    chosen = recipe_file.load("digits", [override, "epochs=1"])
    with pytest.raises(RunError, match="as they are decoded, and npz has none: remove it from the recipe"):
        train(source, "small", few, chosen, tmp_path / "run", quiet=True)
