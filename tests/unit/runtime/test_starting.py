"""Runs that start from weights of elsewhere and leave parts of them as they are."""

import hashlib
import json
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from resnetc.cli.main import main
from resnetc.runtime.data import Data
from resnetc.runtime.errors import RunError, Stopped
from resnetc.runtime.model import loader
from resnetc.runtime.recipe import recipe_file
from resnetc.runtime.recipe.recipe import Recipe
from resnetc.runtime.run import checkpoint
from resnetc.runtime.train import train
from tests.unit.runtime.run.test_resume import assert_equal_runs, stopping

FROZEN = ("stem", "stage2", "norms")


@pytest.fixture
def weights(source: str, tmp_path: Path) -> Path:
    """A file of torch with weights of the small network, in a wrapper."""
    torch.manual_seed(5)
    state = loader.build_network(source, Path("small.py")).state_dict()
    statistics = {name: value + 0.25 if "running" in name else value for name, value in state.items()}
    torch.save({"state_dict": {f"module.{name}": value for name, value in statistics.items()}}, tmp_path / "w.pth")
    return tmp_path / "w.pth"


def frozen(recipe: Recipe) -> Recipe:
    return replace(recipe, freeze=FROZEN, head_lr_ratio=4.0, layer_decay=0.5, optimizer="adamw", learning_rate=0.01)


def test_frozen_parts_are_the_files_to_the_bit(
    source: str, few: Data, quick: Recipe, tmp_path: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(source, "small", few, frozen(quick), tmp_path / "run", init=weights)
    said = capsys.readouterr().err
    assert f"note: weights from {weights}: 47 of 47 tensors of `small`, in `state_dict`, without `module.`" in said
    state = {k.removeprefix("module."): v for k, v in torch.load(weights)["state_dict"].items()}
    tensors, facts = checkpoint.load(tmp_path / "run" / "last.ckpt")
    best, best_facts = checkpoint.load(tmp_path / "run" / "best.safetensors")
    own = {name for name in state if name.startswith(("conv1", "bn1", "layer2"))}
    own |= {name for name in state if "bn" in name or "downsample.1" in name}
    for name, value in state.items():
        for other in (tensors[f"model/{name}"], tensors[f"average/{name}"], best[name]):
            assert torch.equal(other, value) == (name in own), name
    remembered = {name.split("/")[1] for name in tensors if name.startswith("optimizer/")}
    assert remembered == state.keys() - own
    record = json.loads((tmp_path / "run" / "initial_weights.json").read_text())
    assert record == facts["initial_weights"] == best_facts["initial_weights"]
    assert record["sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert (record["file"], record["tensors"]) == (str(weights), 47)
    assert recipe_file.load(str(tmp_path / "run" / "recipe.yaml")) == frozen(quick)
    page = (tmp_path / "run" / "report.html").read_text()
    assert "<th>started from</th>" in page
    assert record["sha256"] in page


def test_a_resumed_run_needs_the_file_no_more(
    source: str, few: Data, quick: Recipe, tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = frozen(quick)
    train(source, "small", few, recipe, tmp_path / "whole", init=weights, quiet=True)
    for step in (1, 4, 7):
        with monkeypatch.context() as patch:
            stopping(patch, [step], signal.SIGTERM)
            with pytest.raises(Stopped):
                train(source, "small", few, recipe, tmp_path / f"run{step}", init=weights, quiet=True)
    weights.unlink()
    for step in (1, 4, 7):
        run = tmp_path / f"run{step}"
        kept = (run / "initial_weights.json").read_bytes()
        (run / "initial_weights.json").unlink()
        train(source, "small", few, recipe, run, resume=True, quiet=True)
        assert (run / "initial_weights.json").read_bytes() == kept
        assert_equal_runs(tmp_path / "whole", run)


def test_a_run_from_random_weights_records_none(source: str, few: Data, quick: Recipe, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "initial_weights.json").write_text("{}")  # of a start that was killed before its first save
    train(source, "small", few, replace(quick, epochs=1), run, quiet=True)
    assert not (run / "initial_weights.json").exists()
    assert checkpoint.load(run / "last.ckpt")[1]["initial_weights"] is None


def test_another_freeze_is_another_recipe(
    source: str, few: Data, quick: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopping(monkeypatch, [2], signal.SIGTERM)
    with pytest.raises(Stopped):
        train(source, "small", few, replace(quick, freeze=("stem",)), tmp_path / "run", quiet=True)
    with pytest.raises(RunError, match=r"cannot resume: `freeze` was \('stem',\) in that run and is now \(\)"):
        train(source, "small", few, quick, tmp_path / "run", resume=True, quiet=True)


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--init", "nowhere.pth"], 2, "error: --init nowhere.pth: cannot read the weights: No such file or directory"),
        (["--init", "."], 2, "error: --init .: no weights in this folder: no best.safetensors, no last.ckpt"),
        (["--init", "empty"], 1, "error: empty: not a weight file, or truncated: expected safetensors or a file"),
        (["--init", "w", "--resume", "--out", "r"], 2, "error: --init does not combine with --resume"),
        (["--freeze", "layer9"], 2, "error: --freeze: the network has no part `layer9`; there are `norms`"),
        (["--freeze", ""], 2, "error: --freeze: `freeze` must be a list of names, such as [stem, stage1]"),
        (["--freeze", "x" * 300], 2, "error: --freeze: `freeze` must be a list of names, such as [stem, stage1]"),
    ],
)
def test_what_the_command_line_has_wrong(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    status: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").touch()
    assert main(["train", "digits", *arguments]) == status
    assert message in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty"]


def test_freeze_of_the_command_line_joins_that_of_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text('freeze: [stem, "*.bn1.*"]\n')
    recipe = recipe_file.add_frozen(recipe_file.load(str(tmp_path / "r.yaml")), ["stem", "stage1"])
    assert recipe.freeze == ("stem", "*.bn1.*", "stage1")
    (tmp_path / "again.yaml").write_text(recipe.to_yaml())
    assert recipe_file.load(str(tmp_path / "again.yaml")) == recipe


def test_the_command_starts_from_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = str(tmp_path / "first"), str(tmp_path / "second")
    few = ["--override", "epochs=1", "--override", "batch_size=700", "--override", "threads=1"]
    assert main(["train", "digits", *few, "--out", first]) == 0
    capsys.readouterr()
    assert (
        main(["train", "digits", *few, "--recipe", "finetune", "--init", first, "--freeze", "stage1", "--out", second])
        == 0
    )
    assert f"note: weights from {first}/best.safetensors: 37 of 37 tensors of `digits`\n" in capsys.readouterr().err
    best, ended = (checkpoint.load(Path(run) / "best.safetensors")[0] for run in (first, second))
    assert {name.partition(".")[0] for name in best if not torch.equal(best[name], ended[name])} == {
        *("conv1", "bn1", "layer2", "layer3", "fc")
    }
