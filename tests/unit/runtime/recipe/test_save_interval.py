"""Stretches of training as recipes say them, and when a run is saved."""

import signal
from dataclasses import replace
from pathlib import Path

import pytest

from resnetc.runtime import progress
from resnetc.runtime.data import Data
from resnetc.runtime.errors import RunError, Stopped
from resnetc.runtime.recipe import recipe_file, save_interval
from resnetc.runtime.recipe.recipe import Recipe
from resnetc.runtime.recipe.save_interval import Interval, SaveTimer, parse_interval
from resnetc.runtime.run import checkpoint
from resnetc.runtime.train import train


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10 min", Interval(600, None)),
        ("30s", Interval(30, None)),
        ("1.5 h", Interval(5400, None)),
        ("200", Interval(None, 200)),
        ("1 step", Interval(None, 1)),
        ("0", Interval(None, None)),
        ("0 min", Interval(None, None)),
        ("", None),
        ("min", None),
        ("-1", None),
        ("1.5", None),
        ("1.5 steps", None),
        ("10 minutes", None),
        ("1e9", None),
        ("inf", None),
    ],
)
def test_an_interval_is_a_time_or_a_number_of_steps(text: str, expected: Interval | None) -> None:
    assert parse_interval(text) == expected


def test_a_wrong_interval_is_refused() -> None:
    with pytest.raises(RunError, match="`save_every` must be a time, such as `10 min`, `30 s` or `2 h`, or a number"):
        recipe_file.load("digits", ["save_every=often"])
    assert recipe_file.load("digits", ["save_every=2 h"]).save_every == "2 h"
    assert recipe_file.load("digits", ["save_every=100"]).save_every == "100"


def test_a_timer_counts_steps_or_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(save_interval.time, "perf_counter", lambda: now[0])
    timer = SaveTimer(Interval(None, 3), 5)
    assert [timer.is_due(step) for step in (5, 7, 8, 9)] == [False, False, True, True]
    timer.restart(8)
    assert [timer.is_due(step) for step in (8, 10, 11)] == [False, False, True]
    timer = SaveTimer(Interval(10, None), 0)
    assert not timer.is_due(1)
    now[0] = 10.0
    assert timer.is_due(1) and not timer.is_due(0)  # nothing has changed since it was saved
    assert not SaveTimer(Interval(None, None), 0).is_due(10**9)


def test_a_run_that_is_killed_has_the_state_of_the_last_save(
    source: str, few: Data, quick: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[int] = []

    def step(self: progress.Progress, step: int, epoch: int) -> None:
        metadata = checkpoint.load(tmp_path / "run" / "last.ckpt")[1]
        steps.append(int(str(metadata["step"])))
        if step == 11:
            signal.raise_signal(signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(progress.Silent, "step", step)
        with pytest.raises(Stopped):
            train(source, "small", few, replace(quick, save_every="3"), tmp_path / "run", quiet=True)
    assert steps == [0, 0, 0, 3, 4, 4, 4, 7, 8, 8, 8]  # as seen after steps 1 to 11; an epoch has 4
    for resumed, save_every in (("run", "0"), ("whole", "10 min")):
        chosen = replace(quick, save_every=save_every)
        train(source, "small", few, chosen, tmp_path / resumed, resume=resumed == "run", quiet=True)
    run, whole = (checkpoint.load(tmp_path / name / "last.ckpt")[0] for name in ("run", "whole"))
    assert run.keys() == whole.keys() and all(bool((run[name] == whole[name]).all()) for name in run)
