"""Evaluation: against counts by hand, and the run folder read back."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from resnetc.runtime.data import Data
from resnetc.runtime.errors import RunError
from resnetc.runtime.evaluate import evaluate
from resnetc.runtime.evaluation.measure import measure
from resnetc.runtime.evaluation.result import Evaluation
from resnetc.runtime.input_pipeline.image_batches import MemoryTestBatches
from resnetc.runtime.recipe.recipe import Recipe
from resnetc.runtime.run import checkpoint
from resnetc.runtime.train import train

NAMES = tuple("abcdefg")


class Table(nn.Module):
    """Answers image i with row i of a table; the image's only pixel says which i."""

    def __init__(self, table: Tensor) -> None:
        super().__init__()
        self.table = table

    def forward(self, x: Tensor) -> Tensor:
        return self.table[x.flatten().long()]


def batches(images: Tensor) -> MemoryTestBatches:
    """The images as they are."""
    return MemoryTestBatches(images, lambda x: x)


@pytest.mark.parametrize("batch", [1, 7, 64, 500])
def test_counts_by_hand(batch: int) -> None:
    scores = torch.randn(64, 7, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(64) % 6  # the last class never occurs
    images = torch.arange(64, dtype=torch.uint8).view(64, 1, 1, 1)
    calls: list[None] = []
    judged = measure(Table(scores), batches(images), labels, NAMES, batch, calls.append)
    ranks = [sorted(range(7), key=lambda k, i=i: -scores[i, k].item()) for i in range(64)]
    assert judged.top1 == 100 * sum(ranks[i][0] == labels[i] for i in range(64)) / 64
    assert judged.top5 == 100 * sum(int(labels[i]) in ranks[i][:5] for i in range(64)) / 64
    assert judged.loss == pytest.approx(-sum(scores[i].log_softmax(0)[labels[i]].item() for i in range(64)) / 64)
    for true in range(7):
        for guess in range(7):
            counted = sum(labels[i] == true and ranks[i][0] == guess for i in range(64))
            assert judged.confusion.get((true, guess), 0) == counted
    assert judged.class_accuracies[6] == (0, None)
    assert judged.class_accuracies[0] == (11, pytest.approx(100 * judged.confusion[0, 0] / 11))
    assert sum(images for images, _ in judged.class_accuracies.values()) == 64
    assert len(calls) == {1: 64, 7: 9, 64: 1, 500: 1}[batch]  # the last one of 7 has the 64th image too


def test_top5_of_three_classes_is_everything() -> None:
    images = torch.arange(4, dtype=torch.uint8).view(4, 1, 1, 1)
    judged = measure(Table(torch.eye(4, 3)), batches(images), torch.tensor([0, 1, 2, 1]), ("a", "b", "c"), 2)
    assert (judged.top1, judged.top5) == (75.0, 100.0)


def test_the_text_is_readable() -> None:
    judged = Evaluation(6, 0.5, 50.0, 100.0, {(0, 0): 1, (0, 1): 2, (1, 1): 2, (1, 2): 1}, ("cat", "dog", "eel"))
    assert judged.format_text() == EXPECTED
    assert judged.list_mistakes() == [(2, "cat", "dog"), (1, "dog", "eel")]


EXPECTED = """6 images  top-1 50.00 %  top-3 100.00 %  loss 0.5000

    true class  accuracy  predicted
                           0 1 2
  0 cat          33.33 %   1 2 .
  1 dog          66.67 %   . 2 1
  2 eel             none   . . .

1 of 3 classes have no test images: label 2 (eel)

most frequent mistakes:
     2  cat predicted as dog
     1  dog predicted as eel
"""


def test_names_that_would_drive_a_terminal_or_break_the_table_are_shown_as_a_short_line() -> None:
    text = Evaluation(2, 0.5, 0.0, 100.0, {(0, 1): 1, (1, 0): 1}, ("\x1b[31mred\nx", "a" * 300)).format_text()
    assert r"  0 \x1b[31mred\nx" in text and "\x1b" not in text
    assert f"{'a' * 37}... predicted as " + r"\x1b[31mred\nx" in text
    assert max(map(len, text.splitlines())) < 80


def test_many_classes_are_listed_without_the_table() -> None:
    names = tuple(f"c{number}" for number in range(30))
    rows = {(i, i): 1 for i in range(30)}
    text = Evaluation(30, 0.1, 100.0, 100.0, rows, names).format_text()
    assert "predicted" not in text
    assert " 29 c29         100.00 %" in text


@pytest.fixture(scope="module")
def run(source: str, digits: Data, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two epochs on the digits, averaged weights and all."""
    out = tmp_path_factory.mktemp("eval") / "run"
    recipe = Recipe(epochs=2, batch_size=64, ema_decay=0.9, normalise="pixel")
    train(source, "small", digits, recipe, out, quiet=True)
    return out


def test_both_checkpoints_give_what_the_run_wrote_down(run: Path, digits: Data) -> None:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    best = max(lines, key=lambda line: (line["top1"], -line["test_loss"]))
    for weights, line in (("best", best), ("last", lines[-1])):
        judged = evaluate(run, weights=weights)
        assert (judged.top1, judged.top5) == (line["top1"], line["top5"])
        assert judged.loss == pytest.approx(line["test_loss"], rel=1e-5)
        assert judged.images == 360
    assert evaluate(run) == evaluate(run, weights="best")
    assert evaluate(run, digits) == evaluate(run)


def test_a_run_stopped_in_its_first_epoch_has_only_last_weights(run: Path, digits: Data, tmp_path: Path) -> None:
    out = tmp_path / "run"
    shutil.copytree(run, out)
    (out / "best.safetensors").unlink()
    assert evaluate(out, digits) == evaluate(run, digits, weights="last")


def test_other_data_must_fit(run: Path, digits: Data) -> None:
    fewer = replace(digits, test_images=digits.test_images[:50], test_labels=digits.test_labels[:50])
    assert evaluate(run, fewer).images == 50
    with pytest.raises(RunError, match="digits has 11 classes, but `small` returns scores for 10; "):
        evaluate(run, replace(digits, class_names=(*digits.class_names, "x")))


def test_what_eval_refuses(run: Path, source: str, few: Data, quick: Recipe, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path, words in (
        (tmp_path / "none", "none: no such folder; expected the folder of a run"),
        (tmp_path / "file", "file: a file, not a folder; expected the folder of a run"),
        (Path("a" * 300), "no such folder; expected the folder of a run"),
    ):
        with pytest.raises(RunError, match=words):
            evaluate(path)
    with pytest.raises(RunError, match="not a run folder"):
        evaluate(tmp_path)
    out = tmp_path / "run"
    train(source, "small", few, quick, out, quiet=True)
    with pytest.raises(RunError, match=r"few\.npz: cannot read it: No such file"):
        evaluate(out)
    (out / "model.py").write_text(source + "# edited\n")
    with pytest.raises(RunError, match=r"model\.py: changed since best\.safetensors was written"):
        evaluate(out, few)
    (out / "best.safetensors").unlink()
    with pytest.raises(RunError, match=r"changed since last\.ckpt was written"):
        evaluate(out, few)
    with pytest.raises(RunError, match=r"best\.safetensors: no such file"):
        evaluate(out, few, weights="best")


def test_other_data_is_prepared_as_the_run_was(run: Path, digits: Data) -> None:
    """Not by the statistics of its own training images, which the network has never seen."""
    darker = replace(digits, train_images=digits.train_images // 3)
    assert evaluate(run, darker) == evaluate(run)
    images, labels = torch.zeros(5, 1, 9, 8, dtype=torch.uint8), digits.train_labels[:5]
    larger = Data("digits", None, digits.class_names, images, labels, images, labels)
    with pytest.raises(RunError, match="digits has images of 9x8, but .* subtracts a mean per pixel of 8x8"):
        evaluate(run, larger)


def test_the_file_of_the_record_may_be_gone_but_not_contradict_the_weights(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    shutil.copytree(run, out)
    file = out / "preprocessing.json"
    text = file.read_text()
    file.unlink()
    assert evaluate(out) == evaluate(run)
    file.write_text(json.dumps(json.loads(text) | {"scale": [0.5]}))
    with pytest.raises(RunError, match=r"preprocessing\.json: `scale` differs from the record in best\.safetensors"):
        evaluate(out)
    file.write_text(json.dumps(json.loads(text) | {"data": "npz:/moved.npz"}))
    assert evaluate(out) == evaluate(run)


def write_without_record(out: Path) -> None:
    """Make a run one of an earlier version, whose weights do not say how images were prepared."""
    for name in ("last.ckpt", "best.safetensors"):
        tensors, facts = checkpoint.load(out / name)
        del facts["preprocessing"]
        checkpoint.save(out / name, tensors, facts | {"format": 4})
    (out / "preprocessing.json").unlink()


def test_a_run_of_an_earlier_version_is_evaluated_on_its_own_data(
    run: Path, source: str, digits: Data, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    shutil.copytree(run, out)
    write_without_record(out)
    assert evaluate(out) == evaluate(run)
    other = replace(digits, test_images=digits.test_images[:50], test_labels=digits.test_labels[:50])
    with pytest.raises(RunError, match="written by an earlier resnetc and does not record how images were prepared"):
        evaluate(out, other)
    recipe = Recipe(epochs=2, batch_size=64, ema_decay=0.9, normalise="pixel")
    train(source, "small", digits, recipe, out, resume=True, quiet=True)  # the remedy that the message names
    assert evaluate(out, other) == evaluate(run, other)
    facts = json.loads((out / "preprocessing.json").read_text())
    (out / "preprocessing.json").write_text(json.dumps(facts | {"size": [64, 1], "mean": [0.0]}))
    with pytest.raises(RunError, match=r"`channels` and `size` are not those of best\.safetensors"):
        evaluate(out, other)
