"""Several views of an image: against a loop that cuts and averages them one by one."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from resnetc.runtime.data import Data, Fit, Outline, read_outline
from resnetc.runtime.errors import RunError
from resnetc.runtime.evaluate import evaluate
from resnetc.runtime.inference.trained_run import TrainedRun, open_run
from resnetc.runtime.recipe.recipe import Recipe
from resnetc.runtime.train import train
from tests.support import run_command


@pytest.fixture(scope="module")
def folder(source: str, digits: Data, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one epoch on the digits."""
    out = tmp_path_factory.mktemp("views") / "run"
    train(source, "small", digits, Recipe(epochs=1, batch_size=64, eval_batch_size=50), out, quiet=True)
    return out


def average(run: TrainedRun, views: list[torch.Tensor]) -> torch.Tensor:
    """The mean of the probabilities of views, uint8 [1, height, width], one at a time."""
    with torch.no_grad():
        return torch.stack([run.model(run._normalise(view[None])).double().softmax(1)[0] for view in views]).mean(0)


def resize(image: torch.Tensor, height: int, width: int) -> torch.Tensor:
    resized = Image.fromarray(image[0].numpy()).resize((width, height), Image.Resampling.BILINEAR)
    return torch.from_numpy(np.array(resized))[None]


def crops_of(image: torch.Tensor) -> list[torch.Tensor]:
    height, width = image.shape[1] - 8, image.shape[2] - 8
    places = [(0, 0), (0, width), (height, 0), (height, width), (height // 2, width // 2)]
    cut = [image[:, top : top + 8, left : left + 8] for top, left in places]
    return [*cut, *(one.flip(2) for one in cut)]


def some(digits: Data) -> Data:
    """Sixty of the test images: a batch and a part of one."""
    images, labels = digits.test_images[:60], digits.test_labels[:60]
    return Data("digits", None, digits.class_names, digits.train_images, digits.train_labels, images, labels)


@pytest.mark.parametrize(("crops", "scales"), [(10, (10,)), (10, (9, 12)), (1, (8,)), (1, (8, 11, 16))])
def test_the_probabilities_of_all_views_are_averaged(
    crops: int, scales: tuple[int, ...], folder: Path, digits: Data
) -> None:
    data, run = some(digits), open_run(folder)
    chances = []
    for image in data.test_images:
        wholes = [resize(image, scale, scale) for scale in scales]
        views = wholes if crops == 1 else [crop for whole in wholes for crop in crops_of(whole)]
        chances.append(average(run, views))
    expected = torch.stack(chances)
    judged = evaluate(folder, data, crops=crops, scales=scales)
    assert judged.top1 == pytest.approx(100 * (expected.argmax(1) == data.test_labels).double().mean().item())
    assert judged.loss == pytest.approx(-expected[torch.arange(60), data.test_labels].log().mean().item(), rel=1e-5)
    assert judged.images == 60


def test_one_scale_that_changes_nothing_gives_the_plain_evaluation(folder: Path, digits: Data) -> None:
    plain, whole = evaluate(folder, some(digits)), evaluate(folder, some(digits), scales=[8])
    assert (plain.top1, plain.top5, plain.confusion) == (whole.top1, whole.top5, whole.confusion)
    assert plain.loss == pytest.approx(whole.loss, rel=1e-5)


def test_photographs_are_seen_whole_and_in_crops(source: str, tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    for part in ("train", "test"):
        for label in range(10):
            (tmp_path / part / str(label)).mkdir(parents=True)
            for number in range(2):
                pixels = generator.integers(0, 255, tuple(generator.integers(12, 30, 2))).astype(np.uint8)
                Image.fromarray(pixels).save(tmp_path / part / str(label) / f"{number}.png")
    outline = read_outline("folder", tmp_path)
    assert not isinstance(outline, Outline)
    data = outline.at(Fit((8, 8), 10)).read()
    train(source, "small", data, Recipe(epochs=1, batch_size=10), tmp_path / "run", quiet=True)
    ten, whole = evaluate(tmp_path / "run", crops=10), evaluate(tmp_path / "run", scales=[10])
    assert ten.images == whole.images == 20 and ten.loss != whole.loss
    (tmp_path / "test" / "3" / "1.png").write_bytes(b"no image")
    with pytest.raises(RunError, match=r"3/1\.png: "):
        evaluate(tmp_path / "run", data, crops=10)


def test_what_is_refused(folder: Path, source: str, digits: Data, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="crops of 8x8 are cropped from larger images: .*above 8: --scales 10"):
        evaluate(folder, digits, crops=10)
    with pytest.raises(RunError, match="at most 32 lengths from 1 to 16,384 pixels"):
        evaluate(folder, digits, scales=range(1, 40))
    recipe = Recipe(epochs=1, batch_size=64, normalise="pixel")
    train(source, "small", digits, recipe, tmp_path / "run", quiet=True)
    with pytest.raises(RunError, match="the run subtracts a mean per pixel, so all images have one size"):
        evaluate(tmp_path / "run", digits, scales=[9])
    assert evaluate(tmp_path / "run", some(digits), crops=10, scales=[9]).images == 60
    for text in ("", "8,", "0", "8x8", "1e3"):
        ran = run_command("eval", str(folder), "--scales", text)
        assert ran.status == 2 and "write them as 224,256,384" in ran.err


def test_the_command_prints_what_it_measures(folder: Path) -> None:
    ran = run_command("eval", str(folder), "--crops", "10", "--scales", "9")
    assert ran.status == 0, ran.err
    assert " img/s\n" in ran.out and "\ncalibration error " in ran.out
