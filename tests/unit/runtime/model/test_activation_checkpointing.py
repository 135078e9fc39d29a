"""Blocks that compute their activations twice: the same run, bit for bit, with less in memory."""

from dataclasses import replace
from pathlib import Path

import torch

from resnetc.runtime.data import Data
from resnetc.runtime.model import activation_checkpointing, loader
from resnetc.runtime.recipe.recipe import Recipe
from resnetc.runtime.run import checkpoint
from resnetc.runtime.train import train
from tests.support import measure_saved_bytes


def test_weights_statistics_and_metrics_are_those_of_a_plain_run(
    source: str, few: Data, quick: Recipe, tmp_path: Path
) -> None:
    noisy = source.replace("class BasicBlock", "DROP = 0.2\n\n\nclass BasicBlock").replace(
        "self.relu(self.bn1(self.conv1(x)))", "torch.dropout(self.relu(self.bn1(self.conv1(x))), DROP, self.training)"
    )
    assert "DROP, self.training" in noisy
    for name, text in (("plain", source), ("noisy", noisy)):
        runs = [tmp_path / f"{name}-{again}" for again in (False, True)]
        for again, out in zip((False, True), runs, strict=True):
            train(text, "small", few, replace(quick, activation_checkpointing=again), out, quiet=True)
        one, other = (checkpoint.load(out / "last.ckpt")[0] for out in runs)
        assert any(key.endswith("running_var") for key in one)
        assert [key for key in one if not torch.equal(one[key], other[key])] == []


def test_blocks_hold_their_input_alone(source: str) -> None:
    model = loader.build_network(source, Path("small.py"), torch.device("cpu")).train()
    images = torch.randn(4, 1, 8, 8)
    before = measure_saved_bytes(model, images)
    assert activation_checkpointing.checkpoint_blocks(model) == 3
    assert measure_saved_bytes(model, images) < 0.6 * before
    model.eval()
    assert not model(images).isnan().any()
