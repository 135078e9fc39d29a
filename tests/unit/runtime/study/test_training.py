"""Runs are shared, gone on with, started in the right order; one that diverges is a result, not the end."""

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

import resnetc
from resnetc.runtime.data import Data
from resnetc.runtime.errors import RunError
from resnetc.runtime.recipe.recipe import Recipe
from resnetc.runtime.run.folder import RunFolder
from resnetc.runtime.run.lock import lock_folder
from resnetc.runtime.study import training
from resnetc.runtime.study.arms import CompiledArm
from resnetc.runtime.study.training import Job, has_diverged, make_job, read_arm, run_job, train_missing
from tests.unit.runtime.study.conftest import MakeArm, compile_arm


def plan_job(arm: CompiledArm, data: Data, recipe: Recipe, seed: int, out: Path, init: Path | None = None) -> Job:
    return make_job(arm, data, recipe, seed, out, fingerprint=data.fingerprint(), init=init)


def test_a_run_has_one_folder_whatever_study_asks_for_it(small: Data, brief: Recipe, tmp_path: Path) -> None:
    one, other = compile_arm("original"), compile_arm("ResNet-8")
    jobs = [plan_job(arm, small, brief, 0, tmp_path) for arm in (one, other)]
    assert jobs[0].folder == jobs[1].folder and jobs[0].label != jobs[1].label


def test_whatever_decides_what_is_learnt_changes_the_folder(small: Data, brief: Recipe, tmp_path: Path) -> None:
    arm, less = compile_arm("x"), replace(small, train_images=small.train_images.flip(0))
    jobs = [
        plan_job(arm, small, brief, 0, tmp_path),
        plan_job(arm, small, brief, 1, tmp_path),
        plan_job(arm, small, replace(brief, learning_rate=0.05), 0, tmp_path),
        plan_job(arm, less, brief, 0, tmp_path),
        plan_job(compile_arm("x", shortcut="none"), small, brief, 0, tmp_path),
        plan_job(arm, small, brief, 0, tmp_path, init=tmp_path / "start"),
    ]
    assert len({job.folder for job in jobs}) == len(jobs)
    assert plan_job(arm, small, replace(brief, save_every="5 s"), 0, tmp_path).folder == jobs[0].folder


def test_missing_runs_are_trained_in_processes_and_finished_ones_are_not(
    small: Data, brief: Recipe, tmp_path: Path
) -> None:
    arm = compile_arm("x")
    first = plan_job(arm, small, brief, 3, tmp_path)
    second = plan_job(arm, small, brief, 3, tmp_path, init=first.folder)
    told: list[str] = []
    train_missing([second, first, first], 2, told.append)  # the second needs the weights of the first
    assert [line.split("  ")[0] for line in told] == ["1/1", "1/1"]
    assert first.is_done and second.is_done
    last = RunFolder(second.folder).last.read_bytes()
    train_missing([second, first], 2, told.append)
    assert len(told) == 2 and RunFolder(second.folder).last.read_bytes() == last


def test_a_run_that_diverges_is_kept_as_one(small: Data, brief: Recipe, tmp_path: Path) -> None:
    arm = compile_arm("x", norm="identity", conv="plain_conv(bias=true)")
    wild = replace(brief, learning_rate=1e3, epochs=3, warmup=0, schedule="constant", max_grad_norm=0)
    job = plan_job(arm, small, wild, 0, tmp_path)
    assert "diverged" in str(run_job(job)) and has_diverged(job.folder) and job.is_done
    trained = read_arm(arm, [job])
    assert trained.runs == () and trained.diverged == (0,)


def test_any_other_fault_ends_the_study(small: Data, brief: Recipe, tmp_path: Path) -> None:
    job = replace(plan_job(compile_arm("x"), small, brief, 0, tmp_path), source="x = 1")
    with pytest.raises(RunError, match="no `build` in it"):
        train_missing([job], 1, print)


