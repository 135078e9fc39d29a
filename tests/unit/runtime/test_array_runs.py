"""Runs on signals and volumes: trained, stopped and resumed, used; the tasks that only shape or motion solves."""

import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from resnetc.cli.main import main
from resnetc.runtime import data
from resnetc.runtime.augmentation.crop_and_flip import Augmenter, Normaliser, add_noise
from resnetc.runtime.data import Data
from resnetc.runtime.data.preprocessing import read_preprocessing
from resnetc.runtime.errors import RunError, Stopped
from resnetc.runtime.inference.trained_run import open_run
from resnetc.runtime.input_pipeline.statistics import measure_statistics
from resnetc.runtime.recipe.recipe import Recipe
from resnetc.runtime.run.folder import RunFolder
from resnetc.runtime.train import train
from tests import made_arrays
from tests.support import outline_of
from tests.unit.runtime.run.test_resume import assert_equal_runs, stopping

SHORT = ["--override", "epochs=2", "--override", "threads=1"]
TASKS = {"signal": made_arrays.write_signals, "volume": made_arrays.write_clips}


@pytest.mark.parametrize("task", TASKS)
def test_a_run_is_trained_and_used(task: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    TASKS[task](tmp_path / "a.npz", 240, 80)
    name, out = f"npz:{tmp_path / 'a.npz'}", tmp_path / "run"
    settings = ["--set", "width=4", *SHORT, "--override", "noise=0.1", "--override", "random_crop_padding=1"]
    assert main(["train", f"{task}/small", *settings, "--data", name, "--recipe", task, "--out", str(out)]) == 0
    kind = "240 signals of 1 channel and 256 steps" if task == "signal" else "240 volumes of 1 channel and 8x16x16"
    assert f"read as {kind}" in capsys.readouterr().err
    assert read_preprocessing(RunFolder(out).preprocessing_path).kind == task
    assert main(["eval", str(out), "--data", name]) == 0
    assert capsys.readouterr().out.startswith("80 images  top-1")
    images = np.load(tmp_path / "a.npz")["test_images"]
    np.save(tmp_path / "x.npy", images)
    assert main(["predict", str(out), str(tmp_path / "x.npy"), "--format", "json"]) == 0
    assert capsys.readouterr().out.count("\n") == 80
    run, read = open_run(out), data.load("npz", tmp_path / "a.npz", axes=len(images.shape) - 1)
    assert isinstance(read, Data)
    probabilities = run.predict([read.test_images[0], images[0]])
    assert torch.equal(probabilities[0], probabilities[1])


def make_set(*size: int) -> Data:
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(40, 2, *size, generator=generator) * 3 + 1
    labels = torch.arange(40) % 10
    return Data(
        "npz", Path("a.npz"), tuple("abcdefghij"), images[:30], labels[:30], images[30:], labels[30:], (-9.0, 9.0)
    )


@pytest.mark.parametrize("size", [(12,), (4, 5), (3, 4, 5)])
def test_statistics_are_those_of_each_channel(size: tuple[int, ...]) -> None:
    images = make_set(*size).train_images
    mean, scale = measure_statistics(images, "channel")
    normalised = Normaliser(mean, scale)(images).double()
    axes = (0, *range(2, images.ndim))
    assert torch.allclose(normalised.mean(axes), torch.zeros(2).double(), atol=1e-6)
    assert torch.allclose(normalised.std(axes, correction=0), torch.ones(2).double(), atol=1e-6)
    means, _ = measure_statistics(images, "pixel")
    assert torch.allclose(means.movedim(-1, 0), images.mean(0), atol=1e-6)


@pytest.mark.parametrize("size", [(12,), (4, 5), (3, 4, 5)])
@pytest.mark.parametrize("kind", ["channel", "pixel"])
def test_a_shift_moves_values_and_fills_with_the_mean(size: tuple[int, ...], kind: str) -> None:
    images = make_set(*size).train_images
    normaliser = Normaliser(*measure_statistics(images, kind))
    augment = Augmenter(images, Recipe(random_crop_padding=2), normaliser)
    index = torch.arange(30)
    batch, plain = augment(1, index), normaliser(images)
    padded = torch.nn.functional.pad(plain, (2,) * (2 * len(size)))
    shifts = set()
    for row in range(30):
        windows = padded[row]
        for axis, length in enumerate(size, 1):
            windows = windows.unfold(axis, length, 1)
        places = [tuple(place.tolist()) for place in np.ndindex(*[5] * len(size)) for place in [np.array(place)]]
        hits = [place for place in places if torch.equal(windows[(slice(None), *place)], batch[row])]
        assert len(hits) == 1
        shifts.add(hits[0])
    assert len(shifts) > 3
    assert torch.equal(augment(1, index[7:9]), batch[7:9])


def test_noise_is_gaussian_and_a_function_of_epoch_and_index() -> None:
    values = torch.zeros(50, 2, 400)
    noisy = add_noise(values, 0.5, 3, 1, torch.arange(50))
    assert abs(float(noisy.mean())) < 0.01
    assert abs(float(noisy.std()) - 0.5) < 0.01
    assert abs(float((noisy.abs() < 0.5).float().mean()) - 0.683) < 0.01
    assert torch.equal(add_noise(values[:3], 0.5, 3, 1, torch.arange(10, 13)), noisy[10:13])
    assert not torch.equal(add_noise(values, 0.5, 3, 2, torch.arange(50)), noisy)
    assert len(noisy.unique()) > 39_000


def test_a_signal_is_not_mirrored() -> None:
    outline = outline_of(make_set(12))
    from resnetc.runtime.input_pipeline.image_size import fit_images

    with pytest.raises(RunError, match="no left and right: set horizontal_flip: false"):
        fit_images(outline, Recipe(horizontal_flip=True), (12,))
    with pytest.raises(RunError, match="has signals, which have no colours: set color_jitter: 0 in the recipe"):
        fit_images(outline, Recipe(color_jitter=0.4), (12,))


def test_light_needs_red_green_and_blue() -> None:
    from resnetc.runtime.input_pipeline.image_size import fit_images

    with pytest.raises(RunError, match="^digits has 1 channel: `lighting` needs red, green and blue; set lighting: 0"):
        fit_images(data.read_outline("digits", None), Recipe(lighting=0.1), (8, 8))
    fit_images(data.read_outline("digits", None), Recipe(color_jitter=0.4), (8, 8))


def test_a_stopped_run_on_floats_ends_with_the_same_weights(
    source: str, quick: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, few = source.replace("nn.Conv2d(1, 16,", "nn.Conv2d(2, 16,"), make_set(8, 8)
    noisy = replace(quick, noise=0.3, batch_size=10)
    train(text, "net", few, noisy, tmp_path / "whole", quiet=True)
    stopping(monkeypatch, [4], signal.SIGTERM)
    with pytest.raises(Stopped):
        train(text, "net", few, noisy, tmp_path / "cut", quiet=True)
    train(text, "net", few, noisy, tmp_path / "cut", resume=True, quiet=True)
    assert_equal_runs(tmp_path / "whole", tmp_path / "cut")


@pytest.mark.slow
@pytest.mark.parametrize(("task", "counts"), [("signal", (3000, 600)), ("volume", (6000, 1000))])
def test_the_shipped_nets_solve_what_only_shape_and_motion_tell(
    task: str, counts: tuple[int, int], tmp_path: Path
) -> None:
    TASKS[task](tmp_path / "a.npz", *counts)
    out = tmp_path / "run"
    arguments = ["--data", f"npz:{tmp_path / 'a.npz'}", "--recipe", task, "--out", str(out)]
    assert main(["train", f"{task}/small", *arguments]) == 0
    last = RunFolder(out).read_records()[-1]
    assert last["top1"] >= 95


def test_numbers_that_span_the_range_of_bytes_are_no_bytes(source: str, few: Data, tmp_path: Path) -> None:
    """A run on float32 from 0 to 255 predicts from float32, and from bytes of the same values alike."""
    numbers = replace(few, train_images=few.train_images.float(), test_images=few.test_images.float())
    numbers.train_images[0, 0, 0, :2] = torch.tensor([0.0, 255.0])
    numbers = replace(numbers, range=(0.0, 255.0))
    train(source, "small", numbers, Recipe(epochs=1, batch_size=50, threads=1), tmp_path / "run", quiet=True)
    run = open_run(tmp_path / "run")
    assert run.preprocessing.range == (0.0, 255.0) and run.preprocessing.dtype == "float32"
    of_numbers = run.predict([numbers.test_images[0], few.test_images[0].float() + 0.5])
    torch.testing.assert_close(of_numbers[0], run.predict(few.test_images[0])[0])
    assert not torch.equal(of_numbers[1], of_numbers[0])
