"""Two processes on the CPU, started by torchrun: what they end with, and that both end alike."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import distributed

import resnetc
from resnetc.runtime import data
from resnetc.runtime.data import Data
from resnetc.runtime.distributed import process_group as runtime_distributed
from resnetc.runtime.errors import RunError
from resnetc.runtime.evaluate import evaluate
from resnetc.runtime.recipe import recipe_file
from resnetc.runtime.run import checkpoint
from resnetc.runtime.train import train
from tests import shape_photographs
from tests.unit.runtime.distributed.worker import ALIKE, MIXED, QUICK, choose_set
from tests.unit.runtime.run.test_resume import assert_equal_runs

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def out(source: str, few: Data, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that two processes have left; 100 training images, and 39 to test, which two cannot halve."""
    if not distributed.is_available():
        pytest.skip("this torch has no processes")
    folder = tmp_path_factory.mktemp("group")
    (folder / "small.py").write_text(source)
    arrays = {name: getattr(few, name).numpy() for name in ("train_labels", "test_labels")}
    arrays |= {name: getattr(few, name)[:, 0].numpy() for name in ("train_images", "test_images")}
    cut = {name: array[:39] if name.startswith("test") else array for name, array in arrays.items()}
    np.savez(folder / "few.npz", **cut)
    shape_photographs.make(folder / "shapes", 20, 8)
    shutil.copytree(folder / "shapes", folder / "damaged")
    damaged = folder / "damaged" / "test" / "ring" / "00003.jpg"
    damaged.write_bytes(damaged.read_bytes()[:-200])
    path = os.pathsep.join([str(Path(resnetc.__file__).parent.parent), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    names = [str(HERE / "worker.py"), str(folder / "small.py"), str(folder / "few.npz"), str(folder)]
    process = subprocess.run(
        [*command, *names], env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=300
    )
    assert process.returncode == 0, process.stderr
    return folder


@pytest.fixture(scope="module")
def found(out: Path) -> dict[str, Any]:
    """How each case ended, alike in both processes."""
    first, second = (json.loads((out / f"{rank}.json").read_text()) for rank in (0, 1))
    assert first == second
    assert isinstance(first, dict)
    return first


def test_two_processes_train_as_one_does(out: Path, found: dict[str, Any], source: str, tmp_path: Path) -> None:
    """Without batch statistics, which each process takes of its own images, nothing but rounding differs."""
    alone = source.replace("nn.BatchNorm2d(", "nn.GroupNorm(4, ")
    images, quick = data.load("npz", out / "few.npz"), recipe_file.load("digits", QUICK)
    result = train(alone, "small", images, quick, tmp_path / "alone", quiet=True)
    kind, steps, top1, loss = found["grouped"]
    assert (kind, steps, top1) == ("Result", 15, pytest.approx(result.top1))
    assert loss == pytest.approx(result.test_loss, rel=1e-4)
    ours, _ = checkpoint.load(tmp_path / "alone" / "last.ckpt")
    theirs, _ = checkpoint.load(out / "grouped" / "last.ckpt")
    assert list(ours) == list(theirs)
    for name, tensor in ours.items():
        torch.testing.assert_close(theirs[name], tensor, atol=1e-4, rtol=1e-3)
    divided, _ = checkpoint.load(out / "divided" / "last.ckpt")  # each process's share in two parts
    for name, tensor in ours.items():
        torch.testing.assert_close(divided[name], tensor, atol=1e-4, rtol=1e-3)


def test_two_processes_scale_the_loss_of_float16_as_one_does(
    out: Path, found: dict[str, Any], source: str, tmp_path: Path
) -> None:
    alone = source.replace("nn.BatchNorm2d(", "nn.GroupNorm(4, ")
    images, quick = data.load("npz", out / "few.npz"), recipe_file.load("digits", QUICK)
    result = train(alone, "small", images, replace(quick, precision="float16"), tmp_path / "alone", quiet=True)
    assert found["float16"][:2] == ["Result", 15]
    assert found["float16"][3] == pytest.approx(result.test_loss, rel=0.05)
    ours, theirs = (checkpoint.load(path / "last.ckpt")[0] for path in (tmp_path / "alone", out / "float16"))
    for name in ("scaler/scale", "scaler/_growth_tracker"):
        assert torch.equal(ours[name], theirs[name])


def test_two_processes_mix_and_normalise_the_whole_batch_as_one_does(
    out: Path, found: dict[str, Any], source: str, tmp_path: Path
) -> None:
    images, quick = data.load("npz", out / "few.npz"), replace(recipe_file.load("digits", QUICK), **MIXED)
    result = train(source, "small", images, quick, tmp_path / "alone", quiet=True)
    assert found["synced"][:3] == ["Result", 15, pytest.approx(result.top1)]
    ours, _ = checkpoint.load(tmp_path / "alone" / "last.ckpt")
    theirs, _ = checkpoint.load(out / "synced" / "last.ckpt")
    for name, tensor in ours.items():
        torch.testing.assert_close(theirs[name], tensor, atol=1e-3, rtol=1e-2)


@pytest.mark.parametrize("name", ALIKE)
def test_two_processes_see_what_one_does(
    out: Path, found: dict[str, Any], source: str, tmp_path: Path, name: str
) -> None:
    """Images set aside, noise, rare classes, several classes an image, Datasets of the user's own."""
    chosen = replace(recipe_file.load("digits", QUICK), **ALIKE[name])  # type: ignore[arg-type]
    images = choose_set(name, data.load("npz", out / "few.npz"), chosen, "tests.unit.runtime.distributed.worker")
    alone = source.replace("nn.BatchNorm2d(", "nn.GroupNorm(4, ")
    result = train(alone, "small", images, chosen, tmp_path / "alone", quiet=True)
    assert found[name][:3] == ["Result", result.steps, pytest.approx(result.top1)]
    (ours, facts), (theirs, other_facts) = (
        checkpoint.load(folder / "last.ckpt") for folder in (tmp_path / "alone", out / name)
    )
    for key, tensor in ours.items():
        torch.testing.assert_close(theirs[key], tensor, atol=1e-4, rtol=1e-3)
    assert (
        facts["fingerprint"] == other_facts["fingerprint"] or name == "own"
    )  # of which the name of the module is part
    (record, other) = (one["records"][-1] for one in (facts, other_facts))  # type: ignore[index]
    for key in ("test_loss", "train_loss", "top1", "top5", *record.keys() & {"mean_average_precision", "micro_f1"}):
        assert other[key] == pytest.approx(record[key], rel=1e-3), key


def test_a_synchronised_norm_needs_one_image_in_each_process(found: dict[str, Any]) -> None:
    assert found["alone"][0] == "RunError" and found["single"][0] == "Result"


def test_two_processes_train_on_photographs_as_one_does(
    out: Path, found: dict[str, Any], source: str, tmp_path: Path
) -> None:
    alone = source.replace("nn.BatchNorm2d(", "nn.GroupNorm(4, ").replace("nn.Conv2d(1, 16,", "nn.Conv2d(3, 16,")
    alone = alone.replace("nn.Linear(64, 10)", "nn.Linear(64, 4)")
    shapes = data.read_outline("folder", out / "shapes").at(data.Fit((16, 16), 18)).read()
    chosen = replace(recipe_file.load("digits", QUICK), batch_size=8, epochs=2, workers=0)
    result = train(alone, "small", shapes, chosen, tmp_path / "alone", quiet=True)
    assert found["photographs"][:3] == ["Result", 4, pytest.approx(result.top1)]
    ours, _ = checkpoint.load(tmp_path / "alone" / "last.ckpt")
    theirs, _ = checkpoint.load(out / "shapes-run" / "last.ckpt")
    for name, tensor in ours.items():
        torch.testing.assert_close(theirs[name], tensor, atol=1e-4, rtol=1e-3)


def test_a_damaged_photograph_of_one_process_ends_both_with_its_name(out: Path, found: dict[str, Any]) -> None:
    kind, message, status = found["damaged"]
    assert (kind, status) == ("RunError", 1)
    assert "damaged/test/ring/00003.jpg: damaged image: " in message
    assert checkpoint.load(out / "damaged-run" / "last.ckpt")[1]["step"] == 2


def test_every_test_image_counts_once(out: Path, found: dict[str, Any]) -> None:
    record = json.loads((out / "whole" / "metrics.jsonl").read_text().splitlines()[-1])
    judged = evaluate(out / "whole", weights="last")
    assert judged.images == sum(judged.confusion.values()) == 39
    assert (record["top1"], record["top5"]) == (pytest.approx(judged.top1), pytest.approx(judged.top5))
    assert record["test_loss"] == pytest.approx(judged.loss, rel=1e-5)


def test_a_signal_to_one_stops_both_and_the_run_goes_on_exactly(out: Path, found: dict[str, Any]) -> None:
    kind, message, status = found["stopped"]
    assert (kind, status) == ("Stopped", 75)
    assert message.startswith("stopped by SIGTERM after step 7; saved in ")
    assert found["resumed"] == found["whole"]
    assert_equal_runs(out / "whole", out / "stopped")


def test_processes_start_from_one_file_and_leave_what_is_frozen(out: Path, found: dict[str, Any]) -> None:
    assert found["frozen"][:2] == ["Result", 5]
    start, _ = checkpoint.load(out / "whole" / "best.safetensors")
    ended, facts = checkpoint.load(out / "frozen" / "last.ckpt")
    moved = {name for name, value in start.items() if not torch.equal(ended[f"model/{name}"], value)}
    frozen = {name for name in start if name.startswith(("conv1", "layer2")) or "bn" in name or "downsample.1" in name}
    assert moved == start.keys() - frozen
    assert {name.split("/")[1] for name in ended if name.startswith("optimizer/")} == moved
    assert isinstance(facts["initial_weights"], dict)
    assert facts["initial_weights"]["file"] == str(out / "whole" / "best.safetensors")


def test_a_fault_ends_both(out: Path, found: dict[str, Any]) -> None:
    assert found["again"] == ["RunError", f"{out / 'whole'}: already contains a run: add --resume to continue it, or "
                              "use another --out", 1]  # fmt: skip
    assert (
        found["batch"][1]
        == "--override batch_size=20: a batch of 25 images cannot be divided equally among 2 processes"
    )
    assert found["different"][1] == "the processes have different networks, data or recipes"
    assert "the loss is not finite at step 1 " in found["poisoned"][1]
    assert not (out / "batch").exists()
    assert found["alone"][0] == "RunError"
    assert found["alone"][1].startswith("`norm` of `small` (BatchNorm2d) has one value for each channel and needs two")
    assert (
        "its map is 1x1 at 8x8, and a process's share of a step is one image; use a batch of 4 images or more "
        in (found["alone"][1])
    )
    assert not (out / "alone").exists()
    assert found["pairs"][:2] == ["Result", 25]
    assert not (out / "different").exists()


def test_alone_a_group_is_nothing() -> None:
    model = torch.nn.Linear(1, 1)
    assert runtime_distributed.SINGLE_PROCESS.data_parallel(model) is model
    assert runtime_distributed.SINGLE_PROCESS.shard(torch.arange(3)).tolist() == [0, 1, 2]
    assert runtime_distributed.SINGLE_PROCESS.all_gather("x") == ["x"]
    assert runtime_distributed.SINGLE_PROCESS.all_reduce_max(15) == 15
    with pytest.raises(RunError, match="gone"):
        runtime_distributed.SINGLE_PROCESS.broadcast_from_rank0(lambda: (_ for _ in ()).throw(RunError("gone")))
    with runtime_distributed.join_group("cpu") as own:
        assert (own.rank, own.size, own.restarted) == (0, 1, False)
    assert not distributed.is_initialized()


def test_the_loss_of_another_process_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(distributed, "get_rank", lambda: 1)
    monkeypatch.setattr(distributed, "get_world_size", lambda: 2)
    with pytest.raises(RunError, match=r"^process 1: another process of this run has exited: \[gloo/pair\.cc\] reset$"):
        with runtime_distributed.join_group("cpu"):
            raise RuntimeError("[gloo/pair.cc] reset\nmore")
    with pytest.raises(RuntimeError, match="the network's own"):
        with runtime_distributed.join_group("cpu"):
            raise RuntimeError("the network's own")
