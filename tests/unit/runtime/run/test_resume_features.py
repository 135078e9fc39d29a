"""A run with any feature of a recipe, stopped in the middle of an epoch and resumed, ends with the same bytes."""

import signal
from dataclasses import replace
from pathlib import Path

import pytest

from resnetc.cli.main import main
from resnetc.runtime.data import Data
from resnetc.runtime.errors import RunError, Stopped
from resnetc.runtime.recipe.recipe import Recipe
from resnetc.runtime.train import train
from tests.unit.runtime.run.test_resume import assert_equal_runs, stopping

FEATURES: dict[str, dict[str, object]] = {
    "muon, mixing": {"optimizer": "muon", "learning_rate": 0.01, "mixup": 0.2, "cutmix": 1.0},
    "lamb, colours": {
        "optimizer": "lamb",
        "learning_rate": 0.01,
        "loss": "bce",
        "color_jitter": 0.4,
        "random_erasing": 0.5,
    },
    "repeats": {"aug_repeats": 3, "mixup": 0.2, "random_crop_padding": 2, "horizontal_flip": True},
    "stochastic depth": {"drop_path": 0.4, "mixup": 0.1},
    "half precision": {"precision": "bfloat16", "mixup": 0.2},
    "early stopping": {"early_stopping": 1, "epochs": 5, "learning_rate": 1e-6, "ema_decay": 0.0},
}

DROP_PATH = """class DropPath2d(nn.Module):
    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        kept = torch.empty((x.shape[0], 1, 1, 1)).bernoulli_(1 - self.rate)
        return x * kept / (1 - self.rate)


"""


def add_drop_path(source: str) -> str:
    """The small network with stochastic depth in its blocks, as the compiler writes it."""
    for before, after in (
        ("class BasicBlock", f"{DROP_PATH}class BasicBlock"),
        ("self.relu = nn.ReLU", "self.drop_path = DropPath2d(0.4)\n        self.relu = nn.ReLU"),
        ("self.relu(y + ", "self.relu(self.drop_path(y) + "),
    ):
        assert before in source
        source = source.replace(before, after, 1)
    return source


@pytest.mark.parametrize("feature", FEATURES)
def test_a_feature_is_resumed_in_the_middle_of_an_epoch(
    feature: str, source: str, few: Data, quick: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = replace(quick, **{"epochs": 2, **FEATURES[feature]})  # type: ignore[arg-type]  # each value is its key's
    source = add_drop_path(source) if chosen.drop_path else source
    train(source, "small", few, chosen, tmp_path / "whole", quiet=True)
    with monkeypatch.context() as patch:
        stopping(patch, [2, 6], signal.SIGTERM)
        for resume in (False, True):
            with pytest.raises(Stopped):
                train(source, "small", few, chosen, tmp_path / "run", resume=resume, quiet=True)
    train(source, "small", few, chosen, tmp_path / "run", resume=True, quiet=True)
    assert_equal_runs(tmp_path / "whole", tmp_path / "run")


def test_a_network_without_the_recipe_s_stochastic_depth_is_refused(
    source: str, few: Data, quick: Recipe, tmp_path: Path
) -> None:
    for text, rate, has in ((source, 0.4, "none in"), (add_drop_path(source), 0.25, "at most 0.4 in")):
        message = f"`drop_path` is {rate} in the recipe, and there is {has} `small`: compile it with --set drop="
        with pytest.raises(RunError, match=message):
            train(text, "small", few, replace(quick, drop_path=rate), tmp_path / "run", quiet=True)


def test_the_recipe_s_stochastic_depth_is_compiled_into_the_network(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    overrides = ["drop_path=0.25", "epochs=1", "batch_size=700", "warmup=0.3"]
    options = [word for override in overrides for word in ("--override", override)]
    assert main(["train", "digits", *options, "--out", str(out)]) == 0
    assert "DropPath2d(" in (out / "model.py").read_text() and "0.25" in (out / "model.py").read_text()
    capsys.readouterr()
    assert main(["train", "digits", *options, "--set", "drop=none", "--out", str(tmp_path / "other")]) == 2
    assert "--set drop=none: the recipe also sets this slot, with drop_path: 0.25" in capsys.readouterr().err
