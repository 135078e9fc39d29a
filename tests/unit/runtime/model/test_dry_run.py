"""Before the first step: norms that would meet one value, and what a module does not take."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy
import pytest

import resnetc
from resnetc.cli.main import main
from resnetc.runtime.data import Data
from resnetc.runtime.distributed import batch_shares
from resnetc.runtime.errors import RunError
from resnetc.runtime.evaluate import evaluate
from resnetc.runtime.recipe.recipe import Recipe
from resnetc.runtime.train import train

DEEP = """edition 1
use std.blocks
block gate() {
  out = in * (in |> global_avg_pool |> conv(8, kernel=1) |> norm |> sigmoid)
}
model deep(classes: int = 10, channels: int = 1, gated: bool = false) {
  input [channels, H, W] = [channels, 8, 8]
  stem = conv(8, kernel=3, stride=2) |> norm |> act
  stage layer1 = 1 of blocks.basic(8, stride=2)
  stage layer2 = 1 of (gate() when gated otherwise blocks.basic(8, stride=2))
  head = global_avg_pool |> fc: linear(classes)
}
"""
NEEDS = "has one value for each channel and needs two: its map is 1x1 at 8x8, and a step has one image; use "
GROUPED = "norm=group_norm(groups=8)"


@pytest.fixture
def deep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Trains `DEEP`, or what is compiled of it, with other options."""
    monkeypatch.chdir(tmp_path)
    Path("deep.resnet").write_text(DEEP)

    def run(*options: str, module: bool = False) -> int:
        name = "deep.resnet"
        if module:
            Path("deep.py").write_text(resnetc.compile("deep.resnet").source)
            name = "deep.py"
        quick = ("epochs=1", "threads=1")
        return main(["train", name, "--out", "run", *(o for q in quick for o in ("--override", q)), *options])

    return run


def archive(train: int, test: int) -> str:
    pixels = numpy.random.default_rng(0).integers(0, 256, (max(train, test), 8, 8), dtype=numpy.uint8)
    labels = numpy.arange(len(pixels)) % 10
    labels[0] = 9
    numpy.savez(
        "few.npz",
        train_images=pixels[:train],
        train_labels=labels[:train],
        test_images=pixels[:test],
        test_labels=labels[:test],
    )
    return "npz:few.npz"


@pytest.mark.parametrize("module", [False, True])
def test_a_batch_of_one_image(deep: Any, capsys: pytest.CaptureFixture[str], module: bool) -> None:
    assert deep("--override", "batch_size=1", module=module) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    ways = "a batch of 2 images or more (--override batch_size=2), "
    if module:
        norm, others = "`layer2.0.bn1` of `deep` (BatchNorm2d)", "larger images, or another norm"
    else:
        norm = "`layer2.0.bn1`, a batch norm (std/blocks.resnet:13),"
        others = "images of 9x9 or larger, or another norm (--set norm='group_norm(groups=1)')"
    assert said == f"error: {norm} {NEEDS}{ways}{others}"
    assert not Path("run").exists()


@pytest.mark.parametrize("module", [False, True])
def test_a_set_of_one_image(deep: Any, capsys: pytest.CaptureFixture[str], module: bool) -> None:
    assert deep("--data", archive(1, 3), "--recipe", "digits", module=module) == 1
    assert f"{NEEDS}2 training images or more (there are 1), " in capsys.readouterr().err


