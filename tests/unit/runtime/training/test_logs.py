"""Logs for other programs, with a planted package in the place of theirs; what a run shows while it goes on."""

import io
import json
import re
import signal
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
import torch

from resnetc.cli.main import main
from resnetc.runtime import progress
from resnetc.runtime.data import Data
from resnetc.runtime.errors import RunError, Stopped
from resnetc.runtime.recipe.recipe import Recipe
from resnetc.runtime.report import conclusion
from resnetc.runtime.run.folder import RunFolder
from resnetc.runtime.train import train
from resnetc.runtime.training.logs import open_logs
from tests.unit.runtime.run.test_resume import stopping


class Calls(list[tuple[object, ...]]):
    """What a planted package was told."""


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """A planted `wandb` and a planted TensorBoard."""
    told = Calls()

    class Run:
        def log(self, values: dict[str, float], step: int) -> None:
            told.append(("log", values, step))

        def finish(self) -> None:
            told.append(("finish",))

    class SummaryWriter:
        def __init__(self, folder: str, purge_step: int | None = None) -> None:
            told.append(("open", folder, purge_step))

        def add_scalar(self, name: str, value: float, step: int) -> None:
            told.append((name, value, step))

        def flush(self) -> None:
            pass

        def close(self) -> None:
            told.append(("close",))

    def init(**settings: object) -> Run:
        told.append(("init", settings))
        return Run()

    wandb, writer, tensorboard = ModuleType("wandb"), ModuleType("torch.utils.tensorboard"), ModuleType("tensorboard")
    wandb.init, writer.SummaryWriter = init, SummaryWriter
    for name, planted in (("wandb", wandb), ("torch.utils.tensorboard", writer), ("tensorboard", tensorboard)):
        monkeypatch.setitem(sys.modules, name, planted)
    monkeypatch.setattr("resnetc.runtime.training.log_names.find_spec", lambda name: name)
    return told


def test_tensorboard_gets_every_epoch_and_a_resumed_run_goes_on_in_its_files(
    source: str, few: Data, quick: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: Calls
) -> None:
    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        stopping(patch, [6], signal.SIGTERM)
        with pytest.raises(Stopped):
            train(source, "small", few, quick, out, logs=["tensorboard"], quiet=True)
    assert calls[0] == ("open", str(out / "tensorboard"), None)
    assert calls[-1] == ("close",)
    assert [call[2] for call in calls if call[0] == "top1"] == [4]
    calls.clear()
    train(source, "small", few, quick, out, resume=True, logs=["tensorboard"], quiet=True)
    assert calls[0] == ("open", str(out / "tensorboard"), 7)
    records = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    for name in ("train_loss", "test_loss", "top1", "lr", "data_seconds", "compute_seconds"):
        assert [call[1:] for call in calls if call[0] == name] == [(r[name], r["step"]) for r in records[1:]]


def test_wandb_gets_the_recipe_and_every_epoch(
    source: str, few: Data, quick: Recipe, tmp_path: Path, calls: Calls
) -> None:
    out = tmp_path / "run"
    train(source, "small", few, replace(quick, epochs=1), out, logs=["wandb", "wandb"], quiet=True)
    kind, settings = calls[0]
    assert kind == "init" and isinstance(settings, dict)
    assert (settings["project"], settings["name"], settings["resume"]) == ("resnetc", "run", "allow")
    assert settings["config"]["network"] == "small" and settings["config"]["epochs"] == 1
    assert re.fullmatch("[0-9a-f]{16}", settings["id"])
    logged, finished = calls[1:]
    assert logged[0] == "log" and logged[1]["epoch"] == 1 and logged[2] == 4
    assert finished == ("finish",)


def test_a_log_whose_package_is_missing_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("resnetc.runtime.training.log_names.find_spec", lambda name: None)
    assert main(["train", "digits", "--log", "tensorboard", "--out", "run"]) == 1
    assert capsys.readouterr().err == (
        "error: --log tensorboard: the package `tensorboard` is not installed: pip install tensorboard\n"
    )
    assert main(["train", "digits", "--log", "mlflow", "--out", "run"]) == 2
    assert "--log mlflow: no such log; choose from tensorboard and wandb" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
    with pytest.raises(RunError, match="the package `wandb` is not installed: pip install wandb"):
        open_logs(["wandb"], RunFolder(tmp_path), "small", Recipe(), 0)


def test_the_report_is_there_while_the_run_goes_on(
    source: str, few: Data, quick: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    monkeypatch.setattr(conclusion, "SECONDS_BETWEEN_REPORTS", 0.0)
    with monkeypatch.context() as patch:
        stopping(patch, [6], signal.SIGTERM)
        with pytest.raises(Stopped):
            train(source, "small", few, quick, out, quiet=True)
    page = " ".join((out / "report.html").read_text().split())
    assert "<strong>The run goes on:</strong> epoch 1 of 3 is done." in page
    train(source, "small", few, quick, out, resume=True, quiet=True)
    assert "The run goes on" not in (out / "report.html").read_text()


def test_the_report_of_a_run_with_validation_shows_those_images_until_its_end(
    source: str, few: Data, quick: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    monkeypatch.setattr(conclusion, "SECONDS_BETWEEN_REPORTS", 0.0)
    chosen = replace(few, validation=replace(few, test_images=few.test_images[:20], test_labels=few.test_labels[:20]))
    with monkeypatch.context() as patch:
        stopping(patch, [6], signal.SIGTERM)
        with pytest.raises(Stopped):
            train(source, "small", chosen, quick, out, quiet=True)
    page = " ".join((out / "report.html").read_text().split())
    assert "What is called test here is the validation images" in page
    assert "20 to test" in page


def test_the_time_of_an_epoch_is_that_of_data_and_that_of_computing(
    source: str, few: Data, quick: Recipe, tmp_path: Path
) -> None:
    train(source, "small", few, quick, tmp_path / "run", quiet=True)
    for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines():
        record = json.loads(line)
        seconds = record["data_seconds"] + record["compute_seconds"]
        assert seconds == pytest.approx(100 / record["images_per_second"], rel=1e-6)
        assert 0 < record["data_seconds"] < record["compute_seconds"]


def test_the_share_of_data_is_shown() -> None:
    record = {"epoch": 1, "step": 4, "train_loss": 1.0, "test_loss": 1.0, "top1": 50.0, "top5": 90.0, "lr": 0.1}
    record |= {"images_per_second": 10.0, "seconds": 3.0, "data_seconds": 0.5, "compute_seconds": 1.5}
    assert "  10 img/s, data 25 %  3 s" in progress.format_record(record, 3)
    stream = io.StringIO()
    with progress.choose_display("net", 2, 10, 4, stream=stream) as shown:
        shown.data_share, shown.last_update = 0.125, -100.0
        shown.step(1, 1)
    assert "img/s, data 12 %" in stream.getvalue()


def test_tensorboard_itself_writes_event_files(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    assert torch.__version__
    with open_logs(["tensorboard"], RunFolder(tmp_path), "small", Recipe(), 0) as logs:
        logs.write({"epoch": 1, "step": 4, "train_loss": 0.5})
    assert list((tmp_path / "tensorboard").glob("events.*"))
