"""A run that is opened: what goes in, what comes out, and that it is what evaluation computes."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import resnetc
from resnetc.runtime.data import Data, Fit, Outline, decode, read_outline
from resnetc.runtime.data.preprocessing import INTERPOLATIONS, Preprocessing
from resnetc.runtime.errors import RunError
from resnetc.runtime.evaluate import evaluate
from resnetc.runtime.inference.inputs import list_argument
from resnetc.runtime.inference.trained_run import TrainedRun, open_run
from resnetc.runtime.recipe.recipe import Recipe
from resnetc.runtime.run import checkpoint
from resnetc.runtime.train import train
from tests.support import run_command

COLOURS = (("blue", (0, 0, 200)), ("green", (0, 200, 0)), ("red", (200, 0, 0)))


@pytest.fixture(scope="module")
def folder(source: str, digits: Data, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one epoch on the digits, whose mean is one per pixel and whose weights are averaged."""
    out = tmp_path_factory.mktemp("trained") / "run"
    train(source, "small", digits, Recipe(epochs=1, batch_size=64, ema_decay=0.9, normalise="pixel"), out, quiet=True)
    return out


@pytest.fixture(scope="module")
def run(folder: Path) -> TrainedRun:
    return resnetc.open_run(folder)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 12 training and 9 test photographs of several sizes in three classes, some JPEG, some turned by
    EXIF."""
    root = tmp_path_factory.mktemp("images")
    generator = np.random.default_rng(0)
    for part, count in (("train", 4), ("test", 3)):
        for name, colour in COLOURS:
            (root / part / name).mkdir(parents=True)
            for number in range(count):
                height, width = generator.integers(9, 40, 2)
                pixels = np.clip(generator.integers(0, 56, (height, width, 3)) + colour, 0, 255).astype(np.uint8)
                pixels[: height // 2] //= 2
                exif = Image.Exif()
                exif[0x0112] = 6
                kind: dict[str, Any] = {"exif": exif} if number % 3 == 1 else {}
                ending = ("png", "jpg", "bmp")[number % 3]
                Image.fromarray(pixels).save(root / part / name / f"{number}.{ending}", **kind)
    return root


def three_classes(source: str) -> str:
    """The small network for three channels and three classes."""
    return source.replace("nn.Conv2d(1, 16", "nn.Conv2d(3, 16").replace("(64, 10)", "(64, 3)").replace("(1, 8", "(3, 8")


def test_predict_agrees_with_eval_for_every_digit(folder: Path, run: TrainedRun, digits: Data) -> None:
    """Not for the classes alone: the probabilities are those from which evaluation takes its losses."""
    images = [image.numpy() for image in digits.test_images[:, 0]]
    chances = run.predict(images)
    assert chances.shape == (360, 10) and chances.dtype == torch.float32
    assert (chances.sum(1) - 1).abs().max() < 1e-5
    judged = evaluate(folder)
    assert judged.top1 == 100 * (chances.argmax(1) == digits.test_labels).sum().item() / 360
    pairs = list(zip(digits.test_labels.tolist(), chances.argmax(1).tolist(), strict=True))
    assert {pair: pairs.count(pair) for pair in set(pairs)} == judged.confusion
    losses = -chances[torch.arange(360), digits.test_labels].log()
    assert judged.loss == pytest.approx(losses.mean().item(), rel=1e-5)
    for miss in judged.worst:
        assert miss.loss == pytest.approx(losses[miss.index].item(), abs=1e-5)
        assert miss.probability == pytest.approx(chances[miss.index, miss.predicted].item(), abs=1e-5)


def test_one_at_a_time_or_many_as_files_arrays_tensors_or_images(run: TrainedRun, digits: Data, tmp_path: Path) -> None:
    some = digits.test_images[:7]
    paths = [tmp_path / f"{number}.png" for number in range(7)]
    for path, image in zip(paths, some, strict=True):
        Image.fromarray(image[0].numpy()).save(path)
    expected = run.predict([image[0].numpy() for image in some])
    opened = [Image.open(path) for path in paths]
    for same in (paths, list(map(str, paths)), list(some), [image[0][:, :, None].numpy() for image in some], opened):
        assert torch.equal(run.predict(same), expected)  # type: ignore[arg-type]
    for path, row in zip(paths, expected, strict=True):
        assert (run.predict(path) - row).abs().max() < 1e-5
    batch = torch.stack([run.preprocess(path) for path in paths])
    with torch.no_grad():
        assert (run.model(batch).softmax(1) - expected).abs().max() < 1e-5
    assert run.predict([]).shape == (0, 10)


def test_a_folder_of_photographs_agrees_with_its_evaluation(source: str, images: Path, tmp_path: Path) -> None:
    """The same files through `eval` and through `predict`: the same class and probability."""
    outline = read_outline("folder", images)
    assert not isinstance(outline, Outline)
    data = outline.at(Fit((8, 8), 9)).read()
    train(three_classes(source), "small", data, Recipe(epochs=4, batch_size=6), tmp_path / "run", quiet=True)
    run = open_run(tmp_path / "run")
    files = [one.name for one in list_argument(str(images / "test"), run.preprocessing)]
    assert [Path(file).parent.name for file in files] == [run.classes[label] for label in data.test_labels]
    chances = run.predict(files)
    judged = evaluate(tmp_path / "run")
    assert judged.top1 == pytest.approx(100 * (chances.argmax(1) == data.test_labels).float().mean().item())
    losses = -chances[torch.arange(9), data.test_labels].log()
    assert judged.loss == pytest.approx(losses.mean().item(), abs=1e-5)
    assert run.preprocessing.resize == 9 and judged.top1 > 50


def test_files_of_another_size_are_resized_and_their_centre_cut_out(run: TrainedRun, tmp_path: Path) -> None:
    pixels = np.zeros((40, 24), np.uint8)
    pixels[8:32] = np.random.default_rng(0).integers(0, 256, (24, 24))
    Image.fromarray(pixels).save(tmp_path / "tall.png")
    centre = Image.fromarray(pixels[8:32]).resize((8, 8), Image.Resampling.BILINEAR, reducing_gap=None)
    close = (run.predict(tmp_path / "tall.png") - run.predict(centre)).abs().max()
    assert close < 0.02  # a reduction comes before the filter
    colour = Image.fromarray(np.dstack([pixels] * 3))
    assert torch.equal(run.predict(colour), run.predict(Image.fromarray(pixels)))


def test_what_an_opened_run_has(folder: Path, run: TrainedRun) -> None:
    assert run.classes == tuple("0123456789")
    assert run.recipe.normalise == "pixel" and run.preprocessing.size == (8, 8)
    assert [record["epoch"] for record in run.metrics] == [1]
    assert repr(run) == "<resnetc.TrainedRun small: 1x8x8, 10 classes>"
    assert not run.model.training
    assert "open_run" in dir(resnetc) and "open_run" in resnetc.__all__


WRONG: dict[str, tuple[object, str]] = {
    "floats": (np.zeros((8, 8), np.float32), "float32 numbers; the network was trained on bytes: uint8, 0 to 255"),
    "three channels": (np.zeros((8, 8, 3), np.uint8), r"shape \[8, 8, 3\]; expected \[height, width\] or"),
    "a batch": (np.zeros((2, 8, 8, 1), np.uint8), r"shape \[2, 8, 8, 1\]; expected"),
    "a tensor": (torch.zeros(3, 8, 8, dtype=torch.uint8), r"shape \[8, 8, 3\]; expected"),
    "a number": (7, "an image is a path, a Pillow image, a NumPy array or a tensor, not int"),
}


@pytest.mark.parametrize("case", WRONG)
def test_values_that_are_no_image_are_refused(case: str, run: TrainedRun) -> None:
    value, words = WRONG[case]
    with pytest.raises(ValueError, match=words):
        run.predict([value])  # type: ignore[list-item]


def test_files_that_are_no_image_are_refused_by_name(run: TrainedRun, tmp_path: Path) -> None:
    (tmp_path / "note.png").write_text("no image")
    for path, words in ((tmp_path / "note.png", "not an image"), (tmp_path / "none.png", "No such file")):
        with pytest.raises(RunError, match=f"{path.name}.*{words}"):
            run.predict(path)


def test_the_filters_of_a_record_are_those_of_decoding() -> None:
    assert INTERPOLATIONS == decode.INTERPOLATIONS


def test_an_array_of_other_kinds_of_inputs_needs_no_image(run: TrainedRun, tmp_path: Path) -> None:
    """Signals and volumes come as arrays, channels first; the range of a run may be that of any numbers."""
    signal = Preprocessing(
        "signal", 2, (5,), None, "bilinear", True, (-1.0, 1.0), (0.0, 0.0), (1.0, 1.0), ("a",), "x", "float32"
    )
    rows = np.random.default_rng(0).normal(size=(3, 2, 5)).astype(np.float32)
    np.save(tmp_path / "s.npy", rows)
    listed = list_argument(str(tmp_path / "s.npy"), signal)
    assert [one.name for one in listed] == [f"{tmp_path}/s.npy[{row}]" for row in range(3)]
    assert torch.equal(torch.stack([one.read() for one in listed]), torch.from_numpy(rows))
    rows[1, 0, 0] = np.nan
    np.save(tmp_path / "s.npy", rows)
    with pytest.raises(RunError, match=r"s\.npy\[1\]: a value that is not finite"):
        list_argument(str(tmp_path / "s.npy"), signal)[1].read()
    Image.new("L", (8, 8)).save(tmp_path / "x.png")
    with pytest.raises(RunError, match=r"x\.png: the network takes a signal, not images"):
        list_argument(str(tmp_path / "x.png"), signal)[0].read()
    four = replace(run.preprocessing, channels=4, mean=(0.0,) * 4, scale=(1.0,) * 4)
    with pytest.raises(RunError, match="takes 4 channels, an image file has 1 or 3"):
        list_argument(str(tmp_path / "x.png"), four)[0].read()


def test_a_run_of_an_earlier_version_says_what_to_do(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "run")
    out = tmp_path / "run"
    for name in ("last.ckpt", "best.safetensors"):
        tensors, facts = checkpoint.load(out / name)
        del facts["preprocessing"]
        checkpoint.save(out / name, tensors, facts | {"format": 4})
    text = (out / "preprocessing.json").read_text()
    (out / "preprocessing.json").unlink()
    with pytest.raises(RunError, match=r"`resnetc train --resume --out .*run` writes preprocessing\.json"):
        open_run(out)
    (out / "preprocessing.json").write_text(text)
    assert open_run(out).classes == tuple(json.loads(text)["classes"])


def test_wrong_arguments_are_told(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"allow_imports is a list of modules: write allow_imports=\['own'\]"):
        open_run(folder, allow_imports="own")
    with pytest.raises(ValueError, match="weights is 'best' or 'last', not 'first'"):
        open_run(folder, weights="first")  # type: ignore[arg-type]
    with pytest.raises(RunError, match="nonsense"):
        open_run(folder, device="nonsense")


SIGNALS = """edition 1
model net(classes: int = 3, channels: int = 2) {
  input [channels, T] = [channels, 24]
  stem = conv(8, kernel=3) |> relu
  head = global_avg_pool |> fc: linear(classes)
}
"""


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_signals_are_predicted_as_they_are_evaluated(dtype: Any, tmp_path: Path) -> None:
    """Of numbers that are no bytes, from the archive that the run was trained on."""
    generator = np.random.default_rng(0)
    arrays: dict[str, Any] = {}
    for part, count in (("train", 30), ("test", 12)):
        labels = np.arange(count) % 3
        values = generator.normal(300, 20, (count, 2, 24)) + 40 * labels[:, None, None]
        arrays |= {f"{part}_images": values.astype(dtype), f"{part}_labels": labels}
    np.savez(tmp_path / "s.npz", **arrays)
    (tmp_path / "net.resnet").write_text(SIGNALS)
    quick = ("--override", "epochs=2", "--override", "batch_size=10", "--override", "threads=1")
    command = ("train", str(tmp_path / "net.resnet"), "--data", f"npz:{tmp_path}/s.npz", *quick)
    ran = run_command(*command, "--out", str(tmp_path / "run"))
    assert ran.status == 0, ran.err
    run = open_run(tmp_path / "run")
    assert (run.preprocessing.kind, run.preprocessing.size) == ("signal", (24,))
    chances = run.predict(list(arrays["test_images"]))
    judged = evaluate(tmp_path / "run")
    labels = torch.from_numpy(arrays["test_labels"])
    assert judged.loss == pytest.approx(-chances[torch.arange(12), labels].log().mean().item(), rel=1e-5)
    ran = run_command(
        "predict", str(tmp_path / "run"), f"{tmp_path}/s.npz:test_images", "--top", "1", "--format", "json"
    )
    told = [json.loads(line)["top"][0]["class"] for line in ran.out.splitlines()]
    assert told == [run.classes[label] for label in chances.argmax(1)]
    with pytest.raises(RunError, match="--crops and --scales are for images"):
        evaluate(tmp_path / "run", crops=10)