def test_a_gate_meets_one_value_at_any_size(deep: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert deep("--override", "batch_size=1", "--set", "gated=true") == 1
    said = capsys.readouterr().err
    assert "`layer2.0.bn1`, a batch norm (deep.resnet:4), " in said
    assert "(--override batch_size=2), or another norm (--set norm='group_norm(groups=1)')\n" in said  # no size helps


def test_what_the_message_says_to_take_is_taken(deep: Any) -> None:
    assert deep("--data", archive(4, 3), "--recipe", "digits", "--override", "batch_size=2") == 0
    other = ("--set", "norm=group_norm(groups=1)", "--override", "batch_size=1", "--out", "other")
    assert deep("--data", archive(4, 3), "--recipe", "digits", *other) == 0


def test_a_share_of_one_image(deep: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Said before the processes meet; `test_distributed.py` has two real ones."""
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert deep("--override", "batch_size=2") == 1
    assert (
        "its map is 1x1 at 8x8, and a process's share of a step is one image; use a batch of 4 images or more "
        "(--override batch_size=4, 2 for each of 2 processes), images of 9x9 or larger, or another norm"
    ) in capsys.readouterr().err


@pytest.mark.parametrize(("override", "data", "remedy"), [
    ("eval_batch_size=1", (8, 4), "an eval_batch_size of 2 or more (--override eval_batch_size=2), "),
    ("eval_batch_size=2", (8, 1), "2 test images or more (there are 1), "),
])  # fmt: skip
def test_a_group_norm_meets_one_value_when_evaluated(
    deep: Any, capsys: pytest.CaptureFixture[str], override: str, data: tuple[int, int], remedy: str
) -> None:
    """A batch norm does not: in `eval` mode it has its running statistics."""
    known = ("--data", archive(*data), "--recipe", "digits", "--override", override)
    assert deep(*known, "--set", GROUPED) == 1
    said = capsys.readouterr().err
    assert "`layer2.0.bn1`, a group norm (std/blocks.resnet:13), has one value for each group and needs two: " in said
    assert f"its map is 1x1 at 8x8, and evaluation uses one image at a time; use {remedy}" in said
    assert deep(*known) == 0


def test_a_norm_that_refuses_one_image_alone_is_trained_and_judged_with_more(deep: Any) -> None:
    """The last part of 5 test images, 2 at a time, is none of a single one; the report looks with two images too."""
    assert deep("--data", archive(6, 5), "--recipe", "digits", "--override", "eval_batch_size=2", "--set", GROUPED) == 0
    assert Path("run", "report.html").is_file()
    judged = evaluate(Path("run"))
    assert judged.images == 5


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_every_image_is_judged_once_and_as_few_as_predicted_at_once(processes: int) -> None:
    for images in range(1, 30):
        for batch in range(1, 9):
            counts = [len(range(rank, images, processes)) for rank in range(processes)]
            split = [batch_shares.split_batches(count, batch) for count in counts]
            for count, own in zip(counts, split, strict=True):
                assert [i for start, stop in own for i in range(start, stop)] == list(range(count))
                assert len(own) <= len(split[0])
            sizes = [stop - start for own in split for start, stop in own]
            assert max(sizes) <= batch + (batch > 1)
            share = batch_shares.compute_evaluation_share(images, batch, processes)
            assert share.images == min(sizes)
            assert (share.images == 1) == (batch == 1 or 1 in counts)


def test_other_images_than_a_module_takes(source: str, few: Data, quick: Recipe, tmp_path: Path) -> None:
    def refused(module: str, **other: Any) -> str:
        with pytest.raises(RunError) as caught:
            train(module, "small", replace(few, **other), quick, tmp_path / "run", quiet=True)
        assert not (tmp_path / "run").exists()
        return str(caught.value)

    wide = {name: getattr(few, name).repeat(1, 3, 1, 1) for name in ("train_images", "test_images")}
    assert refused(source, **wide) == (
        "npz has 3 channels, `small` takes 1 (INPUT_SHAPE = (1, 8, 8)); compile it with --set channels=3: "
        "Given groups=1, weight of size [16, 1, 3, 3], expected input[2, 3, 8, 8] to have 1 channels, but got 3 "
        "channels instead"
    )
    assert refused(source, class_names=(*few.class_names, "k")) == (
        "npz has 11 classes, but `small` returns scores for 10; compile it with --set classes=11"
    )
    line = source.replace("INPUT_SHAPE = (1, 8, 8)", "INPUT_SHAPE = (1, 64)").replace("2d(", "1d(")
    assert refused(line).startswith("`small` takes one axis (INPUT_SHAPE = (1, 64)), npz has 2 axes (8x8): Expected")
    flat = source.replace("x.mean((2, 3))", "x").replace("Linear(64", "Linear(64 * 16")
    flat = flat.replace("INPUT_SHAPE = (1, 8, 8)", "INPUT_SHAPE = (1, 16, 16)")
    assert refused(flat).startswith(
        "npz has images of 8x8, but `small`, which was compiled for 16x16, does not accept them: mat1 and mat2 "
    )
    maps = source.replace("return self.fc(torch.flatten(x.mean((2, 3)), 1))", "return RETURNED")
    assert refused(maps.replace("RETURNED", "{'layer3': x}")) == (
        "`small` returns the maps of its stages; it must return scores for the 10 classes of npz"
    )
    assert refused(maps.replace("RETURNED", "x")) == (
        "`small` returns a map [64, 2, 2]; it must return scores for the 10 classes of npz"
    )
