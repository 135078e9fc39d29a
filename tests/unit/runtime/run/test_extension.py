"""Ending a run before its last epoch, and extending one that has ended."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from resnetc.cli.main import main
from resnetc.runtime.comparison.compare import is_finished, read_runs
from resnetc.runtime.data import Data
from resnetc.runtime.errors import RunError
from resnetc.runtime.recipe import recipe_file
from resnetc.runtime.recipe.recipe import Recipe
from resnetc.runtime.run import checkpoint
from resnetc.runtime.run.state_metadata import BestEpoch, has_ended
from resnetc.runtime.train import train


def read_records(out: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.parametrize(
    ("patience", "epochs", "best", "ended"),
    [
        (0, 5, 1, False),
        (0, 9, 1, True),
        (3, 5, 2, True),
        (3, 4, 2, False),
        (1, 1, 1, False),
        (1, 2, 1, True),
        (3, 0, None, False),
    ],
)
def test_a_run_ends_after_its_last_epoch_or_its_patience(
    patience: int, epochs: int, best: int | None, ended: bool
) -> None:
    figures: BestEpoch = {"epoch": best, "top1": 50.0, "test_loss": 1.0} if best else {}
    assert has_ended(Recipe(epochs=9, early_stopping=patience), epochs, figures) is ended


def test_a_run_without_a_better_epoch_ends_early_and_counts_as_finished(
    source: str, few: Data, quick: Recipe, tmp_path: Path
) -> None:
    still = replace(quick, epochs=9, early_stopping=2, learning_rate=1e-9, ema_decay=0.0, warmup_from=0.0)
    result = train(source, "small", few, still, tmp_path / "run", quiet=True)
    records = read_records(tmp_path / "run")
    assert result.epochs == len(records) == result.best_epoch + 2 < 9
    assert is_finished(tmp_path / "run", still) and not is_finished(tmp_path / "run", replace(still, early_stopping=9))
    assert len(read_runs([tmp_path / "run"]).runs) == 1
    again = train(source, "small", few, still, tmp_path / "run", resume=True, quiet=True)
    assert (again.epochs, read_records(tmp_path / "run")) == (result.epochs, records)


def test_an_extended_run_goes_on_from_its_last_state_and_its_folder_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], source: str
) -> None:
    (tmp_path / "small.py").write_text(source)
    out = tmp_path / "run"
    common = ["--override", "epochs=1", "--override", "batch_size=400", "--override", "schedule=linear"]
    assert main(["train", str(tmp_path / "small.py"), *common, "--override", "warmup=0", "--out", str(out)]) == 0
    first = read_records(out)
    before, _ = checkpoint.load(out / "last.ckpt")
    capsys.readouterr()
    assert main(["train", "--extend", "epochs=2", "--extend", "mixup=0.2", "--out", str(out)]) == 0
    printed = capsys.readouterr()
    change = (
        "extended after epoch 1: epochs 1 -> 2, mixup 0.0 -> 0.2; the learning rate continues at 0.04 (the last was 0)"
    )
    assert f"note: {change}\n" in printed.err and "after 2 epochs" in printed.out
    assert read_records(out)[:1] == first and len(read_records(out)) == 2
    assert (out / "recipe.yaml").read_text().startswith(f"# {change}\nepochs: 2 ")
    assert recipe_file.load(str(out / "recipe.yaml")).mixup == 0.2
    assert any(not (before[name] == tensor).all() for name, tensor in checkpoint.load(out / "last.ckpt")[0].items())
    assert main(["train", "--extend", "epochs=3", "--out", str(out)]) == 0
    lines = (out / "recipe.yaml").read_text().splitlines()
    assert lines[0] == f"# {change}" and lines[1].startswith("# extended after epoch 2: epochs 2 -> 3;")
    assert main(["eval", str(out), "--weights", "last"]) == 0


def test_what_cannot_be_extended_is_refused(
    source: str, few: Data, quick: Recipe, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    train(source, "small", few, replace(quick, epochs=1), out, quiet=True)

    def extend(keys: list[str], **changes: object) -> None:
        train(
            source, "small", few, replace(quick, **{"epochs": 1, **changes}), out, resume=True, extend=keys, quiet=True
        )

    with pytest.raises(RunError, match="^nothing is left to train after epoch 1: --extend epochs=2"):
        extend(["mixup"], mixup=0.1)
    with pytest.raises(RunError, match="cannot resume: `mixup` was 0.0 in that run and is now 0.1"):
        extend(["epochs"], epochs=2, mixup=0.1)
    assert read_records(out) and checkpoint.load(out / "last.ckpt")[1]["epochs"] == 1
    for argument, message in {
        "batch_size=3": "--extend batch_size=...: `batch_size` cannot change during a run; start a new one",
        "epochs=x": "--extend epochs=x: `epochs` must be a whole number, not `x`",
        "epoch=3": "--extend epoch=3: unknown key `epoch`; a similar name exists: `epochs`",
    }.items():
        assert main(["train", "--extend", argument, "--out", str(out)]) == 2
        assert message in capsys.readouterr().err
    assert main(["train", "--extend", "epochs=3"]) == 2
    assert "--extend needs --out" in capsys.readouterr().err


def test_a_stopped_run_is_resumed_before_it_is_extended(source: str, few: Data, quick: Recipe, tmp_path: Path) -> None:
    out = tmp_path / "run"
    train(source, "small", few, replace(quick, epochs=1), out, quiet=True)
    with pytest.raises(RunError, match="cannot resume: `epochs`"):
        train(source, "small", few, replace(quick, epochs=2), out, resume=True, quiet=True)
    tensors, facts = checkpoint.load(out / "last.ckpt")
    recipe = facts["recipe"]
    assert isinstance(recipe, dict)
    recipe["epochs"] = 2
    checkpoint.save(out / "last.ckpt", tensors, facts)
    with pytest.raises(RunError, match="is for a finished run, but this one has done 1 of 2 epochs: use --resume"):
        train(source, "small", few, replace(quick, epochs=3), out, resume=True, extend=["epochs"], quiet=True)
