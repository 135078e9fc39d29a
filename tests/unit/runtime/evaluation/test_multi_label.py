"""Images with any number of classes: how they are read, judged, predicted; and that runs on them are exact."""

import json
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score, f1_score, log_loss

import resnetc
from resnetc.cli.main import main
from resnetc.runtime import data
from resnetc.runtime.comparison import compare, plots
from resnetc.runtime.comparison.arm import Arm
from resnetc.runtime.data import Data, labels
from resnetc.runtime.errors import Stopped
from resnetc.runtime.evaluate import evaluate
from resnetc.runtime.evaluation.multi_label import compute_average_precision, evaluate_scores
from resnetc.runtime.input_pipeline.splits import Split
from resnetc.runtime.recipe.recipe import Recipe
from resnetc.runtime.run.folder import RunFolder
from resnetc.runtime.train import train
from tests.unit.runtime.run.test_resume import assert_equal_runs, stopping

NAMES = ("top", "left", "bright")
QUICK = Recipe(epochs=4, batch_size=20, eval_batch_size=7, threads=1, learning_rate=0.05, random_crop_padding=1)


def make_arrays(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A bar at the top, one at the left, bright ones: each there or not, independently."""
    random = np.random.default_rng(seed)
    table = random.integers(0, 2, (count, 3))
    images = random.integers(0, 40, (count, 8, 8))
    images[:, 1, :] += 120 * table[:, :1]
    images[:, :, 1] += 120 * table[:, 1:2]
    images += 60 * table[:, 2, None, None]
    return images.clip(0, 255).astype(np.uint8), table


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("labels") / "a.npz"
    (images, table), (test_images, test_table) = make_arrays(200, 0), make_arrays(60, 1)
    np.savez(
        path,
        train_images=images,
        train_labels=table,
        test_images=test_images,
        test_labels=test_table.astype(bool),
        class_names=np.array(NAMES),
    )
    return path


@pytest.fixture(scope="module")
def three(source: str) -> str:
    return source.replace("nn.Linear(64, 10)", "nn.Linear(64, 3)")


def read(archive: Path) -> Data:
    loaded = data.load("npz", archive)
    assert isinstance(loaded, Data)
    return loaded


@pytest.mark.parametrize("seed", range(5))
def test_figures_are_those_of_scikit_learn(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    scores = (3 * torch.randn(41, 4, generator=generator)).round(decimals=seed % 3)  # with ties
    is_true = torch.rand(41, 4, generator=generator) < 0.3
    result, chances = evaluate_scores(scores, is_true, tuple("abcd")), scores.double().sigmoid().numpy()
    figures = result.labels
    assert figures is not None
    guesses = (scores > 0).numpy()
    for label in range(4):
        expected = 100 * average_precision_score(is_true[:, label].numpy(), scores[:, label].numpy())
        assert figures.of_classes[label].average_precision == pytest.approx(expected)
    assert figures.mean_average_precision == pytest.approx(
        100 * average_precision_score(is_true.numpy(), scores.numpy())
    )
    for kind, value in (("micro", figures.micro_f1), ("macro", figures.macro_f1)):
        assert value == pytest.approx(100 * f1_score(is_true.numpy(), guesses, average=kind, zero_division=0))
    assert figures.subset_accuracy == pytest.approx(100 * (guesses == is_true.numpy()).all(1).mean())
    losses = [log_loss(is_true[:, k].numpy(), chances[:, k], labels=[False, True]) for k in range(4)]
    assert result.loss == pytest.approx(np.mean(losses))
    has_class = is_true.any(1)
    first = is_true[torch.arange(41), scores.topk(1).indices[:, 0]][has_class]
    assert result.top1 == pytest.approx(100 * first.double().mean().item()) and result.top5 == 100


def test_a_class_that_no_image_has_is_no_part_of_the_mean() -> None:
    scores, is_true = torch.tensor([[1.0, 2.0], [3.0, -1.0]]), torch.tensor([[True, False], [False, False]])
    result = evaluate_scores(scores, is_true, ("a", "b"))
    assert compute_average_precision(scores[:, 1], is_true[:, 1]) is None
    assert (
        result.figures["mean_average_precision"] == 50
        and result.missing_classes_note == "1 of 2 classes do not occur in the test images"
    )
    assert "none" in result.format_text()


def test_a_run_is_trained_judged_and_used(archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "run")
    settings = [
        "--recipe",
        "digits",
        "--override",
        "epochs=6",
        "--override",
        "threads=1",
        "--override",
        "batch_size=20",
    ]
    assert main(["train", "digits", "--data", f"npz:{archive}", *settings, "--out", out]) == 0
    printed = capsys.readouterr()
    assert "every image has any number of the 3 classes (labels of 0 and 1)" in printed.err and "  mAP " in printed.err
    assert "digits_classes3: mAP " in printed.out and " of the held-out npz images after 6 epochs" in printed.out
    record = RunFolder(Path(out)).read_records()[-1]
    assert record["mean_average_precision"] > 90 and record["micro_f1"] > 80 and 0 < record["subset_accuracy"] <= 100
    page = RunFolder(Path(out)).report.read_text()
    for words in ("mAP", "micro F1", "all classes right", "<td>bright</td>", "An image has any number of the classes"):
        assert words in page
    assert "Worst images" not in page and "Confusion" not in page
    assert main(["eval", out]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("60 images  mAP ") and "\nbright " in printed.out
    np.save(tmp_path / "new.npy", make_arrays(3, 2)[0])
    assert main(["predict", out, str(tmp_path / "new.npy"), "--format", "json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    run = resnetc.open_run(out)
    chances = run.predict(list(make_arrays(3, 2)[0]))
    for row, expected in zip(rows, chances, strict=True):
        assert {one["class"]: one["probability"] for one in row["top"]} == pytest.approx(
            dict(zip(NAMES, expected.tolist(), strict=True)), abs=1e-6
        )
    with torch.no_grad():
        batch = torch.stack([run.preprocess(image) for image in make_arrays(3, 2)[0]])
        assert torch.allclose(chances, run.model(batch).sigmoid(), atol=1e-6)
    views = evaluate(Path(out), crops=1, scales=(8,))
    assert views.loss == pytest.approx(evaluate(Path(out)).loss, rel=1e-4)


@pytest.mark.parametrize("settings", [{}, {"class_weights": "balanced", "label_smoothing": 0.1}, {"mixup": 0.2}])
def test_a_stopped_run_ends_with_the_same_weights(
    settings: dict[str, object], archive: Path, three: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen, images = replace(QUICK, epochs=2, **settings), read(archive)  # type: ignore[arg-type]
    train(three, "net", images, chosen, tmp_path / "whole", quiet=True)
    stopping(monkeypatch, [13], signal.SIGTERM)
    with pytest.raises(Stopped):
        train(three, "net", images, chosen, tmp_path / "cut", quiet=True)
    result = train(three, "net", images, chosen, tmp_path / "cut", resume=True, quiet=True)
    assert_equal_runs(tmp_path / "whole", tmp_path / "cut")
    records = RunFolder(tmp_path / "cut").read_records()
    assert result.best_mean_average_precision == max(record["mean_average_precision"] for record in records)


def test_networks_are_compared_by_the_mean_average_precision(
    archive: Path, three: str, few: Data, source: str, tmp_path: Path
) -> None:
    arms = [Arm("one", "net", three), Arm("other", "net", three.replace("nn.ReLU()", "nn.SiLU()"))]
    rows = compare.train_arms(arms, read(archive), replace(QUICK, epochs=2), [0, 1], tmp_path / "a", quiet=True)
    assert compare.choose_accuracy(rows) == "mean_average_precision"
    last = [run.last_record["mean_average_precision"] for run in rows[0].runs]
    head, _, first, *_ = compare.format_table(rows).splitlines()
    assert "test loss" in head and "mAP mean" in head and "top-1" not in head
    assert f"{sum(last) / 2:.2f} %" in first and f"{min(last):.2f} %" in first
    assert "mAP on the test images" in plots.draw(rows, tmp_path)[1].read_text().replace("<!-- ", "").replace(
        " -->", ""
    )
    single = compare.train_arms([Arm("single", "net", source)], few, replace(QUICK, epochs=1), [0, 1], tmp_path / "b")
    assert compare.choose_accuracy([*rows, *single]) == "top1"
    assert "an image has one class in some runs and any number of classes in others" in compare.list_differences(
        [*rows, *single]
    )


def test_one_class_is_there_or_not(archive: Path, tmp_path: Path) -> None:
    with np.load(archive) as arrays:
        parts = {key: arrays[key] for key in arrays if key != "class_names"}
    parts |= {key: parts[key][:, :1] for key in parts if key.endswith("labels")}
    np.savez(tmp_path / "a.npz", **parts)
    note = data.read_outline("npz", tmp_path / "a.npz").note
    assert note.endswith("a.npz: every image has the one class, or not (labels of 0 and 1)")


def test_images_of_the_same_classes_are_held_out_alike(archive: Path) -> None:
    whole = read(archive)
    untested = replace(whole, test_images=whole.test_images[:0], test_labels=whole.test_labels[:0])
    parts = Split(0.25, 0.2, 0).split(untested)
    assert parts.validation is not None and len(parts.test_labels) == 50
    for count, share in zip(parts.test_labels.long().sum(0).tolist(), whole.train_labels.long().sum(0), strict=True):
        assert abs(count - int(share) / 4) <= 3


WRONG = {
    "a two": ([[0, 2]] * 4, None, "train_labels: 2 at image 0, class 1; in a table [images, classes] only 0 and 1 are"),
    "a half": ([[0, 0.5]] * 4, None, "train_labels: float64 values; expected 0 and 1, as integers or booleans"),
    "an image too few": ([[0, 1]] * 3, None, "shape [3, 2]; expected [4], one per image, or [4, classes] of 0 and 1"),
    "no classes": ([[]] * 4, None, "expected 0 and 1, as integers or booleans"),
    "names too few": ([[0, 1]] * 4, ["a"], "class_names: 1 names, but train_labels has 2 columns"),
    "a table of tables": ([[[0, 1]]] * 4, None, "shape [4, 1, 2]; expected [4], one per image, or [4, classes]"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_tables_are_refused(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, names, expected = WRONG[name]
    images, named = np.zeros((4, 8, 8), np.uint8), {} if names is None else {"class_names": np.array(names)}
    np.savez(tmp_path / "a.npz", train_images=images, train_labels=np.array(table), **named)  # type: ignore[arg-type]
    assert main(["train", "digits", "--data", f"npz:{tmp_path / 'a.npz'}", "--holdout", "0.5"]) == 1
    printed = capsys.readouterr().err
    assert expected in printed and printed.count("\n") == 1


def test_tables_of_other_classes_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = np.zeros((4, 8, 8), np.uint8)
    arrays = {"train_images": images, "train_labels": np.eye(4, dtype=int), "test_images": images}
    for test_labels, shape in ((np.eye(4, 3, dtype=int), [4, 3]), (np.arange(4), [4])):
        np.savez(tmp_path / "a.npz", **arrays, test_labels=test_labels)
        assert main(["train", "digits", "--data", f"npz:{tmp_path / 'a.npz'}"]) == 1
        assert f"test_labels: shape {shape}, but train_labels has [4, 4]: other classes" in capsys.readouterr().err


def test_classes_without_images_are_told(archive: Path) -> None:
    whole = read(archive)
    train_labels, test_labels = whole.train_labels.clone(), whole.test_labels.clone()
    train_labels[:, 0], train_labels[:, 1], test_labels[:, 1] = 0, 1, 0
    assert labels.list_notes(replace(whole, train_labels=train_labels, test_labels=test_labels)) == [
        "npz: no training image has label 0 (top): 1 of 3 classes",
        "npz: every training image has label 1 (left): 1 of 3 classes",
        "npz: no test image has label 1 (left): 1 of 3 classes",
    ]
    train_labels[:4] = 0
    assert "npz: 4 of 200 training images have no class at all" in labels.list_notes(
        replace(whole, train_labels=train_labels)
    )
