"""`resnetc predict`: inputs in their order, results in three formats, and nothing if one input fails."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

import resnetc
from tests.support import run_command

QUICK = ("--override", "epochs=1", "--override", "threads=1")
SPEC = """edition 1
model net(classes: int = 10, channels: int = 1) {
  input [channels, H, W] = [channels, 8, 8]
  stem = conv(4, kernel=3) |> relu
  head = global_avg_pool |> fc: linear(classes)
}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of the digits in `run` and some of their images, in files, in folders and in arrays."""
    from PIL import Image

    from resnetc.runtime import data

    root = tmp_path_factory.mktemp("predict")
    (root / "net.resnet").write_text(SPEC)
    ran = run_command("train", str(root / "net.resnet"), *QUICK, "--out", str(root / "run"))
    assert ran.status == 0, ran.err
    images = data.load("digits").test_images[:4, 0].numpy()
    (root / "some" / "deep").mkdir(parents=True)
    for name, image in zip(("b.png", "some/z.png", "some/deep/a.png", "a.png"), images, strict=True):
        Image.fromarray(image).save(root / name)
    np.save(root / "x.npy", images)
    np.savez(root / "x.npz", images=images, labels=np.arange(4))
    (root / "some" / "notes.txt").write_text("not an image, and not looked at")
    return root


@pytest.fixture(autouse=True)
def work_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)


def list_names(*arguments: str) -> list[str]:
    ran = run_command("predict", "run", *arguments, "--format", "json")
    assert ran.status == 0, ran.err
    return [json.loads(line)["input"] for line in ran.out.splitlines()]


def test_every_input_has_a_line_in_the_order_of_the_command_line() -> None:
    assert list_names("b.png", "some", "a.png", "b.png") == [
        "b.png",
        "some/deep/a.png",
        "some/z.png",
        "a.png",
        "b.png",
    ]
    assert list_names("x.npy") == [f"x.npy[{row}]" for row in range(4)]
    assert list_names("x.npz:images") == [f"x.npz:images[{row}]" for row in range(4)]


def test_three_formats_say_the_same() -> None:
    inputs = ["b.png", "x.npy"]
    run = resnetc.open_run("run")
    images = np.load("x.npy")
    chances = run.predict([images[0], *images])
    ran = run_command("predict", "run", *inputs, "--top", "2", "--format", "json")
    for line, row in zip(ran.out.splitlines(), chances, strict=True):
        top = json.loads(line)["top"]
        best = row.topk(2)
        assert [entry["class"] for entry in top] == [run.classes[label] for label in best.indices]
        assert [np.float32(entry["probability"]) for entry in top] == best.values.tolist()
    rows = list(
        csv.DictReader(io.StringIO(run_command("predict", "run", *inputs, "--top", "2", "--format", "csv").out))
    )
    told = [json.loads(line) for line in ran.out.splitlines()]
    assert rows == [
        {"input": one["input"], "rank": str(rank), "class": top["class"], "probability": repr(top["probability"])}
        for one in told
        for rank, top in enumerate(one["top"], 1)
    ]
    human = run_command("predict", "run", *inputs, "--top", "1").out.splitlines()
    assert human == [
        f"{one['input']:<8}  {one['top'][0]['class']} {100 * one['top'][0]['probability']:.2f} %" for one in told
    ]


def test_no_more_classes_than_there_are() -> None:
    ran = run_command("predict", "run", "b.png", "--top", "1000", "--format", "json")
    top = json.loads(ran.out)["top"]
    assert len(top) == 10 and sum(entry["probability"] for entry in top) == pytest.approx(1, abs=1e-5)


REFUSED = {
    "no such file": (["b.png", "none.png"], 1, "error: none.png: no such file or folder\n"),
    "no such array": (
        ["x.npz"],
        1,
        "error: x.npz: 2 arrays in it (images, labels): choose one with x.npz:NAME\n",
    ),
    "another array": (["x.npz:labels"], 1, "error: x.npz:labels: shape [4]; expected [inputs, height, width] or"),
    "no image": (["b.png", "some/notes.txt"], 1, "error: some/notes.txt: not an image that Pillow can read\n"),
    "no run": (["b.png", "--weights", "none"], 2, "invalid choice: 'none'"),
    "no number": (["b.png", "--top", "0"], 2, "expected a whole number of at least 1, not '0'"),
    "no input": ([], 2, "the following arguments are required: INPUT"),
    "a foreign option": (["b.png", "--topk", "5"], 2, "`--topk` is written `--top N` here"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_is_said_in_one_message_and_nothing_is_printed(case: str) -> None:
    arguments, status, words = REFUSED[case]
    ran = run_command("predict", "run", *arguments)
    assert (ran.status, ran.out) == (status, "") and words in ran.err, ran.err


def test_a_folder_without_a_run() -> None:
    ran = run_command("predict", "some", "b.png")
    assert ran == (1, "", "error: some: not a run folder: model.py and last.ckpt are missing\n")
