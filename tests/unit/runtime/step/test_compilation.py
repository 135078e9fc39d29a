"""What of a network is compiled, and that a network which cannot be compiled trains as it is."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from resnetc.runtime.data import Data
from resnetc.runtime.model import loader
from resnetc.runtime.recipe.recipe import Recipe
from resnetc.runtime.run import checkpoint
from resnetc.runtime.step.compilation import Compilation, choose_cache_folder, choose_mode, list_regions
from resnetc.runtime.train import train
from resnetc.runtime.training.step_of_recipe import describe_resume

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def test_a_cpu_compiles_nothing_unless_it_is_told() -> None:
    assert [choose_mode("auto", device) for device in (CPU, CUDA)] == ["off", "default"]
    assert [choose_mode(word, CPU) for word in ("off", "default", "max-autotune")] == ["off", "default", "max-autotune"]
    assert Compilation(nn.Linear(1, 1), "off").regions == []


def test_blocks_of_which_there_are_several_are_compiled_each_by_itself(source: str) -> None:
    model = loader.build_network(source, Path("small.py"), CPU)
    assert list_regions(model) == [model.layer1[0], model.layer2[0], model.layer3[0]]
    alone = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Conv2d(2, 2, 3))
    assert list_regions(alone) == [alone]


def test_the_cache_has_a_folder_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert choose_cache_folder() == tmp_path / "resnetc" / "compiled"
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", "/elsewhere")
    assert choose_cache_folder() == Path("/elsewhere")


def test_how_exact_a_resume_is_is_said() -> None:
    exact, near = "exact to the bit", "exact in data and state, not in rounding"
    assert describe_resume("off", CPU, Recipe()) == exact
    assert describe_resume("default", CPU, Recipe(deterministic=True)) == near
    words = [(mode, choice) for mode in ("off", "default", "max-autotune") for choice in (True, False)]
    said = [describe_resume(mode, CUDA, Recipe(deterministic=choice)) for mode, choice in words]
    assert said == [exact, near, exact, near, near, near]


def test_a_network_that_cannot_be_compiled_trains_as_it_is(
    source: str,
    few: Data,
    quick: Recipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    dropout = source.replace("x.mean((2, 3))", "torch.dropout(x.mean((2, 3)), 0.3, self.training)")
    recipe = replace(quick, epochs=1)
    train(dropout, "small", few, recipe, tmp_path / "plain", quiet=True)
    calls = []

    def compile(self: nn.Module, **settings: object) -> None:
        def call(*inputs: torch.Tensor) -> torch.Tensor:
            calls.append(self)
            if len(calls) == 3:
                raise RuntimeError("no compiler\nhere")
            return self._call_impl(*inputs)

        self._compiled_call_impl = call

    monkeypatch.setattr(nn.Module, "compile", compile)
    train(dropout, "small", few, replace(recipe, compile="default"), tmp_path / "run")
    assert "note: compile: off: torch cannot compile this network here: no compiler\n" in capsys.readouterr().err
    assert len(calls) == 3
    (plain, _), (tensors, facts) = (checkpoint.load(tmp_path / name / "last.ckpt") for name in ("plain", "run"))
    assert all(torch.equal(value, tensors[name]) for name, value in plain.items())
    assert facts["environment"]["compile"] == "off: torch cannot compile this network here: no compiler"


@pytest.mark.slow
def test_a_compiled_network_follows_the_plain_ones_curve(
    source: str, few: Data, quick: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))
    curves = []
    for mode in ("off", "default"):
        train(source, "small", few, replace(quick, compile=mode, learning_rate=0.02), tmp_path / mode, quiet=True)
        records = [json.loads(line) for line in (tmp_path / mode / "metrics.jsonl").read_text().splitlines()]
        curves.append([loss for record in records for loss in (*record["curve"], record["test_loss"])])
    assert curves[1] == pytest.approx(curves[0], rel=2e-3)
    facts = checkpoint.load(tmp_path / "default" / "last.ckpt")[1]
    assert facts["environment"]["compile"] == "default"
    assert facts["environment"]["resume"] == "exact in data and state, not in rounding"
    assert list((tmp_path / "cache").iterdir())