def test_a_process_that_is_killed_is_one_message(small: Data, brief: Recipe, tmp_path: Path) -> None:
    killing = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n"
    job = replace(plan_job(compile_arm("x"), small, brief, 0, tmp_path), source=killing)
    with pytest.raises(RunError, match="a training process was killed"):
        train_missing([job], 1, print)


def test_an_arm_begins_and_ends_with_the_weights_of_its_run(make_arm: MakeArm, small: Data) -> None:
    arm = make_arm("ResNet-8")
    (run,) = arm.runs
    start, end = arm.build_initial_model(run), arm.load_model(run)
    again = arm.build_initial_model(run)
    pairs = list(zip(start.parameters(), again.parameters(), strict=True))
    assert all(torch.equal(one, other) for one, other in pairs)
    assert any(not torch.equal(a, b) for a, b in zip(start.parameters(), end.parameters(), strict=True))


@pytest.mark.parametrize(("other", "result"), [("stops", "top-1"), ("finishes", "trained by another process")])
def test_a_run_that_another_study_trains_is_waited_for(
    other: str,
    result: str,
    small: Data,
    brief: Recipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    job = plan_job(compile_arm("x"), small, brief, 0, tmp_path)
    holding = ExitStack()
    holding.enter_context(lock_folder(RunFolder(job.folder)))

    def end(seconds: float) -> None:
        """What the other study does meanwhile."""
        holding.close()
        if other == "finishes":
            assert "top-1" in str(run_job(job))

    monkeypatch.setattr(training, "time", SimpleNamespace(sleep=end))
    assert result in str(run_job(job)) and job.is_done
    assert capsys.readouterr().err == f"waits for x, seed 0, which another process trains in {job.folder}\n"


def test_a_run_that_another_study_began_meanwhile_is_gone_on_with(
    small: Data, brief: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was new when this one looked, and had been saved when this one came to make its folder."""
    job = plan_job(compile_arm("x"), small, brief, 0, tmp_path)
    monkeypatch.setattr(training, "time", SimpleNamespace(sleep=lambda seconds: None))
    original, calls = training.train, []

    def train(*arguments: Any, resume: bool, **options: Any) -> Any:
        calls.append(resume)
        if len(calls) == 1:
            original(*arguments, resume=False, **options)
        return original(*arguments, resume=resume, **options)

    monkeypatch.setattr(training, "train", train)
    assert "trained by another process" in str(run_job(job)) and calls == [False]


TRAIN = """
import pickle, sys
from pathlib import Path
from resnetc.runtime.study.training import train_missing
if __name__ == "__main__":
    train_missing(pickle.loads(Path(sys.argv[1]).read_bytes()), 1, print)
"""


def test_the_processes_of_a_study_that_is_killed_save_their_runs_and_end(
    small: Data, brief: Recipe, tmp_path: Path
) -> None:
    endless = replace(brief, epochs=100_000, save_every="1 step")
    jobs = [plan_job(compile_arm("x"), small, endless, seed, tmp_path) for seed in (0, 1)]
    (tmp_path / "train.py").write_text(TRAIN)
    (tmp_path / "jobs").write_bytes(pickle.dumps(jobs))
    environment = os.environ | {"PYTHONPATH": str(Path(resnetc.__file__).parents[1])}
    command = [sys.executable, str(tmp_path / "train.py"), str(tmp_path / "jobs")]
    with subprocess.Popen(command, env=environment, start_new_session=True) as study:
        try:
            run = RunFolder(jobs[0].folder)
            wait_until(lambda: run.is_resumable and run.lock.exists())
            owner = json.loads(run.lock.read_text())["process"]
            study.kill()
            study.wait()
            wait_until(lambda: not is_alive(owner))
        finally:
            with suppress(ProcessLookupError):
                os.killpg(study.pid, signal.SIGKILL)
    with lock_folder(run):  # it holds its folder no more
        assert run.is_resumable and not RunFolder(jobs[1].folder).holds_run


def wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(2400):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("two minutes have passed")


def is_alive(process: int) -> bool:
    """Whether there is a process of that number, which is no zombie."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
