"""A step that is recorded trains as one that is not, and is taken as it is where it cannot be recorded.

No accelerator is here: the recorder is one that does on the CPU what CUDA's promises, and can be made to fail.
"""

import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from resnetc.runtime.data import Data
from resnetc.runtime.errors import Stopped
from resnetc.runtime.model.ema import ExponentialMovingAverage
from resnetc.runtime.optim.optimizer import set_learning_rate
from resnetc.runtime.recipe.recipe import Recipe
from resnetc.runtime.run import checkpoint
from resnetc.runtime.step.device_numbers import put_rates_on_device
from resnetc.runtime.step.epoch_losses import EpochLosses
from resnetc.runtime.step.graphs import WARM_UP_STEPS, GraphedStep
from resnetc.runtime.step.moment import Moment
from resnetc.runtime.step.precision import build_scaler
from resnetc.runtime.step.training_step import TrainingStep
from resnetc.runtime.train import train
from resnetc.runtime.training import step_of_recipe
from tests.unit.runtime.run.test_resume import assert_equal_runs, stopping

CPU = torch.device("cpu")
NOTHING = torch.zeros(0)


class PlainRecorder:
    """Replays an action by doing it again, so that what it reads must lie where it lay when it was recorded."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.fault, self.warm_ups, self.recorded, self.replayed = fault, 0, 0, 0

    def warm_up(self, action: Callable[[], None]) -> None:
        self.warm_ups += 1
        action()

    def record(self, action: Callable[[], None]) -> Callable[[], None]:
        if self.fault is not None:
            raise self.fault
        self.recorded += 1

        def replay() -> None:
            self.replayed += 1
            action()

        return replay


def build(dtype: torch.dtype = torch.float32) -> tuple[TrainingStep, nn.Module]:
    """A step with everything that a recording has to see anew, and its network."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Linear(6, 3))
    images, labels = torch.randn(12, 4), torch.arange(12) % 3
    optimizer = torch.optim.SGD([{"params": model.parameters(), "lr_ratio": 1.0}], lr=0.1, momentum=0.9, fused=True)
    put_rates_on_device(optimizer, CPU)
    step = TrainingStep(
        model,
        optimizer,
        labels=labels,
        prepare=lambda epoch, index, pixels: images[index] * (1 + 0.1 * epoch),
        transform=None,
        criterion=nn.functional.cross_entropy,
        average=ExponentialMovingAverage(model, 0.9),
        losses=EpochLosses(2, CPU),
        dtype=dtype,
        scaler=build_scaler(dtype, CPU),
        max_grad_norm=0.5,
    )
    return step, model


