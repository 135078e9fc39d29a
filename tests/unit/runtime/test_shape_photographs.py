"""Classes that differ in shape alone are learnt from photographs of 40 to 400 pixels: nothing else tells them apart."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from resnetc.cli.main import main
from resnetc.runtime.run.folder import RunFolder
from tests import shape_photographs


def describe(part: Path) -> tuple[list[list[float]], list[str]]:
    """Of every photograph its mean colour, its width and height and the length of its file; and its class."""
    rows, labels = [], []
    for file in sorted(part.glob("*/*.jpg")):
        with Image.open(file) as image:
            rows.append([*np.asarray(image, float).mean((0, 1)), *image.size, file.stat().st_size])
        labels.append(file.parent.name)
    return rows, labels


def probe(folder: Path) -> float:
    """The share of the test images that a linear model tells apart by these."""
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)).fit(*describe(folder / "train"))
    return float(model.score(*describe(folder / "test")))


def test_two_hundred_photographs_are_of_every_size_and_begin_to_be_learnt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape_photographs.make(tmp_path / "shapes", 160, 40)
    files = sorted((tmp_path / "shapes").glob("*/*/*.jpg"))
    sizes = [Image.open(file).size for file in files]
    assert len(files) == 200 and {file.parent.name for file in files} == set(shape_photographs.SHAPES)
    assert min(map(min, sizes)) < 60 and 250 < max(map(max, sizes)) <= 400 and len(set(sizes)) > 150
    assert probe(tmp_path / "shapes") <= 0.5  # of 40 that are guessed, so many are right once in a thousand times
    monkeypatch.chdir(tmp_path)
    Path("net.resnet").write_text(SPEC)
    settings = ["epochs=6", "batch_size=16", "image_size=32", "threads=1", "workers=1"]
    overrides = [word for setting in settings for word in ("--override", setting)]
    assert (
        main(["train", "net.resnet", "--data", "folder:shapes", "--recipe", "photographs", *overrides, "--out", "run"])
        == 0
    )
    records = RunFolder(Path("run")).read_records()
    assert records[-1]["train_loss"] < records[0]["train_loss"] < 2
    assert records[-1]["top1"] >= 55


SPEC = """edition 1
use std.blocks

model net(classes: int = 10, channels: int = 3) {
  input [channels, H, W] = [channels, 32, 32]
  stem = conv(16, kernel=3, stride=2) |> norm |> act
  stage layer1 = 1 of blocks.basic(16)
  stage layer2 = 1 of blocks.basic(32, stride=2)
  stage layer3 = 1 of blocks.basic(64, stride=2)
  head = global_avg_pool |> fc: linear(classes)
}
"""


@pytest.mark.slow
def test_resnet18_learns_shapes_from_two_thousand_photographs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shape_photographs.make(tmp_path / "shapes", 1600, 400)
    assert abs(probe(tmp_path / "shapes") - 0.25) <= 0.05
    monkeypatch.chdir(tmp_path)
    settings = ["--override", "epochs=4", "--override", "threads=2"]  # the tests' own setting is one thread
    words = ["--recipe", "photographs", *settings, "--out", "run"]
    assert main(["train", "resnet18", "--data", "folder:shapes", *words]) == 0
    record = RunFolder(Path("run")).read_records()[-1]
    print(f"\n{record['epoch']} epochs, top-1 {record['top1']:.2f} %, {record['seconds']:.0f} s")
    assert record["epoch"] <= 6 and record["top1"] >= 95
