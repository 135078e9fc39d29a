"""A run with any feature of a recipe, stopped in the middle of an epoch and resumed, ends with the same bytes."""

import signal
from dataclasses import replace
from pathlib import Path

import pytest

from resnetc.runtime.data import Data
from resnetc.runtime.errors import Stopped
from resnetc.runtime.recipe import Recipe
from resnetc.runtime.train import train
from tests.unit.runtime.run.test_resume import assert_equal_runs, stopping

FEATURES: dict[str, dict[str, object]] = {
    "muon": {"optimizer": "muon", "learning_rate": 0.01},
    "lamb": {"optimizer": "lamb", "learning_rate": 0.01, "loss": "bce"},
    "mixing": {"mixup": 0.2, "cutmix": 1.0},
    "early stopping": {"early_stopping": 1, "epochs": 5, "learning_rate": 1e-6, "ema_decay": 0.0},
    "colours": {"color_jitter": 0.4, "random_erasing": 0.5},
}


@pytest.mark.parametrize("feature", FEATURES)
def test_a_feature_is_resumed_in_the_middle_of_an_epoch(
    feature: str, source: str, few: Data, quick: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = replace(quick, **{"epochs": 2, **FEATURES[feature]})  # type: ignore[arg-type]  # each value is its key's
    train(source, "small", few, chosen, tmp_path / "whole", quiet=True)
    with monkeypatch.context() as patch:
        stopping(patch, [2, 6], signal.SIGTERM)
        for resume in (False, True):
            with pytest.raises(Stopped):
                train(source, "small", few, chosen, tmp_path / "run", resume=resume, quiet=True)
    train(source, "small", few, chosen, tmp_path / "run", resume=True, quiet=True)
    assert_equal_runs(tmp_path / "whole", tmp_path / "run")