def take_steps(step: TrainingStep, recorder: PlainRecorder | None, shorter: bool = False) -> list[str]:
    """Eight steps; what was told meanwhile."""
    told: list[str] = []
    graphed = GraphedStep(step, CPU, recorder, told.append)
    for number in range(8):
        set_learning_rate(step.optimizer, 0.1 / (1 + number))
        count = 5 if shorter and number % 2 else 6
        index = torch.randperm(12, generator=torch.Generator().manual_seed(number))[:count]
        graphed(Moment(number // 4, number + 1, number % 2), index, NOTHING)
    return told


def assert_same(one: TrainingStep, other: TrainingStep) -> None:
    for name, value in one.model.state_dict().items():
        assert torch.equal(value, other.model.state_dict()[name]), name
    for mine, theirs in zip(one.average.model.parameters(), other.average.model.parameters(), strict=True):
        assert torch.equal(mine, theirs)
    assert torch.equal(one.losses.curve, other.losses.curve)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_a_recorded_step_trains_as_one_that_is_not(dtype: torch.dtype) -> None:
    (plain, _), (recorded, _), recorder = build(dtype), build(dtype), PlainRecorder()
    assert take_steps(plain, None) == take_steps(recorded, recorder) == []
    assert (recorder.warm_ups, recorder.recorded, recorder.replayed) == (WARM_UP_STEPS, 1, 8 - WARM_UP_STEPS)
    assert_same(plain, recorded)


def test_every_shape_of_batch_is_recorded_by_itself() -> None:
    (plain, _), (recorded, _), recorder = build(), build(), PlainRecorder()
    take_steps(plain, None, shorter=True)
    take_steps(recorded, recorder, shorter=True)
    assert (recorder.warm_ups, recorder.recorded, recorder.replayed) == (2 * WARM_UP_STEPS, 2, 2)
    assert_same(plain, recorded)


@pytest.mark.parametrize("fault", [RuntimeError("operation not permitted\nwhen capturing"), ValueError()])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_a_step_that_cannot_be_recorded_is_taken_as_it_is_and_the_reason_told(
    fault: Exception, dtype: torch.dtype
) -> None:
    (plain, _), (failing, _), recorder = build(dtype), build(dtype), PlainRecorder(fault)
    take_steps(plain, None)
    told = take_steps(failing, recorder)
    reason = "operation not permitted" if isinstance(fault, RuntimeError) else "ValueError"
    assert told == [f"a step cannot be captured here: {reason}"]
    assert recorder.warm_ups == WARM_UP_STEPS
    assert_same(plain, failing)


def test_the_numbers_of_a_step_on_the_device_give_the_weights_of_plain_ones() -> None:
    (plain, _), (graphed, _) = build(), build()
    for number in range(8):
        set_learning_rate(plain.optimizer, 0.1 / (1 + number))
        index = torch.randperm(12, generator=torch.Generator().manual_seed(number))[:6]
        plain(Moment(number // 4, number + 1, number % 2), index, NOTHING)
    take_steps(graphed, PlainRecorder())
    for name, value in plain.model.state_dict().items():
        torch.testing.assert_close(graphed.model.state_dict()[name], value)


def test_a_recorded_run_trains_as_a_plain_one_and_resumes_to_the_bit(
    source: str, few: Data, quick: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(source, "small", few, quick, tmp_path / "plain", quiet=True)
    recorders: list[PlainRecorder] = []

    def record(device: torch.device) -> PlainRecorder:
        recorders.append(PlainRecorder())
        return recorders[-1]

    monkeypatch.setattr(step_of_recipe, "has_graphs", lambda device: True)
    monkeypatch.setattr(step_of_recipe, "CudaRecorder", record)
    train(source, "small", few, quick, tmp_path / "whole", quiet=True)
    assert (recorders[0].warm_ups, recorders[0].replayed) == (WARM_UP_STEPS, 12 - WARM_UP_STEPS)
    (plain, _), (whole, facts) = (checkpoint.load(tmp_path / name / "last.ckpt") for name in ("plain", "whole"))
    for name, tensor in plain.items():
        torch.testing.assert_close(whole[name], tensor, atol=1e-4, rtol=1e-3)
    assert facts["environment"]["graphs"] == "on"
    with monkeypatch.context() as patch:
        stopping(patch, [6], signal.SIGTERM)
        with pytest.raises(Stopped):
            train(source, "small", few, quick, tmp_path / "run", quiet=True)
    train(source, "small", few, quick, tmp_path / "run", resume=True, quiet=True)
    assert_equal_runs(tmp_path / "whole", tmp_path / "run")
    train(source, "small", few, replace(quick, graphs="off"), tmp_path / "off", quiet=True)
    assert len(recorders) == 3
    assert checkpoint.load(tmp_path / "off" / "last.ckpt")[1]["environment"]["graphs"] == "off"


def test_a_run_whose_step_cannot_be_recorded_goes_on_and_says_why(
    source: str,
    few: Data,
    quick: Recipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(step_of_recipe, "has_graphs", lambda device: True)
    monkeypatch.setattr(step_of_recipe, "CudaRecorder", lambda device: PlainRecorder(RuntimeError("no memory left")))
    train(source, "small", few, replace(quick, epochs=1), tmp_path / "run")
    reason = "off: a step cannot be captured here: no memory left"
    assert f"note: graphs: {reason}\n" in capsys.readouterr().err
    assert checkpoint.load(tmp_path / "run" / "last.ckpt")[1]["environment"]["graphs"] == reason
